"""Command lines: ASCII, bounded, ended by CRLF and nothing else (RFC 5321 §2.3.8, threats T1, T7).

A server before us may have taken a bare LF for a line end, and we for part of a line, or the other
way round: what such a client says cannot be trusted, so it is not interpreted at all.
"""

import asyncio

COMMAND_OCTETS = 2048
"""A command line with its CRLF. RFC 5321 §4.5.3.1.4 asks for 512, parameters bring their own."""


class LineRefused(Exception):
    """A line that is not interpreted; the next one may be."""


class LineTooLong(LineRefused):
    """Longer than a line may be here; it was skipped."""


class LineNotAscii(LineRefused):
    """Octets above 127 where SMTPUTF8 is not offered (RFC 6531 §3.1), or no UTF-8."""


class StrayLineEnding(Exception):
    """A bare CR, bare LF or NUL: the connection is not to be believed any more."""


async def read_line(
    reader: asyncio.StreamReader, longest: int = COMMAND_OCTETS, *, takes_utf8: bool = False
) -> str:
    """The next line of at most ``longest`` octets, without its CRLF.

    ``reader`` must have ``longest`` as its limit. Raises LineRefused, StrayLineEnding,
    and IncompleteReadError when the client has left.
    """
    try:
        line = await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError as overrun:
        await _skip(reader, overrun.consumed)
        raise LineTooLong from None
    if len(line) > longest:
        raise LineTooLong
    text = line[:-2]
    if not line.endswith(b"\r\n") or b"\r" in text or b"\0" in text:
        raise StrayLineEnding
    try:
        return text.decode("utf-8" if takes_utf8 else "ascii")
    except UnicodeDecodeError:
        raise LineNotAscii from None


def check_length(line: str) -> None:
    """Whether a command is as short as its verb must be; raises LineTooLong.

    Only AUTH may be longer where lines may be: RFC 4954 §4 has it bring a whole response.
    """
    if len(line) + 2 > COMMAND_OCTETS and line[:5].upper() != "AUTH ":
        raise LineTooLong


async def _skip(reader: asyncio.StreamReader, octets: int) -> None:
    """Pass over the rest of a line that is too long, keeping none of it."""
    while True:
        await reader.readexactly(octets)
        try:
            await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as overrun:
            octets = overrun.consumed
        else:
            return
