"""Signed-data written piece by piece by an encoder that is not ours: asn1crypto and raw keys.

A recipe is everything of one signed-data that a test may want to change; what it changes is signed
again, so that each case breaks one thing and is right in all others.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache

from asn1crypto import core
from asn1crypto import x509 as asn1_x509
from asn1crypto.parser import emit
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.unit.certs import pki

CONTENT = b"Content-Type: text/plain\r\n\r\nBonjour Monsieur, voici le compte rendu.\r\n"
OTHER_CONTENT = CONTENT.replace(b"Bonjour", b"Bonsoir")

DATA = "1.2.840.113549.1.7.1"
SIGNED = "1.2.840.113549.1.7.2"
CONTENT_TYPE, DIGEST, TIME, COUNTERSIGNATURE = (f"1.2.840.113549.1.9.{n}" for n in (3, 4, 5, 6))
CAPABILITIES = "1.2.840.113549.1.9.15"
ESS, ESS_1 = "1.2.840.113549.1.9.16.2.47", "1.2.840.113549.1.9.16.2.12"
RSA, RSA_PSS = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"
MGF1 = "1.2.840.113549.1.1.8"
RSA_SHA256, RSA_SHA512 = "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.13"
ECDSA_SHA256, ED25519 = "1.2.840.10045.4.3.2", "1.3.101.112"
SHA256, SHA512 = "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.3"
SHA1, MD5, SHA224 = "1.3.14.3.2.26", "1.2.840.113549.2.5", "2.16.840.1.101.3.4.2.4"
NULL = b"\x05\x00"


def seq(*parts: bytes) -> bytes:
    return emit(0, 1, 16, b"".join(parts))


def a_set(*parts: bytes) -> bytes:
    return emit(0, 1, 17, b"".join(parts))


def tagged(number: int, *parts: bytes) -> bytes:
    return emit(2, 1, number, b"".join(parts))


def octets(value: bytes) -> bytes:
    return emit(0, 0, 4, value)


def oid(dotted: str) -> bytes:
    return core.ObjectIdentifier(dotted).dump()


def integer(value: int) -> bytes:
    return core.Integer(value).dump()


def algorithm(dotted: str, parameters: bytes = b"") -> bytes:
    return seq(oid(dotted), parameters)


def attribute(dotted: str, *values: bytes) -> bytes:
    return seq(oid(dotted), a_set(*values))


def der_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def issuer_serial(certificate: bytes) -> bytes:
    tbs = asn1_x509.Certificate.load(certificate)["tbs_certificate"]
    return seq(tbs["issuer"].dump(), tbs["serial_number"].dump())


@dataclass(frozen=True)
class Recipe:
    """Everything of one signed-data that a case may want to change.

    ``inside`` is the content inside; ``encapsulated`` the element in its place when it is none.
    ``unsigned`` and ``lists`` are whole elements; ``rest_of_*`` what follows where nothing should.
    """

    key: object
    certificate: bytes
    signed: bytes = CONTENT
    inside: bytes | None = None
    encapsulated: bytes | None = None
    attributes: tuple[bytes, ...] | None = None
    digest: bytes = field(default_factory=lambda: algorithm(SHA256))
    announced: tuple[bytes, ...] | None = None
    scheme: bytes = field(default_factory=lambda: algorithm(RSA, NULL))
    hash: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    salt: int | None = None
    certificates: tuple[bytes, ...] | None = None
    identifier: bytes | None = None
    content_type: str = DATA
    version: int = 1
    signer_version: int = 1
    signers: int = 1
    signed_as: bytes = b"\x31"
    signature: bytes | None = None
    unsigned: bytes = b""
    lists: bytes = b""
    rest_of_signed_data: bytes = b""
    rest_of_content_info: bytes = b""

    def with_attributes(self, change: Callable[[list[bytes]], list[bytes]]) -> "Recipe":
        return replace(self, attributes=tuple(change(list(self.own_attributes()))))

    def and_attribute(self, *more: bytes) -> "Recipe":
        return self.with_attributes(lambda own: sorted([*own, *more]))

    def own_attributes(self) -> tuple[bytes, ...]:
        if self.attributes is not None:
            return self.attributes
        digest = hashlib.new(self.hash.name, self.signed).digest()
        return (
            attribute(CONTENT_TYPE, oid(self.content_type)),
            attribute(TIME, core.UTCTime(pki.NOW).dump()),
            attribute(DIGEST, octets(digest)),
        )

    def message(self) -> bytes:
        """What is signed: the attributes, or the content when there are none."""
        attributes = b"".join(self.own_attributes())
        return self.signed_as + tagged(0, attributes)[1:] if attributes else self.signed


def sign(recipe: Recipe, message: bytes) -> bytes:
    key = recipe.key
    if isinstance(key, rsa.RSAPrivateKey):
        if recipe.salt is not None:
            pss = padding.PSS(padding.MGF1(recipe.hash), recipe.salt)
            return key.sign(message, pss, recipe.hash)
        return key.sign(message, padding.PKCS1v15(), recipe.hash)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(recipe.hash))
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    return key.sign(message)


def signer_info(recipe: Recipe, signed_attributes: bytes | None = None) -> bytes:
    """``signed_attributes``: the element to carry, when it is not the one that was signed."""
    attributes = b"".join(recipe.own_attributes())
    carried = tagged(0, attributes) if attributes else b""
    signature = recipe.signature
    return seq(
        integer(recipe.signer_version),
        recipe.identifier or issuer_serial(recipe.certificate),
        recipe.digest,
        carried if signed_attributes is None else signed_attributes,
        recipe.scheme,
        octets(sign(recipe, recipe.message()) if signature is None else signature),
        recipe.unsigned,
    )


def build(recipe: Recipe, *others: bytes, signer: bytes | None = None) -> bytes:
    """``others``: more signers; ``signer``: the one to carry instead of the recipe's."""
    signer = signer_info(recipe) if signer is None else signer
    certificates = (recipe.certificate,) if recipe.certificates is None else recipe.certificates
    announced = (recipe.digest,) if recipe.announced is None else recipe.announced
    inside = b"" if recipe.inside is None else tagged(0, octets(recipe.inside))
    if recipe.encapsulated is not None:
        inside = recipe.encapsulated
    signed = seq(
        integer(recipe.version),
        a_set(*announced),
        seq(oid(recipe.content_type), inside),
        tagged(0, *certificates) if certificates else b"",
        recipe.lists,
        a_set(*[signer] * recipe.signers, *others),
        recipe.rest_of_signed_data,
    )
    return seq(oid(SIGNED), tagged(0, signed), recipe.rest_of_content_info)


@cache
def own_rsa() -> tuple[rsa.RSAPrivateKey, bytes]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key, der_of(pki.self_signed(key, hash_algorithm=hashes.SHA256()))


@cache
def own_p256() -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    return of_key(ec.generate_private_key(ec.SECP256R1()))


@cache
def own_ed25519() -> tuple[ed25519.Ed25519PrivateKey, bytes]:
    return of_key(ed25519.Ed25519PrivateKey.generate())


@cache
def valid() -> Recipe:
    return Recipe(*own_rsa())


@cache
def valid_ecdsa() -> Recipe:
    return Recipe(*own_p256(), scheme=algorithm(ECDSA_SHA256))


@cache
def valid_ed25519() -> Recipe:
    return Recipe(
        *own_ed25519(), digest=algorithm(SHA512), scheme=algorithm(ED25519), hash=hashes.SHA512()
    )


@cache
def of_key(key: object, hash_name: str = "SHA256") -> tuple[object, bytes]:
    certificate_hash = (
        None if isinstance(key, ed25519.Ed25519PrivateKey) else getattr(hashes, hash_name)()
    )
    return key, der_of(pki.self_signed(key, hash_algorithm=certificate_hash))


def pss_parameters(digest: str, mask: str, salt: int | None) -> bytes:
    """RSASSA-PSS-params; a ``digest`` of nothing leaves out all, which means SHA-1."""
    if not digest:
        return seq()
    return seq(
        tagged(0, algorithm(digest, NULL)),
        tagged(1, algorithm(MGF1, algorithm(mask, NULL))),
        b"" if salt is None else tagged(2, integer(salt)),
    )


def key_identifier(key: object) -> bytes:
    """The identifier that certificates of ``key`` have here."""
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest


def cert_id(certificate: bytes, *issuer: bytes, digest: bytes = b"", name: str = "sha256") -> bytes:
    return seq(digest, octets(hashlib.new(name, certificate).digest()), *issuer)


def bound(certificate: bytes, digest: bytes = b"", name: str = "sha256") -> bytes:
    """signingCertificateV2 of one certificate."""
    return attribute(ESS, seq(seq(cert_id(certificate, digest=digest, name=name))))


def certificate_like(
    model: bytes, key: object, signed_by: object, *extensions: x509.ExtensionType
) -> bytes:
    """A certificate with the names and the serial number of ``model``, for another key."""
    own = x509.load_der_x509_certificate(model)
    builder = (
        x509.CertificateBuilder()
        .subject_name(own.subject)
        .issuer_name(own.issuer)
        .serial_number(own.serial_number)
        .not_valid_before(own.not_valid_before_utc)
        .not_valid_after(own.not_valid_after_utc)
        .public_key(key)
    )
    for each in extensions:
        builder = builder.add_extension(each, critical=False)
    return der_of(builder.sign(signed_by, hashes.SHA256()))
