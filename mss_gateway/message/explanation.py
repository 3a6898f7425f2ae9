"""A message that could not be opened or verified, delivered all the same: explained, attached.

The text says in French what happened, with a code; what came in stands behind it as it is, and
nothing of it is shown as if somebody answered for it (house, decision 15).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mss_gateway.message.address import EmailAddress, Mailbox
from mss_gateway.message.base64_lines import base64_pieces
from mss_gateway.message.build import fold_field, multipart, phrase_words, text_entity, text_field
from mss_gateway.message.dates import date_field
from mss_gateway.message.entities import read_header
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import find_bare_line_ending, scan

ORIGINAL_NAME: Final = "message-original.eml"

_IDENTIFIER_OCTETS = 900
"""A Message-ID above this cannot be repeated in a line of its own (RFC 5322 §2.1.1)."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is said to whom. ``author`` is the operator: the sender of the original is not known.

    ``recipient`` None: it is for several.
    ``sentences`` are paragraphs of text, the code already in them; ``subject`` says nothing of the
    original's; ``verdict`` are the fields of ``authentication.fields``, each ending in CRLF.
    """

    author: Mailbox
    recipient: EmailAddress | None
    subject: str
    sentences: tuple[str, ...]
    message_id: str
    moment: datetime
    verdict: bytes = b""


def explain(original: bytes, explanation: Explanation) -> bytes:
    """The explanation with ``original`` attached as message/rfc822 (RFC 2046 §5.2.1).

    An original that cannot be read as a message is attached as octets instead. Raises
    HeaderInjection for CR, LF or NUL in a header value.
    """
    fields = [
        explanation.verdict,
        fold_field(
            "From", phrase_words(explanation.author.display_name, explanation.author.address)
        ),
        fold_field("To", [_to(explanation.recipient)]),
        text_field("Subject", explanation.subject),
        fold_field("Date", [date_field(explanation.moment)]),
        fold_field("Message-ID", [explanation.message_id]),
        *_thread(original),
        b"Auto-Submitted: auto-generated\r\n",
        b"MIME-Version: 1.0\r\n",
    ]
    text = text_entity("\r\n\r\n".join(explanation.sentences) + "\r\n")
    explained = b"".join((*fields, multipart("mixed", [text, _as_message(original)])))
    if _can_be_read(original, explained):
        return explained
    return b"".join((*fields, multipart("mixed", [text, _as_octets(original)])))


def _to(recipient: EmailAddress | None) -> str:
    """One explanation may be for several, who need not know of one another (RFC 5322 §3.4)."""
    return "undisclosed-recipients:;" if recipient is None else f"<{recipient}>"


def _can_be_read(original: bytes, explained: bytes) -> bool:
    if not original or find_bare_line_ending(original) is not None:
        return False
    try:
        attached = scan(explained).root.children[1]
    except MessageMalformed:
        return False
    return attached.body(explained) == original


def _thread(original: bytes) -> list[bytes]:
    """In-Reply-To, so that the explanation stands beside what is said of the original."""
    try:
        found = read_header(original)[0].unfolded("message-id")
    except MessageMalformed:
        return []
    if not (found.isascii() and found.isprintable() and 0 < len(found) < _IDENTIFIER_OCTETS):
        return []
    return [fold_field("In-Reply-To", [found])]


def _as_message(original: bytes) -> bytes:
    encoding = b"" if original.isascii() else b"Content-Transfer-Encoding: 8bit\r\n"
    return b"Content-Type: message/rfc822\r\n%b%b\r\n" % (_disposition(), encoding) + original


def _as_octets(original: bytes) -> bytes:
    head = b"Content-Type: application/octet-stream\r\n%b" % _disposition()
    return b"".join((head, b"Content-Transfer-Encoding: base64\r\n\r\n", *base64_pieces(original)))


def _disposition() -> bytes:
    return f'Content-Disposition: attachment; filename="{ORIGINAL_NAME}"\r\n'.encode("ascii")
