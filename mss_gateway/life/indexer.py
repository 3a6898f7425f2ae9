"""The thread that keeps the text index: behind everything else, because nobody waits for it.

It works for a moment and sleeps for longer (``pacing``). Messages gather for a while before they
are indexed together.
"""

import threading
import time
from collections.abc import Mapping
from typing import Final

from mailbox_store import segments
from mailbox_store.database import MailboxId
from mailbox_store.errors import StoreFailed
from mailbox_store.vault import AccountId
from mss_gateway.life import index
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.pacing import Pace, Stopped
from mss_gateway.observability import log

POLL_SECONDS: Final = 10.0
"""How often it looks without being woken: another process may write."""

GATHER_SECONDS: Final = 2.0
"""How long messages gather; until then a search reads them one by one."""

SWEEP_SECONDS: Final = 3_600.0
"""Every account is looked over this often, whether messages are gone or segments do not open."""

SWEPT_AT_ONCE: Final = 10
"""Accounts looked over at a time, so that new messages wait for few of them."""


class Indexer:
    """One thread; :meth:`stop` gives up the work at hand."""

    def __init__(self, gateway: Gateway) -> None:
        self._database = gateway.database
        self._lag = gateway.metrics.index_lag
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._pace = Pace(self._stopping)
        self._swept = AccountId(0)
        self._sweep_at = 0.0
        self._thread = threading.Thread(target=self._run, name="indexer", daemon=True)

    def start(self) -> None:
        """Work whenever messages come."""
        self._database.on_commit(self._noticed)
        self._thread.start()

    def stop(self) -> None:
        """End; returns within a moment."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def run_once(self) -> None:
        """Index all there is, and look over some accounts."""
        self._pace.begin()
        self._tell_lag()
        while (done := index.index_batch(self._database, self._pace)).messages:
            for account_id in done.accounts:
                index.tidy(self._database, account_id, self._pace, is_thorough=False)
            self._tell_lag()
        if time.monotonic() >= self._sweep_at:
            self._sweep()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(POLL_SECONDS)
            self._stopping.wait(GATHER_SECONDS)
            self._wake.clear()
            try:
                self.run_once()
            except Stopped:
                return
            except StoreFailed as error:
                log.bug("indexer", error)
                return
            except Exception as error:
                log.bug("indexer", error)

    def _sweep(self) -> None:
        """Look over the next accounts; after the last one, rest."""
        for _ in range(SWEPT_AT_ONCE):
            with self._database.read() as view:
                following = segments.next_account(view, self._swept)
            if following is None:
                self._swept = AccountId(0)
                self._sweep_at = time.monotonic() + SWEEP_SECONDS
                return
            index.tidy(self._database, following, self._pace, is_thorough=True)
            self._swept = following

    def _tell_lag(self) -> None:
        with self._database.read() as view:
            self._lag.set(segments.lag(view))

    def _noticed(self, _touched: Mapping[MailboxId, int]) -> None:
        self._wake.set()
