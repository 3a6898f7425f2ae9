"""The content of an envelope: AES-CBC (RFC 3565) or AES-GCM (RFC 5084), without needless copies.

One buffer of the right size is filled by the cipher and given away as bytes: a message of 20 MB
costs 20 MB more, not 60. Nothing leaves before the padding, or the tag, was found right.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import AEADEncryptionContext, Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, GCM

from certs import algorithms
from certs.algorithms import KEY_OCTETS, Algorithm, Kind
from certs.cms import der
from certs.cms.der import Reader
from certs.errors import DerMalformed

BLOCK_OCTETS = 16
TAG_OCTETS = 16
"""Size of the tags that we make: the whole one."""

NONCE_OCTETS = 12
"""RFC 5084 §3.2 recommends it: the only size that GCM uses as it is."""

_MIN_NONCE, _MAX_NONCE = 8, 64
_TAG_BY_DEFAULT = 12
"""RFC 5084 §3.2: aes-ICVlen DEFAULT 12."""
_TAG_SIZES = range(12, 17)
_PADDING = padding.PKCS7(8 * BLOCK_OCTETS)  # RFC 5652 §6.3

Parts = Sequence[bytes | memoryview]
"""A content in pieces, in order, none of them copied."""


@dataclass(frozen=True, slots=True)
class Content:
    """How one content is encrypted: the algorithm, its vector or nonce, octets of tag (CBC: 0)."""

    algorithm: Algorithm
    nonce: bytes
    tag_octets: int

    @property
    def key_octets(self) -> int:
        """Size of the content key."""
        return KEY_OCTETS[self.algorithm.name]

    @property
    def is_authenticated(self) -> bool:
        """Whether it has a tag."""
        return self.tag_octets > 0


def drawn(name: str) -> Content:
    """New parameters for the content encryption of that name, from the system's randomness."""
    row = algorithms.named(name)
    if row.kind is Kind.AUTHENTICATED_ENCRYPTION:
        return Content(row, os.urandom(NONCE_OCTETS), TAG_OCTETS)
    return Content(row, os.urandom(BLOCK_OCTETS), 0)


def identifier(content: Content) -> bytes:
    """The AlgorithmIdentifier, in DER."""
    nonce = der.tlv(der.OCTET_STRING, content.nonce)
    if content.is_authenticated:
        nonce = der.tlv(der.SEQUENCE, nonce, der.integer(content.tag_octets))
    return der.tlv(der.SEQUENCE, der.oid(content.algorithm.oid), nonce)


def accepted(algorithm: tuple[bytes, bytes], kind: Kind) -> Content:
    """The parameters read, of CBC or of GCM by ``kind``: neither stands in for the other.

    Raises :class:`AlgorithmRefused`, :class:`DerMalformed`.
    """
    oid, parameters = algorithm
    row = algorithms.accepted(kind, oid)
    outer = Reader(parameters)
    if kind is Kind.CONTENT_ENCRYPTION:
        vector = outer.content(der.OCTET_STRING)
        outer.finish()
        if len(vector) != BLOCK_OCTETS:
            raise DerMalformed("initialisation vector")
        return Content(row, vector, 0)
    inside = outer.enter(der.SEQUENCE)
    outer.finish()
    nonce = inside.content(der.OCTET_STRING)
    octets = inside.small_integer() if inside.peek() >= 0 else _TAG_BY_DEFAULT
    inside.finish()
    if not _MIN_NONCE <= len(nonce) <= _MAX_NONCE or octets not in _TAG_SIZES:
        raise DerMalformed("parameters of gcm")
    return Content(row, nonce, octets)


# --- closing -------------------------------------------------------------------------------------


def sealed_octets(content: Content, octets: int) -> int:
    """Size of the ciphertext of so many octets, without the tag."""
    return octets if content.is_authenticated else octets + BLOCK_OCTETS - octets % BLOCK_OCTETS


def seal_into(content: Content, key: bytes, plain: bytes, out: memoryview) -> bytes:
    """Encrypt ``plain`` into ``out``, of the size of the ciphertext; the tag (CBC: nothing)."""
    encryptor = _encryptor(content, key)
    source = memoryview(plain)
    whole = len(plain)
    if not content.is_authenticated:
        whole -= len(plain) % BLOCK_OCTETS
    encryptor.update_into(source[:whole], out)
    if not content.is_authenticated:
        tail = bytes(source[whole:])
        missing = BLOCK_OCTETS - len(tail)
        out[whole:] = encryptor.update(tail + bytes((missing,)) * missing)
    encryptor.finalize()
    return _tag(encryptor)


def seal_pieces(
    content: Content, key: bytes, plain: Iterable[bytes | memoryview]
) -> tuple[list[bytes], bytes]:
    """(pieces of the ciphertext, tag) of a content that comes in pieces."""
    encryptor = _encryptor(content, key)
    pieces: list[bytes] = []
    octets = 0
    for each in plain:
        octets += len(each)
        pieces.append(encryptor.update(each))
    if not content.is_authenticated:
        missing = BLOCK_OCTETS - octets % BLOCK_OCTETS
        pieces.append(encryptor.update(bytes((missing,)) * missing))
    encryptor.finalize()
    return pieces, _tag(encryptor)


def _encryptor(content: Content, key: bytes) -> CipherContext:
    mode = GCM(content.nonce) if content.is_authenticated else CBC(content.nonce)
    encryptor: CipherContext = Cipher(AES(key), mode).encryptor()
    return encryptor


def _tag(encryptor: CipherContext) -> bytes:
    return encryptor.tag if isinstance(encryptor, AEADEncryptionContext) else b""


# --- opening -------------------------------------------------------------------------------------


def opened(content: Content, key: bytes, parts: Parts, tag: bytes, associated: bytes) -> bytes:
    """The plain text. Raises ValueError, always the same, when anything is not right.

    ``associated``: octets that the tag covers too; nothing for CBC.
    """
    try:
        if content.is_authenticated:
            mode = GCM(content.nonce, tag, min_tag_length=content.tag_octets)
            decryptor = Cipher(AES(key), mode).decryptor()
            decryptor.authenticate_additional_data(associated)
            return _through(decryptor, parts, _nothing_left)
        return _through(Cipher(AES(key), CBC(content.nonce)).decryptor(), parts, _padding_of)
    except (ValueError, InvalidTag):
        raise ValueError("decryption failed") from None


def _through(decryptor: CipherContext, parts: Parts, left_over: Callable[[bytes], int]) -> bytes:
    octets = sum(map(len, parts))
    buffer = reserved(octets + BLOCK_OCTETS)
    with buffer.getbuffer() as view:
        at = 0
        for part in parts:
            at += decryptor.update_into(part, view[at:])
        decryptor.finalize()
        at -= left_over(bytes(view[max(at - BLOCK_OCTETS, 0) : at]))
    buffer.truncate(at)
    return buffer.getvalue()


def _nothing_left(_last: bytes) -> int:
    return 0


def _padding_of(last: bytes) -> int:
    """Octets of padding in the last block; raises ValueError."""
    unpadder = _PADDING.unpadder()
    return len(last) - len(unpadder.update(last)) - len(unpadder.finalize())


def reserved(octets: int) -> BytesIO:
    """A buffer of so many octets, zero, whose value is given away without a copy."""
    buffer = BytesIO()
    if octets:
        buffer.seek(octets - 1)
        buffer.write(b"\x00")
    return buffer
