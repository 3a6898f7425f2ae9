"""What a verb answers, and how it is printed: JSON for programs, calm tables for people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import typer
from rich import box
from rich.console import Console
from rich.table import Table

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]

WIDE = 400
"""Columns when standard output is not a terminal: nothing is cut or folded for a program."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: headings, and rows of as many cells."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """``value`` is the whole answer for ``--json``; ``shown`` the same for people, in order."""

    value: Json
    shown: tuple[str | Grid, ...]
    code: int = 0


class NotDone(Exception):
    """Refused or not found: exit code 1. The text is one clear line that says what to do."""


def listing(
    rows: Sequence[Mapping[str, Json]], columns: Mapping[str, str], nothing: str, code: int = 0
) -> Answer:
    """A list: every key for ``--json``; for people, the keys of ``columns`` under its headings."""
    if not rows:
        return Answer([], (nothing,), code)
    cells = tuple(tuple(cell(row[key]) for key in columns) for row in rows)
    return Answer(list(rows), (Grid(tuple(columns.values()), cells),), code)


def sheet(value: Mapping[str, Json], *before: str, code: int = 0) -> Answer:
    """One thing, key by key; nested lists are left to ``--json`` and to who shows them apart."""
    cells = tuple((key, cell(one)) for key, one in value.items())
    return Answer(value, (*before, Grid(("", ""), cells)), code)


def cell(value: Json) -> str:
    """A value as a person reads it."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {cell(one)}" for key, one in value.items()) or "-"
    return ", ".join(cell(one) for one in value) or "-"


def moment(seconds: float | None) -> str | None:
    """Unix seconds as ISO 8601 in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def show(answer: Answer, *, as_json: bool) -> None:
    """Print an answer on standard output."""
    if as_json:
        typer.echo(json.dumps(answer.value, ensure_ascii=False, indent=2))
        return
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console = Console(markup=False, emoji=False, highlight=False, width=WIDE)
    for part in answer.shown:
        if isinstance(part, str):
            typer.echo(part)
        else:
            console.print(_table(part))


def complain(line: str) -> None:
    """Print one line on standard error."""
    typer.echo(f"mss: {line}", err=True)


def _table(grid: Grid) -> Table:
    has_heading = any(grid.columns)
    table = Table(box=box.SIMPLE_HEAD, show_header=has_heading, pad_edge=False, show_edge=False)
    for column in grid.columns:
        table.add_column(column, overflow="fold")
    for row in grid.rows:
        table.add_row(*row)
    return table
