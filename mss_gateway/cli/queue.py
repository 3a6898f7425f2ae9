"""`mss queue …`: what waits, and what an operator may do to it; every act has its reason."""

from collections.abc import Callable
from typing import Annotated, Literal

import typer

from mailbox_store.database import Transaction, View
from mss_gateway.cli.answers import Answer, Json, NotDone, listing, moment, sheet
from mss_gateway.cli.desk import OPERATOR, Desk
from mss_gateway.life import report
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import audit
from mss_gateway.queue import desk as waiting
from mss_gateway.queue import destinations, items, leases
from mss_gateway.queue.desk import Line

State = Literal["due", "leased", "held"]

Reason = Literal[
    "peer-is-back",
    "peer-asked",
    "author-asked",
    "wrong-recipient",
    "under-inquiry",
    "inquiry-ended",
    "security",
    "mistake",
    "test",
]
"""A closed list: what an operator would type freely might name a patient."""

What = Annotated[
    str, typer.Argument(metavar="WHAT", help="Number of an item, or reference of a message.")
]
Why = Annotated[Reason, typer.Option("--reason", help="Goes on record.")]


def list_items(
    desk: Desk,
    state: Annotated[State | None, typer.Option(help="Only items in this state.")] = None,
) -> Answer:
    """Every item, oldest first; without an address."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        lines = waiting.listing(view)
        now = int(gateway.clock())
    rows = [_row(line, now) for line in lines if state is None or line.state == state]
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


def _row(line: Line, now: int) -> dict[str, Json]:
    return {
        "item": line.item_id,
        "message_ref": line.message_ref,
        "stage": line.stage,
        "state": line.state,
        "attempts": line.attempts,
        "due_at": moment(line.next_at),
        "last_failure": line.last_failure,
        "created_at": moment(line.created_at),
        "age_seconds": max(0, now - line.created_at),
    }


def show(
    desk: Desk, item: Annotated[int, typer.Argument(metavar="ITEM", help="Number of the item.")]
) -> Answer:
    """One item, with the last answer of another operator's server."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        line = waiting.line(view, item)
        if line is None:
            raise NotDone("no such item waits; `mss queue list` shows those that do")
        spool = view.vault.account(view, gateway.spool)
        row = _row(line, int(gateway.clock()))
        return sheet(row | {"reply": waiting.reply_of(view, spool, item) or None})


def list_destinations(desk: Desk) -> Answer:
    """Other operators, by domain."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        spool = view.vault.account(view, gateway.spool)
        now = gateway.queue_clock.now()
        rows: list[dict[str, Json]] = [
            {
                "domain": one.domain,
                "state": "closed" if one.closed_until > now else "open",
                "failures": one.failures,
                "seconds_to_next_probe": max(0, one.closed_until - now),
                "last_failure": one.last_failure,
            }
            for one in destinations.listing(view, spool)
        ]
    columns = {
        "domain": "domain",
        "state": "state",
        "failures": "failures",
        "seconds_to_next_probe": "next probe (s)",
        "last_failure": "last failure",
    }
    return listing(rows, columns, "Nothing waits for another operator.")


def retry(desk: Desk, what: What, reason: Why) -> Answer:
    """Due now."""
    return _each(desk, what, reason, "tried now", lambda _, tx, one: waiting.retry_now(tx, one))


def hold(desk: Desk, what: What, reason: Why) -> Answer:
    """Neither tried nor given up."""
    return _each(desk, what, reason, "held", lambda _, tx, one: waiting.hold(tx, one))


def release(desk: Desk, what: What, reason: Why) -> Answer:
    """Go on."""

    def act(gateway: Gateway, tx: Transaction, one: int) -> bool:
        return waiting.release(tx, one, gateway.queue_clock.now())

    return _each(desk, what, reason, "released", act)


def drop(
    desk: Desk,
    what: What,
    reason: Why,
    silent: Annotated[bool, typer.Option("--silent", help="Tell the author nothing.")] = False,
) -> Answer:
    """End without delivering; reported to the author as any failure is."""

    def act(gateway: Gateway, tx: Transaction, one: int) -> bool:
        until = gateway.queue_clock.now() + leases.LEASE_SECONDS
        spool = tx.vault.account(tx, gateway.spool)
        item = waiting.taken(tx, spool, one, until)
        if item is None:
            return False
        if silent:
            return items.finish(tx, item)
        report.drop(gateway, tx, item)
        return True

    return _each(desk, what, reason, "dropped", act)


def _each(
    desk: Desk,
    what: str,
    reason: str,
    done: str,
    act: Callable[[Gateway, Transaction, int], bool],
) -> Answer:
    """Act on every item meant, in one transaction, each on record with its reason."""
    with desk.gateway() as gateway:

        def unit(tx: Transaction) -> list[int]:
            found = [line for line in _meant(tx, what) if act(gateway, tx, line.item_id)]
            for line in found:
                audit.record(
                    tx,
                    actor=OPERATOR,
                    act="queue",
                    object=f"item:{line.item_id}",
                    verdict=f"{done} ({reason})",
                    message_ref=line.message_ref,
                )
            return [line.item_id for line in found]

        changed = gateway.database.write(unit)
    if not changed:
        raise NotDone("nothing there that this can be done to; `mss queue list` shows what waits")
    return Answer({"items": changed, "done": done}, (f"{len(changed)} {done}.",))


def _meant(view: View, what: str) -> list[Line]:
    if what.isascii() and what.isdigit() and len(what) < 19:
        line = waiting.line(view, int(what))
        return [] if line is None else [line]
    return waiting.lines_of(view, what.strip().lower())
