"""The people and services that have a mailbox here, one row per address.

Roles and box types: PER personal, ORG organisational, APP applicative, CAB practice (domain OP-15),
PAT patient (ours). Everything that names someone is sealed under that account's own key.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Table, Text, UniqueConstraint

from mailbox_store import accounts, mailboxes
from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId
from mss_gateway.config import Mailboxes
from policies.people import Party, Role, Standing

people_table = Table(
    "people",
    metadata,
    Column("account_id", ForeignKey("accounts.account_id"), primary_key=True, autoincrement=False),
    Column("address_index", LargeBinary, nullable=False),
    Column("box_type", Text, nullable=False),
    Column("standing", Text, nullable=False),
    Column("smime", Text, nullable=False),
    Column("sent_copy", Text, nullable=False),
    Column("accepts_patient_initiated", Integer, nullable=False),
    Column("is_unlisted", Integer, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("address_index"),
)

BOX_ROLES = {
    "PER": Role.PROFESSIONAL,
    "CAB": Role.PROFESSIONAL,
    "ORG": Role.ORGANISATION,
    "APP": Role.APPLICATION,
    "PAT": Role.PATIENT,
}


class PersonExists(Exception):
    """The address is taken; addresses are never given to somebody else."""


class PersonNotFound(Exception):
    """No one has this address or account number."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a holder; all of it is sealed. Dates as YYYY-MM-DD."""

    title: str = ""
    given_name: str = ""
    family_name: str = ""
    entity: str = ""
    rpps: str = ""
    structure: str = ""
    profession: str = ""
    ins: str = ""
    ins_oid: str = ""
    ins_status: str = ""
    sex: str = ""
    birth_date: str = ""
    notify: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """The holder of an address."""

    account_id: AccountId
    address: str
    box_type: str
    standing: Standing
    smime: str
    sent_copy: str
    accepts_patient_initiated: bool
    is_unlisted: bool
    created_at: int
    traits: Traits

    @property
    def role(self) -> Role:
        """The role that the rules look at."""
        return BOX_ROLES[self.box_type]

    @property
    def party(self) -> Party:
        """This person as the policies see someone authenticated."""
        return Party(self.account_id, self.role, frozenset({self.address}), self.standing)

    def display_name(self, separator: str = " ") -> str:
        """The name others see: title, first name, NAME and entity (domain OP-22)."""
        traits = self.traits
        if self.role in (Role.ORGANISATION, Role.APPLICATION):
            return traits.entity or traits.family_name
        parts = (traits.title, traits.given_name, traits.family_name.upper(), traits.entity)
        return separator.join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class NewPerson:
    """What is needed to open a mailbox for someone."""

    address: str
    box_type: str
    traits: Traits = field(default_factory=Traits)
    smime: str = "gateway"
    sent_copy: str = "client"
    accepts_patient_initiated: bool = False
    is_unlisted: bool = False
    standing: Standing = Standing.ACTIVE


_COLUMNS = (
    "account_id, box_type, standing, smime, sent_copy, accepts_patient_initiated, is_unlisted,"
    " created_at, sealed"
)
_CONTEXT = b"person"

REMEMBERED = 4_096
"""Holders whose traits are not read again while they stay as they are."""


def add(tx: Transaction, new: NewPerson, names: Mailboxes) -> Person:
    """Open an account with its key, its folders and its address; raises :class:`PersonExists`."""
    index = _index(tx, new.address)
    if tx.sql("SELECT 1 FROM people WHERE address_index = ?", (index,)).first():
        raise PersonExists(new.box_type)
    account_id = accounts.create(tx, BOX_ROLES[new.box_type].name.lower())
    _make_folders(tx, account_id, names)
    sealed = {"address": new.address, "traits": asdict(new.traits)}
    tx.sql(
        f"INSERT INTO people ({_COLUMNS}, address_index) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            account_id,
            new.box_type,
            new.standing.name,
            new.smime,
            new.sent_copy,
            int(new.accepts_patient_initiated),
            int(new.is_unlisted),
            tx.now,
            tx.vault.account(tx, account_id).seal(json.dumps(sealed).encode(), _CONTEXT),
            index,
        ),
    )
    return by_account(tx, account_id)


def by_address(view: View, address: str) -> Person | None:
    """The holder of an address in normal form, or None."""
    row = view.sql(
        f"SELECT {_COLUMNS} FROM people WHERE address_index = ?", (_index(view, address),)
    ).first()
    return None if row is None else _person(view, row)


def by_account(view: View, account_id: AccountId) -> Person:
    """The holder of an account; raises :class:`PersonNotFound`."""
    row = view.sql(f"SELECT {_COLUMNS} FROM people WHERE account_id = ?", (account_id,)).first()
    if row is None:
        raise PersonNotFound(account_id)
    return _person(view, row)


def everyone(view: View) -> list[Person]:
    """Every holder, oldest first. For the operator; costs one opening per row."""
    rows = view.sql(f"SELECT {_COLUMNS} FROM people ORDER BY account_id").fetchall()
    return [_person(view, row) for row in rows]


def out_of_service(view: View, account_ids: Iterable[AccountId]) -> set[AccountId]:
    """Those of these accounts that may not be used any more: suspended, closed, opposed."""
    serving = [standing.name for standing in Standing if standing.receives]
    rows = view.sql(
        "SELECT account_id FROM people WHERE account_id IN (SELECT value FROM json_each(?))"
        " AND standing NOT IN (SELECT value FROM json_each(?))",
        (json.dumps(list(account_ids)), json.dumps(serving)),
    )
    return {AccountId(row[0]) for row in rows.fetchall()}


def set_standing(tx: Transaction, account_id: AccountId, standing: Standing) -> None:
    """Suspend, close or reactivate; the next command of a running session sees it."""
    changed = tx.sql(
        "UPDATE people SET standing = ? WHERE account_id = ? RETURNING account_id",
        (standing.name, account_id),
    ).first()
    if changed is None:
        raise PersonNotFound(account_id)


def _make_folders(tx: Transaction, account_id: AccountId, names: Mailboxes) -> None:
    mailboxes.create(tx, account_id, "INBOX")
    for name, special_use in (
        (names.drafts, "\\Drafts"),
        (names.sent, "\\Sent"),
        (names.trash, "\\Trash"),
        (names.junk, "\\Junk"),
        (names.archive, "\\Archive"),
    ):
        mailboxes.create(tx, account_id, name, special_use)


def _index(view: View, address: str) -> bytes:
    return view.vault.index.of("address", address)


def _person(view: View, row: Any) -> Person:
    account_id, box_type, standing, smime, sent_copy, takes_first, is_unlisted, at, sealed = row
    address, traits = _read(view.vault.account(view, account_id).open(sealed, _CONTEXT))
    return Person(
        account_id,
        address,
        box_type,
        Standing[standing],
        smime,
        sent_copy,
        bool(takes_first),
        bool(is_unlisted),
        at,
        traits,
    )


@lru_cache(maxsize=REMEMBERED)
def _read(opened: bytes) -> tuple[str, Traits]:
    """Address and traits; reading JSON costs more than the statement and the opening together."""
    kept = json.loads(opened)
    return kept["address"], Traits(**kept["traits"])
