"""signingCertificateV2 (RFC 5035 §3): the certificate that a signature says it was made for.

Without it, another certificate of the same key could be put in the place of the signer's.
"""

import hashlib

from certs.cms import der, identifier, signature
from certs.cms.der import Reader
from certs.errors import AlgorithmRefused, SignatureReason, SignatureRejected


def value_for(own: bytes) -> bytes:
    """The attribute's value that binds a certificate, given in DER, by SHA-256."""
    # ESSCertIDv2 with the default digest left out, as DER demands (RFC 5035 §4)
    cert_id = der.tlv(der.SEQUENCE, der.tlv(der.OCTET_STRING, hashlib.sha256(own).digest()))
    return der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, cert_id))


def check(value: bytes, own: bytes) -> None:
    """The first ESSCertIDv2 names the signer's certificate (RFC 5035 §3, §5).

    Raises :class:`SignatureRejected` when it does not or its digest is refused,
    :class:`DerMalformed`.
    """
    outer = Reader(value).enter(der.SEQUENCE)
    identifiers = outer.enter(der.SEQUENCE)
    if outer.peek() >= 0:
        outer.element(der.SEQUENCE)  # policies: the path is judged by ours
    outer.finish()
    digest, bound, issuer_serial = _cert_id(identifiers.enter(der.SEQUENCE))
    while identifiers.peek() >= 0:
        _cert_id(identifiers.enter(der.SEQUENCE))  # of issuers
    named = not issuer_serial or issuer_serial == _issuer_serial(own)
    if not named or bound != hashlib.new(digest.replace("-", ""), own).digest():
        raise SignatureRejected(SignatureReason.SIGNER_CERTIFICATE_NOT_BOUND)


def _cert_id(reader: Reader) -> tuple[str, bytes, bytes]:
    """(digest, value, issuerSerial or nothing) of an ESSCertIDv2 (RFC 5035 §4)."""
    digest = "sha-256"
    if reader.peek() == der.SEQUENCE:
        try:
            digest = signature.accepted_digest(*signature.algorithm_identifier(reader)).name
        except AlgorithmRefused as error:
            raise SignatureRejected(SignatureReason.ALGORITHM_REFUSED, str(error)) from None
    bound = reader.content(der.OCTET_STRING)
    issuer_serial = reader.element(der.SEQUENCE) if reader.peek() >= 0 else b""
    reader.finish()
    return digest, bound, issuer_serial


def _issuer_serial(own: bytes) -> bytes:
    """The IssuerSerial of a certificate: its issuer as the one GeneralName (RFC 5035 §4)."""
    named = Reader(identifier.issuer_and_serial(own)).enter(der.SEQUENCE)
    issuer, serial = named.element(), named.element()
    return der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, der.tlv(0xA4, issuer)), serial)
