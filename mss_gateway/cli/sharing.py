"""`mss people share`, `unshare`, `members`: several people, one organisation's box."""

from typing import Annotated

import typer

from mailbox_store.database import Transaction
from mss_gateway.cli.answers import Answer, Json, NotDone, listing, moment
from mss_gateway.cli.desk import OPERATOR, Desk, person_of
from mss_gateway.directory import members, people
from mss_gateway.directory.members import Member, NotShared, RightsMalformed
from mss_gateway.directory.people import Person
from mss_gateway.observability import audit

Box = Annotated[str, typer.Argument(metavar="BOX", help="The organisation's address.")]
Who = Annotated[str, typer.Argument(metavar="PERSON", help="The member's address.")]

USUAL_RIGHTS = members.RIGHTS.replace("a", "")
"""What a colleague does all day: everything but deciding who else may."""


def share(
    desk: Desk,
    box: Box,
    person: Who,
    rights: Annotated[str, typer.Option(help="Letters of RFC 4314.")] = USUAL_RIGHTS,
) -> Answer:
    """Let somebody open an organisation's box, or change what they may do there."""
    try:
        letters = members.normal_rights(rights)
    except RightsMalformed as malformed:
        raise typer.BadParameter(str(malformed)) from None
    with desk.gateway() as gateway:

        def unit(tx: Transaction) -> tuple[Person, Person, Member]:
            shared = person_of(tx, box, gateway.config)
            one = person_of(tx, person, gateway.config)
            try:
                member = members.grant(tx, shared.account_id, one.account_id, letters)
            except NotShared as refused:
                raise NotDone(str(refused)) from None
            _record(tx, shared, one, f"shared {member.rights}")
            return shared, one, member

        shared, one, member = gateway.database.write(unit)
    line = _line(shared, one, member)
    return Answer(line, (f"{one.address} may open {shared.address}: {member.rights}.",))


def unshare(desk: Desk, box: Box, person: Who) -> Answer:
    """End a membership."""
    with desk.gateway() as gateway:

        def unit(tx: Transaction) -> tuple[Person, Person]:
            shared = person_of(tx, box, gateway.config)
            one = person_of(tx, person, gateway.config)
            if not members.revoke(tx, shared.account_id, one.account_id):
                raise NotDone(f"{one.address} is no member of {shared.address}")
            _record(tx, shared, one, "unshared")
            return shared, one

        shared, one = gateway.database.write(unit)
    value: dict[str, Json] = {"box": shared.address, "person": one.address, "rights": ""}
    return Answer(value, (f"{one.address} may no longer open {shared.address}.",))


def members_of(desk: Desk, box: Box) -> Answer:
    """Who may open a box."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        shared = person_of(view, box, gateway.config)
        rows = [
            _line(shared, people.by_account(view, member.person), member)
            for member in members.of_box(view, shared.account_id)
        ]
    columns = {"person": "person", "display_name": "name", "rights": "rights", "since": "since"}
    return listing(rows, columns, "Nobody but its own login: `mss people share` lets someone in.")


def _line(box: Person, person: Person, member: Member) -> dict[str, Json]:
    return {
        "box": box.address,
        "person": person.address,
        "display_name": person.display_name(),
        "account": member.person,
        "rights": member.rights,
        "since": moment(member.created_at),
    }


def _record(tx: Transaction, box: Person, person: Person, verdict: str) -> None:
    about = f"account:{box.account_id} member account:{person.account_id}"
    audit.record(tx, actor=OPERATOR, act="people", object=about, verdict=verdict)
