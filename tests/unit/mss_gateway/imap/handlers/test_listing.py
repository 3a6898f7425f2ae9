"""What LIST asks the store: the same few statements, however many mailboxes there are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailbox_store import mailboxes
from mailbox_store.database import Database
from mailbox_store.vault import AccountId
from mss_gateway.directory.members import RIGHTS
from mss_gateway.imap.grammar.listing import STATUS_ITEMS, ListRequest, Returned
from mss_gateway.imap.handlers import listing
from mss_gateway.imap.state import Holder
from tests.support.nulls import NullSealing
from tests.unit.mailbox_store.conftest import open_account


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(f"sqlite:///{tmp_path / 'store.db'}", NullSealing())
    yield opened
    opened.close()


def statements(
    database: Database, account: AccountId, request: ListRequest, patch: pytest.MonkeyPatch
) -> tuple[int, int]:
    """How many answers, and how many statements they took."""
    asked: list[str] = []
    with database.read() as view, patch.context() as patched:
        run = view.sql

        def counted(statement: str, parameters: Any = ()) -> Any:
            asked.append(statement)
            return run(statement, parameters)

        patched.setattr(view, "sql", counted)
        reader = listing.Reader(Holder(account, False, account, RIGHTS), None, 4_096)
        found = listing._answers(view, reader, request)
    assert all(values is not None for _, values in found)
    return len(found), len(asked)


def test_list_status_is_one_query_for_all_mailboxes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = open_account(database)
    everything = ListRequest(
        "", ("*",), True, frozenset(), frozenset(Returned), tuple(sorted(STATUS_ITEMS))
    )
    statements(database, account, everything, monkeypatch)  # the account's key is read once
    assert statements(database, account, everything, monkeypatch) == (1, 2)
    for number in range(30):
        database.write(lambda tx, name=str(number): mailboxes.create(tx, account, name))  # type: ignore[misc]
    assert statements(database, account, everything, monkeypatch) == (31, 2)
    without = ListRequest("", ("*",), True, frozenset(), frozenset(), (b"MESSAGES",))
    assert statements(database, account, without, monkeypatch) == (31, 1)
