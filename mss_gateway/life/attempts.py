"""An attempt that failed: tried again later, or given up and reported. One rule for every stage."""

import random
from typing import Final

from mss_gateway.failures import Failure, row
from mss_gateway.life import report
from mss_gateway.life.gateway import Gateway
from mss_gateway.queue import items, schedule
from mss_gateway.queue.items import Item

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
