"""Whose fault a database error is: told by its code, never by its text."""

import sqlite3

import pytest

from mailbox_store.engine import Blame, blame, in_own_words
from mailbox_store.errors import StoreFailed, StoreUnavailable


def error_of(code: int | None) -> sqlite3.Error:
    raised = sqlite3.OperationalError("database is locked, busy and full")
    if code is not None:
        raised.sqlite_errorcode = code
    return raised


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (sqlite3.SQLITE_BUSY, Blame.MOMENT),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Blame.MOMENT),
        (sqlite3.SQLITE_LOCKED, Blame.MOMENT),
        (sqlite3.SQLITE_FULL, Blame.MOMENT),
        (sqlite3.SQLITE_NOMEM, Blame.MOMENT),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, Blame.STATEMENT),
        (sqlite3.SQLITE_ERROR, Blame.STATEMENT),
        (None, Blame.STATEMENT),
        (sqlite3.SQLITE_IOERR_FSYNC, Blame.STORE),
        (sqlite3.SQLITE_IOERR_WRITE, Blame.STORE),
        (sqlite3.SQLITE_CORRUPT, Blame.STORE),
        (sqlite3.SQLITE_NOTADB, Blame.STORE),
        (sqlite3.SQLITE_READONLY_DBMOVED, Blame.STORE),
        (sqlite3.SQLITE_CANTOPEN, Blame.STORE),
        (200, Blame.STORE),
    ],
)
def test_the_code_decides_and_what_is_unknown_is_the_stores(
    code: int | None, expected: Blame
) -> None:
    assert blame(error_of(code)) is expected


def test_outside_a_unit_only_a_bad_moment_may_be_tried_again() -> None:
    assert type(in_own_words(error_of(sqlite3.SQLITE_BUSY))) is StoreUnavailable
    assert type(in_own_words(error_of(sqlite3.SQLITE_IOERR))) is StoreFailed
    assert type(in_own_words(error_of(sqlite3.SQLITE_ERROR))) is StoreFailed
