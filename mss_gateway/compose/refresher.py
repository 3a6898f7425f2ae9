"""The thread that keeps answers about revocation fresh; it fetches, and nobody waits for it.

Rounds run one after the other on this thread, their fetches on two more: neither the event loop nor
the bridge's lanes, where a slow server would hold up mail.
"""

import ssl
import threading
from collections.abc import Callable
from typing import Final

from certs.certificate import Certificate
from certs.usage import Purpose
from mailbox_store.database import View
from mailbox_store.errors import StoreError, StoreFailed
from mss_gateway.directory.revocation import Kept
from mss_gateway.directory.revocation_needs import Needs
from mss_gateway.directory.revocation_refresh import Outcome, Refresh
from mss_gateway.directory.revocation_sources import allowed_hosts
from mss_gateway.directory.revocation_survey import Survey, survey
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import log

POLL_SECONDS: Final = 60.0
"""How often it looks whether something is due, or somebody new is in the key book."""

LEAST_SECONDS: Final = 1.0
"""Between two rounds, however much is due."""


class Refresher:
    """One thread between :meth:`start` and :meth:`stop`."""

    def __init__(self, refresh: Refresh, poll_seconds: float = POLL_SECONDS) -> None:
        self._refresh = refresh
        self._poll_seconds = poll_seconds
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="revocation", daemon=True)
        self.latest: Survey | None = None

    def start(self) -> None:
        """Begin; the first round runs at once."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is under way is cut off. Before the store is closed."""
        self._stopping.set()
        self._woken.set()
        self._refresh.close()
        if self._thread.is_alive():
            self._thread.join()

    def allow(self, hosts: tuple[str, ...]) -> None:
        """Fetch from these hosts too, as the configuration has it now; look at once."""
        self._refresh.allow(hosts)
        self.wake()

    def wake(self) -> None:
        """Look now: somebody is to be written to whose certificate is new."""
        self._woken.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                self.latest = self._refresh.run_once()
            except StoreFailed:
                return  # the process must end, and others say so
            except StoreError as error:
                log.note("revocation answers not kept", error=type(error).__name__)
            except Exception as error:
                log.bug("revocation round", error)  # nobody stands above the thread
            self._stopping.wait(LEAST_SECONDS)
            self._woken.wait(self._poll_seconds)


def build(
    gateway: Gateway,
    kept: Kept,
    own: Callable[[View], tuple[Certificate, ...]],
    tell: Callable[[str, Outcome], None],
    tls: ssl.SSLContext | None = None,
) -> Refresher:
    """The refresher of a gateway, whose ``kept`` answers it fills.

    ``own``: the certificates of the gateway's own authorities, about whom nobody is asked. ``tell``
    is called for each fetch with the kind of source and what it came to, on any thread. ``tls``:
    for servers reached by https; without it they are not asked.
    """
    needs = Needs(gateway.spool, lambda view: believed(gateway, view), own)
    return Refresher(
        Refresh(
            gateway.database,
            kept,
            needs.gather,
            hosts=gateway.config.revocation.hosts,
            tls=tls,
            clock=gateway.clock,
            tell=tell,
        )
    )


def freshness(
    gateway: Gateway, view: View, own: Callable[[View], tuple[Certificate, ...]]
) -> Survey:
    """How fresh the answers are that this gateway needs; for a process that fetches nothing."""
    needed = Needs(gateway.spool, lambda view: believed(gateway, view), own).gather(view)
    hosts = allowed_hosts(gateway.config.revocation.hosts, needed)
    return survey(view, needed, hosts, gateway.clock())


def believed(gateway: Gateway, view: View) -> tuple[Certificate, ...]:
    """Every authority of the operator's choice: anchors of each purpose, those of TLS clients."""
    anchors = gateway.trust.anchors(view)
    found = [each for purpose in Purpose for each in anchors.of(purpose)]
    if gateway.client_trust is not None:
        found += gateway.client_trust.authorities
    return tuple(dict.fromkeys(found))
