"""The thread that keeps the index of records: a sibling of ``indexer``, with a reader of its own.

A hostile PDF may take ten seconds before its reader is ended: neither the index of messages nor
the pictures that somebody waits for stand behind it.
"""

import threading
import time
from collections.abc import Iterable
from typing import Final

from mailbox_store.errors import StoreFailed
from mailbox_store.vault import AccountId
from mss_gateway.dossier import record_segments
from mss_gateway.dossier.render import Renderer
from mss_gateway.life import record_index
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.pacing import Pace, Stopped
from mss_gateway.observability import log

POLL_SECONDS: Final = 3.0
"""How often it looks. Documents gather so long; until then a search reads them one by one."""

IDLE_SECONDS: Final = 60.0
"""After so long without a document its reader ends, and the memory that it takes."""

TIDIED_AT_ONCE: Final = 100
"""Accounts whose segments are written anew at a time."""


class RecordIndexer:
    """One thread; :meth:`stop` gives up the work at hand."""

    def __init__(self, gateway: Gateway) -> None:
        self._database = gateway.database
        self._lag = gateway.metrics.record_index_lag
        self._renderer = Renderer(workers=1)
        self._stopping = threading.Event()
        self._pace = Pace(self._stopping)
        self._worked_at = 0.0
        self._thread = threading.Thread(target=self._run, name="record-indexer", daemon=True)

    def start(self) -> None:
        """Work whenever there are documents."""
        self._thread.start()

    def stop(self) -> None:
        """End, with the reader; returns within a moment."""
        self._stopping.set()
        self._renderer.close()
        if self._thread.is_alive():
            self._thread.join()

    def run_once(self) -> None:
        """Index all there is, and write anew what has to be."""
        self._pace.begin()
        self._tell_lag()
        while self._index_batch():
            self._tell_lag()
            self._worked_at = time.monotonic()
        with self._database.read() as view:
            wanting = record_segments.wanting(view, TIDIED_AT_ONCE)
        self._tidy(wanting)
        if time.monotonic() - self._worked_at >= IDLE_SECONDS:
            self._renderer.rest()

    def _run(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            try:
                self.run_once()
            except Stopped:
                return
            except StoreFailed as error:
                log.bug("record indexer", error)
                return
            except Exception as error:
                log.bug("record indexer", error)

    def _index_batch(self) -> bool:
        """False when there was nothing to do."""
        done = record_index.index_batch(self._database, self._renderer, self._pace)
        self._tidy(done.accounts)
        return done.documents > 0

    def _tidy(self, accounts: Iterable[AccountId]) -> None:
        for account_id in accounts:
            record_index.tidy(self._database, self._renderer, account_id, self._pace)

    def _tell_lag(self) -> None:
        with self._database.read() as view:
            self._lag.set(record_segments.lag(view))
