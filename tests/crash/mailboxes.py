"""Reading the mailboxes back as any IMAP client does, and comparing with the ledger."""

import imaplib
import re
import ssl
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from certs.cms.signed import verify_signed
from certs.errors import SignatureRejected
from mss_gateway.message import smime
from mss_gateway.message.parse import scan
from tests.crash.clients import Account
from tests.crash.ledger import Ledger, Sent

_UID = re.compile(rb"UID (\d+)")
_MESSAGE_ID = re.compile(rb"^Message-ID: *(<[^>]+>)", re.MULTILINE | re.IGNORECASE)


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
    unanswered_present: int = 0
    unanswered_absent: int = 0


def read_inbox(told: dict[str, Any], account: Account, items: str = "BODY.PEEK[]") -> Box:
    """The whole INBOX over TLS, by the standard library's client."""
    context = ssl.create_default_context(cafile=told["ca_file"])
    with imaplib.IMAP4_SSL("localhost", told["imap"]["tls"], ssl_context=context) as client:
        client.login(account.address, account.password)
        client.select("INBOX", readonly=True)
        uidvalidity, uidnext = (
            int(client.response(word)[1][0] or b"0") for word in ("UIDVALIDITY", "UIDNEXT")
        )
        found = []
        for piece in client.fetch("1:*", f"(UID {items})")[1]:
            if isinstance(piece, tuple):
                uid = _UID.search(piece[0])
                assert uid is not None, piece[0]
                found.append((int(uid[1]), piece[1]))
    return Box(uidvalidity, uidnext, tuple(found))


def compare(ledger: Ledger, boxes: dict[str, Box]) -> Tally:
    """Every 250 is there exactly once and whole; every other message at most once, and whole."""
    tally = Tally()
    for address, box in boxes.items():
        held = Counter(message_id for _, message_id in box.identified())
        for sent in ledger.sent.values():
            if address in sent.recipients:
                _count(tally, sent, held.pop(sent.message_id, 0), ledger)
        tally.strangers += list(held)
        _compare_contents(tally, ledger, box)
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


def _compare_contents(tally: Tally, ledger: Ledger, box: Box) -> None:
    for (_, message_id), (_, raw) in zip(box.identified(), box.messages, strict=True):
        sent = ledger.sent.get(message_id)
        if sent is not None and not is_whole(sent, raw):
            tally.torn.append(message_id)


def is_whole(sent: Sent, raw: bytes) -> bool:
    """What its author sent is under the signature, to the byte, its identifier included."""
    signed = smime.find_signed(scan(raw))
    if signed is None or _body(signed.content) != _body(sent.entity):
        return False
    if scan(signed.content).header.unfolded("message-id") != sent.message_id:
        return False
    try:
        verify_signed(signed.signature, signed.content)
    except SignatureRejected:
        return False
    return True


def _body(entity: bytes) -> bytes:
    return entity.partition(b"\r\n\r\n")[2]
