"""`mss queue list`: what waits, one line per recipient."""

from typing import Annotated, Literal

import typer

from mss_gateway.cli.answers import Answer, listing, moment
from mss_gateway.cli.desk import Desk
from mss_gateway.queue import items

State = Literal["due", "leased"]


def list_items(
    desk: Desk,
    state: Annotated[State | None, typer.Option(help="Only items in this state.")] = None,
) -> Answer:
    """Every item, oldest first; without an address."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        lines = items.listing(view)
        now = gateway.clock()
    rows = [
        {
            "item": line.item_id,
            "message_ref": line.message_ref,
            "stage": line.stage,
            "state": line.state,
            "attempts": line.attempts,
            "due_at": moment(line.due_at),
            "last_failure": line.last_failure,
            "created_at": moment(line.created_at),
            "age_seconds": max(0, int(now) - line.created_at),
        }
        for line in lines
        if state is None or line.state == state
    ]
    columns = {
        "item": "item",
        "message_ref": "message",
        "stage": "waits for",
        "state": "state",
        "attempts": "attempts",
        "due_at": "next at",
        "last_failure": "last failure",
        "age_seconds": "age (s)",
    }
    return listing(rows, columns, "Nothing waits.")
