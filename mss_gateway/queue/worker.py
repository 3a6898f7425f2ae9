"""The queue's worker: claims what is due here and runs its stage, on a thread of its own.

It sleeps until something is due or it is woken; a wake-up may be lost, the poll finds the item. It
also tells authors what is late, and gives up what nobody could take in time.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from mailbox_store.database import Transaction
from mailbox_store.errors import StoreError, StoreFailed
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import attempts, deliver, dossier, receipt, report
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import log
from mss_gateway.queue import desk, leases
from mss_gateway.queue.desk import Late
from mss_gateway.queue.leases import Item

BATCH: Final = 64
POLL_SECONDS: Final = 1.0

KEEP_SECONDS: Final = 30
"""Queue time is kept so often where nothing else is written."""

HANDLERS: dict[str, Callable[[Gateway, Item], "Future[bool]"]] = {
    "deliver": deliver.deliver,
    "dossier": dossier.file_item,
    "receipt": receipt.acknowledge,
}
"""Stage of an item → what does it. Relaying is ``smtp.courier``'s."""


class Worker:
    """One worker thread; :meth:`stop` finishes the batch at hand."""

    def __init__(self, gateway: Gateway, wake: threading.Event) -> None:
        self._gateway = gateway
        self._wake = wake
        self._stopping = False
        self._kept_at = 0
        self._thread = threading.Thread(target=self._run, name="queue-worker", daemon=True)

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Take back what a dead process had leased, then work."""
        recovered = self._gateway.database.write(self._recover)
        if recovered:
            log.note("leases recovered", count=recovered)
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch at hand and end."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _recover(self, tx: Transaction) -> int:
        self._gateway.queue_clock.keep(tx)
        return leases.recover(tx)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                count = self.run_batch()
                self._keep_time()
            except StoreFailed as error:
                log.bug("queue worker", error)
                return
            except Exception as error:
                log.bug("queue worker", error)
                count = 0
            if count < BATCH:
                self._wake.wait(POLL_SECONDS)

    def run_batch(self) -> int:
        """Claim a batch and run each item's stage; how many were claimed or told of."""
        gateway, now = self._gateway, self._gateway.queue_clock.now()
        with gateway.database.read() as view:
            spool = gateway.database.vault.account(view, gateway.spool)
            late = desk.late(view, now, BATCH)
            is_due = leases.has_due(view, now)
        for each in late:
            self._tell_safely(each, now)
        if not is_due:
            return len(late)

        def claim(tx: Transaction) -> list[Item]:
            gateway.queue_clock.keep(tx)
            return leases.claim(tx, spool, BATCH, now)

        claimed = gateway.database.write(claim)
        self._kept_at = now
        running = [(item, self._begin(item)) for item in claimed]
        for item, future in running:
            self._settle(item, future)
        return len(late) + len(claimed)

    def _settle(self, item: Item, future: "Future[bool]") -> None:
        try:
            self._finish(item, future)
        except StoreFailed:
            raise
        except Exception as error:
            self._stumble(item, error)

    def _stumble(self, item: Item, error: Exception) -> None:
        """It has no result; the rest of the batch has its own."""
        try:
            attempts.stumbled(self._gateway, item, error).result()
        except StoreFailed:
            raise
        except Exception as again:
            # its lease runs out and it is taken again
            log.bug("result", again, stage=item.stage, message_ref=item.message_ref)

    def _begin(self, item: Item) -> "Future[bool]":
        try:
            return HANDLERS[item.stage](self._gateway, item)
        except Exception as error:
            failed: Future[bool] = Future()
            failed.set_exception(error)
            return failed

    def _finish(self, item: Item, future: "Future[bool]") -> None:
        """One result per recipient: done, tried again later, or reported."""
        try:
            if future.result() and item.stage == "deliver":
                self._gateway.metrics.delivered.inc()
        except Refused as refused:
            attempts.failed(self._gateway, item, refused.failure)
        except StoreFailed:
            raise
        except StoreError as error:
            log.bug("stage", error, stage=item.stage, message_ref=item.message_ref)
            attempts.failed(self._gateway, item, Failure.STORE_UNAVAILABLE)
        except Exception as error:
            log.bug("stage", error, stage=item.stage, message_ref=item.message_ref)
            attempts.failed(self._gateway, item, Failure.BUG)

    def _tell_safely(self, late: Late, now: int) -> None:
        try:
            self._tell(late, now)
        except StoreFailed:
            raise
        except Exception as error:
            # its lease runs out and it is told of then; nobody else waits for it
            log.bug("late item", error, stage=late.stage, message_ref=late.message_ref)

    def _tell(self, late: Late, now: int) -> None:
        """The author hears that an item is late, or that it is given up."""
        gateway = self._gateway
        expires_at = late.entered_at + gateway.config.queue.expiry_hours * 3600
        with gateway.database.read() as view:
            spool = gateway.database.vault.account(view, gateway.spool)
        item = gateway.database.write(lambda tx: leases.take(tx, spool, late.item_id, now))
        if item is None:
            return  # it has a result, or is at work, meanwhile
        if now < expires_at:
            report.delayed(gateway, item, expires_at).result()
            return
        known = {each.value: each for each in Failure}
        failure = known.get(item.last_failure or "", Failure.PEER_UNREACHABLE)
        try:
            report.give_up(gateway, item, failure).result()
        except StoreFailed:
            raise
        except Exception as error:
            self._stumble(item, error)

    def _keep_time(self) -> None:
        now = self._gateway.queue_clock.now()
        if now - self._kept_at >= KEEP_SECONDS:
            self._gateway.database.write(self._gateway.queue_clock.keep)
            self._kept_at = now
