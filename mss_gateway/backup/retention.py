"""What does not stay: snapshots above a number, key tables above an age, units of no snapshot."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta

from mss_gateway.backup import folder
from mss_gateway.backup.errors import Damaged
from mss_gateway.backup.folder import Folder


class Seen:
    """Names of units, as many as there are: SQLite moves what is too much for memory to disk."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute("CREATE TABLE seen (name BLOB PRIMARY KEY) WITHOUT ROWID")

    def add(self, name: bytes) -> bool:
        """Whether it was not there before."""
        added = self._connection.execute("INSERT OR IGNORE INTO seen VALUES (?)", (name,))
        return added.rowcount == 1

    def __contains__(self, name: bytes) -> bool:
        found = self._connection.execute("SELECT 1 FROM seen WHERE name = ?", (name,))
        return found.fetchone() is not None


@contextmanager
def seen() -> Iterator[Seen]:
    """An empty set, gone at the end."""
    # the empty name is a private file that SQLite itself takes away
    with closing(sqlite3.connect("", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("BEGIN")
        yield Seen(connection)


def prune(place: Folder, keep: int) -> tuple[str, ...]:
    """Take away all snapshots but the newest ``keep``, with their key tables; 0 keeps all."""
    if not keep:
        return ()
    ended = place.snapshots()[:-keep]
    for name in ended:
        # the list first: without it there is no snapshot any more
        for path in (place.list_of(name), place.head_of(name), place.keys_of(name)):
            with folder.telling(path):
                path.unlink(missing_ok=True)
    if ended:
        folder.flush_folder(place.path / "snapshots")
        folder.flush_folder(place.keys)
    return tuple(ended)


def end_key_tables(place: Folder, days: int, now: float) -> tuple[str, ...]:
    """Take away key tables older than so many days, but never the newest one."""
    oldest = datetime.fromtimestamp(now, UTC) - timedelta(days=days)
    ended = [name for name in place.key_tables()[:-1] if folder.moment_of(name) < oldest]
    for name in ended:
        with folder.telling(place.keys_of(name)):
            place.keys_of(name).unlink(missing_ok=True)
    if ended:
        folder.flush_folder(place.keys)
    return tuple(ended)


def sweep(place: Folder) -> int:
    """Take away units and heads of no snapshot; how many. With a list that is damaged, nothing."""
    snapshots = set(place.snapshots())
    with seen() as listed:
        try:
            for name in snapshots:
                for entry in place.entries(name):
                    listed.add(entry.unit)
        except Damaged:
            return 0
        strays = [
            path
            for path in (place.path / "snapshots").glob("*.head")
            if path.name.removesuffix(".head") not in snapshots
        ]
        for path in strays:
            path.unlink(missing_ok=True)
        return len(strays) + sum(_sweep_folder(each, listed) for each in place.unit_folders())


def _sweep_folder(units: os.PathLike[str], listed: Seen) -> int:
    swept = 0
    with os.scandir(units) as entries:
        for entry in entries:
            if folder.is_unit(entry.name) and bytes.fromhex(entry.name) not in listed:
                with suppress(FileNotFoundError):
                    os.unlink(entry.path)
                    swept += 1
    return swept
