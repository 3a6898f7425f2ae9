"""Signed-data (RFC 5652 §5): make it. ``verified`` verifies it, and is reached from here.

Making parses nothing: what never changes for a signer is assembled once, and a call costs one
digest of the content and one private-key operation.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from weakref import WeakKeyDictionary

from certs import algorithms, capabilities
from certs.algorithms import Algorithm
from certs.certificate import to_der
from certs.cms import binding, der, oids, signature
from certs.cms.attributes import attribute
from certs.cms.identifier import issuer_and_serial, key_identifier
from certs.cms.verified import VerifiedContent, verify_signed
from certs.errors import AlgorithmRefused
from certs.keyring import Signer

__all__ = [
    "DEFAULT",
    "SigningProfile",
    "VerifiedContent",
    "digest_name",
    "make_signed",
    "signed_pieces",
    "verify_signed",
]

_NULL = der.tlv(der.NULL)
_TAG_0 = 0xA0


@dataclass(frozen=True, slots=True)
class SigningProfile:
    """How to sign, as far as there is a choice.

    ``digest``: sha-256, sha-384 or sha-512; an Ed25519 key takes sha-512 whatever it says. ``pss``:
    RSASSA-PSS, for RSA keys; the others have but one scheme. ``by_key_identifier``: the signer is
    named by the subjectKeyIdentifier of its certificate, not by issuer and serial number.
    """

    digest: str = "sha-256"
    pss: bool = False
    by_key_identifier: bool = False


DEFAULT: Final = SigningProfile()
"""What every client verifies."""


@dataclass(frozen=True, slots=True)
class _Template:
    """The DER of one signer's signed-data that no content changes."""

    head: bytes
    certificates: bytes
    signer: bytes
    attributes: tuple[bytes, ...]
    algorithm: bytes
    digest: str
    pss: bool


_templates: WeakKeyDictionary[Signer, dict[SigningProfile, _Template]] = WeakKeyDictionary()


def make_signed(
    content: bytes | Iterable[bytes],
    signer: Signer,
    at: datetime | None,
    *,
    detached: bool = True,
    profile: SigningProfile = DEFAULT,
) -> bytes:
    """The DER of a ContentInfo with signed-data over ``content``, signed ``at`` (aware).

    Signed attributes: contentType, messageDigest, signingTime unless ``at`` is None,
    SMIMECapabilities (RFC 8551 §2.5.2) and signingCertificateV2 (RFC 5035 §3). The certificates of
    the signer and of its chain go along. ``detached``: the content is not inside. It may come in
    pieces; they are never joined to be signed. Raises :class:`AlgorithmRefused` when the key or the
    table does not know the ``profile``, :class:`DerMalformed` when the certificate lacks the key
    identifier it asks for.
    """
    return b"".join(signed_pieces(content, signer, at, detached=detached, profile=profile))


def signed_pieces(
    content: bytes | Iterable[bytes],
    signer: Signer,
    at: datetime | None,
    *,
    detached: bool = True,
    profile: SigningProfile = DEFAULT,
) -> list[bytes]:
    """What :func:`make_signed` makes, in pieces to write one after the other.

    The pieces of ``content`` are among them as they came: nothing of its size is copied.
    """
    template = _template(signer, profile)
    pieces = [content] if isinstance(content, bytes) else content
    kept: list[bytes] = []
    digest = hashlib.new(template.digest.replace("-", ""))
    for piece in pieces:
        digest.update(piece)
        if not detached:
            kept.append(piece)
    signed_attributes = b"".join(
        sorted(
            (
                *template.attributes,
                *([] if at is None else [attribute(oids.SIGNING_TIME, der.time(at))]),
                attribute(oids.MESSAGE_DIGEST, der.tlv(der.OCTET_STRING, digest.digest())),
            )
        )
    )
    message = der.tlv(der.SET, signed_attributes)  # RFC 5652 §5.4: signed as a SET
    value = signer.key.sign(message, template.digest, pss=template.pss)
    signer_info = der.tlv(
        der.SEQUENCE,
        template.signer,
        der.tlv(_TAG_0, signed_attributes),
        template.algorithm,
        der.tlv(der.OCTET_STRING, value),
    )
    inside = [] if detached else der.wrap(_TAG_0, der.wrap(der.OCTET_STRING, kept))
    encapsulated = der.wrap(der.SEQUENCE, [oids.ID_DATA, *inside])
    signers = der.tlv(der.SET, signer_info)
    signed = [template.head, *encapsulated, template.certificates, signers]
    explicit = der.wrap(_TAG_0, der.wrap(der.SEQUENCE, signed))
    return der.wrap(der.SEQUENCE, [oids.ID_SIGNED_DATA, *explicit])


def digest_name(signer: Signer, profile: SigningProfile = DEFAULT) -> str:
    """The digest that signing takes, by its name in the table: what ``micalg`` has to say."""
    return "sha-512" if signer.key.kind == "ed25519" else profile.digest  # RFC 8419 §3.1


def _template(signer: Signer, profile: SigningProfile) -> _Template:
    of_signer = _templates.setdefault(signer, {})
    template = of_signer.get(profile)
    if template is None:
        template = of_signer[profile] = _assembled(signer, profile)
    return template


def _assembled(signer: Signer, profile: SigningProfile) -> _Template:
    own = to_der(signer.certificate)
    issuers = [to_der(each) for each in signer.chain if each.subject != each.issuer]
    digest = _produced(digest_name(signer, profile))
    scheme, parameters = _scheme(signer, profile, digest)
    digest_identifier = der.tlv(der.SEQUENCE, der.oid(digest.oid))
    named = issuer_and_serial(own)
    if profile.by_key_identifier:
        named = key_identifier(signer.certificate)
    version = der.integer(3 if profile.by_key_identifier else 1)  # RFC 5652 §5.1, §5.3
    return _Template(
        head=version + der.tlv(der.SET, digest_identifier),
        certificates=der.set_of(own, *issuers, tag=_TAG_0),
        signer=version + named + digest_identifier,
        attributes=(
            attribute(oids.CONTENT_TYPE, oids.ID_DATA),
            attribute(oids.CAPABILITIES, capabilities.encode()),
            attribute(oids.SIGNING_CERTIFICATE_V2, binding.value_for(own)),
        ),
        algorithm=der.tlv(der.SEQUENCE, der.oid(scheme.oid), parameters),
        digest=digest.name,
        pss=scheme.name == "rsa-pss",
    )


def _scheme(signer: Signer, profile: SigningProfile, digest: Algorithm) -> tuple[Algorithm, bytes]:
    """(signature algorithm, its parameters) of the signer's key."""
    if signer.key.kind.startswith("rsa"):
        if profile.pss:
            return _produced("rsa-pss"), signature.pss_parameters(digest)
        return _produced("rsa-pkcs1-v1.5"), _NULL  # RFC 3370 §3.2
    if signer.key.elliptic:
        return _produced(f"ecdsa-{digest.name}"), b""  # RFC 5754 §3.3
    if signer.key.kind == "ed25519":
        return _produced("ed25519"), b""  # RFC 8419 §3.1
    raise AlgorithmRefused(f"{signer.key.kind} does not sign")


def _produced(name: str) -> Algorithm:
    try:
        row = algorithms.named(name)
    except KeyError:
        raise AlgorithmRefused(f"unknown: {name}") from None
    if not row.produce:
        raise AlgorithmRefused(f"{row.name}: {row.reference}")
    return row
