"""Rounds of fetching answers about revocation: what is due is asked for, judged, kept.

On threads of their own, never in a message's path. An answer is judged before it is kept, by the
code that will judge by it, for a certificate that needs it: a stale one, one of another signer, a
partial one is a failure like a server that is away, and leaves the last good one.
"""

import secrets
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal
from urllib.parse import urlsplit

from certs.errors import CertsError
from mailbox_store.database import Database, Transaction, View
from mailbox_store.errors import StoreError
from mss_gateway.directory import revocation_answers
from mss_gateway.directory.fetching import Fetcher, FetchRefused
from mss_gateway.directory.revocation import Kept
from mss_gateway.directory.revocation_answers import (
    AnswerMissing,
    AnswerOlder,
    Received,
    Record,
)
from mss_gateway.directory.revocation_asking import Asker, Unchanged, Unusable
from mss_gateway.directory.revocation_sources import (
    Hosts,
    Needed,
    Plan,
    Planner,
    Source,
    allowed_hosts,
    subject_of,
)
from mss_gateway.directory.revocation_survey import Survey, look, open_questions
from mss_gateway.observability import log

AT_ONCE: Final = 2
"""Fetches under way: two lists of the greatest size are as much memory as this may take."""

IN_ONE_ROUND: Final = 500
"""Sources of a kind that one round asks; the others wait for the next, those due first before."""

PATIENCE: Final = 3
"""Fetches from one host that bring nothing, after which a round leaves the host alone."""

Outcome = Literal["kept", "unchanged", "refused", "failed"]
"""A new answer, the same as before, one that is not good, none."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When to ask, in seconds.

    Again at half of an answer's remaining life, and after ``refresh`` at the latest: a list that
    tells of a revocation is often published before the former one ends. After a failure ``least``,
    doubled with each more up to ``most``. ``jitter`` is the part of a wait that chance takes off:
    gateways that started together do not ask together.
    """

    refresh: float = 3_600.0
    least: float = 60.0
    most: float = 3_600.0
    jitter: float = 0.2

    def after_answer(self, now: float, next_update: float, chance: float) -> int:
        """When to ask again after a good answer; ``chance`` from 0 to 1."""
        wait = min(self.refresh, (next_update - now) / 2)
        return self._at(now, max(self.least, wait), chance)

    def after_failure(self, now: float, failures: int, chance: float) -> int:
        """The same after so many failures in a row, this one included."""
        return self._at(now, min(self.most, self.least * 2.0 ** min(failures - 1, 30)), chance)

    def _at(self, now: float, wait: float, chance: float) -> int:
        return int(now + wait * (1 - self.jitter * chance))


class Refresh:
    """The rounds of one gateway. Nothing else asks its sources."""

    def __init__(
        self,
        database: Database,
        kept: Kept,
        needed: Callable[[View], Needed],
        *,
        hosts: Sequence[str] = (),
        tls: ssl.SSLContext | None = None,
        timing: Timing | None = None,
        clock: Callable[[], float] = time.time,
        tell: Callable[[str, Outcome], None] = lambda kind, outcome: None,
    ) -> None:
        """``hosts``: as :func:`allowed_hosts`; ``tls``: whose https is believed, None: nobody's.

        ``tell`` is called with the kind of source and the outcome of each fetch, on any thread.
        """
        self._database = database
        self._kept = kept
        self._needed = needed
        self._configured = tuple(hosts)
        self._hosts = Hosts(frozenset())
        self._fetcher = Fetcher(lambda url: self._hosts.allow(url), tls)
        self._asker = Asker(database, kept, self._fetcher, clock)
        self._timing = timing or Timing()
        self._clock = clock
        self._tell = tell
        self._planner = Planner()
        self._stopping = threading.Event()
        self._away: Counter[str] = Counter()

    def allow(self, hosts: Sequence[str]) -> None:
        """Other hosts of the configuration, from the next round on."""
        self._configured = tuple(hosts)

    def run_once(self) -> Survey:
        """Fetch what is due: lists first, then answers about what no list covers.

        Raises ``StoreError`` when the store takes nothing.
        """
        with self._database.read() as view:
            needed = self._needed(view)
        self._hosts = allowed_hosts(self._configured, needed)
        plan = self._planner.plan(needed, self._hosts, self._now())
        self._make_ready(plan)
        self._fetch_due(plan.lists)
        with self._database.read() as view:
            known = revocation_answers.records(view, [source.name for source in plan.lists])
        questions = open_questions(plan, known, self._clock())
        self._fetch_due(questions)
        wanted = {source.name for source in (*plan.lists, *plan.questions)}
        self._database.write(lambda tx: _tidy(tx, wanted))
        self._make_ready(plan)
        with self._database.read() as view:
            return look(view, plan, self._clock())

    def close(self) -> None:
        """End what is under way within a moment, and begin nothing more."""
        self._stopping.set()
        self._fetcher.close()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _make_ready(self, plan: Plan) -> None:
        """Have the kept lists read and their signatures checked, so that no message waits."""
        with self._database.read() as view:
            for source in plan.lists:
                for certificate, issuer in source.about:
                    self._kept.listed(view, certificate, issuer, self._now())

    def _fetch_due(self, sources: Sequence[Source]) -> None:
        with self._database.read() as view:
            known = revocation_answers.records(view, [source.name for source in sources])
        dues = [
            (0 if (record := known.get(source.name)) is None else record.due_at, number)
            for number, source in enumerate(sources)
        ]
        due = [sources[number] for due_at, number in sorted(dues) if due_at <= self._clock()]
        if not due:
            return
        self._away.clear()
        with ThreadPoolExecutor(AT_ONCE, "revocation") as pool:
            some = due[:IN_ONE_ROUND]
            for done in [pool.submit(self._fetch, one, known.get(one.name)) for one in some]:
                done.result()

    def _fetch(self, source: Source, record: Record | None) -> None:
        """One source; a failure is put on record."""
        host = urlsplit(source.url).netloc
        if self._stopping.is_set() or self._away[host] >= PATIENCE:
            return
        outcome: Outcome = "refused"
        try:
            outcome = self._take(source, self._asker.ask(source, record), record)
        except FetchRefused as error:
            outcome, trouble = "failed", str(error)
            self._away[host] += 1
        except AnswerOlder:
            trouble = "older than the one that is kept"
        except (AnswerMissing, Unusable, CertsError) as error:
            trouble = str(error)
        except StoreError:
            raise
        except Exception as error:
            log.bug("revocation answer not taken", error, stage=source.kind)
            trouble = type(error).__name__  # the other sources have their turn
        else:
            self._tell(source.kind, outcome)
            return
        if self._stopping.is_set():
            return  # cut off by ourselves
        log.note("revocation answer not taken", stage=source.kind, failure=trouble)
        failures = 1 + (0 if record is None else record.failures)
        due_at = self._timing.after_failure(self._clock(), failures, _chance())
        self._database.write(
            lambda tx: revocation_answers.fail(
                tx, source.kind, source.name, subject_of(source), trouble, due_at
            )
        )
        self._tell(source.kind, outcome)

    def _take(self, source: Source, came: Received | Unchanged, record: Record | None) -> Outcome:
        """Keep what came, or the answer that we have."""
        if isinstance(came, Received):
            due_at = self._due(came.next_update)
            is_new = revocation_answers.keep(self._database, self._kept.account_id, came, due_at)
            return "kept" if is_new else "unchanged"
        assert record is not None and record.next_update is not None  # nobody else asks so
        due_at = self._due(record.next_update)
        self._database.write(
            lambda tx: revocation_answers.confirm(
                tx, source.name, due_at, came.etag, came.last_modified
            )
        )
        return "unchanged"

    def _due(self, next_update: float) -> int:
        return self._timing.after_answer(self._clock(), next_update, _chance())


def _tidy(tx: Transaction, wanted: set[str]) -> None:
    revocation_answers.forget(tx, wanted)
    revocation_answers.sweep(tx)


def _chance() -> float:
    return secrets.randbelow(1_000) / 1_000
