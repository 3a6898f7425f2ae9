"""`make bench-peers`: ours beside Debian's Dovecot (IMAP) and Postfix (SMTP), alternating.

    make bench-peers                                     every work, five runs each
    make bench-peers ARGS="--only list --only store"     some of it
    make bench-peers ARGS="--protocol smtp"              submission beside Postfix alone
    make bench-peers ARGS="--quick"                      a tenth, one run: whether it works
    MSS_BENCH_PYTHON=/usr/bin/python3 make bench-peers   ours by another interpreter

One JSON object per work and server, then a table on standard error. CPU is the server's, all its
processes, by the same meter for both. A ratio within 30 % of 1 on a shared machine says little.
Dovecot is tuned for many sign-ins (processes are used again, the authentication cache is on);
sign-ins are compared with the way it is shipped too. Peers are what Debian compiled, optimised;
a Python that is not (pyenv's, without --enable-optimizations) costs ours a quarter more.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench import calibrating, dovecot, imap_bench, imap_works, postfix, serving, smtp_peers
from tests.bench.imap_bench import Start
from tests.bench.imap_client import Target, sign_in
from tests.bench.imap_load import Run
from tests.bench.imap_works import COMPARED, CPU_US, WORKS, Work
from tests.bench.served import Site

Row = dict[str, Any]

PROTOCOLS = ("imap", "smtp")


def compare(
    site: Site, runs: int, share: float, mailbox: int, names: frozenset[str]
) -> Iterator[Row]:
    """The rows of every work that is named (all when none is)."""
    if not names:
        yield imap_bench.first_log_ins(site, runs)
    start: dict[str, Start] = {imap_bench.OURS: partial(imap_bench.ours, site, hold=True)}
    for name in (dovecot.TUNED, dovecot.SHIPPED):
        start[name] = partial(peer, site, name)
    with ExitStack() as stack:
        targets = [stack.enter_context(imap_bench.ours(site))]
        targets += [stack.enter_context(start[name]()) for name in (dovecot.TUNED, dovecot.SHIPPED)]
        for each in targets:
            yield {"server": each.name, "meter": each.meter.means, "tls": _tls(each)}
        for each in targets[:2]:
            imap_works.fill(each, mailbox)
        yield from compared(targets, start, runs, share, mailbox, names)


def peer(site: Site, name: str) -> AbstractContextManager[Target]:
    """Dovecot, tuned or as it is shipped, with the people and the certificate of the site."""
    certificate, key = site.tls_files()
    logins = (*serving.AUTHORS, serving.READER)
    return dovecot.serve(name, logins, serving.PASSWORD, certificate, key, site.ca_file())


def compared(
    targets: list[Target],
    start: dict[str, Start],
    runs: int,
    share: float,
    mailbox: int,
    names: frozenset[str],
) -> Iterator[Row]:
    """The rows of servers that have the same letters: ours first, then its peer, then others."""
    for work in WORKS:
        if names and work.name not in names:
            continue
        against = targets if work.with_default else targets[:2]
        for connections in work.connections:
            plan = _Plan(runs, imap_bench.turns(work, share), connections, mailbox)
            yield from _compared(work, against, start, plan)


@dataclass(frozen=True, slots=True)
class _Plan:
    runs: int
    count: int
    connections: int
    mailbox: int


def _compared(
    work: Work, targets: list[Target], start: dict[str, Start], plan: _Plan
) -> Iterator[Row]:
    """The peers' rows, then ours with the ratio of the medians."""
    done: dict[str, list[Run]] = {target.name: [] for target in targets}
    for number in range(plan.runs):
        for target in targets if number % 2 == 0 else reversed(targets):
            again = start[target.name]
            run = imap_bench.once(work, target, again, plan.count, plan.connections)
            done[target.name].append(run)
    rows = [
        imap_bench.row(work, name, plan.connections, plan.mailbox, each)
        for name, each in done.items()
    ]
    ours, *peers = rows
    yield from peers
    figure = ours[work.compared]["median"]
    ratios = {
        each["server"]: round(figure / max(each[work.compared]["median"], 1e-9), 3)
        for each in peers
    }
    yield ours | {
        "ratio": ratios,
        "goal": work.goal,
        "is_met": {
            name: work.goal is None or (ratio if work.compared == CPU_US else figure) <= work.goal
            for name, ratio in ratios.items()
        },
        "same_answers": all(each["found"] == ours["found"] for each in peers),
    }


def _tls(target: Target) -> str:
    line = sign_in(target, serving.READER)
    try:
        return f"{line.channel.version()} {(line.channel.cipher() or ('?',))[0]}"
    finally:
        line.close()


def table(rows: list[Row]) -> str:
    """The comparison, one line per work and number of connections, for a person to read."""
    peers = {(row["work"], row["connections"], row["server"]): row for row in rows if "runs" in row}
    lines = [
        f"{'work':<22}{'c':>3} {'unit':<14}{'ours (least–most)':>34}{'dovecot (least–most)':>34}"
        f"{'ratio':>8}{'goal':>9}  "
    ]
    for ours in (row for row in rows if "ratio" in row):
        for name, ratio in ours["ratio"].items():
            peer = peers[ours["work"], ours["connections"], name]
            compared = next(each for each in COMPARED if each in ours)
            unit = compared + (" /msg" if ours["per"] == "message" else "")
            goal = "" if ours["goal"] is None else f"{ours['goal']:g}"
            verdict = "" if not goal else "met" if ours["is_met"][name] else "MISSED"
            remark = "" if name == dovecot.TUNED else f"against {name}"
            remark += "" if ours["same_answers"] else " answers differ"
            lines.append(
                f"{ours['work']:<22}{ours['connections']:>3} {unit:<14}"
                f"{_range(ours[compared]):>34}{_range(peer[compared]):>34}"
                f"{ratio:>8.2f}{goal:>9}  {verdict} {remark}".rstrip()
            )
    return "\n".join(lines)


def _range(figures: dict[str, float]) -> str:
    median, least, most = (
        f"{figures[each]:,.0f}" if figures["median"] >= 100 else f"{figures[each]:.2f}"
        for each in ("median", "least", "most")
    )
    return f"{median} ({least}–{most})"


def main(arguments: list[str]) -> int:
    """Compare; 2 when a peer cannot be run here, with the reason, and nothing is run then."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench peers", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each work on each server (5)")
    works = {work.name: "imap" for work in WORKS} | dict.fromkeys(smtp_peers.NAMES, "smtp")
    parser.add_argument("--only", action="append", default=[], choices=list(works))
    parser.add_argument("--protocol", choices=PROTOCOLS, help="one of them (both)")
    parser.add_argument("--quick", action="store_true", help="one run, a tenth of the work")
    chosen = parser.parse_args(arguments)
    names = frozenset(chosen.only)
    protocols = {works[name] for name in names} or {chosen.protocol or each for each in PROTOCOLS}
    runs, share = (1, 0.1) if chosen.quick else (chosen.runs, 1.0)
    try:
        versions = {"dovecot": dovecot.check()} if "imap" in protocols else {}
        versions |= {"postfix": postfix.check()} if "smtp" in protocols else {}
        _say({"bench": "calibration"} | versions | calibrating.figures())
        with tempfile.TemporaryDirectory(prefix="mss-bench-") as folder:
            site = Site(Path(folder))
            if "imap" in protocols:
                mailbox = int(imap_works.MAILBOX * share)
                rows = _told(compare(site, runs, share, mailbox, names))
                print(table(rows), file=sys.stderr)
            if "smtp" in protocols:
                rows = _told(smtp_peers.compare(site, runs, share, names))
                print(smtp_peers.table(rows), file=sys.stderr)
    except (dovecot.CannotRun, postfix.CannotRun) as reason:
        print(f"bench-peers: {reason}", file=sys.stderr)
        return 2
    return 0


def _told(rows: Iterator[Row]) -> list[Row]:
    found = []
    for row in rows:
        _say({"bench": "peers"} | row)
        found.append(row)
    return found


def _say(row: Row) -> None:
    print(json.dumps(row, ensure_ascii=False), flush=True)
