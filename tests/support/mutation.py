"""Turns valid octets into nearly valid ones: the same number makes the same octets, always.

Most mistakes of a parser are found close to what is right: one octet changed, one token in
another's place, one thing repeated a thousand times.
"""

import os
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

_TOKEN: Final = re.compile(rb"[A-Za-z0-9\\$*:,.+=-]+|.", re.DOTALL)
_NUMBER: Final = re.compile(rb"[0-9]+")

EDGES: Final = tuple(
    b"%d" % value
    for value in (0, 1, 2, 255, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64, 10**20, 10**40)
)
"""Where numbers of a protocol end, and beyond."""

ODD: Final = (
    *(bytes((octet,)) for octet in b'\0\r\n\t "\\(){}[]<>*%&+-.,:~\x7f\x80\xc3\xff'),
    b"\r\n",
    b"((",
    b"))",
    b'""',
    b"{0}\r\n",
    b"{5+}\r\nabcde",
    b"~{3}\r\n\0\0\0",
    b"{4294967295}",
    b"1:*",
    b"*:1",
    b"NIL",
    b"\xc3\xa9",
    b"\xed\xa0\x80",
    b"&AOk-",
    b"&-",
    b"&Jjo",
    b"$",
)
"""What a grammar has to do with at its corners."""

REPEATS: Final = (2, 3, 31, 33, 100, 1_000, 8_000)

Mutation = Callable[[Random, bytes, Sequence[bytes]], bytes]


def fuzz_seconds(in_ci: float) -> float:
    """How long to go on: ``MSS_FUZZ_SECONDS``, or so long in CI, two minutes by ``make fuzz``."""
    asked = os.environ.get("MSS_FUZZ_SECONDS")
    if asked is not None:
        return float(asked)
    if os.environ.get("MSS_PROFILE") == "fuzz":
        return 120.0
    return in_ci if os.environ.get("MSS_CI") else 3.0


def fuzz_first() -> int:
    """The number of the first case, ``MSS_FUZZ_FIRST``."""
    return int(os.environ.get("MSS_FUZZ_FIRST", "0"))


def mutant(number: int, seeds: Sequence[bytes], limit: int) -> bytes:
    """The octets with this number: a seed with one to four changes, ``limit`` octets at most."""
    chance = Random(number)
    octets = chance.choice(seeds)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        octets = chance.choice(MUTATIONS)(chance, octets, seeds)[:limit]
    return octets


def _stretch(chance: Random, octets: bytes) -> tuple[int, int]:
    """A stretch of octets or, more often, of tokens."""
    if chance.random() < 0.3 or not octets:
        start = chance.randint(0, len(octets))
        return start, min(len(octets), start + chance.randint(0, 12))
    spans = [match.span() for match in _TOKEN.finditer(octets)]
    first = chance.randrange(len(spans))
    last = min(len(spans) - 1, first + chance.choice((0, 0, 0, 1, 2, 6)))
    return spans[first][0], spans[last][1]


def _flip(chance: Random, octets: bytes, _: Sequence[bytes]) -> bytes:
    if not octets:
        return octets
    at = chance.randrange(len(octets))
    return octets[:at] + bytes((octets[at] ^ 1 << chance.randrange(8),)) + octets[at + 1 :]


def _insert(chance: Random, octets: bytes, _: Sequence[bytes]) -> bytes:
    at = _stretch(chance, octets)[0]
    return octets[:at] + chance.choice(ODD) + octets[at:]


def _replace(chance: Random, octets: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _stretch(chance, octets)
    return octets[:start] + chance.choice(ODD) + octets[end:]


def _remove(chance: Random, octets: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _stretch(chance, octets)
    return octets[:start] + octets[end:]


def _repeat(chance: Random, octets: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _stretch(chance, octets)
    return octets[:start] + octets[start:end] * chance.choice(REPEATS) + octets[end:]


def _splice(chance: Random, octets: bytes, seeds: Sequence[bytes]) -> bytes:
    other = chance.choice(seeds)
    start, end = _stretch(chance, octets)
    first, last = _stretch(chance, other)
    return octets[:start] + other[first:last] + octets[end:]


def _join(chance: Random, octets: bytes, seeds: Sequence[bytes]) -> bytes:
    other = chance.choice(seeds)
    return octets[: _stretch(chance, octets)[0]] + other[_stretch(chance, other)[0] :]


def _swap(chance: Random, octets: bytes, _: Sequence[bytes]) -> bytes:
    (a, b), (c, d) = sorted((_stretch(chance, octets), _stretch(chance, octets)))
    return octets[:a] + octets[c:d] + octets[b:c] + octets[a:b] + octets[d:] if b <= c else octets


def _number(chance: Random, octets: bytes, _: Sequence[bytes]) -> bytes:
    found = list(_NUMBER.finditer(octets))
    if not found:
        return octets
    start, end = chance.choice(found).span()
    return octets[:start] + chance.choice(EDGES) + octets[end:]


def _nest(chance: Random, octets: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _stretch(chance, octets)
    depth = chance.choice((1, 2, 31, 32, 33, 400))
    return octets[:start] + b"(" * depth + octets[start:end] + b")" * depth + octets[end:]


def _case(chance: Random, octets: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _stretch(chance, octets)
    return octets[:start] + octets[start:end].swapcase() + octets[end:]


def _cut(chance: Random, octets: bytes, _: Sequence[bytes]) -> bytes:
    return octets[: chance.randint(0, len(octets))]


MUTATIONS: Final[tuple[Mutation, ...]] = (
    _flip,
    _insert,
    _replace,
    _remove,
    _repeat,
    _splice,
    _join,
    _swap,
    _number,
    _nest,
    _case,
    _cut,
)
