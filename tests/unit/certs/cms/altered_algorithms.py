"""Signed-data by weak, mixed or misdescribed algorithms, and signature values bent, by name."""

import hashlib
from dataclasses import replace
from functools import cache

from asn1crypto import algos, keys
from asn1crypto import x509 as asn1_x509
from asn1crypto.parser import emit
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, utils, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.unit.certs import pki
from tests.unit.certs.cms.recipes import (
    CONTENT,
    ECDSA_SHA256,
    ED25519,
    MD5,
    MGF1,
    NULL,
    RSA,
    RSA_PSS,
    RSA_SHA512,
    SHA1,
    SHA224,
    SHA256,
    SHA512,
    Recipe,
    algorithm,
    attribute,
    build,
    certificate_like,
    integer,
    octets,
    of_key,
    own_ed25519,
    own_p256,
    pss_parameters,
    seq,
    sign,
    tagged,
    valid,
    valid_ecdsa,
    valid_ed25519,
)


def digests() -> dict[str, bytes]:
    base = valid()

    def by(dotted: str, used: hashes.HashAlgorithm) -> bytes:
        return build(replace(base, digest=algorithm(dotted), hash=used))

    def announcing(*announced: bytes) -> bytes:
        return build(replace(base, announced=announced))

    return {
        "SHA-1": by(SHA1, hashes.SHA1()),
        "MD5": by(MD5, hashes.MD5()),
        "SHA-224": by(SHA224, hashes.SHA224()),
        "digest with parameters": build(replace(base, digest=algorithm(SHA256, integer(1)))),
        "digest not announced": announcing(algorithm(SHA512)),
        "no digest announced": announcing(),
        "an unknown digest announced too": announcing(base.digest, algorithm("1.2.3.4")),
        "SHA-1 announced too": announcing(base.digest, algorithm(SHA1)),
        "announced with other parameters": announcing(algorithm(SHA256, integer(1))),
        "announced by a type cut": announcing(base.digest, seq(b"\x06\x02\x2a\x83")),
        "announced with a rest": announcing(algorithm(SHA256, NULL + NULL)),
        "a crowd of digests": announcing(*[base.digest] * 11),
        "the digest of an algorithm for signatures": build(
            replace(base, digest=algorithm("1.2.840.113549.1.1.11", NULL))),
    }  # fmt: skip


def schemes() -> dict[str, bytes]:
    base = valid()
    p256 = own_p256()

    def said(*arguments: bytes | str) -> bytes:
        return build(replace(base, scheme=algorithm(*arguments)))

    def by_curve(*arguments: bytes | str) -> bytes:
        return build(replace(valid_ecdsa(), scheme=algorithm(*arguments)))

    return {
        "unknown signature algorithm": said("1.2.3.4.5", NULL),
        "SHA-1 with RSA": said("1.2.840.113549.1.1.5", NULL),
        "MD5 with RSA": said("1.2.840.113549.1.1.4", NULL),
        "DSA": said("1.2.840.10040.4.3"),
        "a transport as a signature": said("1.2.840.113549.1.1.7"),
        "a digest as a signature": said(SHA256),
        "signature by SHA-512, digest by SHA-256": said(RSA_SHA512, NULL),
        "RSA with strange parameters": said(RSA, integer(1)),
        "ECDSA by an RSA key": said(ECDSA_SHA256),
        "Ed25519 by an RSA key": build(
            replace(base, digest=algorithm(SHA512), hash=hashes.SHA512(), scheme=algorithm(ED25519))
        ),
        "RSA by a P-256 key": build(Recipe(*p256, scheme=algorithm(RSA, NULL))),
        "ECDSA with parameters": by_curve(ECDSA_SHA256, NULL),
        "ECDSA by SHA-1": by_curve("1.2.840.10045.4.1"),
        "ECDSA by SHA-512, digest by SHA-256": by_curve("1.2.840.10045.4.3.4"),
        "the type of a curve's key as a signature": by_curve("1.2.840.10045.2.1"),
    }


def pss() -> dict[str, bytes]:
    base = valid()
    sha_256 = algorithm(SHA256, NULL)
    mask = algorithm(MGF1, sha_256)

    def of(parameters: bytes, salt: int | None = 32) -> bytes:
        return build(replace(base, scheme=algorithm(RSA_PSS, parameters), salt=salt))

    def fields(*each: bytes) -> bytes:
        return of(seq(*each))

    right = pss_parameters(SHA256, SHA256, 32)
    return {
        "PSS by default parameters": of(pss_parameters("", "", None)),
        "PSS without parameters": of(b""),
        "PSS with NULL": of(NULL),
        "PSS with SHA-1": of(pss_parameters(SHA1, SHA1, 32)),
        "PSS with another mask": of(pss_parameters(SHA256, SHA512, 32)),
        "PSS with SHA-512, digest by SHA-256": of(pss_parameters(SHA512, SHA512, 32)),
        "PSS with an unknown field": fields(right[2:], NULL),
        "PSS with an explicit trailer": fields(
            tagged(0, sha_256), tagged(1, mask), tagged(2, integer(32)), tagged(3, integer(1))),
        "PSS with another trailer": fields(
            tagged(0, sha_256), tagged(1, mask), tagged(2, integer(32)), tagged(3, integer(2))),
        "PSS with a rest after its digest": fields(
            tagged(0, sha_256, NULL), tagged(1, mask), tagged(2, integer(32))),
        "PSS with a rest after its mask": fields(
            tagged(0, sha_256), tagged(1, mask, NULL), tagged(2, integer(32))),
        "PSS with a rest after its salt": fields(
            tagged(0, sha_256), tagged(1, mask), tagged(2, integer(32), NULL)),
        "PSS with a mask of no digest": fields(
            tagged(0, sha_256), tagged(1, algorithm(MGF1)), tagged(2, integer(32))),
        "PSS with another generator": fields(
            tagged(0, sha_256), tagged(1, algorithm("1.2.3", sha_256)), tagged(2, integer(32))),
        "PSS without a mask": fields(tagged(0, sha_256), tagged(2, integer(32))),
        "PSS with a salt below zero": of(pss_parameters(SHA256, SHA256, -1)),
        "PSS with a salt of gigabytes": of(pss_parameters(SHA256, SHA256, 1 << 31)),
        "PSS with a salt longer than the key": of(pss_parameters(SHA256, SHA256, 300)),
        "PSS with another salt": of(pss_parameters(SHA256, SHA256, 20)),
        "PSS said, PKCS #1 v1.5 done": of(right, salt=None),
        "PKCS #1 v1.5 said, PSS done": build(replace(base, salt=32)),
    }  # fmt: skip


@cache
def _pss_key(parameters: bytes | None) -> bytes:
    """A certificate whose key signs by RSA-PSS only, with these parameters."""
    base = valid()
    parsed = asn1_x509.Certificate.load(base.certificate)
    tbs = parsed["tbs_certificate"]
    chosen = {"algorithm": "rsassa_pss"}
    if parameters is not None:
        chosen["parameters"] = algos.RSASSAPSSParams.load(parameters)
    tbs["subject_public_key_info"]["algorithm"] = keys.PublicKeyAlgorithm(chosen)
    signature = sign(base, tbs.dump(force=True))
    return seq(
        tbs.dump(), algorithm("1.2.840.113549.1.1.11", NULL), emit(0, 0, 3, b"\0" + signature)
    )


def restricted() -> dict[str, bytes]:
    """Keys for RSA-PSS, used otherwise."""

    def by(parameters: bytes | None, said: bytes, salt: int | None) -> bytes:
        certificate = _pss_key(parameters)
        return build(replace(valid(), certificate=certificate, scheme=said, salt=salt))

    sha_256 = pss_parameters(SHA256, SHA256, 32)
    return {
        "PKCS #1 v1.5 by a key for PSS": by(None, algorithm(RSA, NULL), None),
        "PKCS #1 v1.5 by a key for one PSS": by(sha_256, algorithm(RSA, NULL), None),
        "PSS by a key for another digest": by(
            pss_parameters(SHA512, SHA512, 32), algorithm(RSA_PSS, sha_256), 32),
        "PSS by a key for a longer salt": by(
            sha_256, algorithm(RSA_PSS, pss_parameters(SHA256, SHA256, 20)), 20),
    }  # fmt: skip


def weak_keys() -> dict[str, bytes]:
    ecdsa = algorithm(ECDSA_SHA256)
    brainpool = of_key(ec.generate_private_key(ec.BrainpoolP256R1()))
    secp256k1 = of_key(ec.generate_private_key(ec.SECP256K1()))
    return {
        "RSA of 1,024 bits": build(Recipe(*of_key(pki.weak_rsa()))),
        "RSA with exponent 3": build(Recipe(*of_key(pki.small_exponent_rsa()))),
        "RSA with exponent 3, forged by a cube root": _forged_by_cube_root(),
        "RSA of 8,200 bits": _by_public_key(rsa.RSAPublicNumbers(65537, 1 << 8199 | 1)),
        "another curve": build(Recipe(*brainpool, scheme=ecdsa)),
        "the curve of Bitcoin": build(Recipe(*secp256k1, scheme=ecdsa)),
    }


def _by_public_key(numbers: rsa.RSAPublicNumbers) -> bytes:
    base = valid()
    certificate = certificate_like(base.certificate, numbers.public_key(), base.key)
    octets_of_key = (numbers.n.bit_length() + 7) // 8
    return build(replace(base, certificate=certificate, signature=b"\x01" * octets_of_key))


DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def _forged_by_cube_root() -> bytes:
    """Bleichenbacher's forgery of 2006: rubbish after the digest hides what a cube root leaves."""
    recipe = Recipe(*of_key(pki.small_exponent_rsa()))
    digest = hashlib.sha256(recipe.message()).digest()
    front = b"\x00\x01" + b"\xff" * 8 + b"\x00" + DIGEST_INFO + digest
    target = int.from_bytes(front.ljust(256, b"\xff"), "big")
    low, high = 0, 1 << 700
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= target else (low, middle - 1)
    assert (low**3).to_bytes(256, "big").startswith(front)
    return build(replace(recipe, signature=low.to_bytes(256, "big")))


def rsa_values() -> dict[str, bytes]:
    base = valid()
    numbers = base.key.private_numbers()
    modulus = numbers.public_numbers.n
    digest = hashlib.sha256(base.message()).digest()
    right = sign(base, base.message())

    def raw(block: bytes) -> bytes:
        """The block raised to the private exponent, whatever it says."""
        value = pow(int.from_bytes(block, "big"), numbers.d, modulus)
        return build(replace(base, signature=value.to_bytes(256, "big")))

    def padded(what: bytes, kind: int = 1, most: int = 256) -> bytes:
        filling = b"\xff" * (most - 3 - len(what))
        return (bytes((0, kind)) + filling + b"\x00" + what).ljust(256, b"\x2a")

    def value(signature: bytes) -> bytes:
        return build(replace(base, signature=signature))

    without_null = bytes.fromhex("302f300b0609608648016503040201") + b"\x04\x20" + digest
    long_null = bytes.fromhex("3032300e06096086480165030402010581000420") + digest
    return {
        "signature of another key": value(b"\x01" * 256),
        "signature of zeros": value(bytes(256)),
        "signature of one": value(bytes(255) + b"\x01"),
        "signature empty": value(b""),
        "signature too long": value(b"\x00" + right),
        "signature cut": value(right[:-1]),
        "signature backwards": value(right[::-1]),
        "signature not reduced": _not_reduced(),
        "signature of the content": value(sign(base, CONTENT)),
        "signature of the digest": value(sign(base, hashlib.sha256(CONTENT).digest())),
        "block with rubbish after the digest": raw(padded(DIGEST_INFO + digest, most=120)),
        "block of type 2": raw(padded(DIGEST_INFO + digest, kind=2)),
        "block of the bare digest": raw(padded(digest)),
        "block without the NULL": raw(padded(without_null)),
        "block with a long NULL": raw(padded(long_null)),
        "block of another digest's name": raw(padded(
            DIGEST_INFO.replace(b"\x02\x01\x05", b"\x02\x03\x05") + digest)),
        "block of SHA-1": raw(padded(bytes.fromhex("3021300906052b0e03021a05000414")
                                     + hashlib.sha1(base.message()).digest())),
    }  # fmt: skip


def _not_reduced() -> bytes:
    """A signature and once more the modulus, where that still fits."""
    base = valid()
    modulus = base.key.private_numbers().public_numbers.n
    for number in range(1000):
        recipe = base.and_attribute(attribute("1.2.3.4", integer(number)))
        value = int.from_bytes(sign(recipe, recipe.message()), "big") + modulus
        if value < 1 << 2048:
            return build(replace(recipe, signature=value.to_bytes(256, "big")))
    raise AssertionError("a modulus of ones only")


P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def ecdsa_values() -> dict[str, bytes]:
    base = valid_ecdsa()
    right = sign(base, base.message())
    r, s = utils.decode_dss_signature(right)

    def value(signature: bytes) -> bytes:
        return build(replace(base, signature=signature))

    def of(first: int, second: int) -> bytes:
        return value(seq(integer(first), integer(second)))

    def not_minimal(number: int) -> bytes:
        return emit(0, 0, 2, b"\x00" + integer(number)[2:])

    return {
        "ECDSA of zeros": of(0, 0),
        "ECDSA with r of zero": of(0, s),
        "ECDSA with s of zero": of(r, 0),
        "ECDSA below zero": of(r, -s),
        "ECDSA with the order added to s": of(r, s + P256_ORDER),
        "ECDSA with the order added to r": of(r + P256_ORDER, s),
        "ECDSA with s of the order": of(r, P256_ORDER),
        "ECDSA with r and s exchanged": of(s, r),
        "ECDSA with an INTEGER not minimal": value(seq(integer(r), not_minimal(s))),
        "ECDSA with a rest": value(right + b"\x00"),
        "ECDSA with a third number": value(seq(integer(r), integer(s), integer(1))),
        "ECDSA in BER": value(b"\x30\x80" + right[2:] + b"\x00\x00"),
        "ECDSA with a longer length": value(b"\x30\x81" + right[1:]),
        "ECDSA as two numbers of 32 octets": value(r.to_bytes(32, "big") + s.to_bytes(32, "big")),
        "ECDSA empty": value(b""),
        "ECDSA of the content": value(sign(base, CONTENT)),
    }


ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def ed25519_values() -> dict[str, bytes]:
    base = valid_ed25519()
    message = base.message()
    right = sign(base, message)
    more = int.from_bytes(right[32:], "little") + ED25519_ORDER

    def value(signature: bytes) -> bytes:
        return build(replace(base, signature=signature))

    def scheme(*arguments: bytes | str) -> bytes:
        return build(replace(base, scheme=algorithm(*arguments)))

    identity = b"\x01" + bytes(31)
    small = ed25519.Ed25519PublicKey.from_public_bytes(identity)
    small_certificate = certificate_like(base.certificate, small, valid().key)
    return {
        "Ed25519 with SHA-256": build(Recipe(*own_ed25519(), scheme=algorithm(ED25519))),
        "Ed25519 with NULL": scheme(ED25519, NULL),
        "Ed25519 called Ed448": scheme("1.3.101.113"),
        "Ed25519 called ECDSA": scheme("1.2.840.10045.4.3.4"),
        "Ed25519 called RSA": scheme(RSA, NULL),
        "Ed25519 of the content": value(sign(base, CONTENT)),
        "Ed25519 of the digest of the attributes": value(
            sign(base, hashlib.sha512(message).digest())),
        "Ed25519 with the order added to S": value(right[:32] + more.to_bytes(32, "little")),
        "Ed25519 cut": value(right[:-1]),
        "Ed25519 prolonged": value(right + b"\x00"),
        "Ed25519 of zeros": value(bytes(64)),
        "Ed25519 wrapped in a string": value(octets(right)),
        "Ed25519 by a key of small order": build(
            replace(base, certificate=small_certificate, signature=identity + bytes(32))),
        "Ed25519 by an X25519 key": _signed_by_other(
            x25519.X25519PrivateKey.generate().public_key()),
        "Ed25519 by an Ed448 key": _signed_by_other(ed448.Ed448PrivateKey.generate().public_key()),
    }  # fmt: skip


def _signed_by_other(public: x25519.X25519PublicKey | ed448.Ed448PublicKey) -> bytes:
    base = valid_ed25519()
    assert public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    identifier = x509.SubjectKeyIdentifier(b"k" * 20)
    certificate = certificate_like(base.certificate, public, valid().key, identifier)
    return build(replace(base, certificate=certificate))


def blobs() -> dict[str, tuple[bytes, bytes | None]]:
    found = {
        **digests(), **schemes(), **pss(), **restricted(), **weak_keys(),
        **rsa_values(), **ecdsa_values(), **ed25519_values(),
    }  # fmt: skip
    return {name: (each, CONTENT) for name, each in found.items()}
