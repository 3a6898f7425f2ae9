"""What a correspondent can read: SMIMECapabilities (RFC 8551 §2.5.2), and the choice it leads to.

The ladder: to a recipient of whom nothing is known goes what every client reads, AES-256-CBC with
PKCS #1 v1.5, always around a signed message; to one known capable goes AES-GCM, with OAEP when it
knows that. Recipients with a key of a curve agree by ECDH in either case.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from certs import algorithms
from certs.algorithms import Kind
from certs.certificate import Certificate, public_key
from certs.cms import der, transport
from certs.cms.der import Reader
from certs.cms.signature import algorithm_identifier
from certs.errors import AlgorithmRefused, DerMalformed

MAX_OCTETS = 16 * 1024
"""Largest value read; the longest seen in clients has some 300 octets."""

MAX_ENTRIES = 128
"""Most capabilities read of one value."""

ContentName = Literal["aes-256-gcm", "aes-128-gcm", "aes-256-cbc", "aes-128-cbc"]

_LADDER: tuple[ContentName, ...] = ("aes-256-gcm", "aes-128-gcm", "aes-256-cbc", "aes-128-cbc")
"""The content encryptions that we produce, strongest first."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Names of ``algorithms.TABLE`` that someone can read; ``rsa-oaep`` means with SHA-256."""

    names: frozenset[str]


UNKNOWN = Capabilities(frozenset())
"""Nothing is known."""


@dataclass(frozen=True, slots=True)
class Protection:
    """How an envelope is closed; ``transport`` is for RSA keys, the others agree by ECDH."""

    content: ContentName
    transport: transport.Transport

    @property
    def is_authenticated(self) -> bool:
        """Whether the encryption itself shows that nothing was altered."""
        return self.content.endswith("gcm")


CLASSIC = Protection("aes-256-cbc", "pkcs1")
"""What every client reads."""

MODERN = Protection("aes-256-gcm", "oaep")
"""What gateways of this kind read, and openssl and BouncyCastle."""


# --- the attribute -------------------------------------------------------------------------------

_OAEP = algorithms.named("rsa-oaep")
_KINDS = (
    Kind.AUTHENTICATED_ENCRYPTION,
    Kind.CONTENT_ENCRYPTION,
    Kind.KEY_TRANSPORT,
    Kind.KEY_AGREEMENT,
)
_NAMES = {
    der.oid(row.oid): row.name for row in algorithms.TABLE if row.accept and row.kind in _KINDS
}
_WRAPS = ("aes-256-wrap", "aes-128-wrap")


def _encoded() -> bytes:
    """All that we open and produce, by strength, with the wrap that an agreement needs."""
    found: list[bytes] = []
    for kind in _KINDS:
        for row in algorithms.TABLE:
            if row.kind is not kind or not row.accept:
                continue
            oid = der.oid(row.oid)
            if row is _OAEP:
                found.append(transport.OAEP_IDENTIFIER)
            elif kind is Kind.KEY_AGREEMENT:
                if row.produce:
                    found += (der.tlv(der.SEQUENCE, oid, _wrap(name)) for name in _WRAPS)
            else:
                found.append(der.tlv(der.SEQUENCE, oid))
    return der.tlv(der.SEQUENCE, *found)


def _wrap(name: str) -> bytes:
    return der.tlv(der.SEQUENCE, der.oid(algorithms.named(name).oid))


_OURS = _encoded()


def encode() -> bytes:
    """The value of our own attribute: what the gateway opens, for every mailbox the same."""
    return _OURS


def parse(value: bytes) -> Capabilities:
    """The capabilities of the attribute's value; what is unknown or refused is skipped.

    Raises :class:`DerMalformed`, also beyond ``MAX_OCTETS`` or ``MAX_ENTRIES``.
    """
    if len(value) > MAX_OCTETS:
        raise DerMalformed("capabilities too long")
    outer = Reader(value)
    reader = outer.enter(der.SEQUENCE)
    outer.finish()
    names: set[str] = set()
    entries = 0
    while reader.peek() >= 0:
        entries += 1
        if entries > MAX_ENTRIES:
            raise DerMalformed("too many capabilities")
        oid, parameters = algorithm_identifier(reader)
        name = _NAMES.get(oid)
        if name is not None and (name != _OAEP.name or _is_oaep_sha_256(parameters)):
            names.add(name)
    return Capabilities(frozenset(names))


def _is_oaep_sha_256(parameters: bytes) -> bool:
    try:
        found = transport.oaep_parameters(parameters)
    except (AlgorithmRefused, DerMalformed):
        return False
    return found == transport.Oaep("sha-256", "sha-256", b"")


# --- the choice ----------------------------------------------------------------------------------


def choose(recipient: Certificate, known: Capabilities | None) -> Protection:
    """The strongest protection that this recipient is known to open.

    ``known``: what was learned, or None. Raises :class:`AlgorithmRefused` when the certificate's
    key is too weak or cannot receive (Ed25519).
    """
    algorithms.accepted_receiver(public_key(recipient))
    names = known.names if known is not None else frozenset()
    content = next((each for each in _LADDER if each in names), CLASSIC.content)
    return Protection(content, "oaep" if _OAEP.name in names else "pkcs1")


def strongest_shared(protections: Iterable[Protection]) -> Protection:
    """The strongest that all recipients of one envelope open: in each respect the weakest asked.

    Raises ValueError when there is none.
    """
    asked = list(protections)
    content = max((each.content for each in asked), key=_LADDER.index)
    return Protection(content, min((each.transport for each in asked), key=_TRANSPORTS.index))


_TRANSPORTS: tuple[transport.Transport, ...] = ("pkcs1", "oaep")
