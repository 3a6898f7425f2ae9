"""`mss people quota`: what an account holds, and what it may hold."""

import re
from typing import Annotated

import typer

from mailbox_store import accounts
from mailbox_store.accounts import Quota
from mailbox_store.database import Transaction
from mss_gateway.cli.answers import Answer, Json, sheet
from mss_gateway.cli.desk import OPERATOR, Desk, person_of
from mss_gateway.cli.people import Who
from mss_gateway.directory.people import Person
from mss_gateway.observability import audit

DEFAULT = "default"
LARGEST = 1 << 60

_SIZE = re.compile(r"([0-9]{1,19}) ?(?:([KMGT])i?B?|B)?", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}

Size = Annotated[
    str,
    typer.Argument(
        metavar="[SIZE|default]",
        help="The new limit in octets, or as 500M, 20G, 1T (powers of 1024); default: what the"
        " configuration says.",
    ),
]


def quota(desk: Desk, who: Who, size: Size = "") -> Answer:
    """Show, after setting it when a size is given."""
    octets = None if size in ("", DEFAULT) else octets_of(size)
    with desk.gateway() as gateway:
        default = gateway.config.limits.account_octets

        def unit(tx: Transaction) -> tuple[Person, Quota]:
            person = person_of(tx, who, gateway.config)
            accounts.set_quota(tx, person.account_id, octets)
            audit.record(
                tx,
                actor=OPERATOR,
                act="people",
                object=f"account:{person.account_id}",
                verdict=f"quota {DEFAULT if octets is None else octets}",
            )
            return person, accounts.quota(tx, person.account_id, default)

        if size:
            return _shown(*gateway.database.write(unit))
        with gateway.database.read() as view:
            person = person_of(view, who, gateway.config)
            return _shown(person, accounts.quota(view, person.account_id, default))


def octets_of(size: str) -> int:
    """A size as written, in octets; wrong usage for anything else, nothing and too much."""
    found = _SIZE.fullmatch(size.strip())
    octets = 0 if found is None else int(found[1]) << 10 * _POWERS[(found[2] or "").upper()]
    if not 0 < octets <= LARGEST:
        raise typer.BadParameter("a size is a number of octets, or like 500M, 20G, 1T; or default")
    return octets


def _shown(person: Person, found: Quota) -> Answer:
    value: dict[str, Json] = {
        "account": person.account_id,
        "address": person.address,
        "used_octets": found.used,
        "limit_octets": found.limit,
        "limit_is_default": found.is_default,
        "full": not found.has_room_for(1),
    }
    return sheet(value)
