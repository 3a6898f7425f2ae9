"""Whatever octets come: a request, a refusal or a wanted literal, and nothing else.

Seeds are the commands of the transcripts and the files of ``tests/corpus/imap``. Each case has a
number: ``MSS_FUZZ_FIRST=n`` begins there, ``MSS_FUZZ_SECONDS=3600`` goes on for an hour.
"""

import time
import tracemalloc
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
from mss_gateway.imap.reader import MAX_COMMAND
from mss_gateway.imap.state import State
from tests.support import imap_seeds
from tests.support.imap_seeds import Parts
from tests.support.mutation import ODD, fuzz_first, fuzz_seconds, mutant

SECONDS: Final = fuzz_seconds(25)
FIRST: Final = fuzz_first()

OCTETS_FACTOR, OCTETS_MORE = 64, 1024 * 1024
"""A command of n octets may take 64 n and one mebibyte while it is read."""

CASE_SECONDS: Final = 2.0
"""Processor time for one command of the greatest size; the event loop waits meanwhile."""

PIECES: Final = [
    *(word for seed in imap_seeds.commands() for word in (seed.rstrip(), *seed.split())),
    *(name + b" " for name in COMMANDS),
]


def outcome(text: CommandText, state: State, *, is_utf8: bool) -> Request | NotUnderstood | None:
    """What is made of a command; anything but the two refusals comes out and fails the test."""
    try:
        return understand(text, state, is_utf8=is_utf8)
    except NotUnderstood as refused:
        refused.wanted.encode("ascii")
        return refused
    except LiteralAwaited:
        return None


def read(parts: Parts) -> None:
    """Read a command in every state, as far as the grammar wants its literals."""
    lines, literals = parts
    for state in State:
        for is_utf8 in (False, True):
            for count in range(len(lines)):
                text = CommandText(lines[: count + 1], literals[:count])
                found = outcome(text, state, is_utf8=is_utf8)
                if found is not None:
                    assert found.tag
                    break


LINES = st.lists(
    st.one_of(st.sampled_from(PIECES), st.sampled_from(ODD), st.binary(max_size=12)), max_size=12
).map(b"".join)


@given(LINES)
def test_any_line(line: bytes) -> None:
    read(((line,), ()))


@given(st.lists(LINES, min_size=2, max_size=4), st.lists(st.binary(max_size=20), min_size=3))
def test_any_lines_with_literals_between(lines: list[bytes], literals: list[bytes]) -> None:
    announced = [
        line + b" {%d+}" % len(literal) for line, literal in zip(lines, literals, strict=False)
    ]
    read(((*announced[: len(lines) - 1], lines[-1]), tuple(literals[: len(lines) - 1])))


def test_every_command_is_among_the_seeds() -> None:
    """A row of the table that no transcript speaks of would be fuzzed with little sense."""
    said = b"\n".join(seed.upper() for seed in imap_seeds.commands())
    assert [name for name in COMMANDS if b" " + name not in said] == [b"STARTTLS"]


def test_seeds_cut_and_with_an_octet_changed() -> None:
    for seed in imap_seeds.commands():
        for position in range(0, min(len(seed), 150), 4):
            read(imap_seeds.parts(seed[:position]))
            changed = bytearray(seed)
            changed[position] = (position * 89 + 41) % 256
            read(imap_seeds.parts(bytes(changed)))


def test_mutants_of_the_seeds() -> None:
    """Read or refused, in little memory and little time, for as long as there is time."""
    seeds = (*imap_seeds.commands(), *(b"a " + name + b"\r\n" for name in COMMANDS))
    ends, number = time.monotonic() + SECONDS, FIRST
    tracemalloc.start()
    try:
        while time.monotonic() < ends:
            octets = mutant(number, seeds, MAX_COMMAND)
            try:
                _read_with_little(octets)
            except BaseException as error:
                error.add_note(f"MSS_FUZZ_FIRST={number}: {octets[:1000]!r}")
                raise
            number += 1
    finally:
        tracemalloc.stop()
    print(f"{number - FIRST} commands in {SECONDS:g} s")
    assert number - FIRST > 20 * SECONDS


def _read_with_little(octets: bytes) -> None:
    parts = imap_seeds.parts(octets)
    tracemalloc.reset_peak()
    before, began = tracemalloc.get_traced_memory()[0], time.process_time()
    read(parts)
    spent, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1] - before
    assert peak <= OCTETS_FACTOR * len(octets) + OCTETS_MORE, peak
    assert spent <= CASE_SECONDS, spent


def test_a_command_of_the_greatest_size_is_read_in_little_memory() -> None:
    for opening in (b"a FETCH ", b"a SEARCH "):
        read(((opening + b"1," * 32_000 + b"1",), ()))
        read(((opening + b"(" * 65_000,), ()))
    read(((b"a SEARCH " + b"NOT " * 16_000 + b"ALL",), ()))
    read(((b"a SEARCH " + b"OR ALL " * 9_000 + b"ALL",), ()))
