"""What an authority signs, before it does: certificates and revocation lists (RFC 5280 §4, §5)."""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from certs.certificate import Certificate
from certs.issuing.profiles import key_usage
from certs.keyring import PublicKey
from certs.status.revocation import Revocation, RevocationReason


def certificate(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: CertificatePublicKeyTypes,
    issuer_key: object,
) -> x509.CertificateBuilder:
    """What every certificate says: who, by whom, a random serial number, both key identifiers.

    ``issuer_key`` is the issuer's public key.
    """
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(_issuer_identifier(issuer_key), critical=False)
    )


def _issuer_identifier(issuer_key: object) -> x509.AuthorityKeyIdentifier:
    assert isinstance(issuer_key, PublicKey)
    digest = x509.SubjectKeyIdentifier.from_public_key(issuer_key).digest
    return x509.AuthorityKeyIdentifier(digest, None, None)


def authority(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: PublicKey,
    issuer_key: PublicKey,
    path_length: int,
) -> x509.CertificateBuilder:
    """The certificate of an authority, with at most ``path_length`` others below it."""
    return (
        certificate(subject, issuer, public_key, issuer_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(key_usage(authority=True), critical=True)
    )


def revocation_list(
    issuer: Certificate, revoked: Sequence[Revocation], now: datetime, next_update: datetime
) -> x509.CertificateRevocationListBuilder:
    """The list of what ``issuer`` took back; its number is the moment, which only grows."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(now)
        .next_update(next_update)
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        .add_extension(_issuer_identifier(issuer.public_key()), critical=False)
    )
    for each in revoked:
        line = x509.RevokedCertificateBuilder(each.serial, each.at)
        if each.reason is not RevocationReason.UNSPECIFIED:  # RFC 5280 §5.3.1
            reason = x509.CRLReason(x509.ReasonFlags(each.reason.value))
            line = line.add_extension(reason, critical=False)
        builder = builder.add_revoked_certificate(line.build())
    return builder
