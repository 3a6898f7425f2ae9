"""Our submission beside Debian's Postfix, alternating: the same messages until the last is placed.

Ours signs, seals, durably stores and delivers; Postfix only moves them, except in the row of the
filter. The goal of each shape is a share of Postfix's CPU, and where it is said a multiple of its
rate.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from tests.bench import postfix, serving, smtp_bench
from tests.bench.imap_client import Target
from tests.bench.served import Site
from tests.bench.smtp_bench import SHAPES, Shape, Submitted

POSTFIX = "postfix"
FILTERED = "postfix + openssl cms"

NAMES = tuple(dict.fromkeys(shape.name for shape in SHAPES))

Row = dict[str, Any]


def compare(site: Site, runs: int, share: float, names: frozenset[str]) -> Iterator[Row]:
    """The rows of every shape that is named; raises :class:`postfix.CannotRun`."""
    with ExitStack() as stack:
        own = {
            is_indexed: stack.enter_context(smtp_bench.ours(site, is_indexed=is_indexed))[0]
            for is_indexed in (False, True)
        }
        peer = stack.enter_context(
            postfix.serve(smtp_bench.PEOPLE, serving.PASSWORD, *site.tls_files())
        )
        peers = {
            is_filtered: Submitted(
                Target(name, port, site.ca_file(), serving.PASSWORD, peer.meter), peer.placed
            )
            for is_filtered, name, port in (
                (False, POSTFIX, peer.port),
                (True, FILTERED, peer.filtered_port),
            )
        }
        for each in (own[False], peers[False]):
            yield {"server": each.target.name, "meter": each.target.meter.means}
        for shape in SHAPES:
            if not names or shape.name in names:
                sides = own[shape.is_indexed], peers[shape.is_filtered]
                yield from compared(shape, *sides, runs, share)


def compared(
    shape: Shape, own: Submitted, peer: Submitted, runs: int, share: float
) -> Iterator[Row]:
    """The peer's row, then ours with the ratio of the medians."""
    done: dict[str, list[Row]] = {own.target.name: [], peer.target.name: []}
    messages = smtp_bench.turns(shape, share)
    for number in range(runs):
        for server in (own, peer) if number % 2 == 0 else (peer, own):
            done[server.target.name].append(smtp_bench.once(server, shape, messages))
    ours, theirs = (smtp_bench.row(shape, name, each) for name, each in done.items())
    yield theirs
    yield ours | _judged(shape, ours, theirs)


def _judged(shape: Shape, ours: Row, theirs: Row) -> Row:
    """Ratios of the medians beside their goals."""
    ratio, at_rest, rate = (
        ours[each]["median"] / max(theirs[each]["median"], 1e-9)
        for each in ("cpu_ms", "cpu_ms_at_rest", "rate")
    )
    judged: Row = {
        "against": theirs["server"],
        "ratio": round(ratio, 3),
        "ratio_at_rest": round(at_rest, 3),
        "rate_ratio": round(rate, 2),
        "goal": shape.goal,
        "is_met": shape.goal is None or ratio <= shape.goal,
    }
    if shape.rate_goal is not None:
        judged |= {"rate_goal": shape.rate_goal, "is_rate_met": rate >= shape.rate_goal}
    return judged


def table(rows: list[Row]) -> str:
    """The comparison, one line per shape and number of connections, for a person to read."""
    peers = {(row["work"], row["connections"], row["server"]): row for row in rows if "runs" in row}
    lines = [
        f"{'work':<23}{'c':>3}{'ours, CPU ms (least–most)':>28}{'postfix':>22}"
        f"{'ratio':>7}{'goal':>7} {'':<7}{'at rest':>8}{'ours /s':>9}{'postfix /s':>11}"
    ]
    for ours in (row for row in rows if "against" in row):
        peer = peers[ours["work"], ours["connections"], ours["against"]]
        lines.append(
            f"{ours['work']:<23}{ours['connections']:>3}{_range(ours['cpu_ms']):>28}"
            f"{_range(peer['cpu_ms']):>22}{ours['ratio']:>7.3f}{_verdict(ours)}"
            f"{ours['ratio_at_rest']:>8.3f}"
            f"{ours['rate']['median']:>9.0f}{peer['rate']['median']:>11.0f}" + _rate_verdict(ours)
        )
    return "\n".join(lines)


def _verdict(ours: Row) -> str:
    if ours["goal"] is None:
        return " " * 15
    return f"{ours['goal']:>7.3f} {'met' if ours['is_met'] else 'MISSED':<7}"


def _rate_verdict(ours: Row) -> str:
    if "rate_goal" not in ours:
        return ""
    verdict = "met" if ours["is_rate_met"] else "MISSED"
    return f"  rate × {ours['rate_ratio']:.1f} of {ours['rate_goal']:g}: {verdict}"


def _range(figures: dict[str, float]) -> str:
    return " ".join((f"{figures['median']:.2f}", f"({figures['least']:.2f}–{figures['most']:.2f})"))
