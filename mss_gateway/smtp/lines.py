"""Command lines: ASCII, bounded, ended by CRLF and nothing else (RFC 5321 §2.3.8, threats T1, T7).

A server before us may have taken a bare LF for a line end, and we for part of a line, or the other
way round: what such a client says cannot be trusted, so it is not interpreted at all.
"""

import asyncio

COMMAND_OCTETS = 2048
"""A command line with its CRLF. RFC 5321 §4.5.3.1.4 asks for 512; AUTH brings its own octets."""


class LineRefused(Exception):
    """A line that is not interpreted; the next one may be."""


class LineTooLong(LineRefused):
    """Longer than :data:`COMMAND_OCTETS`; it was skipped."""


class LineNotAscii(LineRefused):
    """Octets above 127: SMTPUTF8 is not offered."""


class StrayLineEnding(Exception):
    """A bare CR, bare LF or NUL: the connection is not to be believed any more."""


async def read_line(reader: asyncio.StreamReader) -> str:
    """The next command line, without its CRLF.

    ``reader`` must have :data:`COMMAND_OCTETS` as its limit. Raises LineRefused, StrayLineEnding,
    and IncompleteReadError when the client has left.
    """
    try:
        line = await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError as overrun:
        await _skip(reader, overrun.consumed)
        raise LineTooLong from None
    if len(line) > COMMAND_OCTETS:
        raise LineTooLong
    text = line[:-2]
    if not line.endswith(b"\r\n") or b"\r" in text or b"\0" in text:
        raise StrayLineEnding
    try:
        return text.decode("ascii")
    except UnicodeDecodeError:
        raise LineNotAscii from None


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
