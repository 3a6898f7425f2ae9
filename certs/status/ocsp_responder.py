"""Who may answer for an issuer by OCSP (RFC 6960 §4.2.2.2), and whether it was they who signed.

The issuer itself, or a responder whose certificate the issuer signed for this task and nothing
else in between. Responders that an operator would name one by one are not known here.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs import algorithms
from certs.algorithms import Algorithm
from certs.certificate import Certificate, extension, to_der
from certs.cms import der, signature
from certs.errors import AlgorithmRefused, DerMalformed, OcspReason, OcspRefused
from certs.status.revocation import CLOCK_SKEW, RevocationSource, Revoked, Unknown

MAX_CERTIFICATES = 5
"""Certificates of responders looked at in one answer."""


def signer(
    encoded: bytes,
    response: ocsp.OCSPResponse,
    issuer: Certificate,
    at: datetime,
    lists: RevocationSource | None,
) -> Certificate:
    """Who signed ``response``, whose DER is ``encoded``, in the name of ``issuer``.

    ``lists`` is asked about a responder's own certificate where that lacks ocsp-nocheck; without a
    Good from there it is not believed (§4.2.2.2.1). Raises :class:`OcspRefused`.
    """
    found = _named(response, issuer)
    if found is not issuer:
        _check_authorised(found, issuer, at, lists)
    # OCSPResponse: status, [0] { type, OCTET STRING { BasicOCSPResponse } }
    try:
        outer = der.Reader(encoded).enter(der.SEQUENCE)
        outer.element()
        held = outer.enter(0xA0).enter(der.SEQUENCE)
        held.element(der.OID)
        basic = held.content(der.OCTET_STRING)
    except DerMalformed:
        raise OcspRefused(OcspReason.MALFORMED) from None
    _check_signed(basic, response.tbs_response_bytes, found)
    return found


def digest_of(name: str, content: bytes) -> bytes:
    """The digest by which a CertID or a ResponderID names something; it proves nothing."""
    return hashlib.new(name, content, usedforsecurity=False).digest()


def name_and_key(certificate: Certificate) -> tuple[bytes, bytes]:
    """The subject as it is written, and the octets of subjectPublicKey: what a CertID digests.

    The latter without tag, length and count of unused bits (RFC 6960 §4.1.1).
    """
    fields = der.Reader(certificate.tbs_certificate_bytes).enter(der.SEQUENCE)
    if fields.peek() == 0xA0:
        fields.element()  # version
    for _ in range(4):  # serial number, algorithm, issuer, validity
        fields.element()
    subject = fields.element()
    key = fields.enter(der.SEQUENCE)
    key.element()
    return subject, key.content(der.BIT_STRING)[1:]


def _named(response: ocsp.OCSPResponse, issuer: Certificate) -> Certificate:
    """Whose answer it says it is: the issuer's, or that of a certificate that came along."""
    try:
        brought: Sequence[Certificate] = response.certificates[:MAX_CERTIFICATES]
        name, key_hash = response.responder_name, response.responder_key_hash
    except ValueError:
        raise OcspRefused(OcspReason.MALFORMED) from None
    for each in (issuer, *brought):
        if each.subject == name if name is not None else _key_hash(each) == key_hash:
            return each
    raise OcspRefused(OcspReason.RESPONDER_UNKNOWN)


def _key_hash(certificate: Certificate) -> bytes:
    """KeyHash of a ResponderID (§4.2.1)."""
    return digest_of("sha1", name_and_key(certificate)[1])


def _check_authorised(
    responder: Certificate, issuer: Certificate, at: datetime, lists: RevocationSource | None
) -> None:
    """Issued by the issuer itself, for this task, and still good."""
    try:
        named = extension(responder, x509.ExtendedKeyUsage) or ()
        usage = extension(responder, x509.KeyUsage)
        is_unchecked = extension(responder, x509.OCSPNoCheck) is not None
    except DerMalformed as error:
        raise OcspRefused(OcspReason.RESPONDER_NOT_AUTHORISED, str(error)) from None
    begin, end = responder.not_valid_before_utc - CLOCK_SKEW, responder.not_valid_after_utc
    may_sign = usage is None or usage.digital_signature
    if ExtendedKeyUsageOID.OCSP_SIGNING not in named or not may_sign or not begin <= at <= end:
        raise OcspRefused(OcspReason.RESPONDER_NOT_AUTHORISED)
    if responder.issuer != issuer.subject:
        raise OcspRefused(OcspReason.RESPONDER_NOT_AUTHORISED, "another issuer")
    _check_signed(to_der(responder), responder.tbs_certificate_bytes, issuer)
    if not is_unchecked:
        status = Unknown() if lists is None else lists.status(responder, issuer, at)
        if isinstance(status, Revoked):
            raise OcspRefused(OcspReason.RESPONDER_REVOKED)
        if isinstance(status, Unknown):
            raise OcspRefused(OcspReason.RESPONDER_NOT_AUTHORISED, "its own status is unknown")


def _check_signed(encoded: bytes, signed: bytes, by: Certificate) -> None:
    """``encoded`` is SEQUENCE { what is signed, algorithm, BIT STRING, … }."""
    try:
        body = der.Reader(encoded).enter(der.SEQUENCE)
        body.element(der.SEQUENCE)
        oid, parameters = signature.algorithm_identifier(body)
        value = body.content(der.BIT_STRING)
        scheme, digest = _scheme(oid, parameters)
        key = signature.accepted_key(by)
        signature.check_restriction(by, scheme, digest)
        if value[:1] != b"\x00":
            raise DerMalformed("signature")
        signature.check(key, scheme, digest, value[1:], signed)
    except DerMalformed:
        raise OcspRefused(OcspReason.MALFORMED) from None
    except AlgorithmRefused as error:
        raise OcspRefused(OcspReason.ALGORITHM_REFUSED, str(error)) from None
    except InvalidSignature:
        raise OcspRefused(OcspReason.SIGNATURE_WRONG) from None


def _scheme(oid: bytes, parameters: bytes) -> tuple[tuple[Algorithm, int], Algorithm]:
    """The row of a signature algorithm that names its digest itself; :class:`AlgorithmRefused`."""
    refused = AlgorithmRefused("signature")
    for name in algorithms.HASHES:
        try:
            scheme = signature.accepted_signature(oid, parameters, algorithms.named(name))
        except AlgorithmRefused as error:
            refused = error
        else:
            if scheme[0].name != "rsa-pkcs1-v1.5":  # names no digest: not in certificates
                return scheme, algorithms.named(name)
    raise refused
