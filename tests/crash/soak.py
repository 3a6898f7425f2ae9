"""`make soak`: SIGKILL under load; nothing acknowledged is lost, doubled or torn.

    python -m tests.crash.soak [--kills 30] [--acked 1000] [--seed N]

The real server (`mss demo`) serves four clients that never pause; its process group is killed
again and again, some kills at the very instant of a 250, some while it starts. After each kill the
store is looked at (a copy of it) before the next start: messages committed whose 250 nobody saw,
items leased and not delivered. At the end the mailboxes are read by IMAP and compared with the
ledger that the clients kept. Prints one JSON object and ``N passed, M failed``.
"""

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mss_gateway import config
from tests.crash import inspecting
from tests.crash.clients import Account, Client
from tests.crash.ledger import Ledger
from tests.crash.mailboxes import Box, Tally, compare, read_inbox
from tests.crash.running import Demo

CLIENTS = 4
DURING_START = 0.1
"""Share of the kills that come before the server is ready."""
TURNS = ("at any moment", "at a commit", "at a lease", "at a 250")
"""What the other kills wait for, in turn. A commit, a lease or a 250 that is seen from outside is
followed at once by the kill: its own answer, delivery or neighbours in the group are then cut off.
"""
QUIET_SECONDS = 120.0
MOMENT_SECONDS = 3.0
LOOK_AT_UIDS_EVERY = 10
MORE_KILLS = 3
"""Times as many kills as asked for, at most, until both windows were hit."""


@dataclass(slots=True)
class Counters:
    """What the kills hit."""

    kills: int = 0
    kills_during_start: int = 0
    committed: list[frozenset[str]] = field(default_factory=list)
    """At each kill, the references that were durable."""
    leased_undelivered: int = 0
    kills_between_lease_and_delivery: int = 0
    start_seconds: list[float] = field(default_factory=list)


class Soak:
    """One soak: start, load, kill, look, start again; then read everything back."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._draw = random.Random(seed)
        self._demo = Demo(folder)
        self._strike = threading.Event()
        self._ledger = Ledger(folder / "ledger.jsonl", self._strike.set)
        self._counters = Counters()
        self._seen_uids: dict[str, dict[int, str]] = {}
        self._validity: dict[str, int] = {}
        self._is_order_kept = True
        self._before_load: frozenset[str] = frozenset()

    def run(self, kills: int, acked: int) -> tuple[dict[str, Any], dict[str, bool]]:
        """At least ``kills`` kills and ``acked`` acknowledged messages: the report, the checks."""
        first_start = self._demo.start()
        self._before_load = inspecting.look(self._demo.state).committed
        accounts = self._accounts()
        stopping = threading.Event()
        threads = [client.start() for client in self._clients(accounts, stopping)]
        while (
            self._counters.kills < kills
            or len(self._ledger.acked) < acked
            or (self._counters.kills < MORE_KILLS * kills and not self._has_hit_both())
        ):
            self._uptime()
            self._kill_and_look()
            self._counters.start_seconds.append(self._start_again())
            if self._counters.kills % LOOK_AT_UIDS_EVERY == 0:
                self._look_at_uids(accounts)
        stopping.set()
        for thread in threads:
            thread.join()
        is_quiet = self._await_empty_queue()
        boxes = self._look_at_uids(accounts, "BODY.PEEK[]")
        stopped = self._demo.stop()
        self._is_order_kept &= all(
            uid < box.uidnext for box in boxes.values() for uid, _ in box.messages
        )
        tally = compare(self._ledger, boxes)
        checks = self._checks(tally) | {"queue empty": is_quiet, "drained on SIGTERM": stopped == 0}
        return self._report(tally, first_start), checks

    def _accounts(self) -> tuple[Account, ...]:
        """Those of the demo that IMAP can read and whose keys the gateway holds."""
        return tuple(
            Account(each["address"], each["password"])
            for each in self._demo.told["accounts"]
            if each["role"] != "patient" and each["smime"] == "gateway"
        )

    def _clients(self, accounts: tuple[Account, ...], stopping: threading.Event) -> list[Client]:
        return [
            Client(
                number,
                self._demo.told,
                author,
                tuple(each for each in accounts if each != author),
                self._ledger,
                stopping,
            )
            for number, author in enumerate(accounts[:CLIENTS])
        ]

    def _uptime(self) -> None:
        """How long this life lasts: 0.3 s and more, exponential, 3 s at most, then its moment."""
        time.sleep(min(3.0, 0.3 + self._draw.expovariate(1.0)))
        turn = TURNS[self._counters.kills % len(TURNS)]
        if turn == "at a 250":
            self._strike.clear()
            self._strike.wait(MOMENT_SECONDS)
        elif turn == "at a commit":
            inspecting.await_commit(self._demo.state, MOMENT_SECONDS)
        elif turn == "at a lease":
            inspecting.await_lease(self._demo.state, MOMENT_SECONDS)

    def _kill_and_look(self) -> None:
        status = self._demo.kill()
        if status != -9:
            raise RuntimeError(f"the server ended by itself ({status}): see {self._demo.log}")
        counters = self._counters
        counters.kills += 1
        found = inspecting.look(self._demo.state)
        counters.committed.append(found.committed)
        counters.leased_undelivered += found.leased
        counters.kills_between_lease_and_delivery += bool(found.leased)

    def _start_again(self) -> float:
        """Start, sometimes killing it before it is ready; seconds of the start that stood."""
        while self._draw.random() < DURING_START:
            self._demo.spawn()
            time.sleep(self._draw.uniform(0.05, max(self._counters.start_seconds, default=2.0)))
            self._counters.kills += 1
            self._counters.kills_during_start += 1
            self._demo.kill()
        return self._demo.start()

    def _await_empty_queue(self) -> bool:
        ends = time.monotonic() + QUIET_SECONDS
        while time.monotonic() < ends:
            if inspecting.look(self._demo.state).waiting == 0:
                return True
            time.sleep(0.2)
        return False

    def _look_at_uids(
        self, accounts: tuple[Account, ...], items: str = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
    ) -> dict[str, Box]:
        """UIDs only grow, a UID never changes its message, UIDVALIDITY stays (RFC 9051 §2.3.1)."""
        boxes = {}
        for account in accounts:
            box = boxes[account.address] = read_inbox(self._demo.told, account, items)
            uids = [uid for uid, _ in box.messages]
            known = self._seen_uids.get(account.address, {})
            now = dict(box.identified())
            self._is_order_kept &= uids == sorted(set(uids))
            self._is_order_kept &= known.items() <= now.items()
            self._is_order_kept &= min(now.keys() - known.keys(), default=1 << 32) > max(
                known, default=0
            )
            self._is_order_kept &= (
                self._validity.setdefault(account.address, box.uidvalidity) == box.uidvalidity
            )
            self._seen_uids[account.address] = now
        return boxes

    def _checks(self, tally: Tally) -> dict[str, bool]:
        state, counters = self._demo.state, self._counters
        broken = inspecting.audit_chain(config.load(state / "config.toml"))
        return {
            "every acknowledged message is in its mailbox": not tally.lost,
            "no message is there twice": not tally.duplicated,
            "what is there is what was sent, signed": not tally.torn,
            "nothing is there that nobody sent": not tally.strangers,
            "nothing was refused": not self._ledger.refused,
            "UIDs only grow, UIDVALIDITY is constant": self._is_order_kept,
            "one store and one deliver per recipient in the audit": self._is_audit_exact(),
            "the audit chain holds": broken is None,
            "the database is whole": inspecting.integrity(state) == "ok",
            "kills hit between commit and 250": any(self._unanswered()),
            "kills hit between lease and delivery": counters.kills_between_lease_and_delivery > 0,
        }

    def _unanswered(self) -> list[frozenset[str]]:
        """For each kill, what had become durable without that anybody ever saw its 250."""
        known = self._before_load | frozenset(self._ledger.acked.values())
        found = []
        for committed in self._counters.committed:
            found.append(committed - known)
            known |= committed
        return found

    def _has_hit_both(self) -> bool:
        time.sleep(0.05)  # an answer that is on its way reaches its client
        return any(self._unanswered()) and self._counters.leased_undelivered > 0

    def _is_audit_exact(self) -> bool:
        audited = inspecting.audited(self._demo.state)
        return all(
            audited.get(ref) == (1, len(self._ledger.sent[message_id].recipients))
            for message_id, ref in self._ledger.acked.items()
        )

    def _report(self, tally: Tally, first_start: float) -> dict[str, Any]:
        ledger, counters = self._ledger, self._counters
        starts = sorted(counters.start_seconds)
        return {
            "soak": "kill -9 under submission",
            "messages": len(ledger.sent),
            "acked": len(ledger.acked),
            "refused": len(ledger.refused),
            "kills": counters.kills,
            "kills_during_start": counters.kills_during_start,
            "lost": len(tally.lost),
            "dup": len(tally.duplicated),
            "torn": len(tally.torn),
            "unanswered_present": tally.unanswered_present,
            "unanswered_absent": tally.unanswered_absent,
            "committed_unanswered": sum(len(each) for each in self._unanswered()),
            "kills_between_commit_and_250": sum(bool(each) for each in self._unanswered()),
            "leased_undelivered": counters.leased_undelivered,
            "kills_between_lease_and_delivery": counters.kills_between_lease_and_delivery,
            "first_start_seconds": round(first_start, 2),
            "restart_seconds_p50": round(starts[len(starts) // 2], 2),
            "restart_seconds_p99": round(starts[min(len(starts) - 1, len(starts) * 99 // 100)], 2),
            # none of n lost: with 95 % confidence fewer than 3 in n (the rule of three)
            "lost_share_upper_bound_95": (
                round(3 / len(ledger.acked), 6) if ledger.acked and not tally.lost else None
            ),
        }


def soak(folder: Path, *, kills: int, acked: int, seed: int) -> tuple[dict[str, Any], list[str]]:
    """Run one soak in ``folder``: its report, and the checks that failed."""
    one = Soak(folder, seed)
    try:
        report, checks = one.run(kills, acked)
    finally:
        one._demo.kill()
    failed = [name for name, holds in checks.items() if not holds]
    return report | {"seed": seed, "passed": len(checks) - len(failed), "failed": failed}, failed


def main(arguments: list[str]) -> int:
    """The command: 0 when every check holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.soak")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--acked", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="mss-soak-") as folder:
        report, failed = soak(
            Path(folder), kills=chosen.kills, acked=chosen.acked, seed=chosen.seed
        )
    print(json.dumps(report))
    print(f"{report['passed']} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
