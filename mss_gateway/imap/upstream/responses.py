"""What a foreign IMAP server says: octets → responses → values. Pure, iterative, bounded.

aioimaplib's own reader recurses once per line, takes every ``* `` out of a line, and guesses where
a literal ends; what it is replaced by is small enough to be read. RFC 9051 §7 and §9, RFC 3501 §7.
"""

import re
from dataclasses import dataclass
from typing import Final

from mss_gateway.imap.grammar import dates
from mss_gateway.imap.grammar.cursor import CommandText, Cursor, Malformed
from mss_gateway.imap.grammar.sets import merged
from mss_gateway.imap.upstream.errors import Garbled
from mss_gateway.imap.upstream.spans import LARGEST_UID, Ranges

Response = tuple[bytes | None, ...]
"""A line, then a literal and a line for each literal; None is a literal that was not kept."""

Value = str | bytes | None | tuple["Value", ...]
"""An atom or number is str, a string bytes, NIL None, a list a tuple."""

DEPTH_LIMIT: Final = 16
"""Nested lists; the answers that are asked for have three."""

_AFTER_LITERAL: Final = 4_096
"""Octets of the budget that no literal takes: what stands behind it must be read too."""

_LITERAL = re.compile(rb"~?\{([0-9]{1,19})\+?\}\Z")
_STATUS = re.compile(
    rb"(?P<tag>[^\s()\"{}\\%*+]+|\*) (?P<word>OK|NO|BAD|BYE|PREAUTH)(?![^ ])"
    rb" ?(?:\[(?P<code>[^\]]*)\] ?)?(?P<text>.*)",
    re.IGNORECASE | re.DOTALL,
)
_TOKEN = re.compile(rb'\s*(?:(\()|(\))|"((?:[^"\\]|\\.)*+)"|([^\s()"]+)|\Z)', re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_NUMBER = re.compile(r"[0-9]{1,19}")
_RANGE = re.compile(r"([0-9]{1,10})(?::([0-9]{1,10}))?")


class Framer:
    """Cuts the stream into responses, keeping at most ``budget`` octets between two ``renew``.

    A literal that does not fit into what is left is counted and let go: the message is reported as
    too large. A line that does not fit ends the conversation.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._line = bytearray()
        self._literal: bytearray | None = None
        self._missing = 0
        self._pieces: list[bytes | None] = []

    @property
    def is_between_responses(self) -> bool:
        """Whether nothing of a next response was received."""
        return not (self._line or self._missing or self._pieces)

    def renew(self, budget: int) -> None:
        """What is read from now on may take ``budget`` octets."""
        self._budget = budget

    def feed(self, octets: bytes) -> list[Response]:
        """The responses that ``octets`` complete; raises ``Garbled`` past the budget."""
        found: list[Response] = []
        at = 0
        while at < len(octets):
            if self._missing:
                at = self._take_literal(octets, at)
            else:
                at = self._take_line(octets, at, found)
        return found

    def _take_literal(self, octets: bytes, at: int) -> int:
        end = min(len(octets), at + self._missing)
        if self._literal is not None:
            self._literal += memoryview(octets)[at:end]
        self._missing -= end - at
        if not self._missing:
            self._pieces.append(None if self._literal is None else bytes(self._literal))
            self._literal = None
        return end

    def _take_line(self, octets: bytes, at: int, found: list[Response]) -> int:
        end = octets.find(b"\n", at)
        part = octets[at:] if end < 0 else octets[at:end]
        self._spend(len(part))
        if end < 0:
            self._line += part
            return len(octets)
        line = bytes(self._line + part).removesuffix(b"\r")
        self._line.clear()
        announced = None if _is_text(line, self._pieces) else _LITERAL.search(line[-24:])
        if announced is None:
            found.append((*self._pieces, line))
            self._pieces.clear()
        else:
            self._pieces.append(line[: len(line) - len(announced[0])])
            self._begin_literal(int(announced[1]))
        return end + 1

    def _begin_literal(self, size: int) -> None:
        if size == 0:
            self._pieces.append(b"")
        elif size + _AFTER_LITERAL <= self._budget:
            self._spend(size)
            self._literal = bytearray()
        self._missing = size

    def _spend(self, octets: int) -> None:
        self._budget -= octets
        if self._budget < 0:
            raise Garbled("it says more than was asked for")


def _is_text(line: bytes, before: list[bytes | None]) -> bool:
    """Whether this is a status or a continuation: words for people, in which nothing announces."""
    return not before and (line.startswith(b"+") or _STATUS.match(line) is not None)


@dataclass(frozen=True, slots=True)
class Status:
    """A tagged or untagged OK, NO, BAD, BYE or PREAUTH; ``tag`` is ``*`` when untagged."""

    tag: str
    word: str
    code: str
    text: str

    @property
    def told(self) -> str:
        """Code and words of the server on one short line of printable characters."""
        whole = f"[{self.code}] {self.text}" if self.code else self.text
        return "".join(sign for sign in whole if sign.isprintable())[:200]


def status(response: Response) -> Status | None:
    """The status that a response is, None for anything else."""
    line = response[0]
    found = None if line is None or len(response) > 1 else _STATUS.match(line)
    if found is None:
        return None
    tag, word, code, text = (
        (found[name] or b"").decode("utf-8", "replace") for name in ("tag", "word", "code", "text")
    )
    return Status(tag, word.upper(), code, text)


def number_of(status: Status, name: str) -> int | None:
    """The number in a response code such as ``UIDVALIDITY 7``."""
    word, _, value = status.code.partition(" ")
    return int(value) if word.upper() == name and _NUMBER.fullmatch(value) else None


def untagged(response: Response) -> tuple[Value, ...]:
    """The values of an untagged response after its ``*``; raises ``Garbled``."""
    open_lists: list[list[Value]] = [[]]
    for index, piece in enumerate(response):
        if index % 2:
            open_lists[-1].append(piece)
            continue
        assert piece is not None
        _read_line(piece.removeprefix(b"* ") if index == 0 else piece, open_lists)
    if len(open_lists) > 1:
        raise Garbled("a list has no end")
    return tuple(open_lists[0])


def _read_line(line: bytes, open_lists: list[list[Value]]) -> None:
    at = 0
    while at < len(line):
        token = _TOKEN.match(line, at)
        if token is None or token.end() == at:
            raise Garbled("neither an atom nor a string nor a list")
        at = token.end()
        if token[1]:
            if len(open_lists) > DEPTH_LIMIT:
                raise Garbled("lists within lists within lists")
            open_lists.append([])
        elif token[2]:
            if len(open_lists) == 1:
                raise Garbled("a list that never began has an end")
            closed = tuple(open_lists.pop())
            open_lists[-1].append(closed)
        elif token[3] is not None:
            open_lists[-1].append(_ESCAPED.sub(rb"\1", token[3]))
        elif token[4]:
            atom = token[4].decode("latin-1")
            open_lists[-1].append(None if atom.upper() == "NIL" else atom)


def kind(response: Response) -> str:
    """The word that says what an untagged response is: ``LIST``, ``FETCH``, ``EXISTS``…"""
    words = (response[0] or b"").split(b" ", 3)
    at = 2 if len(words) > 2 and words[1].isdigit() else 1
    return words[at].decode("latin-1").upper() if len(words) > at else ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of LIST or LSUB: attributes in lower case, the name as it is on the wire."""

    attributes: frozenset[str]
    delimiter: str
    name: bytes


def listed(response: Response) -> Listed:
    """A LIST or LSUB response, RFC 9051 §7.3.1; raises ``Garbled``."""
    if None in response:
        raise Garbled("a name of such a length")
    match untagged(response):
        case (str(), tuple(attributes), (bytes() | None) as delimiter, name, *_):
            signs = (delimiter or b"").decode("latin-1")
            octets = name.encode("latin-1") if isinstance(name, str) else name
            # an unquoted NIL is a folder of that name: there is no folder without one
            octets = b"NIL" if octets is None else octets
            if isinstance(octets, bytes) and len(signs) <= 1:
                words = frozenset(word.lower() for word in attributes if isinstance(word, str))
                return Listed(words, signs, octets)
    raise Garbled("no line of LIST")


def prefixes(response: Response) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """NAMESPACE, RFC 9051 §6.3.10: prefixes of one's own folders, and of other people's."""
    match untagged(response):
        case (str(), own, *others):
            return _prefixes(own), tuple(one for each in others for one in _prefixes(each))
    raise Garbled("no line of NAMESPACE")


def _prefixes(value: Value) -> tuple[bytes, ...]:
    spaces = value if isinstance(value, tuple) else ()
    firsts = (space[0] for space in spaces if isinstance(space, tuple) and space)
    return tuple(first for first in firsts if isinstance(first, bytes))


def searched(response: Response) -> Ranges:
    """UIDs of SEARCH (RFC 3501 §7.2.5) or of ESEARCH with ALL (RFC 9051 §7.3.4)."""
    words = (response[0] or b"").decode("latin-1").split()[1:]
    if words[:1] == ["ESEARCH"]:
        upper = [word.upper() for word in words]
        after = upper.index("ALL") + 1 if "ALL" in upper else len(words)
        return merged(map(_range, words[after].split(","))) if after < len(words) else []
    return merged(_range(word) for word in words[1:] if word.isdigit())


def _range(word: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(word)
    bounds = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= min(bounds) <= max(bounds) <= LARGEST_UID:
        raise Garbled("no UID")
    return min(bounds), max(bounds)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one FETCH response says of a message; None is what it does not say.

    ``moment`` is in unix seconds. ``is_too_large``: the body came and was let go.
    """

    uid: int
    flags: tuple[str, ...] | None = None
    moment: int | None = None
    size: int | None = None
    body: bytes | None = None
    is_too_large: bool = False


def fetched(response: Response) -> Fetched | None:
    """A FETCH response, RFC 9051 §7.5.2; None without a UID, which is news that nobody asked for.

    Raises ``Garbled``.
    """
    match untagged(response):
        case (str(), str(), tuple(items)) if len(items) % 2 == 0:
            pairs = dict(zip((_item(one) for one in items[::2]), items[1::2], strict=True))
        case _:
            raise Garbled("no line of FETCH")
    if "UID" not in pairs:
        return None
    flags = pairs.get("FLAGS")
    body = pairs.get("BODY[]")
    return Fetched(
        _range(str(pairs["UID"]))[0],
        tuple(one for one in flags if isinstance(one, str)) if isinstance(flags, tuple) else None,
        _moment(pairs.get("INTERNALDATE")),
        _size(pairs.get("RFC822.SIZE")),
        body if isinstance(body, bytes) else None,
        # a literal that was not kept stands as None after its announcement was cut off
        body is None and None in response,
    )


def _item(value: Value) -> str:
    if not isinstance(value, str):
        raise Garbled("no name of a FETCH item")
    return value.upper()


def _moment(value: Value) -> int | None:
    if not isinstance(value, bytes):
        return None
    try:
        return dates.moment(Cursor(CommandText((b'"%s"' % value,))))
    except Malformed:
        return None


def _size(value: Value) -> int | None:
    return int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None
