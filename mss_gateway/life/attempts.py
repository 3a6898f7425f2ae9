"""An attempt that failed: tried again later, or given up and reported. One rule for every stage."""

import random
from concurrent.futures import Future
from typing import Final

from mailbox_store.database import Transaction
from mailbox_store.errors import StoreUnavailable
from mss_gateway.failures import Failure, row
from mss_gateway.life import report
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import audit, log
from mss_gateway.queue import items, schedule, stumbles
from mss_gateway.queue.leases import Item
from mss_gateway.queue.stumbles import Stumble

PATIENCE: Final = {Failure.NO_CERTIFICATE_FOR_RECIPIENT: schedule.CERTIFICATE_SECONDS}
"""How long a failure may last, in seconds of queue time, where that is not the usual time."""


def failed(gateway: Gateway, item: Item, failure: Failure) -> None:
    """Settle an attempt that did not succeed; returns once it is durable."""
    due_at = again_at(gateway, item, failure)
    if due_at is None:
        report.give_up(gateway, item, failure).result()
        return
    again = due_at
    gateway.database.write(lambda tx: items.retry(tx, item, again, failure.value))


def again_at(gateway: Gateway, item: Item, failure: Failure) -> int | None:
    """When (queue time) the item is tried again; None when it is given up."""
    if not row(failure).retry:
        return None
    usual = gateway.config.queue.expiry_hours * 3600
    # jitter needs no secrecy
    spread = random.random()  # noqa: S311
    return schedule.next_attempt(
        item.attempts,
        item.entered_at,
        gateway.queue_clock.now(),
        spread,
        min(usual, PATIENCE.get(failure, usual)),
    )


def stumbled(gateway: Gateway, item: Item, error: Exception) -> "Future[None]":
    """The result of an item could not be written: later again, and held after so many in a row.

    A store that takes nothing for now says nothing about the item, and would not take this either:
    raises the StoreUnavailable that it is given, and the lease runs out by itself.
    """
    if isinstance(error, StoreUnavailable):
        raise error
    log.bug("result", error, stage=item.stage, message_ref=item.message_ref)
    # jitter needs no secrecy
    spread = random.random()  # noqa: S311

    def unit(tx: Transaction) -> None:
        found = stumbles.stumbled(tx, item, gateway.queue_clock.now(), spread)
        if found is None:
            return
        gateway.metrics.unreported.labels(found.value).inc()
        if found is Stumble.HELD:
            log.note("item held", stage=item.stage, message_ref=item.message_ref)
            audit.record(
                tx,
                actor="system",
                act="queue",
                object=f"item:{item.item_id}",
                verdict=f"held ({stumbles.UNREPORTED})",
                message_ref=item.message_ref,
            )

    return gateway.database.submit(unit)
