"""The base subject, RFC 5256 §2.1: what is left of a subject without the marks of replies.

The procedure is kept to the letter, since clients run it too; French marks (``RÉ:``, ``TR:``)
are text. Everything is found by moving two ends inward, so that it costs the subject's length
whatever it holds: a blob is looked at once, be it the first of one or of ten thousand.
"""

import re
from dataclasses import dataclass
from typing import Final

_SPACES: Final = re.compile(r"[ \t\r\n]+")
_BLOB: Final = r"\[[^\[\]]*+\][ \t]*+"
_BLOBS: Final = re.compile(rf"(?:{_BLOB})*+")
_REFWD: Final = re.compile(rf"(?:re|fwd?)[ \t]*+(?:{_BLOB})?+:", re.IGNORECASE | re.ASCII)
_FWD_TRAILER: Final = "(fwd)"
_FWD_HEADER: Final = "[fwd:"
_WSP: Final = " \t"


@dataclass(frozen=True, slots=True)
class BaseSubject:
    """``text`` may be empty; ``is_reply``: a mark of a reply or of a forward was taken away."""

    text: str
    is_reply: bool


def base_subject(subject: str) -> BaseSubject:
    """The base subject of a decoded ``subject``; the steps are those of RFC 5256 §2.1."""
    text = _SPACES.sub(" ", subject)  # step 1
    start, end = 0, len(text)
    is_reply = False
    while True:
        end, is_forward = _without_trailers(text, start, end)  # step 2
        start, is_answer = _without_leaders(text, start, end)  # steps 3 to 5
        is_reply = is_reply or is_forward or is_answer
        if not _is_wrapped(text, start, end):
            return BaseSubject(text[start:end], is_reply)
        start, end = start + len(_FWD_HEADER), end - 1  # step 6
        is_reply = True


def _without_trailers(text: str, start: int, end: int) -> tuple[int, bool]:
    """Where the text ends without its ``subj-trailer``, and whether a ``(fwd)`` was among them."""
    is_forward = False
    while end > start:
        if text[end - 1] in _WSP:
            end -= 1
        elif text[max(start, end - len(_FWD_TRAILER)) : end].lower() == _FWD_TRAILER:
            end -= len(_FWD_TRAILER)
            is_forward = True
        else:
            break
    return end, is_forward


def _without_leaders(text: str, start: int, end: int) -> tuple[int, bool]:
    """Where the text begins without ``subj-leader`` and ``subj-blob``, and whether a refwd went.

    A run of blobs that no refwd follows goes but for the last, if that is all there is (step 4).
    """
    is_answer = False
    while start < end:
        if text[start] in _WSP:
            start += 1
            continue
        after = _end_of(_BLOBS, text, start, end)
        refwd = _REFWD.match(text, after, end)
        if refwd is not None:
            start, is_answer = refwd.end(), True
        elif after < end:
            return after, is_answer
        else:
            return (text.rindex("[", start, end) if after > start else start), is_answer
    return start, is_answer


def _end_of(pattern: re.Pattern[str], text: str, start: int, end: int) -> int:
    found = pattern.match(text, start, end)
    return start if found is None else found.end()


def _is_wrapped(text: str, start: int, end: int) -> bool:
    opened = start + len(_FWD_HEADER)
    return opened < end and text[end - 1] == "]" and text[start:opened].lower() == _FWD_HEADER
