"""Signed-data (RFC 5652 §5): verify it. The one place where bytes become verified content.

Stricter than RFC 5652: exactly one signer, signed attributes always, each once and in DER; the
content either inside or beside, never both (Müller et al., "Johnny, you are fired", 2019: what may
be ambiguous is shown as signed by someone). What is not understood is refused.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import InitVar, dataclass
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from cryptography.exceptions import InvalidSignature

from certs import algorithms
from certs.algorithms import Algorithm
from certs.certificate import Certificate, addresses, from_der, public_key
from certs.cms import content_info, der, identifier, oids, signature
from certs.cms.der import Reader
from certs.errors import AlgorithmRefused, DerMalformed, SignatureReason, SignatureRejected

MAX_CERTIFICATES = 20
"""Certificates looked at in one signed-data: a path has at most six."""

MAX_SIGNERS = 10
"""Signers and digests read before the structure is called malformed; one signer is accepted."""

MAX_ATTRIBUTES = 32
"""Signed attributes looked at; clients send five to eight."""

_TAG_0, _TAG_1 = 0xA0, 0xA1
_PROOF = object()

_parsed = lru_cache(maxsize=1024)(from_der)
"""Correspondents write again: their certificates are parsed once, not once per message."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class VerifiedContent:
    """Content whose signature was verified. Only :func:`verify_signed` makes one.

    The holder of the certificate's key signed these octets; whether that certificate may be
    believed is for ``chain.validate`` to say. ``signing_time`` is the signer's claim;
    ``algorithms`` are the names of the signature and of the digest; ``addresses`` the rfc822Names
    of the certificate, their domain in lower case.
    """

    content: bytes
    signer_certificate: Certificate
    other_certificates: tuple[Certificate, ...]
    signing_time: datetime | None
    algorithms: tuple[str, str]
    addresses: tuple[str, ...]
    proof: InitVar[object]

    def __post_init__(self, proof: object) -> None:
        if proof is not _PROOF:
            raise TypeError("only verification makes verified content")


@dataclass(frozen=True, slots=True)
class _SignerInfo:
    identifier: bytes
    digest: tuple[bytes, bytes]
    attributes: bytes
    algorithm: tuple[bytes, bytes]
    signature: bytes


@dataclass(frozen=True, slots=True)
class _SignedData:
    digests: tuple[tuple[bytes, bytes], ...]
    content_type: bytes
    content: bytes | None
    certificates: tuple[bytes, ...]
    signers: tuple[_SignerInfo, ...]


def verify_signed(
    blob: bytes, content: bytes | None, max_size: int = der.MAX_OCTETS
) -> VerifiedContent:
    """Verify a ContentInfo with signed-data, in DER or streamed BER.

    ``content`` is the detached content, None when it is inside. Raises :class:`SignatureRejected`.
    At most ``max_size`` octets of blob.
    """
    signed = _read(blob, max_size)
    if signed.content_type != oids.ID_DATA:
        raise SignatureRejected(SignatureReason.CONTENT_TYPE)
    if content is None:
        content = signed.content
    elif signed.content is not None:
        raise SignatureRejected(SignatureReason.CONTENT_TWICE)
    if content is None:
        raise SignatureRejected(SignatureReason.CONTENT_MISSING)
    if len(signed.signers) != 1:
        raise SignatureRejected(
            SignatureReason.SEVERAL_SIGNERS if signed.signers else SignatureReason.NO_SIGNER
        )
    (signer_info,) = signed.signers
    digest, scheme = _algorithms(signed, signer_info)
    own, others = _certificates(signed, signer_info)
    with _rejecting(SignatureReason.CERTIFICATE_MALFORMED):
        certificate = _parsed(own)
        other_certificates = tuple(map(_parsed, others))
        names = addresses(certificate)
    signing_time = _check_attributes(signer_info, own, content, digest)
    _check_signature(certificate, signer_info, digest, scheme)
    return VerifiedContent(
        content=content,
        signer_certificate=certificate,
        other_certificates=other_certificates,
        signing_time=signing_time,
        algorithms=(scheme[0].name, digest.name),
        addresses=names,
        proof=_PROOF,
    )


@contextmanager
def _rejecting(reason: SignatureReason) -> Iterator[None]:
    """Malformed bytes and refused algorithms met inside are rejected for ``reason``."""
    try:
        yield
    except (DerMalformed, AlgorithmRefused) as error:
        raise SignatureRejected(reason, str(error)) from None


# --- structure -----------------------------------------------------------------------------------


def _read(blob: bytes, max_size: int) -> _SignedData:
    if len(blob) > max_size:
        raise SignatureRejected(SignatureReason.TOO_BIG)
    try:
        return _signed_data(blob)
    except DerMalformed:
        with _rejecting(SignatureReason.MALFORMED):  # as DER; it may be BER: one pass more
            return _signed_data(der.to_der(blob, max_size=max_size))


def _signed_data(blob: bytes) -> _SignedData:
    """ContentInfo and SignedData (RFC 5652 §3, §5.1); raises :class:`DerMalformed`."""
    kind, reader = content_info.unwrapped(blob)
    if kind != oids.ID_SIGNED_DATA:
        raise SignatureRejected(SignatureReason.NOT_SIGNED_DATA)
    if reader.small_integer() not in (1, 3, 4, 5):
        raise DerMalformed("version of signed-data")
    digests = _all(reader.enter(der.SET), signature.algorithm_identifier)
    encapsulated = reader.enter(der.SEQUENCE)
    content_type = encapsulated.element(der.OID)
    content = None
    if encapsulated.peek() >= 0:
        inside = encapsulated.enter(_TAG_0)
        content = inside.content(der.OCTET_STRING)
        inside.finish()
    encapsulated.finish()
    certificates: tuple[bytes, ...] = ()
    if reader.peek() == _TAG_0:
        certificates = _certificate_set(reader.enter(_TAG_0))
    if reader.peek() == _TAG_1:
        reader.element()  # revocation lists of the sender: ours come from elsewhere
    signers = _all(reader.enter(der.SET), _signer_info)
    reader.finish()
    return _SignedData(digests, content_type, content, certificates, signers)


def _all(reader: Reader, read: Callable[[Reader], _Value]) -> tuple[_Value, ...]:
    """Every element of a SET OF, of which there may be ``MAX_SIGNERS``."""
    found: list[_Value] = []
    while reader.peek() >= 0:
        if len(found) == MAX_SIGNERS:
            raise DerMalformed("too many signers or digests")
        found.append(read(reader))
    return tuple(found)


def _certificate_set(reader: Reader) -> tuple[bytes, ...]:
    """The certificates; attribute certificates and other kinds are refused."""
    found: list[bytes] = []
    while reader.peek() >= 0:
        if len(found) == MAX_CERTIFICATES:
            raise SignatureRejected(SignatureReason.TOO_MANY_CERTIFICATES)
        found.append(reader.element(der.SEQUENCE))
    return tuple(found)


def _signer_info(reader: Reader) -> _SignerInfo:
    """SignerInfo (RFC 5652 §5.3); what is not signed in it is not looked at."""
    signer_info = reader.enter(der.SEQUENCE)
    version = signer_info.small_integer()
    if (version, signer_info.peek()) not in ((1, der.SEQUENCE), (3, identifier.KEY_IDENTIFIER)):
        raise DerMalformed("version of a signer")
    named = signer_info.element()
    digest = signature.algorithm_identifier(signer_info)
    attributes = signer_info.element() if signer_info.peek() == _TAG_0 else b""
    algorithm = signature.algorithm_identifier(signer_info)
    value = signer_info.content(der.OCTET_STRING)
    if signer_info.peek() == _TAG_1:
        signer_info.element()
    signer_info.finish()
    return _SignerInfo(named, digest, attributes, algorithm, value)


# --- checks --------------------------------------------------------------------------------------


def _algorithms(
    signed: _SignedData, signer_info: _SignerInfo
) -> tuple[Algorithm, tuple[Algorithm, int]]:
    with _rejecting(SignatureReason.ALGORITHM_REFUSED):
        digest = signature.accepted_digest(*signer_info.digest)
        if all(oid != signer_info.digest[0] for oid, _ in signed.digests):
            raise AlgorithmRefused("a digest that was not announced")
        return digest, signature.accepted_signature(*signer_info.algorithm, digest)


def _certificates(signed: _SignedData, signer_info: _SignerInfo) -> tuple[bytes, list[bytes]]:
    """(the signer's certificate, the others): by issuer and serial, or by key identifier."""
    unique = list(dict.fromkeys(signed.certificates))
    with _rejecting(SignatureReason.CERTIFICATE_MALFORMED):
        chosen = [each for each in unique if identifier.names(signer_info.identifier, each)]
    if not chosen:
        raise SignatureRejected(SignatureReason.SIGNER_CERTIFICATE_MISSING)
    if len(chosen) > 1:
        raise SignatureRejected(SignatureReason.SIGNER_CERTIFICATE_AMBIGUOUS)
    return chosen[0], [each for each in unique if each is not chosen[0]]


def _check_attributes(
    signer_info: _SignerInfo, own: bytes, content: bytes, digest: Algorithm
) -> datetime | None:
    """Check the signed attributes (RFC 5652 §5.4, §11) against the content; the signing time."""
    if not signer_info.attributes:
        raise SignatureRejected(SignatureReason.ATTRIBUTES_MISSING)
    with _rejecting(SignatureReason.ATTRIBUTES_MALFORMED):
        found = _attributes(signer_info.attributes)
    if oids.CONTENT_TYPE not in found or oids.MESSAGE_DIGEST not in found:
        raise SignatureRejected(SignatureReason.ATTRIBUTES_MISSING)
    if found[oids.CONTENT_TYPE] != oids.ID_DATA:
        raise SignatureRejected(SignatureReason.CONTENT_TYPE)
    actual = hashlib.new(digest.name.replace("-", ""), content).digest()
    if found[oids.MESSAGE_DIGEST] != der.tlv(der.OCTET_STRING, actual):
        raise SignatureRejected(SignatureReason.DIGEST_MISMATCH)
    with _rejecting(SignatureReason.ATTRIBUTES_MALFORMED):
        if oids.SIGNING_CERTIFICATE_V2 in found:
            _check_bound(found[oids.SIGNING_CERTIFICATE_V2], own)
        if oids.SIGNING_TIME in found:
            return der.time_of(found[oids.SIGNING_TIME])
    return None


def _attributes(encoded: bytes) -> dict[bytes, bytes]:
    """Type → value of the attributes that must have one value; others are checked and left out.

    The order of a SET OF is part of its DER (ITU-T X.690 §11.6), and DER is what was signed.
    """
    reader = Reader(encoded).enter(_TAG_0)
    found: dict[bytes, bytes] = {}
    previous = b""
    while reader.peek() >= 0:
        whole = reader.element(der.SEQUENCE)
        if whole < previous:
            raise DerMalformed("attributes out of order")
        previous = whole
        attribute = Reader(whole).enter(der.SEQUENCE)
        oid = attribute.element(der.OID)
        values = attribute.enter(der.SET)
        attribute.finish()
        if oid in found:
            raise SignatureRejected(SignatureReason.ATTRIBUTE_DUPLICATED)
        if len(found) == MAX_ATTRIBUTES:
            raise DerMalformed("too many attributes")
        found[oid] = values.element()
        if oid in _SINGLE_VALUED:
            values.finish()
    return found


_SINGLE_VALUED = frozenset(
    (oids.CONTENT_TYPE, oids.MESSAGE_DIGEST, oids.SIGNING_TIME, oids.SIGNING_CERTIFICATE_V2)
)


def _check_bound(value: bytes, own: bytes) -> None:
    """The first ESSCertIDv2 names the signer's certificate (RFC 5035 §3, §5)."""
    identifiers = Reader(value).enter(der.SEQUENCE).enter(der.SEQUENCE)
    first = identifiers.enter(der.SEQUENCE)
    name = "sha-256"
    if first.peek() == der.SEQUENCE:
        with _rejecting(SignatureReason.ALGORITHM_REFUSED):
            name = signature.accepted_digest(*signature.algorithm_identifier(first)).name
    bound = hashlib.new(name.replace("-", ""), own).digest()
    if first.content(der.OCTET_STRING) != bound:
        raise SignatureRejected(SignatureReason.SIGNER_CERTIFICATE_NOT_BOUND)
    if first.peek() >= 0:
        first.element(der.SEQUENCE)  # issuerSerial: the digest says more
    first.finish()


def _check_signature(
    certificate: Certificate,
    signer_info: _SignerInfo,
    digest: Algorithm,
    scheme: tuple[Algorithm, int],
) -> None:
    with _rejecting(SignatureReason.KEY_TOO_WEAK):
        key = algorithms.accepted_key(public_key(certificate))
    # RFC 5652 §5.4: the attributes are signed as a SET, not with the tag they travel under
    message = b"\x31" + signer_info.attributes[1:]
    with _rejecting(SignatureReason.ALGORITHM_REFUSED):
        try:
            signature.check(key, scheme, digest, signer_info.signature, message)
        except (InvalidSignature, ValueError):
            raise SignatureRejected(SignatureReason.SIGNATURE_WRONG) from None
