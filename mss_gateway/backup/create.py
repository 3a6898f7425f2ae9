"""A snapshot: what changed since the last one is written, the rest is referred to.

Bodies are carried first, in short readings, because they never change: they are most of a store.
Then one reading of the store makes the snapshot: it sees one moment, keeps nobody from writing,
and holds the write-ahead log back only while what is left is read.
"""

import errno
import hmac
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from certs.certificate import Certificate, fingerprint
from mailbox_store.database import Database, View
from mss_gateway.backup import container, cutting, folder, keytable, retention, tables, text
from mss_gateway.backup.container import Kind, Lock
from mss_gateway.backup.errors import BackupFailed
from mss_gateway.backup.folder import Folder
from mss_gateway.backup.keytable import Beside
from mss_gateway.backup.units import (
    Made,
    Place,
    Rows,
    Units,
    blobs,
    places,
    put_all_bodies,
    put_bodies,
)

FORMAT: Final = 1
BATCH: Final = 200
"""Bodies in one of the short readings."""

PAGE: Final = 500
"""Rows in one of them."""

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Source:
    """What is backed up, and ``release``, which wrote it. ``beside``: files and the root key."""

    database: Database
    beside: Beside
    release: str


@dataclass(frozen=True, slots=True)
class Kept:
    """How many snapshots stay (0: all), and how many days key tables do; the newest always."""

    snapshots: int = 0
    key_days: int = 35


def create(
    source: Source,
    to: Folder,
    recipients: Sequence[Certificate],
    now: float,
    kept: Kept,
    advance: Advance,
) -> Made:
    """Take a snapshot into ``to``, then remove what ``kept`` does not keep.

    ``advance`` is told octets of the store as they are passed. Raises BackupRefused when the folder
    is in use or somebody else's, BackupFailed when the medium could not (earlier snapshots are as
    they were), AlgorithmRefused (``certs``) for a recipient whose key cannot receive.
    """
    lock, key_lock = container.new_lock(recipients), container.new_lock(recipients)
    to.prepare()
    with folder.held(to, alone=True):
        to.clear_drafts()
        to.add_recipients(recipients)
        secret = keytable.secret_of(source.beside.root_key.read_bytes())
        made = Made(site=keytable.site_of(secret))
        earlier = to.snapshots()
        made.snapshot = folder.name_at(now, max((*earlier, *to.key_tables()), default=None))
        units = Units(to, lock, _naming(secret, recipients), made, advance)
        try:
            _ahead(source.database, units, is_first=not earlier)
            _snapshot(source, to, units, secret, key_lock)
        except BackupFailed as error:
            if error.errno == errno.ENOSPC:
                with suppress(OSError):  # the disk is the senders' too
                    retention.sweep(to)
            raise
        made.removed = retention.prune(to, kept.snapshots)
        made.removed_key_tables = retention.end_key_tables(to, kept.key_days, now)
        retention.sweep(to)
    return made


def _naming(secret: bytes, recipients: Sequence[Certificate]) -> bytes:
    """The key of names of units: other recipients begin a backup of their own."""
    whose = "".join(sorted(fingerprint(each) for each in recipients))
    return hmac.digest(secret, f"mss backup units {FORMAT} {whose}".encode(), "sha256")


# --- ahead of the snapshot -----------------------------------------------------------------------


def _ahead(database: Database, units: Units, *, is_first: bool) -> None:
    """Write what the snapshot will refer to, holding no reading for long."""
    for batch in _batches(database):
        with database.read() as view:
            for group in batch:
                put_bodies(view, group, units, is_snapshot=False)
        units.advance(sum(place.octets for group in batch for place in group))
    if is_first:
        with database.read() as view:
            found = tables.of_schema(view)
        for table in found:
            _rows_ahead(database, table, units)


def _rows_ahead(database: Database, table: tables.Table, units: Units) -> None:
    rows = Rows(table, units)
    last: tuple[Any, ...] = ()
    while True:
        statement = table.select_after() if last else table.select_first()
        passed = rows.rows
        with database.read() as view:
            for row in view.sql(statement, (*last, PAGE)):
                last = row[: len(table.order)]
                rows.add(row[len(table.order) :])
        if rows.rows - passed < PAGE:
            return  # its last unit is the snapshot's to write


def _batches(database: Database) -> Iterator[list[list[Place]]]:
    """Whole groups of places, as many as a batch of bodies fills."""
    cutter = cutting.Cutter(cutting.BODIES_OCTETS)
    group: list[Place] = []
    last = 0
    while True:
        with database.read() as view:
            rows = blobs(view, last, BATCH).fetchall()
        if not rows:
            return
        last = rows[-1][0]
        batch: list[list[Place]] = []
        for place in places(iter(rows)):
            group.append(place)
            if cutter.ends_after(place.packed(), place.octets):
                batch.append(group)
                group = []
        yield batch


# --- the snapshot --------------------------------------------------------------------------------


def _snapshot(source: Source, to: Folder, units: Units, secret: bytes, key_lock: Lock) -> None:
    made = units.made
    name = made.snapshot.encode()
    with folder.replacing(to.list_of(made.snapshot)) as file:
        units.listing = text.Writing(file, f"snapshot {made.snapshot}")
        with source.database.read() as view:
            head = _passed(view, units)
            frames = keytable.frames(view, source.beside, made.snapshot, made.site)
            pieces = container.written(Kind.KEYS, name, key_lock, frames)
            made.key_octets = folder.write(to.keys_of(made.snapshot), pieces, lambda _: None)
        folder.flush_folder(to.keys)
        units.flush()
        head |= {
            "format": FORMAT,
            "release": source.release,
            "snapshot": made.snapshot,
            "site": made.site,
            "list": (digest := units.listing.end()),
            "mark": keytable.mark(secret, made.snapshot, digest),
        }
        sealed = container.written(Kind.HEAD, name, units.lock, [json.dumps(head).encode()])
        folder.write(to.head_of(made.snapshot), sealed, lambda _: None)
        folder.flush_folder(to.path / "snapshots")


def _passed(view: View, units: Units) -> dict[str, Any]:
    """Every table put into units; what is needed to make the store again from them."""
    counted = []
    for table in tables.of_schema(view):
        rows = Rows(table, units)
        for row in view.sql(table.select()):
            rows.add(row)
        rows.end()
        units.made.rows += rows.rows
        counted.append(_line(table, rows.put, rows.rows))
    table = tables.bodies(view)
    put = units.made.units
    chunks = put_all_bodies(view, units)
    counted.append(_line(table, units.made.units - put, chunks))
    return {
        "settings": tables.settings(view),
        "definitions": tables.definitions(view),
        "tables": counted,
        "bodies": units.made.bodies,
    }


def _line(table: tables.Table, units: int, rows: int) -> dict[str, Any]:
    return {"name": table.name, "columns": table.columns, "units": units, "rows": rows}
