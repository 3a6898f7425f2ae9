"""The key table of a snapshot: wrapped keys, the root key, and the files beside the store.

One file, sealed under a key of its own, so that ending it ends what it opens. Frames, each with
its sort in the first octet: what it belongs to (JSON), the root key, rows of keys, pieces of files.
"""

import hmac
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from mailbox_store.database import View
from mss_gateway.backup import container, cutting, tables
from mss_gateway.backup.container import Kind
from mss_gateway.backup.errors import Damaged

ABOUT, ROOT, KEYS, FILE = b"a", b"r", b"k", b"f"

CONFIG: Final = "config.toml"
"""The name under which a configuration from outside of the state directory comes back."""

_FRAME_OCTETS: Final = 1 << 20
_KEY_COLUMNS: Final = 4
_FILE_COLUMNS: Final = 4
_NUMBER_OCTETS: Final = 8


@dataclass(frozen=True, slots=True)
class Beside:
    """What is kept besides the database. ``left_out``: files and folders that are not carried."""

    state: Path
    root_key: Path
    config_file: Path
    left_out: tuple[Path, ...] = ()

    def files(self) -> Iterator[tuple[str, Path]]:
        """Every file of the state directory that is carried, by its name there, and the settings.

        Links to files are followed: what they lead to is what the gateway reads.
        """
        outside = {each.resolve() for each in (*self.left_out, self.root_key)}
        is_within = self.config_file.resolve().is_relative_to(self.state.resolve())
        if not is_within:
            yield CONFIG, self.config_file
        for parent, folders, names in os.walk(self.state):
            here = Path(parent)
            folders[:] = sorted(each for each in folders if (here / each).resolve() not in outside)
            for name in sorted(names):
                path = here / name
                if path.resolve() in outside or not path.is_file():
                    continue
                inside = path.relative_to(self.state).as_posix()
                if inside != CONFIG or is_within:
                    yield inside, path


@dataclass(frozen=True, slots=True)
class Piece:
    """Some octets of a file, in order; ``mode`` is its owner's part of the permissions."""

    name: PurePosixPath
    mode: int
    offset: int
    content: bytes


@dataclass(slots=True)
class Reading:
    """Where the parts of a key table go, as they are read."""

    root: Callable[[bytes], None] = lambda _: None
    key: Callable[[tables.KeyColumn, int, bytes], None] = lambda *_: None
    piece: Callable[[Piece], None] = lambda _: None


def secret_of(root_key: bytes) -> bytes:
    """The secret of a site's backups, drawn from its root key: names units, marks snapshots."""
    return hmac.digest(root_key.strip(), b"mss backup secret\x00", "sha256")


def site_of(secret: bytes) -> str:
    """The number by which a person sees that a backup is of this site."""
    return hmac.digest(secret, b"mss backup site\x00", "sha256")[:_NUMBER_OCTETS].hex()


def mark(secret: bytes, snapshot: str, digest: str) -> str:
    """Proof that who held the root key made this snapshot of these files."""
    return hmac.digest(secret, f"mss backup mark\x00{snapshot} {digest}".encode(), "sha256").hex()


def frames(view: View, beside: Beside, snapshot: str, site: str) -> Iterator[bytes]:
    """The frames of the key table of this view; raises OSError for a file that cannot be read."""
    yield ABOUT + json.dumps({"snapshot": snapshot, "site": site}).encode()
    yield ROOT + beside.root_key.read_bytes()
    for each in tables.KEYS:
        yield from _framed(KEYS, _keys(view, each))
    yield from _framed(FILE, _pieces(beside))


def read(
    path: Path, snapshot: str, key_of: Callable[[bytes], bytes], into: Reading
) -> dict[str, Any]:
    """Hand out the parts of a key table; what it says of itself. Raises :class:`Damaged`."""
    about: dict[str, Any] = {}
    for frame in container.frames(path, Kind.KEYS, snapshot.encode(), key_of):
        sort, content = frame[:1], frame[1:]
        if sort == ABOUT:
            about = json.loads(content)
        elif sort == ROOT:
            into.root(content)
        elif sort == KEYS:
            for table, column, number, wrapped in cutting.decode(content, _KEY_COLUMNS):
                into.key(_known(table, column), number, wrapped)
        elif sort == FILE:
            for name, mode, offset, octets in cutting.decode(content, _FILE_COLUMNS):
                into.piece(Piece(_inside(name), mode, offset, octets))
    return about


def _known(table: str, column: str) -> tables.KeyColumn:
    for each in tables.KEYS:
        if (each.table, each.column) == (table, column):
            return each
    raise Damaged("it holds keys of a table that this release does not know")


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise Damaged("it holds a file that is not of a state directory")
    return path


def _keys(view: View, each: tables.KeyColumn) -> Iterator[bytes]:
    rows = view.sql(
        f"SELECT {each.row}, CAST({each.column} AS BLOB) FROM {each.table}"
        f" WHERE {each.column} IS NOT NULL ORDER BY {each.row}"
    )
    for number, wrapped in rows:
        yield cutting.encode((each.table, each.column, number, wrapped))


def _pieces(beside: Beside) -> Iterator[bytes]:
    for name, path in beside.files():
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o700
            offset = 0
            while True:
                content = file.read(_FRAME_OCTETS)
                if content or not offset:
                    yield cutting.encode((name, mode, offset, content))
                offset += len(content)
                if len(content) < _FRAME_OCTETS:
                    break


def _framed(sort: bytes, rows: Iterator[bytes]) -> Iterator[bytes]:
    """Rows in frames of about one mebioctet."""
    parts, filled = [], 0
    for row in rows:
        parts.append(row)
        filled += len(row)
        if filled >= _FRAME_OCTETS:
            yield sort + b"".join(parts)
            parts, filled = [], 0
    if parts:
        yield sort + b"".join(parts)
