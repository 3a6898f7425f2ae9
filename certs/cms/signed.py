"""Signed-data (RFC 5652 §5): make it. ``verified`` verifies it, and is reached from here.

Making parses nothing: what never changes for a signer is assembled once, and a call costs one
digest of the content and one private-key operation.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from certs import algorithms
from certs.algorithms import Kind
from certs.certificate import to_der
from certs.cms import content_info, der, oids
from certs.cms.identifier import issuer_and_serial
from certs.cms.verified import VerifiedContent, verify_signed
from certs.keyring import Signer

__all__ = ["VerifiedContent", "make_signed", "verify_signed"]

_NULL = der.tlv(der.NULL)
_TAG_0 = 0xA0


@dataclass(frozen=True, slots=True)
class _Template:
    """The DER of one signer's signed-data that no content changes."""

    certificates: bytes
    signer: bytes
    attributes: tuple[bytes, ...]
    algorithm: bytes


_templates: WeakKeyDictionary[Signer, _Template] = WeakKeyDictionary()

_SHA_256 = der.tlv(der.SEQUENCE, der.oid(algorithms.named("sha-256").oid))
_HEAD = der.integer(1) + der.tlv(der.SET, _SHA_256)
_VERSION_1 = der.integer(1)


def make_signed(
    content: bytes | Iterable[bytes], signer: Signer, at: datetime, *, detached: bool = True
) -> bytes:
    """The DER of a ContentInfo with signed-data over ``content``, SHA-256, signed ``at`` (aware).

    Signed attributes: contentType, messageDigest, signingTime, SMIMECapabilities (RFC 8551 §2.5.2)
    and signingCertificateV2 (RFC 5035 §3). The certificates of the signer and of its chain go
    along. ``detached``: the content is not inside. It may come in pieces; they are never joined to
    be signed.
    """
    template = _templates.get(signer)
    if template is None:
        template = _templates[signer] = _template(signer)
    pieces = [content] if isinstance(content, bytes) else content
    kept: list[bytes] = []
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
        if not detached:
            kept.append(piece)
    attributes = b"".join(
        sorted(
            (
                *template.attributes,
                _attribute(oids.MESSAGE_DIGEST, der.tlv(der.OCTET_STRING, digest.digest())),
                _attribute(oids.SIGNING_TIME, der.time(at)),
            )
        )
    )
    signature = signer.key.sign(der.tlv(der.SET, attributes))  # RFC 5652 §5.4: signed as a SET
    signer_info = der.tlv(
        der.SEQUENCE,
        template.signer,
        der.tlv(_TAG_0, attributes),
        template.algorithm,
        der.tlv(der.OCTET_STRING, signature),
    )
    inside = [] if detached else der.wrap(_TAG_0, der.wrap(der.OCTET_STRING, kept))
    encapsulated = der.wrap(der.SEQUENCE, [oids.ID_DATA, *inside])
    signed = [_HEAD, *encapsulated, template.certificates, der.tlv(der.SET, signer_info)]
    return content_info.wrapped(oids.ID_SIGNED_DATA, signed)


def _template(signer: Signer) -> _Template:
    own = to_der(signer.certificate)
    issuers = [to_der(each) for each in signer.chain if each.subject != each.issuer]
    algorithm = algorithms.named("ecdsa-sha-256" if signer.key.elliptic else "rsa-pkcs1-v1.5")
    parameters = b"" if signer.key.elliptic else _NULL  # RFC 3370 §3.2, RFC 5754 §3.3
    return _Template(
        certificates=der.set_of(own, *issuers, tag=_TAG_0),
        signer=_VERSION_1 + issuer_and_serial(own) + _SHA_256,
        attributes=(
            _attribute(oids.CONTENT_TYPE, oids.ID_DATA),
            _attribute(oids.CAPABILITIES, _capabilities()),
            _attribute(oids.SIGNING_CERTIFICATE_V2, _signing_certificate(own)),
        ),
        algorithm=der.tlv(der.SEQUENCE, der.oid(algorithm.oid), parameters),
    )


def _attribute(oid: bytes, value: bytes) -> bytes:
    return der.tlv(der.SEQUENCE, oid, der.tlv(der.SET, value))


def _capabilities() -> bytes:
    """The content encryptions that we open, strongest first."""
    return der.tlv(
        der.SEQUENCE,
        *(
            der.tlv(der.SEQUENCE, der.oid(row.oid))
            for row in algorithms.TABLE
            if row.kind is Kind.CONTENT_ENCRYPTION and row.accept
        ),
    )


def _signing_certificate(own: bytes) -> bytes:
    # ESSCertIDv2 with the default digest, SHA-256, left out as DER demands (RFC 5035 §4)
    identifier = der.tlv(der.SEQUENCE, der.tlv(der.OCTET_STRING, hashlib.sha256(own).digest()))
    return der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, identifier))
