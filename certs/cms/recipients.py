"""RecipientInfos (RFC 5652 §6.2): for whom an envelope is closed, in the order of the envelope.

Read without judging: an algorithm that we refuse matters only where the recipient is one of us.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from certs import algorithms
from certs.certificate import Certificate, extension, public_key, to_der
from certs.cms import agreement, der, identifier, transport
from certs.cms.agreement import Agreed
from certs.cms.der import Reader
from certs.cms.signature import algorithm_identifier
from certs.cms.transport import Transported
from certs.errors import DerMalformed
from certs.keyring import PrivateKey

MAX_RECIPIENTS = 200
"""Recipients read, or written, in one envelope."""

_VERSION_0 = der.integer(0)
_TAG_0, _TAG_1 = 0xA0, 0xA1
_OTHER_KINDS = (0xA2, 0xA3, 0xA4)
"""Keys known before, passwords, and kinds to come: never for the keys that we have."""


# --- writing -------------------------------------------------------------------------------------


def recipient_info(
    content_key: bytes, recipient: Certificate, by_transport: transport.Transport
) -> bytes:
    """The RecipientInfo of one certificate: transport to RSA, agreement with a curve.

    Raises :class:`AlgorithmRefused` when its key is too weak or cannot receive.
    """
    public = algorithms.accepted_receiver(public_key(recipient))
    named = identifier.issuer_and_serial(to_der(recipient))
    if isinstance(public, rsa.RSAPublicKey):
        encrypted = transport.encrypted(content_key, public, by_transport)
        return der.tlv(der.SEQUENCE, _VERSION_0, named, encrypted)
    return agreement.recipient_info(content_key, public, named)


# --- reading -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recipient:
    """One encrypted key. ``identifier`` is an IssuerAndSerialNumber or a [0] key identifier.

    ``originator`` and ``ukm`` are those of an agreement, empty and None for a transport.
    """

    identifier: bytes
    algorithm: tuple[bytes, bytes]
    encrypted_key: bytes
    originator: bytes = b""
    ukm: bytes | None = None

    def accepted(self) -> Transported | Agreed:
        """What unwraps the key; raises :class:`AlgorithmRefused`, :class:`DerMalformed`."""
        if self.originator:
            return agreement.accepted(self.originator, self.ukm, self.algorithm, self.encrypted_key)
        return transport.accepted(self.algorithm, self.encrypted_key)


def read(reader: Reader) -> tuple[Recipient, ...]:
    """The recipients by transport or agreement; raises :class:`DerMalformed`."""
    found: list[Recipient] = []
    count = 0
    while (tag := reader.peek()) >= 0:
        known = len(found)
        if tag == der.SEQUENCE:
            found.append(_transported(reader.enter(der.SEQUENCE)))
        elif tag == _TAG_1:
            found += _agreed(reader.enter(_TAG_1), MAX_RECIPIENTS - count)
        elif tag in _OTHER_KINDS:
            reader.element()
        else:
            raise DerMalformed("kind of recipient")
        count += max(1, len(found) - known)
        if count > MAX_RECIPIENTS:
            raise DerMalformed("too many recipients")
    return tuple(found)


def _transported(inside: Reader) -> Recipient:
    """KeyTransRecipientInfo (RFC 5652 §6.2.1)."""
    if (inside.small_integer(), inside.peek()) not in (
        (0, der.SEQUENCE),
        (2, identifier.KEY_IDENTIFIER),
    ):
        raise DerMalformed("version of a recipient")
    named = _checked(inside.element())
    found = Recipient(named, algorithm_identifier(inside), inside.content(der.OCTET_STRING))
    inside.finish()
    return found


def _agreed(inside: Reader, most: int) -> Iterator[Recipient]:
    """KeyAgreeRecipientInfo (RFC 5652 §6.2.2): one originator, one or several recipients."""
    if inside.small_integer() != 3:
        raise DerMalformed("version of a recipient")
    explicit = inside.enter(_TAG_0)
    originator = explicit.element()
    explicit.finish()
    ukm = None
    if inside.peek() == _TAG_1:
        explicit = inside.enter(_TAG_1)
        ukm = explicit.content(der.OCTET_STRING)
        explicit.finish()
        if len(ukm) > agreement.MAX_UKM:
            raise DerMalformed("ukm")
    algorithm = algorithm_identifier(inside)
    keys = inside.enter(der.SEQUENCE)
    inside.finish()
    while keys.peek() >= 0:
        if most <= 0:
            raise DerMalformed("too many recipients")
        most -= 1
        one = keys.enter(der.SEQUENCE)
        named = _agreeing(one)
        yield Recipient(named, algorithm, one.content(der.OCTET_STRING), originator, ukm)
        one.finish()


def _agreeing(reader: Reader) -> bytes:
    """KeyAgreeRecipientIdentifier; rKeyId in the form that other recipients have."""
    if reader.peek() != _TAG_0:
        return _checked(reader.element(der.SEQUENCE))
    inside = reader.enter(_TAG_0)
    return der.tlv(identifier.KEY_IDENTIFIER, inside.content(der.OCTET_STRING))


def _checked(named: bytes) -> bytes:
    identifier.readable(named)  # refuses here what could not be named later
    return named


class Openers:
    """The keys that may open, found by either name of their certificates."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[tuple[Certificate, PrivateKey]]) -> None:
        self._keys: dict[bytes, list[PrivateKey]] = {}
        for certificate, key in keys:
            for name in _names(certificate):
                self._keys.setdefault(name, []).append(key)

    def of(self, recipient: Recipient) -> Sequence[PrivateKey]:
        """The keys of the certificates that the recipient names, the first given first."""
        return self._keys.get(recipient.identifier, ())


def _names(certificate: Certificate) -> Iterator[bytes]:
    yield identifier.issuer_and_serial(to_der(certificate))
    try:
        known = extension(certificate, x509.SubjectKeyIdentifier)
    except DerMalformed:
        return
    if known is not None:
        yield der.tlv(identifier.KEY_IDENTIFIER, known.digest)
