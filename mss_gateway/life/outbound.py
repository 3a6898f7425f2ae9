"""The queue as the courier sees it: destinations that are due, items claimed for one of them."""

import random
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass

from certs.certificate import Certificate
from mailbox_store.database import Transaction, View
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import next_hop, own_certificate
from mss_gateway.life.gateway import Gateway
from mss_gateway.queue import desk, destinations, items, leases, schedule
from mss_gateway.queue.destinations import Destination
from mss_gateway.queue.leases import Item


@dataclass(frozen=True, slots=True)
class Claimed:
    """An item under a lease of ours, and how many octets its message has as it is stored."""

    item: Item
    octets: int


def due(gateway: Gateway) -> list[Destination]:
    """Destinations that are open and have something to be sent, those that waited longest first."""
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
        return destinations.due(view, spool, gateway.queue_clock.now())


def claim(gateway: Gateway, index: bytes, count: int) -> list[Claimed]:
    """Lease up to ``count`` due items of one destination."""
    now = gateway.queue_clock.now()
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
    claimed = gateway.database.write(lambda tx: leases.claim_for(tx, spool, index, count, now))
    with gateway.database.read() as view:
        return [Claimed(item, _octets(view, item)) for item in claimed]


def give_back(gateway: Gateway, left: Iterable[Item]) -> "Future[None]":
    """Nothing was tried with these after all: due again as before."""
    returned = tuple(left)

    def unit(tx: Transaction) -> None:
        for item in returned:
            items.give_back(tx, item)

    return gateway.database.submit(unit)


def close(gateway: Gateway, index: bytes, failure: Failure) -> "Future[None]":
    """Nobody was there: leave the destination in peace, longer each time."""

    def unit(tx: Transaction) -> None:
        failures = destinations.failures(tx, index) + 1
        # jitter needs no secrecy
        seconds = schedule.closed_for(failures, random.random())  # noqa: S311
        destinations.closed(tx, index, gateway.queue_clock.now() + seconds, failure.value)

    return gateway.database.submit(unit)


def reopen(gateway: Gateway, index: bytes) -> "Future[None]":
    """Somebody answered: what waits there may all go."""
    return gateway.database.submit(lambda tx: destinations.opened(tx, index))


def _octets(view: View, item: Item) -> int:
    size = view.sql(
        "SELECT size FROM queued_messages WHERE message_ref = ?", (item.message_ref,)
    ).scalar()
    return int(size or 0)


def objection(gateway: Gateway, domain: str, shown: Certificate | None) -> Failure | None:
    """Why nothing may leave for a domain at this moment; None when it may.

    ``shown``: this server's own certificate, as it would be shown there; None is not asked about.
    """
    try:
        with gateway.database.read() as view:
            next_hop.admit(gateway, view, domain)
            is_unfit = shown is not None and own_certificate.fault(gateway, view, shown) is not None
    except Refused as refused:
        return refused.failure
    return Failure.OWN_CERTIFICATE if is_unfit else None


def resume(gateway: Gateway) -> "Future[None]":
    """Another certificate is shown from now on: what waited for it is due at once."""

    def unit(tx: Transaction) -> None:
        desk.retry_failed(tx, Failure.OWN_CERTIFICATE.value)
        destinations.reopen(tx, Failure.OWN_CERTIFICATE.value)

    return gateway.database.submit(unit)
