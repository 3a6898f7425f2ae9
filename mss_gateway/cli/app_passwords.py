"""`mss people app-password add`, `list`, `revoke`: a password for each mail program."""

from typing import Annotated

import typer

from mailbox_store.database import Transaction
from mss_gateway.cli.answers import Answer, Json, NotDone, listing, moment
from mss_gateway.cli.desk import OPERATOR, Desk, person_of
from mss_gateway.directory import app_passwords
from mss_gateway.directory.app_passwords import (
    AppPassword,
    AppPasswordUnknown,
    LabelMalformed,
    NotForThisBox,
    TooManyAppPasswords,
)
from mss_gateway.directory.people import Person
from mss_gateway.observability import audit

Who = Annotated[str, typer.Argument(metavar="ADDRESS", help="The holder's address.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="As `list` shows it.", min=1)]
Label = Annotated[str, typer.Option(help="Which program, on which machine.")]


def add(desk: Desk, address: Who, label: Label) -> Answer:
    """Draw an app password, and show it once."""
    try:
        label = app_passwords.normal_label(label)
    except LabelMalformed as malformed:
        raise typer.BadParameter(str(malformed)) from None
    with desk.gateway() as gateway:

        def unit(tx: Transaction) -> tuple[Person, AppPassword, str]:
            person = person_of(tx, address, gateway.config)
            try:
                made, secret = app_passwords.add(tx, person.account_id, label)
            except (NotForThisBox, TooManyAppPasswords) as refused:
                raise NotDone(str(refused)) from None
            _record(tx, person, made.app_password_id, "app password added")
            return person, made, secret

        person, made, secret = gateway.database.write(unit)
    value = {**_line(person, made), "password": secret}
    shown = (
        f"App password {made.app_password_id} of {person.address}, for submission and IMAP:",
        f"  {secret}",
        "It cannot be read again. `mss people app-password revoke` ends it.",
    )
    return Answer(value, shown)


def list_of(desk: Desk, address: Who) -> Answer:
    """The app passwords of a holder, without their secrets."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        person = person_of(view, address, gateway.config)
        rows = [_line(person, each) for each in app_passwords.of_account(view, person.account_id)]
    columns = {
        "number": "number",
        "label": "label",
        "created": "created",
        "last_used": "last used",
        "revoked": "revoked",
    }
    return listing(rows, columns, "No app password: `mss people app-password add` makes one.")


def revoke(desk: Desk, address: Who, number: Number) -> Answer:
    """End an app password for the next sign-in."""
    with desk.gateway() as gateway:

        def unit(tx: Transaction) -> Person:
            person = person_of(tx, address, gateway.config)
            try:
                if app_passwords.revoke(tx, person.account_id, number):
                    _record(tx, person, number, "app password revoked")
            except AppPasswordUnknown:
                raise NotDone(f"{person.address} has no app password {number}") from None
            return person

        person = gateway.database.write(unit)
    value: dict[str, Json] = {"address": person.address, "number": number, "works": False}
    return Answer(value, (f"App password {number} of {person.address} works no more.",))


def _line(person: Person, one: AppPassword) -> dict[str, Json]:
    return {
        "address": person.address,
        "number": one.app_password_id,
        "label": one.label,
        "created": moment(one.created_at),
        "last_used": moment(one.last_used_at),
        "revoked": moment(one.revoked_at),
        "works": one.revoked_at is None,
    }


def _record(tx: Transaction, person: Person, number: int, verdict: str) -> None:
    about = f"account:{person.account_id} app-password:{number}"
    audit.record(tx, actor=OPERATOR, act="people", object=about, verdict=verdict)
