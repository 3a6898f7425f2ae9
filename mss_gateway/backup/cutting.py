"""Rows of the store as octets, cut into units where the rows themselves say so.

A unit ends after a row whose checksum falls below its share of ``octets``: a row added, changed or
taken away moves the ends of its own unit and the next, never of those that follow. So two
snapshots have most units in common.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from mss_gateway.backup.errors import Damaged

ROWS_OCTETS: Final = 128 * 1024
"""Usual octets of a unit of rows: what a changed row costs in the next snapshot."""

BODIES_OCTETS: Final = 1024 * 1024
"""The same of bodies, which do not change."""

_LEAST, _MOST = 4, 4
"""A unit has at least a fourth of what is usual, and at most four times that and one row."""

_NUMBER = struct.Struct(">bq")
_REAL = struct.Struct(">bd")
_LONG = struct.Struct(">bI")
_NOTHING, _INTEGER, _FLOAT, _TEXT, _OCTETS = range(5)
_NULL = bytes([_NOTHING])


class Cutter:
    """Says after which row a unit ends."""

    __slots__ = ("_filled", "_octets")

    def __init__(self, octets: int) -> None:
        self._octets = octets
        self._filled = 0

    def ends_after(self, row: bytes, octets: int) -> bool:
        """Whether a unit ends after this row, of so many octets; called once for each, in order."""
        self._filled += octets
        if self._filled < self._octets // _LEAST:
            return False
        falls_below = zlib.crc32(row) * self._octets < octets << 32
        if falls_below or self._filled >= self._octets * _MOST:
            self._filled = 0
            return True
        return False


def encode(row: Sequence[Any]) -> bytes:
    """One row; TypeError for a value that SQLite does not have."""
    parts = []
    for value in row:
        if value is None:
            parts.append(_NULL)
        elif isinstance(value, int):
            parts.append(_NUMBER.pack(_INTEGER, value))
        elif isinstance(value, bytes):
            parts.append(_LONG.pack(_OCTETS, len(value)))
            parts.append(value)
        elif isinstance(value, str):
            text = value.encode()
            parts.append(_LONG.pack(_TEXT, len(text)))
            parts.append(text)
        elif isinstance(value, float):
            parts.append(_REAL.pack(_FLOAT, value))
        else:
            raise TypeError(type(value).__name__)
    return b"".join(parts)


def decode(rows: bytes, columns: int) -> Iterator[tuple[Any, ...]]:
    """The rows that :func:`encode` made, of so many columns each; raises :class:`Damaged`."""
    at, end = 0, len(rows)
    try:
        while at < end:
            row = []
            for _ in range(columns):
                value, at = _value(rows, at)
                row.append(value)
            yield tuple(row)
    except (struct.error, IndexError, UnicodeDecodeError):
        raise Damaged("its rows cannot be read") from None


def _value(rows: bytes, at: int) -> tuple[Any, int]:
    kind = rows[at]
    if kind == _NOTHING:
        return None, at + 1
    if kind == _INTEGER:
        return _NUMBER.unpack_from(rows, at)[1], at + _NUMBER.size
    if kind == _FLOAT:
        return _REAL.unpack_from(rows, at)[1], at + _REAL.size
    if kind not in (_TEXT, _OCTETS):
        raise IndexError(kind)
    start = at + _LONG.size
    stop = start + _LONG.unpack_from(rows, at)[1]
    if stop > len(rows):
        raise IndexError(stop)
    value = rows[start:stop]
    return (value.decode() if kind == _TEXT else value), stop
