"""`make soak`: SIGKILL under load; nothing acknowledged is lost, doubled or torn.

    python -m tests.crash.soak [--kills 30] [--acked 1000] [--seed N]

Two operators (`mss demo` and its neighbour) serve clients that never pause, who write to people of
both: what is for the other one is relayed, both ways, with mutual TLS. The process group of each is
killed again and again, some kills at the very instant of a 250, some between the other's 250 and
what comes of it, some while it starts; the two die independently. A client whose answer was lost
hands the same octets over again. At the end the mailboxes of both are read and compared with the
ledger that the clients kept. Prints one JSON object and ``N passed, M failed``.
"""

import argparse
import imaplib
import itertools
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from mss_gateway import compose, config
from mss_gateway.queue import desk
from tests.crash import soak_report
from tests.crash.clients import Account, Client
from tests.crash.killing import Side
from tests.crash.ledger import Ledger
from tests.crash.mailboxes import Box, Tally, compare, read_inbox, read_stored
from tests.crash.running import Demo

AUTHORS = 4
"""Who writes, of each side, at most."""
CLIENTS = 2
"""Of each author, on a connection each."""
PATIENTS = ("146026322000196@patient.mss.example", "158069999999340@patient.ville.example")
"""Who is written to by professionals of both sides."""
QUIET_SECONDS = 120.0
MOST_WAITING = 400
"""Items in one queue above which the clients of that side pause: all must be done in the end."""
MORE_KILLS = 3
"""Times as many kills as asked for, at most, until every window was hit."""
LOOK_SECONDS = 20.0
"""From a look at the UIDs of one side to one at those of the other."""
TOLD_SECONDS = 30.0
"""From a line about the progress to the next."""


class Soak:
    """One soak: two servers live and die under load; then everything is read back."""

    def __init__(self, folder: Path, seed: int) -> None:
        draw, demo = random.Random(seed), Demo(folder)
        self.ledger = Ledger(folder / "ledger.jsonl", self._strike)
        self.sides = [Side(each, random.Random(draw.random())) for each in (demo, demo.neighbour)]
        self.sides[0].other, self.sides[1].other = reversed(self.sides)
        self.first_starts: list[float] = []
        self.tried_by_operator = 0
        self.quiet_seconds = 0.0
        self.disorder: list[str] = []
        self._known_uids: dict[str, dict[int, str]] = {}
        self._validity: dict[str, int] = {}
        self._kills, self._acked = 0, 0
        self._stopping = threading.Event()

    def run(self, kills: int, acked: int) -> tuple[dict[str, Any], dict[str, bool]]:
        """At least ``kills`` kills and ``acked`` acknowledged messages: the report, the checks."""
        self._kills, self._acked = kills, acked
        begun = time.monotonic()
        self.first_starts = [side.start_first() for side in self.sides]
        for side in self.sides:
            self._look_at_uids(side)
        self._load()
        for error in self._errors():
            raise error
        load_seconds = time.monotonic() - begun
        is_quiet = self._await_empty_queues()
        tally, stopped = self._read_everything()
        checks = soak_report.checks(self, tally) | {
            "queues empty": is_quiet,
            "drained on SIGTERM": stopped,
        }
        seconds = {"load_seconds": load_seconds, "seconds": time.monotonic() - begun}
        rounded = {name: round(value, 1) for name, value in seconds.items()}
        return soak_report.report(self, tally) | rounded, checks

    def _load(self) -> None:
        """Clients write and servers die until there was enough of both; then nobody does any more.

        Whatever happens, every thread has ended and every connection is closed afterwards.
        """
        ended, clients = threading.Event(), list(self._clients(self._stopping))
        around = [
            threading.Thread(target=each, args=(ended,))
            for each in (self._look_now_and_then, self._tell_now_and_then)
        ]
        threads: list[threading.Thread] = []
        try:
            threads += [client.start() for client in clients]
            lives = [side.live(self._goes_on) for side in self.sides]
            threads += lives
            for thread in around:
                thread.start()
                threads.append(thread)
            for thread in lives:
                thread.join()
            while len(self.ledger.acked) < self._acked and not self._errors():
                time.sleep(0.1)
        finally:
            self._stopping.set()
            ended.set()
            for thread in threads:
                thread.join()

    def kill(self) -> None:
        """End whatever runs."""
        for side in self.sides:
            if side.demo.running is not None:
                side.demo.kill()

    @property
    def kills(self) -> int:
        """Of both sides."""
        return sum(side.counters.kills for side in self.sides)

    def _errors(self) -> list[Exception]:
        return [side.error for side in self.sides if side.error is not None]

    def _strike(self) -> None:
        for side in self.sides:
            side.strike.set()

    def _goes_on(self) -> bool:
        """Whether there is more to kill; waits until the messages have kept up with the kills."""
        while not self._errors() and not self._stopping.is_set():
            if self.kills >= MORE_KILLS * self._kills:
                return False
            if self.kills >= self._kills and soak_report.has_hit_every_window(self):
                return False
            if len(self.ledger.acked) * self._kills >= self._acked * min(self.kills, self._kills):
                return True
            time.sleep(0.05)
        return False

    def _clients(self, stopping: threading.Event) -> Iterator[Client]:
        here = {side.demo.name: _recipients(side) for side in self.sides}
        for side in self.sides:
            near = here[side.demo.name]
            far = [each for name, them in here.items() if name != side.demo.name for each in them]
            for place, author in enumerate(_served_by_imap(side)[:AUTHORS] * CLIENTS):
                number = self.sides.index(side) * AUTHORS * CLIENTS + place
                yield Client(
                    number,
                    side.demo.told,
                    author,
                    _written_to(near, author, number),
                    self.ledger,
                    stopping,
                    _Brake(side, stopping).wait,
                    wants_receipts=True,
                    elsewhere=_written_to(far, author, number),
                )

    def _look_now_and_then(self, ended: threading.Event) -> None:
        for side in itertools.cycle(self.sides):
            if ended.wait(LOOK_SECONDS):
                return
            self._look_at_uids(side)

    def _tell_now_and_then(self, ended: threading.Event) -> None:
        begun = time.monotonic()
        while not ended.wait(TOLD_SECONDS):
            minutes, acked = (time.monotonic() - begun) / 60, len(self.ledger.acked)
            done = min(1.0, acked / max(1, self._acked), self.kills / max(1, self._kills))
            left = f"{minutes / done - minutes:.1f} min left" if done else "no end in sight yet"
            print(
                f"soak: {minutes:.1f} min, {self.kills}/{self._kills} kills,"
                f" {acked}/{self._acked} acknowledged, {acked / minutes / 60:.1f}/s, {left}",
                file=sys.stderr,
                flush=True,
            )

    def _look_at_uids(self, side: Side) -> None:
        """UIDs only grow, a UID never changes its message, UIDVALIDITY stays (RFC 9051 §2.3.1)."""
        wanted = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
        for account in _served_by_imap(side):
            known = self._known_uids.setdefault(account.address, {})
            try:
                box = read_inbox(side.demo.told, account, wanted, max(known, default=0) + 1)
            except (OSError, imaplib.IMAP4.error):  # it was killed
                return
            self._note_uids(account.address, box)

    def _note_uids(self, address: str, box: Box) -> None:
        known, uids = self._known_uids.setdefault(address, {}), [uid for uid, _ in box.messages]
        now, validity = dict(box.identified()), self._validity.setdefault(address, box.uidvalidity)
        if uids != sorted(set(uids)):
            self.disorder.append("UIDs are not in order")
        if any(known.get(uid, now[uid]) != now[uid] for uid in now):
            self.disorder.append("a UID has changed its message")
        if validity != box.uidvalidity:
            self.disorder.append("UIDVALIDITY has changed")
        known |= now

    def _await_empty_queues(self) -> bool:
        """Everything has a result; what was put off for minutes is tried now, as operators do."""
        begun = time.monotonic()
        self.tried_by_operator = sum(_try_now(side) for side in self.sides)
        empty = 0
        while time.monotonic() < begun + QUIET_SECONDS:
            is_empty = not any(side.waiting() for side in self.sides)
            empty = empty + 1 if is_empty else 0
            if empty == 3:  # an answer to what was just relayed may still come back
                self.quiet_seconds = time.monotonic() - begun
                return True
            time.sleep(0.3)
        return False

    def _read_everything(self) -> tuple[Tally, bool]:
        """Compare every mailbox with the ledger; whether both servers stopped in good order."""
        tally = compare(self.ledger, self._boxes())
        codes = [side.demo.stop() for side in self.sides]
        for side in self.sides:
            settings = config.load(side.demo.state / "config.toml")
            gateway = compose.build(settings)
            try:
                compare(
                    self.ledger,
                    (
                        (address, read_stored(gateway, address))
                        for address in PATIENTS
                        if settings.site.serves(address)
                    ),
                    tally,
                )
            finally:
                compose.close(gateway)
        return tally, codes == [0, 0]

    def _boxes(self) -> Iterator[tuple[str, Box]]:
        for side in self.sides:
            for account in _served_by_imap(side):
                box = read_inbox(side.demo.told, account)
                known = self._known_uids.get(account.address, {})
                there = {uid for uid, _ in box.messages}
                if not known.keys() <= there:
                    self.disorder.append("a UID is gone")
                if max(there, default=0) >= box.uidnext:
                    self.disorder.append("UIDNEXT was used")
                self._note_uids(account.address, box)
                yield account.address, box


class _Brake:
    """Lets a client wait while its server has too much to do."""

    def __init__(self, side: Side, stopping: threading.Event) -> None:
        self._side, self._stopping, self._count = side, stopping, 0

    def wait(self) -> None:
        """Return when there is room, or at the end."""
        self._count += 1
        while self._count % 50 == 0 and self._side.waiting() > MOST_WAITING:
            if self._stopping.wait(0.5):
                return


def _served_by_imap(side: Side) -> list[Account]:
    """Those whom IMAP can read and whose keys the gateway holds."""
    return [
        Account(each["address"], each["password"])
        for each in side.demo.told["accounts"]
        if each["role"] != "patient" and each["smime"] == "gateway"
    ]


def _recipients(side: Side) -> list[Account]:
    settings = config.load(side.demo.state / "config.toml")
    patients = [Account(each, "") for each in PATIENTS if settings.site.serves(each)]
    return [*_served_by_imap(side), *patients]


def _written_to(them: list[Account], author: Account, number: int) -> tuple[Account, ...]:
    """All but the author; boxes that answer everything by themselves, by every second client."""
    without = () if number % 2 else soak_report.APPLICATIONS
    return tuple(each for each in them if each != author and each.address not in without)


def _try_now(side: Side) -> int:
    """What `mss queue retry` does to every item that waits for a later moment; how many."""
    gateway = compose.build(config.load(side.demo.state / "config.toml"))
    try:
        with gateway.database.read() as view:
            waiting = [line.item_id for line in desk.listing(view) if line.last_failure]
        return sum(
            gateway.database.write(partial(desk.retry_now, item_id=each)) for each in waiting
        )
    finally:
        compose.close(gateway)


def soak(folder: Path, *, kills: int, acked: int, seed: int) -> tuple[dict[str, Any], list[str]]:
    """Run one soak in ``folder``: its report, and the checks that failed."""
    one = Soak(folder, seed)
    try:
        told, checks = one.run(kills, acked)
    finally:
        one.kill()
    failed = [name for name, holds in checks.items() if not holds]
    return told | {"seed": seed, "passed": len(checks) - len(failed), "failed": failed}, failed


def main(arguments: list[str]) -> int:
    """The command: 0 when every check holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.soak")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--acked", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--keep", type=Path, help="a folder that stays, to look into afterwards")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="mss-soak-") as name:
        folder = chosen.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        told, failed = soak(folder, kills=chosen.kills, acked=chosen.acked, seed=chosen.seed)
    print(json.dumps(told))
    print(f"{told['passed']} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
