"""The patient's own rule: off by default, then exactly what it says, each document once."""

from dataclasses import replace

import pytest

from mailbox_store.database import Transaction
from mss_gateway.dossier import catalogue, filing_rules, listing
from mss_gateway.dossier.documents import Category, Document, Way
from mss_gateway.dossier.filing_rules import From, Rule
from mss_gateway.dossier.journal import Act, Side, entries
from mss_gateway.dossier.listing import Reader
from mss_gateway.life import dossier, submission
from mss_gateway.life import filing_rules as life
from mss_gateway.queue import items, leases
from mss_gateway.queue.carried import Carried
from tests.support import xdm
from tests.support.pdf import pdf_of
from tests.support.smtp_messages import forwarded
from tests.support.smtp_site import DUBOIS, MARTIN, OTHER_PATIENT, PATIENT, Site, attached, simple

PDF = b"%PDF-1.4\n% un essai\n"
ANYONE = Rule(From.ANYONE, Category.BIOLOGY)


def send(site: Site, raw: bytes, author: str = MARTIN, to: str = PATIENT) -> str:
    ref = submission.accept(site.gateway, site.submission(author, (to,), raw)).message_ref
    site.work()
    return ref


def choose(site: Site, rule: Rule, *chosen: str) -> None:
    account_id = site.person(PATIENT).account_id
    site.gateway.database.write(lambda tx: filing_rules.keep(tx, account_id, rule, chosen))


def documents(site: Site, address: str = PATIENT) -> list[Document]:
    with site.gateway.database.read() as view:
        return listing.documents_of(view, site.person(address).account_id, Reader.PATIENT)


def several(*files: tuple[str, bytes]) -> bytes:
    """A message with several attachments."""
    whole = attached(*files[0])
    for name, content in files[1:]:
        part = attached(name, content).split(b"--limite\r\n", 2)[2]
        whole = whole.removesuffix(b"--limite--\r\n") + b"--limite\r\n" + part
    return whole


def test_nothing_is_filed_by_default(site: Site) -> None:
    send(site, attached("a.pdf", PDF))

    assert documents(site) == []
    assert site.acts("dossier") == []


def test_everyone_s_attachments_are_filed_with_where_they_come_from(site: Site) -> None:
    choose(site, ANYONE)
    ref = send(site, attached("Ordonnance.pdf", PDF))

    (document,) = documents(site)
    assert (document.title, document.category) == ("Ordonnance", Category.BIOLOGY)
    assert document.way is Way.SAVED
    assert document.is_patients_own
    assert document.provenance.message_ref == ref
    assert document.provenance.part == "1.2"
    assert (document.provenance.signature, document.provenance.signer_address) == ("valid", MARTIN)
    assert site.acts("dossier") == ["filed"]
    with site.gateway.database.read() as view:
        (entry,) = entries(view, site.person(PATIENT).account_id, Side.OTHERS)
    assert (entry.act, entry.who, entry.title) == (Act.DEPOSITED, "Dr Claire MARTIN", "Ordonnance")
    assert site.counts()["queue_items"] == 0


def test_without_a_category_the_proposed_one_is_taken(site: Site) -> None:
    choose(site, Rule(From.ANYONE))
    send(site, attached("certificat medical.pdf", PDF))

    assert [one.category for one in documents(site)] == [Category.CERTIFICATE]


def test_only_chosen_correspondents_are_filed(site: Site) -> None:
    choose(site, Rule(From.CHOSEN, Category.REPORT), DUBOIS)
    send(site, attached("a.pdf", PDF))
    send(site, attached("b.pdf", PDF + b"2", DUBOIS), DUBOIS)

    assert [one.title for one in documents(site)] == ["b"]


def test_another_patient_s_rule_is_nobody_else_s(site: Site) -> None:
    choose(site, ANYONE)
    send(site, attached("a.pdf", PDF), to=OTHER_PATIENT)

    assert documents(site, OTHER_PATIENT) == []


def test_the_same_bytes_are_one_document_whoever_sends_them(site: Site) -> None:
    choose(site, ANYONE)
    send(site, several(("a.pdf", PDF), ("b.pdf", PDF)))
    send(site, attached("c.pdf", PDF, DUBOIS), DUBOIS)

    assert len(documents(site)) == 1
    assert site.acts("dossier") == ["filed", "already there", "already there"]


def test_what_the_patient_removed_is_not_brought_back(site: Site) -> None:
    choose(site, ANYONE)
    send(site, attached("a.pdf", PDF))
    (document,) = documents(site)
    account_id = site.person(PATIENT).account_id
    site.gateway.database.write(lambda tx: catalogue.remove(tx, account_id, document.document_id))

    send(site, attached("a.pdf", PDF))

    assert documents(site) == []


def test_what_a_record_does_not_hold_is_left_in_the_message(site: Site) -> None:
    choose(site, ANYONE)
    odd = several(
        ("a.zip", xdm.zip_of([("a.txt", b"x")])),
        ("vide.pdf", b""),
        ("son.bin", bytes(range(256))),
    )
    send(site, odd)
    send(site, forwarded(attached("a.pdf", PDF)))
    send(site, simple())

    assert documents(site) == []
    assert len(site.kept(PATIENT)) == 3


@pytest.mark.parametrize(("over", "count"), [(0, 1), (1, 0)])
def test_the_largest_that_is_filed(over: int, count: int, site: Site) -> None:
    limits = replace(site.gateway.config.dossier, deposit_octets=len(PDF) - over)
    gateway = replace(site.gateway, config=replace(site.gateway.config, dossier=limits))
    choose(site, ANYONE)
    raw = attached("a.pdf", PDF)
    submission.accept(site.gateway, site.submission(MARTIN, (PATIENT,), raw))
    assert site.worker.run_batch() == 1
    item = claimed(site)

    assert dossier.file_item(gateway, item).result() is bool(count)
    assert len(documents(site)) == count


def test_of_very_many_attachments_the_first_are_filed(site: Site) -> None:
    choose(site, ANYONE)
    many = [(f"{n}.pdf", PDF + b"%d" % n) for n in range(life.MAX_FILED + 1)]
    send(site, several(*many))

    assert len(documents(site)) == life.MAX_FILED


def test_the_pdf_beside_an_archive_is_what_the_archive_holds(site: Site) -> None:
    choose(site, ANYONE)
    beside = "20261119_CR_d_examens_PAT-TROIS_DOMINIQUE.pdf"
    send(
        site,
        several(
            ("IHE_XDM.ZIP", xdm.archive_of(xdm.cda_document())),
            (beside, PDF),
            ("facture.pdf", pdf_of(["Facture"])),
        ),
    )

    assert sorted(one.title for one in documents(site)) == ["Compte rendu d'analyses", "facture"]


CARRIED = Carried(
    reverse_path=MARTIN,
    author=MARTIN,
    author_account=1,
    author_role="PROFESSIONAL",
    channel="mx",
    signature="valid",
    signer="Dr",
    signer_fingerprint="",
    is_automatic=False,
    closes=False,
    reply_to=(),
    has_xdm=False,
)


@pytest.mark.parametrize(
    ("changes", "applies"),
    [
        ({}, True),
        ({"author_role": "ORGANISATION"}, True),
        ({"author_role": "APPLICATION"}, True),
        ({"signature": "absent"}, False),
        ({"signature": "invalid"}, False),
        ({"is_automatic": True}, False),
        ({"author_role": "SYSTEM"}, False),
        ({"author_role": "PATIENT"}, False),
    ],
)
def test_whose_words_a_rule_looks_at(changes: dict[str, object], applies: bool, site: Site) -> None:
    choose(site, ANYONE)
    carried = replace(CARRIED, **changes)  # type: ignore[arg-type]
    with site.gateway.database.read() as view:
        found = life.rule_for(view, site.person(PATIENT), carried)
        nobody_s = life.rule_for(view, site.person(DUBOIS), carried)
    assert (found == ANYONE) is applies
    assert nobody_s is None


def claimed(site: Site) -> leases.Item:
    with site.gateway.database.read() as view:
        spool = view.vault.account(view, site.gateway.spool)
    (item,) = site.gateway.database.write(lambda tx: leases.claim(tx, spool, 1, tx.now))
    assert item.stage == "dossier"
    return item


def test_killed_in_the_stage_and_run_again_files_once(site: Site) -> None:
    choose(site, ANYONE)
    raw = attached("a.pdf", PDF)
    submission.accept(site.gateway, site.submission(MARTIN, (PATIENT,), raw))
    assert site.worker.run_batch() == 1
    assert len(site.kept(PATIENT)) == 1  # delivered, not filed
    item = claimed(site)

    def broken(*_arguments: object) -> bool:
        raise RuntimeError("killed before the commit")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(items, "finish", broken)
        with pytest.raises(RuntimeError):
            dossier.file_item(site.gateway, item).result()
    assert documents(site) == []
    assert dossier.file_item(site.gateway, item).result() is True
    assert dossier.file_item(site.gateway, item).result() is False

    assert len(documents(site)) == 1
    assert site.acts("dossier") == ["filed"]


def test_a_rule_that_is_taken_back_before_the_stage_files_nothing(site: Site) -> None:
    choose(site, ANYONE)
    raw = attached("a.pdf", PDF)
    submission.accept(site.gateway, site.submission(MARTIN, (PATIENT,), raw))
    assert site.worker.run_batch() == 1
    choose(site, Rule())
    site.work()

    assert documents(site) == []
    assert site.counts()["queue_items"] == 0


def test_a_rule_is_kept_replaced_and_dropped(site: Site) -> None:
    account_id = site.person(PATIENT).account_id

    def known() -> tuple[Rule, bool, bool]:
        with site.gateway.database.read() as view:
            return (
                filing_rules.read(view, account_id),
                filing_rules.is_chosen(view, account_id, MARTIN),
                filing_rules.is_chosen(view, account_id, DUBOIS),
            )

    assert known() == (Rule(), False, False)
    choose(site, Rule(From.CHOSEN, Category.IMAGING), MARTIN, MARTIN)
    assert known() == (Rule(From.CHOSEN, Category.IMAGING), True, False)
    choose(site, Rule(From.CHOSEN), DUBOIS)
    assert known() == (Rule(From.CHOSEN), False, True)
    choose(site, ANYONE, DUBOIS)
    assert known() == (ANYONE, False, False)
    choose(site, Rule())
    assert known() == (Rule(), False, False)


def test_the_tables_do_not_say_who_writes_to_whom(site: Site) -> None:
    choose(site, Rule(From.CHOSEN, Category.IMAGING), MARTIN)

    def dump(tx: Transaction) -> str:
        rows = [
            tuple(row)
            for name in ("filing_rules", "filing_rule_correspondents")
            for row in tx.sql(f"SELECT * FROM {name}").fetchall()
        ]
        assert len(rows) == 2
        return repr(rows)

    told = site.gateway.database.write(dump)
    assert MARTIN not in told
    assert "DOCPAT04" not in told
    assert "chosen" not in told
