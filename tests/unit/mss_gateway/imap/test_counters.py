"""STATUS items: every one that is read is told, from counters."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailbox_store import mailboxes
from mailbox_store.database import Database
from mailbox_store.vault import AccountId
from mss_gateway.imap import counters
from mss_gateway.imap.grammar.listing import STATUS_ITEMS
from tests.support.nulls import NullSealing
from tests.unit.mailbox_store.conftest import open_account
from tests.unit.mailbox_store.shelf import append, box, fresh

LIMIT = 4_096
DELETED, SEEN = 8, 1
FROM_ENTRIES = {b"DELETED-STORAGE"}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(f"sqlite:///{tmp_path / 'store.db'}", NullSealing())
    yield opened
    opened.close()


@pytest.fixture
def account(database: Database) -> AccountId:
    return open_account(database)


def test_every_item_that_is_read_is_told() -> None:
    assert counters.ITEMS.keys() | {b"MAILBOXID", b"APPENDLIMIT"} == STATUS_ITEMS


def test_items_are_told_in_the_order_they_were_asked(
    database: Database, account: AccountId
) -> None:
    inbox = box(database, account)
    append(database, inbox, SEEN, b"a" * 10)
    append(database, inbox, DELETED, b"b" * 100)
    append(database, inbox, DELETED | SEEN, b"c" * 1_000)
    inbox = fresh(database, inbox)
    with database.read() as view:
        told = counters.values(
            view,
            inbox,
            (
                *(b"UNSEEN", b"MESSAGES", b"DELETED", b"SIZE", b"DELETED-STORAGE"),
                *(b"APPENDLIMIT", b"UIDNEXT", b"RECENT", b"HIGHESTMODSEQ"),
            ),
            LIMIT,
        )
    assert told == (
        b"UNSEEN 1 MESSAGES 3 DELETED 2 SIZE 1110 DELETED-STORAGE 1100 APPENDLIMIT 4096"
        b" UIDNEXT 4 RECENT 0 HIGHESTMODSEQ %d" % inbox.highestmodseq
    )
    assert counters.line(b"INBOX", b"UNSEEN 1") == b"* STATUS INBOX (UNSEEN 1)\r\n"


def test_counters_cost_no_statement_and_what_an_expunge_frees_none_where_nothing_is_deleted(
    database: Database, account: AccountId, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = box(database, account)
    append(database, inbox)
    with database.read() as view:
        inbox = mailboxes.find(view, account, "INBOX")
        counters.values(view, inbox, (b"MAILBOXID",), LIMIT)  # the index key is read once
        statements: list[str] = []
        run = view.sql

        def counted(statement: str, parameters: Any = ()) -> Any:
            statements.append(statement)
            return run(statement, parameters)

        monkeypatch.setattr(view, "sql", counted)
        counters.values(view, inbox, sorted(STATUS_ITEMS), LIMIT)
        assert statements == []
    append(database, inbox, DELETED)
    with database.read() as view:
        assert counters.values(view, fresh(database, inbox), sorted(FROM_ENTRIES), LIMIT) == (
            b"DELETED-STORAGE 14"
        )
