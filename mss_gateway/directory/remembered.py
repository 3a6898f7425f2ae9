"""Passwords that were right a moment ago, so that a mail client that comes back costs no Argon2.

Mail clients sign in many times over: several connections at once, and again after each sleep of a
laptop. What is kept is a digest under a key of this process only, one for each account, for a few
minutes and never longer; a wrong password is never kept. The digest covers the stored hash too: who
asks hands in the hash that the store holds now, so a changed password ends the memory at once.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from mailbox_store.vault import AccountId

LONGEST_SECONDS = 300
"""How long a right password may be remembered at most, whatever the configuration says."""

ACCOUNTS_LIMIT = 10_000
"""Accounts remembered at most; past it the one that was asked for longest ago goes."""


class Remembered:
    """The digests; safe to use from several threads."""

    __slots__ = ("_clock", "_entries", "_key", "_lock", "_seconds")

    def __init__(
        self, seconds: int = LONGEST_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Remember for ``seconds``, at most :data:`LONGEST_SECONDS`; 0 remembers nothing."""
        self._seconds = min(seconds, LONGEST_SECONDS)
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        # account → digest and its end, the least recently asked for first
        self._entries: OrderedDict[AccountId, tuple[bytes, float]] = OrderedDict()

    def knows(self, account_id: AccountId, kept: str, password: str) -> bool:
        """Whether this password was found right for the hash ``kept``, not long ago.

        Being asked for does not make it last longer.
        """
        with self._lock:
            entry = self._entries.get(account_id)
            if entry is None:
                return False
            if entry[1] <= self._clock():
                del self._entries[account_id]
                return False
            self._entries.move_to_end(account_id)
        return hmac.compare_digest(entry[0], self._digest(account_id, kept, password))

    def keep(self, account_id: AccountId, kept: str, password: str) -> None:
        """Remember that Argon2 has just found this password right for the hash ``kept``."""
        if self._seconds <= 0:
            return
        digest = self._digest(account_id, kept, password)
        with self._lock:
            self._entries[account_id] = (digest, self._clock() + self._seconds)
            self._entries.move_to_end(account_id)
            while len(self._entries) > ACCOUNTS_LIMIT:
                self._entries.popitem(last=False)

    def _digest(self, account_id: AccountId, kept: str, password: str) -> bytes:
        # neither a number nor a hash holds a NUL: no two triples have the same octets
        parts = f"{account_id}\0{kept}\0".encode() + password.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, parts, hashlib.sha256)
