"""Adapters that do nothing well: preferred to mocks, because they obey the same laws.

:class:`NullSealing` keeps the shape of ``certs.sealing`` without its cost. It seals nothing, but
it still refuses what the real one refuses: another account's bytes, another context, another
chunk, so that a test of the store cannot pass by mixing them up.
"""

import hashlib
import itertools
from dataclasses import dataclass

from mailbox_store.vault import ObjectSeal

CHUNK = 64 * 1024


class CannotOpenNull(Exception):
    """What was handed in was sealed for something else."""


def _pack(label: bytes, plain: bytes) -> bytes:
    return len(label).to_bytes(2, "big") + label + plain


def _unpack(label: bytes, packed: bytes) -> bytes:
    head = _pack(label, b"")
    if not packed.startswith(head):
        raise CannotOpenNull(f"not sealed for {label!r}")
    return packed[len(head) :]


@dataclass(frozen=True, slots=True)
class NullObjectSeal:
    """One body in chunks; each chunk knows its number and whether it is the last."""

    object_id: bytes
    key: bytes

    def _label(self, index: int, is_last: bool) -> bytes:
        return b"chunk|%b|%b|%d|%d" % (self.object_id, self.key, index, is_last)

    def seal_chunks(self, plain: bytes) -> list[bytes]:
        pieces = [plain[start : start + CHUNK] for start in range(0, len(plain), CHUNK)] or [b""]
        last = len(pieces) - 1
        return [_pack(self._label(n, n == last), piece) for n, piece in enumerate(pieces)]

    def open_chunk(self, index: int, is_last: bool, chunk: bytes) -> bytes:
        return _unpack(self._label(index, is_last), chunk)


@dataclass(frozen=True, slots=True)
class NullAccountSeal:
    """The values of one account."""

    account_id: int
    slot: int

    def _label(self, context: bytes) -> bytes:
        return b"account|%d|%b" % (self.account_id, context)

    def seal(self, plain: bytes, context: bytes) -> bytes:
        return _pack(self._label(context), plain)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        return _unpack(self._label(context), sealed)

    def new_object(self, object_id: bytes) -> tuple[NullObjectSeal, bytes]:
        made = NullObjectSeal(object_id, b"%d" % next(_KEYS))
        return made, self.share(object_id, made)

    def object(self, object_id: bytes, wrapped: bytes) -> NullObjectSeal:
        return NullObjectSeal(object_id, _unpack(self._label(object_id), wrapped))

    def share(self, object_id: bytes, other: ObjectSeal) -> bytes:
        if not isinstance(other, NullObjectSeal):
            raise TypeError(f"a NullObjectSeal is shared here, not {other!r}")
        return _pack(self._label(object_id), other.key)


_KEYS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class NullBlindIndex:
    """Equal values meet, and the kind keeps them apart; anybody could compute it."""

    def of(self, kind: str, value: str) -> bytes:
        return hashlib.sha256(f"{kind}\0{value}".encode()).digest()[:16]


@dataclass(frozen=True, slots=True)
class NullSealing:
    """The key tree, its keys being names."""

    def new_slot_key(self, slot: int) -> bytes:
        return b"slot|%d" % slot

    def new_account_key(self, slot: int, wrapped_slot_key: bytes, account_id: int) -> bytes:
        self._check(wrapped_slot_key, self.new_slot_key(slot))
        return b"account-key|%d|%d" % (slot, account_id)

    def account(
        self, slot: int, wrapped_slot_key: bytes, wrapped_account_key: bytes, account_id: int
    ) -> NullAccountSeal:
        expected = self.new_account_key(slot, wrapped_slot_key, account_id)
        self._check(wrapped_account_key, expected)
        return NullAccountSeal(account_id, slot)

    def new_index_key(self) -> bytes:
        return b"index-key"

    def index(self, wrapped: bytes) -> NullBlindIndex:
        self._check(wrapped, self.new_index_key())
        return NullBlindIndex()

    def _check(self, given: bytes, expected: bytes) -> None:
        if given != expected:
            raise CannotOpenNull(f"{given!r} is not {expected!r}")
