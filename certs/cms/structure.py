"""The structure of signed-data (RFC 5652 §5.1, §5.3): read strictly, and nothing judged.

DER, or what streaming producers emit: BER around a content in parts. Whatever is signed must be DER
as it came, so that no two readers can take it for two things (RFC 5652 §5.4).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from certs import reading
from certs.cms import attributes, ber, content_info, der, identifier, oids, signature
from certs.cms.der import Reader
from certs.errors import DerMalformed, SignatureReason, SignatureRejected

MAX_CERTIFICATES: Final = 20
"""Certificates looked at in one signed-data: a path has at most six."""

MAX_SIGNERS: Final = 10
"""Signers and digests read before the structure is called malformed; one signer is accepted."""

MAX_LISTS: Final = 20
"""Revocation lists and answers passed over in one signed-data."""

MAX_LIST_OCTETS: Final = 4 * 1024 * 1024
"""Of all these lists together: reading them is work that their sender gives us."""

_TAG_0, _TAG_1 = 0xA0, 0xA1

_CONTENT = bytes((der.SEQUENCE, _TAG_0, der.SEQUENCE, der.SEQUENCE, _TAG_0, der.OCTET_STRING))
"""Its place: ContentInfo, content, SignedData, EncapsulatedContentInfo, eContent."""

_ENCLOSING = 4
"""The elements that end after the last signer: SET, SignedData, [0], ContentInfo."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """One signer; every field a DER element, the algorithms as (identifier, parameters).

    ``attributes`` are the signed ones, empty when there are none.
    """

    whole: bytes
    identifier: bytes
    digest: tuple[bytes, bytes]
    attributes: bytes
    algorithm: tuple[bytes, bytes]
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignedData:
    """One signed-data. ``content`` is None when it is detached."""

    digests: tuple[tuple[bytes, bytes], ...]
    content_type: bytes
    content: bytes | None
    certificates: tuple[bytes, ...]
    signers: tuple[SignerInfo, ...]


def read(blob: bytes, max_size: int, max_certificates: int = MAX_CERTIFICATES) -> SignedData:
    """The signed-data of a ContentInfo. Raises :class:`SignatureRejected`.

    At most ``max_size`` octets of blob. The content is copied once.
    """
    if len(blob) > max_size:
        raise SignatureRejected(SignatureReason.TOO_BIG)
    try:
        return _signed_data(ber.Apart(blob, None), max_certificates)
    except DerMalformed:
        pass  # as DER; it may be BER: one pass more
    try:
        signed = _signed_data(ber.taken_apart(blob, _CONTENT, max_size), max_certificates)
        _require_der_inside(blob, signed)
    except DerMalformed as error:
        raise SignatureRejected(SignatureReason.MALFORMED, str(error)) from None
    return signed


def _signed_data(blob: ber.Apart, max_certificates: int) -> SignedData:
    kind, reader = content_info.unwrapped(blob.der)
    if kind != oids.ID_SIGNED_DATA:
        raise SignatureRejected(SignatureReason.NOT_SIGNED_DATA)
    if reader.small_integer() not in (1, 3, 4, 5):
        raise DerMalformed("version of signed-data")
    digests = _all(reader.enter(der.SET), signature.algorithm_identifier)
    encapsulated = reader.enter(der.SEQUENCE)
    content_type = encapsulated.element(der.OID)
    content = None
    if encapsulated.peek() >= 0:
        inside = encapsulated.enter(_TAG_0)
        content = inside.content(der.OCTET_STRING)
        if blob.parts is not None:  # of this very string, which was emptied
            content = b"".join(blob.parts)
        inside.finish()
    encapsulated.finish()
    certificates: tuple[bytes, ...] = ()
    if reader.peek() == _TAG_0:
        certificates = _certificate_set(reader.enter(_TAG_0), max_certificates)
    if reader.peek() == _TAG_1:
        _pass_over_lists(reader.enter(_TAG_1))
    signers = _all(reader.enter(der.SET), _signer_info)
    reader.finish()
    return SignedData(digests, content_type, content, certificates, signers)


def _all(reader: Reader, read_one: Callable[[Reader], _Value]) -> tuple[_Value, ...]:
    """Every element of a SET OF, of which there may be ``MAX_SIGNERS``."""
    found: list[_Value] = []
    while reader.peek() >= 0:
        if len(found) == MAX_SIGNERS:
            raise DerMalformed("too many signers or digests")
        found.append(read_one(reader))
    return tuple(found)


def _certificate_set(reader: Reader, most: int) -> tuple[bytes, ...]:
    """The certificates; attribute certificates and other kinds are refused."""
    found: list[bytes] = []
    while reader.peek() >= 0:
        if len(found) == most:
            raise SignatureRejected(SignatureReason.TOO_MANY_CERTIFICATES)
        found.append(reader.element(der.SEQUENCE))
    return tuple(found)


def _pass_over_lists(reader: Reader) -> None:
    """Revocation lists of the sender: ours come from elsewhere, but these must be some."""
    count = octets = 0
    while reader.peek() >= 0:
        if reader.peek() == _TAG_1:  # OtherRevocationInfoFormat (RFC 5652 §10.2.1)
            other = reader.enter(_TAG_1)
            attributes.check_value(other.element(der.OID))
            attributes.check_value(other.element())
            other.finish()
        else:
            encoded = reader.element(der.SEQUENCE)
            octets += len(encoded)
            if octets > MAX_LIST_OCTETS:
                raise DerMalformed("revocation lists too big")
            reading.revocation_list(encoded)
        count += 1
        if count > MAX_LISTS:
            raise DerMalformed("too many revocation lists")


def _signer_info(reader: Reader) -> SignerInfo:
    """SignerInfo (RFC 5652 §5.3); what is not signed in it must only be well-formed."""
    whole = reader.element(der.SEQUENCE)
    signer_info = Reader(whole).enter(der.SEQUENCE)
    version = signer_info.small_integer()
    if (version, signer_info.peek()) not in ((1, der.SEQUENCE), (3, identifier.KEY_IDENTIFIER)):
        raise DerMalformed("version of a signer")
    named = signer_info.element()
    identifier.check(named)
    digest = signature.algorithm_identifier(signer_info)
    signed = signer_info.element() if signer_info.peek() == _TAG_0 else b""
    algorithm = signature.algorithm_identifier(signer_info)
    value = signer_info.content(der.OCTET_STRING)
    if signer_info.peek() == _TAG_1:
        attributes.check_unsigned(signer_info.element())
    signer_info.finish()
    return SignerInfo(whole, named, digest, signed, algorithm, value)


def _require_der_inside(blob: bytes, signed: SignedData) -> None:
    """The last signer and the certificates must stand in the BER blob as the DER that we read.

    Made DER by us they would verify, and be something else for a reader that takes them as they
    are.
    """
    if not signed.signers:
        return
    last = signed.signers[-1].whole
    end = next(
        (len(blob) - 2 * n for n in range(_ENCLOSING + 1) if blob.endswith(last + b"\0\0" * n)), 0
    )
    # between the certificates and the end stand signers, lists and a few headers: a bounded tail
    start = max(0, end - _tail_octets(signed))
    if not end or any(blob.find(each, start, end) < 0 for each in signed.certificates):
        raise DerMalformed("not DER where it is signed")


def _tail_octets(signed: SignedData) -> int:
    parts = (*signed.certificates, *(each.whole for each in signed.signers))
    return sum(map(len, parts)) + MAX_LIST_OCTETS + 64
