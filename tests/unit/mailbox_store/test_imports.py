"""What came from elsewhere is known by where it came from, for ever."""

import pytest

from mailbox_store import imports, messages
from mailbox_store.database import Database, Transaction
from mailbox_store.imports import Origin
from mailbox_store.vault import AccountId
from tests.unit.mailbox_store.shelf import arrival, box, uids

SOURCE = "imap.ancien.example:993/lucie/INBOX"


def origin(database: Database, account: AccountId, source: str = SOURCE, uv: int = 7) -> Origin:
    with database.read() as view:
        return imports.origin(view, account, source, uv)


def mark(database: Database, of: Origin, *numbers: int) -> list[bool]:
    return database.write(lambda tx: [imports.mark(tx, of, uid) for uid in numbers])


def done(database: Database, of: Origin) -> list[tuple[int, int]]:
    with database.read() as view:
        return imports.done(view, of)


def test_a_message_is_marked_once(database: Database, account: AccountId) -> None:
    here = origin(database, account)
    assert mark(database, here, 5) == [True]
    assert mark(database, here, 5, 6, 6) == [False, True, False]


def test_what_is_here_is_read_as_ranges(database: Database, account: AccountId) -> None:
    here = origin(database, account)
    assert done(database, here) == []
    mark(database, here, *range(1, 2_001), 2_003, 4_294_967_295, 9, 2_004)
    assert done(database, here) == [(1, 2_000), (2_003, 2_004), (4_294_967_295, 4_294_967_295)]


def test_another_folder_numbering_or_account_is_another_origin(
    database: Database, account: AccountId, other_account: AccountId
) -> None:
    here = origin(database, account)
    mark(database, here, 1)
    for other in (
        origin(database, account, SOURCE + "/x"),
        origin(database, account, uv=8),
        origin(database, other_account),
    ):
        assert done(database, other) == []
        assert mark(database, other, 1) == [True]


def test_a_new_numbering_is_noticed_until_something_came_under_it(
    database: Database, account: AccountId
) -> None:
    def was_renumbered(uidvalidity: int) -> bool:
        of = origin(database, account, uv=uidvalidity)
        with database.read() as view:
            return imports.was_renumbered(view, of)

    assert not was_renumbered(7)
    mark(database, origin(database, account), 1)
    assert (was_renumbered(7), was_renumbered(8)) == (False, True)
    mark(database, origin(database, account, uv=8), 1)
    assert (was_renumbered(7), was_renumbered(8), was_renumbered(9)) == (False, False, True)


def test_mark_and_message_come_together_or_not_at_all(
    database: Database, account: AccountId
) -> None:
    here, inbox = origin(database, account), box(database, account)
    made = arrival(database, account)

    def killed(tx: Transaction) -> None:
        assert imports.mark(tx, here, 1)
        messages.append(tx, inbox.mailbox_id, made, 0, 5)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.write(killed)
    assert (done(database, here), uids(database, inbox.mailbox_id)) == ([], [])


def test_an_expunged_message_does_not_come_back(database: Database, account: AccountId) -> None:
    here, inbox = origin(database, account), box(database, account)
    made = arrival(database, account)

    def unit(tx: Transaction) -> None:
        imports.mark(tx, here, 1)
        messages.append(tx, inbox.mailbox_id, made, 8, 5)

    database.write(unit)
    database.write(lambda tx: messages.expunge(tx, inbox.mailbox_id))
    assert uids(database, inbox.mailbox_id) == []
    assert mark(database, here, 1) == [False]


def test_the_table_names_nobody(database: Database, account: AccountId) -> None:
    mark(database, origin(database, account), 1)
    with database.read() as view:
        kept = view.sql("SELECT source_index FROM imported").scalar_one()
    assert b"lucie" not in bytes(kept)
    assert b"INBOX" not in bytes(kept)
