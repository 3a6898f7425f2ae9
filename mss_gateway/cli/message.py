"""`mss message show REF`: the life of a message in the words of the stages, with times."""

from typing import Annotated

import typer

from mss_gateway.cli.answers import Answer, Grid, Json, NotDone, cell, moment
from mss_gateway.cli.desk import Desk
from mss_gateway.life import STAGES
from mss_gateway.observability import audit
from mss_gateway.queue import desk as queue_desk
from mss_gateway.queue.desk import Line

STAGE_OF = {"correspondence": "deliver", "read": "dossier"}
"""Acts of the audit that are not the name of their stage."""

SILENT = ("submission", "authn", "policy", "crypto")
"""Stages that leave no row of their own when they let a message through."""


def show(
    desk: Desk,
    ref: Annotated[str, typer.Argument(metavar="REF", help="The message's reference.")],
) -> Answer:
    """Every stage with what is on record, then what waits."""
    message_ref = ref.strip().lower()
    with desk.gateway() as gateway, gateway.database.read() as view:
        rows = audit.of_message(view, message_ref)
        waiting = [line for line in queue_desk.listing(view) if line.message_ref == message_ref]
    if not rows and not waiting:
        raise NotDone("no message of this reference on record; it ends the reply to its sender")
    stages = [_stage(stage.name, rows, waiting) for stage in STAGES]
    state = _state(rows, waiting)
    value: dict[str, Json] = {
        "message_ref": message_ref,
        "state": state,
        "stages": [{"stage": name, "state": told, "acts": acts} for name, told, acts in stages],
        "queue": [_waiting(line) for line in waiting],
    }
    shown = tuple(line for stage in stages for line in _shown(*stage))
    queue = tuple(
        (
            line.stage,
            line.state,
            str(line.attempts),
            cell(moment(line.next_at)),
            line.last_failure or "-",
        )
        for line in waiting
    )
    parts: list[str | Grid] = [
        f"Message {message_ref}: {state}.",
        Grid(("stage", "when", "by", "about", "outcome"), shown),
    ]
    if queue:
        parts.append(Grid(("waits for", "state", "attempts", "next at", "last failure"), queue))
    return Answer(value, tuple(parts))


def _stage(
    name: str, rows: list[audit.Row], waiting: list[Line]
) -> tuple[str, str, list[dict[str, str | None]]]:
    """A stage: its name, how it stands, and the acts on record."""
    acts = [
        {"at": moment(row.at), "actor": row.actor, "object": row.object, "verdict": row.verdict}
        for row in rows
        if STAGE_OF.get(row.act, row.act) == name
    ]
    was_stored = any(row.act == "store" for row in rows)
    if any(line.stage == name for line in waiting) or (name == "queue" and waiting):
        return name, "waiting", acts
    if acts or (was_stored and name in (*SILENT, "queue")):
        return name, "passed" if was_stored else "refused", acts
    return name, "not reached" if not was_stored or waiting else "nothing to do", acts


def _state(rows: list[audit.Row], waiting: list[Line]) -> str:
    if waiting:
        return "waiting"
    acts = {row.act for row in rows}
    if {"deliver", "report"} <= acts:
        return "delivered to some, reported to its author for others"
    if "report" in acts:
        return "ended with a report to its author"
    if "deliver" in acts:
        return "delivered"
    return "accepted" if "store" in acts else "refused"


def _shown(
    name: str, told: str, acts: list[dict[str, str | None]]
) -> list[tuple[str, str, str, str, str]]:
    if not acts:
        return [(name, "-", "-", "-", told)]
    return [
        (
            name if number == 0 else "",
            act["at"] or "-",
            act["actor"] or "-",
            act["object"] or "-",
            act["verdict"] or "-",
        )
        for number, act in enumerate(acts)
    ]


def _waiting(line: Line) -> dict[str, Json]:
    return {
        "item": line.item_id,
        "stage": line.stage,
        "state": line.state,
        "attempts": line.attempts,
        "due_at": moment(line.next_at),
        "last_failure": line.last_failure,
        "created_at": moment(line.created_at),
    }
