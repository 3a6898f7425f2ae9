"""`mss people activate` and `mss people recover`: a code for a letter, or across the desk."""

from typing import Annotated

import typer

from mss_gateway.cli.answers import Answer, Grid, Json, NotDone, moment
from mss_gateway.cli.desk import OPERATOR, Desk, person_of
from mss_gateway.cli.people import Who
from mss_gateway.directory import passwords
from mss_gateway.directory.activation import Purpose
from mss_gateway.life import access
from policies.people import Role


def activate(desk: Desk, who: Who) -> Answer:
    """A first way in."""
    return _grant(desk, who, Purpose.ACTIVATION)


def recover(
    desk: Desk,
    who: Who,
    password: Annotated[
        bool, typer.Option("--password", help="Only the password was lost.")
    ] = False,
    second_factor: Annotated[
        bool, typer.Option("--second-factor", help="Only the phone or passkey was lost.")
    ] = False,
    identity_checked: Annotated[
        bool, typer.Option("--identity-checked", help="You have checked who is asking.")
    ] = False,
) -> Answer:
    """A way in again."""
    if not identity_checked:
        raise typer.BadParameter(
            "check who is asking, then say --identity-checked: it goes on record"
        )
    if password and second_factor:
        raise typer.BadParameter("whoever lost both needs neither --password nor --second-factor")
    purpose = Purpose.EVERYTHING
    if password:
        purpose = Purpose.PASSWORD
    elif second_factor:
        purpose = Purpose.SECOND_FACTOR
    return _grant(desk, who, purpose)


def _grant(desk: Desk, who: str, purpose: Purpose) -> Answer:
    with desk.gateway() as gateway:
        with gateway.database.read() as view:
            person = person_of(view, who, gateway.config)
            has_password = passwords.password_hash(view, person.account_id) is not None
        if person.role is not Role.PATIENT:
            raise NotDone("codes are for the webmail, which is patients': see people reset-access")
        if not person.standing.receives:
            raise NotDone(f"the account is {person.standing.value}")
        if purpose is Purpose.SECOND_FACTOR and not has_password:
            raise NotDone("this account has no password yet: it needs people activate")
        code, granted = access.grant_code(gateway, person, purpose, OPERATOR)
    value: dict[str, Json] = {
        "account": person.account_id,
        "address": person.address,
        "purpose": purpose.value,
        "code": code,
        "expires_at": moment(granted.expires_at),
    }
    rows = (
        ("address", person.address),
        ("code", code),
        ("valid until", str(value["expires_at"])),
        ("page", "/activation"),
    )
    return Answer(value, ("Shown once, works once:", Grid(("", ""), rows)))
