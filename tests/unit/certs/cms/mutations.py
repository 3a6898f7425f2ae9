"""Signed-data that must be refused, each with its reason; made by an encoder that is not ours.

``build`` writes signed-data piece by piece with asn1crypto's ``emit`` and raw keys, so that every
case breaks one thing and is right in all others: what it changes, it signs again.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache

from asn1crypto import cms, core
from asn1crypto import x509 as asn1_x509
from asn1crypto.parser import emit
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from certs.cms.enveloped import make_enveloped
from certs.errors import SignatureReason as Reason
from tests.unit.certs import pki

CONTENT = b"Content-Type: text/plain\r\n\r\nBonjour Monsieur, voici le compte rendu.\r\n"
OTHER_CONTENT = CONTENT.replace(b"Bonjour", b"Bonsoir")

DATA = "1.2.840.113549.1.7.1"
SIGNED = "1.2.840.113549.1.7.2"
CONTENT_TYPE, DIGEST, TIME = (f"1.2.840.113549.1.9.{n}" for n in (3, 4, 5))
ESS = "1.2.840.113549.1.9.16.2.47"
RSA, RSA_PSS = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"
RSA_SHA512, ECDSA_SHA256 = "1.2.840.113549.1.1.13", "1.2.840.10045.4.3.2"
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
    """Everything of one signed-data that a case may want to change."""

    key: object
    certificate: bytes
    signed: bytes = CONTENT
    inside: bytes | None = None
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

    def with_attributes(self, change: Callable[[list[bytes]], list[bytes]]) -> "Recipe":
        return replace(self, attributes=tuple(change(list(self.own_attributes()))))

    def own_attributes(self) -> tuple[bytes, ...]:
        if self.attributes is not None:
            return self.attributes
        digest = hashlib.new(self.hash.name, self.signed).digest()
        return (
            attribute(CONTENT_TYPE, oid(self.content_type)),
            attribute(TIME, core.UTCTime(pki.NOW).dump()),
            attribute(DIGEST, octets(digest)),
        )


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


def build(recipe: Recipe) -> bytes:
    attributes = b"".join(recipe.own_attributes())
    signed_attributes = recipe.signed_as + tagged(0, attributes)[1:]
    message = signed_attributes if attributes else recipe.signed
    signature = sign(recipe, message) if recipe.signature is None else recipe.signature
    signer = seq(
        integer(recipe.signer_version),
        recipe.identifier or issuer_serial(recipe.certificate),
        recipe.digest,
        tagged(0, attributes) if attributes else b"",
        recipe.scheme,
        octets(signature),
    )
    certificates = (recipe.certificate,) if recipe.certificates is None else recipe.certificates
    announced = (recipe.digest,) if recipe.announced is None else recipe.announced
    inside = b"" if recipe.inside is None else tagged(0, octets(recipe.inside))
    signed = seq(
        integer(recipe.version),
        a_set(*announced),
        seq(oid(recipe.content_type), inside),
        tagged(0, *certificates) if certificates else b"",
        a_set(*[signer] * recipe.signers),
    )
    return seq(oid(SIGNED), tagged(0, signed))


@cache
def own_rsa() -> tuple[rsa.RSAPrivateKey, bytes]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key, der_of(pki.self_signed(key, hash_algorithm=hashes.SHA256()))


@cache
def valid() -> Recipe:
    return Recipe(*own_rsa())


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
        tagged(1, algorithm("1.2.840.113549.1.1.8", algorithm(mask, NULL))),
        b"" if salt is None else tagged(2, integer(salt)),
    )


@dataclass(frozen=True)
class Case:
    name: str
    reason: Reason
    blob: bytes
    content: bytes | None = CONTENT


def _ess(certificate: bytes, digest: bytes = b"", name: str = "sha256") -> bytes:
    value = hashlib.new(name, certificate).digest()
    return attribute(ESS, seq(seq(seq(digest, octets(value)))))


def _twin(recipe: Recipe) -> bytes:
    """Another certificate of the same issuer name and serial number, for another key."""
    own = x509.load_der_x509_certificate(recipe.certificate)
    builder = (
        x509.CertificateBuilder()
        .subject_name(own.subject)
        .issuer_name(own.issuer)
        .serial_number(own.serial_number)
        .not_valid_before(own.not_valid_before_utc)
        .not_valid_after(own.not_valid_after_utc)
        .public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    )
    return der_of(builder.sign(recipe.key, hashes.SHA256()))


def _same_key_again(recipe: Recipe) -> bytes:
    return der_of(
        pki.self_signed(
            recipe.key, hash_algorithm=hashes.SHA256(), names=("autre@medecin.example",)
        )
    )


def _content_cases() -> list[Case]:
    base = valid()
    blob = build(base)
    opaque = build(replace(base, inside=CONTENT))
    other_digest = attribute(DIGEST, octets(hashlib.sha256(OTHER_CONTENT).digest()))
    swapped = base.with_attributes(lambda own: [*own[:2], other_digest])
    kept = build(base)
    signature = cms.ContentInfo.load(kept)["content"]["signer_infos"][0]["signature"].native
    no_attributes = replace(base, attributes=())
    attributes_as_content = b"\x31" + tagged(0, *base.own_attributes())[1:]
    return [
        Case("content altered", Reason.DIGEST_MISMATCH, blob, OTHER_CONTENT),
        Case("content emptied", Reason.DIGEST_MISMATCH, blob, b""),
        Case("content prolonged", Reason.DIGEST_MISMATCH, blob, CONTENT + b"\r\n"),
        Case("content with bare line feeds", Reason.DIGEST_MISMATCH, blob,
             CONTENT.replace(b"\r\n", b"\n")),
        Case("content inside altered", Reason.DIGEST_MISMATCH,
             opaque.replace(b"Bonjour", b"Bonsoir"), None),
        Case("content and digest swapped", Reason.SIGNATURE_WRONG,
             build(replace(swapped, signature=signature)), OTHER_CONTENT),
        Case("content inside and beside", Reason.CONTENT_TWICE, opaque),
        Case("content inside and another beside", Reason.CONTENT_TWICE, opaque, OTHER_CONTENT),
        Case("content inside, nothing beside", Reason.CONTENT_TWICE, opaque, b""),
        Case("content nowhere", Reason.CONTENT_MISSING, blob, None),
        Case("no signed attributes", Reason.ATTRIBUTES_MISSING, build(no_attributes)),
        Case("signed attributes passed off as content", Reason.ATTRIBUTES_MISSING,
             build(replace(no_attributes, signature=signature)), attributes_as_content),
        Case("content of another type", Reason.CONTENT_TYPE,
             build(replace(base, content_type="1.2.840.113549.1.9.16.1.4"))),
        Case("content type attribute of another type", Reason.CONTENT_TYPE,
             build(base.with_attributes(
                 lambda own: sorted([attribute(CONTENT_TYPE, oid(SIGNED)), *own[1:]])))),
    ]  # fmt: skip


def _attribute_cases() -> list[Case]:
    base = valid()
    first, time, digest = base.own_attributes()
    many = [attribute(f"1.2.3.{n}", integer(n)) for n in range(100, 133)]
    bad_time = attribute(TIME, emit(0, 0, 23, b"2611220830Z"))
    local_time = attribute(TIME, emit(0, 0, 23, b"261122083015+0100"))
    february = attribute(TIME, emit(0, 0, 23, b"260230083015Z"))
    wrong = Reason.ATTRIBUTES_MALFORMED

    def of(name: str, reason: Reason, *attributes: bytes, in_order: bool = True) -> Case:
        chosen = tuple(sorted(attributes)) if in_order else attributes
        return Case(name, reason, build(replace(base, attributes=chosen)))

    reordered = replace(base, attributes=(digest, time, first))
    signature = cms.ContentInfo.load(build(base))["content"]["signer_infos"][0]["signature"].native
    return [
        Case("attributes reordered", wrong, build(replace(reordered, signature=signature))),
        Case("attributes signed out of order", wrong, build(reordered)),
        of("digest missing", Reason.ATTRIBUTES_MISSING, first, time),
        of("content type missing", Reason.ATTRIBUTES_MISSING, time, digest),
        of("digest twice", Reason.ATTRIBUTE_DUPLICATED, first, time, digest, digest),
        of("two digests", Reason.ATTRIBUTE_DUPLICATED, first, digest,
           attribute(DIGEST, octets(hashlib.sha256(OTHER_CONTENT).digest()))),
        of("two signing times", Reason.ATTRIBUTE_DUPLICATED, first, digest, time,
           attribute(TIME, emit(0, 0, 23, b"200101000000Z"))),
        of("unknown attribute twice", Reason.ATTRIBUTE_DUPLICATED, first, digest, many[0],
           attribute("1.2.3.100", integer(7))),
        of("digest of two values", wrong, first,
           attribute(DIGEST, octets(hashlib.sha256(CONTENT).digest()), octets(b"x"))),
        of("digest of no value", wrong, first, attribute(DIGEST)),
        of("digest not an octet string", Reason.DIGEST_MISMATCH, first,
           attribute(DIGEST, emit(0, 0, 12, hashlib.sha256(CONTENT).digest()))),
        of("attribute without values", wrong, first, digest, seq(oid("1.2.3.4"))),
        of("attribute with a rest", wrong, first, digest, seq(oid("1.2.3.4"), a_set(NULL), NULL)),
        of("too many attributes", wrong, first, digest, *many),
        of("signing time without seconds", wrong, first, digest, bad_time),
        of("signing time not in UTC", wrong, first, digest, local_time),
        of("signing time that is no day", wrong, first, digest, february),
        Case("attributes signed under their tag", Reason.SIGNATURE_WRONG,
             build(replace(base, signed_as=b"\xa0"))),
    ]  # fmt: skip


def _signer_cases() -> list[Case]:
    base = valid()
    stranger = der_of(pki.certificate())
    bound = base.with_attributes(lambda own: [*own, _ess(base.certificate)])
    again = _same_key_again(base)
    sha1 = algorithm(SHA1)
    by_key = x509.SubjectKeyIdentifier.from_public_key(base.key.public_key()).digest
    missing = Reason.SIGNER_CERTIFICATE_MISSING
    return [
        Case("two signers", Reason.SEVERAL_SIGNERS, build(replace(base, signers=2))),
        Case("no signer", Reason.NO_SIGNER, build(replace(base, signers=0))),
        Case("a crowd of signers", Reason.MALFORMED, build(replace(base, signers=11))),
        Case("no certificate", missing, build(replace(base, certificates=()))),
        Case("another's certificate only", missing, build(replace(base, certificates=(stranger,)))),
        Case("key identifier of nobody", missing, build(
            replace(base, signer_version=3, identifier=emit(2, 0, 0, by_key[::-1])))),
        Case("another's certificate named", Reason.SIGNATURE_WRONG, build(
            replace(base, identifier=issuer_serial(stranger), certificates=(stranger,)))),
        Case("another's certificate named, own bound", Reason.SIGNER_CERTIFICATE_NOT_BOUND, build(
            replace(bound, identifier=issuer_serial(stranger), certificates=(stranger,)))),
        Case("another certificate of the same key", Reason.SIGNER_CERTIFICATE_NOT_BOUND, build(
            replace(bound, identifier=issuer_serial(again), certificates=(again,)))),
        Case("two certificates of one name and number", Reason.SIGNER_CERTIFICATE_AMBIGUOUS, build(
            replace(base, certificates=(base.certificate, _twin(base))))),
        Case("bound by SHA-1", Reason.ALGORITHM_REFUSED, build(base.with_attributes(
            lambda own: [*own, _ess(base.certificate, sha1, "sha1")]))),
        Case("bound to nothing", Reason.ATTRIBUTES_MALFORMED, build(base.with_attributes(
            lambda own: sorted([*own, attribute(ESS, seq(seq()))])))),
        Case("too many certificates", Reason.TOO_MANY_CERTIFICATES, build(
            replace(base, certificates=(base.certificate,) * 21))),
        Case("certificate that is none", Reason.CERTIFICATE_MALFORMED, build(
            replace(base, certificates=(base.certificate, seq(NULL))))),
        Case("certificate cut", Reason.CERTIFICATE_MALFORMED, build(
            replace(base, certificates=(base.certificate, seq(stranger[4:-9]))))),
        Case("attribute certificate", Reason.MALFORMED, build(
            replace(base, certificates=(base.certificate, tagged(2, NULL))))),
        Case("signature of another key", Reason.SIGNATURE_WRONG, build(
            replace(base, signature=b"\x01" * 256))),
        Case("signature empty", Reason.SIGNATURE_WRONG, build(replace(base, signature=b""))),
        Case("signature too long", Reason.SIGNATURE_WRONG, build(
            replace(base, signature=b"\x00" + sign(base, b"\x31" + tagged(
                0, *base.own_attributes())[1:])))),
    ]  # fmt: skip


def _algorithm_cases() -> list[Case]:
    base = valid()
    refused = Reason.ALGORITHM_REFUSED
    brainpool = of_key(ec.generate_private_key(ec.BrainpoolP256R1()))
    ed = of_key(ed25519.Ed25519PrivateKey.generate())
    p256 = of_key(ec.generate_private_key(ec.SECP256R1()))
    ecdsa = algorithm(ECDSA_SHA256)

    def pss(name: str, parameters: bytes, salt: int = 32) -> Case:
        recipe = replace(base, scheme=algorithm(RSA_PSS, parameters), salt=salt)
        return Case(name, refused, build(recipe))

    def digest(name: str, dotted: str, used: hashes.HashAlgorithm) -> Case:
        return Case(name, refused, build(replace(base, digest=algorithm(dotted), hash=used)))

    return [
        digest("SHA-1", SHA1, hashes.SHA1()),
        digest("MD5", MD5, hashes.MD5()),
        digest("SHA-224", SHA224, hashes.SHA224()),
        Case("digest with parameters", refused, build(
            replace(base, digest=algorithm(SHA256, integer(1))))),
        Case("digest not announced", refused, build(
            replace(base, announced=(algorithm(SHA512),)))),
        Case("no digest announced", refused, build(replace(base, announced=()))),
        Case("unknown signature algorithm", refused, build(
            replace(base, scheme=algorithm("1.2.3.4.5", NULL)))),
        Case("SHA-1 with RSA", refused, build(
            replace(base, scheme=algorithm("1.2.840.113549.1.1.5", NULL)))),
        Case("signature by SHA-512, digest by SHA-256", refused, build(
            replace(base, scheme=algorithm(RSA_SHA512, NULL)))),
        Case("RSA with strange parameters", refused, build(
            replace(base, scheme=algorithm(RSA, integer(1))))),
        Case("ECDSA by an RSA key", refused, build(replace(base, scheme=ecdsa))),
        Case("RSA by a P-256 key", refused, build(
            Recipe(*p256, scheme=algorithm(RSA, NULL)))),
        Case("ECDSA with parameters", refused, build(
            Recipe(*p256, scheme=algorithm(ECDSA_SHA256, NULL)))),
        Case("Ed25519 with SHA-256", refused, build(
            Recipe(*ed, scheme=algorithm("1.3.101.112")))),
        pss("PSS by default parameters", pss_parameters("", "", None)),
        pss("PSS without parameters", b""),
        pss("PSS with SHA-1", pss_parameters(SHA1, SHA1, 32)),
        pss("PSS with another mask", pss_parameters(SHA256, SHA512, 32)),
        pss("PSS with SHA-512, digest by SHA-256", pss_parameters(SHA512, SHA512, 32)),
        pss("PSS with an unknown field", seq(pss_parameters(SHA256, SHA256, 32)[2:], NULL)),
        Case("PSS with another salt", Reason.SIGNATURE_WRONG, build(replace(
            base, scheme=algorithm(RSA_PSS, pss_parameters(SHA256, SHA256, 20)), salt=32))),
        Case("RSA of 1,024 bits", Reason.KEY_TOO_WEAK, build(Recipe(*of_key(pki.weak_rsa())))),
        Case("RSA with exponent 3", Reason.KEY_TOO_WEAK, build(
            Recipe(*of_key(pki.small_exponent_rsa())))),
        Case("another curve", Reason.KEY_TOO_WEAK, build(Recipe(*brainpool, scheme=ecdsa))),
    ]  # fmt: skip


def _structure_cases() -> list[Case]:
    base = valid()
    blob = build(base)
    envelope = make_enveloped(CONTENT, [pki.certificate()])
    wrong = Reason.MALFORMED
    indefinite = b"\x30\x80" + blob[4:]
    return [
        Case("nothing", wrong, b""),
        Case("one octet", wrong, b"\x30"),
        Case("text", wrong, b"-----BEGIN PKCS7-----"),
        Case("trailing octet", wrong, blob + b"\x00"),
        Case("trailing blob", wrong, blob + blob),
        Case("cut", wrong, blob[:-1]),
        Case("cut in the middle", wrong, blob[: len(blob) // 2]),
        Case("indefinite without an end", wrong, indefinite),
        Case("indefinite with half an end", wrong, indefinite + b"\x00"),
        Case("indefinite with a rest", wrong, indefinite + b"\x00\x00\x00"),
        Case("enveloped data", Reason.NOT_SIGNED_DATA, envelope),
        Case("data", Reason.NOT_SIGNED_DATA, seq(oid(DATA), tagged(0, seq()))),
        Case("algorithm with a rest", wrong, build(
            replace(base, scheme=algorithm(RSA, NULL + NULL)))),
        Case("version 2", wrong, build(replace(base, version=2))),
        Case("version 0", wrong, build(replace(base, version=0))),
        Case("signer of version 3 by name", wrong, build(replace(base, signer_version=3))),
        Case("signer of version 1 by key", wrong, build(
            replace(base, identifier=emit(2, 0, 0, b"k" * 20)))),
        Case("element after the signers", wrong, seq(
            oid(SIGNED), tagged(0, seq(cms.ContentInfo.load(blob)["content"].contents, NULL)))),
    ]  # fmt: skip


@cache
def cases() -> tuple[Case, ...]:
    """All of them; made once, for RSA keys are slow to draw."""
    return (
        *_content_cases(),
        *_attribute_cases(),
        *_signer_cases(),
        *_algorithm_cases(),
        *_structure_cases(),
    )
