"""The body after DATA: read in large pieces until CRLF.CRLF and nothing else (threat T1).

One process-wide budget bounds the bodies in flight; a client that drips is cut off (threat T7).
"""

import asyncio
import time
from collections.abc import Callable

TERMINATOR = b"\r\n.\r\n"
PIECE_OCTETS = 262_144

SLOWEST_RATE = 1000.0
"""Octets per second, averaged, below which a body is given up after :data:`RATE_GRACE`."""
RATE_GRACE = 60.0


class TooSlow(Exception):
    """The client sends too slowly to wait for."""


class Budget:
    """Octets of bodies in memory over all sessions of the process."""

    def __init__(self, octets: int) -> None:
        self._free = octets

    def take(self, octets: int) -> bool:
        """Reserve; False when there is no room."""
        if octets > self._free:
            return False
        self._free -= octets
        return True

    def give_back(self, octets: int) -> None:
        """Return what was reserved."""
        self._free += octets


class Reading:
    """One body on its way in. ``raw`` is None when it was too big or had no room."""

    def __init__(self, limit: int, budget: Budget) -> None:
        self._limit = limit
        self._budget = budget
        self._held = 0
        self.is_too_big = False
        self.found_no_room = False

    async def read(
        self, reader: asyncio.StreamReader, clock: Callable[[], float] = time.monotonic
    ) -> bytes | None:
        """The body with dots unstuffed (RFC 5321 §4.5.2), read to its end in any case.

        Raises IncompleteReadError when the client leaves, TooSlow when it drips.
        """
        # the CRLF of the DATA line itself may begin the terminator
        collected, started = bytearray(b"\r\n"), clock()
        octets = 0
        while True:
            piece = await reader.read(PIECE_OCTETS)
            if not piece:
                raise asyncio.IncompleteReadError(b"", None)
            search_from = max(0, len(collected) - len(TERMINATOR) + 1)
            collected += piece
            octets += len(piece)
            end = collected.find(TERMINATOR, search_from)
            if end >= 0:
                _push_back(reader, bytes(collected[end + len(TERMINATOR) :]))
                break
            elapsed = clock() - started
            if elapsed > RATE_GRACE and octets / elapsed < SLOWEST_RATE:
                raise TooSlow
            self._account(collected, len(piece), octets)
        if self.is_too_big or self.found_no_room:
            return None
        raw = bytes(memoryview(collected)[2 : end + 2])
        if len(raw) > self._limit:
            self.is_too_big = True
            return None
        return raw.replace(b"\r\n.", b"\r\n")[_leading_dot(raw) :]

    def release(self) -> None:
        """Give the memory back to the budget; call once the message is stored or refused."""
        self._budget.give_back(self._held)
        self._held = 0

    def _account(self, collected: bytearray, piece: int, octets: int) -> None:
        """Past a limit nothing more is kept, but the body is still read to its end."""
        if not self.is_too_big and not self.found_no_room:
            if octets > self._limit + len(TERMINATOR):
                self.is_too_big = True
            elif self._budget.take(piece):
                self._held += piece
            else:
                self.found_no_room = True
        if self.is_too_big or self.found_no_room:
            del collected[: -(len(TERMINATOR) - 1)]


def _leading_dot(raw: bytes) -> int:
    return 1 if raw.startswith(b".") else 0


def waiting(reader: asyncio.StreamReader) -> bool:
    """Whether the client has sent something that nobody has read yet."""
    return bool(reader._buffer)  # type: ignore[attr-defined]


def _push_back(reader: asyncio.StreamReader, rest: bytes) -> None:
    """What came after the terminator belongs to the next command."""
    if rest:
        # StreamReader has no public way to give bytes back
        reader._buffer[:0] = rest  # type: ignore[attr-defined]
