"""The invented people of these fixtures, their committed keys, and CMS made with them.

Everything is repeatable: RSA PKCS#1 v1.5 signatures, a fixed clock, fixed content keys, IVs and
padding. ``asn1crypto`` writes the CMS, so that no line of the product judges its own work.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from asn1crypto import cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

PKI: Final = Path(__file__).parent / "pki"
SIGNED_AT: Final = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
JUDGED_AT: Final = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
"""The clock that the expected verdicts are for."""

FIRST_DAY, LAST_DAY = datetime(2026, 1, 1, tzinfo=UTC), datetime(2046, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Person:
    """Somebody invented; ``key_file`` and the certificate stand in ``pki/``."""

    key_file: str
    name: str
    address: str
    serial: int


AUTHORITY: Final = Person("autorite", "Autorité d'essai des fixtures S/MIME", "", 1)
VICTIM: Final = Person("helene", "Hélène MARCHAND", "helene.marchand@mss.example", 0x1001)
ATTACKER: Final = Person("victor", "Victor LENOIR", "victor.lenoir@mss.example", 0x1002)
READER: Final = Person("jeanne", "Jeanne PERRIN", "jeanne.perrin@mss.example", 0x1003)
PEOPLE: Final = (VICTIM, ATTACKER, READER)


@cache
def private_key(person: Person) -> rsa.RSAPrivateKey:
    """The committed key; PKCS#8 in DER."""
    key = load_der_private_key((PKI / f"{person.key_file}.key").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def private_pem(person: Person) -> bytes:
    """The same key as PEM, for loaders that want it."""
    return private_key(person).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@cache
def certificate(person: Person) -> x509.Certificate:
    """The committed certificate; PEM, of AUTHORITY for the people and of itself for AUTHORITY."""
    return x509.load_pem_x509_certificate((PKI / f"{person.key_file}.pem").read_bytes())


def issue(person: Person) -> x509.Certificate:
    """The certificate as ``make.py`` wrote it, made again."""
    is_authority = person is AUTHORITY
    key, issuing = private_key(person).public_key(), private_key(AUTHORITY)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, person.name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, AUTHORITY.name)]))
        .public_key(key)
        .serial_number(person.serial)
        .not_valid_before(FIRST_DAY)
        .not_valid_after(LAST_DAY)
        .add_extension(x509.BasicConstraints(is_authority, 0 if is_authority else None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
        .add_extension(_usage(is_authority), True)
    )
    if not is_authority:
        builder = (
            builder.add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing.public_key()), False
            )
            .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(person.address)]), False)
            .add_extension(
                x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION]), False
            )
        )
    return builder.sign(issuing, hashes.SHA256())


def _usage(is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=not is_authority,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _asn1(person: Person) -> Any:
    return asn1_x509.Certificate.load(certificate(person).public_bytes(Encoding.DER))


def _identifier(person: Person) -> dict[str, Any]:
    mine = _asn1(person)
    return {
        "issuer": mine.issuer,
        "serial_number": mine.serial_number,
    }


def signer_info(content: bytes, person: Person) -> Any:
    """A SignerInfo of ``person`` over ``content``, with the attributes that everybody wants."""
    attributes = cms.CMSAttributes(
        [
            {"type": "content_type", "values": ["data"]},
            {"type": "signing_time", "values": [cms.Time(name="utc_time", value=SIGNED_AT)]},
            {"type": "message_digest", "values": [hashlib.sha256(content).digest()]},
        ]
    )
    signature = private_key(person).sign(attributes.dump(), padding.PKCS1v15(), hashes.SHA256())
    return cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                name="issuer_and_serial_number",
                value=cms.IssuerAndSerialNumber(_identifier(person)),
            ),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "rsassa_pkcs1v15"},
            "signature": signature,
        }
    )


def signed(
    infos: list[Any], certificates: tuple[Person, ...], encapsulated: bytes | None = None
) -> bytes:
    """Signed-data in DER: any signer infos, any certificates, a content or none."""
    content: dict[str, Any] = {"content_type": "data"}
    if encapsulated is not None:
        content["content"] = encapsulated
    body: dict[str, Any] = {
        "version": "v1",
        "digest_algorithms": [{"algorithm": "sha256"}],
        "encap_content_info": content,
        "signer_infos": infos,
    }
    if certificates:
        body["certificates"] = [
            cms.CertificateChoices(name="certificate", value=_asn1(person))
            for person in certificates
        ]
    der = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(body)}).dump()
    assert isinstance(der, bytes)
    return der


def signed_by(person: Person, content: bytes, *, opaque: bool = False) -> bytes:
    """An honest signature."""
    return signed([signer_info(content, person)], (person,), content if opaque else None)


def without_content() -> bytes:
    """A ContentInfo that names signed-data and stops there."""
    return bytes(
        core.Sequence(contents=core.ObjectIdentifier("1.2.840.113549.1.7.2").dump()).dump()
    )


def enveloped(content: bytes, recipient: Person, label: str) -> bytes:
    """Enveloped-data, AES-256-CBC and PKCS#1 v1.5; ``label`` gives its key and its IV."""
    key, vector = _octets(label + " key", 32), _octets(label + " iv", 16)
    pad = 16 - len(content) % 16
    return enveloped_as_is(_cbc(key, vector, content + bytes([pad]) * pad), recipient, key, vector)


def enveloped_as_is(ciphertext: bytes, recipient: Person, key: bytes, vector: bytes) -> bytes:
    """Enveloped-data around a ciphertext that is given, altered or not."""
    transport = cms.KeyTransRecipientInfo(
        {
            "version": "v0",
            "rid": cms.RecipientIdentifier(
                name="issuer_and_serial_number",
                value=cms.IssuerAndSerialNumber(_identifier(recipient)),
            ),
            "key_encryption_algorithm": {"algorithm": "rsaes_pkcs1v15"},
            "encrypted_key": _transport(key, recipient),
        }
    )
    body = {
        "version": "v0",
        "recipient_infos": [cms.RecipientInfo(name="ktri", value=transport)],
        "encrypted_content_info": {
            "content_type": "data",
            "content_encryption_algorithm": {"algorithm": "aes256_cbc", "parameters": vector},
            "encrypted_content": ciphertext,
        },
    }
    info = {"content_type": "enveloped_data", "content": cms.EnvelopedData(body)}
    return bytes(cms.ContentInfo(info).dump())


def malleated(content: bytes, recipient: Person, label: str, wanted: list[bytes]) -> bytes:
    """An envelope whose maker knew its first 16 octets only, and put ``wanted`` blocks in.

    Each block of 16 octets comes out as written, behind 16 octets of noise: the CBC gadget of
    EFAIL. The last two blocks of the victim's ciphertext end it, so that its padding is right.
    """
    key, vector = _octets(label + " key", 32), _octets(label + " iv", 16)
    pad = 16 - len(content) % 16
    honest = _cbc(key, vector, content + bytes([pad]) * pad)
    known = bytes(a ^ b for a, b in zip(vector, content[:16], strict=True))
    blocks = [honest[:16]]
    first = bytes(a ^ b for a, b in zip(known, wanted[0], strict=True))
    for text in wanted[1:]:
        assert len(text) == 16
        blocks += [bytes(a ^ b for a, b in zip(known, text, strict=True)), honest[:16]]
    return enveloped_as_is(b"".join([*blocks, honest[-32:]]), recipient, key, first)


def _cbc(key: bytes, vector: bytes, padded: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    return encryptor.update(padded) + encryptor.finalize()


def _transport(key: bytes, recipient: Person) -> bytes:
    """PKCS#1 v1.5 with padding that is not random, by arithmetic."""
    numbers = private_key(recipient).public_key().public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    filling = b"".join(hashlib.sha256(key + bytes([n])).digest() for n in range(16))
    nonzero = filling.replace(b"\0", b"\1")[: size - 3 - len(key)]
    block = int.from_bytes(b"\0\2" + nonzero + b"\0" + key, "big")
    return pow(block, numbers.e, numbers.n).to_bytes(size, "big")


def _octets(label: str, count: int) -> bytes:
    return hashlib.sha512(label.encode("utf-8")).digest()[:count]
