"""A cursor over one command: its lines and the literals between them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Final

MAX_DEPTH: Final = 32
"""Nested parentheses, NOT and OR of one command; beyond it the command is malformed."""

_LITERAL = re.compile(rb"\{([0-9]{1,10})(\+?)\}\Z")
_SPACE = re.compile(rb" ")


class Malformed(Exception):
    """The command is not of the grammar; ``wanted`` names the production that was expected."""

    def __init__(self, wanted: str) -> None:
        super().__init__(wanted)
        self.wanted = wanted


class BadCharset(Malformed):
    """SEARCH in a charset that is not known here: RFC 9051 §6.4.4 answers NO, not BAD."""


class Purpose(Enum):
    """What a literal is for; the reader's size limit depends on it."""

    STRING = "string"
    MESSAGE = "message"


class LiteralNeeded(Exception):
    """The parser met an announcement, RFC 9051 §4.3, whose octets were not read yet."""

    def __init__(self, size: int, is_synchronising: bool, purpose: Purpose) -> None:
        super().__init__(size)
        self.size = size
        self.is_synchronising = is_synchronising
        self.purpose = purpose


@dataclass(frozen=True, slots=True)
class CommandText:
    """One command as received: ``literals[i]`` was announced at the end of ``lines[i]``.

    Lines are without CRLF. A command is complete when its parser asks for no further literal.
    """

    lines: tuple[bytes, ...]
    literals: tuple[bytes, ...] = ()


class Cursor:
    """A position in a command. The parsers of this package move it forward, never back."""

    __slots__ = ("_counted", "_depth", "_part", "_text", "is_utf8", "line", "position")

    def __init__(self, text: CommandText, *, is_utf8: bool = False) -> None:
        self.is_utf8 = is_utf8  # mailbox names are UTF-8: IMAP4rev2 or UTF8=ACCEPT is enabled
        self._text = text
        self._part = 0
        self._depth = 0
        self._counted = 0
        self.line = text.lines[0]
        self.position = 0

    def take(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """What ``pattern`` matches here, the cursor moved past it; None leaves it where it was."""
        found = pattern.match(self.line, self.position)
        if found is not None:
            self.position = found.end()
        return found

    def expect(self, pattern: re.Pattern[bytes], wanted: str) -> re.Match[bytes]:
        """As ``take``; raises ``Malformed(wanted)`` where nothing matches."""
        found = pattern.match(self.line, self.position)
        if found is None:
            raise Malformed(wanted)
        self.position = found.end()
        return found

    def take_byte(self, byte: bytes) -> bool:
        """Whether the next octet is ``byte``; it is consumed then."""
        if self.line.startswith(byte, self.position):
            self.position += len(byte)
            return True
        return False

    def expect_byte(self, byte: bytes) -> None:
        """Consumes ``byte`` or raises ``Malformed``."""
        if not self.take_byte(byte):
            raise Malformed(f"'{byte.decode('ascii')}'")

    def space(self) -> None:
        """Exactly one SP, RFC 9051 §9."""
        self.expect(_SPACE, "SP")

    def end(self) -> None:
        """Nothing may follow."""
        if self.position != len(self.line) or self._part + 1 < len(self._text.lines):
            raise Malformed("CRLF")

    @property
    def is_at_end(self) -> bool:
        """Whether the line is used up."""
        return self.position == len(self.line)

    def literal(self, purpose: Purpose = Purpose.STRING) -> bytes | None:
        """The octets of the literal announced here, None where there is no announcement.

        Raises ``LiteralNeeded`` when the reader has not fetched them yet.
        """
        announced = _LITERAL.match(self.line, self.position)
        if announced is None:
            return None
        size = int(announced[1])
        if self._part >= len(self._text.literals):
            raise LiteralNeeded(size, not announced[2], purpose)
        octets = self._text.literals[self._part]
        self._part += 1
        self.line = self._text.lines[self._part]
        self.position = 0
        return octets

    def count(self, most: int, wanted: str) -> None:
        """One more of something that a command may hold ``most`` of; raises ``Malformed``."""
        self._counted += 1
        if self._counted > most:
            raise Malformed(wanted)

    @contextmanager
    def nested(self) -> Iterator[None]:
        """One level deeper; raises ``Malformed`` past ``MAX_DEPTH``."""
        if self._depth >= MAX_DEPTH:
            raise Malformed("depth")
        self._depth += 1
        yield
        self._depth -= 1


def announced_at_end(line: bytes) -> tuple[int, bool] | None:
    """Size and whether it is synchronising of a literal announced at the end of ``line``."""
    found = re.search(_LITERAL, line[-16:])
    return None if found is None else (int(found[1]), not found[2])
