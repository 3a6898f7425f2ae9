"""Path validation (RFC 5280 §6): does this certificate lead to an anchor, for a purpose, at a time?

``x509.verification`` builds the path and checks signatures, validity, basic constraints and
critical extensions; what S/MIME asks of extensions is declared here. An unknown critical extension,
and a name constraint that it cannot judge, is refused by it: better so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy

from certs import algorithms
from certs.anchors import Anchors
from certs.certificate import Certificate, public_key
from certs.errors import AlgorithmRefused, ChainReason, ChainRejected, DerMalformed
from certs.revocation import CLOCK_SKEW, Good, RevocationSource, Revoked, Status, Unknown
from certs.usage import PURPOSES, Purpose, extended_usages, key_usage

MAX_INTERMEDIATES = 6
"""Longest path between a certificate and its anchor."""

MAX_CANDIDATES = 20
"""Intermediates looked at, whoever sent them: path building must not become their weapon."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A validated path, from the certificate to its anchor, and what was known of revocation.

    ``revocation`` is ``Good`` when every certificate below the anchor had a fresh answer, else
    ``Unknown``: such a signature is "not checked", never green. A revoked path is never a Chain.
    """

    certificates: tuple[Certificate, ...]
    purpose: Purpose
    at: datetime
    revocation: Good | Unknown


def validate(
    certificate: Certificate,
    intermediates: Sequence[Certificate],
    anchors: Anchors,
    purpose: Purpose,
    at: datetime,
    revocation: RevocationSource | None,
) -> Chain:
    """The path of ``certificate`` to an anchor of ``purpose``, valid at ``at`` (aware).

    ``revocation`` None: nobody was asked, the answer is Unknown. When a source is given, an unknown
    answer is refused for every purpose but SIGNATURE, where it is the reader who must be told.
    Raises :class:`ChainRejected`.
    """
    try:
        _check_leaf(certificate, purpose, at)
        path = _path(certificate, intermediates, anchors, purpose, at)
    except DerMalformed as error:
        raise ChainRejected(ChainReason.NO_PATH, str(error)) from None
    status: Good | Unknown = Unknown()
    if revocation is not None:
        status = _check_revocation(path, revocation, at)
        if isinstance(status, Unknown) and purpose is not Purpose.SIGNATURE:
            raise ChainRejected(ChainReason.REVOCATION_UNKNOWN)
    return Chain(path, purpose, at, status)


def _check_leaf(certificate: Certificate, purpose: Purpose, at: datetime) -> None:
    """What has a reason of its own; the path finds the rest."""
    if at < certificate.not_valid_before_utc - CLOCK_SKEW:
        raise ChainRejected(ChainReason.NOT_YET_VALID)
    if at > certificate.not_valid_after_utc:
        raise ChainRejected(ChainReason.EXPIRED)
    rule = PURPOSES[purpose]
    named = extended_usages(certificate)
    if rule.extended not in named or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in named:
        raise ChainRejected(ChainReason.WRONG_PURPOSE)
    if rule.usage not in key_usage(certificate):
        raise ChainRejected(ChainReason.WRONG_KEY_USAGE)
    try:
        algorithms.accepted_key(public_key(certificate))
    except AlgorithmRefused as error:
        raise ChainRejected(ChainReason.KEY_TOO_WEAK, str(error)) from None


def _path(
    certificate: Certificate,
    intermediates: Sequence[Certificate],
    anchors: Anchors,
    purpose: Purpose,
    at: datetime,
) -> tuple[Certificate, ...]:
    trusted = anchors.of(purpose)
    if not trusted:
        raise ChainRejected(ChainReason.NO_PATH, "no trust anchor for this purpose")
    candidates = list(dict.fromkeys(intermediates))
    if len(candidates) > MAX_CANDIDATES:
        raise ChainRejected(ChainReason.NO_PATH, "too many intermediates")
    verifier = (
        verification.PolicyBuilder()
        .time(_forgiving(at, [certificate, *candidates]))
        .store(verification.Store(list(trusted)))
        .max_chain_depth(MAX_INTERMEDIATES)
        .extension_policies(ca_policy=_AUTHORITIES[purpose], ee_policy=_LEAVES)
        .build_client_verifier()
    )
    try:
        return tuple(verifier.verify(certificate, candidates).chain)
    except verification.VerificationError as error:
        raise ChainRejected(ChainReason.NO_PATH, str(error)) from None


def _forgiving(at: datetime, certificates: list[Certificate]) -> datetime:
    """``at``, or a little later for what an issuer whose clock is ahead signed just now."""
    ahead = [each.not_valid_before_utc for each in certificates]
    return max([at, *(begin for begin in ahead if at < begin <= at + CLOCK_SKEW)])


def _check_revocation(
    path: tuple[Certificate, ...], source: RevocationSource, at: datetime
) -> Good | Unknown:
    answers: list[Status] = []
    for certificate, issuer in pairwise(path):
        answer = source.status(certificate, issuer, at)
        if isinstance(answer, Revoked) and answer.at <= at:
            raise ChainRejected(ChainReason.REVOKED, answer.reason.value)
        answers.append(answer)
    return Unknown() if any(isinstance(each, Unknown) for each in answers) else Good()


def _authorities(purpose: Purpose) -> ExtensionPolicy:
    """What an issuer must say of itself; an extended key usage narrows what it vouches for."""
    wanted = PURPOSES[purpose].extended

    def check_extended(
        _policy: verification.Policy,
        _certificate: Certificate,
        extended: x509.ExtendedKeyUsage | None,
    ) -> None:
        if extended is not None and wanted not in extended:
            raise ValueError("an issuer is not for this purpose")

    def check_usage(
        _policy: verification.Policy, _certificate: Certificate, usage: x509.KeyUsage | None
    ) -> None:
        if usage is not None and not usage.key_cert_sign:
            raise ValueError("an issuer may not sign certificates")

    def check_constraints(
        _policy: verification.Policy, _certificate: Certificate, constraints: x509.BasicConstraints
    ) -> None:
        if not constraints.ca:
            raise ValueError("an issuer is no authority")

    return (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, check_constraints)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, check_usage)
        .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, check_extended)
    )


_LEAVES = (
    ExtensionPolicy.permit_all()
    .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, None)
)
"""``_check_leaf`` looked at these two; whatever else is critical must be known to the verifier."""

_AUTHORITIES = {purpose: _authorities(purpose) for purpose in Purpose}
