"""A patient opens a message: its author is told once, whoever dies between, and nobody else is."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from mailbox_store import changes, correspondences, flags, mailboxes, messages
from mailbox_store.changes import Row
from mailbox_store.database import MailboxId, Transaction
from mss_gateway.life import acknowledging, read_receipt, submission
from mss_gateway.message import mdn
from mss_gateway.message.parse import scan
from mss_gateway.queue import leases, spooled
from tests.support.read_receipts import read_notification
from tests.support.smtp_site import BERNARD, MARTIN, PATIENT, Site, simple
from tests.unit.mss_gateway.life import elsewhere

ASKS = f"Disposition-Notification-To: <{MARTIN}>\r\n"


def newest(site: Site) -> tuple[MailboxId, Row]:
    account_id = site.person(PATIENT).account_id
    with site.gateway.database.read() as view:
        inbox = mailboxes.find(view, account_id, "INBOX")
        return inbox.mailbox_id, list(changes.rows(view, account_id, inbox.mailbox_id, 1, 2**31))[
            -1
        ]


def opened(site: Site, seen: tuple[MailboxId, Row] | None = None) -> bool:
    """The patient opens the newest message, as a page does that has read it as ``seen``."""
    mailbox_id, row = seen or newest(site)
    patient = site.person(PATIENT)
    with site.gateway.database.read() as view:
        message = scan(changes.read_body(view, patient.account_id, row.message_id))
    return read_receipt.on_opened(site.gateway, patient, mailbox_id, row, message)


def written(site: Site, fields: str = ASKS, author: str = MARTIN) -> str:
    raw = simple(author, f"Message-ID: <7@mss.example>\r\n{fields}", subject="Analyses du foie")
    ref = submission.accept(site.gateway, site.submission(author, (PATIENT,), raw)).message_ref
    site.work()
    return ref


def test_the_author_is_told_once_for_ever(site: Site) -> None:
    written(site)
    assert opened(site) is True
    assert [opened(site) for _ in range(3)] == [False] * 3
    site.work()
    (raw,) = site.kept(MARTIN)
    assert site.acts("report") == ["displayed"]
    told = read_notification(scan(raw))
    assert told is not None and told.kind == "displayed" and told.mode == "manual-action"
    assert (told.recipient, told.message_id) == (PATIENT, "<7@mss.example>")
    assert f"<{PATIENT}>".encode() in raw.partition(b"\r\nTo:")[0]
    assert b"foie" not in raw.lower() and b"bonjour" not in raw.lower()
    text = scan(raw).root.children[0].children[0].text(raw)
    assert PATIENT.partition("@")[0] not in text


def test_it_is_signed_in_the_name_of_whose_mailbox_it_speaks_of(site: Site) -> None:
    written(site)
    opened(site)
    site.work()
    raw = site.kept(MARTIN)[0]
    assert scan(raw).root.media_type == "multipart/signed"
    assert b"\r\nAuto-Submitted: auto-replied\r\n" in raw


def test_an_author_with_keys_of_their_own_is_told_in_an_envelope(site: Site) -> None:
    """Nobody signs again what is signed already: its author is its signer."""
    raw = simple(MARTIN, ASKS)
    submission.accept(site.gateway, site.submission(MARTIN, (PATIENT,), raw))
    site.work()
    opened(site)
    site.execute(
        "UPDATE people SET smime = 'client' WHERE account_id = ?", (site.person(MARTIN).account_id,)
    )
    site.work()
    assert scan(site.kept(MARTIN)[0]).root.media_type == "application/pkcs7-mime"


def test_two_pages_at_once_make_one_receipt(site: Site) -> None:
    written(site)
    seen = newest(site)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: opened(site, seen), range(8)))
    assert sorted(results) == [False] * 7 + [True]
    site.work()
    assert len(site.kept(MARTIN)) == 1


def test_a_crash_leaves_neither_the_mark_nor_the_receipt(site: Site) -> None:
    written(site)

    def dies(*_: object) -> None:
        raise RuntimeError("killed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(acknowledging, "send", dies)
        with pytest.raises(RuntimeError):
            opened(site)
    assert site.counts()["queue_items"] == 0
    assert opened(site) is True
    site.work()
    assert len(site.kept(MARTIN)) == 1


def test_what_another_program_told_is_not_told_again(site: Site) -> None:
    """RFC 3503 §3: a mail program that asked its owner marks the message."""
    written(site)
    mailbox_id, row = newest(site)

    def mark(tx: Transaction) -> None:
        value = flags.mask(tx, mailbox_id, ["$mdnsent"])
        messages.set_flags(tx, mailbox_id, [row.uid], flags.EVERY_FLAG, value)

    site.gateway.database.write(mark)
    assert opened(site) is False
    assert mdn.KEYWORD == "$MDNSent"


@pytest.mark.parametrize(
    "fields",
    [
        "",
        f"Disposition-Notification-To: <{BERNARD}>\r\n",
        f"Disposition-Notification-To: <{MARTIN}>, <{BERNARD}>\r\n",
        f"{ASKS}Auto-Submitted: auto-generated\r\n",
        f"{ASKS}Precedence: bulk\r\n",
        f"{ASKS}Disposition-Notification-Options: x=required,y\r\n",
    ],
)
def test_nobody_else_is_answered_and_no_machine(fields: str, site: Site) -> None:
    written(site, fields)
    assert opened(site) is False
    assert site.counts()["queue_items"] == 0
    assert site.acts("report") == []


def test_a_request_for_a_delivery_report_is_no_request_for_a_receipt(site: Site) -> None:
    written(site, f"Return-Receipt-To: <{MARTIN}>\r\n")
    assert opened(site) is False
    assert site.acts("report") == ["delivered"]


def test_a_null_reverse_path_is_not_answered(site: Site) -> None:
    there = elsewhere.beside(site)
    raw = simple(elsewhere.AUTHOR, f"Disposition-Notification-To: <{elsewhere.AUTHOR}>\r\n")
    elsewhere.hand_in(there, raw, PATIENT, path=None)
    there.work()
    assert opened(there) is False


def test_an_author_elsewhere_is_told_by_the_relay(site: Site) -> None:
    there = elsewhere.beside(site)
    raw = simple(elsewhere.AUTHOR, f"Disposition-Notification-To: <{elsewhere.AUTHOR}>\r\n")
    elsewhere.hand_in(there, raw, PATIENT)
    there.work()
    assert opened(there) is True
    (item,) = elsewhere.leaving(there)
    assert (item.recipient, item.stage) == (elsewhere.AUTHOR, "relay")
    assert read_notification(elsewhere.body_of(there, item)) is not None
    assert opened(there) is False


def test_a_receipt_opens_nothing_and_is_not_answered(site: Site) -> None:
    """The exchange is closed: the receipt arrives, and it stays closed."""
    written(site, f"{ASKS}X-MSS-MES: FIN\r\n")
    assert opened(site) is True
    site.work()
    assert len(site.kept(MARTIN)) == 1
    with site.gateway.database.read() as view:
        assert correspondences.state(view, PATIENT, MARTIN) == "CLOSED"
    assert site.acts("report") == ["displayed"]


def test_who_cannot_sign_today_tells_tomorrow(site: Site) -> None:
    written(site)
    patient = site.person(PATIENT)
    change = "UPDATE certificates SET state = ? WHERE account_id = ?"
    site.execute(change, ("revoked", patient.account_id))
    assert opened(site) is False
    site.execute(change, ("active", patient.account_id))
    assert opened(site) is True


def test_without_room_for_the_mark_nothing_is_told(site: Site) -> None:
    written(site)
    mailbox_id, _ = newest(site)
    names = [f"k{number}" for number in range(58)]
    site.gateway.database.write(lambda tx: flags.mask(tx, mailbox_id, names))
    assert [opened(site), opened(site)] == [False, False]
    assert site.counts()["queue_items"] == 0


def test_a_message_gone_meanwhile_is_not_told_of(site: Site) -> None:
    written(site)
    mailbox_id, row = newest(site)
    assert opened(site, (mailbox_id, row._replace(uid=row.uid + 1))) is False
    assert site.counts()["queue_items"] == 0


def test_what_is_told_is_one_item_of_its_own(site: Site) -> None:
    written(site)
    opened(site)
    with site.gateway.database.read() as view:
        spool = view.vault.account(view, site.gateway.spool)
    now = site.gateway.queue_clock.now()
    (item,) = site.gateway.database.write(lambda tx: leases.claim(tx, spool, 5, now))
    with site.gateway.database.read() as view:
        message = spooled.read_message(view, spool, item.message_ref)
    assert message is not None and item.recipient == MARTIN
    assert message.carried.reverse_path is None and message.carried.is_automatic
    assert message.carried.author == PATIENT
