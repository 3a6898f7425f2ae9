"""An application's box answers its author, once: taken, or what is wrong with the archive."""

from dataclasses import replace

import pytest

from certs.keyring import PrivateKey
from mailbox_store.database import Transaction
from mss_gateway.config import Config
from mss_gateway.directory import certificates, people
from mss_gateway.directory.people import NewPerson, Traits
from mss_gateway.dossier.errors import ImportCode
from mss_gateway.life import receipt, submission
from mss_gateway.message.parse import scan
from mss_gateway.queue import leases
from mss_gateway.queue.leases import Item
from tests.support import xdm
from tests.support.people import DOMAIN
from tests.support.read_receipts import read_notification
from tests.support.smtp_messages import xdm_message
from tests.support.smtp_site import DUBOIS, MARTIN, Site, simple
from tests.unit.mss_gateway.life import elsewhere

BOX = f"integration@{DOMAIN}"
ASKS = f"Disposition-Notification-To: <{MARTIN}>\r\n".encode()


@pytest.fixture(autouse=True)
def box(site: Site) -> None:
    """A box that a program reads; the gateway has its keys."""
    add_box(site)


def add_box(site: Site, smime: str = "gateway") -> None:
    key, authority = PrivateKey.generate("p256"), site.authority()

    def unit(tx: Transaction) -> None:
        new = NewPerson(BOX, "APP", Traits(entity="Integration"), smime=smime)
        person = people.add(tx, new, Config().mailboxes)
        certificates.issue(tx, authority, person, key, 700)

    site.gateway.database.write(unit)


def send(site: Site, raw: bytes, asks: bool = True) -> str:
    raw = (ASKS if asks else b"") + raw
    ref = submission.accept(site.gateway, site.submission(MARTIN, (BOX,), raw)).message_ref
    site.work()
    return ref


def archive(cda: bytes = xdm.cda_document(), **changes: object) -> bytes:
    """A message with an archive that a program can file, but for what is changed in its entry."""
    entry = replace(xdm.Entry(cda), **changes)  # type: ignore[arg-type]
    return xdm_message(xdm.archive([entry]))


def about(**changes: str) -> bytes:
    """A document about somebody who is described otherwise."""
    return xdm.cda_document(xdm.CdaText(subject=xdm.Subject(**changes)))


def test_what_was_taken_is_told_to_who_asked(site: Site) -> None:
    send(site, archive())
    (raw,) = site.kept(MARTIN)
    told = read_notification(scan(raw))
    assert told is not None
    assert (told.recipient, told.mode, told.kind) == (BOX, "automatic-action", "processed")
    assert told.modifier == told.error == ""
    assert site.acts("report") == ["processed"]
    assert len(site.kept(BOX)) == 1
    assert site.counts()["queue_items"] == site.counts()["queued_messages"] == 0


def test_nothing_is_told_to_who_did_not_ask_while_nothing_is_wrong(site: Site) -> None:
    send(site, archive(), asks=False)
    send(site, simple(), asks=False)
    assert site.kept(MARTIN) == [] and site.acts("report") == []
    assert len(site.kept(BOX)) == 2


BROKEN = {
    ImportCode.INS_ABSENT: archive(about(oid="1.2.3")),
    ImportCode.INS_DIFFERS: archive(patient_id="180127500100104^^^&1.2.250.1.213.1.4.10&ISO^NH"),
    ImportCode.INS_INCOMPLETE: archive(about(birth_name="")),
    ImportCode.OTHER: archive(hash="0" * 40),
}


@pytest.mark.parametrize("code", list(BROKEN), ids=lambda one: str(one.value))
def test_what_is_wrong_is_told_with_its_code(code: ImportCode, site: Site) -> None:
    send(site, BROKEN[code])
    (raw,) = site.kept(MARTIN)
    told = read_notification(scan(raw))
    assert told is not None and (told.kind, told.modifier) == ("processed", "error")
    assert told.error.startswith(f"{code.value}^")
    subject = scan(raw).header.text("subject")
    assert subject == f"[KO Intégration système !][{code.value}] XDM/1.0/DDM+"
    assert site.acts("report") == [str(code.value)]


def test_who_did_not_ask_is_told_what_is_wrong_in_a_letter(site: Site) -> None:
    send(site, BROKEN[ImportCode.OTHER], asks=False)
    (raw,) = site.kept(MARTIN)
    message = scan(raw)
    assert read_notification(message) is None
    assert message.header.text("subject").startswith("[KO Intégration système !][906]")
    assert b"906^" in raw and b"\r\nAuto-Submitted: auto-replied\r\n" in raw
    assert b"text/rfc822-headers" in raw


def test_no_name_and_no_subject_leaves_the_box(site: Site) -> None:
    send(site, archive(about(birth_name="")))
    told = site.kept(MARTIN)[0].upper()
    for word in (b"PAT-TROIS", b"DOMINIQUE", b"279035121518989", b"ESSAI"):
        assert word not in told


@pytest.mark.parametrize(
    "fields",
    [b"Auto-Submitted: auto-generated\r\n", b"Precedence: bulk\r\n"],
)
def test_no_machine_is_answered(fields: bytes, site: Site) -> None:
    send(site, fields + BROKEN[ImportCode.OTHER])
    assert site.kept(MARTIN) == [] and len(site.kept(BOX)) == 1


def test_a_receipt_for_somebody_else_is_not_sent(site: Site) -> None:
    raw = b"Disposition-Notification-To: <paul@ailleurs.example>\r\n" + archive()
    send(site, raw, asks=False)
    assert site.kept(MARTIN) == []


def test_a_box_with_keys_of_its_own_answers_by_itself(site: Site) -> None:
    site.execute(
        "UPDATE people SET smime = 'client' WHERE account_id = ?", (site.person(BOX).account_id,)
    )
    submission.accept(site.gateway, site.submission(MARTIN, (BOX,), ASKS + simple()))
    site.work()
    assert site.acts("report") == []


def test_a_box_of_a_person_is_left_to_its_program(site: Site) -> None:
    raw = ASKS + BROKEN[ImportCode.OTHER]
    submission.accept(site.gateway, site.submission(MARTIN, (DUBOIS,), raw))
    site.work()
    assert site.kept(MARTIN) == []


def _waiting(site: Site) -> Item:
    """A delivered item whose answer is due, leased."""
    submission.accept(site.gateway, site.submission(MARTIN, (BOX,), ASKS + archive()))
    assert site.worker.run_batch() == 1
    return _claimed(site)


def _claimed(site: Site) -> Item:
    with site.gateway.database.read() as view:
        spool = view.vault.account(view, site.gateway.spool)
    now = site.gateway.queue_clock.now()
    (item,) = site.gateway.database.write(lambda tx: leases.claim(tx, spool, 1, now))
    assert item.stage == "receipt"
    return item


def test_it_may_run_twice_and_answers_once(site: Site) -> None:
    item = _waiting(site)
    assert receipt.acknowledge(site.gateway, item).result() is True
    assert receipt.acknowledge(site.gateway, item).result() is False
    site.work()
    assert len(site.kept(MARTIN)) == 1 and site.acts("report") == ["processed"]


def test_who_lost_the_lease_answers_nothing(site: Site) -> None:
    lost = _waiting(site)
    site.clock.pass_by(leases.LEASE_SECONDS + 1)
    again = _claimed(site)
    assert receipt.acknowledge(site.gateway, lost).result() is False
    assert site.acts("report") == []
    assert receipt.acknowledge(site.gateway, again).result() is True


def test_a_box_that_cannot_sign_answers_later_and_never_says_undelivered(site: Site) -> None:
    change = "UPDATE certificates SET state = ? WHERE account_id = ?"
    account_id = site.person(BOX).account_id
    site.execute(change, ("revoked", account_id))
    submission.accept(site.gateway, site.submission(MARTIN, (BOX,), ASKS + archive()))
    for _ in range(8):
        site.work()
        site.clock.pass_by(24 * 3600)
    assert site.kept(MARTIN) == [] and site.counts()["queue_items"] == 0
    assert site.acts("report") == ["no_certificate_for_author"]


def test_an_author_elsewhere_is_answered_by_the_relay(site: Site) -> None:
    there = elsewhere.beside(site)
    author = elsewhere.AUTHOR
    raw = f"Disposition-Notification-To: <{author}>\r\n".encode() + simple(author)
    elsewhere.hand_in(there, raw, BOX)
    there.work()
    (item,) = elsewhere.leaving(there)
    told = read_notification(elsewhere.body_of(there, item))
    assert item.recipient == author and told is not None and told.kind == "processed"
