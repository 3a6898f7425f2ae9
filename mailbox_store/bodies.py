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

_SHIFT = 16
"""A blob has at most 65,536 chunks: 4 GiB, far above any message limit."""


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
    """Write a sealed body; its first holder is counted."""
    blob_id: int = tx.sql(
        "INSERT INTO blobs (object_id, octets, chunks, holders) VALUES (?, ?, ?, 1)"
        " RETURNING blob_id",
        (body.object_id, body.octets, len(body.chunks)),
    ).scalar_one()
    for position, chunk in enumerate(body.chunks):
        tx.sql(
            "INSERT INTO blob_chunks (chunk_id, sealed) VALUES (?, ?)",
            ((blob_id << _SHIFT) + position, chunk),
        )
    return BlobId(blob_id)


def retain(tx: Transaction, blob_id: BlobId) -> None:
    """Count one more holder of a stored body."""
    tx.sql("UPDATE blobs SET holders = holders + 1 WHERE blob_id = ?", (blob_id,))


def release(tx: Transaction, blob_id: BlobId) -> None:
    """Count one holder less; the last one takes the body with it."""
    holders = tx.sql(
        "UPDATE blobs SET holders = holders - 1 WHERE blob_id = ? RETURNING holders", (blob_id,)
    ).scalar_one()
    if holders == 0:
        first = blob_id << _SHIFT
        tx.sql(
            "DELETE FROM blob_chunks WHERE chunk_id >= ? AND chunk_id < ?",
            (first, first + (1 << _SHIFT)),
        )
        tx.sql("DELETE FROM blobs WHERE blob_id = ?", (blob_id,))


def open_body(
    view: View, account: AccountSeal, blob_id: BlobId, wrapped: bytes
) -> tuple[ObjectSeal, bytes]:
    """The seal of a stored body and its object id, for a holder that keeps its key wrapped."""
    object_id = view.sql("SELECT object_id FROM blobs WHERE blob_id = ?", (blob_id,)).scalar()
    if object_id is None:
        raise BlobAltered(f"blob {blob_id} is missing")
    return account.object(bytes(object_id), wrapped), bytes(object_id)


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
    Raises :class:`BlobAltered` when a chunk is missing or does not open.
    """
    head = view.sql(
        "SELECT object_id, octets, chunks FROM blobs WHERE blob_id = ?", (blob_id,)
    ).first()
    if head is None:
        raise BlobAltered(f"blob {blob_id} is missing")
    end = head.octets if length is None else min(head.octets, start + length)
    if start >= end:
        return b""
    seal = account.object(bytes(head.object_id), wrapped)
    first, last = start // CHUNK_OCTETS, (end - 1) // CHUNK_OCTETS
    opened = b"".join(_chunks(view, seal, blob_id, first, last, head.chunks))
    offset = start - first * CHUNK_OCTETS
    return opened[offset : offset + end - start] if offset or len(opened) != end - start else opened


def _chunks(
    view: View, seal: ObjectSeal, blob_id: BlobId, first: int, last: int, total: int
) -> Iterator[bytes]:
    base = blob_id << _SHIFT
    rows = view.sql(
        "SELECT chunk_id, sealed FROM blob_chunks WHERE chunk_id BETWEEN ? AND ? ORDER BY chunk_id",
        (base + first, base + last),
    )
    expected = first
    for chunk_id, sealed in rows:
        position = chunk_id - base
        if position != expected:
            break
        try:
            yield seal.open_chunk(position, position == total - 1, bytes(sealed))
        except Exception as error:
            raise BlobAltered(f"blob {blob_id} chunk {position} does not open") from error
        expected += 1
    if expected != last + 1:
        raise BlobAltered(f"blob {blob_id} chunk {expected} is missing")
