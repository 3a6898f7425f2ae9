"""`mss notices …` and `mss people contact`: what patients are told by e-mail, and where."""

from typing import Annotated

import typer

from mailbox_store.database import Transaction
from mss_gateway.cli.answers import Answer, Json, NotDone, listing, moment, sheet
from mss_gateway.cli.desk import OPERATOR, Desk, person_of
from mss_gateway.cli.queue import Why
from mss_gateway.directory import contact, notice_desk
from mss_gateway.directory.contact import ContactRefused, Fault
from mss_gateway.directory.notice_desk import Line
from mss_gateway.life import notices_contact
from mss_gateway.observability import audit
from policies.people import Role

Number = Annotated[int, typer.Argument(metavar="NOTICE", help="As `list` shows it.", min=1)]
Who = Annotated[str, typer.Argument(metavar="WHO", help="The patient's address or INS.")]

_FAULTS = {
    Fault.MALFORMED: "not an e-mail address",
    Fault.TRUST_SPACE: "an address of the trust space: give a personal one",
}


def list_waiting(desk: Desk) -> Answer:
    """What waits, oldest first; neither an address nor what it is about."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        lines = notice_desk.listing(view)
        now = gateway.queue_clock.now()
    columns = {
        "notice": "notice",
        "account": "account",
        "state": "state",
        "attempts": "attempts",
        "due_in_seconds": "due in (s)",
        "last_failure": "last failure",
        "created_at": "since",
    }
    return listing([_row(line, now) for line in lines], columns, "Nothing waits.")


def _row(line: Line, now: int) -> dict[str, Json]:
    return {
        "notice": line.notice_id,
        "account": line.account_id,
        "state": line.state,
        "attempts": line.attempts,
        "due_in_seconds": max(0, line.due_at - now),
        "last_failure": line.last_failure or None,
        "created_at": moment(line.created_at),
    }


def retry(desk: Desk, notice: Number, reason: Why) -> Answer:
    """Due now."""
    return _act(desk, notice, reason, "tried now")


def drop(desk: Desk, notice: Number, reason: Why) -> Answer:
    """Never sent."""
    return _act(desk, notice, reason, "dropped")


def _act(desk: Desk, notice: int, reason: str, done: str) -> Answer:
    act = notice_desk.retry if done == "tried now" else notice_desk.drop

    def unit(tx: Transaction) -> None:
        if not act(tx, notice):
            raise NotDone("no such notice waits; `mss notices list` shows those that do")
        verdict = f"{done} ({reason})"
        audit.record(tx, actor=OPERATOR, act="report", object=f"notice:{notice}", verdict=verdict)

    with desk.gateway() as gateway:
        gateway.database.write(unit)
    return Answer({"notice": notice, "done": done}, (f"Notice {notice}: {done}.",))


def place(
    desk: Desk,
    who: Who,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Personal address.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Send nothing any more.")] = False,
    identity_checked: Annotated[
        bool, typer.Option("--identity-checked", help="You have checked who is asking.")
    ] = False,
) -> Answer:
    """The personal address of a patient: shown, given, or taken back."""
    if address and remove:
        raise typer.BadParameter("either an address or --remove")
    if (address or remove) and not identity_checked:
        raise typer.BadParameter(
            "check who is asking, then say --identity-checked: it goes on record"
        )
    with desk.gateway() as gateway:
        with gateway.database.read() as view:
            person = person_of(view, who, gateway.config)
            if person.role is not Role.PATIENT:
                raise NotDone("notices by e-mail are for patients")
            try:
                wanted = notices_contact.normal(gateway, view, address) if address else ""
            except ContactRefused as refused:
                raise NotDone(_FAULTS[refused.fault]) from None
        account_id = person.account_id

        def unit(tx: Transaction) -> None:
            if wanted:
                notices_contact.place(gateway, tx, account_id, wanted, OPERATOR)
            elif remove and not notices_contact.remove(gateway, tx, account_id, OPERATOR):
                raise NotDone("there is no personal address")

        if wanted or remove:
            gateway.database.write(unit)
        with gateway.database.read() as view:
            found = contact.of_account(view, account_id)
    value: dict[str, Json] = {
        "account": account_id,
        "state": found.state.value,
        "contact": found.address or None,
        "to_be_confirmed": bool(found.pending),
    }
    return sheet(value)
