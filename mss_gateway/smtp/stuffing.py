"""A message as the bytes after DATA: dots doubled, ended by CRLF.CRLF (RFC 5321 §4.5.2).

Nothing is mended here: a lone CR or LF was refused before (``life.relay``), because a signature
covers it and the next server might read an end in it (threat T2).
"""

from collections.abc import Iterator
from typing import Final

PIECE_OCTETS: Final = 64 * 1024
"""Largest piece that is handed to the transport at once."""

END: Final = b".\r\n"
"""What ends a message, after the CRLF that ends its last line."""


def stuffed(raw: bytes) -> Iterator[memoryview | bytes]:
    """The pieces of ``raw``, without :data:`END`; they are views of it, nothing is copied."""
    view, at = memoryview(raw), 0
    if raw.startswith(b"."):
        yield b"."
    while (dot := raw.find(b"\r\n.", at)) >= 0:
        yield from _cut(view[at : dot + 3])
        yield b"."
        at = dot + 3
    yield from _cut(view[at:])
    if not raw.endswith(b"\r\n"):
        yield b"\r\n"


def _cut(view: memoryview) -> Iterator[memoryview]:
    return (view[at : at + PIECE_OCTETS] for at in range(0, len(view), PIECE_OCTETS))
