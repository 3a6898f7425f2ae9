"""A message of another operator made fit for our store; what cannot be read is wrapped, not lost.

Old messages end lines as their first server did, and our store takes CRLF only (threat T2): a bare
LF or CR becomes CRLF, and a CR in front of a line end goes. What then still cannot be read (a NUL,
a header that can be read two ways, parts beyond the limits) is stored as it came, octet by octet,
attached to a short explanation in French. Pure.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mss_gateway import texts
from mss_gateway.imap.grammar.primitives import MAX_KEYWORD, SYSTEM_FLAGS
from mss_gateway.message.address import Mailbox
from mss_gateway.message.build import Outgoing, OutgoingFile, compose
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.summary import summarise
from mss_gateway.message.words import decode_words, display_safe, unfold

ORIGINAL_NAME: Final = "message-original.eml"

_LINE_END = re.compile(rb"\r*\n|\r")
_SUBJECT = re.compile(rb"^subject:((?:[^\r\n]|\r?\n(?=[ \t]))*)", re.IGNORECASE | re.MULTILINE)
_HEADER_OCTETS = 65_536
_SUBJECT_SIGNS = 120
_KEYWORD = re.compile(r"[!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]+")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Who explains a message that cannot be read, to whom, and how it is called."""

    author: Mailbox
    reader: Mailbox
    message_id: str
    moment: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready for the store. ``is_mended``: line ends; ``is_wrapped``: attached."""

    raw: bytes
    summary: bytes
    is_mended: bool
    is_wrapped: bool


def fit(raw: bytes, explanation: Explanation) -> Letter:
    """``raw`` as our store takes it; never refuses."""
    mended = raw
    if b"\0" not in raw and find_bare_line_ending(raw) is not None:
        mended = _LINE_END.sub(b"\r\n", raw)
    try:
        if not mended or b"\0" in mended:
            return _wrapped(raw, explanation)
        return Letter(mended, summarise(scan(mended)), mended is not raw, False)
    except MessageMalformed:
        return _wrapped(raw, explanation)


def _wrapped(raw: bytes, explanation: Explanation) -> Letter:
    subject = texts.text("courriel.repris_objet")
    original = _subject_of(raw)
    file = OutgoingFile(ORIGINAL_NAME, "application/octet-stream", raw)
    outgoing = Outgoing(
        author=explanation.author,
        recipients=(explanation.reader,),
        subject=f"{subject} : {original}" if original else subject,
        text=texts.text("courriel.repris") + "\r\n",
        message_id=explanation.message_id,
        moment=explanation.moment,
        files=(file,),
        extra_fields=(("Auto-Submitted", "auto-generated"),),
    )
    wrapped = compose(outgoing)
    return Letter(wrapped, summarise(scan(wrapped)), False, True)


def _subject_of(raw: bytes) -> str:
    """The first thing that looks like a subject, safe to show; empty when there is none."""
    found = _SUBJECT.search(raw, 0, _HEADER_OCTETS)
    if found is None:
        return ""
    value = re.sub(rb"\r?\n", b"\r\n", found[1]).decode("utf-8", "replace")
    return display_safe(decode_words(unfold(value)), limit=_SUBJECT_SIGNS)


def system_flags(flags: Iterable[str]) -> int:
    """The bits of the system flags that our store has; ``\\Recent`` and others count nothing."""
    return sum({SYSTEM_FLAGS.get(flag.lower().encode(), 0) for flag in flags})


def keywords(flags: Iterable[str]) -> tuple[list[str], int]:
    """The keywords that our store can keep, and how many it cannot: too long, or no atoms."""
    words = [flag for flag in flags if not flag.startswith("\\")]
    kept = [one for one in words if len(one) <= MAX_KEYWORD and _KEYWORD.fullmatch(one)]
    return kept, len(words) - len(kept)
