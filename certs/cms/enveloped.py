"""Enveloped-data (RFC 5652 §6) and authenticated-enveloped-data (RFC 5083): close, open.

CBC proves nothing about its content: an envelope closed so holds a signed message, and what is
opened counts only once the signature inside is verified. GCM shows by its tag that nothing was
altered, and not who wrote it.

Opening says no more than that it failed: a wrong key, a wrong padding, a wrong content key and a
wrong tag take the same path and raise the same :class:`CannotOpen` (RFC 3218 §2.3).
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from certs.capabilities import CLASSIC, Protection
from certs.certificate import Certificate
from certs.cms import content_info, der, encryption, identifier, oids
from certs.cms.agreement import Agreed
from certs.cms.drawing import NOT_KEPT, Drawn, draw
from certs.cms.encryption import Content
from certs.cms.envelope import Envelope
from certs.cms.envelope import read as read_envelope
from certs.cms.recipients import Openers, Recipient
from certs.cms.transport import Transported
from certs.errors import (
    AlgorithmRefused,
    CannotOpen,
    DerMalformed,
    OpenReason,
)
from certs.keyring import PrivateKey

MAX_ATTEMPTS = 8
"""Keys tried on one envelope: each attempt costs the decryption of the whole content."""

_CHUNK = 1024 * 1024
_PRIMITIVE_TAG_0 = 0x80


# --- closing -------------------------------------------------------------------------------------


def make_enveloped(
    content: bytes | Iterable[bytes],
    recipients: Sequence[Certificate] | Drawn,
    protection: Protection = CLASSIC,
) -> bytes:
    """The DER of a ContentInfo with (auth-)enveloped-data that each of ``recipients`` opens.

    What was :class:`Drawn` before closes its content to the same octets each time; it brings its
    own protection. A content in bytes is encrypted straight into the result; in pieces, it costs a
    copy more. Raises :class:`CertificateNotFound` when there is no recipient, ValueError when there
    are more than ``MAX_RECIPIENTS``, :class:`AlgorithmRefused` when a key is too weak or cannot
    receive, :class:`OtherContent` when what was drawn is not for this content.
    """
    if not isinstance(content, bytes):
        return b"".join(enveloped_pieces(content, recipients, protection))
    closing = _closing(content, recipients, protection)
    octets = encryption.sealed_octets(closing.content, len(content))
    head = _head(closing, octets)
    end = len(head) + octets
    whole = encryption.reserved(end + _mac_octets(closing.content))
    with whole.getbuffer() as view:
        view[: len(head)] = head
        tag = encryption.seal_into(closing.content, closing.key, content, view[len(head) : end])
        view[end:] = _mac(tag)
    return whole.getvalue()


def enveloped_pieces(
    content: bytes | Iterable[bytes],
    recipients: Sequence[Certificate] | Drawn,
    protection: Protection = CLASSIC,
) -> list[bytes]:
    """The same in pieces, to be written or joined once; the content is never held whole.

    Raises as :func:`make_enveloped` does; of a content in pieces nothing is given away either
    before its digest was found right.
    """
    closing = _closing(content, recipients, protection)
    plain: Iterable[bytes | memoryview] = (
        _chunks(content) if isinstance(content, bytes) else content
    )
    is_unchecked = isinstance(recipients, Drawn) and not isinstance(content, bytes)
    digest = hashlib.sha256() if is_unchecked else None
    if digest is not None:
        plain = _digested(plain, digest)
    pieces, tag = encryption.seal_pieces(closing.content, closing.key, plain)
    if digest is not None:
        closing.check(digest.digest())
    return [_head(closing, sum(map(len, pieces))), *pieces, _mac(tag)]


def _chunks(content: bytes) -> Iterator[memoryview]:
    view = memoryview(content)
    return (view[at : at + _CHUNK] for at in range(0, len(view), _CHUNK))


def _digested(
    pieces: Iterable[bytes | memoryview], digest: "hashlib._Hash"
) -> Iterator[bytes | memoryview]:
    for piece in pieces:
        digest.update(piece)
        yield piece


def _closing(
    content: bytes | Iterable[bytes],
    recipients: Sequence[Certificate] | Drawn,
    protection: Protection,
) -> Drawn:
    """What closes this content: drawn for it now, or before, and then for no other."""
    if not isinstance(recipients, Drawn):
        return draw(recipients, protection, NOT_KEPT)
    if isinstance(content, bytes):
        recipients.check(hashlib.sha256(content).digest())
    return recipients


def _head(closing: Drawn, octets: int) -> bytes:
    """All that stands before ``octets`` of ciphertext."""
    kind = oids.ID_ENVELOPED_DATA
    if closing.content.is_authenticated:
        kind = oids.ID_AUTH_ENVELOPED_DATA
    inner = (
        oids.ID_DATA + encryption.identifier(closing.content) + der.header(_PRIMITIVE_TAG_0, octets)
    )
    enveloped = (
        closing.version
        + closing.recipient_infos
        + der.header(der.SEQUENCE, len(inner) + octets)
        + inner
    )
    return content_info.head(kind, enveloped, octets + _mac_octets(closing.content))


def _mac(tag: bytes) -> bytes:
    """The element after the ciphertext, when there is a tag."""
    return der.tlv(der.OCTET_STRING, tag) if tag else b""


def _mac_octets(content: Content) -> int:
    return len(_mac(bytes(content.tag_octets)))


# --- opening -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opening:
    """What an envelope held, opened by one of our keys.

    ``algorithm`` is its name in the table; ``is_authenticated`` says that the tag of an
    authenticated encryption was found right. ``recipients`` are all for whom it was closed, as
    ``serial:hex`` or ``ski:hex``, in the order of the envelope.
    """

    content: bytes
    algorithm: str
    is_authenticated: bool
    recipients: tuple[str, ...]


def open_enveloped(
    blob: bytes,
    keys: Sequence[tuple[Certificate, PrivateKey]],
    max_size: int = der.MAX_OCTETS,
) -> Opening:
    """The content of a ContentInfo with (auth-)enveloped-data, in DER or streamed BER.

    ``keys``: every key that may open it, old ones too, each with its certificate. Whatever comes
    out of CBC is **not authenticated**, and nothing that comes out says who wrote it. At most
    ``max_size`` octets of blob. Raises :class:`CannotOpen`.
    """
    envelope = read_envelope(blob, max_size)
    content = _content(envelope)
    openers = Openers(keys)
    tried: list[Recipient] = []
    refused: list[tuple[OpenReason, Recipient]] = []
    for recipient in envelope.recipients:
        for key in openers.of(recipient):
            try:
                lock = recipient.accepted()
            except AlgorithmRefused:
                refused.append((OpenReason.ALGORITHM_REFUSED, recipient))
                break
            except DerMalformed:
                refused.append((OpenReason.MALFORMED, recipient))
                break
            if len(tried) == MAX_ATTEMPTS:
                break
            tried.append(recipient)
            plain = _attempt(lock, key, content, envelope)
            if plain is not None:
                return Opening(
                    plain,
                    content.algorithm.name,
                    content.is_authenticated,
                    _readable(envelope.recipients),
                )
    if tried:
        raise CannotOpen(OpenReason.ALTERED, _readable(tried))
    if refused:
        raise CannotOpen(refused[0][0], _readable([each for _, each in refused]))
    raise CannotOpen(OpenReason.NOT_FOR_US, _readable(envelope.recipients))


def _readable(found: Iterable[Recipient]) -> tuple[str, ...]:
    return tuple(identifier.readable(each.identifier) for each in found)


def _attempt(
    lock: Transported | Agreed, private: PrivateKey, content: Content, envelope: Envelope
) -> bytes | None:
    """The content, or None: nothing tells which step failed, and no step is left out.

    Where no content key of the right size comes out, a random one stands in for it, and what it
    decrypts is thrown away (RFC 3218 §2.3.2).
    """
    stand_in = os.urandom(content.key_octets)
    try:
        found = lock.unwrapped(private)
    except ValueError:
        found = b""
    is_content_key = len(found) == content.key_octets
    key = found if is_content_key else stand_in
    try:
        plain = encryption.opened(
            content, key, envelope.ciphertext, envelope.tag, envelope.associated
        )
    except ValueError:
        return None
    return plain if is_content_key else None


def _content(envelope: Envelope) -> Content:
    try:
        content = encryption.accepted(envelope.algorithm, envelope.kind)
    except AlgorithmRefused:
        raise CannotOpen(OpenReason.ALGORITHM_REFUSED) from None
    except DerMalformed:
        raise CannotOpen(OpenReason.MALFORMED) from None
    if len(envelope.tag) != content.tag_octets:
        raise CannotOpen(OpenReason.MALFORMED)
    return content
