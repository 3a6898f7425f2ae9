"""Whatever octets come: a request, a refusal or a wanted literal, and nothing else."""

import random
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.imap.commands import (
    COMMANDS,
    LiteralAwaited,
    NotUnderstood,
    Request,
    understand,
)
from mss_gateway.imap.grammar.cursor import CommandText
from mss_gateway.imap.state import State

SEEDS: Final = (
    b'a LOGIN "u" "p"',
    b"a AUTHENTICATE PLAIN AGEAYg==",
    b'a LIST "" "%/*"',
    b"a STATUS INBOX (MESSAGES UNSEEN)",
    b'a APPEND Sent (\\Seen x) "17-Jul-1996 02:44:25 -0700" {3}',
    b"a UID FETCH 1:*,3 (UID FLAGS BODY.PEEK[1.2.HEADER.FIELDS.NOT (Subject)]<0.9>)",
    b"a STORE 2:4 -FLAGS.SILENT (\\Deleted $Label)",
    b'a SEARCH CHARSET UTF-8 OR (NOT SEEN) HEADER X "y" SINCE 1-Feb-2026 UID 1:*',
    b'a ID ("name" "x" "os" NIL)',
    b"a RENAME Envoy&AOk-s {3}",
    b"a UID MOVE * Trash",
)
PIECES: Final = [word for seed in SEEDS for word in (seed, *seed.split(b" "))] + [
    name + b" " for name in COMMANDS
]
_ODD: Final = [
    b"",
    b" ",
    b"(",
    b")",
    b'"',
    b"{9+}",
    b"{0}",
    b"\\",
    b"*",
    b"%",
    b"&",
    b"\x00",
    b"\xff",
]


def outcome(text: CommandText, state: State) -> Request | NotUnderstood | LiteralAwaited:
    """What is made of a command; anything but the two refusals comes out and fails the test."""
    try:
        return understand(text, state)
    except (NotUnderstood, LiteralAwaited) as refused:
        return refused


def read(lines: tuple[bytes, ...], literals: tuple[bytes, ...]) -> None:
    """Read a command in every state: it always has a tag, its own or ``*``."""
    for state in State:
        assert outcome(CommandText(lines, literals), state).tag


LINES = st.lists(
    st.one_of(st.sampled_from(PIECES), st.sampled_from(_ODD), st.binary(max_size=12)), max_size=12
).map(b"".join)


@given(LINES)
def test_any_line(line: bytes) -> None:
    read((line,), ())


@given(st.lists(LINES, min_size=2, max_size=4), st.lists(st.binary(max_size=20), min_size=3))
def test_any_lines_with_literals_between(lines: list[bytes], literals: list[bytes]) -> None:
    announced = [
        line + b" {%d+}" % len(literal) for line, literal in zip(lines, literals, strict=False)
    ]
    read((*announced[: len(lines) - 1], lines[-1]), tuple(literals[: len(lines) - 1]))


def test_seeds_with_one_octet_changed() -> None:
    chance = random.Random(3501)
    for seed in SEEDS:
        for position in range(len(seed)):
            changed = bytearray(seed)
            changed[position] = chance.randrange(256)
            read((bytes(changed),), ())
            read((seed[:position],), ())


def test_a_command_of_the_greatest_size_is_read_in_little_memory() -> None:
    for opening in (b"a FETCH ", b"a SEARCH "):
        read((opening + b"1," * 32_000 + b"1",), ())
        read((opening + b"(" * 65_000,), ())
    read((b"a SEARCH " + b"NOT " * 16_000 + b"ALL",), ())
