"""The tables of the store as a backup sees them: found in the schema, but for the key-bearing ones.

A table that a later release adds is carried like any other. A column that holds a key of the tree
must be named here (a test compares): such a key in the data part would outlive its erasure.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from mailbox_store.database import View
from mss_gateway.backup.errors import BackupRefused

SEQUENCES: Final = "sqlite_sequence"
"""The highest number that each table ever gave: a UID's and an account's never come back."""

BODIES: Final = "blob_chunks"
"""Sealed bodies, which are never altered: read once and never again."""


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """A column with a key of the tree (``mailbox_store.vault``), in rows named by ``row``."""

    table: str
    row: str
    column: str


KEYS: Final = (
    KeyColumn("slot_keys", "slot", "wrapped"),
    KeyColumn("index_keys", "version", "wrapped"),
    KeyColumn("accounts", "account_id", "wrapped_key"),
)
"""What goes into the key table and never into the data part."""

SEALED_BELOW: Final = {
    ("messages", "object_key"): "the body's key, sealed under the account's",
    ("documents", "object_key"): "the body's key, sealed under the account's",
    ("queued_messages", "object_key"): "the body's key, sealed under the spool's",
    ("certificates", "sealed_key"): "a private key, sealed under the account's",
    ("certificates", "key_index"): "a blind index",
    ("certificate_requests", "sealed_key"): "a private key, sealed under the account's",
    ("certificate_requests", "key_index"): "a blind index",
    ("correspondents", "key_index"): "a blind index",
    ("app_passwords", "secret_index"): "a blind index",
    ("exports", "sealed_key"): "the key of a file beside the store, sealed under the account's",
    ("dkim_keys", "sealed_key"): "a private key, sealed under the spool's",
}
"""Columns that look like keys and end with a key of ``KEYS``: they may be in the data part."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns in order, and what its rows are ordered by."""

    name: str
    columns: tuple[str, ...]
    order: tuple[str, ...]
    emptied: tuple[tuple[str, str], ...] = ()

    def select(self) -> str:
        """The statement that reads all of it; keys are left out of their columns."""
        return f"SELECT {self._read()} FROM {quoted(self.name)} ORDER BY {self._ordered()}"

    def select_after(self) -> str:
        """The statement that reads some rows after one: its order, how many; order before row."""
        order, marks = self._ordered(), ", ".join("?" * len(self.order))
        return (
            f"SELECT {order}, {self._read()} FROM {quoted(self.name)}"
            f" WHERE ({order}) > ({marks}) ORDER BY {order} LIMIT ?"
        )

    def select_first(self) -> str:
        """The same from the beginning: how many."""
        order = self._ordered()
        return f"SELECT {order}, {self._read()} FROM {quoted(self.name)} ORDER BY {order} LIMIT ?"

    def _ordered(self) -> str:
        return ", ".join(quoted(each) for each in self.order)

    def _read(self) -> str:
        empty = dict(self.emptied)
        return ", ".join(
            f"{empty[each]} AS {quoted(each)}" if each in empty else quoted(each)
            for each in self.columns
        )

    def insert(self) -> str:
        """The statement that writes one of its rows."""
        columns = ", ".join(quoted(each) for each in self.columns)
        marks = ", ".join("?" * len(self.columns))
        return f"INSERT INTO {quoted(self.name)} ({columns}) VALUES ({marks})"


def quoted(name: str) -> str:
    """A name of the schema as SQL takes it, whatever is in it."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def of_schema(view: View) -> list[Table]:
    """Every table with rows of its own, by name; the bodies and the sequences come last.

    Raises BackupRefused for a kind of table that could not be carried.
    """
    found = [
        _table(view, name, has_rowid=not without_rowid)
        for name, without_rowid in _names(view)
        if name not in (BODIES, SEQUENCES)
    ]
    return [*found, _table(view, SEQUENCES, has_rowid=True)]


def definitions(view: View) -> list[str]:
    """The statements that make the schema: tables first, then what stands on them."""
    rows = view.sql(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%'"
        " ESCAPE '\\' ORDER BY type <> 'table', rowid"
    )
    return [row[0] for row in rows.fetchall()]


def settings(view: View) -> dict[str, int]:
    """What is set in the file itself."""
    names = ("page_size", "user_version", "application_id")
    return {name: view.sql(f"PRAGMA {name}").scalar_one() for name in names}


def bodies(view: View) -> Table:
    """The table of the chunks of bodies."""
    return _table(view, BODIES, has_rowid=True)


def _names(view: View) -> Iterator[tuple[str, bool]]:
    rows = view.sql(
        "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' ORDER BY name"
    ).fetchall()
    for name, kind, without_rowid in rows:
        if kind == "view" or name.startswith("sqlite_"):
            continue
        if kind != "table":
            raise BackupRefused(f"the table {name} is of a kind that a backup cannot carry")
        yield name, bool(without_rowid)


def _table(view: View, name: str, *, has_rowid: bool) -> Table:
    rows: list[Any] = view.sql(
        'SELECT name, "notnull", pk FROM pragma_table_info(?) ORDER BY cid', (name,)
    ).fetchall()
    keys = {each.column for each in KEYS if each.table == name}
    in_key = sorted((pk, column) for column, _, pk in rows if pk)
    return Table(
        name,
        tuple(row[0] for row in rows),
        ("rowid",) if has_rowid else tuple(column for _, column in in_key),
        tuple(
            (column, "x''" if needed else "NULL") for column, needed, _ in rows if column in keys
        ),
    )
