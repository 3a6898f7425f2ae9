"""Key transport (RFC 5652 §6.2.1): the content key encrypted to the RSA key of one recipient.

PKCS #1 v1.5 (RFC 3370 §4.2.1), which everybody reads, or OAEP (RFC 3560). What is made by OAEP has
SHA-256 throughout; what is opened may also have SHA-1, the default of the specification, because
no collision of a digest weakens OAEP.
"""

from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives.asymmetric import padding, rsa

from certs import algorithms
from certs.algorithms import KEY_HASHES, Kind
from certs.cms import der, oids
from certs.cms.der import Reader
from certs.cms.signature import algorithm_identifier
from certs.errors import AlgorithmRefused, DerMalformed
from certs.keyring import PrivateKey

Transport = Literal["pkcs1", "oaep"]

_NULL = der.tlv(der.NULL)
_PKCS1 = padding.PKCS1v15()
_SHA_1 = "sha-1"
_DIGESTS = {der.oid(algorithms.named(name).oid): name for name in KEY_HASHES}
_TAG_0, _TAG_1, _TAG_2 = 0xA0, 0xA1, 0xA2

MAX_LABEL = 1024
"""Octets of an OAEP label read; nobody is known to send one."""


def _oaep_sha_256() -> bytes:
    """RSAES-OAEP-params with SHA-256 twice, in the form that RFC 3560 §4 prints."""
    digest = der.tlv(der.SEQUENCE, der.oid(algorithms.named("sha-256").oid))
    mask = der.tlv(der.SEQUENCE, oids.MGF1, digest)
    return der.tlv(der.SEQUENCE, der.tlv(_TAG_0, digest), der.tlv(_TAG_1, mask))


OAEP_IDENTIFIER = der.tlv(der.SEQUENCE, der.oid(algorithms.named("rsa-oaep").oid), _oaep_sha_256())
"""The AlgorithmIdentifier of what we make by OAEP, also a capability (RFC 3560 §5)."""

_OAEP = padding.OAEP(padding.MGF1(KEY_HASHES["sha-256"]), KEY_HASHES["sha-256"], None)
_SCHEMES: dict[Transport, tuple[bytes, padding.AsymmetricPadding]] = {
    "pkcs1": (
        der.tlv(der.SEQUENCE, der.oid(algorithms.named("rsa-pkcs1-v1.5-transport").oid), _NULL),
        _PKCS1,
    ),
    "oaep": (OAEP_IDENTIFIER, _OAEP),
}


def encrypted(content_key: bytes, public: rsa.RSAPublicKey, transport: Transport) -> bytes:
    """The last two fields of a KeyTransRecipientInfo: algorithm and encrypted key."""
    identifier, scheme = _SCHEMES[transport]
    return identifier + der.tlv(der.OCTET_STRING, public.encrypt(content_key, scheme))


@dataclass(frozen=True, slots=True)
class Oaep:
    """The parameters of OAEP: names of digests, and the label."""

    digest: str
    mgf_digest: str
    label: bytes


@dataclass(frozen=True, slots=True)
class Transported:
    """An encrypted key that one private key unwraps; ``oaep`` is None for PKCS #1 v1.5."""

    encrypted_key: bytes
    oaep: Oaep | None

    def unwrapped(self, key: PrivateKey) -> bytes:
        """The content key, or octets that are none; raises ValueError, always the same."""
        if self.oaep is None:
            return key.unwrap(self.encrypted_key)
        oaep = self.oaep
        return key.unwrap(self.encrypted_key, "oaep", oaep.digest, oaep.mgf_digest, oaep.label)


def accepted(algorithm: tuple[bytes, bytes], encrypted_key: bytes) -> Transported:
    """What is needed to unwrap; raises :class:`AlgorithmRefused`, :class:`DerMalformed`."""
    oid, parameters = algorithm
    row = algorithms.accepted(Kind.KEY_TRANSPORT, oid)
    if row.name == "rsa-oaep":
        return Transported(encrypted_key, oaep_parameters(parameters))
    if parameters not in (b"", _NULL):
        raise DerMalformed("parameters of rsa")
    return Transported(encrypted_key, None)


def oaep_parameters(parameters: bytes) -> Oaep:
    """RSAES-OAEP-params (RFC 4055 §4.1): each field may be left out, and is then SHA-1 or nothing.

    Raises :class:`DerMalformed`, and :class:`AlgorithmRefused` for another digest or generator.
    """
    outer = Reader(parameters)
    reader = outer.enter(der.SEQUENCE)
    outer.finish()
    digest = mgf_digest = _SHA_1
    label = b""
    if reader.peek() == _TAG_0:
        digest = _digest(_only_algorithm(reader.enter(_TAG_0)))
    if reader.peek() == _TAG_1:
        generator, inner = _only_algorithm(reader.enter(_TAG_1))
        if generator != oids.MGF1:
            raise AlgorithmRefused("mask generator of rsa-oaep")
        mgf_digest = _digest(_only_algorithm(Reader(inner)))
    if reader.peek() == _TAG_2:
        source, value = _only_algorithm(reader.enter(_TAG_2))
        if source != oids.P_SPECIFIED:
            raise AlgorithmRefused("label of rsa-oaep")
        specified = Reader(value)
        label = specified.content(der.OCTET_STRING)
        specified.finish()
    reader.finish()
    if len(label) > MAX_LABEL:
        raise DerMalformed("label of rsa-oaep")
    return Oaep(digest, mgf_digest, label)


def _only_algorithm(reader: Reader) -> tuple[bytes, bytes]:
    found = algorithm_identifier(reader)
    reader.finish()
    return found


def _digest(algorithm: tuple[bytes, bytes]) -> str:
    oid, parameters = algorithm
    if parameters not in (b"", _NULL):
        raise DerMalformed("parameters of a digest")
    name = _DIGESTS.get(oid)
    if name is None:
        raise AlgorithmRefused("digest of rsa-oaep")
    return name
