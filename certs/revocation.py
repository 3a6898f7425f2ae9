"""Revocation as values: good, revoked since when and why, or unknown. Nothing here fetches.

Lists are handed in; a list counts when its issuer signed it, may sign lists, and when it is fresh
(RFC 5280 §6.3). A list with a critical extension that we do not know (indirect, delta, partitioned)
answers nothing: unknown is not good.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from cryptography import x509

from certs.certificate import Certificate, extension
from certs.errors import DerMalformed

CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead of ours the clock of an issuer may be."""


class RevocationReason(Enum):
    """CRLReason (RFC 5280 §5.3.1), but those that only delta lists use."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    CA_COMPROMISE = "cACompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessationOfOperation"
    CERTIFICATE_HOLD = "certificateHold"
    PRIVILEGE_WITHDRAWN = "privilegeWithdrawn"
    AA_COMPROMISE = "aACompromise"


@dataclass(frozen=True, slots=True)
class Good:
    """A fresh answer of the issuer: not revoked."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """Revoked since ``at``: the invalidity date where the issuer gives one, for it is earlier."""

    at: datetime
    reason: RevocationReason


@dataclass(frozen=True, slots=True)
class Unknown:
    """No fresh answer: nothing may be concluded."""


Status = Good | Revoked | Unknown


class RevocationSource(Protocol):
    """Whoever knows: lists read from a folder, or answers fetched in the background."""

    def status(self, certificate: Certificate, issuer: Certificate, at: datetime) -> Status:
        """What is known at ``at`` of a certificate that ``issuer`` signed."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """One line of a list to be issued."""

    serial: int
    at: datetime
    reason: RevocationReason = RevocationReason.UNSPECIFIED


class CrlSource:
    """Answers from revocation lists given as DER; several of one issuer may overlap."""

    __slots__ = ("_by_issuer",)

    def __init__(self, lists: Iterable[bytes]) -> None:
        """Raises :class:`DerMalformed` when a list is not one."""
        self._by_issuer: dict[x509.Name, list[x509.CertificateRevocationList]] = {}
        for der in lists:
            try:
                crl = x509.load_der_x509_crl(der)
            except ValueError:
                raise DerMalformed("not a revocation list") from None
            self._by_issuer.setdefault(crl.issuer, []).append(crl)

    def status(self, certificate: Certificate, issuer: Certificate, at: datetime) -> Status:
        """The answer of the freshest usable list of ``issuer``."""
        usable = [
            crl
            for crl in self._by_issuer.get(certificate.issuer, ())
            if _fresh(crl, at) and _signed_by(crl, issuer) and _plain(crl)
        ]
        if not usable:
            return Unknown()
        freshest = max(usable, key=lambda crl: crl.last_update_utc)
        entry = freshest.get_revoked_certificate_by_serial_number(certificate.serial_number)
        return Good() if entry is None else _revoked(entry)


def _fresh(crl: x509.CertificateRevocationList, at: datetime) -> bool:
    until = crl.next_update_utc
    return until is not None and crl.last_update_utc - CLOCK_SKEW <= at <= until


def _signed_by(crl: x509.CertificateRevocationList, issuer: Certificate) -> bool:
    usage = extension(issuer, x509.KeyUsage)
    if crl.issuer != issuer.subject or (usage is not None and not usage.crl_sign):
        return False
    try:
        return crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def _plain(crl: x509.CertificateRevocationList) -> bool:
    try:
        return not any(each.critical for each in crl.extensions)
    except ValueError:
        return False


def _revoked(entry: x509.RevokedCertificate) -> Revoked:
    at, reason = entry.revocation_date_utc, RevocationReason.UNSPECIFIED
    for each in entry.extensions:
        if isinstance(each.value, x509.CRLReason):
            reason = _REASONS.get(each.value.reason, RevocationReason.UNSPECIFIED)
        elif isinstance(each.value, x509.InvalidityDate):
            at = min(at, each.value.invalidity_date_utc)
    return Revoked(at, reason)


_REASONS = {x509.ReasonFlags(reason.value): reason for reason in RevocationReason}
