"""New versions that come by mail: filed, or refused with a word to their author; never half."""

import pytest

from mss_gateway.directory import certificates
from mss_gateway.dossier import listing
from mss_gateway.dossier.documents import State
from mss_gateway.dossier.errors import ImportCode
from mss_gateway.dossier.journal import Act, Side, entries
from mss_gateway.dossier.listing import Reader
from mss_gateway.life import dossier, submission
from mss_gateway.message.parse import scan
from mss_gateway.queue import items, leases
from tests.support import xdm
from tests.support.read_receipts import read_notification
from tests.support.smtp_messages import xdm_message
from tests.support.smtp_site import DUBOIS, MARTIN, PATIENT, Site
from tests.support.xdm import CdaText, Layout, archive, cda_document, entry_for
from tests.unit.mss_gateway.dossier.test_succession import DELETED, OTHER_XON, update, version

UUID = "urn:uuid:11111111-2222-3333-4444-555555555555"
ASKS = "Disposition-Notification-To: <%s>\r\n"


def packed(text: CdaText) -> bytes:
    return archive([entry_for(cda_document(text))], Layout(ids=(UUID,)))


FIRST = packed(version(1))
SECOND = xdm.archive_of(cda_document(version(2)))
ELSEWHERE = {"organisation": "Autre", "organisation_id": "1888888888"}
INTRUDER = xdm.archive_of(cda_document(version(2, replaces="1.2.250.1.999.7.1", **ELSEWHERE)))
CLAIMED = xdm.archive_of(cda_document(version(2, replaces="1.2.250.1.999.7.1")))
SAME_NUMBER = xdm.archive_of(cda_document(version(2, version="1")))


def send(site: Site, content: bytes, author: str = MARTIN, fields: str = "") -> str:
    raw = fields.encode() + xdm_message(content, author)
    ref = submission.accept(site.gateway, site.submission(author, (PATIENT,), raw)).message_ref
    site.work()
    return ref


def states(site: Site) -> dict[str, str]:
    with site.gateway.database.read() as view:
        found = listing.documents_of(
            view, site.person(PATIENT).account_id, Reader.PATIENT, states=tuple(State)
        )
    return {one.title: one.state.value for one in found}


def acts(site: Site) -> list[Act]:
    """What the patient reads of the acts of others, oldest first."""
    with site.gateway.database.read() as view:
        found = entries(view, site.person(PATIENT).account_id, Side.OTHERS)
    return [one.act for one in reversed(found)]


def test_a_new_version_takes_the_place_of_the_old_one_on_record(site: Site) -> None:
    send(site, FIRST)
    send(site, SECOND)

    assert states(site) == {"v1": "superseded", "v2": "current"}
    assert site.acts("dossier") == ["filed", "filed", "replaced"]
    assert acts(site) == [Act.DEPOSITED, Act.DEPOSITED, Act.REPLACED]
    assert site.kept(MARTIN) == []


@pytest.mark.parametrize(
    ("coming", "code", "author"),
    [
        (INTRUDER, ImportCode.AUTHOR_NOT_ALLOWED, DUBOIS),
        (CLAIMED, ImportCode.AUTHOR_NOT_ALLOWED, DUBOIS),
        (SAME_NUMBER, ImportCode.WRONG_VERSION, MARTIN),
        (update(UUID, DELETED), ImportCode.AUTHOR_NOT_ALLOWED, DUBOIS),
        (update(UUID, DELETED, OTHER_XON), ImportCode.AUTHOR_NOT_ALLOWED, DUBOIS),
        (update(UUID.replace("1", "2"), DELETED), ImportCode.WRONG_VERSION, DUBOIS),
    ],
)
@pytest.mark.parametrize("asks", [True, False])
def test_what_may_not_be_is_told_to_its_author_and_changes_nothing(
    asks: bool, coming: bytes, code: ImportCode, author: str, site: Site
) -> None:
    send(site, FIRST)
    fields = ASKS % author if asks else ""

    send(site, coming, author, fields)

    assert states(site) == {"v1": "current"}
    assert site.acts("dossier") == ["filed", f"refused {code.value}"]
    assert acts(site) == [Act.DEPOSITED, Act.NOT_FILED]
    assert len(site.kept(PATIENT)) == 2  # the message itself is delivered
    (told,) = site.kept(author)
    notification = read_notification(scan(told))
    assert (notification is not None) is asks
    assert f"[{code.value}]".encode() in told or str(code.value).encode() in told
    if notification is not None:
        assert notification.error.startswith(f"{code.value}^")
        assert (notification.mode, notification.kind) == ("automatic-action", "processed")
    assert site.counts()["queue_items"] == 0


def test_its_author_takes_a_document_back(site: Site) -> None:
    send(site, FIRST)
    send(site, update(UUID, DELETED))

    assert states(site) == {"v1": "withdrawn"}
    assert site.acts("dossier") == ["filed", "withdrawn"]
    assert acts(site) == [Act.DEPOSITED, Act.WITHDRAWN]
    assert site.kept(MARTIN) == []


def test_a_patient_without_a_certificate_is_no_obstacle(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(site, FIRST)
    patient = site.person(PATIENT).account_id
    real = certificates.of_account
    monkeypatch.setattr(
        certificates,
        "of_account",
        lambda view, account_id: [] if account_id == patient else real(view, account_id),
    )

    send(site, INTRUDER, DUBOIS)

    assert states(site) == {"v1": "current"}
    assert site.acts("dossier") == ["filed", "refused 901"]
    assert site.counts()["queue_items"] == 0


def test_what_comes_in_between_makes_the_stage_look_again(site: Site) -> None:
    """Foreseen as fine, refused when it is its turn: neither filed nor lost without a word."""
    raw = xdm_message(INTRUDER, DUBOIS)
    submission.accept(site.gateway, site.submission(DUBOIS, (PATIENT,), raw))
    assert site.worker.run_batch() == 1
    with site.gateway.database.read() as view:
        spool = view.vault.account(view, site.gateway.spool)
    (item,) = site.gateway.database.write(lambda tx: leases.claim(tx, spool, 1, tx.now))
    foreseen = dossier._prepare(site.gateway, item)
    assert foreseen is not None and foreseen.code is None
    send(site, FIRST)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dossier, "_prepare", lambda gateway, item: foreseen)
        assert dossier.file_item(site.gateway, item).result() is False
    assert states(site) == {"v1": "current"}

    site.work()

    assert site.acts("dossier") == ["filed", "refused 901"]
    assert len(site.kept(DUBOIS)) == 1


def test_a_refusal_that_runs_twice_is_told_once(site: Site) -> None:
    send(site, FIRST)
    raw = xdm_message(INTRUDER, DUBOIS)
    submission.accept(site.gateway, site.submission(DUBOIS, (PATIENT,), raw))
    assert site.worker.run_batch() == 1
    with site.gateway.database.read() as view:
        spool = view.vault.account(view, site.gateway.spool)
    (item,) = site.gateway.database.write(lambda tx: leases.claim(tx, spool, 1, tx.now))

    def broken(*_arguments: object) -> bool:
        raise RuntimeError("killed before the commit")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(items, "finish", broken)
        with pytest.raises(RuntimeError):
            dossier.file_item(site.gateway, item).result()
    assert dossier.file_item(site.gateway, item).result() is False
    assert dossier.file_item(site.gateway, item).result() is False
    site.work()

    assert len(site.kept(DUBOIS)) == 1
    assert site.acts("dossier") == ["filed", "refused 901"]
