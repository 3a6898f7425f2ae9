"""Where a certificate says that its revocation can be learnt, and who issued it. Fetches nothing.

The addresses are claims like any other in a certificate: whoever follows them decides first whose
certificate it is and which hosts may be asked.
"""

from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import AuthorityInformationAccessOID

from certs.certificate import Certificate, extension
from certs.errors import DerMalformed


def list_addresses(certificate: Certificate) -> tuple[str, ...]:
    """The addresses of cRLDistributionPoints (RFC 5280 §4.2.1.13), in order; none if malformed.

    Points of another CRL issuer are left out: its lists are signed by somebody else.
    """
    try:
        points = extension(certificate, x509.CRLDistributionPoints) or ()
    except DerMalformed:
        return ()
    return _addresses(
        name for point in points if not point.crl_issuer for name in point.full_name or ()
    )


def responder_addresses(certificate: Certificate) -> tuple[str, ...]:
    """The OCSP addresses of authorityInfoAccess (RFC 5280 §4.2.2.1); none if malformed."""
    try:
        access = extension(certificate, x509.AuthorityInformationAccess) or ()
    except DerMalformed:
        return ()
    return _addresses(
        each.access_location
        for each in access
        if each.access_method == AuthorityInformationAccessOID.OCSP
    )


def issuer_among(
    certificate: Certificate, authorities: Iterable[Certificate]
) -> Certificate | None:
    """The one of ``authorities`` whose key signed ``certificate`` in its own name, or None."""
    for each in authorities:
        if each.subject == certificate.issuer:
            try:
                certificate.verify_directly_issued_by(each)
            except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
                continue
            return each
    return None


def is_authority(certificate: Certificate) -> bool:
    """Whether it says that it may issue certificates (RFC 5280 §4.2.1.9); no if malformed."""
    try:
        constraints = extension(certificate, x509.BasicConstraints)
    except DerMalformed:
        return False
    return constraints is not None and constraints.ca


def _addresses(names: Iterable[x509.GeneralName]) -> tuple[str, ...]:
    found = (each.value for each in names if isinstance(each, x509.UniformResourceIdentifier))
    return tuple(dict.fromkeys(found))
