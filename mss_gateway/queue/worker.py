"""The queue's worker: claims due items and runs their stage, on a thread of its own.

It sleeps until something is due or it is woken; a wake-up may be lost, the poll finds the item.
"""

import random
import threading
from collections.abc import Callable
from concurrent.futures import Future

from mailbox_store.errors import StoreError, StoreFailed
from mss_gateway.failures import Failure, Refused, row
from mss_gateway.life import deliver, dossier, report
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import log
from mss_gateway.queue import items, schedule
from mss_gateway.queue.items import Item

BATCH = 64
POLL_SECONDS = 1.0

HANDLERS: dict[str, Callable[[Gateway, Item], "Future[bool]"]] = {
    "deliver": deliver.deliver,
    "dossier": dossier.file_item,
}
"""Stage of an item → what does it."""

PATIENCE = {Failure.NO_CERTIFICATE_FOR_RECIPIENT: schedule.CERTIFICATE_SECONDS}
"""How long a failure may last, in seconds, where that is not the common time."""


class Worker:
    """One worker thread; :meth:`stop` finishes the batch at hand."""

    def __init__(self, gateway: Gateway, wake: threading.Event) -> None:
        self._gateway = gateway
        self._wake = wake
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="queue-worker", daemon=True)

    def start(self) -> None:
        """Take back what a dead process had leased, then work."""
        recovered = self._gateway.database.write(items.recover)
        if recovered:
            log.note("leases recovered", count=recovered)
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch at hand and end."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                count = self.run_batch()
            except StoreFailed as error:
                log.bug("queue worker", error)
                return
            except Exception as error:
                log.bug("queue worker", error)
                count = 0
            if count < BATCH:
                self._wake.wait(POLL_SECONDS)

    def run_batch(self) -> int:
        """Claim a batch and run each item's stage; how many were claimed."""
        gateway = self._gateway
        with gateway.database.read() as view:
            spool = gateway.database.vault.account(view, gateway.spool)
            if not items.has_due(view, int(gateway.clock())):
                return 0
        claimed = gateway.database.write(lambda tx: items.claim(tx, spool, BATCH))
        running = [(item, self._begin(item)) for item in claimed]
        for item, future in running:
            try:
                self._finish(item, future)
            except StoreFailed:
                raise
            except Exception as error:
                # its lease runs out and it is taken again; the rest of the batch has its results
                log.bug("result", error, stage=item.stage, message_ref=item.message_ref)
        return len(claimed)

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
            self._failed(item, refused.failure)
        except StoreFailed:
            raise
        except StoreError as error:
            log.bug("stage", error, stage=item.stage, message_ref=item.message_ref)
            self._failed(item, Failure.STORE_UNAVAILABLE)
        except Exception as error:
            log.bug("stage", error, stage=item.stage, message_ref=item.message_ref)
            self._failed(item, Failure.BUG)

    def _failed(self, item: Item, failure: Failure) -> None:
        gateway = self._gateway
        due_at = None
        if row(failure).retry:
            # jitter needs no secrecy
            spread = random.random()  # noqa: S311
            due_at = schedule.next_attempt(
                item.attempts,
                item.created_at,
                int(gateway.clock()),
                spread,
                PATIENCE.get(failure, schedule.EXPIRY_SECONDS),
            )
        if due_at is None:
            report.give_up(gateway, item, failure).result()
            return
        again = due_at
        gateway.database.write(lambda tx: items.retry(tx, item, again, failure.value))
