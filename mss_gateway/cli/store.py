"""`mss store`: every body walked, its chunks and its holders counted; the text index."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from mailbox_store import indexable, integrity, segments
from mailbox_store.integrity import Holders
from mss_gateway.cli.answers import Answer, Json, sheet
from mss_gateway.cli.desk import Desk
from mss_gateway.life import index as text_index


def verify(
    desk: Desk,
    opens: Annotated[
        bool, typer.Option("--open", help="Decrypt every body and the text index as well.")
    ] = False,
) -> Answer:
    """Chunks, holders, orphans; with --open, every key and every chunk.

    Segments of the text index that do not open are no loss: they are marked, and made again.
    """
    with desk.gateway() as gateway:
        holders = (
            Holders("messages"),
            Holders("documents"),
            Holders("queued_messages", account_id=gateway.spool),
        )
        report = integrity.verify(gateway.database, holders, opens=opens)
        damaged = text_index.verify(gateway.database) if opens else []
    value: dict[str, Json] = {
        "bodies": report.bodies,
        "octets": report.octets,
        "opened": opens,
        "incomplete": list(report.incomplete),
        "miscounted": list(report.miscounted),
        "unheld": list(report.unheld),
        "stray_chunks": report.stray_chunks,
        "altered": list(report.altered),
        "index_damaged": list(damaged),
    }
    verdict = "The store is whole." if report.is_whole else "The store is not whole."
    if damaged:
        verdict += " Segments of the text index did not open: a server that runs makes them again."
    return sheet(value, verdict, code=0 if report.is_whole and not damaged else 1)


def index(
    desk: Desk,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make every segment again from its messages.")
    ] = False,
) -> Answer:
    """How far the index has come; with --rebuild, all of it is made again first."""
    with desk.gateway() as gateway:
        if rebuild:
            with gateway.database.read() as view:
                total = indexable.count(view)
            with _progress(total) as done:
                text_index.renew(gateway.database, done)
        with gateway.database.read() as view:
            totals = segments.totals(view)
            messages = indexable.count(view)
    value: dict[str, Json] = {
        "messages": messages,
        "waiting": totals.lag,
        "segments": totals.segments,
        "damaged": totals.damaged,
        "octets": totals.octets,
    }
    verdict = "Every message is in the index."
    if totals.lag:
        verdict = f"{totals.lag} messages are not in the index yet: searches read them one by one."
    if totals.damaged:
        verdict += f" {totals.damaged} segments wait to be made again."
    return sheet(value, verdict)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar of messages, on a terminal only."""
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("messages", total=total)
        yield lambda messages: progress.advance(task, messages)
