"""`mss people import FILE.csv`: many mailboxes at once, and a report of what was refused."""

import csv
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, Self, TextIO

import typer
from rich.console import Console
from rich.progress import Progress

from certs.issuing.issue import Authority
from mailbox_store.database import Transaction
from mss_gateway.cli import access
from mss_gateway.cli.access import Opened, Prepared
from mss_gateway.cli.answers import Answer, Grid, Json
from mss_gateway.cli.desk import Desk, authority_of
from mss_gateway.directory import importing, people
from mss_gateway.directory.importing import Accepted, Outcome, Rejected, Repeated
from mss_gateway.directory.people import PersonExists
from mss_gateway.life.gateway import Gateway

BATCH = 64
"""Lines whose keys and hashes are made together, then committed together."""

REPORT_LIMIT = 1_000
"""Refused lines and doubts that the report names; beyond, it counts."""

HEADINGS = ("address", "password", "totp_secret", "recovery_codes")


@dataclass(slots=True)
class Tally:
    """What became of the lines so far."""

    created: int = 0
    skipped: int = 0
    repeated: int = 0
    refused: int = 0
    reasons: list[Rejected] = field(default_factory=list)
    doubts: list[tuple[int, str]] = field(default_factory=list)

    def refuse(self, rejected: Rejected) -> None:
        """Count a refused line, and name it while the report has room."""
        self.refused += 1
        if len(self.reasons) < REPORT_LIMIT:
            self.reasons.append(rejected)

    def doubt(self, accepted: Accepted) -> None:
        """Keep what an operator should look at."""
        if len(self.doubts) < REPORT_LIMIT:
            self.doubts += [(accepted.line, doubt) for doubt in accepted.doubts]


class Handout:
    """The file of passwords: mode 0600, one line per mailbox, durable before its COMMIT."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._writer = csv.writer(file)
        self._writer.writerow(HEADINGS)

    @classmethod
    @contextmanager
    def create(cls, path: Path) -> Iterator[Self]:
        """Open a new file; raises FileExistsError rather than overwrite one."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield cls(file)

    def write(self, opened: Opened) -> None:
        """Write one line; a line whose COMMIT then fails gives a password to nobody."""
        granted = opened.access
        codes = " ".join(granted.recovery_codes)
        self._writer.writerow((opened.person.address, granted.password, granted.totp_secret, codes))
        self._file.flush()
        os.fsync(self._file.fileno())


def import_file(
    desk: Desk,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv", exists=True, dir_okay=False, readable=True, help="UTF-8."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="New file for passwords and codes, mode 0600.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file only.")] = False,
) -> Answer:
    """Open a mailbox for every usable line."""
    if dry_run == (out is not None):
        raise typer.BadParameter("say either --out FILE, where passwords go, or --dry-run")
    tally = Tally()
    with (
        desk.gateway(makes_store=not dry_run) as gateway,
        file.open(encoding="utf-8", errors="surrogateescape", newline="") as lines,
        _progress(file) as seen,
    ):
        reading = importing.read(lines, gateway.config)
        outcomes = _watched(reading.outcomes, seen)
        if out is None:
            for accepted in _sifted(gateway, outcomes, tally):
                tally.created += 1
                tally.doubt(accepted)
        else:
            with Handout.create(out) as handout:
                _open_all(gateway, _sifted(gateway, outcomes, tally), handout, tally)
    return _report(tally, reading.ignored, dry_run=dry_run)


def _open_all(
    gateway: Gateway, accepted: Iterator[Accepted], handout: Handout, tally: Tally
) -> None:
    authority = authority_of(gateway)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while batch := list(islice(accepted, BATCH)):
            prepared = pool.map(lambda one: access.prepare(gateway, one.person), batch)
            futures = [_submit(gateway, authority, one, handout) for one in prepared]
            for one, future in zip(batch, futures, strict=True):
                try:
                    future.result()
                except PersonExists:
                    # another command opened it meanwhile
                    tally.skipped += 1
                else:
                    tally.created += 1
                    tally.doubt(one)


def _submit(
    gateway: Gateway, authority: Authority, prepared: Prepared, handout: Handout
) -> "Future[None]":
    def unit(tx: Transaction) -> None:
        handout.write(access.open_mailbox(tx, gateway, authority, prepared))

    return gateway.database.submit(unit)


def _sifted(gateway: Gateway, outcomes: Iterator[Outcome], tally: Tally) -> Iterator[Accepted]:
    """The lines that want a mailbox; the others are counted here."""
    for outcome in outcomes:
        match outcome:
            case Rejected():
                tally.refuse(outcome)
            case Repeated():
                tally.repeated += 1
            case Accepted(line, person) if person.smime == "client":
                tally.refuse(
                    Rejected(line, "smime: a client-held key goes by `mss people add --key-out`")
                )
            case Accepted(_, person):
                with gateway.database.read() as view:
                    is_known = people.by_address(view, person.address) is not None
                if is_known:
                    tally.skipped += 1
                else:
                    yield outcome


def _watched(outcomes: Iterator[Outcome], seen: "_Seen") -> Iterator[Outcome]:
    for outcome in outcomes:
        seen.reach(outcome.line)
        yield outcome


class _Seen:
    """How far the reading is, on a bar that shows on a terminal only."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("lines", total=total)

    def reach(self, line: int) -> None:
        """The reading is at this line."""
        self._progress.update(self._task, completed=line)


@contextmanager
def _progress(file: Path) -> Iterator[_Seen]:
    console = Console(stderr=True)
    with file.open("rb") as lines:
        total = sum(1 for _ in lines)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        yield _Seen(progress, total)


def _report(tally: Tally, ignored: tuple[str, ...], *, dry_run: bool) -> Answer:
    value: dict[str, Json] = {
        "dry_run": dry_run,
        "created": tally.created,
        "skipped": tally.skipped,
        "repeated": tally.repeated,
        "refused": tally.refused,
        "reasons": [{"line": one.line, "why": one.why} for one in tally.reasons],
        "doubts": [{"line": line, "what": what} for line, what in tally.doubts],
        "ignored_columns": list(ignored),
    }
    would = "would be opened" if dry_run else "opened"
    shown: list[str | Grid] = [
        f"{tally.created} {would}, {tally.skipped} there already, {tally.repeated} repeated,"
        f" {tally.refused} refused."
    ]
    if ignored:
        shown.append(f"Columns passed over: {', '.join(ignored)}.")
    if tally.reasons:
        rows = tuple((str(one.line), one.why) for one in tally.reasons)
        shown.append(Grid(("line", "refused because"), rows))
    if tally.doubts:
        rows = tuple((str(line), what) for line, what in tally.doubts)
        shown.append(Grid(("line", "look again"), rows))
    return Answer(value, tuple(shown), 1 if tally.refused else 0)
