"""The keys of the store: which sealer opens what belongs to an account.

The cryptography is handed in (``certs.sealing`` in the product): this module only knows where the
wrapped keys lie. Root key, 1,024 slot keys, one key per account, one key per body.
"""

import secrets
from typing import TYPE_CHECKING, NewType, Protocol

if TYPE_CHECKING:
    from mailbox_store.database import Transaction, View

AccountId = NewType("AccountId", int)

SLOTS = 1024
"""Slot keys per site: a root key is turned by re-wrapping these, not every account's."""

REMEMBERED_ACCOUNTS = 50_000
"""Sealers kept at most; past it all are let go, and found again when they are asked for."""


class ObjectSeal(Protocol):
    """Seals one body in chunks under its own key."""

    def seal_chunks(self, plain: bytes) -> list[bytes]: ...
    def open_chunk(self, index: int, is_last: bool, chunk: bytes) -> bytes: ...


class AccountSeal(Protocol):
    """Seals values of one account, and wraps the keys of the bodies it may open."""

    def seal(self, plain: bytes, context: bytes) -> bytes: ...
    def open(self, sealed: bytes, context: bytes) -> bytes: ...
    def new_object(self, object_id: bytes) -> tuple[ObjectSeal, bytes]: ...
    def object(self, object_id: bytes, wrapped: bytes) -> ObjectSeal: ...
    def share(self, object_id: bytes, other: ObjectSeal) -> bytes: ...


class BlindIndex(Protocol):
    """Keyed HMAC of a value: equal values meet, nobody without the key learns the value."""

    def of(self, kind: str, value: str) -> bytes: ...


class Sealing(Protocol):
    """The key tree: what wraps what. ``certs.sealing.Sealing`` in the product."""

    def new_slot_key(self, slot: int) -> bytes: ...
    def new_account_key(self, slot: int, wrapped_slot_key: bytes, account_id: int) -> bytes: ...
    def account(
        self, slot: int, wrapped_slot_key: bytes, wrapped_account_key: bytes, account_id: int
    ) -> AccountSeal: ...
    def new_index_key(self) -> bytes: ...
    def index(self, wrapped: bytes) -> BlindIndex: ...


class Vault:
    """Finds and remembers the sealers of accounts.

    Only what was read outside a write transaction is remembered: an account made in a transaction
    that rolls back may give its number to another one with another key.
    """

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing
        self._accounts: dict[AccountId, AccountSeal] = {}
        self._index: BlindIndex | None = None

    @property
    def index(self) -> BlindIndex:
        """The site's blind index; known once :meth:`initialise` has run."""
        if self._index is None:
            raise RuntimeError("the vault is not initialised")
        return self._index

    def initialise(self, tx: "Transaction") -> None:
        """Make slot keys and index key on the first start; load the index key on every start."""
        kept = tx.sql("SELECT wrapped FROM index_keys ORDER BY version DESC LIMIT 1").first()
        if kept is None:
            wrapped = self._sealing.new_index_key()
            tx.sql("INSERT INTO index_keys (version, wrapped) VALUES (1, ?)", (wrapped,))
            for slot in range(SLOTS):
                tx.sql(
                    "INSERT INTO slot_keys (slot, version, wrapped) VALUES (?, 1, ?)",
                    (slot, self._sealing.new_slot_key(slot)),
                )
        else:
            wrapped = bytes(kept[0])
        self._index = self._sealing.index(wrapped)

    def new_account(self, tx: "Transaction", account_id: AccountId) -> tuple[int, bytes]:
        """Draw a slot and make the account's key: (slot, key wrapped under the slot's)."""
        slot = secrets.randbelow(SLOTS)
        wrapped_slot = tx.sql("SELECT wrapped FROM slot_keys WHERE slot = ?", (slot,)).scalar_one()
        return slot, self._sealing.new_account_key(slot, bytes(wrapped_slot), account_id)

    def account(self, view: "View", account_id: AccountId) -> AccountSeal:
        """The sealer of ``account_id``; KeyError when there is no such account."""
        known = self._accounts.get(account_id)
        if known is not None:
            return known
        found = view.sql(
            "SELECT a.slot, s.wrapped, a.wrapped_key FROM accounts a"
            " JOIN slot_keys s ON s.slot = a.slot WHERE a.account_id = ?",
            (account_id,),
        ).first()
        if found is None or found[2] is None:
            raise KeyError(account_id)
        seal = self._sealing.account(found[0], bytes(found[1]), bytes(found[2]), account_id)
        if not view.writes:
            if len(self._accounts) >= REMEMBERED_ACCOUNTS:
                self._accounts.clear()
            self._accounts[account_id] = seal
        return seal

    def forget(self, account_id: AccountId) -> None:
        """Drop a remembered sealer, after its key was destroyed or replaced."""
        self._accounts.pop(account_id, None)
