"""Pieces of the store put into a backup, each once: rows by their content, bodies by their place.

A body never changes, so that its place, its length and its object id say what is in it: it is read
when it is new and never again. Rows are read each time, and written where they differ.
"""

import hashlib
import hmac
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mailbox_store.bodies import CHUNK_OCTETS, SHIFT
from mailbox_store.database import View
from mss_gateway.backup import container, cutting, folder, tables, text
from mss_gateway.backup.container import Kind, Lock
from mss_gateway.backup.folder import Folder

_PLACE = struct.Struct(">q16sI")
_CHUNK_OVERHEAD = 17

Advance = Callable[[int], None]


@dataclass(slots=True)
class Made:
    """What a create came to. ``missing``: chunks of bodies that the store itself lacks."""

    snapshot: str = ""
    site: str = ""
    rows: int = 0
    bodies: int = 0
    units: int = 0
    written_units: int = 0
    written_octets: int = 0
    key_octets: int = 0
    missing: int = 0
    removed: tuple[str, ...] = ()
    removed_key_tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk of a body is, and how long it is sealed."""

    chunk_id: int
    object_id: bytes
    octets: int

    def packed(self) -> bytes:
        """The same as octets: what a unit of bodies is known by."""
        return _PLACE.pack(self.chunk_id, self.object_id, self.octets)


class Units:
    """Puts units into the folder, each once, and lists those of the snapshot."""

    def __init__(self, to: Folder, lock: Lock, naming: bytes, made: Made, advance: Advance) -> None:
        self._to = to
        self.lock = lock
        self._naming = naming
        self._advance = advance
        self.made = made
        self.listing: text.Writing | None = None

    def put(self, label: str, identity: bytes, content: Callable[[], bytes | None]) -> None:
        """Write a unit that is not there yet; what ``content`` does not have any more is not."""
        name = hmac.digest(self._naming, f"{label}\x00".encode() + identity, "sha256")
        name = name[: container.NAME_OCTETS]
        path = self._to.unit(name)
        if not container.looks_whole(path, Kind.UNIT, name):
            plain = content()
            if plain is None:
                return
            with folder.telling(path):
                path.parent.mkdir(exist_ok=True, mode=0o700)
            pieces = container.written(Kind.UNIT, name, self.lock, [plain])
            self.made.written_octets += folder.write(path, pieces, lambda _: None)
            self.made.written_units += 1
        if self.listing is not None:
            self.listing.line(f"{name.hex()} {path.stat().st_size}")
            self.made.units += 1

    def advance(self, octets: int) -> None:
        """Tell who watches."""
        self._advance(octets)

    def flush(self) -> None:
        """Make the names of all units durable, also of those that a killed create had written."""
        for each in (*self._to.unit_folders(), self._to.path / "units"):
            folder.flush_folder(each)


def blobs(view: View, after: int, limit: int) -> Any:
    """The bodies above a number, in order; at most ``limit``, -1 for all."""
    return view.sql(
        "SELECT blob_id, object_id, octets, chunks FROM blobs WHERE blob_id > ?"
        " ORDER BY blob_id LIMIT ?",
        (after, limit),
    )


def places(blobs: Iterator[tuple[Any, ...]]) -> Iterator[Place]:
    """The chunks of these bodies; nothing of their content is read."""
    for blob_id, object_id, octets, chunks in blobs:
        for position in range(chunks):
            plain = min(CHUNK_OCTETS, octets - position * CHUNK_OCTETS)
            chunk_id = (blob_id << SHIFT) + position
            yield Place(chunk_id, bytes(object_id), plain + _CHUNK_OVERHEAD)


def put_bodies(view: View, group: list[Place], units: Units, *, is_snapshot: bool) -> None:
    """A unit of chunks, known by what never changes of them: read only when it is not there."""
    identity = hashlib.sha256(b"".join(place.packed() for place in group)).digest()
    damaged: list[bytes] = []

    def content() -> bytes | None:
        plain, missing, is_whole = _chunks(view, group)
        if is_whole:
            return plain
        if is_snapshot:
            units.made.missing += missing
            damaged.append(plain)
        return None

    units.put("bodies", identity, content)
    for plain in damaged:
        # what is left of them, under a name that says exactly that
        units.put("bodies in part", plain, lambda plain=plain: plain)  # type: ignore[misc]


def _chunks(view: View, group: list[Place]) -> tuple[bytes, int, bool]:
    """The rows of these chunks, how many are missing, and whether all are as long as they were."""
    wanted = {place.chunk_id: place.octets for place in group}
    rows = view.sql(
        "SELECT chunk_id, CAST(sealed AS BLOB) FROM blob_chunks WHERE chunk_id BETWEEN ? AND ?"
        " ORDER BY chunk_id",
        (group[0].chunk_id, group[-1].chunk_id),
    )
    parts, right = [], 0
    for chunk_id, sealed in rows:
        if chunk_id in wanted:
            parts.append(cutting.encode((chunk_id, sealed)))
            right += len(sealed) == wanted[chunk_id]
    return b"".join(parts), len(wanted) - len(parts), right == len(wanted)


class Rows:
    """Puts the rows of one table in units, which are known by their content; counts both."""

    def __init__(self, table: tables.Table, units: Units) -> None:
        self._label = f"rows {table.name}"
        self._units = units
        self._cutter = cutting.Cutter(cutting.ROWS_OCTETS)
        self._parts: list[bytes] = []
        self.put = 0
        self.rows = 0

    def add(self, row: Sequence[Any]) -> None:
        """The next one."""
        encoded = cutting.encode(row)
        self._parts.append(encoded)
        self.rows += 1
        if self._cutter.ends_after(encoded, len(encoded)):
            self.end()

    def end(self) -> None:
        """No more rows come."""
        if self._parts:
            plain = b"".join(self._parts)
            self._units.put(self._label, plain, lambda: plain)
            self._units.advance(len(plain))
            self._parts.clear()
            self.put += 1


def put_all_bodies(view: View, units: Units) -> int:
    """Units of every chunk that ``view`` sees; how many chunks there are."""
    cutter = cutting.Cutter(cutting.BODIES_OCTETS)
    group: list[Place] = []
    chunks = 0
    units.made.bodies = view.sql("SELECT count(*) FROM blobs").scalar_one()
    for place in places(iter(blobs(view, 0, -1))):
        group.append(place)
        if cutter.ends_after(place.packed(), place.octets):
            put_bodies(view, group, units, is_snapshot=True)
            chunks += len(group)
            group = []
    if group:
        put_bodies(view, group, units, is_snapshot=True)
        chunks += len(group)
    return chunks - units.made.missing
