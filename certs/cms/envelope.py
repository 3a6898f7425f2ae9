"""The structure of (authenticated-)enveloped-data (RFC 5652 §6.1, RFC 5083 §2.1).

Read strictly, and nothing judged: no algorithm is looked up and no key is used here.
"""

from dataclasses import dataclass

from certs.algorithms import Kind
from certs.cms import ber, content_info, der, encryption, oids, recipients
from certs.cms.der import Reader
from certs.cms.recipients import Recipient
from certs.cms.signature import algorithm_identifier
from certs.errors import CannotOpen, DerMalformed, OpenReason

MAX_ATTRIBUTES = 64 * 1024
"""Octets of attributes that a tag may cover besides the content."""

_TAG_0, _TAG_1, _TAG_2 = 0xA0, 0xA1, 0xA2
_PRIMITIVE_TAG_0 = 0x80

_CIPHERTEXT = bytes((der.SEQUENCE, _TAG_0, der.SEQUENCE, der.SEQUENCE, _PRIMITIVE_TAG_0))
"""Its place: ContentInfo, content, (Auth)EnvelopedData, EncryptedContentInfo, encryptedContent."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One envelope. ``kind`` is what its type of content demands of ``algorithm``.

    ``tag`` and ``associated``, the attributes that the tag covers in DER, are empty where there are
    none.
    """

    kind: Kind
    recipients: tuple[Recipient, ...]
    algorithm: tuple[bytes, bytes]
    ciphertext: encryption.Parts
    tag: bytes
    associated: bytes


def read(blob: bytes, max_size: int) -> Envelope:
    """The envelope of a ContentInfo, in DER or streamed BER, of at most ``max_size`` octets.

    The ciphertext is not copied. Raises :class:`CannotOpen`.
    """
    if len(blob) > max_size:
        raise CannotOpen(OpenReason.TOO_BIG)
    try:
        return _enveloped_data(blob, None)
    except DerMalformed:
        pass  # not DER; it may be BER: one pass more
    try:
        found = ber.taken_apart(blob, _CIPHERTEXT, max_size)
        return _enveloped_data(found.der, found.parts)
    except DerMalformed:
        raise CannotOpen(OpenReason.MALFORMED) from None


def _enveloped_data(blob: bytes, apart: ber.Parts | None) -> Envelope:
    """ContentInfo with EnvelopedData (RFC 5652 §6.1) or AuthEnvelopedData (RFC 5083 §2.1).

    ``apart``: the parts of the ciphertext, when the BER pass took them out of ``blob``. Raises
    :class:`DerMalformed`.
    """
    kind, reader = content_info.unwrapped(blob)
    if kind not in (oids.ID_ENVELOPED_DATA, oids.ID_AUTH_ENVELOPED_DATA):
        raise CannotOpen(OpenReason.NOT_ENVELOPED_DATA)
    is_authenticated = kind == oids.ID_AUTH_ENVELOPED_DATA
    if reader.small_integer() not in ((0,) if is_authenticated else (0, 2, 3, 4)):
        raise DerMalformed("version of enveloped-data")
    if reader.peek() == _TAG_0:
        reader.element()  # originatorInfo: certificates for static agreement
    found = recipients.read(reader.enter(der.SET))
    content = reader.enter(der.SEQUENCE)
    if content.element(der.OID) != oids.ID_DATA:
        raise DerMalformed("content type in the envelope")
    algorithm = algorithm_identifier(content)
    ciphertext = _ciphertext(content, apart)
    content.finish()
    associated = tag = b""
    if is_authenticated:
        if reader.peek() == _TAG_1:
            associated = _attributes(reader.enter(_TAG_1))
        tag = reader.content(der.OCTET_STRING)
    if reader.peek() == (_TAG_2 if is_authenticated else _TAG_1):
        reader.element()  # attributes that nothing protects
    reader.finish()
    encrypts = Kind.AUTHENTICATED_ENCRYPTION if is_authenticated else Kind.CONTENT_ENCRYPTION
    return Envelope(encrypts, found, algorithm, ciphertext, tag, associated)


def _ciphertext(content: Reader, apart: ber.Parts | None) -> encryption.Parts:
    """[0] IMPLICIT OCTET STRING, whole or (streamed) in parts."""
    if apart is not None:
        content.content(_PRIMITIVE_TAG_0)  # emptied: the one string in this place
        return apart
    if content.peek() != _TAG_0:
        return [content.view(_PRIMITIVE_TAG_0)]
    parts = content.enter(_TAG_0)
    found: list[memoryview] = []
    while parts.peek() >= 0:
        found.append(parts.view(der.OCTET_STRING))
    return found


def _attributes(reader: Reader) -> bytes:
    """The authenticated attributes as the tag covers them: a SET OF in DER (RFC 5083 §2.2)."""
    found: list[bytes] = []
    octets = 0
    while reader.peek() >= 0:
        found.append(reader.element(der.SEQUENCE))
        octets += len(found[-1])
        if octets > MAX_ATTRIBUTES:
            raise DerMalformed("attributes too long")
    if not found:
        raise DerMalformed("no attribute")
    return der.set_of(*found)
