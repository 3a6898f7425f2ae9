"""What a message says, to tell one that left from one that was written on in another window."""

from collections.abc import Iterable
from dataclasses import dataclass

from mss_gateway.dossier.sealed import digest_of
from mss_gateway.message.address import AddressMalformed, parse_mailboxes
from mss_gateway.message.attachments import attachments, body_text
from mss_gateway.message.header import field_text
from mss_gateway.message.part import Message


@dataclass(frozen=True, slots=True)
class Said:
    """Whom a message is for, what it is about, its text, and its files by digest, in any order."""

    recipients: frozenset[str]
    subject: str
    text: str
    files: tuple[str, ...]


def said_in(message: Message, more: Iterable[str] = ()) -> Said:
    """What a message says, with files of the digests ``more`` besides its own."""
    own = [digest_of(each.content()) for each in attachments(message)]
    return Said(
        frozenset(_addresses(message)),
        message.header.text("subject"),
        (body_text(message).plain or "").replace("\r\n", "\n"),
        tuple(sorted([*own, *more])),
    )


def _addresses(message: Message) -> list[str]:
    try:
        named = [parse_mailboxes(field_text(value)) for value in message.header.all("to")]
    except AddressMalformed:
        return []
    return [str(each.address) for mailboxes in named for each in mailboxes]
