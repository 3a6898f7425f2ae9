"""Signed-data that names, carries or binds the wrong certificate, by name."""

from dataclasses import replace

from asn1crypto import x509 as asn1_x509
from asn1crypto.parser import emit
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.unit.certs import pki
from tests.unit.certs.cms.recipes import (
    CONTENT,
    ESS,
    MD5,
    NULL,
    OTHER_CONTENT,
    SHA1,
    Recipe,
    algorithm,
    attribute,
    bound,
    build,
    cert_id,
    certificate_like,
    der_of,
    issuer_serial,
    key_identifier,
    octets,
    oid,
    own_p256,
    seq,
    sign,
    signer_info,
    tagged,
    valid,
    valid_ecdsa,
)


def _same_key_again(recipe: Recipe) -> bytes:
    return der_of(
        pki.self_signed(
            recipe.key, hash_algorithm=hashes.SHA256(), names=("autre@medecin.example",)
        )
    )


def _edited(certificate: bytes, **fields: object) -> bytes:
    """The certificate with fields of its to-be-signed part changed; nobody signs it again."""
    parsed = asn1_x509.Certificate.load(certificate)
    for name, value in fields.items():
        parsed["tbs_certificate"][name] = value
    return parsed.dump(force=True)


def several() -> dict[str, bytes]:
    base, other = valid(), valid_ecdsa()
    both = (base.certificate, other.certificate)
    wrong = replace(base, signature=b"\x01" * 256)
    on_other = replace(base, signed=OTHER_CONTENT)
    return {
        "two signers": build(replace(base, signers=2)),
        "two signers, both right": build(
            replace(base, announced=(base.digest,), certificates=both), signer_info(other)),
        "two signers, the second wrong": build(base, signer_info(wrong)),
        "two signers, the first wrong": build(wrong, signer_info(base)),
        "two signers of two contents": build(base, signer_info(on_other)),
        "no signer": build(replace(base, signers=0)),
        "a crowd of signers": build(replace(base, signers=11)),
        "a signer that is none": build(base, signer=NULL),
        "a signer of nothing": build(base, signer=seq()),
    }  # fmt: skip


def certificates() -> dict[str, bytes]:
    base = valid()
    stranger = der_of(pki.certificate())
    padded = base.certificate.replace(b"\x30\x82", b"\x30\x83\x00", 1)
    indefinite = b"\x30\x80" + base.certificate[4:] + b"\x00\x00"

    def carrying(*certificates: bytes) -> bytes:
        return build(replace(base, certificates=certificates))

    def signed_by(certificate: bytes) -> bytes:
        return build(replace(base, certificate=certificate))

    return {
        "no certificate": carrying(),
        "another's certificate only": carrying(stranger),
        "too many certificates": carrying(*[base.certificate] * 21),
        "certificate that is none": carrying(base.certificate, seq(NULL)),
        "certificate cut": carrying(base.certificate, seq(stranger[4:-9])),
        "certificate with a rest": carrying(base.certificate, seq(stranger[4:], NULL)),
        "certificate with a longer length": carrying(padded),
        "certificate in BER": carrying(indefinite),
        "attribute certificate": carrying(base.certificate, tagged(2, NULL)),
        "extended certificate": carrying(base.certificate, tagged(0, NULL)),
        "certificate of another format": carrying(base.certificate, tagged(3, oid("1.2.3"), NULL)),
        "certificate as a string": carrying(octets(base.certificate)),
        "certificate number of 21 octets": signed_by(
            _edited(base.certificate, serial_number=(1 << 167) - 1)),
        "certificate number below zero": signed_by(_edited(base.certificate, serial_number=-5)),
        "certificate number zero": signed_by(_edited(base.certificate, serial_number=0)),
    }  # fmt: skip


def names() -> dict[str, bytes]:
    base = valid()
    stranger = der_of(pki.certificate())
    by_key = key_identifier(base.key)
    other_rsa = der_of(pki.certificate("rsa-2048"))
    parsed = asn1_x509.Certificate.load(base.certificate)["tbs_certificate"]
    issuer, serial = parsed["issuer"].dump(), parsed["serial_number"].dump()
    padded = b"\x02" + bytes((serial[1] + 1,)) + b"\x00" + serial[2:]
    louder = issuer.replace(b"Ailleurs", b"AILLEURS")
    assert louder != issuer

    def named(identifier: bytes, *more: bytes, version: int = 1) -> bytes:
        return build(replace(base, identifier=identifier, signer_version=version,
                             certificates=(base.certificate, *more)))  # fmt: skip

    def by(key: bytes, *more: bytes) -> bytes:
        return named(emit(2, 0, 0, key), *more, version=3)

    p256 = own_p256()[0].public_key()
    claims = x509.SubjectKeyIdentifier(by_key)
    nameless = certificate_like(base.certificate, base.key.public_key(), base.key)
    pretender = certificate_like(stranger, p256, own_p256()[0], claims)
    rsa_pretender = certificate_like(
        stranger, x509.load_der_x509_certificate(other_rsa).public_key(), base.key, claims
    )
    no_key = replace(base, signer_version=3, identifier=emit(2, 0, 0, by_key))
    return {
        "another's certificate named": build(
            replace(base, identifier=issuer_serial(stranger), certificates=(stranger,))),
        "another's certificate named, own beside": named(issuer_serial(stranger), stranger),
        "number with a zero before": named(seq(issuer, padded)),
        "number of nobody": named(seq(issuer, b"\x02\x01\x07")),
        "number first, issuer after": named(seq(serial, issuer)),
        "issuer in capitals": named(seq(louder, serial)),
        "issuer and number with a rest": named(seq(issuer, serial, NULL)),
        "issuer alone": named(seq(issuer)),
        "key identifier of nobody": by(by_key[::-1]),
        "key identifier cut": by(by_key[:-1]),
        "key identifier prolonged": by(by_key + b"\x00"),
        "key identifier empty": by(b""),
        "key identifier in parts": named(emit(2, 1, 0, octets(by_key)), version=3),
        "key identifier under another tag": named(emit(2, 0, 1, by_key), version=3),
        "key identifier of a certificate without": build(
            replace(no_key, certificates=(nameless,))),
        "key identifier of two certificates": by(by_key, pretender),
        "key identifier claimed by a stranger": build(
            replace(no_key, certificates=(rsa_pretender,))),
        "key identifier claimed by a stranger, own bound": build(replace(
            no_key.and_attribute(bound(base.certificate)), certificates=(rsa_pretender,))),
        "key identifier of the issuer": by(
            key_identifier(pki.authority().issuing), der_of(pki.authority().issuing)),
    }  # fmt: skip


def bindings() -> dict[str, bytes]:
    base = valid()
    own = base.certificate
    stranger = der_of(pki.certificate())
    again = _same_key_again(base)
    tied = base.and_attribute(bound(own))
    parsed = asn1_x509.Certificate.load(own)["tbs_certificate"]
    issuer, serial = tagged(4, parsed["issuer"].dump()), parsed["serial_number"].dump()
    other = tagged(4, asn1_x509.Certificate.load(stranger)["tbs_certificate"]["issuer"].dump())

    def ess(*content: bytes) -> bytes:
        return build(base.and_attribute(attribute(ESS, *content)))

    def with_issuer(*issuer_serial: bytes) -> bytes:
        return ess(seq(seq(cert_id(own, *issuer_serial))))

    return {
        "another's certificate named, own bound": build(
            replace(tied, identifier=issuer_serial(stranger), certificates=(stranger,))),
        "another certificate of the same key": build(
            replace(tied, identifier=issuer_serial(again), certificates=(again,))),
        "bound to another": ess(seq(seq(cert_id(stranger)))),
        "bound to another first": ess(seq(seq(cert_id(stranger), cert_id(own)))),
        "bound by SHA-1": build(base.and_attribute(
            bound(own, algorithm(SHA1), "sha1"))),
        "bound by MD5": build(base.and_attribute(bound(own, algorithm(MD5), "md5"))),
        "bound to nothing": ess(seq(seq())),
        "bound by half a digest": ess(seq(seq(seq(octets(b"\x01" * 16))))),
        "bound by two values": ess(seq(seq(cert_id(own))), seq(seq(cert_id(own)))),
        "bound with a rest": ess(seq(seq(cert_id(own)), seq(), NULL)),
        "bound with a rest inside": ess(seq(seq(cert_id(own, seq(seq(issuer), serial), NULL)))),
        "bound with another's issuer": with_issuer(seq(seq(other), serial)),
        "bound with another number": with_issuer(seq(seq(issuer), b"\x02\x01\x07")),
        "bound with two issuers": with_issuer(seq(seq(issuer, other), serial)),
    }  # fmt: skip


def collisions() -> dict[str, bytes]:
    """Several certificates of one issuer's name and one number."""
    base = valid()
    tied = base.and_attribute(bound(base.certificate))
    p256_twin = certificate_like(
        base.certificate, ec.generate_private_key(ec.SECP256R1()).public_key(), base.key
    )
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    rsa_twin = certificate_like(base.certificate, stranger.public_key(), base.key)
    return {
        "two certificates of one name and number": build(
            replace(base, certificates=(base.certificate, p256_twin))),
        "two certificates of one name and number, bound": build(
            replace(tied, certificates=(rsa_twin, base.certificate))),
        "a twin in the place of the signer": build(replace(base, certificates=(rsa_twin,))),
        "a twin of another kind of key": build(replace(base, certificates=(p256_twin,))),
        "a twin in the place of the signer, bound": build(
            replace(tied, certificates=(rsa_twin,))),
        "signed by the twin's key": build(replace(
            base, signature=sign(replace(base, key=stranger), base.message()))),
    }  # fmt: skip


def blobs() -> dict[str, tuple[bytes, bytes | None]]:
    found = {**several(), **certificates(), **names(), **bindings(), **collisions()}
    return {name: (each, CONTENT) for name, each in found.items()}
