"""Reading the mailboxes back and comparing with the ledger.

As any IMAP client does; those of patients, whom no IMAP serves, from the store of a stopped server.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from certs.cms.signed import verify_signed
from certs.errors import SignatureRejected
from mailbox_store import changes, mailboxes
from mss_gateway.directory import people
from mss_gateway.life.gateway import Gateway
from mss_gateway.message import smime
from mss_gateway.message.parse import scan
from tests.crash.clients import Account
from tests.crash.connecting import reading, trusting
from tests.crash.ledger import Ledger, Sent

_UID = re.compile(rb"UID (\d+)")
_MESSAGE_ID = re.compile(rb"^Message-ID: *(<[^>]+>)", re.MULTILINE | re.IGNORECASE)
_ORIGINAL_ID = re.compile(rb"^Original-Message-ID:\s*(<[^>]+>)", re.MULTILINE | re.IGNORECASE)
_LEGACY_DISPLAY = re.compile(rb"\ASubject: essai [0-9-]+\r\n\r\n")
_STATUS = re.compile(rb"report-type=\"?delivery-status", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Box:
    """An INBOX as IMAP shows it: UIDs in the order of sequence numbers, each with its message."""

    uidvalidity: int
    uidnext: int
    messages: tuple[tuple[int, bytes], ...]

    def identified(self) -> list[tuple[int, str]]:
        """UID and Message-ID of each."""
        found = []
        for uid, raw in self.messages:
            match = _MESSAGE_ID.search(raw)
            found.append((uid, match[1].decode("ascii") if match else ""))
        return found


@dataclass(slots=True)
class Tally:
    """What became of the messages: counted per recipient."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    reports: int = 0
    receipts: Counter[str] = field(default_factory=Counter)
    """Read receipts, by the message that each answers, in its author's mailbox."""
    present_at: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Copies of each message, by recipient."""
    unanswered_present: int = 0
    unanswered_absent: int = 0


def read_inbox(
    told: dict[str, Any], account: Account, items: str = "BODY.PEEK[]", first: int = 1
) -> Box:
    """The INBOX from a UID on, over TLS, by the standard library's client."""
    tls, signed_in_as = trusting(told["ca_file"]), (account.address, account.password)
    with reading(told["imap"]["tls"], tls, signed_in_as) as client:
        client.select("INBOX", readonly=True)
        uidvalidity, uidnext = (
            int(client.response(word)[1][0] or b"0") for word in ("UIDVALIDITY", "UIDNEXT")
        )
        found = []
        for piece in client.uid("FETCH", f"{first}:*", f"(UID {items})")[1]:
            if isinstance(piece, tuple):
                uid = _UID.search(piece[0])
                assert uid is not None, piece[0]
                if int(uid[1]) >= first:  # n:* names the last one whatever n is
                    found.append((int(uid[1]), piece[1]))
    return Box(uidvalidity, uidnext, tuple(found))


def read_stored(gateway: Gateway, address: str) -> Box:
    """The INBOX of somebody whom no IMAP serves, of a server that is stopped."""
    with gateway.database.read() as view:
        person = people.by_address(view, address)
        assert person is not None, address
        inbox = mailboxes.find(view, person.account_id, "INBOX")
        rows = list(changes.rows(view, person.account_id, inbox.mailbox_id, 1, 1 << 31))
        return Box(
            inbox.uidvalidity,
            max((row.uid for row in rows), default=0) + 1,
            tuple(
                (row.uid, changes.read_body(view, person.account_id, row.message_id))
                for row in rows
            ),
        )


def compare(ledger: Ledger, boxes: Iterable[tuple[str, Box]], tally: Tally | None = None) -> Tally:
    """Every 250 is there exactly once and whole; every other message at most once, and whole."""
    tally = tally or Tally()
    for address, box in boxes:
        held = Counter(message_id for _, message_id in box.identified())
        for sent in ledger.sent.values():
            if address in sent.recipients:
                _count(tally, sent, held[sent.message_id], ledger)
                tally.present_at[sent.message_id, address] += held[sent.message_id]
        _compare_contents(tally, ledger, address, box)
    return tally


def _count(tally: Tally, sent: Sent, copies: int, ledger: Ledger) -> None:
    if copies > 1:
        tally.duplicated.append(sent.message_id)
    if sent.message_id in ledger.acked:
        if not copies:
            tally.lost.append(sent.message_id)
    elif copies:
        tally.unanswered_present += 1
    else:
        tally.unanswered_absent += 1


def _compare_contents(tally: Tally, ledger: Ledger, address: str, box: Box) -> None:
    for (_, message_id), (_, raw) in zip(box.identified(), box.messages, strict=True):
        sent, original = ledger.sent.get(message_id), _ORIGINAL_ID.search(raw)
        if sent is not None and address in sent.recipients:
            if not is_whole(sent, raw):
                tally.torn.append(message_id)
        elif _STATUS.search(raw):
            tally.reports += 1
        elif original is not None and _is_by(ledger, original[1].decode("ascii"), address):
            tally.receipts[original[1].decode("ascii")] += 1
        else:
            tally.strangers.append(message_id)


def _is_by(ledger: Ledger, message_id: str, address: str) -> bool:
    sent = ledger.sent.get(message_id)
    return sent is not None and sent.author == address


def is_whole(sent: Sent, raw: bytes) -> bool:
    """What its author sent is under the signature, to the byte, its identifier included."""
    signed = smime.find_signed(scan(raw))
    if signed is None or _without_legacy_display(_body(signed.content)) != _body(sent.entity):
        return False
    if scan(signed.content).header.unfolded("message-id") != sent.message_id:
        return False
    try:
        verify_signed(signed.signature, signed.content)
    except SignatureRejected:
        return False
    return True


def _without_legacy_display(body: bytes) -> bytes:
    """Without the subject that is shown to old clients when it was hidden (RFC 9788 §5.2)."""
    return _LEGACY_DISPLAY.sub(b"", body, count=1)


def _body(entity: bytes) -> bytes:
    return entity.partition(b"\r\n\r\n")[2]
