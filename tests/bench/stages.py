"""Where the CPU of one submission goes: each stage called by itself, in this process.

``accept`` is the sum as the product runs it; the stages show what it is made of. What the wire
adds (TLS, SMTP, the hop to a pool thread) is the difference with ``submit`` of the bench.
"""

import gc
import itertools
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mailbox_store.database import Database, Transaction
from mss_gateway import compose
from mss_gateway.config import Config
from mss_gateway.directory import certificates, people
from mss_gateway.directory.people import NewPerson, Person, Traits
from mss_gateway.life import content, crypto, deliver, forms, policy, store, submission
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.policy import Envelope
from mss_gateway.life.retries import Kept
from mss_gateway.life.submission import Submission
from mss_gateway.message.address import parse_address
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.summary import summarise
from mss_gateway.queue import leases
from policies import decide
from policies.verdict import Permit
from tests.bench.letters import letter, plain_letter

AUTHOR, RECIPIENT = "claire.martin@mss.example", "sophie.laurent@mss.example"
GROUP = 32
"""Units of work in one COMMIT: what 32 busy connections make."""
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU microseconds of one call: the median of the rounds, the least and the most."""

    median: float
    least: float
    most: float

    def as_row(self) -> dict[str, float]:
        """For JSON."""
        return {"us": self.median, "least": self.least, "most": self.most}


class _Catching:
    """The store, but a unit of work that is written is kept aside instead: its CPU is not here."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.read, self.vault = database.read, database.vault
        self.units: list[Callable[[Transaction], Any]] = []

    def write(self, unit: Callable[[Transaction], Any]) -> tuple[Permit, Kept]:
        self.units.append(unit)
        return Permit(()), Kept((), "", 0)

    def submit(self, unit: Callable[[Transaction], Any]) -> None:
        self.units.append(unit)


def measure(folder: Path, octets: int, count: int, *, plain: bool = False) -> dict[str, Cost]:
    """Stage → CPU of one call, for a message of ``octets`` to one colleague."""
    with _gateway(folder) as (gateway, author):
        write = plain_letter if plain else letter
        raw = write(AUTHOR, RECIPIENT, 1, octets)
        envelope = Envelope(author, parse_address(AUTHOR), "submission")
        sent = Submission(envelope, (parse_address(RECIPIENT),), raw)
        costs = _stages(gateway, sent, count)
        costs |= _queue(gateway, sent, count)
        numbers = itertools.count()

        def accept() -> None:
            # the same octets again would be a retry, of which nothing is stored
            own = raw.replace(b"Message-ID: <1.", b"Message-ID: <1.%d." % next(numbers))
            submission.accept(gateway, replace(sent, raw=own))

        costs["accept: all of it, committed one by one"] = _timed(accept, count)
        return costs


@contextmanager
def _gateway(folder: Path) -> Iterator[tuple[Gateway, Person]]:
    """A gateway of two professionals, with the keys of the default configuration."""
    gateway = compose.build(replace(Config(), base=folder))
    try:
        with gateway.database.read() as view:
            authority = certificates.load_authority(view, gateway.spool)
        assert authority is not None
        for address in (AUTHOR, RECIPIENT):
            key = certificates.new_key(gateway.config.certificates.key_kind)

            def unit(tx: Transaction, address: str = address, key: Any = key) -> Person:
                new = NewPerson(address, "PER", Traits("Dr", "Claire", "Martin"))
                person = people.add(tx, new, gateway.config.mailboxes)
                certificates.issue(tx, authority, person, key, 730)
                return person

            gateway.database.write(unit)
        with gateway.database.read() as view:
            author = people.by_address(view, AUTHOR)
        assert author is not None
        yield gateway, author
    finally:
        compose.close(gateway)


def _stages(gateway: Gateway, sent: Submission, count: int) -> dict[str, Cost]:
    """What happens before 250, in its order; ``commit`` shares one COMMIT among :data:`GROUP`."""
    envelope, raw = sent.envelope, sent.raw
    recipients = tuple(str(each) for each in sent.recipients)
    message = scan(raw)
    judged = crypto.open_submission(gateway, message, AUTHOR, recipients, AUTHOR)
    facts = content.message_facts(gateway, envelope, recipients, judged)
    ref = gateway.new_ref()
    normal = submission._normalise(gateway, sent, judged, ref)
    signer = crypto.signer_of(gateway, envelope.author)
    (form,) = forms.forms(gateway, sent, judged, normal, ref)
    signed, carried = form.raw, form.carried
    scanned = scan(signed)
    summary = summarise(scanned)
    catching: Any = _Catching(gateway.database)
    aside = replace(gateway, database=catching)

    def ready() -> store.Ready:
        return store.Ready(
            gateway.new_ref(), recipients, signed, summary, carried, int(gateway.clock())
        )

    costs = {
        "policy at MAIL": lambda: policy.at_sender(gateway, envelope, len(raw)),
        "policy at RCPT": lambda: policy.at_recipient(gateway, envelope, sent.recipients[0], 0),
        "find_bare_line_ending": lambda: find_bare_line_ending(raw),
        "scan": lambda: scan(raw),
        "open (nothing to open)": lambda: crypto.open_submission(
            gateway, message, AUTHOR, recipients, AUTHOR
        ),
        "facts": lambda: content.message_facts(gateway, envelope, recipients, judged),
        "policy at message": lambda: decide.at_message(facts),
        "normalise": lambda: submission._normalise(gateway, sent, judged, ref),
        "signer_of": lambda: crypto.signer_of(gateway, envelope.author),
        "sign": lambda: crypto.sign(gateway, signer, normal, sent.recipients),
        "forms: sign, trace, scan, summarise": lambda: list(
            forms.forms(gateway, sent, judged, normal, ref)
        ),
        "scan of the signed": lambda: scan(signed),
        "summarise": lambda: summarise(scanned),
        "seal": lambda: store.commit(aside, envelope, facts, (ready(),)),
    }
    found = {name: _timed(call, count) for name, call in costs.items()}
    catching.units.clear()
    for _ in range(count - count % GROUP):
        store.commit(aside, envelope, facts, (ready(),))
    found[f"commit, {GROUP} in a group"] = _in_groups(gateway.database, catching.units)
    return found


def _queue(gateway: Gateway, sent: Submission, count: int) -> dict[str, Cost]:
    """What the queue does after 250, per recipient; the items of :func:`_stages` are there."""
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
    catching: Any = _Catching(gateway.database)
    aside = replace(gateway, database=catching)
    claims, prepares = [], []
    while True:
        before = _cpu()
        claimed = gateway.database.write(lambda tx: leases.claim(tx, spool, GROUP, tx.now))
        between = _cpu()
        if len(claimed) < GROUP:
            break
        for item in claimed:
            deliver.deliver(aside, item)
        claims.append((between - before) / GROUP)
        prepares.append((_cpu() - between) / GROUP)
    units = catching.units[: len(catching.units) - len(catching.units) % GROUP]
    return {
        f"queue: claim, {GROUP} at once": _cost(claims),
        "queue: deliver, before its commit": _cost(prepares),
        f"queue: deliver, commit, {GROUP} in a group": _in_groups(gateway.database, units),
    }


def _in_groups(database: Database, units: list[Callable[[Transaction], Any]]) -> Cost:
    """CPU per unit when :data:`GROUP` of them share a COMMIT: held back until all are there."""
    spent = []
    for start in range(0, len(units), GROUP):
        gate = threading.Event()
        first = database.submit(lambda tx, gate=gate: gate.wait())
        while database._units.qsize():
            time.sleep(0.0001)
        waiting = [database.submit(unit) for unit in units[start : start + GROUP]]
        before = _cpu()
        gate.set()
        for future in (first, *waiting):
            future.result()
        spent.append((_cpu() - before) / GROUP)
    return _cost(spent)


def _timed(call: Callable[[], object], count: int) -> Cost:
    call()
    rounds = []
    for _ in range(ROUNDS):
        gc.collect()
        before = _cpu()
        for _ in range(max(1, count // ROUNDS)):
            call()
        rounds.append((_cpu() - before) / max(1, count // ROUNDS))
    return _cost(rounds)


def _cpu() -> float:
    """CPU of this process, all threads, in microseconds."""
    return time.process_time_ns() / 1000


def _cost(samples: list[float]) -> Cost:
    return Cost(
        round(statistics.median(samples), 1), round(min(samples), 1), round(max(samples), 1)
    )
