"""Proof that the store is whole: each body has its chunks, and is held as often as is counted.

Bodies are walked in batches, each in a view of its own: a check of the whole store does not keep
the log of changes from being folded in, and every batch is consistent in itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alembic.script import ScriptDirectory

from mailbox_store import migrations
from mailbox_store.bodies import BlobId, open_body
from mailbox_store.database import Database, View
from mailbox_store.errors import BlobAltered
from mailbox_store.vault import AccountId, AccountSeal, ObjectSeal

BATCH = 200
"""Bodies in one view."""

_SHIFT = 16
"""As in ``bodies``: a chunk's id is the body's, shifted, and its position."""


@dataclass(frozen=True, slots=True)
class Holders:
    """A table whose rows hold bodies by ``blob_id`` with their key in ``object_key``.

    ``account_id`` is the account of every row where the table has no such column. ``table`` is a
    name of the schema, never anything that came from outside.
    """

    table: str
    account_id: AccountId | None = None


@dataclass(slots=True)
class Report:
    """Ids of bodies, which name nobody, and what is wrong with them."""

    bodies: int = 0
    octets: int = 0
    incomplete: list[BlobId] = field(default_factory=list)
    miscounted: list[BlobId] = field(default_factory=list)
    unheld: list[BlobId] = field(default_factory=list)
    altered: list[BlobId] = field(default_factory=list)
    stray_chunks: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, miscounted, orphaned or altered."""
        found = (self.incomplete, self.miscounted, self.unheld, self.altered)
        return not any(found) and not self.stray_chunks


@dataclass(frozen=True, slots=True)
class _Body:
    blob_id: BlobId
    octets: int
    chunks: int
    holders: int


def verify(database: Database, holders: Sequence[Holders], *, opens: bool = False) -> Report:
    """Walk every body.

    Incomplete: chunks are missing or too many. Miscounted: other holders than the rows that refer
    to it; unheld: no row refers to it. Stray chunks belong to no body. With ``opens``, altered: a
    key or a chunk does not open, for any of its holders; chunks are read once per body.
    """
    report = Report()
    last = 0
    while True:
        with database.read() as view:
            batch = _batch(view, last)
            for body in batch:
                _examine(view, body, holders, report, opens=opens)
            if not batch:
                report.stray_chunks = _stray_chunks(view)
                return report
        last = batch[-1].blob_id


def schema(view: View) -> tuple[str | None, str | None]:
    """The step that the schema stands at, and the newest step of this release."""
    current = view.sql("SELECT version_num FROM alembic_version").scalar()
    directory = ScriptDirectory(str(Path(migrations.__file__).parent))
    return current, directory.get_current_head()


def _batch(view: View, last: int) -> list[_Body]:
    rows = view.sql(
        "SELECT blob_id, octets, chunks, holders FROM blobs WHERE blob_id > ?"
        " ORDER BY blob_id LIMIT ?",
        (last, BATCH),
    )
    return [_Body(BlobId(row[0]), row[1], row[2], row[3]) for row in rows.fetchall()]


def _examine(
    view: View, body: _Body, holders: Sequence[Holders], report: Report, *, opens: bool
) -> None:
    report.bodies += 1
    report.octets += body.octets
    first = body.blob_id << _SHIFT
    count, low, high = view.sql(
        "SELECT count(*), min(chunk_id), max(chunk_id) FROM blob_chunks"
        " WHERE chunk_id >= ? AND chunk_id < ?",
        (first, first + (1 << _SHIFT)),
    ).one()
    is_complete = (count, low, high) == (body.chunks, first, first + body.chunks - 1)
    if not is_complete:
        report.incomplete.append(body.blob_id)
    keys = list(_keys(view, body.blob_id, holders))
    if not keys:
        report.unheld.append(body.blob_id)
    elif len(keys) != body.holders:
        report.miscounted.append(body.blob_id)
    if opens and is_complete and not _opens(view, body, keys):
        report.altered.append(body.blob_id)


def _keys(
    view: View, blob_id: BlobId, holders: Sequence[Holders]
) -> Iterator[tuple[AccountId, bytes]]:
    """Who holds a body, and its key as wrapped for them."""
    for holder in holders:
        column = "account_id" if holder.account_id is None else str(int(holder.account_id))
        rows = view.sql(
            f"SELECT {column}, object_key FROM {holder.table} WHERE blob_id = ?", (blob_id,)
        )
        yield from ((AccountId(row[0]), bytes(row[1])) for row in rows.fetchall())


def _opens(view: View, body: _Body, keys: list[tuple[AccountId, bytes]]) -> bool:
    try:
        seals = [_seal(view, body.blob_id, account_id, wrapped) for account_id, wrapped in keys]
        if seals:
            _open_chunks(view, body, seals[0])
    except BlobAltered:
        return False
    return True


def _seal(view: View, blob_id: BlobId, account_id: AccountId, wrapped: bytes) -> ObjectSeal:
    try:
        account: AccountSeal = view.vault.account(view, account_id)
        return open_body(view, account, blob_id, wrapped)[0]
    except Exception as error:
        # which exception says "does not open" belongs to the sealing that was handed in
        raise BlobAltered(f"the key of blob {blob_id} does not open") from error


def _open_chunks(view: View, body: _Body, seal: ObjectSeal) -> None:
    first = body.blob_id << _SHIFT
    octets = 0
    for position in range(body.chunks):
        sealed = view.sql(
            "SELECT sealed FROM blob_chunks WHERE chunk_id = ?", (first + position,)
        ).scalar_one()
        try:
            octets += len(seal.open_chunk(position, position == body.chunks - 1, bytes(sealed)))
        except Exception as error:
            raise BlobAltered(f"blob {body.blob_id} chunk {position} does not open") from error
    if octets != body.octets:
        raise BlobAltered(f"blob {body.blob_id} is not as long as it was")


def _stray_chunks(view: View) -> int:
    found: int = view.sql(
        f"SELECT count(*) FROM blob_chunks c WHERE NOT EXISTS"
        f" (SELECT 1 FROM blobs b WHERE b.blob_id = c.chunk_id >> {_SHIFT})"
    ).scalar_one()
    return found
