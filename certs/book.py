"""The book of recipient certificates by address: which one to close an envelope for, today.

Where entries are kept is somebody else's business; here they are only compared. Whether the chosen
certificate may be believed, ``chain.validate`` says.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from certs.certificate import Certificate, addresses
from certs.errors import CertificateNotFound, DerMalformed, NotFoundReason
from certs.usage import Usage, key_usage


class Provenance(Enum):
    """Where a certificate was learned."""

    ISSUED_HERE = "issued_here"
    IMPORTED = "imported"
    DIRECTORY = "directory"
    OPERATOR = "operator"
    SIGNED_MESSAGE = "signed_message"


@dataclass(frozen=True, slots=True)
class Entry:
    """A certificate known for an address (normal form, lower case) since ``added_at`` (aware)."""

    address: str
    certificate: Certificate
    provenance: Provenance
    added_at: datetime


def choose(entries: Iterable[Entry], usage: Usage, at: datetime) -> Entry:
    """The entry to use at ``at``: the first that :func:`ranked` gives.

    Raises :class:`CertificateNotFound` with the nearest miss.
    """
    known = tuple(entries)
    fitting = ranked(known, usage, at)
    if fitting:
        return fitting[0]
    misses = (_objection(entry, usage, at) for entry in known)
    found = (reason for reason in misses if reason is not None)
    raise CertificateNotFound(max(found, key=_NEARNESS.index, default=NotFoundReason.NONE_KNOWN))


def ranked(entries: Iterable[Entry], usage: Usage, at: datetime) -> list[Entry]:
    """Every entry that may be used at ``at``, the newest first.

    Its certificate is for ``usage``, valid, and names the address itself. Newest is the latest
    beginning of validity, then the latest learned.
    """
    fitting = [entry for entry in entries if _objection(entry, usage, at) is None]
    return sorted(
        fitting,
        key=lambda each: (each.certificate.not_valid_before_utc, each.added_at),
        reverse=True,
    )


_NEARNESS = (
    NotFoundReason.NONE_KNOWN,
    NotFoundReason.OTHER_ADDRESS,
    NotFoundReason.OTHER_USAGE,
    NotFoundReason.NOT_VALID_NOW,
)


def _objection(entry: Entry, usage: Usage, at: datetime) -> NotFoundReason | None:
    certificate = entry.certificate
    try:
        named = {each.lower() for each in addresses(certificate)}
        allowed = key_usage(certificate)
    except DerMalformed:
        return NotFoundReason.OTHER_ADDRESS
    if entry.address not in named:
        return NotFoundReason.OTHER_ADDRESS
    if usage not in allowed:
        return NotFoundReason.OTHER_USAGE
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        return NotFoundReason.NOT_VALID_NOW
    return None
