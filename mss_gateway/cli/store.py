"""`mss store verify`: every body walked, its chunks and its holders counted."""

from typing import Annotated

import typer

from mailbox_store import integrity
from mailbox_store.integrity import Holders
from mss_gateway.cli.answers import Answer, Json, sheet
from mss_gateway.cli.desk import Desk


def verify(
    desk: Desk,
    opens: Annotated[bool, typer.Option("--open", help="Decrypt every body as well.")] = False,
) -> Answer:
    """Chunks, holders, orphans; with --open, every key and every chunk."""
    with desk.gateway() as gateway:
        holders = (
            Holders("messages"),
            Holders("documents"),
            Holders("queued_messages", account_id=gateway.spool),
        )
        report = integrity.verify(gateway.database, holders, opens=opens)
    value: dict[str, Json] = {
        "bodies": report.bodies,
        "octets": report.octets,
        "opened": opens,
        "incomplete": list(report.incomplete),
        "miscounted": list(report.miscounted),
        "unheld": list(report.unheld),
        "stray_chunks": report.stray_chunks,
        "altered": list(report.altered),
    }
    verdict = "The store is whole." if report.is_whole else "The store is not whole."
    return sheet(value, verdict, code=0 if report.is_whole else 1)
