"""What archives do to the versions in a record, whatever the order in which they come."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from mailbox_store.database import Database
from mailbox_store.vault import AccountId
from mss_gateway.dossier import (
    catalogue,
    companions,
    facets,
    filing,
    integrity,
    listing,
    relations,
    settling,
    xdm,
)
from mss_gateway.dossier.documents import Category, Document, State, Way
from mss_gateway.dossier.errors import ImportCode, VersionRefused
from mss_gateway.dossier.filing import AlreadyThere, Filed, Origin, Outcome
from mss_gateway.dossier.listing import Reader
from tests.support import xdm as packing
from tests.support.xdm import CdaText, Entry, Layout, archive, archive_of, cda_document, entry_for
from tests.support.xdm_witness import witness

NOW = 1_795_000_000
PDF = b"%PDF-1.4\n% une ordonnance inventee\n"
ROOT = "1.2.250.1.999.7"
UUIDS = tuple(f"urn:uuid:{n}1111111-2222-3333-4444-555555555555" for n in range(1, 6))
XON = "Laboratoire des Essais^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1999999999"
ELSEWHERE = {"organisation": "Autre laboratoire", "organisation_id": "1888888888"}


@dataclass
class Record:
    """One patient's record, filled by archives."""

    database: Database
    account: AccountId
    count: int = field(default=0)

    def file(
        self, packed: bytes, way: Way = Way.MESSAGE, signature: str = "valid", by: str = "claire"
    ) -> tuple[Outcome, ...]:
        """As the stage does; raises VersionRefused."""
        self.count += 1
        origin = Origin(f"REF{self.count}", "2", "Dr FICTIVE", f"{by}@mss.example", signature, NOW)
        with self.database.read() as view:
            made = filing.prepare_archive(
                view, self.account, xdm.examine(packed), origin, NOW + self.count, way
            )
        return self.database.write(lambda tx: filing.file_archive(tx, made))

    def refused(self, packed: bytes, **how: str) -> ImportCode:
        """The code of an archive that changes nothing."""
        before = self.dump()
        with pytest.raises(VersionRefused) as refusal:
            self.file(packed, **how)  # type: ignore[arg-type]
        assert self.dump() == before
        return refusal.value.code

    def dump(self) -> list[object]:
        """Everything that an archive could change."""
        with self.database.read() as view:
            tables = ("documents", "document_names", "document_copies", "record_facets", "blobs")
            return [
                [tuple(row) for row in view.sql(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall()]
                for name in tables
            ]

    def all(self) -> dict[str, Document]:
        """Every document by its title."""
        with self.database.read() as view:
            found = listing.documents_of(view, self.account, Reader.OPERATOR, states=tuple(State))
        return {one.title: one for one in found}

    def states(self) -> dict[str, str]:
        """State of every document by its title."""
        return {title: one.state.value for title, one in sorted(self.all().items())}

    def history(self, title: str) -> list[str]:
        """The versions of a document, newest first."""
        with self.database.read() as view:
            return [one.title for one in relations.history(view, self.all()[title])]

    def counted(self) -> int:
        """Documents as the page counts them."""
        with self.database.read() as view:
            return sum(facets.by_category(view, self.account).values())


@pytest.fixture
def record(database: Database, patient: AccountId) -> Record:
    return Record(database, patient)


def version(number: int, **changes: object) -> CdaText:
    """Version ``number`` of one set; it says by its set what it replaces."""
    return CdaText(  # type: ignore[arg-type]
        **{
            "title": f"v{number}",
            "unique_id": f"{ROOT}.{number}",
            "version": str(number),
            "effective": f"2026112{number}093000+0100",
            **changes,
        }
    )


def packed(text: CdaText, uuid: str = "", **changes: object) -> bytes:
    """An archive of one CDA, its entry under this UUID."""
    entry = entry_for(cda_document(text), **changes)
    return archive([entry], Layout(ids=(uuid,) if uuid else ()))


def by_uuid(number: int, replaces: str = "", **changes: object) -> bytes:
    """A document of no set, replacing by an entry UUID only."""
    text = version(number, set_id=f"{ROOT}.{number}", **changes)
    return packed(text, UUIDS[number], replaces=replaces)


def update(target: str, status: str, institution: str = XON, person: str = "") -> bytes:
    """An archive that only asks for a status; its set's author is of this institution."""
    metadata = packing.metadata([], Layout(updates=((target, status),))).decode()
    written = '<rim:Slot name="authorPerson"><rim:ValueList><rim:Value>899999999991^FICTIVE^Claire'
    assert written in metadata
    slot = packing._slot("authorInstitution", institution) if institution else ""
    metadata = metadata.replace(written, slot + written.replace("899999999991", person))
    return packing.zip_of([("IHE_XDM/SUBSET01/METADATA.XML", metadata.encode())])


DEPRECATED, DELETED, APPROVED = "Deprecated", "Deleted", "Approved"


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_versions_of_a_set_end_the_same_in_any_order(
    order: tuple[int, ...], record: Record
) -> None:
    for number in order:
        record.file(packed(version(number)))

    assert record.states() == {"v1": "superseded", "v2": "superseded", "v3": "current"}
    assert record.history("v1") == record.history("v3") == ["v3", "v2", "v1"]
    assert record.counted() == 1


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_so_do_documents_that_know_each_other_by_their_entry_uuid(
    order: tuple[int, ...], record: Record
) -> None:
    made = {1: by_uuid(1), 2: by_uuid(2, UUIDS[1]), 3: by_uuid(3, UUIDS[2])}
    for number in order:
        record.file(made[number])

    assert record.states() == {"v1": "superseded", "v2": "superseded", "v3": "current"}
    found = record.all()
    assert found["v1"].replaced_by == found["v2"].document_id
    assert found["v2"].replaced_by == found["v3"].document_id


@pytest.mark.parametrize("is_first", [True, False])
def test_so_do_those_that_the_cda_names(is_first: bool, record: Record) -> None:
    newer = version(2, set_id="9.9", replaces=f"{ROOT}.1")
    both = [packed(version(1)), packed(newer)]
    for one in both if is_first else reversed(both):
        record.file(one)

    assert record.states() == {"v1": "superseded", "v2": "current"}


KNOWN: dict[str, Callable[[Record], object]] = {
    "known": lambda record: record.file(by_uuid(1)),
    "unknown": lambda record: None,
    "already replaced": lambda record: (
        record.file(by_uuid(1)),
        record.file(by_uuid(3, UUIDS[1])),
    ),
}
OTHER_XON = XON.replace("1999999999", "1888888888")
ASKED = {
    ("replace", "same"): by_uuid(2, UUIDS[1]),
    ("replace", "other"): by_uuid(2, UUIDS[1], **ELSEWHERE),
    ("deprecate", "same"): update(UUIDS[1], DEPRECATED),
    ("deprecate", "other"): update(UUIDS[1], DEPRECATED, OTHER_XON),
    ("delete", "same"): update(UUIDS[1], DELETED),
    ("delete", "other"): update(UUIDS[1], DELETED, OTHER_XON),
}
EXPECTED: dict[tuple[str, str, str], dict[str, str] | int] = {
    ("replace", "same", "known"): {"v1": "superseded", "v2": "current"},
    ("replace", "same", "unknown"): {"v2": "current"},
    ("replace", "same", "already replaced"): 900,
    ("replace", "other", "known"): 901,
    ("replace", "other", "unknown"): {"v2": "current"},
    ("replace", "other", "already replaced"): 901,
    ("deprecate", "same", "known"): {"v1": "deprecated"},
    ("deprecate", "same", "unknown"): 900,
    ("deprecate", "same", "already replaced"): 900,
    ("deprecate", "other", "known"): 901,
    ("deprecate", "other", "unknown"): 900,
    ("deprecate", "other", "already replaced"): 901,
    ("delete", "same", "known"): {"v1": "withdrawn"},
    ("delete", "same", "unknown"): 900,
    ("delete", "same", "already replaced"): 900,
    ("delete", "other", "known"): 901,
    ("delete", "other", "unknown"): 900,
    ("delete", "other", "already replaced"): 901,
}


@pytest.mark.parametrize(("asked", "who", "which"), list(EXPECTED))
def test_who_may_do_what_to_which(asked: str, who: str, which: str, record: Record) -> None:
    KNOWN[which](record)
    expected, coming = EXPECTED[asked, who, which], ASKED[asked, who]

    if isinstance(expected, int):
        assert record.refused(coming) == expected
    else:
        record.file(coming)
        assert record.states() == expected
        current = sum(state == "current" for state in expected.values())
        assert record.counted() == current


def test_a_claim_of_another_organisation_never_holds_when_its_target_comes(record: Record) -> None:
    record.file(by_uuid(2, UUIDS[1], **ELSEWHERE))
    record.file(by_uuid(1))

    assert record.states() == {"v1": "current", "v2": "current"}


def test_a_newer_version_stays_masked_and_so_does_an_older_one_that_is_late(record: Record) -> None:
    record.file(packed(version(2)))
    second = record.all()["v2"].document_id
    record.database.write(lambda tx: catalogue.mask(tx, record.account, second, is_masked=True))
    record.file(packed(version(3)))
    record.file(packed(version(1)))

    assert all(one.is_masked for one in record.all().values())
    record.database.write(lambda tx: catalogue.mask(tx, record.account, second, is_masked=False))
    assert not any(one.is_masked for one in record.all().values())


def test_the_same_version_twice_is_one_document(record: Record) -> None:
    (first,) = record.file(packed(version(1)))
    again = packed(version(1, sections=(("Conclusion", "<paragraph>Autre.</paragraph>"),)))

    assert record.file(packed(version(1))) == (AlreadyThere(first.document_id),)
    assert record.file(again) == (AlreadyThere(first.document_id),)
    assert record.counted() == 1


def test_the_same_document_under_another_entry_uuid_is_known_by_both(record: Record) -> None:
    record.file(packed(version(1), UUIDS[1]))
    record.file(packed(version(1), UUIDS[2]))

    record.file(update(UUIDS[2], DEPRECATED))
    record.file(update(UUIDS[1], DELETED))

    assert record.states() == {"v1": "withdrawn"}


def test_a_status_is_asked_for_twice_and_taken_back(record: Record) -> None:
    record.file(by_uuid(1))
    for status, expected in (
        (DEPRECATED, "deprecated"),
        (DEPRECATED, "deprecated"),
        (APPROVED, "current"),
    ):
        record.file(update(UUIDS[1], status))
        assert record.states() == {"v1": expected}
    assert record.counted() == 1
    assert record.refused(update(UUIDS[1], "Submitted")) is ImportCode.OTHER


def test_a_set_without_an_institution_is_judged_by_its_author_or_its_signer(record: Record) -> None:
    record.file(by_uuid(1))

    stranger = update(UUIDS[1], DELETED, "", "899999999992")
    assert record.refused(stranger, by="autre") is ImportCode.AUTHOR_NOT_ALLOWED
    record.file(update(UUIDS[1], DEPRECATED, "", "899999999992"), by="claire")
    record.file(update(UUIDS[1], DELETED, "", "899999999991"), by="claire")

    assert record.states() == {"v1": "withdrawn"}


def test_what_one_mailbox_signed_no_other_touches_whatever_it_claims(record: Record) -> None:
    record.file(packed(version(1), UUIDS[1]))

    for claimed in (
        update(UUIDS[1], DELETED),
        update(UUIDS[1], DELETED, "", "899999999991"),
        packed(version(2, replaces=f"{ROOT}.1")),
        by_uuid(2, UUIDS[1]),
    ):
        assert record.refused(claimed, by="paul") is ImportCode.AUTHOR_NOT_ALLOWED
    record.file(packed(version(2)), by="paul")

    assert record.states() == {"v1": "current", "v2": "current"}


@pytest.mark.parametrize("squat", [{"unique_id": "9.9"}, {"set_id": "9.9"}, {}])
@pytest.mark.parametrize("claim", [{}, ELSEWHERE])
@pytest.mark.parametrize("is_first", [True, False])
def test_what_others_put_under_a_set_or_an_id_keeps_nobody_out(
    squat: dict[str, str], claim: dict[str, str], is_first: bool, record: Record
) -> None:
    foreign = packed(version(1, title="squat", **{**claim, **squat}))
    if is_first:
        record.file(foreign, by="paul")
    record.file(packed(version(1)))
    if not is_first:
        record.file(foreign, by="paul")
    record.file(packed(version(2, replaces=f"{ROOT}.1")))

    assert record.states() == {"squat": "current", "v1": "superseded", "v2": "current"}


def test_a_version_that_is_no_number_is_not_taken_for_another(record: Record) -> None:
    def numbered(word: str) -> bytes:
        entry = replace(
            entry_for(cda_document(version(1))),
            content=PDF + word.encode(),
            uri="DOC.PDF",
            mime_type="application/pdf",
        )
        metadata = packing.metadata([entry])
        assert b'versionName="1"' in metadata
        folder = "IHE_XDM/SUBSET01"
        return packing.zip_of(
            [
                (f"{folder}/METADATA.XML", metadata.replace(b'"1"', f'"{word}"'.encode())),
                (f"{folder}/DOC.PDF", entry.content),
            ]
        )

    record.file(numbered("1.1"))

    assert record.refused(numbered("1.2")) is ImportCode.WRONG_VERSION


def test_what_came_signed_is_touched_by_what_is_signed(record: Record) -> None:
    record.file(packed(version(1), UUIDS[1]))

    newer = packed(version(2, replaces=f"{ROOT}.1"))
    unsigned = record.refused(newer, signature="absent")
    assert unsigned is ImportCode.AUTHOR_NOT_ALLOWED
    assert record.refused(update(UUIDS[1], DELETED), signature="absent") == unsigned
    record.file(newer, Way.IMPORTED, "")
    assert record.states() == {"v1": "superseded", "v2": "current"}


def test_ids_that_only_the_archive_knows_are_read_in_it(record: Record) -> None:
    old = entry_for(cda_document(version(1, set_id="9.1")), uri="DOC0001.XML")
    new = entry_for(
        cda_document(version(2, set_id="9.2")), uri="DOC0002.XML", replaces="Document01"
    )
    nothing = entry_for(
        cda_document(version(3, set_id="9.3")), uri="DOC0003.XML", replaces="Document09"
    )

    record.file(archive([old, new, nothing]))

    assert record.states() == {"v1": "superseded", "v2": "current", "v3": "current"}


def test_one_thing_wrong_and_nothing_of_the_archive_is_filed(record: Record) -> None:
    record.file(by_uuid(1))
    fine = entry_for(cda_document(version(4, set_id="9.4")), uri="DOC0001.XML")
    wrong = entry_for(
        cda_document(version(2, set_id="9.2", **ELSEWHERE)), uri="DOC0002.XML", replaces=UUIDS[1]
    )

    assert record.refused(archive([fine, wrong])) is ImportCode.AUTHOR_NOT_ALLOWED


def test_two_new_versions_of_one_document_in_one_archive(record: Record) -> None:
    record.file(packed(version(1)))
    both = [entry_for(cda_document(version(n)), uri=f"DOC000{n}.XML") for n in (3, 2)]

    record.file(archive(both))

    assert record.states() == {"v1": "superseded", "v2": "superseded", "v3": "current"}


def test_a_deposit_of_the_patient_s_own_is_outside_of_it(record: Record) -> None:
    content = cda_document(version(1))
    origin = Origin("DEP", "", "Camille", "", "", NOW)
    file = filing.PlainFile(content, "v1", Category.REPORT, None)
    with record.database.read() as view:
        made = filing.prepare_file(view, record.account, file, origin, NOW, Way.DEPOSITED)
    record.database.write(lambda tx: filing.file_attachment(tx, made))

    record.file(packed(version(2, replaces=f"{ROOT}.1")))

    assert record.states() == {"v1": "current", "v2": "current"}
    newer = cda_document(version(3))
    file, place = replace(file, content=newer, title="v3"), replace(origin, part="2")
    with record.database.read() as view:
        made = filing.prepare_file(view, record.account, file, place, NOW, Way.DEPOSITED)
    record.database.write(lambda tx: filing.file_attachment(tx, made))
    assert record.states() == {"v1": "current", "v2": "current", "v3": "current"}


def test_what_the_patient_saved_by_hand_and_may_not_replace_stands_beside(record: Record) -> None:
    record.file(packed(version(1)))
    intruder = cda_document(version(2, **ELSEWHERE))
    file = filing.PlainFile(intruder, "v2", Category.REPORT, None)
    origin = Origin("SAVED", "2", "X", "x@mss.example", "valid", NOW)
    with record.database.read() as view:
        made = filing.prepare_file(view, record.account, file, origin, NOW, Way.SAVED)

    assert isinstance(record.database.write(lambda tx: filing.file_attachment(tx, made)), Filed)
    assert record.states() == {"v1": "current", "v2": "current"}


def test_the_version_before_stands_again_when_its_successor_is_removed(record: Record) -> None:
    record.file(packed(version(1)))
    (newer,) = record.file(packed(version(2)))

    record.database.write(lambda tx: catalogue.remove(tx, record.account, newer.document_id))

    assert record.states() == {"v1": "current"}
    assert record.all()["v1"].replaced_by is None
    assert record.counted() == 1


def test_history_that_an_import_brings_keeps_its_states(record: Record) -> None:
    status = "urn:oasis:names:tc:ebxml-regrep:StatusType:"
    old = packed(version(1), UUIDS[1], status=status + "Deprecated")

    record.file(old, Way.IMPORTED, "")
    assert record.states() == {"v1": "deprecated"}
    record.file(packed(version(2)), Way.IMPORTED, "")
    assert record.states() == {"v1": "deprecated", "v2": "current"}


def test_a_pdf_copy_in_the_archive_is_the_same_document(record: Record) -> None:
    text = cda_document(version(1))
    entries = [
        Entry(PDF, "DOC0002.PDF", "application/pdf", unique_id=f"{ROOT}.9", title="copie"),
        entry_for(text, uri="DOC0001.XML"),
    ]
    metadata = packing.metadata(entries).decode()
    association = packing._association("HasMember", "SubmissionSet01", "Document02")
    transformed = packing._association("RPLC", "Document01", "Document02").replace("RPLC", "XFRM")
    at = metadata.index("</rim:RegistryObjectList>")
    metadata = metadata[:at] + transformed + metadata[at:]
    assert association[-30:] in metadata
    folder = "IHE_XDM/SUBSET01"
    whole = packing.zip_of(
        [
            (f"{folder}/METADATA.XML", metadata.encode()),
            (f"{folder}/DOC0002.PDF", PDF),
            (f"{folder}/DOC0001.XML", text),
        ]
    )

    (outcome,) = record.file(whole, Way.IMPORTED, "")

    assert record.states() == {"v1": "current"}
    with record.database.read() as view:
        assert catalogue.find_same(view, record.account, filing.digest_of(PDF)) == (
            outcome.document_id
        )
        (kept,) = companions.of_document(view, record.account, outcome.document_id)
    assert (kept.path, kept.content) == ("IHE_XDM/SUBSET01/DOC0002.PDF", PDF)


def test_signatures_stay_with_their_document_and_go_with_it(record: Record) -> None:
    text = cda_document(version(1))
    signature = Entry(
        b"<Signature/>", "SIGN.XML", format_code="urn:ihe:iti:dsg:detached:2014", unique_id="1.9"
    )
    signed = archive([entry_for(text), signature])

    (outcome,) = record.file(signed, Way.IMPORTED, "")
    assert record.file(signed, Way.IMPORTED, "") == (AlreadyThere(outcome.document_id),)

    with record.database.read() as view:
        found = list(companions.of_document(view, record.account, outcome.document_id))
        assert integrity.verify(view).is_whole
    assert [one.content for one in found] == [b"<Signature/>"]
    record.database.write(
        lambda tx: tx.sql("UPDATE document_companions SET sealed = zeroblob(length(sealed))")
    )
    with record.database.read() as view:
        assert integrity.verify(view).altered == (outcome.document_id,)
    record.database.write(lambda tx: catalogue.remove(tx, record.account, outcome.document_id))
    with record.database.read() as view:
        assert view.sql("SELECT count(*) FROM document_companions").scalar() == 0
        assert view.sql("SELECT count(*) FROM document_names").scalar() == 0


def test_a_pdf_that_an_import_brought_first_goes_behind_its_cda(record: Record) -> None:
    file = filing.PlainFile(PDF, "copie", Category.REPORT, None)
    origin = Origin("IMP", "", "operator", "", "", NOW)
    with record.database.read() as view:
        made = filing.prepare_file(view, record.account, file, origin, NOW, Way.IMPORTED)
    record.database.write(lambda tx: filing.file_attachment(tx, made))

    record.file(archive_of(cda_document(version(1, pdf=PDF))), Way.IMPORTED, "")

    assert record.states() == {"copie": "superseded", "v1": "current"}
    assert not record.all()["v1"].is_masked


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_the_mask_of_such_a_pdf_follows_to_its_cda_and_the_versions_of_that(
    order: tuple[int, ...], record: Record
) -> None:
    file = filing.PlainFile(PDF, "copie", Category.REPORT, None)
    origin = Origin("IMP", "", "operator", "", "", NOW)
    with record.database.read() as view:
        made = filing.prepare_file(view, record.account, file, origin, NOW, Way.IMPORTED)
    record.database.write(lambda tx: filing.file_attachment(tx, made))
    copy = made.document.document_id
    record.database.write(lambda tx: catalogue.mask(tx, record.account, copy, is_masked=True))

    # the copy is of whichever version the archive has first
    entries = [
        entry_for(
            cda_document(version(n, **({"pdf": PDF} if n == order[0] else {}))),
            uri=f"DOC000{n}.XML",
        )
        for n in order
    ]
    record.file(archive(entries), Way.IMPORTED, "")

    assert record.states() == {"copie": "superseded", "v1": "superseded", "v2": "current"}
    assert all(one.is_masked for one in record.all().values())


def test_documents_of_an_earlier_release_are_linked_at_the_start(record: Record) -> None:
    record.file(packed(version(1)))
    record.file(packed(version(2, set_id="9.9", replaces=f"{ROOT}.1")))
    record.file(packed(version(4, set_id="9.4", replaces=f"{ROOT}.3")))
    expected = record.all()

    def forget(tx: object) -> None:
        tx.sql("DELETE FROM document_names")  # type: ignore[attr-defined]
        tx.sql("UPDATE documents SET linked = 0, replaced_by = NULL")  # type: ignore[attr-defined]

    record.database.write(forget)
    assert settling.settle(record.database) == 3
    assert settling.settle(record.database) == 0

    assert record.all() == expected
    record.file(packed(version(3, set_id="9.3")))
    assert record.states()["v3"] == "superseded"


def test_nobody_learns_from_the_tables_what_replaces_what(record: Record) -> None:
    record.file(by_uuid(2, UUIDS[1]))
    rows = repr(record.dump())

    for secret in (UUIDS[1], UUIDS[2], f"{ROOT}.2", "1999999999"):
        assert secret not in rows
        assert secret.encode().hex() not in rows


def test_a_second_reader_sees_the_same_documents_in_what_replaces(record: Record) -> None:
    coming = by_uuid(2, UUIDS[1])
    seen = witness(coming)

    record.file(coming)

    (content,) = seen.documents.values()
    assert record.all()["v2"].digest == filing.digest_of(content)
