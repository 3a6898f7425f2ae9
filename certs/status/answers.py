"""Revocation as values: good, revoked since when and why, or unknown; and what that rests on.

Everybody has these from :mod:`certs.status.revocation`, which reads lists; they stand apart because
what tells a validation in words needs them and knows nothing of lists.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from certs.certificate import Certificate


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
class Answer:
    """What a status rests on, to be kept as evidence.

    ``kind`` is "crl", "ocsp", "directory" (the gateway's own authority) or "none"; ``digest`` is
    the SHA-256 of the answer in hexadecimal. ``others`` are the digests of what was read with it:
    a delta list, lists of other reasons. Times are aware, in UTC.
    """

    kind: str
    digest: str
    this_update: datetime
    next_update: datetime | None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Good:
    """A fresh answer of the issuer: not revoked."""

    answer: Answer | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Revoked:
    """Revoked since ``at``: the invalidity date where the issuer gives one, for it is earlier."""

    at: datetime
    reason: RevocationReason
    answer: Answer | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Unknown:
    """No fresh answer: nothing may be concluded."""

    answer: Answer | None = field(default=None, compare=False)


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
