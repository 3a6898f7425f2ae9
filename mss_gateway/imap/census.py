"""How many connections and octets are in use: by address, by account, in all (threats T7, T8).

An address is counted as ``directory.throttle.network`` has it: a /64 is one subscriber.
"""

from collections import Counter
from typing import Final, TypeVar

from mss_gateway.directory.throttle import network

K = TypeVar("K")

SHARES: Final = 8
"""One person may have an eighth of the memory for messages on their way in, or one message."""


class Census:
    """Counts of one server; used on the loop's thread only."""

    def __init__(
        self, per_address: int, per_account: int, octets_in_flight: int, least_share: int = 0
    ) -> None:
        self._per_address = per_address
        self._per_account = per_account
        self._octets_left = octets_in_flight
        self._share = max(octets_in_flight // SHARES, least_share)
        self._held: Counter[int] = Counter()
        self._addresses: Counter[str] = Counter()
        self._accounts: Counter[int] = Counter()

    def enter(self, address: str) -> bool:
        """Count a connection that has not logged in; False when the address has too many."""
        return _count(self._addresses, network(address), self._per_address)

    def leave(self, address: str) -> None:
        """Undo ``enter``."""
        _uncount(self._addresses, network(address))

    def log_in(self, account_id: int) -> bool:
        """Count a connection of an account; False when it has too many."""
        return _count(self._accounts, account_id, self._per_account)

    def log_out(self, account_id: int) -> None:
        """Undo ``log_in``."""
        _uncount(self._accounts, account_id)

    def reserve(self, octets: int, person_id: int) -> bool:
        """Set memory aside for a message on its way in; False when the server is full.

        One person holds at most a share: announcing messages that never come stops nobody else.
        """
        if octets > self._octets_left or self._held[person_id] + octets > self._share:
            return False
        self._octets_left -= octets
        self._held[person_id] += octets
        return True

    def release(self, octets: int, person_id: int) -> None:
        """Undo ``reserve``."""
        self._octets_left += octets
        self._held[person_id] -= octets
        if self._held[person_id] <= 0:
            del self._held[person_id]


def _count(counter: "Counter[K]", key: K, limit: int) -> bool:
    if counter[key] >= limit:
        return False
    counter[key] += 1
    return True


def _uncount(counter: "Counter[K]", key: K) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
