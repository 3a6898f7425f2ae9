"""Throttling of sign-ins by account and by peer address: growing delays, never a lock-out.

Reliability T9: 5 failures in 15 minutes for an account, 30 in 24 hours for an address, then waits
that double up to a bound. A right sign-in that comes after its wait always works, so nobody can
lock a patient out for good. Kept in memory: losing it on a restart costs an attacker's patience.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Network, ip_address

LONGEST_WAIT = 300.0
"""Seconds between two tries at most."""

KEYS_LIMIT = 100_000
"""Keys remembered at most: when as many are tried at once, the oldest tenth is forgotten."""


def network(address: str) -> str:
    """What an IP address is counted as: IPv6 by its /64, which one subscriber has to choose from.

    What is no address is left as it is.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((found, 64), strict=False))


def _itself(key: str) -> str:
    return key


@dataclass(slots=True)
class _Record:
    failures: int
    since: float
    free_at: float


class Throttle:
    """Counts failures per key within ``window`` seconds; ``key`` says which keys are one."""

    def __init__(
        self,
        allowed: int,
        window: float,
        clock: Callable[[], float] = time.monotonic,
        key: Callable[[str], str] = _itself,
    ) -> None:
        self._allowed = allowed
        self._key = key
        self._window = window
        self._clock = clock
        self._records: dict[str, _Record] = {}
        self._lock = threading.Lock()

    def wait(self, key: str) -> float:
        """Seconds to wait before this key may try again; 0.0 when it may now."""
        with self._lock:
            record = self._records.get(self._key(key))
            return 0.0 if record is None else max(0.0, record.free_at - self._clock())

    def failed(self, key: str) -> None:
        """Count a failure."""
        now, key = self._clock(), self._key(key)
        with self._lock:
            record = self._records.get(key)
            if record is None or now - record.since > self._window:
                self._records.pop(key, None)
                self._make_room(now)
                record = self._records[key] = _Record(0, now, now)
            record.failures += 1
            excess = record.failures - self._allowed
            if excess >= 0:
                record.free_at = now + min(LONGEST_WAIT, 2.0 ** min(excess, 16))

    def succeeded(self, key: str) -> None:
        """Forget the failures of a key."""
        with self._lock:
            self._records.pop(self._key(key), None)

    def _make_room(self, now: float) -> None:
        """Called rarely enough that looking at every key costs little per failure."""
        if len(self._records) < KEYS_LIMIT:
            return
        alive = [
            (key, record)
            for key, record in self._records.items()
            if now - record.since <= self._window
        ]
        # in the order of their first failure
        self._records = dict(alive[-(KEYS_LIMIT - max(1, KEYS_LIMIT // 10)) :])
