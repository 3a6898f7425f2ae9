"""One side of the soak: a server that lives shortly, is killed at a chosen moment, and comes back.

After each kill its store is looked at, before the next start: items at work and not done, items
that are perhaps with the other operator already, retries of what was taken before an earlier kill.
"""

import contextlib
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.crash.inspecting import Watch
from tests.crash.running import Demo

DURING_START = 0.1
"""Share of the kills that come before the server is ready."""
AGAIN = 0.05
"""Share of the lives that end 200 ms after they began."""
TURNS = (
    "at the other's commit",
    "at any moment",
    "at a 250",
    "at an attempt",
    "at a commit",
    "at a lease",
)
"""What the other kills wait for, in turn. Whatever is seen from outside is followed at once by the
kill: its own answer, delivery or neighbours in the group are then cut off. "At the other's commit"
falls between the 250 of the other operator and what this side makes of it: a message that would be
sent twice.
"""
MOMENT_SECONDS = 6.0
"""How long a moment is waited for: a destination may rest for five seconds."""


@dataclass(slots=True)
class Counters:
    """What the kills of one side hit."""

    kills: int = 0
    kills_during_start: int = 0
    kills_at: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TURNS, 0))
    collapsed_of_clients: int = 0
    collapsed_of_peers: int = 0
    leased_undelivered: int = 0
    kills_between_lease_and_result: int = 0
    kills_with_attempts_in_doubt: int = 0
    start_seconds: list[float] = field(default_factory=list)


class Side:
    """One operator's server; ``other`` is set by whoever has both."""

    def __init__(self, demo: Demo, draw: random.Random) -> None:
        self.demo, self.counters = demo, Counters()
        self.strike = threading.Event()
        """Set at each 250 of this side."""
        self.other: Side | None = None
        self.error: Exception | None = None
        self._draw = draw
        self._watch: Watch | None = None

    def watch(self) -> Watch:
        """Read the store that is served now."""
        if self._watch is None:
            self._watch = Watch(self.demo.state)
        return self._watch

    def _look_away(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def start_first(self) -> float:
        """The first start; the seconds that it took."""
        return self.demo.start()

    def live(self, goes_on: Callable[[], bool]) -> threading.Thread:
        """Live, die and come back on a thread of its own, while ``goes_on``; then it is up."""
        thread = threading.Thread(target=self._live, args=(goes_on,), name=self.demo.name)
        thread.start()
        return thread

    def waiting(self) -> int:
        """Items in its queue; one when that cannot be seen."""
        with contextlib.suppress(sqlite3.Error), contextlib.closing(Watch(self.demo.state)) as one:
            return one.waiting()
        return 1

    def _live(self, goes_on: Callable[[], bool]) -> None:
        try:
            while goes_on():
                self._uptime()
                self._kill_and_look()
                self.counters.start_seconds.append(self._start_again())
        except Exception as error:  # told by whoever waits for the thread
            self.error = error
        finally:
            self._look_away()

    def _uptime(self) -> None:
        """How long this life lasts: 0.3 s and more, exponential, 3 s at most, then its moment."""
        if self._draw.random() < AGAIN:
            time.sleep(0.2)
            return
        time.sleep(min(3.0, 0.3 + self._draw.expovariate(1.0)))
        turn = TURNS[sum(self.counters.kills_at.values()) % len(TURNS)]
        self.counters.kills_at[turn] += 1
        watch = self.watch()
        match turn:
            case "at a 250":
                self.strike.clear()
                self.strike.wait(MOMENT_SECONDS)
            case "at a commit":
                watch.await_commit(MOMENT_SECONDS)
            case "at a lease":
                watch.await_lease(MOMENT_SECONDS)
            case "at an attempt":
                watch.await_attempt(MOMENT_SECONDS)
            case "at the other's commit" if self.other is not None:
                with contextlib.suppress(sqlite3.Error):  # it may be down itself
                    with contextlib.closing(Watch(self.other.demo.state)) as others:
                        others.await_arrival(MOMENT_SECONDS)

    def _kill_and_look(self) -> None:
        watch, counters = self.watch(), self.counters
        status = self.demo.kill()
        if status != -9:
            raise RuntimeError(f"the server ended by itself ({status}): see {self.demo.log}")
        counters.kills += 1
        leased, in_doubt = watch.leased(), watch.in_doubt()
        counters.collapsed_of_clients = watch.collapsed(of_peers=False)
        counters.collapsed_of_peers = watch.collapsed(of_peers=True)
        counters.leased_undelivered += leased
        counters.kills_between_lease_and_result += bool(leased)
        counters.kills_with_attempts_in_doubt += bool(in_doubt)

    def _start_again(self) -> float:
        """Start, sometimes killing it before it is ready; seconds of the start that stood."""
        self._look_away()
        while self._draw.random() < DURING_START:
            self.demo.spawn()
            time.sleep(self._draw.uniform(0.05, max(self.counters.start_seconds, default=2.0)))
            self.counters.kills += 1
            self.counters.kills_during_start += 1
            self.demo.kill()
        return self.demo.start()
