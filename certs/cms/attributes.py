"""The attributes of a signer (RFC 5652 §5.3): read strictly, whether signed or not, and written.

Two implementations that read the same attributes differently make an attack (Müller et al.,
"Johnny, you are fired", 2019): what another one would call malformed is malformed here, even in an
attribute that means nothing to us.
"""

import re
from collections.abc import Callable
from typing import Final

from certs import capabilities
from certs.capabilities import Capabilities
from certs.cms import ber, der, oids
from certs.cms.der import Reader
from certs.errors import DerMalformed, SignatureReason, SignatureRejected
from certs.memory import remembered

MAX_ATTRIBUTES: Final = 32
"""Attributes looked at, of each sort; clients sign five to eight."""

KEPT: Final = 1024
KEPT_OCTETS: Final = 512
"""Attributes remembered, and the largest of them: clients sign capabilities of some 200 octets."""

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
        return None if value is None else _capabilities(value)
    except DerMalformed:
        return None


_capabilities = remembered(KEPT, KEPT_OCTETS)(capabilities.parse)


def check_unsigned(encoded: bytes) -> None:
    """Refuse unsigned attributes that are malformed, or that only a signature makes true.

    They are given with their tag ``[1]``, and are not looked at otherwise. Time-stamps in them may
    be BER. Raises :class:`DerMalformed`.
    """
    reader = Reader(ber.to_der(encoded)).enter(_TAG_1)
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


@remembered(KEPT, KEPT_OCTETS)
def _attribute(whole: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """(type, values) of one Attribute; every value is well-formed, and there is one at least.

    Correspondents write again, and most of what they sign about a message is the same each time.
    """
    reader = Reader(whole).enter(der.SEQUENCE)
    oid = reader.element(der.OID)
    if oid not in _SIGNED_ONLY:  # these are our own octets
        check_value(oid)
    values = reader.enter(der.SET)
    reader.finish()
    found: list[bytes] = []
    while values.peek() >= 0:
        found.append(values.element())
        check_value(found[-1])
    if not found:
        raise DerMalformed("an attribute without a value")
    return oid, tuple(found)


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
    """Whether each arc ends, and none begins with an octet that adds nothing (§8.19)."""
    return bool(content) and content[-1] < 0x80 and not _IDLE_OCTET.search(content)


_IDLE_OCTET = re.compile(rb"(?:\A|[\x00-\x7f])\x80")

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
