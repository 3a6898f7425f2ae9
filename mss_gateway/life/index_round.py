"""What the two indexes do alike, of messages (``index``) and of records (``record_index``).

An index is a ground (``mailbox_store.segments``, ``dossier.record_segments``) of stretches in the
order of what they tell of. Everything here may run twice, in two processes, and be killed at any
moment: a unit of work that finds its ground changed writes nothing.
"""

from collections.abc import Callable, Iterator
from typing import Final, Protocol, TypeVar

from mailbox_store.database import Database, Transaction, View
from mailbox_store.segment_draft import Pace
from mailbox_store.segments import IndexChanged
from mailbox_store.vault import AccountId

ROUNDS: Final = 100
"""Pieces of work on one account at a time; what is left is found again."""


class Stretch(Protocol):
    """Something indexed together, up to ``last``."""

    @property
    def last(self) -> int: ...


class Sized(Protocol):
    """Something to be indexed, and its octets."""

    @property
    def size(self) -> int: ...


S = TypeVar("S", bound=Stretch)
P = TypeVar("P", bound=Sized)


class Ground(Protocol[S]):
    """Where an index is kept: a module of statements."""

    def next_account(self, view: View, after: AccountId, /) -> AccountId | None: ...

    def stretches(self, view: View, account_id: AccountId, /) -> list[S]: ...


def at_once() -> None:
    """The pace of who is waited for."""


def has_key(view: View, account_id: AccountId) -> bool:
    """False once the account's key was destroyed: nobody will search there."""
    try:
        view.vault.account(view, account_id)
    except KeyError:
        return False
    return True


def each_stretch(
    database: Database, ground: Ground[S], handle: Callable[[AccountId, S], bool]
) -> None:
    """Hand over every stretch of every account, while others may come and go.

    What ``handle`` says was not done is looked up again, as it stands then.
    """
    for account_id in _accounts(database, ground):
        done = 0
        while (stretch := _following(database, ground, account_id, done)) is not None:
            if handle(account_id, stretch):
                done = stretch.last


def in_rounds(once: Callable[[], bool], pace: Pace) -> None:
    """Do pieces of work until there is none, or for the time being enough were done."""
    for _ in range(ROUNDS):
        if not once():
            return
        pace()


def within(found: list[P], octets: int, most: int) -> list[P]:
    """The first of ``found``, ``octets`` together, each counted for ``most``; one at least."""
    for count, one in enumerate(found):
        octets -= min(one.size, most)
        if octets < 0:
            return found[: max(1, count)]
    return found


def try_to(database: Database, unit: Callable[[Transaction], None]) -> bool:
    """Write; False when another process has done the same meanwhile."""
    try:
        database.write(unit)
    except IndexChanged:
        return False
    return True


def _accounts(database: Database, ground: Ground[S]) -> Iterator[AccountId]:
    last = AccountId(0)
    while True:
        with database.read() as view:
            following = ground.next_account(view, last)
        if following is None:
            return
        yield following
        last = following


def _following(database: Database, ground: Ground[S], account_id: AccountId, done: int) -> S | None:
    """The first stretch of an account that ends after ``done``."""
    with database.read() as view:
        stretches = ground.stretches(view, account_id)
    return next((stretch for stretch in stretches if stretch.last > done), None)
