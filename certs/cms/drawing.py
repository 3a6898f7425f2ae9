"""Everything random about an envelope, drawn before its content is closed, and kept if need be.

Whoever sends an envelope and loses the answer sends the same octets again: what was drawn is kept
until the answer is known. A key and a nonce close one content and no other (NIST SP 800-38D §8: a
second one under the same nonce of GCM gives both away), so what is drawn is bound to a digest.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, get_args

from certs import algorithms
from certs.algorithms import Kind
from certs.capabilities import ContentName, Protection
from certs.certificate import Certificate, to_der
from certs.cms import der, encryption, identifier, recipients
from certs.cms.der import Reader
from certs.cms.encryption import Content
from certs.cms.recipients import MAX_RECIPIENTS
from certs.errors import CertificateNotFound, DerMalformed, NotFoundReason

MAX_OCTETS: Final = 1024 * 1024
"""Largest form read back: 200 recipients with RSA-4096 keys take some 140 kB."""

_VERSION_0, _VERSION_2 = der.integer(0), der.integer(2)
_VERSIONS: Final = (_VERSION_0, _VERSION_2)
_FORM: Final = 1
_DIGEST_OCTETS: Final = hashlib.sha256().digest_size

NOT_KEPT: Final = b""
"""The digest of what closes its content at once and is then forgotten: no content has it."""


class OtherContent(ValueError):
    """What was drawn is bound to another content; closing this one with it would betray both."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """All of an envelope but its content: secret, because it holds the content key.

    ``digest`` is the SHA-256 of the only content that it closes; ``version`` and
    ``recipient_infos`` are elements in DER.
    """

    content: Content = field(repr=False)
    key: bytes = field(repr=False)
    version: bytes = field(repr=False)
    recipient_infos: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    def check(self, digest: bytes) -> None:
        """Raises :class:`OtherContent` unless ``digest`` is that of the content it is bound to."""
        if digest != self.digest:
            raise OtherContent("drawn for another content")

    def is_for(self, certificate: Certificate) -> bool:
        """Whether the key was encrypted to that certificate; raises :class:`DerMalformed`."""
        named = identifier.issuer_and_serial(to_der(certificate))
        infos = Reader(self.recipient_infos).enter(der.SET)
        return any(one.identifier == named for one in recipients.read(infos))

    def to_bytes(self) -> bytes:
        """A form to be kept sealed: it holds the content key."""
        return der.tlv(
            der.SEQUENCE,
            der.integer(_FORM),
            der.tlv(der.OCTET_STRING, self.content.algorithm.name.encode("ascii")),
            der.tlv(der.OCTET_STRING, self.content.nonce),
            der.tlv(der.OCTET_STRING, self.key),
            self.version,
            self.recipient_infos,
            der.tlv(der.OCTET_STRING, self.digest),
        )

    @classmethod
    def from_bytes(cls, kept: bytes) -> "Drawn":
        """What :meth:`to_bytes` gave; raises :class:`DerMalformed`."""
        if len(kept) > MAX_OCTETS:
            raise DerMalformed("too large")
        outer = Reader(kept)
        inside = outer.enter(der.SEQUENCE)
        outer.finish()
        if inside.small_integer() != _FORM:
            raise DerMalformed("form of what was drawn")
        content = _content(inside.content(der.OCTET_STRING), inside.content(der.OCTET_STRING))
        key, version = inside.content(der.OCTET_STRING), inside.element(der.INTEGER)
        infos, digest = inside.element(der.SET), inside.content(der.OCTET_STRING)
        inside.finish()
        is_whole = len(key) == content.key_octets and len(digest) == _DIGEST_OCTETS
        if not is_whole or version not in _VERSIONS:
            raise DerMalformed("what was drawn")
        return cls(content, key, version, infos, digest)


def draw(certificates: Sequence[Certificate], protection: Protection, digest: bytes) -> Drawn:
    """A new content key and nonce, the key encrypted to each of ``certificates``.

    ``digest``: SHA-256 of the content that will be closed. Raises :class:`CertificateNotFound`
    when there is no recipient, ValueError when there are more than ``MAX_RECIPIENTS``,
    :class:`AlgorithmRefused` when a key is too weak or cannot receive.
    """
    if not certificates:
        raise CertificateNotFound(NotFoundReason.NONE_KNOWN)
    if len(certificates) > MAX_RECIPIENTS:
        raise ValueError("too many recipients for one envelope")
    content = encryption.drawn(protection.content)
    key = os.urandom(content.key_octets)
    infos = [recipients.recipient_info(key, each, protection.transport) for each in certificates]
    all_transport = all(each[0] == der.SEQUENCE for each in infos)
    # RFC 5083 §2.1: always 0; RFC 5652 §6.1: 2 with an agreement among the recipients
    version = _VERSION_0 if all_transport or content.is_authenticated else _VERSION_2
    return Drawn(content, key, version, der.set_of(*infos), digest)


def _content(name: bytes, nonce: bytes) -> Content:
    if name.decode("latin-1") not in get_args(ContentName):
        raise DerMalformed("content encryption of what was drawn")
    row = algorithms.named(name.decode("ascii"))
    is_authenticated = row.kind is Kind.AUTHENTICATED_ENCRYPTION
    octets = encryption.NONCE_OCTETS if is_authenticated else encryption.BLOCK_OCTETS
    if len(nonce) != octets:
        raise DerMalformed("nonce of what was drawn")
    return Content(row, nonce, encryption.TAG_OCTETS if is_authenticated else 0)
