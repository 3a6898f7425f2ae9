"""How fresh the kept answers are: which are needed, which hold, what keeps the others away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from mailbox_store.database import View
from mss_gateway.directory import revocation_answers
from mss_gateway.directory.revocation_answers import Record
from mss_gateway.directory.revocation_sources import Hosts, Needed, Plan, Planner, Source

State = Literal["fresh", "stale", "never"]


@dataclass(frozen=True, slots=True)
class Line:
    """One source with the freshness of its answer; times in unix seconds, None: not yet."""

    source: Source
    record: Record | None
    state: State

    @property
    def issuer(self) -> str:
        """The name of the issuer whose certificates it is about."""
        return self.source.about[0][1].subject.rfc4514_string()

    @property
    def trouble(self) -> str:
        """Why the last fetch was not good, or nothing."""
        return "" if self.record is None else self.record.last_error


@dataclass(frozen=True, slots=True)
class Survey:
    """Every needed source. ``unserved``: certificates that name no address we may ask."""

    lines: tuple[Line, ...]
    unserved: int
    at: float

    @property
    def stale(self) -> int:
        """Needed answers that are not there, or do not hold any more."""
        return sum(line.state != "fresh" for line in self.lines)

    @property
    def failing(self) -> int:
        """Sources whose last fetch was not good."""
        return sum(line.record is not None and line.record.failures > 0 for line in self.lines)

    @property
    def oldest_seconds(self) -> float:
        """Since the needed answer that was confirmed longest ago was last confirmed."""
        times = [line.record.fetched_at for line in self.lines if line.record is not None]
        ages = [self.at - fetched_at for fetched_at in times if fetched_at is not None]
        return max(0.0, *ages) if ages else 0.0

    @property
    def due_at(self) -> float:
        """When something is to be asked next; infinity when there is nothing to ask."""
        never = 0.0
        times = (never if line.record is None else line.record.due_at for line in self.lines)
        return min(times, default=float("inf"))


def survey(view: View, needed: Needed, hosts: Hosts, now: float) -> Survey:
    """For ``mss doctor`` and ``mss certs list``, in a process that fetches nothing itself."""
    plan = Planner().plan(needed, hosts, datetime.fromtimestamp(now, UTC))
    return look(view, plan, now)


def look(view: View, plan: Plan, now: float) -> Survey:
    """The same for a plan that was made."""
    known = revocation_answers.records(view, [source.name for source in plan.lists])
    questions = open_questions(plan, known, now)
    known |= revocation_answers.records(view, [source.name for source in questions])
    lines = tuple(_line(source, known, now) for source in (*plan.lists, *questions))
    return Survey(lines, plan.unserved, now)


def open_questions(plan: Plan, known: Mapping[str, Record], now: float) -> Sequence[Source]:
    """The questions about certificates that no kept list answers: a list tells nobody who asks."""
    fresh = {
        source.url
        for source in plan.lists
        if (record := known.get(source.name)) is not None and record.is_fresh(now)
    }
    return [source for source in plan.questions if fresh.isdisjoint(source.unless)]


def _line(source: Source, known: Mapping[str, Record], now: float) -> Line:
    record = known.get(source.name)
    if record is None or record.digest is None:
        return Line(source, record, "never")
    return Line(source, record, "fresh" if record.is_fresh(now) else "stale")
