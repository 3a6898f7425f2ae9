"""The attributes of a signer (RFC 5652 §5.3): read strictly, whether signed or not, and written.

Two implementations that read the same attributes differently make an attack (Müller et al.,
"Johnny, you are fired", 2019): what another one would call malformed is malformed here, even in an
attribute that means nothing to us.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from certs import capabilities
from certs.capabilities import Capabilities
from certs.cms import der, oids
from certs.cms.der import Reader
from certs.errors import DerMalformed, SignatureReason, SignatureRejected

MAX_ATTRIBUTES: Final = 32
"""Attributes looked at, of each sort; clients sign five to eight."""

SIGNING_CERTIFICATE: Final = der.oid("1.2.840.113549.1.9.16.2.12")
"""RFC 5035 §5.4.1, by SHA-1: tolerated, and never counted as a binding of the certificate."""

COUNTERSIGNATURE: Final = der.oid("1.2.840.113549.1.9.6")

_RECEIPT_REQUEST = der.oid("1.2.840.113549.1.9.16.2.1")
_TAG_0, _TAG_1 = 0xA0, 0xA1

_SIGNED_ONLY = frozenset(
    (
        oids.CONTENT_TYPE,
        oids.MESSAGE_DIGEST,
        oids.SIGNING_TIME,
        oids.CAPABILITIES,
        oids.SIGNING_CERTIFICATE_V2,
        SIGNING_CERTIFICATE,
        _RECEIPT_REQUEST,
    )
)
"""Must be signed and have one value (RFC 5652 §11, RFC 8551 §2.5, RFC 5035 §5.4)."""


_parsed = lru_cache(maxsize=256)(capabilities.parse)
"""Correspondents write again, and say the same; a value has 16 KiB at most."""


def attribute(oid: bytes, value: bytes) -> bytes:
    """One Attribute of one value, both given as DER elements."""
    return der.tlv(der.SEQUENCE, oid, der.tlv(der.SET, value))


def read_signed(encoded: bytes) -> dict[bytes, bytes]:
    """Type → first value of the signed attributes, given with the tag ``[0]`` they travel under.

    Each type once, in the order of a SET OF, which is part of its DER (ITU-T X.690 §11.6), for DER
    is what was signed. Raises :class:`DerMalformed`, :class:`SignatureRejected` for a type that
    comes twice.
    """
    reader = Reader(encoded).enter(_TAG_0)
    found: dict[bytes, bytes] = {}
    previous = b""
    while reader.peek() >= 0:
        whole = reader.element(der.SEQUENCE)
        if whole < previous:
            raise DerMalformed("attributes out of order")
        previous = whole
        oid, values = _attribute(whole)
        if oid in found:
            raise SignatureRejected(SignatureReason.ATTRIBUTE_DUPLICATED)
        if len(found) == MAX_ATTRIBUTES:
            raise DerMalformed("too many attributes")
        if oid == COUNTERSIGNATURE:
            raise DerMalformed("a signed countersignature")  # RFC 5652 §11.4
        if oid in _SIGNED_ONLY and len(values) != 1:
            raise DerMalformed("an attribute of several values")
        found[oid] = values[0]
    return found


def capabilities_of(found: dict[bytes, bytes]) -> Capabilities | None:
    """The SMIMECapabilities among signed attributes; None when absent or malformed.

    A signature tells who wrote, this only how to answer: it is no reason to refuse.
    """
    value = found.get(oids.CAPABILITIES)
    try:
        return None if value is None else _parsed(value)
    except DerMalformed:
        return None


def check_unsigned(encoded: bytes) -> None:
    """Refuse unsigned attributes that are malformed, or that only a signature makes true.

    They are given with their tag ``[1]``, and are not looked at otherwise. Time-stamps in them may
    be BER. Raises :class:`DerMalformed`.
    """
    reader = Reader(der.to_der(encoded)).enter(_TAG_1)
    count = 0
    while reader.peek() >= 0:
        oid, _ = _attribute(reader.element(der.SEQUENCE))
        count += 1
        if count > MAX_ATTRIBUTES:
            raise DerMalformed("too many attributes")
        if oid in _SIGNED_ONLY:
            raise DerMalformed("an unsigned attribute that must be signed")
    if not count:
        raise DerMalformed("no attributes")


def _attribute(whole: bytes) -> tuple[bytes, list[bytes]]:
    """(type, values) of one Attribute; every value is well-formed, and there is one at least."""
    reader = Reader(whole).enter(der.SEQUENCE)
    oid = reader.element(der.OID)
    check_value(oid)
    values = reader.enter(der.SET)
    reader.finish()
    found: list[bytes] = []
    while values.peek() >= 0:
        found.append(values.element())
        check_value(found[-1])
    if not found:
        raise DerMalformed("an attribute without a value")
    return oid, found


# --- well-formed values --------------------------------------------------------------------------

_CONSTRUCTED_UNIVERSAL = frozenset((der.SEQUENCE, der.SET))


def check_value(element: bytes) -> None:
    """Refuse a value whose outermost element is not DER (ITU-T X.690 §8, §10.2).

    Universal types only: the others have the form that their type says, which we don't know.
    Raises :class:`DerMalformed`.
    """
    tag = element[0]
    if tag >= 0x40 or tag in _CONSTRUCTED_UNIVERSAL:
        return
    rule = _PRIMITIVES.get(tag)
    if tag == 0 or tag & 0x20 or tag in (0x10, 0x11):
        raise DerMalformed("the form of a value")
    if rule is not None and not rule(Reader(element).content(tag)):
        raise DerMalformed("a value")


def _is_integer(content: bytes) -> bool:
    if len(content) < 2:
        return len(content) == 1
    return content[:1] not in (b"\x00", b"\xff") or (content[0] ^ content[1]) >= 0x80


def _is_bit_string(content: bytes) -> bool:
    return bool(content) and content[0] <= (7 if len(content) > 1 else 0)


def _is_oid(content: bytes) -> bool:
    if not content or content[-1] >= 0x80:
        return False
    starts = (0, *(at + 1 for at, octet in enumerate(content[:-1]) if octet < 0x80))
    return all(content[at] != 0x80 for at in starts)


_PRIMITIVES: dict[int, Callable[[bytes], bool]] = {
    0x01: lambda content: content in (b"\x00", b"\xff"),  # BOOLEAN
    der.INTEGER: _is_integer,
    der.BIT_STRING: _is_bit_string,
    der.NULL: lambda content: not content,
    der.OID: _is_oid,
    0x0A: _is_integer,  # ENUMERATED
    0x1C: lambda content: len(content) % 4 == 0,  # UniversalString
    0x1E: lambda content: len(content) % 2 == 0,  # BMPString
}
