"""Sealed bodies: a message or a document as chunk rows, in the transaction of what refers to them.

One ciphertext serves every holder (the queue, mailboxes, a dossier): each keeps the body's key
wrapped under its own account. Sealing happens before the transaction, on the caller's thread.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NewType

from mailbox_store.database import Transaction, View
from mailbox_store.errors import BlobAltered
from mailbox_store.vault import AccountSeal, ObjectSeal

BlobId = NewType("BlobId", int)

CHUNK_OCTETS = 65_536
"""Octets of plain text in a chunk; every chunk but the last is full."""

SHIFT = 16
"""A chunk's id is its blob's, shifted by so many bits, and its position."""

CHUNKS_LIMIT = 1 << SHIFT
"""Chunks of a blob at most: 4 GiB, far above any message limit."""


@dataclass(frozen=True, slots=True)
class SealedBody:
    """A body ready to be stored; ``seal`` lets further accounts be given its key."""

    object_id: bytes
    octets: int
    chunks: list[bytes]
    seal: ObjectSeal


def seal_body(account: AccountSeal, plain: bytes) -> tuple[SealedBody, bytes]:
    """Seal ``plain`` under a fresh key: (the body, that key wrapped under ``account``)."""
    object_id = secrets.token_bytes(16)
    seal, wrapped = account.new_object(object_id)
    return SealedBody(object_id, len(plain), seal.seal_chunks(plain), seal), wrapped


def store(tx: Transaction, body: SealedBody) -> BlobId:
    """Write a sealed body; its first holder is counted. Raises ValueError above 4 GiB."""
    if len(body.chunks) > CHUNKS_LIMIT:
        raise ValueError("a body has at most 65,536 chunks")
    blob_id: int = tx.sql(
        "INSERT INTO blobs (object_id, octets, chunks, holders) VALUES (?, ?, ?, 1)"
        " RETURNING blob_id",
        (body.object_id, body.octets, len(body.chunks)),
    ).scalar_one()
    for position, chunk in enumerate(body.chunks):
        tx.sql(
            "INSERT INTO blob_chunks (chunk_id, sealed) VALUES (?, ?)",
            ((blob_id << SHIFT) + position, chunk),
        )
    return BlobId(blob_id)


def retain(tx: Transaction, blob_id: BlobId) -> None:
    """Count one more holder of a stored body; raises :class:`BlobAltered` when it is gone."""
    _count_holder(tx, blob_id, 1)


def release(tx: Transaction, blob_id: BlobId) -> None:
    """Count one holder less; the last one takes the body with it.

    Raises :class:`BlobAltered` when it is gone.
    """
    if _count_holder(tx, blob_id, -1) == 0:
        first = blob_id << SHIFT
        tx.sql(
            "DELETE FROM blob_chunks WHERE chunk_id >= ? AND chunk_id < ?",
            (first, first + CHUNKS_LIMIT),
        )
        tx.sql("DELETE FROM blobs WHERE blob_id = ?", (blob_id,))


def open_body(
    view: View, account: AccountSeal, blob_id: BlobId, wrapped: bytes
) -> tuple[ObjectSeal, bytes]:
    """The seal of a stored body and its object id, for a holder that keeps its key wrapped.

    Raises :class:`BlobAltered` when the body is missing or this is not its key.
    """
    object_id = view.sql("SELECT object_id FROM blobs WHERE blob_id = ?", (blob_id,)).scalar()
    if object_id is None:
        raise BlobAltered(f"blob {blob_id} is missing")
    return _object_seal(account, blob_id, bytes(object_id), wrapped), bytes(object_id)


def read(
    view: View,
    account: AccountSeal,
    blob_id: BlobId,
    wrapped: bytes,
    start: int = 0,
    length: int | None = None,
) -> bytes:
    """``length`` octets of a body from ``start`` (to its end when None); opens only those chunks.

    A range past the end is cut, as RFC 9051 §6.4.5 wants of a partial fetch.
    Raises :class:`BlobAltered` when the key or a chunk is missing or does not open, or when the
    body is not as long as it was.
    """
    head = view.sql(
        "SELECT object_id, octets, chunks FROM blobs WHERE blob_id = ?", (blob_id,)
    ).first()
    if head is None:
        raise BlobAltered(f"blob {blob_id} is missing")
    object_id, octets, chunks = head
    end = octets if length is None else min(octets, start + length)
    if start >= end:
        return b""
    if chunks != (octets - 1) // CHUNK_OCTETS + 1:
        raise BlobAltered(f"blob {blob_id} is not as long as it was")
    seal = _object_seal(account, blob_id, bytes(object_id), wrapped)
    first, last = start // CHUNK_OCTETS, (end - 1) // CHUNK_OCTETS
    opened = b"".join(_chunks(view, seal, blob_id, first, last, chunks))
    # the last chunk proves the length: the row that holds it in clear is not sealed
    if len(opened) != min(octets, (last + 1) * CHUNK_OCTETS) - first * CHUNK_OCTETS:
        raise BlobAltered(f"blob {blob_id} is not as long as it was")
    offset = start - first * CHUNK_OCTETS
    return opened[offset : offset + end - start]


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is read of a body along with its message: its first chunk, still sealed."""

    blob_id: BlobId
    wrapped: bytes
    object_id: bytes
    octets: int
    chunks: int
    sealed: bytes


def open_beginning(account: AccountSeal, body: Beginning) -> bytes:
    """The first 64 KiB of a body, or all of a shorter one; raises :class:`BlobAltered`."""
    if body.chunks != max(0, body.octets - 1) // CHUNK_OCTETS + 1:
        raise BlobAltered(f"blob {body.blob_id} is not as long as it was")
    seal = _object_seal(account, body.blob_id, body.object_id, body.wrapped)
    try:
        opened = seal.open_chunk(0, body.chunks == 1, body.sealed)
    except Exception as error:
        raise BlobAltered(f"blob {body.blob_id} chunk 0 does not open") from error
    if len(opened) != min(body.octets, CHUNK_OCTETS):
        raise BlobAltered(f"blob {body.blob_id} is not as long as it was")
    return opened


def _count_holder(tx: Transaction, blob_id: BlobId, change: int) -> int:
    holders = tx.sql(
        "UPDATE blobs SET holders = holders + ? WHERE blob_id = ? RETURNING holders",
        (change, blob_id),
    ).scalar()
    if holders is None:
        raise BlobAltered(f"blob {blob_id} is missing")
    return int(holders)


def _object_seal(
    account: AccountSeal, blob_id: BlobId, object_id: bytes, wrapped: bytes
) -> ObjectSeal:
    try:
        return account.object(object_id, wrapped)
    except Exception as error:
        # which exception says "does not open" belongs to the sealing that was handed in
        raise BlobAltered(f"the key of blob {blob_id} does not open") from error


def _chunks(
    view: View, seal: ObjectSeal, blob_id: BlobId, first: int, last: int, total: int
) -> Iterator[bytes]:
    base = blob_id << SHIFT
    rows = view.sql(
        # whatever type somebody gave a chunk, it comes as octets and then does not open
        "SELECT chunk_id, CAST(sealed AS BLOB) FROM blob_chunks"
        " WHERE chunk_id BETWEEN ? AND ? ORDER BY chunk_id",
        (base + first, base + last),
    )
    expected = first
    for chunk_id, sealed in rows:
        position = chunk_id - base
        if position != expected:
            break
        try:
            opened = seal.open_chunk(position, position == total - 1, sealed)
        except Exception as error:
            raise BlobAltered(f"blob {blob_id} chunk {position} does not open") from error
        yield opened
        expected += 1
    if expected != last + 1:
        raise BlobAltered(f"blob {blob_id} chunk {expected} is missing")
