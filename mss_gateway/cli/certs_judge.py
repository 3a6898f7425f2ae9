"""Whether a certificate leads to an anchor, and what to do when it does not."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from certs.certificate import Certificate
from certs.errors import ChainReason, ChainRejected
from certs.usage import Purpose, Usage
from certs.validation import chain
from certs.validation.chain import Chain
from mailbox_store.database import View
from mss_gateway.cli.answers import NotDone
from mss_gateway.cli.certs_desk import in_words
from mss_gateway.life.gateway import Gateway

REMEDIES: Final[dict[ChainReason, str]] = {
    ChainReason.EXPIRED: "ask its issuer for a new one",
    ChainReason.NOT_YET_VALID: "wait for its first day, or set this machine's clock",
    ChainReason.WRONG_PURPOSE: "ask its issuer for one with the extended key usage of mail",
    ChainReason.WRONG_KEY_USAGE: "ask its issuer for one whose key usage allows it",
    ChainReason.KEY_TOO_WEAK: "ask for one with another key: RSA of 2048 bits or more, P-256…",
    ChainReason.NO_PATH: "put its intermediates into the file, or, if you have reason to believe"
    " its root, add that by `mss certs trust add`",
    ChainReason.REVOKED: "its issuer took it back: ask for a new one",
    ChainReason.REVOCATION_UNKNOWN: "no fresh answer about revocation is here: put its issuer's"
    " list into the folder of lists, or let it be fetched",
    ChainReason.ISSUER_REFUSED: "one of its issuers may not issue it: ask the issuer",
    ChainReason.PATH_LENGTH: "one of its issuers may not have authorities below it: ask the issuer",
    ChainReason.NAME_CONSTRAINTS: "its issuer may not vouch for this name: ask another issuer",
    ChainReason.POLICY: "its policies are not those that are asked: ask the issuer",
    ChainReason.CRITICAL_EXTENSION: "it demands something that is not understood here",
}
"""What an operator can do about each reason."""

HARMLESS: Final = (ChainReason.EXPIRED, ChainReason.NOT_YET_VALID, ChainReason.REVOKED)
"""What may be taken in all the same: such a certificate signs nothing and nobody encrypts to it,
but its key opens mail of before."""


def purposes_of(usage: Usage) -> list[Purpose]:
    """What mail asks of a certificate of that usage."""
    found = [Purpose.SIGNATURE] if Usage.SIGN in usage else []
    return [*found, Purpose.ENCRYPTION] if Usage.ENCRYPT in usage else found


@dataclass(frozen=True, slots=True)
class Accepted:
    """A certificate that leads to an anchor: by which issuers, and what there is to remark."""

    issuers: tuple[Certificate, ...]
    remarks: tuple[str, ...]
    is_revoked: bool


def accept(
    gateway: Gateway,
    view: View,
    certificate: Certificate,
    issuers: tuple[Certificate, ...],
    usage: Usage,
    *,
    force: bool,
) -> Accepted:
    """Judge for every purpose of ``usage``; raises NotDone with the reason and what to do.

    With ``force`` what is :data:`HARMLESS` becomes a remark: the path must still hold, as of when
    the certificate was valid.
    """
    used: tuple[Certificate, ...] = ()
    remarks: list[str] = []
    is_revoked = False
    for purpose in purposes_of(usage):
        try:
            path = _path(gateway, view, certificate, issuers, purpose, gateway.now())
        except ChainRejected as error:
            path = _forgiven(gateway, view, certificate, issuers, purpose, error, force=force)
            is_revoked |= error.reason is ChainReason.REVOKED
            remarks.append(f"For {purpose.value}: {in_words(error)}.")
        used = path.certificates[1:-1]
    return Accepted(used, tuple(remarks), is_revoked)


def refusal(error: ChainRejected, purpose: Purpose) -> NotDone:
    """One line: for what, why not, what to do."""
    line = f"not believed for {purpose.value}, {in_words(error)}: {REMEDIES[error.reason]}"
    if error.reason in HARMLESS:
        line += "; --force takes it in for reading mail of before"
    return NotDone(line)


def _path(
    gateway: Gateway,
    view: View,
    certificate: Certificate,
    issuers: tuple[Certificate, ...],
    purpose: Purpose,
    at: datetime,
    *,
    asks: bool = True,
) -> Chain:
    source = gateway.revocations(view) if asks else None
    return chain.validate(certificate, issuers, gateway.trust.anchors(view), purpose, at, source)


def _forgiven(
    gateway: Gateway,
    view: View,
    certificate: Certificate,
    issuers: tuple[Certificate, ...],
    purpose: Purpose,
    error: ChainRejected,
    *,
    force: bool,
) -> Chain:
    """The path in spite of ``error``; raises NotDone."""
    at = gateway.now()
    match error.reason:
        case ChainReason.REVOCATION_UNKNOWN:
            pass  # its answers are fetched once it is known here
        case reason if force and reason in HARMLESS:
            last = certificate.not_valid_after_utc - timedelta(seconds=1)
            at = min(max(at, certificate.not_valid_before_utc), last)
        case _:
            raise refusal(error, purpose) from None
    try:
        return _path(gateway, view, certificate, issuers, purpose, at, asks=False)
    except ChainRejected as other:
        raise refusal(other, purpose) from None
