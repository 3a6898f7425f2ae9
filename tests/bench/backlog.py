"""What a backlog costs: claims and deliveries with a hundred recipients queued, and with a hundred
thousand; claims for another operator likewise. In this process, on a real store, sealed for real.

A batch at a small depth is topped up before it is drained, so that both depths drain as many.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from mailbox_store.database import Transaction
from mss_gateway import compose
from mss_gateway.directory import people
from mss_gateway.directory.people import NewPerson, Traits
from mss_gateway.life import crypto, outbound
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from mss_gateway.queue import destinations, items, leases, spooled
from mss_gateway.queue.carried import Carried, Destined
from mss_gateway.queue.spooled import Queued
from mss_gateway.queue.worker import BATCH, Worker
from mss_gateway.smtp.trip import BATCH as TRIP
from tests.bench.letters import letter
from tests.crash import prepared
from tests.crash.minimal_server import settings

FEW = 100
MANY = 100_000
OF_ONE_MESSAGE = 10
"""Recipients of each message, local and remote alike."""
TOWN = "ville.example"
CLAIMS = 200
OCTETS = 2000
IN_A_GROUP = 50
"""Messages put into the queue in one transaction."""

_AUTHOR = "claire.martin@mss.example"
_LOCAL = tuple(f"lecteur{number}@mss.example" for number in range(OF_ONE_MESSAGE))
_REMOTE = tuple(f"lecteur{number}@{TOWN}" for number in range(OF_ONE_MESSAGE))


def rows(folder: Path, runs: int, many: int = MANY) -> Iterator[dict[str, Any]]:
    """Local first, then for another operator; each at both depths and compared."""
    for stage, drain in (("deliver", _delivering), ("relay", _claiming)):
        costs = []
        for depth in (FEW, many):
            state = folder / f"{stage}{depth}"
            state.mkdir()
            gateway = prepared.prepare(settings(state, 1), _everyone(), "mot-de-passe")
            try:
                one = _Backlog(gateway, stage, depth)
                cost = one.measure(drain, max(1, runs) * CLAIMS)
            finally:
                compose.close(gateway)
            costs.append(cost["cpu_us_per_recipient"])
            yield {"stage": stage, "depth": depth} | cost
        yield {"stage": stage, "cost_ratio": round(costs[1] / costs[0], 3)}


class _Backlog:
    """A queue that is kept at one depth, and what is taken from it."""

    def __init__(self, gateway: Gateway, stage: str, depth: int) -> None:
        self.gateway, self.stage, self.depth = gateway, stage, depth
        self.worker = Worker(gateway, Event())
        with gateway.database.read() as view:
            self.spool = gateway.database.vault.account(view, gateway.spool)
            author = people.by_address(view, _AUTHOR)
        assert author is not None
        self._raw = crypto.sign(
            gateway, crypto.signer_of(gateway, author), letter(_AUTHOR, _LOCAL[0], 1000, OCTETS)
        )
        self._summary = summarise(scan(self._raw))

    def measure(
        self, drain: "Callable[[_Backlog], tuple[int, float]]", claims: int
    ) -> dict[str, Any]:
        """Fill, then claim and drain batch by batch; CPU without what topping up takes."""
        begun = time.monotonic()
        self._top_up()
        filled = time.monotonic() - begun
        cpu, done, claimed = 0.0, 0, []
        for number in range(claims + 1):
            self._top_up()
            before = time.process_time()
            count, seconds = drain(self)
            if number:  # the first one reads pages and prepares statements
                cpu, done = cpu + time.process_time() - before, done + count
                claimed.append(seconds * 1000)
        claimed.sort()
        return {
            "waiting": self._waiting(),
            "drained": done,
            "cpu_us_per_recipient": round(cpu / done * 1e6, 1),
            "claim_p50_ms": round(claimed[len(claimed) // 2], 2),
            "claim_p99_ms": round(claimed[len(claimed) * 99 // 100], 2),
            "filled_in_seconds": round(filled, 1),
        }

    def _waiting(self) -> int:
        with self.gateway.database.read() as view:
            return int(view.sql("SELECT count(*) FROM queue_items").scalar_one())

    def _top_up(self) -> None:
        missing = -(-(self.depth - self._waiting()) // OF_ONE_MESSAGE)
        while missing > 0:
            group = [self._queued() for _ in range(min(missing, IN_A_GROUP))]
            missing -= len(group)
            self.gateway.database.write(partial(self._enqueue, group))

    def _queued(self) -> Queued:
        ref = self.gateway.new_ref()
        return spooled.seal_message(self.spool, ref, self._raw, self._summary, _CARRIED)

    def _enqueue(self, group: list[Queued], tx: Transaction) -> None:
        addresses = _LOCAL if self.stage == "deliver" else _REMOTE
        now = self.gateway.queue_clock.now()
        for queued in group:
            destined = [Destined(each, self.stage) for each in addresses]
            items.enqueue(tx, self.spool, queued, destined, now=now)


def _delivering(backlog: _Backlog) -> tuple[int, float]:
    """One batch of the worker, all of it, and the seconds of its claim without the COMMIT."""
    count, claimed = 0, [0.0]
    real = leases.claim

    def timed(*arguments: Any) -> Any:
        before = time.perf_counter()
        found = real(*arguments)
        claimed[0] = time.perf_counter() - before
        return found

    vars(items)["claim"] = timed
    try:
        while count < min(BATCH, backlog.depth):
            count += backlog.worker.run_batch()
    finally:
        vars(items)["claim"] = real
    return count, claimed[0]


def _claiming(backlog: _Backlog) -> tuple[int, float]:
    """What the courier does of the queue for one trip: look, claim, finish; nothing is sent."""
    gateway = backlog.gateway
    (found,) = outbound.due(gateway)
    before = time.perf_counter()
    claimed = outbound.claim(gateway, found.index, TRIP)
    seconds = time.perf_counter() - before
    for each in claimed:
        gateway.database.write(partial(items.finish, item=each.item))
    with gateway.database.read() as view:
        assert not destinations.failures(view, found.index)
    return len(claimed), seconds


def _everyone() -> list[NewPerson]:
    traits = Traits("Dr", "Claire", "Martin")
    return [NewPerson(each, "PER", traits) for each in (_AUTHOR, *_LOCAL)]


_CARRIED = Carried(
    reverse_path=_AUTHOR,
    author=_AUTHOR,
    author_account=0,
    author_role="PROFESSIONAL",
    channel="submission",
    signature="valid",
    signer="Dr Claire MARTIN",
    signer_fingerprint="",
    is_automatic=False,
    closes=False,
    reply_to=(),
    has_xdm=False,
)
