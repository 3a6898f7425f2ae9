"""What signs for a domain that leaves (DKIM), kept open for a while: opening a key costs more than
a signature. A key that the operator retires, in another process, signs for a minute more at most.
"""

import threading
from collections.abc import Callable
from typing import Final

from mailbox_store.database import View
from mailbox_store.vault import AccountId
from mss_gateway.directory import dkim_keys

KEPT_SECONDS: Final = 60.0

Sign = Callable[[bytes], bytes]


class DkimSigners:
    """Callable: what signs for a domain by a selector. The domains are ours: they are few."""

    def __init__(self, spool: AccountId, monotonic: Callable[[], float]) -> None:
        self._spool, self._monotonic = spool, monotonic
        self._turn = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[float, Sign | None]] = {}

    def __call__(self, view: View, domain: str, selector: str) -> Sign | None:
        """What ``message.dkim.sign`` signs with; None without a key in use."""
        now = self._monotonic()
        with self._turn:
            until, signer = self._kept.get((domain, selector), (now, None))
        if until <= now:
            signer = dkim_keys.signer_for(view, self._spool, domain, selector)
            with self._turn:
                self._kept[domain, selector] = (now + KEPT_SECONDS, signer)
        return signer
