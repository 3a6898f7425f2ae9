"""Signed-data altered or unusual, yet right: accepted, as another implementation accepts it."""

from dataclasses import replace

from asn1crypto import x509
from asn1crypto.parser import emit
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import utils

from tests.unit.certs import pki
from tests.unit.certs.cms.altered_algorithms import P256_ORDER
from tests.unit.certs.cms.recipes import (
    CAPABILITIES,
    CONTENT,
    COUNTERSIGNATURE,
    DATA,
    ESS,
    ESS_1,
    NULL,
    RSA,
    RSA_PSS,
    RSA_SHA256,
    SHA256,
    SHA512,
    SIGNED,
    TIME,
    a_set,
    algorithm,
    attribute,
    bound,
    build,
    cert_id,
    der_of,
    integer,
    key_identifier,
    octets,
    oid,
    pss_parameters,
    seq,
    sign,
    signer_info,
    tagged,
    valid,
    valid_ecdsa,
)

BER_END = b"\x00\x00"


def beside() -> dict[str, bytes]:
    """What is not signed, and what it may hold."""
    base, by_curve = valid(), valid_ecdsa()
    stranger = der_of(pki.certificate())
    crl = pki.authority().crl([], pki.NOW, pki.NOW)
    r, s = utils.decode_dss_signature(sign(by_curve, by_curve.message()))
    other_s = seq(integer(r), integer(P256_ORDER - s))
    stamp = seq(oid("1.2.3.4"), b"\x31\x80\x30\x80" + integer(1) + BER_END + BER_END)
    found = {
        f"version {version} of signed-data": replace(base, version=version) for version in (3, 4, 5)
    }
    found |= {
        "the other s of ECDSA": replace(by_curve, signature=other_s),
        "another certificate too": replace(base, certificates=(base.certificate, stranger)),
        "the certificate twenty times": replace(base, certificates=(base.certificate,) * 20),
        "the digest announced twice": replace(base, announced=(base.digest,) * 2),
        "another digest announced too": replace(base, announced=(base.digest, algorithm(SHA512))),
        "announced with NULL": replace(base, announced=(algorithm(SHA256, NULL),)),
        "digest with NULL": replace(base, digest=algorithm(SHA256, NULL)),
        "RSA without parameters": replace(base, scheme=algorithm(RSA)),
        "RSA named with its digest": replace(base, scheme=algorithm(RSA_SHA256, NULL)),
        "a revocation list": replace(base, lists=tagged(1, crl)),
        "an answer of revocation": replace(
            base, lists=tagged(1, tagged(1, oid("1.3.6.1.5.5.7.16.2"), seq(NULL)))),
        "an unsigned attribute": replace(base, unsigned=tagged(1, attribute("1.2.3.4", NULL))),
        "an unsigned attribute in BER": replace(base, unsigned=tagged(1, stamp)),
        "a countersignature": replace(
            base, unsigned=tagged(1, attribute(COUNTERSIGNATURE, signer_info(by_curve)))),
    }  # fmt: skip
    return {name: build(recipe) for name, recipe in found.items()}


def signed() -> dict[str, bytes]:
    base = valid()
    own = base.certificate
    first, _, digest = base.own_attributes()
    by_key = emit(2, 0, 0, key_identifier(base.key))
    sha_512 = algorithm(SHA512)
    issuer, serial = _issuer_and_serial(own)
    found = {
        "named by key": replace(base, signer_version=3, version=3, identifier=by_key),
        "named by key, version 1": replace(base, signer_version=3, identifier=by_key),
        "no signing time": replace(base, attributes=(first, digest)),
        "a signing time of another form": replace(base, attributes=tuple(sorted((
            first, digest, attribute(TIME, emit(0, 0, 24, b"20261122083015Z")))))),
        "a signing time long past": replace(base, attributes=tuple(sorted((
            first, digest, attribute(TIME, emit(0, 0, 23, b"500101000000Z")))))),
        "an unknown attribute of two values": base.and_attribute(
            attribute("1.2.3.4", integer(1), NULL)),
        "capabilities that are none": base.and_attribute(attribute(CAPABILITIES, NULL)),
        "a SHA-1 binding of another certificate": base.and_attribute(
            attribute(ESS_1, seq(seq(seq(octets(b"\x01" * 20)))))),
        "bound": base.and_attribute(bound(own)),
        "bound by SHA-512": base.and_attribute(bound(own, sha_512, "sha512")),
        "bound with its issuer": base.and_attribute(bound_with_issuer(own, issuer, serial)),
        "by SHA-512": replace(base, digest=sha_512, hash=hashes.SHA512()),
        "PSS": replace(base, salt=32, scheme=algorithm(
            RSA_PSS, pss_parameters(SHA256, SHA256, 32))),
        "PSS without salt": replace(base, salt=0, scheme=algorithm(
            RSA_PSS, pss_parameters(SHA256, SHA256, 0))),
    }  # fmt: skip
    return {name: build(recipe) for name, recipe in found.items()}


def bound_with_issuer(certificate: bytes, issuer: bytes, serial: bytes) -> bytes:
    issuer_serial_of_ess = seq(seq(tagged(4, issuer)), serial)
    return attribute(ESS, seq(seq(cert_id(certificate, issuer_serial_of_ess))))


def _issuer_and_serial(certificate: bytes) -> tuple[bytes, bytes]:
    tbs = x509.Certificate.load(certificate)["tbs_certificate"]
    return tbs["issuer"].dump(), tbs["serial_number"].dump()


def streamed() -> bytes:
    """BER as streaming producers emit it: everything around the content is indefinite."""
    base = valid()
    half = len(CONTENT) // 2
    parts = b"\xa0\x80\x24\x80" + octets(CONTENT[:half]) + octets(CONTENT[half:]) + 2 * BER_END
    return b"".join(
        [
            b"\x30\x80", oid(SIGNED), b"\xa0\x80\x30\x80", integer(1), a_set(base.digest),
            b"\x30\x80", oid(DATA), parts, BER_END,
            b"\xa0\x80", base.certificate, BER_END,
            b"\x31\x80", signer_info(base), BER_END, 3 * BER_END,
        ]
    )  # fmt: skip


def blobs() -> dict[str, tuple[bytes, bytes | None]]:
    found = {name: (each, CONTENT) for name, each in {**beside(), **signed()}.items()}
    found["content inside in two parts"] = (
        build(replace(valid(), encapsulated=tagged(0, emit(0, 1, 4, octets(CONTENT[:9])
              + octets(CONTENT[9:]))))), None)  # fmt: skip
    found["streamed"] = (streamed(), None)
    return found
