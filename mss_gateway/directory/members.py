"""Who shares a box: the people that may open an organisation's mailboxes, and what they may do.

Several people, one box: each signs in as themselves and is let into the box of the organisation
with the rights kept here. Rights are the letters of RFC 4314 §2.1, in one order. A membership ends
at once for the next sign-in; nothing of it is remembered in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from mailbox_store import personal
from mailbox_store import rights as mailbox_rights
from mailbox_store.database import Transaction, View
from mailbox_store.rows import Rows
from mailbox_store.vault import AccountId

RIGHTS = "lrswipkxtea"
"""Every right, in the order in which rights are kept: RFC 4314 §2.1."""

SHARED_TYPES = ("ORG",)
"""Types of box that several people may open."""

POST = "p"
"""The right to send in the name of the box (RFC 4314 §2.1: post). The membership's letter decides;
memberships with every right have it, those that were granted without it never had it."""


class RightsMalformed(ValueError):
    """A letter that is no right, or no letter at all: a membership without a right is none."""


class NotShared(Exception):
    """This box is no organisation's, or this account can be no member of it."""


@dataclass(frozen=True, slots=True)
class Member:
    """One membership; ``created_at`` in unix seconds, of its first grant."""

    box: AccountId
    person: AccountId
    rights: str
    created_at: int


def normal_rights(letters: str) -> str:
    """The letters in their order, each once; raises :class:`RightsMalformed`."""
    given = set(letters)
    if not given or not given <= set(RIGHTS):
        raise RightsMalformed(f"rights are letters of {RIGHTS}, and at least one")
    return "".join(letter for letter in RIGHTS if letter in given)


def grant(tx: Transaction, box: AccountId, person: AccountId, rights: str) -> Member:
    """Let ``person`` open ``box`` with these rights, which replace earlier ones.

    Also those that single mailboxes granted them otherwise (``mailbox_store.rights``).
    Raises :class:`NotShared` when the box is not of a type that is shared, when either account is
    unknown, or when the member would be a patient or the box itself; :class:`RightsMalformed`.
    """
    letters = normal_rights(rights)
    rows = tx.sql(
        "SELECT account_id, box_type FROM people WHERE account_id IN (?, ?)", (box, person)
    )
    types: dict[int, str] = dict(rows.fetchall())
    if types.get(box, "") not in SHARED_TYPES:
        raise NotShared("the box is not an organisation's")
    if box == person or types.get(person, "PAT") == "PAT":
        raise NotShared("members are professionals, services and applications")
    tx.sql(
        "INSERT INTO memberships (box_account, person_account, rights, created_at)"
        " VALUES (?, ?, ?, ?) ON CONFLICT (box_account, person_account)"
        " DO UPDATE SET rights = excluded.rights",
        (box, person, letters, tx.now),
    )
    mailbox_rights.forget_person(tx, box, person)
    return next(_members(_one(tx, box, person)))


def revoke(tx: Transaction, box: AccountId, person: AccountId) -> bool:
    """End a membership, with all that was kept for it in the box; False when there was none."""
    ended = tx.sql(
        "DELETE FROM memberships WHERE box_account = ? AND person_account = ? RETURNING rights",
        (box, person),
    ).first()
    mailbox_rights.forget_person(tx, box, person)
    personal.forget_person(tx, box, person)
    return ended is not None


def rights_of(view: View, box: AccountId, person: AccountId) -> str | None:
    """What ``person`` may do in ``box`` as a member of it; None for who is none."""
    found = _one(view, box, person).first()
    return None if found is None else str(found[2])


def may_post(view: View, box: AccountId, person: AccountId) -> bool:
    """Whether ``person`` may send as ``box``: a member with the right :data:`POST`.

    Only as a box of a type that is shared, whatever a row of memberships says.
    """
    row = view.sql(
        "SELECT m.rights, p.box_type FROM memberships m JOIN people p"
        " ON p.account_id = m.box_account WHERE m.box_account = ? AND m.person_account = ?",
        (box, person),
    ).first()
    return row is not None and POST in row[0] and row[1] in SHARED_TYPES


def of_box(view: View, box: AccountId) -> list[Member]:
    """The members of a box, the oldest account first."""
    return list(
        _members(
            view.sql(
                f"SELECT {_COLUMNS} FROM memberships WHERE box_account = ? ORDER BY person_account",
                (box,),
            )
        )
    )


def of_person(view: View, person: AccountId) -> list[Member]:
    """The boxes that somebody is a member of, the oldest account first."""
    return list(
        _members(
            view.sql(
                f"SELECT {_COLUMNS} FROM memberships WHERE person_account = ? ORDER BY box_account",
                (person,),
            )
        )
    )


_COLUMNS = "box_account, person_account, rights, created_at"


def _one(view: View, box: AccountId, person: AccountId) -> Rows:
    return view.sql(
        f"SELECT {_COLUMNS} FROM memberships WHERE box_account = ? AND person_account = ?",
        (box, person),
    )


def _members(rows: Rows) -> Iterator[Member]:
    for box, person, rights, created_at in rows.fetchall():
        yield Member(AccountId(box), AccountId(person), rights, created_at)
