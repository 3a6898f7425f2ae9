"""Authorities and revocation lists made by hand, for what the product itself never issues."""

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.unit.certs import pki

DAY = timedelta(days=1)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def key_usage(*allowed):
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement"
        " key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{each: each in allowed for each in names.split()})


class Authority:
    """A key with a certificate; it issues certificates and lists."""

    def __init__(self, text, parent=None, *, usage=("key_cert_sign", "crl_sign"), points=()):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = name(text)
        self.certificate = (parent or self).issue(
            self.name, self.key.public_key(), True, usage, points
        )

    def issue(self, subject, public=None, ca=False, usage=("digital_signature",), points=()):
        public = public or self.key.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(pki.NOW - DAY)
            .not_valid_after(pki.NOW + 100 * DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(key_usage(*usage), critical=True)
        )
        if points:
            builder = builder.add_extension(x509.CRLDistributionPoints(points), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def list(self, *entries, number=None, base=None, scope=None, begin=-DAY, end=DAY, more=()):
        """A list in DER; ``entries`` are pairs of a serial number and its extensions."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.name)
            .last_update(pki.NOW + begin)
            .next_update(pki.NOW + end)
        )
        extensions = list(more)
        if number is not None:
            extensions.append((x509.CRLNumber(number), False))
        if base is not None:
            extensions.append((x509.DeltaCRLIndicator(base), True))
        if scope is not None:
            extensions.append((x509.IssuingDistributionPoint(**{**NO_SCOPE, **scope}), True))
        for value, critical in extensions:
            builder = builder.add_extension(value, critical=critical)
        for serial, stated in entries:
            entry = x509.RevokedCertificateBuilder(serial, pki.NOW - DAY)
            for value, critical in stated:
                entry = entry.add_extension(value, critical=critical)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)


NO_SCOPE = {
    "full_name": None,
    "relative_name": None,
    "only_contains_user_certs": False,
    "only_contains_ca_certs": False,
    "only_some_reasons": None,
    "indirect_crl": False,
    "only_contains_attribute_certs": False,
}


def uri(text):
    return [x509.UniformResourceIdentifier(text)]


def point(*, names=None, reasons=None, issuer=None):
    """A distribution point of a certificate."""
    by = None if issuer is None else [x509.DirectoryName(issuer)]
    return x509.DistributionPoint(names, None, reasons, by)


def because(reason):
    """The extension of an entry that says why."""
    return [(x509.CRLReason(reason), False)]
