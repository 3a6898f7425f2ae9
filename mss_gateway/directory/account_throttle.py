"""Waits of one account: strangers wait together, a network that signed in rightly only for itself.

If a right sign-in forgot the failures of everybody, whoever guesses would be given new tries each
time that the holder's own mail program comes by, which is every few minutes. If it forgot nobody's,
strangers who guess on would keep the holder waiting. So from a network (``throttle.network``) where
somebody signed in rightly, the failures of others are nobody's concern, and nothing else is
forgiven by it. The same holds for a browser that proves to have signed in before (OWASP's "device
cookies", :mod:`known_browsers`), wherever it is. The holder on a new network waits as a stranger
does, and no longer than :data:`PLACE_SECONDS`: whoever is told to wait has a place then, for one
try, and whatever others do meanwhile does not push it back.

Kept in memory, bounded: after a restart everybody is a stranger whose failures were forgotten.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from mss_gateway.directory.throttle import LONGEST_WAIT, Throttle, network

FAMILIAR_SECONDS: Final = 30 * 86_400.0
"""How long after its last right sign-in a network is no stranger's."""

FAMILIAR_LIMIT: Final = 50_000
"""Networks of accounts remembered at most; past it the one that signed in longest ago goes."""

PLACE_SECONDS: Final = LONGEST_WAIT
"""How long a stranger waits at most before they may try, once."""

PLACES_LIMIT: Final = 100_000
"""Places remembered at most; past it the oldest goes."""


class AccountThrottle:
    """``allowed`` failures within ``window`` seconds, then waits as :class:`Throttle` has them.

    A ``peer`` is an IP address, counted by its network; or the mark of a browser, and then
    ``is_known`` says that it was proved. Safe to use from several threads.
    """

    def __init__(
        self, allowed: int, window: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._strangers = Throttle(allowed, window, clock)
        self._familiar = Throttle(allowed, window, clock)
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._places: OrderedDict[str, float] = OrderedDict()
        self._turn = threading.Lock()

    def wait(self, account: str, peer: str, *, is_known: bool = False) -> float:
        """Seconds to wait before this peer may try again; 0.0 when it may now.

        A stranger who must wait takes a place by asking.
        """
        pair = _pair(account, peer)
        if is_known or self._is_familiar(pair):
            return self._familiar.wait(pair)
        wait = self._strangers.wait(account)
        return 0.0 if wait == 0.0 else min(wait, self._until_place(pair))

    def failed(self, account: str, peer: str, *, is_known: bool = False) -> None:
        """Count a failure; it uses a place up."""
        pair = _pair(account, peer)
        with self._turn:
            self._places.pop(pair, None)
        if is_known or self._is_familiar(pair):
            self._familiar.failed(pair)
        else:
            self._strangers.failed(account)

    def succeeded(self, account: str, peer: str) -> None:
        """Forget the failures from this network, and no others."""
        pair = _pair(account, peer)
        with self._turn:
            self._places.pop(pair, None)
            self._seen[pair] = self._clock()
            self._seen.move_to_end(pair)
            if len(self._seen) > FAMILIAR_LIMIT:
                self._seen.popitem(last=False)
        self._familiar.succeeded(pair)

    def _until_place(self, pair: str) -> float:
        now = self._clock()
        with self._turn:
            at = self._places.get(pair)
            if at is None or now - at > PLACE_SECONDS:  # a place that was not taken is given up
                self._places.pop(pair, None)
                at = self._places[pair] = now + PLACE_SECONDS
                if len(self._places) > PLACES_LIMIT:
                    self._places.popitem(last=False)
        return max(0.0, at - now)

    def _is_familiar(self, pair: str) -> bool:
        with self._turn:
            seen_at = self._seen.get(pair)
        return seen_at is not None and self._clock() - seen_at <= FAMILIAR_SECONDS


def _pair(account: str, peer: str) -> str:
    return f"{network(peer)}\n{account}"
