"""Signed-data (RFC 5652 §5): verify it. The one place where bytes become verified content.

Stricter than RFC 5652: exactly one signer, signed attributes always, each once and in DER; the
content either inside or beside, never both (Müller et al., "Johnny, you are fired", 2019: what may
be ambiguous is shown as signed by someone). What is not understood is refused.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import InitVar, dataclass
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature

from certs.algorithms import Algorithm
from certs.capabilities import Capabilities
from certs.certificate import KEPT, KEPT_OCTETS, Certificate, addresses, from_der_again
from certs.cms import attributes, binding, der, identifier, oids, signature, structure
from certs.cms.attributes import MAX_ATTRIBUTES
from certs.cms.structure import MAX_CERTIFICATES, MAX_SIGNERS, SignedData, SignerInfo
from certs.errors import AlgorithmRefused, DerMalformed, SignatureReason, SignatureRejected
from certs.memory import remembered

__all__ = [
    "MAX_ATTRIBUTES",
    "MAX_CERTIFICATES",
    "MAX_SIGNERS",
    "VerifiedContent",
    "verify_signed",
]

_PROOF = object()

_DIGESTS: Final = {"sha-256": hashlib.sha256, "sha-384": hashlib.sha384, "sha-512": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class VerifiedContent:
    """Content whose signature was verified. Only :func:`verify_signed` makes one.

    The holder of the certificate's key signed these octets; whether that certificate may be
    believed is for ``chain.validate`` to say. ``signing_time`` is the signer's claim;
    ``algorithms`` are the names of the signature and of the digest; ``addresses`` the rfc822Names
    of the certificate, their domain in lower case. ``digest`` is that of the content;
    ``encapsulated`` says that the content was inside; ``capabilities`` what the signer says to be
    able to open, None when it said nothing that can be read.
    """

    content: bytes
    signer_certificate: Certificate
    other_certificates: tuple[Certificate, ...]
    signing_time: datetime | None
    algorithms: tuple[str, str]
    addresses: tuple[str, ...]
    digest: bytes
    encapsulated: bool
    capabilities: Capabilities | None
    proof: InitVar[object]

    def __post_init__(self, proof: object) -> None:
        if proof is not _PROOF:
            raise TypeError("only verification makes verified content")


@dataclass(frozen=True, slots=True)
class _Attributes:
    """What the signed attributes say, checked against the content."""

    digest: bytes
    signing_time: datetime | None
    capabilities: Capabilities | None


def verify_signed(
    blob: bytes, content: bytes | None, max_size: int = der.MAX_OCTETS
) -> VerifiedContent:
    """Verify a ContentInfo with signed-data, in DER or streamed BER.

    ``content`` is the detached content, None when it is inside; it is not copied. Raises
    :class:`SignatureRejected`. At most ``max_size`` octets of blob.
    """
    signed = structure.read(blob, max_size)
    found = _content(signed, content)
    if len(signed.signers) != 1:
        raise SignatureRejected(
            SignatureReason.SEVERAL_SIGNERS if signed.signers else SignatureReason.NO_SIGNER
        )
    (signer_info,) = signed.signers
    digest, scheme = _algorithms(signed, signer_info)
    with _rejecting(SignatureReason.CERTIFICATE_MALFORMED):
        own, others = _certificates(signed, signer_info)
        certificate, names = _signer(own)
        other_certificates = tuple(map(from_der_again, others))
    with _rejecting(SignatureReason.ATTRIBUTES_MALFORMED):
        said = _check_attributes(signer_info, own, found, digest)
    _check_signature(certificate, signer_info, digest, scheme)
    return VerifiedContent(
        content=found,
        signer_certificate=certificate,
        other_certificates=other_certificates,
        signing_time=said.signing_time,
        algorithms=(scheme[0].name, digest.name),
        addresses=names,
        digest=said.digest,
        encapsulated=content is None,
        capabilities=said.capabilities,
        proof=_PROOF,
    )


@remembered(KEPT, KEPT_OCTETS)
def _signer(own: bytes) -> tuple[Certificate, tuple[str, ...]]:
    """(the signer's certificate, its addresses). Raises :class:`DerMalformed`."""
    certificate = from_der_again(own)
    return certificate, addresses(certificate)


@contextmanager
def _rejecting(reason: SignatureReason) -> Iterator[None]:
    """Malformed bytes and refused algorithms met inside are rejected for ``reason``."""
    try:
        yield
    except (DerMalformed, AlgorithmRefused) as error:
        raise SignatureRejected(reason, str(error)) from None


def _content(signed: SignedData, beside: bytes | None) -> bytes:
    """The content, from the one place where it is."""
    if signed.content_type != oids.ID_DATA:
        raise SignatureRejected(SignatureReason.CONTENT_TYPE)
    if beside is not None and signed.content is not None:
        raise SignatureRejected(SignatureReason.CONTENT_TWICE)
    found = signed.content if beside is None else beside
    if found is None:
        raise SignatureRejected(SignatureReason.CONTENT_MISSING)
    return found


def _algorithms(
    signed: SignedData, signer_info: SignerInfo
) -> tuple[Algorithm, tuple[Algorithm, int]]:
    """(digest, (signature algorithm, salt)); every digest announced is an accepted one."""
    with _rejecting(SignatureReason.ALGORITHM_REFUSED):
        digest = signature.accepted_digest(*signer_info.digest)
        announced = [signature.accepted_digest(*each) for each in signed.digests]
        if digest not in announced:
            raise AlgorithmRefused("a digest that was not announced")
        return digest, signature.accepted_signature(*signer_info.algorithm, digest)


def _certificates(signed: SignedData, signer_info: SignerInfo) -> tuple[bytes, list[bytes]]:
    """(the signer's certificate, the others): by issuer and serial, or by key identifier.

    Raises :class:`SignatureRejected` when it is none or several, :class:`DerMalformed`.
    """
    unique = list(dict.fromkeys(signed.certificates))
    chosen = [each for each in unique if identifier.names(signer_info.identifier, each)]
    if not chosen:
        raise SignatureRejected(SignatureReason.SIGNER_CERTIFICATE_MISSING)
    if len(chosen) > 1:
        raise SignatureRejected(SignatureReason.SIGNER_CERTIFICATE_AMBIGUOUS)
    return chosen[0], [each for each in unique if each is not chosen[0]]


def _check_attributes(
    signer_info: SignerInfo, own: bytes, content: bytes, digest: Algorithm
) -> _Attributes:
    """Check the signed attributes (RFC 5652 §5.4, §11) against the content.

    Raises :class:`SignatureRejected`, :class:`DerMalformed`.
    """
    if not signer_info.attributes:
        raise SignatureRejected(SignatureReason.ATTRIBUTES_MISSING)
    found = attributes.read_signed(signer_info.attributes)
    if oids.CONTENT_TYPE not in found or oids.MESSAGE_DIGEST not in found:
        raise SignatureRejected(SignatureReason.ATTRIBUTES_MISSING)
    if found[oids.CONTENT_TYPE] != oids.ID_DATA:
        raise SignatureRejected(SignatureReason.CONTENT_TYPE)
    actual = _DIGESTS[digest.name](content).digest()
    if found[oids.MESSAGE_DIGEST] != der.tlv(der.OCTET_STRING, actual):
        raise SignatureRejected(SignatureReason.DIGEST_MISMATCH)
    if oids.SIGNING_CERTIFICATE_V2 in found:
        binding.check(found[oids.SIGNING_CERTIFICATE_V2], own)
    time = found.get(oids.SIGNING_TIME)
    signing_time = der.time_of(time) if time is not None else None
    return _Attributes(actual, signing_time, attributes.capabilities_of(found))


def _check_signature(
    certificate: Certificate,
    signer_info: SignerInfo,
    digest: Algorithm,
    scheme: tuple[Algorithm, int],
) -> None:
    with _rejecting(SignatureReason.KEY_TOO_WEAK):
        key = signature.accepted_key(certificate)
    # RFC 5652 §5.4: the attributes are signed as a SET, not with the tag they travel under
    message = b"\x31" + signer_info.attributes[1:]
    with _rejecting(SignatureReason.ALGORITHM_REFUSED):
        signature.check_restriction(certificate, scheme, digest)
        try:
            signature.check(key, scheme, digest, signer_info.signature, message)
        except (InvalidSignature, ValueError):
            raise SignatureRejected(SignatureReason.SIGNATURE_WRONG) from None
