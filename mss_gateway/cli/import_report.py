"""What `mss people import-mailbox` shows: a bar while it works, and the report at its end."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mss_gateway.cli.answers import Answer, Grid, Json
from mss_gateway.directory.people import Person
from mss_gateway.imap.upstream.tally import FolderTally, Tally

REPORT_LIMIT = 1_000
"""Messages left behind that the report names; beyond, it counts."""

SHOWN_LIMIT = 50
"""The same for people."""

NOTES = {
    "line_ends_mended": "messages whose line ends were made CRLF",
    "wrapped": "messages that cannot be read, attached to an explanation",
    "without_date": "messages without a date of arrival, dated by their author or now",
    "keywords_dropped": "keywords dropped: a folder has 58 at most, of 64 letters",
    "deleted_skipped": "messages flagged as deleted, left there",
}
"""Counts of a folder's line that are worth a sentence when they are not zero."""

_MEGA = 1_000_000


@contextmanager
def bar(tally: Tally) -> Iterator[Callable[[], None]]:
    """Counts on a terminal, moved by calling what it gives; nothing where there is none.

    No name of a folder: it may say what somebody suffers from, and terminals are looked at.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.fields[folders]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("messages, {task.fields[octets]}, {task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    is_quiet = not console.is_terminal
    with Progress(*columns, console=console, disable=is_quiet, transient=True) as progress:
        task = progress.add_task("", total=None, folders="reading folders", octets="", rate="")

        def moved() -> None:
            elapsed = progress.tasks[0].elapsed or 0.0
            progress.update(
                task,
                total=tally.missing or None,
                completed=tally.brought,
                folders=f"folder {tally.finished}/{len(tally.folders)}",
                octets=f"{tally.octets / _MEGA:.0f} MB",
                rate=f"{tally.brought / elapsed:.0f} a second" if elapsed else "",
            )

        yield moved


def report(person: Person, tally: Tally, code: int, error: str, *, is_dry: bool) -> Answer:
    """The whole tally; ``error`` says why it ended early."""
    left: list[dict[str, Json]] = [
        {"folder": folder.name, "uid": uid, "why": why}
        for folder in tally.folders
        for uid, why in folder.left()
    ]
    lines = [_line(one) for one in tally.folders]
    value: dict[str, Json] = {
        "account": person.account_id,
        "address": person.address,
        "dry_run": is_dry,
        "whole": tally.is_whole,
        "error": error or None,
        "missing": tally.missing,
        "brought": tally.brought,
        "octets": tally.octets,
        "folders": lines,
        "left_out": [{"folder": name, "why": why} for name, why in tally.left_out],
        "left": left[:REPORT_LIMIT],
        "left_count": len(left),
    }
    count = (
        f"{tally.missing} messages would come from {len(lines)} folders."
        if is_dry
        else f"{tally.brought} of {tally.missing} messages brought, {tally.octets / _MEGA:.1f} MB,"
        f" from {len(lines)} folders."
    )
    return Answer(value, (count, *_folders(tally, lines), *_left(left)), code)


def _line(folder: FolderTally) -> dict[str, Json]:
    return {
        "folder": folder.name,
        "here": folder.local,
        "name_altered": folder.is_altered,
        "state": folder.state,
        "why": folder.why or None,
        "there": folder.there,
        "missing": folder.missing,
        "brought": folder.brought,
        "octets": folder.octets,
        "line_ends_mended": folder.mended,
        "wrapped": folder.wrapped,
        "without_date": folder.undated,
        "keywords_dropped": folder.keywords_dropped,
        "deleted_skipped": len(folder.deleted),
        "left": sum(1 for _ in folder.left()),
    }


def _folders(tally: Tally, lines: Sequence[Mapping[str, Json]]) -> Iterator[str | Grid]:
    columns = ("folder", "here", "there", "missing", "brought", "state")
    if lines:
        headings = ("remote folder", *columns[1:])
        yield Grid(headings, tuple(tuple(str(one[key]) for key in columns) for one in lines))
    for key, meaning in NOTES.items():
        total = sum(int(str(one[key])) for one in lines)
        if total:
            yield f"{total} {meaning}."
    altered = sum(one.is_altered for one in tally.folders)
    if altered:
        yield f"{altered} folders have another name here, because theirs cannot be one of ours."
    yield from (f"{one.name}: {one.why}." for one in tally.folders if one.why)
    yield from (f"{name} left out: {why}." for name, why in tally.left_out)


def _left(left: Sequence[Mapping[str, Json]]) -> Iterator[str | Grid]:
    if not left:
        return
    yield f"{len(left)} messages are not here; another run asks for them again."
    rows = tuple((str(one["folder"]), str(one["uid"]), str(one["why"])) for one in left)
    yield Grid(("remote folder", "uid", "because"), rows[:SHOWN_LIMIT])
