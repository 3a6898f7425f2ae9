"""Base64 as MIME carries it, a piece at a time: 20 MB cost their encoded form and little more."""

import binascii
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

_LINE: Final = 76  # characters, RFC 2045 §6.8
_GROUP: Final = 57  # octets that make one line
_PIECE: Final = _GROUP * 1024


def base64_lines(octets: bytes) -> bytes:
    """Base64 in lines of 76 characters, each ended by CRLF (RFC 2045 §6.8)."""
    return gather(base64_pieces(octets))


def base64_pieces(octets: bytes | Sequence[bytes]) -> Iterator[bytes]:
    """The same in pieces, each whole lines, of octets that may come in pieces of any size."""
    rest = b""
    for part in (octets,) if isinstance(octets, bytes) else octets:
        view = memoryview(part)
        start = 0
        if rest:
            start = min(_GROUP - len(rest), len(view))
            rest += view[:start]
            if len(rest) < _GROUP:
                continue
            yield _lines(rest)
            rest = b""
        end = start + (len(view) - start) // _GROUP * _GROUP
        for piece in range(start, end, _PIECE):
            yield _lines(view[piece : min(piece + _PIECE, end)])
        rest = bytes(view[end:])
    if rest:
        yield _lines(rest)


def gather(pieces: Iterable[bytes]) -> bytes:
    """The pieces in one, each forgotten as soon as it is written: a join would hold them all."""
    buffer = io.BytesIO()
    buffer.writelines(pieces)
    return buffer.getvalue()


def _lines(octets: bytes | memoryview) -> bytes:
    text = binascii.b2a_base64(octets, newline=False)
    lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    lines.append(b"")
    return b"\r\n".join(lines)
