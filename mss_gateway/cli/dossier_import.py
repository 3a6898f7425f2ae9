"""`mss dossier import`: the documents of a former record, from a folder.

    FOLDER/<INS>/anything.zip …    one folder for each patient, XDM archives and plain files in it
    FOLDER/anything.zip            archives and CDA that name their patient may lie anywhere

Run again after a kill, it goes on where it was; the report is then that of both runs.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mss_gateway.cli.answers import Answer, Grid, Json
from mss_gateway.cli.desk import Desk
from mss_gateway.directory import people
from mss_gateway.directory.ins import normal_ins
from mss_gateway.directory.people import Person
from mss_gateway.dossier.errors import ImportCode
from mss_gateway.dossier.examination import ExaminationSettings
from mss_gateway.life import bringing
from mss_gateway.life.bringing import Brought, NotBrought
from mss_gateway.life.gateway import Gateway
from policies.people import Role

FILE_OCTETS = 200 * 1024 * 1024
"""A file above this is not read."""

SHOWN = 50
"""Refused files that the terminal names; ``--report`` names all."""


@dataclass(slots=True)
class Tally:
    """What became of the files."""

    patients: set[int] = field(default_factory=set)
    filed: int = 0
    there: int = 0
    earlier: int = 0
    refused: list[tuple[str, ImportCode, str]] = field(default_factory=list)

    def note(self, name: str, person: Person | None, outcome: Brought | NotBrought) -> None:
        """One file."""
        if isinstance(outcome, NotBrought):
            self.refused.append((name, outcome.code, outcome.cause))
            return
        assert person is not None, "somebody's record holds it"
        self.patients.add(person.account_id)
        self.filed += outcome.filed
        self.there += outcome.there
        self.earlier += outcome.is_earlier


def bring(
    desk: Desk,
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", exists=True, file_okay=False, readable=True),
    ],
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="New file for the whole report."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge the files only.")] = False,
) -> Answer:
    """Bring every file of a folder into the record of its patient."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    tally = Tally()
    with desk.gateway() as gateway, _bar(len(files)) as progress:
        settings = ExaminationSettings(gateway.config.identity.accept_test_ins)
        for path in files:
            name = str(path.relative_to(folder))
            person, outcome = _one(gateway, folder, path, settings, is_dry=dry_run)
            tally.note(name, person, outcome)
            progress.update(progress.task_ids[0], advance=1)
    value = _value(tally, len(files), is_dry=dry_run)
    if report is not None:
        with report.open("x", encoding="utf-8") as out:
            json.dump(value, out, ensure_ascii=False, indent=1)
    return Answer(
        value, tuple(_lines(tally, len(files), is_dry=dry_run)), 1 if tally.refused else 0
    )


def _one(
    gateway: Gateway, folder: Path, path: Path, settings: ExaminationSettings, *, is_dry: bool
) -> tuple[Person | None, Brought | NotBrought]:
    if path.stat().st_size > FILE_OCTETS:
        return None, NotBrought(ImportCode.OTHER, f"more than {FILE_OCTETS} octets")
    content = path.read_bytes()
    if not content:
        return None, NotBrought(ImportCode.OTHER, "empty")
    person = _patient(gateway, folder, path, content, settings)
    if isinstance(person, NotBrought):
        return None, person
    if not (bringing.is_archive(path.name, content) or bringing.takes(gateway, content)):
        return None, NotBrought(ImportCode.OTHER, "not a type that a record holds")
    if is_dry:
        return person, bringing.judge(person, path.name, content, settings)
    return person, bringing.bring(gateway, person, path.name, content, settings)


def _patient(
    gateway: Gateway, folder: Path, path: Path, content: bytes, settings: ExaminationSettings
) -> Person | NotBrought:
    """Whose record: the folder's name says it, else the file itself."""
    parts = path.relative_to(folder).parts[:-1]
    named = {ins for part in parts if (ins := normal_ins(part)) is not None}
    named = named or set(bringing.patient_named(content, settings))
    if not named:
        return NotBrought(ImportCode.INS_ABSENT, "neither the folder nor the file names a patient")
    if len(named) > 1:
        return NotBrought(ImportCode.INS_DIFFERS, "several patients are named")
    with gateway.database.read() as view:
        address = f"{named.pop().lower()}@{gateway.config.site.patient_domain}"
        person = people.by_address(view, address)
    if person is None or person.role is not Role.PATIENT:
        return NotBrought(ImportCode.PATIENT_UNKNOWN, "no such patient here")
    return person


@contextmanager
def _bar(count: int) -> Iterator[Progress]:
    """Progress on a terminal, with how long it still takes; no name of a file: it may tell."""
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("files"), TimeRemainingColumn())
    quiet = not console.is_terminal
    with Progress(*columns, console=console, disable=quiet, transient=True) as progress:
        progress.add_task("", total=count)
        yield progress


def _value(tally: Tally, count: int, *, is_dry: bool) -> dict[str, Json]:
    codes = Counter(int(code) for _, code, _ in tally.refused)
    return {
        "dry_run": is_dry,
        "files": count,
        "patients": len(tally.patients),
        "documents": tally.filed,
        "there_already": tally.there,
        "files_of_an_earlier_run": tally.earlier,
        "refused": len(tally.refused),
        "refused_by_code": {str(code): codes[code] for code in sorted(codes)},
        "refused_files": [
            {"file": name, "code": int(code), "why": why} for name, code, why in tally.refused
        ],
    }


def _lines(tally: Tally, count: int, *, is_dry: bool) -> Iterator[str | Grid]:
    verb = "would be brought" if is_dry else "brought"
    yield (
        f"{count} files: {tally.filed} documents {verb} for {len(tally.patients)} patients,"
        f" {tally.there} there already, {len(tally.refused)} files refused."
    )
    if tally.earlier:
        yield f"{tally.earlier} of these files had been brought by an earlier run."
    if tally.refused:
        rows = tuple((name, str(int(code)), why) for name, code, why in tally.refused[:SHOWN])
        yield Grid(("file", "code", "because"), rows)
        if len(tally.refused) > SHOWN:
            yield f"And {len(tally.refused) - SHOWN} more: --report FILE.json names them all."
