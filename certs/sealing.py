"""Authenticated encryption at rest: the tree of keys, and the sealers handed to the stores.

Root key → slot keys → one key per account → one key per object (a body), each wrapped by the one
above; AES-256-GCM everywhere (NIST SP 800-38D). Every sealed value begins with ``VERSION``, and is
bound to what it is, whose it is and where it lies by its associated data, so that a value moved
elsewhere does not open.

Nonces of values and wrapped keys are 96 random bits: with n values under one key two collide with
probability n²/2⁹⁷, that is 2⁻³³ after 2³² values; an account stays far below. Bodies use STREAM
(Hoang, Reyhanitabar, Rogaway, Vizár, 2015): nonce = prefix (7 octets) ‖ counter (4) ‖ last (1).
The prefix is zero, because an object key is drawn for one content and seals once; repeating it is
refused (:class:`AlreadySealed`).
"""

import hmac
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from certs.errors import AlreadySealed, CannotOpen, OpenReason, RootKeyRefused

VERSION = b"\x01"
"""First octet of every sealed value: AES-256-GCM, laid out as this module says."""

CHUNK_OCTETS = 65_536
"""Octets of plain text in a chunk of a body; every chunk but the last is full."""

OVERHEAD_OCTETS = 29
"""What sealing adds to a value: version, nonce, tag. A chunk has no nonce: 17."""

_KEY_OCTETS = 32
_NONCE_OCTETS = 12
_INDEX_OCTETS = 16
_ROOT_LINE = "mss-root-key:1:"
_STREAM_PREFIX = bytes(7)

Random = Callable[[int], bytes]
"""A source of random octets: ``os.urandom``, or a fixed one in known-answer tests."""


SomeSeal = object
"""An ``ObjectSeal`` as the store hands it back: it knows sealers only by their shape."""


def _number(value: int) -> bytes:
    return value.to_bytes(8, "big")


def _seal(aead: AESGCM, random: Random, plain: bytes, associated: bytes) -> bytes:
    nonce = random(_NONCE_OCTETS)
    return VERSION + nonce + aead.encrypt(nonce, plain, associated)


def _open(aead: AESGCM, sealed: bytes, associated: bytes) -> bytes:
    if sealed[:1] != VERSION or len(sealed) < OVERHEAD_OCTETS:
        raise CannotOpen(OpenReason.ALTERED)
    try:
        return aead.decrypt(sealed[1:13], sealed[13:], associated)
    except InvalidTag:
        raise CannotOpen(OpenReason.ALTERED) from None


class _Closed:
    """What holds a key is neither copied, pickled nor printed."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key does not leave")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class RootKey(_Closed):
    """The key above all others: 256 random bits in a file that only its owner reads."""

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_OCTETS:
            raise RootKeyRefused("a root key has 32 octets")
        self._aead = AESGCM(key)

    @classmethod
    def create(cls, path: Path, random: Random = os.urandom) -> "RootKey":
        """Draw a key and write it to ``path``, mode 0600, durably.

        Raises FileExistsError when the file is there: losing a root key loses everything.
        """
        key = random(_KEY_OCTETS)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{_ROOT_LINE}{key.hex()}\n")
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return cls(key)

    @classmethod
    def load(cls, path: Path) -> "RootKey":
        """Read the key of ``path``.

        Raises :class:`RootKeyRefused` when group or others may read the file, or when it is not a
        root key of a known version; FileNotFoundError when there is none.
        """
        with path.open(encoding="ascii", errors="replace") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise RootKeyRefused("the root key file is open to others than its owner")
            line = file.read(len(_ROOT_LINE) + 2 * _KEY_OCTETS + 2).rstrip("\n")
        if not line.startswith(_ROOT_LINE):
            raise RootKeyRefused("not a root key of a known version")
        try:
            return cls(bytes.fromhex(line[len(_ROOT_LINE) :]))
        except ValueError:
            raise RootKeyRefused("the root key file is damaged") from None


class ObjectSeal(_Closed):
    """Seals one body in chunks under its own key; shared by all who may open that body."""

    __slots__ = ("_aead", "_associated", "_fresh", "_key", "_object_id")

    def __init__(self, object_id: bytes, key: bytes, *, fresh: bool) -> None:
        self._object_id = object_id
        self._key = key
        self._aead = AESGCM(key)
        self._associated = b"mss\x01chunk\x00" + object_id
        self._fresh = fresh

    def seal_chunks(self, plain: bytes) -> list[bytes]:
        """The sealed chunks of ``plain``, in order; an empty content has one, empty chunk.

        At most 2³² chunks (256 TiB). Raises :class:`AlreadySealed` on a key that was used before.
        """
        if not self._fresh:
            raise AlreadySealed
        self._fresh = False
        encrypt, associated = self._aead.encrypt, self._associated
        whole = memoryview(plain)
        last = max(0, (len(plain) - 1) // CHUNK_OCTETS)
        return [
            VERSION
            + encrypt(
                _chunk_nonce(index, is_last=index == last),
                whole[index * CHUNK_OCTETS : (index + 1) * CHUNK_OCTETS],
                associated,
            )
            for index in range(last + 1)
        ]

    def open_chunk(self, index: int, is_last: bool, chunk: bytes) -> bytes:
        """The plain text of the chunk at ``index``.

        Raises :class:`CannotOpen` when it is altered, of another body, at another place, or when
        ``is_last`` is not what it was: so a body cut or made longer at a chunk's edge is noticed.
        """
        if chunk[:1] != VERSION or not 0 <= index < 1 << 32:
            raise CannotOpen(OpenReason.ALTERED)
        try:
            return self._aead.decrypt(
                _chunk_nonce(index, is_last=is_last), memoryview(chunk)[1:], self._associated
            )
        except InvalidTag:
            raise CannotOpen(OpenReason.ALTERED) from None


def _chunk_nonce(index: int, *, is_last: bool) -> bytes:
    return _STREAM_PREFIX + index.to_bytes(4, "big") + (b"\x01" if is_last else b"\x00")


class AccountSeal(_Closed):
    """Seals the values of one account, and wraps the keys of the bodies that it may open."""

    __slots__ = ("_aead", "_random", "_value", "_wrap")

    def __init__(self, account_id: int, key: bytes, random: Random) -> None:
        self._aead = AESGCM(key)
        self._random = random
        self._value = b"mss\x01value\x00" + _number(account_id)
        self._wrap = b"mss\x01object\x00" + _number(account_id)

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Seal a value; ``context`` says what and where it is and must be given again to open."""
        return _seal(self._aead, self._random, plain, self._value + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """The value sealed with this ``context``; raises :class:`CannotOpen`.

        On the path of every FETCH: nothing is called here that can be inlined.
        """
        if sealed[:1] != VERSION or len(sealed) < OVERHEAD_OCTETS:
            raise CannotOpen(OpenReason.ALTERED)
        try:
            return self._aead.decrypt(sealed[1:13], sealed[13:], self._value + context)
        except InvalidTag:
            raise CannotOpen(OpenReason.ALTERED) from None

    def new_object(self, object_id: bytes) -> tuple[ObjectSeal, bytes]:
        """A seal with a fresh key for one body, and that key wrapped under this account."""
        fresh = ObjectSeal(object_id, self._random(_KEY_OCTETS), fresh=True)
        return fresh, self.share(object_id, fresh)

    def object(self, object_id: bytes, wrapped: bytes) -> ObjectSeal:
        """The seal of a body whose key this account holds; raises :class:`CannotOpen`."""
        return ObjectSeal(
            object_id, _open(self._aead, wrapped, self._wrap + object_id), fresh=False
        )

    def share(self, object_id: bytes, other: SomeSeal) -> bytes:
        """The key of ``other`` wrapped under this account, so that this account opens it too.

        Raises TypeError when ``other`` is not the :class:`ObjectSeal` of that object.
        """
        if not isinstance(other, ObjectSeal) or other._object_id != object_id:
            raise TypeError("not the seal of this object")
        return _seal(self._aead, self._random, other._key, self._wrap + object_id)


class BlindIndex(_Closed):
    """Keyed digest of a value: equal values meet, nobody without the key learns the value."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, kind: str, value: str) -> bytes:
        """16 octets of HMAC-SHA-256 (RFC 2104); the same value of another kind differs.

        Truncation to 128 bits is RFC 2104 §5; ``kind`` holds no NUL.
        """
        text = f"{kind}\x00{value}".encode()
        return hmac.digest(self._key, text, "sha256")[:_INDEX_OCTETS]


class Sealing:
    """The key tree of a site: makes and opens wrapped keys; keeps none but the root.

    Whoever asks for account seals keeps them: opening one costs two decryptions.
    """

    __slots__ = ("_random", "_root")

    def __init__(self, root: RootKey, random: Random = os.urandom) -> None:
        self._root = root
        self._random = random

    def _new_key(self, parent: AESGCM, associated: bytes) -> bytes:
        return _seal(parent, self._random, self._random(_KEY_OCTETS), associated)

    def _slot(self, slot: int, wrapped: bytes) -> AESGCM:
        return AESGCM(_open(self._root._aead, wrapped, _slot_context(slot)))

    def new_slot_key(self, slot: int) -> bytes:
        """A fresh slot key, wrapped under the root."""
        return self._new_key(self._root._aead, _slot_context(slot))

    def new_account_key(self, slot: int, wrapped_slot_key: bytes, account_id: int) -> bytes:
        """A fresh account key, wrapped under its slot's; raises :class:`CannotOpen`."""
        parent = self._slot(slot, wrapped_slot_key)
        return self._new_key(parent, _account_context(slot, account_id))

    def account(
        self, slot: int, wrapped_slot_key: bytes, wrapped_account_key: bytes, account_id: int
    ) -> AccountSeal:
        """The sealer of an account; raises :class:`CannotOpen`."""
        parent = self._slot(slot, wrapped_slot_key)
        key = _open(parent, wrapped_account_key, _account_context(slot, account_id))
        return AccountSeal(account_id, key, self._random)

    def new_index_key(self) -> bytes:
        """A fresh key for the blind index, wrapped under the root."""
        return self._new_key(self._root._aead, b"mss\x01index\x00")

    def index(self, wrapped: bytes) -> BlindIndex:
        """The site's blind index; raises :class:`CannotOpen`."""
        return BlindIndex(_open(self._root._aead, wrapped, b"mss\x01index\x00"))


def _slot_context(slot: int) -> bytes:
    return b"mss\x01slot\x00" + _number(slot)


def _account_context(slot: int, account_id: int) -> bytes:
    return b"mss\x01account\x00" + _number(slot) + _number(account_id)
