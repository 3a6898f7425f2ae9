"""OCSP (RFC 6960): what to ask about one certificate, and what an answer proves. Nothing fetches.

An answer counts when the issuer signed it, or a responder to whom the issuer itself gave that task
(§4.2.2.2), when it names this very certificate, and while it is fresh. What is anything less proves
nothing: unknown is not good.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from certs.certificate import Certificate
from certs.cms import der
from certs.errors import DerMalformed, OcspReason, OcspRefused
from certs.status.ocsp_responder import digest_of, name_and_key, signer
from certs.status.revocation import (
    CLOCK_SKEW,
    Answer,
    Good,
    RevocationReason,
    RevocationSource,
    Revoked,
    Status,
    Unknown,
)

MAX_OCTETS = 64 * 1024
"""Largest answer read; one with its responder's certificate has some 2 KB."""

MAX_SINGLES = 100
"""Certificates that one answer may be about: some responders answer for many at once."""

UNDATED = timedelta(hours=1)
"""How long an answer without nextUpdate holds: newer ones are always to be had (§4.2.2.1)."""

NONCE_OCTETS = range(16, 129)
"""Sizes of a nonce: RFC 9654 §2.1 makes them 1 to 128, 32 to produce; shorter than 16 is weak."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer that proves something; times are aware, ``until`` is the last moment it holds."""

    status: Good | Revoked
    this_update: datetime
    until: datetime
    responder: Certificate


def make_request(
    certificate: Certificate,
    issuer: Certificate,
    *,
    digest: str = "sha-256",
    nonce: bytes | None = None,
) -> bytes:
    """The request about one certificate, in DER, unsigned.

    ``digest`` of the CertID: ``sha-256``, or ``sha-1`` for responders that index what they signed
    in advance by it; there it names and proves nothing. A nonce (RFC 9654) asks for an answer made
    now: leave it out where answers come from a cache. Raises ValueError for another size of nonce.
    """
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, _NAMING[digest])
    if nonce is not None:
        if len(nonce) not in NONCE_OCTETS:
            raise ValueError("size of a nonce")
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def read_answer(
    encoded: bytes,
    certificate: Certificate,
    issuer: Certificate,
    at: datetime,
    *,
    lists: RevocationSource | None = None,
    nonce: bytes | None = None,
) -> Status:
    """What an answer says at ``at`` (aware) of ``certificate``; Unknown where it proves nothing."""
    try:
        return judge(encoded, certificate, issuer, at, lists=lists, nonce=nonce).status
    except OcspRefused:
        return Unknown()


def judge(
    encoded: bytes,
    certificate: Certificate,
    issuer: Certificate,
    at: datetime,
    *,
    lists: RevocationSource | None = None,
    nonce: bytes | None = None,
) -> Judged:
    """As :func:`read_answer`, with the dates, and raising :class:`OcspRefused` with the reason.

    ``lists`` is asked about a responder's own certificate where that lacks ocsp-nocheck; without a
    Good from there, such a responder is not believed (§4.2.2.2.1). ``nonce``: the one that was
    sent; an answer without any may be one made in advance and is taken, another one is not.
    """
    try:
        return _judged(encoded, (certificate, issuer), at, lists, nonce)
    except (ValueError, TypeError, DerMalformed, x509.DuplicateExtension):
        # the library reads names, times and keys when they are asked for
        raise OcspRefused(OcspReason.MALFORMED) from None


# --- the answer ----------------------------------------------------------------------------------


def _judged(
    encoded: bytes,
    about: tuple[Certificate, Certificate],
    at: datetime,
    lists: RevocationSource | None,
    nonce: bytes | None,
) -> Judged:
    certificate, issuer = about
    response = _loaded(encoded)
    place, single = _about(response, certificate, issuer)
    until = _fresh_until(single, at)
    if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        raise OcspRefused(OcspReason.STATUS_UNKNOWN)
    responder = signer(encoded, response, issuer, at, lists)
    _check_extensions(response, place, nonce)
    basis = Answer(
        "ocsp",
        hashlib.sha256(encoded).hexdigest(),
        single.this_update_utc,
        single.next_update_utc,
    )
    return Judged(_status(single, basis), single.this_update_utc, until, responder)


def _loaded(encoded: bytes) -> ocsp.OCSPResponse:
    if len(encoded) > MAX_OCTETS:
        raise OcspRefused(OcspReason.TOO_BIG)
    try:
        response = ocsp.load_der_ocsp_response(encoded)
    except ValueError:
        raise OcspRefused(OcspReason.MALFORMED) from None
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise OcspRefused(OcspReason.NOT_SUCCESSFUL, response.response_status.name.lower())
    return response


def _about(
    response: ocsp.OCSPResponse, certificate: Certificate, issuer: Certificate
) -> tuple[int, ocsp.OCSPSingleResponse]:
    """The newest part of the answer that names the certificate (RFC 6960 §4.1.1), and its place."""
    found = []
    for place, single in enumerate(response.responses):
        if place == MAX_SINGLES:
            raise OcspRefused(OcspReason.TOO_BIG)
        if single.serial_number == certificate.serial_number and _names(single, issuer):
            found.append((place, single))
    if not found:
        raise OcspRefused(OcspReason.OTHER_CERTIFICATE)
    return max(found, key=lambda each: each[1].this_update_utc)


def _names(single: ocsp.OCSPSingleResponse, issuer: Certificate) -> bool:
    """Whether the CertID is one of the issuer: of its name and of its key."""
    try:
        digest = single.hash_algorithm.name
    except UnsupportedAlgorithm:
        return False
    subject, key = name_and_key(issuer)
    return (
        digest in _NAMING_NAMES
        and single.issuer_name_hash == digest_of(digest, subject)
        and single.issuer_key_hash == digest_of(digest, key)
    )


def _fresh_until(single: ocsp.OCSPSingleResponse, at: datetime) -> datetime:
    begin, until = single.this_update_utc, single.next_update_utc
    if at < begin - CLOCK_SKEW:
        raise OcspRefused(OcspReason.NOT_YET)
    until = begin + UNDATED if until is None else until
    if at > until:
        raise OcspRefused(OcspReason.STALE)
    return until


def _status(single: ocsp.OCSPSingleResponse, basis: Answer) -> Good | Revoked:
    if single.certificate_status is ocsp.OCSPCertStatus.GOOD:
        return Good(basis)
    since, given = single.revocation_time_utc, single.revocation_reason
    assert since is not None  # ASN.1 demands it
    reason = RevocationReason.UNSPECIFIED if given is None else _REASONS.get(given)
    return Revoked(since, reason or RevocationReason.UNSPECIFIED, basis)


def _check_extensions(response: ocsp.OCSPResponse, place: int, nonce: bytes | None) -> None:
    for each in response.extensions:
        if isinstance(each.value, x509.OCSPNonce):
            if nonce is not None and each.value.nonce != nonce:
                raise OcspRefused(OcspReason.OTHER_NONCE)
        elif each.critical:
            raise OcspRefused(OcspReason.CRITICAL_EXTENSION)
    if any(critical for critical in _single_extensions(response.tbs_response_bytes, place)):
        raise OcspRefused(OcspReason.CRITICAL_EXTENSION)


def _single_extensions(tbs: bytes, place: int) -> Iterator[bool]:
    """Of each extension of one part, whether it is critical: the library shows those of the only
    part of an answer, not of one among several."""
    fields = der.Reader(tbs).enter(der.SEQUENCE)
    if fields.peek() == 0xA0:
        fields.element()  # version
    fields.element()  # responderID
    fields.element()  # producedAt
    parts = fields.enter(der.SEQUENCE)
    for _ in range(place):
        parts.element()
    single = parts.enter(der.SEQUENCE)
    for _ in range(3):  # certID, certStatus, thisUpdate
        single.element()
    if single.peek() == 0xA0:
        single.element()  # nextUpdate
    if single.peek() == 0xA1:
        extensions = single.enter(0xA1).enter(der.SEQUENCE)
        while extensions.peek() >= 0:
            each = extensions.enter(der.SEQUENCE)
            each.element(der.OID)
            yield each.peek() == _BOOLEAN and each.content(_BOOLEAN) != b"\x00"


_BOOLEAN = 0x01
_NAMING = {"sha-256": hashes.SHA256(), "sha-1": hashes.SHA1()}  # noqa: S303 - a name, see make_request
_NAMING_NAMES = frozenset({"sha1", "sha256", "sha384", "sha512"})
_REASONS = {x509.ReasonFlags(reason.value): reason for reason in RevocationReason}
