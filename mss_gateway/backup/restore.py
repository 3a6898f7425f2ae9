"""A snapshot brought back into an empty place: proved as it is read, opened before it is named.

Everything is made in ``INTO/restoring`` and moved up at the end, the store first and the root key
last: what a restore that was killed leaves is not taken for a site, and goes with the next one.
"""

import errno
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mss_gateway.backup import cutting, folder, keytable, opening, tables, text, verify
from mss_gateway.backup.errors import BackupFailed, BackupRefused, Damaged
from mss_gateway.backup.folder import Folder
from mss_gateway.backup.keytable import Piece
from mss_gateway.backup.opening import Opener
from mss_gateway.backup.proof import ROOT_KEY, STORE, Restored, prove

RESTORING: Final = "restoring"

_SETTINGS: Final = frozenset({"page_size", "user_version", "application_id"})
_DEFINITION: Final = re.compile(r"CREATE (?:TABLE|(?:UNIQUE )?INDEX|TRIGGER|VIEW)\s")
_CACHE_KIB = 65_536
_PASSED_OVER = ("lost+found",)

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which snapshot, and by which key table."""

    snapshot: str
    key_table: str


def choose(place: Folder, snapshot: str, key_table: str) -> Chosen:
    """The snapshot meant (empty: the newest) and its key table (empty: the newest).

    The newest key table, so that who was erased since does not come back. Raises BackupRefused,
    also when no key table is as new as the snapshot: its data alone opens nothing.
    """
    names, kept = place.snapshots(), place.key_tables()
    if not names:
        raise BackupRefused(f"{place.path} holds no snapshot")
    wanted = snapshot or names[-1]
    if wanted not in names:
        raise BackupRefused(f"no snapshot {wanted} here: `mss backup list` shows those there are")
    if key_table and key_table not in kept:
        raise BackupRefused(f"no key table {key_table} in {place.keys}")
    newest = key_table or (kept[-1] if kept and kept[-1] >= wanted else "")
    if not newest:
        raise BackupRefused(
            f"the data of {wanted} is here and its key table is not (looked in {place.keys}):"
            " without it nothing can be read, and nothing was restored"
        )
    return Chosen(wanted, newest)


def restore(place: Folder, chosen: Chosen, into: Path, by: Opener, advance: Advance) -> Restored:
    """Bring a snapshot back into ``into``, which is empty or not there yet.

    ``advance`` is told octets of the backup. Raises BackupRefused when ``into`` holds something,
    something is damaged or the keys do not fit (then ``into`` is as empty as before), BackupFailed
    when the disk could not.
    """
    _need_empty(into)
    with folder.held(place, alone=False):
        head = _head(place, chosen.snapshot, by)
        _need_room(place, chosen.snapshot, into)
        work = into / RESTORING
        with folder.telling(into):
            shutil.rmtree(work, ignore_errors=True)
            into.mkdir(parents=True, exist_ok=True, mode=0o700)
            work.mkdir(mode=0o700)
        restored = Restored(chosen.snapshot, chosen.key_table, head["site"])
        try:
            with folder.telling(work / STORE):
                _make_store(place, head, work / STORE, by, advance)
                _bring_keys(place, chosen, head, work, by, restored)
                prove(work, restored)
                _move_up(work, into)
        except BaseException as error:
            shutil.rmtree(work, ignore_errors=True)
            if isinstance(error, sqlite3.Error):
                # the file is ours alone: what SQLite cannot do is the disk's fault
                raise BackupFailed(errno.EIO, str(error), str(work / STORE)) from error
            raise
    return restored


def _need_empty(into: Path) -> None:
    if into.exists() and not into.is_dir():
        raise BackupRefused(f"{into} is not a folder")
    held = [each.name for each in into.iterdir()] if into.exists() else []
    if any(name not in (RESTORING, *_PASSED_OVER) for name in held):
        raise BackupRefused(f"{into} is not empty: nothing is ever overwritten")


def _head(place: Folder, snapshot: str, by: Opener) -> dict[str, Any]:
    try:
        head = opening.head(place, snapshot, by)
        if head["list"] != text.digest_of(place.list_of(snapshot), f"snapshot {snapshot}"):
            raise Damaged("the list of its files is another one")
    except Damaged as error:
        raise _damaged(f"snapshot {snapshot}", error) from None
    return head


def _damaged(what: str, error: Damaged) -> BackupRefused:
    return BackupRefused(f"{what}: {error}; `mss backup verify` tells all, nothing was restored")


def _need_room(place: Folder, snapshot: str, into: Path) -> None:
    needed = sum(entry.octets for entry in place.entries(snapshot))
    there = next(each for each in (into, *into.absolute().parents) if each.exists())
    if shutil.disk_usage(there).free < needed:
        raise BackupRefused(f"{into} has less room than the {needed} octets of the snapshot")


# --- the store -----------------------------------------------------------------------------------


def _make_store(
    place: Folder, head: dict[str, Any], path: Path, by: Opener, advance: Advance
) -> None:
    entries = place.entries(head["snapshot"])
    with closing(sqlite3.connect(path, isolation_level=None)) as store:
        path.chmod(0o600)
        _check_statements(head)
        for name, value in head["settings"].items():
            store.execute(f"PRAGMA {name} = {int(value)}")
        # nobody else sees this file, and a restore that is cut begins anew: no journal
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
            store.execute(f"PRAGMA {pragma}")
        is_table = [each.startswith("CREATE TABLE") for each in head["definitions"]]
        first = is_table.count(True)
        for definition in head["definitions"][:first]:
            store.execute(definition)
        for each in head["tables"]:
            if each["name"] == tables.SEQUENCES:
                store.execute(f"DELETE FROM {tables.SEQUENCES}")
            _fill(store, each, _contents(place, entries, each["units"], by, advance))
        for definition in head["definitions"][first:]:
            store.execute(definition)
    _flush(path)


def _check_statements(head: dict[str, Any]) -> None:
    """Whoever has the recipients' certificates can make a backup, and statements run as who
    restores it: they make the schema of the one file that is restored, and do nothing else."""
    if not _SETTINGS.issuperset(head["settings"]) or not all(
        _DEFINITION.match(each) for each in head["definitions"]
    ):
        raise BackupRefused("its head holds what is no schema of a store; nothing was restored")


def _contents(
    place: Folder, entries: Iterator[folder.Entry], count: int, by: Opener, advance: Advance
) -> Iterator[bytes]:
    for _ in range(count):
        entry = next(entries)
        try:
            yield opening.unit(place, entry.unit, by)
        except Damaged as error:
            raise _damaged(f"unit {entry.unit.hex()}", error) from None
        advance(entry.octets)


def _fill(store: sqlite3.Connection, line: dict[str, Any], contents: Iterator[bytes]) -> None:
    columns = tuple(line["columns"])
    statement = tables.Table(line["name"], columns, ()).insert()
    store.execute("BEGIN")
    filled = 0
    for content in contents:
        filled += store.executemany(statement, cutting.decode(content, len(columns))).rowcount
    store.execute("COMMIT")
    if filled != line["rows"]:
        raise BackupRefused("a table has not as many rows as it had; nothing was restored")


def _bring_keys(
    place: Folder, chosen: Chosen, head: dict[str, Any], work: Path, by: Opener, told: Restored
) -> None:
    """Keys into their rows, files and root key beside the store."""
    roots: list[bytes] = []
    with closing(sqlite3.connect(work / STORE, isolation_level=None)) as store:
        store.execute("BEGIN")

        def key(column: tables.KeyColumn, number: int, wrapped: bytes) -> None:
            store.execute(
                f"UPDATE {column.table} SET {column.column} = ? WHERE {column.row} = ?",
                (wrapped, number),
            )

        reading = keytable.Reading(roots.append, key, lambda piece: _put(work, piece, told))
        try:
            path = place.keys_of(chosen.key_table)
            keytable.read(path, chosen.key_table, by.key_of, reading)
            if not roots:
                raise Damaged("it holds no root key")
            if chosen.key_table == chosen.snapshot:
                verify.prove_mark(head, roots[0])
        except Damaged as error:
            raise _damaged(
                f"key table {chosen.key_table}: another one may do (--key-table)", error
            ) from None
        store.execute("COMMIT")
    descriptor = os.open(work / ROOT_KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(roots[0])


def _put(work: Path, piece: Piece, told: Restored) -> None:
    """Some octets of a file of the state directory; only its owner may read it."""
    path = work / piece.name
    if piece.name.parts[0] in (STORE, ROOT_KEY):
        raise Damaged("it holds a file in the place of the store")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not piece.offset:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.close(descriptor)
        path.chmod(piece.mode & 0o700 | 0o600)
        told.files += 1
    with path.open("ab") as file:
        file.write(piece.content)


def _move_up(work: Path, into: Path) -> None:
    """Give everything its place, durably: the store first, the root key last."""
    for path in work.rglob("*"):
        if path.is_file():
            _flush(path)
    names = sorted(each.name for each in work.iterdir() if each.name not in (STORE, ROOT_KEY))
    for name in (STORE, *names, ROOT_KEY):
        (work / name).rename(into / name)
    work.rmdir()
    folder.flush_folder(into)
    folder.flush_folder(into.absolute().parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
