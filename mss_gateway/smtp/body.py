"""The body after DATA: read in large pieces until CRLF.CRLF and nothing else (threat T1).

One process-wide budget bounds the bodies in flight; a client that drips is cut off (threat T7).
A body that is too big, or finds no room, is read to its end without being kept, so that the
dialogue can go on; one that never ends is not.
"""

import asyncio
from collections.abc import Callable

from mss_gateway.failures import Failure, Refused

TERMINATOR = b"\r\n.\r\n"
PIECE_OCTETS = 262_144

RATE_WINDOW = 60.0
"""Seconds over which a client's rate is averaged, again and again."""
SLOWEST_RATE = 1000.0
"""Octets per second below which, over a whole window, a body is given up."""
PATIENCE_FACTOR = 4
"""How many times the limit is read of a body that is refused anyway."""


class TooSlow(Exception):
    """The client sends too slowly to wait for."""


class Endless(Exception):
    """The client goes on far beyond the limit it was told in EHLO."""


class Budget:
    """Octets of bodies in memory over all sessions of the process."""

    def __init__(self, octets: int) -> None:
        self._free = octets

    @property
    def free(self) -> int:
        """What could be taken now."""
        return self._free

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
    """One body on its way in. ``heard`` is called at each piece, ``clock`` counts seconds."""

    def __init__(
        self,
        limit: int,
        budget: Budget,
        clock: Callable[[], float],
        heard: Callable[[], None],
    ) -> None:
        self._limit = limit
        self._budget = budget
        self._clock = clock
        self._heard = heard
        self._held = 0
        self._stuffed = 0
        self._refusal: Failure | None = None

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """The body without its dots of transparency (RFC 5321 §4.5.2).

        Raises Refused(MESSAGE_TOO_BIG, SERVICE_BUSY) after reading to the end; TooSlow, Endless
        and IncompleteReadError (the client has left) before it.
        """
        # the CRLF of the DATA line itself may begin the terminator
        collected = bytearray(b"\r\n")
        octets, window_start, window_octets = 0, self._clock(), 0
        while True:
            piece = await reader.read(PIECE_OCTETS)
            if not piece:
                raise asyncio.IncompleteReadError(b"", None)
            self._heard()
            known = len(collected)
            collected += piece
            octets += len(piece)
            end = collected.find(TERMINATOR, max(0, known - len(TERMINATOR) + 1))
            if end >= 0:
                rest = bytes(collected[end + len(TERMINATOR) :])
                _push_back(reader, rest)
                octets -= len(rest)
                del collected[end + 2 :]
            self._count(collected, known, octets)
            if end >= 0:
                return self._unstuffed(collected)
            window_octets += len(piece)
            elapsed = self._clock() - window_start
            if elapsed > RATE_WINDOW:
                if window_octets < SLOWEST_RATE * elapsed:
                    raise TooSlow
                window_start, window_octets = self._clock(), 0

    def release(self) -> None:
        """Give the memory back to the budget; call once the message is stored or refused."""
        self._budget.give_back(self._held)
        self._held = 0

    def _count(self, collected: bytearray, known: int, octets: int) -> None:
        """Hold the budget to what is kept; past a limit nothing more is kept."""
        # a dot of transparency that was not counted before has its last octet in what is new
        self._stuffed += collected.count(b"\r\n.", max(0, known - 2))
        if self._refusal is None:
            more = max(0, len(collected) - 2 - self._held)
            if octets - self._stuffed > self._limit + len(TERMINATOR):
                self._refusal = Failure.MESSAGE_TOO_BIG
            elif self._budget.take(more):
                self._held += more
            else:
                self._refusal = Failure.SERVICE_BUSY
        if self._refusal is not None:
            self.release()
            del collected[: -(len(TERMINATOR) - 1)]
            if octets > PATIENCE_FACTOR * (self._limit + len(TERMINATOR)):
                raise Endless

    def _unstuffed(self, collected: bytearray) -> bytes:
        """The message itself; raises Refused."""
        if self._refusal is not None:
            raise Refused(self._refusal)
        raw = bytes(memoryview(collected)[2:])
        if self._stuffed:
            raw = raw.replace(b"\r\n.", b"\r\n")[1 if raw.startswith(b".") else 0 :]
        if len(raw) > self._limit:
            raise Refused(Failure.MESSAGE_TOO_BIG)
        return raw


def _push_back(reader: asyncio.StreamReader, rest: bytes) -> None:
    """What came after the terminator belongs to the next command."""
    if rest:
        # StreamReader has no public way to give bytes back
        reader._buffer[:0] = rest  # type: ignore[attr-defined]
