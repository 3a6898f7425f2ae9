"""What another server answers: bytes → code, enhanced code, lines; strict and bounded.

A server whose answers do not follow the grammar of RFC 5321 §4.2 is not understood, and what is not
understood is never taken for a yes.
"""

import re
from dataclasses import dataclass
from typing import Final

LINE_OCTETS: Final = 2_048
"""A line with its end; RFC 5321 §4.5.3.1.5 allows 512, and some greet at greater length."""

LINES: Final = 100
OCTETS: Final = 16 * 1024
"""Of a whole answer."""

_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\x00\r\n]*))?\r\n")
_ENHANCED = re.compile(r"([245])\.[0-9]{1,3}\.[0-9]{1,3}(?= |$)")


class AnswerMalformed(Exception):
    """Not an answer of SMTP, or beyond its bounds; the text says what, and repeats nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. ``enhanced`` is the code of RFC 3463, empty without one that fits.

    ``lines`` are the server's own words: they go into no log and no report. Without any, nobody
    said it: the codes are what we conclude.
    """

    code: int
    enhanced: str = ""
    lines: tuple[str, ...] = ()

    @property
    def is_yes(self) -> bool:
        """2yz: done."""
        return self.code // 100 == 2

    @property
    def is_no(self) -> bool:
        """5yz: not now and not later (RFC 5321 §4.2.1)."""
        return self.code // 100 == 5

    @property
    def said(self) -> str:
        """The codes alone."""
        return f"{self.code} {self.enhanced}".rstrip()


def read(buffer: bytes | bytearray) -> tuple[Answer | None, int]:
    """The answer that ``buffer`` begins with, and its octets; None while it is not whole.

    Raises :class:`AnswerMalformed`.
    """
    at, lines, code = 0, [], b""
    while True:
        end = buffer.find(b"\n", at, at + LINE_OCTETS) + 1
        if not end:
            if len(buffer) - at >= LINE_OCTETS:
                raise AnswerMalformed("line too long")
            return None, 0
        found = _LINE.fullmatch(buffer, at, end)
        if found is None or (code and found[1] != code):
            raise AnswerMalformed("line")
        code, at = found[1], end
        lines.append((found[3] or b"").decode("ascii", "replace"))
        if at > OCTETS or len(lines) > LINES:
            raise AnswerMalformed("too long")
        if found[2] != b"-":
            return _whole(int(code), lines), at


def _whole(code: int, lines: list[str]) -> Answer:
    found = _ENHANCED.match(lines[0])
    fits = found is not None and int(found[1]) == code // 100
    return Answer(code, found[0] if found is not None and fits else "", tuple(lines))
