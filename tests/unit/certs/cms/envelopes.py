"""Envelopes built piece by piece with an encoder that is not ours, each part replaceable.

The ciphers, derivations and wraps come straight from ``cryptography`` and ``hashlib``.
"""

import hashlib
import hmac

from asn1crypto import core
from asn1crypto.parser import emit
from cryptography.hazmat.primitives.asymmetric import ec, padding, x25519
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, GCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import SubjectKeyIdentifier

from certs.certificate import to_der
from certs.cms import identifier
from tests.unit.certs import pki

CONTENT = b"Bonjour Madame.\r\n" * 20
DATA, SIGNED = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.2"
ENVELOPED, AUTHENTICATED = "1.2.840.113549.1.7.3", "1.2.840.113549.1.9.16.1.23"
RSA, OAEP, MGF1 = (f"1.2.840.113549.1.1.{n}" for n in (1, 7, 8))
AES_ARC = "2.16.840.1.101.3.4.1"
CBC_256, GCM_256, WRAP_128, WRAP_256 = (f"{AES_ARC}.{n}" for n in (42, 46, 5, 45))
STD, COFACTOR = "1.3.132.1.11", "1.3.132.1.14"
STD_SHA1 = "1.3.133.16.840.63.0.2"
HKDF = "1.2.840.113549.1.9.16.3"
EC_KEY, X25519 = "1.2.840.10045.2.1", "1.3.101.110"
NULL = b"\x05\x00"
KEY, VECTOR, NONCE = b"k" * 32, b"v" * 16, b"n" * 12


# --- encoding ------------------------------------------------------------------------------------


def seq(*parts):
    return emit(0, 1, 16, b"".join(parts))


def a_set(*parts):
    return emit(0, 1, 17, b"".join(parts))


def tagged(number, *parts):
    return emit(2, 1, number, b"".join(parts))


def octets(value):
    return emit(0, 0, 4, value)


def bits(value):
    return emit(0, 0, 3, b"\x00" + value)


def oid(dotted):
    return core.ObjectIdentifier(dotted).dump()


def integer(value):
    return core.Integer(value).dump()


def algorithm(dotted, *parameters):
    return seq(oid(dotted), *parameters)


# --- contents ------------------------------------------------------------------------------------


def cbc(key=KEY, content=CONTENT):
    missing = 16 - len(content) % 16
    return Cipher(AES(key), CBC(VECTOR)).encryptor().update(content + bytes([missing]) * missing)


def gcm(key=KEY, content=CONTENT, associated=b"", nonce=NONCE):
    """(ciphertext, whole tag)"""
    encryptor = Cipher(AES(key), GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(associated)
    return encryptor.update(content) + encryptor.finalize(), encryptor.tag


def gcm_parameters(nonce=NONCE, tag_octets=None):
    return seq(octets(nonce), b"" if tag_octets is None else integer(tag_octets))


# --- recipients ----------------------------------------------------------------------------------


def own(number=0, kind="rsa-2048"):
    return pki.certificate(kind, number), pki.key(kind, number)


def key_identifier(kind="rsa-2048", number=0):
    return SubjectKeyIdentifier.from_public_key(pki.key(kind, number).public_key).digest


def transport(
    key=KEY, *, number=0, by_key=False, scheme=RSA, parameters=NULL, encrypted=None, padded=None
):
    """KeyTransRecipientInfo; ``padded`` is a padding of cryptography's."""
    certificate, private = own(number)
    named = identifier.issuer_and_serial(to_der(certificate))
    if by_key:
        named = emit(2, 0, 0, key_identifier(number=number))
    if encrypted is None:
        encrypted = private.public_key.encrypt(key, padded or padding.PKCS1v15())
    return seq(integer(2 if by_key else 0), named, algorithm(scheme, parameters), octets(encrypted))


def x963(digest, secret, shared, size):
    found = b""
    for counter in range(1, 1 + -(-size // hashlib.new(digest).digest_size)):
        found += hashlib.new(digest, secret + counter.to_bytes(4, "big") + shared).digest()
    return found[:size]


def hkdf(digest, secret, salt, shared, size):
    pseudo = hmac.new(salt or bytes(hashlib.new(digest).digest_size), secret, digest).digest()
    found = block = b""
    for counter in range(1, 1 + -(-size // len(pseudo))):
        block = hmac.new(pseudo, block + shared + bytes([counter]), digest).digest()
        found += block
    return found[:size]


def agreement(
    key=KEY,
    *,
    kind="p256",
    numbers=(0,),
    by_key=False,
    scheme=f"{STD}.1",
    digest="sha256",
    wrap=WRAP_256,
    wrap_parameters=b"",
    curve=None,
    ukm=None,
    version=3,
    originator=None,
    wrapped=None,
):
    """KeyAgreeRecipientInfo of one originator for one or several of our keys."""
    public = pki.key(kind).public_key
    is_montgomery = isinstance(public, x25519.X25519PublicKey)
    if is_montgomery:
        drawn = x25519.X25519PrivateKey.generate()
        point = drawn.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    else:
        drawn = ec.generate_private_key(public.curve)
        point = drawn.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    wrapping = algorithm(wrap, wrap_parameters)
    size = 32 if wrap == WRAP_256 else 16
    shared = seq(
        wrapping,
        tagged(0, octets(ukm)) if ukm is not None else b"",
        tagged(2, octets((8 * size).to_bytes(4, "big"))),
    )
    keys = []
    for number in numbers:
        other = pki.key(kind, number).public_key
        secret = drawn.exchange(other) if is_montgomery else drawn.exchange(ec.ECDH(), other)
        if scheme.startswith(HKDF):
            kek = hkdf(digest, secret, ukm, shared, size)
        else:
            kek = x963(digest, secret, shared, size)
        named = identifier.issuer_and_serial(to_der(pki.certificate(kind, number)))
        if by_key:
            named = tagged(0, octets(key_identifier(kind, number)))
        keys.append(seq(named, octets(aes_key_wrap(kek, key) if wrapped is None else wrapped)))
    if originator is None:
        curve = curve or algorithm(X25519 if is_montgomery else EC_KEY)
        originator = tagged(1, curve, bits(point))
    return tagged(
        1,
        integer(version),
        tagged(0, originator),
        tagged(1, octets(ukm)) if ukm is not None else b"",
        algorithm(scheme, wrapping),
        seq(*keys),
    )


# --- envelopes -----------------------------------------------------------------------------------


def build(
    *,
    infos=None,
    cipher=CBC_256,
    parameters=None,
    content=b"\xaa" * 32,
    version=0,
    kind=DATA,
    extra=b"",
    field=None,
    outer=ENVELOPED,
):
    infos = [transport()] if infos is None else infos
    vector = octets(VECTOR) if parameters is None else parameters
    field = emit(2, 0, 0, content) if field is None else field
    inside = seq(oid(kind), seq(oid(cipher), vector), field)
    return seq(oid(outer), tagged(0, seq(integer(version), a_set(*infos), inside, extra)))


def build_gcm(
    *, infos=None, tag_octets=None, nonce=NONCE, attributes=b"", associated=None, key=KEY, **other
):
    """Auth-enveloped; ``attributes`` is the whole [1], ``associated`` what the tag covers."""
    ciphertext, tag = gcm(key, associated=associated or b"", nonce=nonce)
    mac = other.pop("mac", octets(tag[: 12 if tag_octets is None else tag_octets]))
    extra = attributes + mac + other.pop("unprotected", b"")
    given = {
        "cipher": GCM_256,
        "parameters": gcm_parameters(nonce, tag_octets),
        "content": ciphertext,
        "outer": AUTHENTICATED,
        "extra": extra,
    }
    return build(infos=infos, **(given | other))
