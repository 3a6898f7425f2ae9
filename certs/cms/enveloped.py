"""Enveloped-data (RFC 5652 §6): close an envelope for recipients, open one that is for us.

Produced: AES-256-CBC with the content key transported by RSA PKCS#1 v1.5, which every client reads
(RFC 8551 §2.3, §2.7). CBC proves nothing about its content: an envelope closed here holds a signed
message, and what is opened here counts only once the signature inside is verified.

Opening says no more than that it failed: a wrong key, a wrong padding and a wrong content key take
the same path and raise the same :class:`CannotOpen` (RFC 3218 §2.3).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from certs import algorithms
from certs.algorithms import CONTENT_KEY_OCTETS, Kind
from certs.certificate import Certificate, public_key, to_der
from certs.cms import content_info, der, identifier, oids
from certs.cms.der import Reader
from certs.cms.signature import algorithm_identifier
from certs.errors import (
    AlgorithmRefused,
    CannotOpen,
    CertificateNotFound,
    DerMalformed,
    NotFoundReason,
    OpenReason,
)
from certs.keyring import PrivateKey

MAX_RECIPIENTS = 200
"""Recipients read in one envelope."""

_BLOCK_OCTETS = 16
_CONTENT = algorithms.named("aes-256-cbc")
_TRANSPORT = algorithms.named("rsa-pkcs1-v1.5-transport")
_TRANSPORT_IDENTIFIER = der.tlv(der.SEQUENCE, der.oid(_TRANSPORT.oid), der.tlv(der.NULL))
_TAG_0, _TAG_1 = 0xA0, 0xA1
_PRIMITIVE_TAG_0 = 0x80
_VERSION_0 = der.integer(0)


# --- closing -------------------------------------------------------------------------------------


def make_enveloped(content: bytes, recipients: Sequence[Certificate]) -> bytes:
    """The DER of a ContentInfo with enveloped-data that each of ``recipients`` opens.

    Raises :class:`CertificateNotFound` when there is no recipient, :class:`AlgorithmRefused` when
    one has no acceptable RSA key.
    """
    if not recipients:
        raise CertificateNotFound(NotFoundReason.NONE_KNOWN)
    key, vector = os.urandom(CONTENT_KEY_OCTETS[_CONTENT.name]), os.urandom(_BLOCK_OCTETS)
    recipient_infos = [_transport(key, each) for each in recipients]
    encryptor = Cipher(AES(key), CBC(vector)).encryptor()
    padder = padding.PKCS7(8 * _BLOCK_OCTETS).padder()  # RFC 5652 §6.3
    whole = len(content) - len(content) % _BLOCK_OCTETS
    tail = padder.update(content[whole:]) + padder.finalize()
    ciphertext = [encryptor.update(memoryview(content)[:whole]), encryptor.update(tail)]
    algorithm = der.tlv(der.SEQUENCE, der.oid(_CONTENT.oid), der.tlv(der.OCTET_STRING, vector))
    inner = [oids.ID_DATA, algorithm, *der.wrap(_PRIMITIVE_TAG_0, ciphertext)]
    enveloped = [_VERSION_0, der.set_of(*recipient_infos), *der.wrap(der.SEQUENCE, inner)]
    return content_info.wrapped(oids.ID_ENVELOPED_DATA, enveloped)


def _transport(key: bytes, recipient: Certificate) -> bytes:
    """KeyTransRecipientInfo (RFC 5652 §6.2.1)."""
    public = algorithms.accepted_key(public_key(recipient))
    if not isinstance(public, rsa.RSAPublicKey):
        raise AlgorithmRefused("key transport needs an rsa key")
    return der.tlv(
        der.SEQUENCE,
        _VERSION_0,
        identifier.issuer_and_serial(to_der(recipient)),
        _TRANSPORT_IDENTIFIER,
        der.tlv(der.OCTET_STRING, public.encrypt(key, rsa_padding.PKCS1v15())),
    )


# --- opening -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Recipient:
    """One key transport; ``algorithm`` is its identifier with parameters."""

    identifier: bytes
    algorithm: tuple[bytes, bytes]
    encrypted_key: bytes


@dataclass(frozen=True, slots=True)
class _Envelope:
    recipients: tuple[_Recipient, ...]
    algorithm: tuple[bytes, bytes]
    ciphertext: bytes


def open_enveloped(
    blob: bytes,
    keys: Sequence[tuple[Certificate, PrivateKey]],
    max_size: int = der.MAX_OCTETS,
) -> bytes:
    """The content of a ContentInfo with enveloped-data, in DER or streamed BER.

    ``keys``: every key that may open it, old ones too, each with its certificate. What comes out is
    **not authenticated**. At most ``max_size`` octets of blob. Raises :class:`CannotOpen`.
    """
    envelope = _read(blob, max_size)
    octets, vector = _content_encryption(envelope)
    known = [(to_der(certificate), key) for certificate, key in keys]
    tried: list[bytes] = []
    for recipient in envelope.recipients:
        for certificate, key in known:
            if not identifier.names(recipient.identifier, certificate):
                continue
            _check_transport(recipient)
            tried.append(recipient.identifier)
            content = _attempt(key, recipient.encrypted_key, octets, vector, envelope.ciphertext)
            if content is not None:
                return content
    if tried:
        raise CannotOpen(OpenReason.ALTERED, tuple(map(identifier.readable, tried)))
    raise CannotOpen(
        OpenReason.NOT_FOR_US,
        tuple(identifier.readable(each.identifier) for each in envelope.recipients),
    )


def _attempt(
    private: PrivateKey, encrypted_key: bytes, octets: int, vector: bytes, ciphertext: bytes
) -> bytes | None:
    """The content, or None: nothing tells which step failed, and no step is left out."""
    key = stand_in = os.urandom(octets)
    try:
        found = private.decrypt(encrypted_key)
    except ValueError:
        found = b""
    if len(found) == octets:
        key = found
    decryptor = Cipher(AES(key), CBC(vector)).decryptor()
    unpadder = padding.PKCS7(8 * _BLOCK_OCTETS).unpadder()
    try:
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        content = unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        return None
    return None if key is stand_in else content


def _content_encryption(envelope: _Envelope) -> tuple[int, bytes]:
    """(octets of the content key, initialisation vector)."""
    oid, parameters = envelope.algorithm
    try:
        row = algorithms.accepted(Kind.CONTENT_ENCRYPTION, oid)
    except AlgorithmRefused:
        raise CannotOpen(OpenReason.ALGORITHM_REFUSED) from None
    try:
        vector = Reader(parameters).content(der.OCTET_STRING)
    except DerMalformed:
        raise CannotOpen(OpenReason.MALFORMED) from None
    if len(vector) != _BLOCK_OCTETS:
        raise CannotOpen(OpenReason.MALFORMED)
    return CONTENT_KEY_OCTETS[row.name], vector


def _check_transport(recipient: _Recipient) -> None:
    oid, parameters = recipient.algorithm
    try:
        algorithms.accepted(Kind.KEY_TRANSPORT, oid)
    except AlgorithmRefused:
        raise CannotOpen(
            OpenReason.ALGORITHM_REFUSED, (identifier.readable(recipient.identifier),)
        ) from None
    if parameters not in (b"", der.tlv(der.NULL)):
        raise CannotOpen(OpenReason.MALFORMED)


def _read(blob: bytes, max_size: int) -> _Envelope:
    if len(blob) > max_size:
        raise CannotOpen(OpenReason.TOO_BIG)
    try:
        return _enveloped_data(blob)
    except DerMalformed:
        try:  # not DER; it may be BER: one pass more
            return _enveloped_data(der.to_der(blob, max_size=max_size))
        except DerMalformed:
            raise CannotOpen(OpenReason.MALFORMED) from None


def _enveloped_data(blob: bytes) -> _Envelope:
    """ContentInfo and EnvelopedData (RFC 5652 §6.1); raises :class:`DerMalformed`."""
    kind, reader = content_info.unwrapped(blob)
    if kind != oids.ID_ENVELOPED_DATA:
        raise CannotOpen(OpenReason.NOT_ENVELOPED_DATA)
    if reader.small_integer() not in (0, 2, 3, 4):
        raise DerMalformed("version of enveloped-data")
    if reader.peek() == _TAG_0:
        reader.element()  # originatorInfo: certificates for key agreement
    recipients = _recipients(reader.enter(der.SET))
    content = reader.enter(der.SEQUENCE)
    if reader.peek() == _TAG_1:
        reader.element()  # unprotected attributes
    reader.finish()
    if content.element(der.OID) != oids.ID_DATA:
        raise DerMalformed("content type in the envelope")
    algorithm = algorithm_identifier(content)
    ciphertext = _octets(content)
    content.finish()
    return _Envelope(recipients, algorithm, ciphertext)


def _octets(content: Reader) -> bytes:
    """[0] IMPLICIT OCTET STRING, whole or (streamed) in parts."""
    if content.peek() != _TAG_0:
        return content.content(_PRIMITIVE_TAG_0)
    parts = content.enter(_TAG_0)
    found: list[bytes] = []
    while parts.peek() >= 0:
        found.append(parts.content(der.OCTET_STRING))
    return b"".join(found)


def _recipients(reader: Reader) -> tuple[_Recipient, ...]:
    """The recipients by key transport; other kinds (tagged) are not for the keys that we have."""
    found: list[_Recipient] = []
    count = 0
    while reader.peek() >= 0:
        count += 1
        if count > MAX_RECIPIENTS:
            raise DerMalformed("too many recipients")
        if reader.peek() != der.SEQUENCE:
            reader.element()
            continue
        recipient_info = reader.enter(der.SEQUENCE)
        if (recipient_info.small_integer(), recipient_info.peek()) not in (
            (0, der.SEQUENCE),
            (2, identifier.KEY_IDENTIFIER),
        ):
            raise DerMalformed("version of a recipient")
        named = recipient_info.element()
        identifier.readable(named)  # refuses here what could not be named later
        algorithm = algorithm_identifier(recipient_info)
        found.append(_Recipient(named, algorithm, recipient_info.content(der.OCTET_STRING)))
        recipient_info.finish()
    return tuple(found)
