"""Command lines: what ends one, and what is not one."""

import asyncio

import pytest

from mss_gateway.smtp.lines import (
    COMMAND_OCTETS,
    LineNotAscii,
    LineTooLong,
    StrayLineEnding,
    check_length,
    read_line,
)


def reader_of(*pieces: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=COMMAND_OCTETS)
    for piece in pieces:
        reader.feed_data(piece)
    reader.feed_eof()
    return reader


async def test_lines_come_one_by_one_without_their_end() -> None:
    reader = reader_of(b"EHLO x\r\nQU", b"IT\r\n\r\n")
    assert [await read_line(reader) for _ in range(3)] == ["EHLO x", "QUIT", ""]


@pytest.mark.parametrize("octets", [b"NOOP\n", b"NO\rOP\r\n", b"NOOP\0\r\n", b"NOOP\r\r\n", b"\n"])
async def test_a_stray_line_end_is_not_passed_over(octets: bytes) -> None:
    with pytest.raises(StrayLineEnding):
        await read_line(reader_of(octets))


async def test_the_longest_line_has_so_many_octets() -> None:
    longest = b"x" * (COMMAND_OCTETS - 2)
    assert await read_line(reader_of(longest + b"\r\n")) == longest.decode()


@pytest.mark.parametrize("octets", [COMMAND_OCTETS + 1, COMMAND_OCTETS + 2, 10 * COMMAND_OCTETS])
async def test_a_longer_line_is_skipped_whole(octets: int) -> None:
    reader = reader_of(b"x" * (octets - 2) + b"\r\nNOOP\r\n")
    with pytest.raises(LineTooLong):
        await read_line(reader)
    assert await read_line(reader) == "NOOP"


async def test_octets_above_127_are_refused() -> None:
    reader = reader_of("RCPT TO:<zoé>\r\nNOOP\r\n".encode())
    with pytest.raises(LineNotAscii):
        await read_line(reader)
    assert await read_line(reader) == "NOOP"


@pytest.mark.parametrize("octets", [b"", b"QUIT", b"QUIT\r"])
async def test_a_line_without_its_end_is_no_line(octets: bytes) -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        await read_line(reader_of(octets))


async def test_a_line_may_be_longer_where_it_is_said_so() -> None:
    longest = 3 * COMMAND_OCTETS
    for octets, fits in ((longest, True), (longest + 1, False)):
        reader = asyncio.StreamReader(limit=longest)
        reader.feed_data(b"x" * (octets - 2) + b"\r\n")
        if fits:
            assert len(await read_line(reader, longest)) == octets - 2
        else:
            with pytest.raises(LineTooLong):
                await read_line(reader, longest)


@pytest.mark.parametrize("verb", ["AUTH ", "auth "])
def test_only_auth_is_longer_than_a_command(verb: str) -> None:
    check_length(verb + "x" * 10 * COMMAND_OCTETS)
    check_length("MAIL " + "x" * (COMMAND_OCTETS - 7))
    for line in ("MAIL " + "x" * (COMMAND_OCTETS - 6), "AUTHX" + "x" * COMMAND_OCTETS):
        with pytest.raises(LineTooLong):
            check_length(line)
