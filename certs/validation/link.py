"""A certificate as a link of a chain: what path validation reads in it, read once and kept.

Reading costs ten times more than judging, and the authorities of a message are those of the
message before: the links of small certificates are kept, the last used of them.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from certs import reading
from certs.certificate import Certificate, public_key, to_der
from certs.cms import der
from certs.cms.der import Reader
from certs.errors import DerMalformed
from certs.memory import Memory
from certs.status.distribution import Point, points_of
from certs.validation.name_constraints import Limits, Named, names_of
from certs.validation.names import Name, normal
from certs.validation.policies_tree import Stated

CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead of ours the clock of an issuer may be."""

KEPT_LINKS: Final = 1024
KEPT_OCTETS: Final = 4096
"""Links kept, and the largest certificate whose link is: together some twenty megabytes."""

_VERSION: Final = 0xA0
_PSS_KEY: Final = "1.2.840.113549.1.1.10"

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

_PROCESSED: Final = frozenset(
    [
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.ISSUER_ALTERNATIVE_NAME,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.POLICY_MAPPINGS,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.INHIBIT_ANY_POLICY,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.FRESHEST_CRL,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
        ExtensionOID.SUBJECT_INFORMATION_ACCESS,
    ]
)
"""What may be critical: the extensions of RFC 5280 §4.2, each judged or saying nothing to judge."""


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """One certificate, as RFC 5280 §6.1 looks at it.

    ``digest`` is the SHA-256 of the certificate, ``key_octets`` its subjectPublicKeyInfo; ``key``
    is None when of a kind that we do not know. ``path_length`` None: no limit. ``usage`` and
    ``extended`` None: the certificate does not say. ``critical_unknown`` are the critical
    extensions that we cannot process, in dotted form.
    """

    certificate: Certificate
    digest: bytes
    serial: int
    subject: Name
    issuer: Name
    begin: datetime
    end: datetime
    key: object
    key_octets: bytes
    is_pss_key: bool
    is_authority: bool
    path_length: int | None
    usage: x509.KeyUsage | None
    extended: frozenset[x509.ObjectIdentifier] | None
    names: tuple[Named, ...]
    limits: Limits | None
    stated: Stated
    points: tuple[Point, ...]
    key_identifier: bytes | None
    authority_identifier: bytes | None
    critical_unknown: tuple[str, ...]
    is_consistent: bool

    @property
    def is_self_issued(self) -> bool:
        """Issued by an entity to itself, to roll a key over (RFC 5280 §6.1)."""
        return self.subject == self.issuer

    @property
    def may_sign_certificates(self) -> bool:
        """As its key usage says; RFC 5280 §4.2.1.3."""
        return self.usage is None or self.usage.key_cert_sign

    @property
    def may_sign_lists(self) -> bool:
        """As its key usage says; RFC 5280 §4.2.1.3."""
        return self.usage is None or self.usage.crl_sign

    def __str__(self) -> str:
        """The subject, for people."""
        return self.certificate.subject.rfc4514_string()


_KEPT: Final[Memory[bytes, Link]] = Memory(KEPT_LINKS)


def link_of(certificate: Certificate) -> Link:
    """The link of a certificate. Raises :class:`DerMalformed` where it cannot be read whole."""
    # kept by signature, which costs less to hash; but anybody can copy a signature: compare all
    kept = _KEPT.get(certificate.signature)
    if kept is not None and (kept.certificate is certificate or kept.certificate == certificate):
        return kept
    encoded = to_der(certificate)
    link = _read(certificate, encoded)
    if len(encoded) <= KEPT_OCTETS:
        _KEPT.keep(certificate.signature, link)
    return link


def _read(certificate: Certificate, encoded: bytes) -> Link:
    try:
        with reading.quietly():
            found = {each.oid: each for each in certificate.extensions}
            subject, issuer = normal(certificate.subject), normal(certificate.issuer)
    except reading.UNREADABLE:
        raise DerMalformed("names or extensions of a certificate") from None
    serial, key_octets, is_consistent = _octets(encoded)
    said = _Said(found)
    basic = said.extension(x509.BasicConstraints)
    extended = said.extension(x509.ExtendedKeyUsage)
    limits = said.extension(x509.NameConstraints)
    key_identifier = said.extension(x509.SubjectKeyIdentifier)
    return Link(
        certificate=certificate,
        digest=hashlib.sha256(encoded).digest(),
        serial=serial,
        subject=subject,
        issuer=issuer,
        begin=certificate.not_valid_before_utc,
        end=certificate.not_valid_after_utc,
        key=public_key(certificate),
        key_octets=key_octets,
        is_pss_key=certificate.public_key_algorithm_oid.dotted_string == _PSS_KEY,
        is_authority=basic is not None and basic.ca,
        path_length=None if basic is None else basic.path_length,
        usage=said.extension(x509.KeyUsage),
        extended=None if extended is None else frozenset(extended),
        names=tuple(names_of(certificate.subject, said.extension(x509.SubjectAlternativeName))),
        limits=None if limits is None else Limits.of(limits),
        stated=_stated(said),
        points=points_of(said.extension(x509.CRLDistributionPoints), issuer),
        key_identifier=None if key_identifier is None else key_identifier.digest,
        authority_identifier=_identifier(said.extension(x509.AuthorityKeyIdentifier)),
        critical_unknown=tuple(
            oid.dotted_string
            for oid, each in found.items()
            if each.critical and oid not in _PROCESSED
        ),
        is_consistent=is_consistent,
    )


class _Said:
    """The extensions of one certificate, by their kind."""

    __slots__ = ("_found",)

    def __init__(
        self, found: Mapping[x509.ObjectIdentifier, x509.Extension[x509.ExtensionType]]
    ) -> None:
        self._found = found

    def extension(self, kind: type[_Extension]) -> _Extension | None:
        """The value of that kind, where the certificate has it."""
        each = self._found.get(kind.oid)
        if each is None:
            return None
        if not isinstance(each.value, kind):
            raise DerMalformed("an extension of a certificate")
        return each.value

    def octets(self, oid: x509.ObjectIdentifier) -> bytes | None:
        """The value of an extension that the library leaves to us."""
        each = self._found.get(oid)
        if each is None:
            return None
        if not isinstance(each.value, x509.UnrecognizedExtension):
            raise DerMalformed("an extension of a certificate")
        return each.value.value


def _identifier(said: x509.AuthorityKeyIdentifier | None) -> bytes | None:
    return None if said is None else said.key_identifier


def _stated(said: _Said) -> Stated:
    policies = said.extension(x509.CertificatePolicies)
    constraints = said.extension(x509.PolicyConstraints)
    inhibit_any = said.extension(x509.InhibitAnyPolicy)
    return Stated(
        policies=None
        if policies is None
        else tuple(each.policy_identifier.dotted_string for each in policies),
        mappings=_mappings(said.octets(ExtensionOID.POLICY_MAPPINGS)),
        require_explicit=None if constraints is None else constraints.require_explicit_policy,
        inhibit_mapping=None if constraints is None else constraints.inhibit_policy_mapping,
        inhibit_any=None if inhibit_any is None else inhibit_any.skip_certs,
    )


def _mappings(value: bytes | None) -> tuple[tuple[str, str], ...]:
    """PolicyMappings: pairs of the issuer's and the subject's policy (RFC 5280 §4.2.1.5)."""
    if value is None:
        return ()
    outer = Reader(value)
    pairs = outer.enter(der.SEQUENCE)
    outer.finish()
    found = []
    while pairs.peek() >= 0:
        pair = pairs.enter(der.SEQUENCE)
        found.append((_dotted(pair.content(der.OID)), _dotted(pair.content(der.OID))))
        pair.finish()
    return tuple(found)


def _dotted(content: bytes) -> str:
    """An OBJECT IDENTIFIER in dotted form (ITU-T X.690 §8.19)."""
    arcs, arc = [], 0
    for octet in content:
        if arc == 0 and octet == 0x80:
            raise DerMalformed("object identifier")
        arc = arc << 7 | octet & 0x7F
        if octet < 0x80:
            arcs.append(arc)
            arc = 0
    if not arcs or content[-1] >= 0x80:
        raise DerMalformed("object identifier")
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def _octets(encoded: bytes) -> tuple[int, bytes, bool]:
    """(serial number, subjectPublicKeyInfo, whether both places name one signature algorithm).

    RFC 5280 §4.1.1.2: what is signed and what is said of the signature must agree. The serial
    number may be negative: who issued it must be able to revoke it.
    """
    whole = Reader(encoded).enter(der.SEQUENCE)
    tbs = whole.enter(der.SEQUENCE)
    if tbs.peek() == _VERSION:
        tbs.element()
    serial = int.from_bytes(tbs.content(der.INTEGER), "big", signed=True)
    inner = tbs.element(der.SEQUENCE)
    for _ in ("issuer", "validity", "subject"):
        tbs.element(der.SEQUENCE)
    return serial, tbs.element(der.SEQUENCE), inner == whole.element(der.SEQUENCE)
