"""An authority of our own: root, issuing intermediate, certificates of mailboxes and servers, CRLs.

It serves the demo, the tests and an operator's issuing authority for patients' mailboxes. Profiles:
RFC 5280 §4, RFC 8550 §4.4. :func:`export_for_client` is the one place where a private key leaves in
clear, for a person who keeps it in their own mail client or for a TLS listener.
"""

import base64
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.certificate import Certificate, from_der, to_der, to_pem
from certs.cms import der
from certs.errors import DerMalformed
from certs.keyring import KeyKind, PrivateKey, PublicKey
from certs.revocation import Revocation, RevocationReason
from certs.usage import Usage

_NAME_OCTETS = 64
"""RFC 5280 §A.1 ub-common-name: 64 characters, that x509.Name counts as octets of UTF-8."""

_SEALED_VERSION = 1


class Authority:
    """A root, kept for the next intermediate, and the intermediate that issues.

    ``root`` is the trust anchor to give away; ``chain`` goes with every certificate issued.
    """

    __slots__ = ("_issuing_key", "_root_key", "issuing", "root")

    def __init__(
        self, root: Certificate, root_key: PrivateKey, issuing: Certificate, key: PrivateKey
    ) -> None:
        self.root = root
        self._root_key = root_key
        self.issuing = issuing
        self._issuing_key = key

    @classmethod
    def create(cls, name: str, kind: KeyKind, now: datetime, years: int) -> "Authority":
        """Draw both keys and sign both certificates, valid ``years`` from ``now`` (aware)."""
        root_key, issuing_key = PrivateKey.generate(kind), PrivateKey.generate(kind)
        until = now + timedelta(days=365 * years)
        root_name = _name(name, f"{name} - racine")
        root = root_key.sign_certificate(
            _authority(root_name, root_name, root_key.public_key, root_key.public_key, 1)
            .not_valid_before(now)
            .not_valid_after(until)
        )
        issuing = root_key.sign_certificate(
            _authority(
                _name(name, f"{name} - émission"),
                root_name,
                issuing_key.public_key,
                root_key.public_key,
                0,
            )
            .not_valid_before(now)
            .not_valid_after(until)
        )
        return cls(root, root_key, issuing, issuing_key)

    def sealed(self, seal: Callable[[bytes], bytes]) -> bytes:
        """Everything needed to issue again, the keys sealed by ``seal``."""
        return der.tlv(
            der.SEQUENCE,
            der.integer(_SEALED_VERSION),
            to_der(self.root),
            der.tlv(der.OCTET_STRING, self._root_key.sealed(seal)),
            to_der(self.issuing),
            der.tlv(der.OCTET_STRING, self._issuing_key.sealed(seal)),
        )

    @classmethod
    def load(cls, sealed: bytes, open_: Callable[[bytes], bytes]) -> "Authority":
        """What :meth:`sealed` put away. Raises :class:`DerMalformed` and what ``open_`` raises."""
        outer = der.Reader(sealed)
        reader = outer.enter(der.SEQUENCE)
        outer.finish()
        if reader.small_integer() != _SEALED_VERSION:
            raise DerMalformed("authority of an unknown version")
        root = from_der(reader.element())
        root_key = PrivateKey.unsealed(reader.content(der.OCTET_STRING), open_)
        issuing = from_der(reader.element())
        key = PrivateKey.unsealed(reader.content(der.OCTET_STRING), open_)
        reader.finish()
        return cls(root, root_key, issuing, key)

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """The issuers to send along, the root left out."""
        return (self.issuing,)

    def issue_mailbox(
        self,
        address: str,
        display_name: str,
        public_key: PublicKey,
        usage: Usage,
        now: datetime,
        days: int,
    ) -> Certificate:
        """A certificate for a mailbox: address as rfc822Name only, emailProtection, key usage.

        A display name is cut at 64 octets. Raises ValueError when the address is not ASCII.
        """
        return self._issue(
            _name(None, display_name),
            public_key,
            _key_usage(
                sign=Usage.SIGN in usage,
                commit=Usage.SIGN in usage,
                encipher=Usage.ENCRYPT in usage,
                elliptic=isinstance(public_key, ec.EllipticCurvePublicKey),
            ),
            ExtendedKeyUsageOID.EMAIL_PROTECTION,
            [x509.RFC822Name(address)],
            (now, days),
        )

    def issue_server(
        self,
        names: Sequence[str],
        ips: Sequence[str],
        public_key: PublicKey,
        now: datetime,
        days: int,
    ) -> Certificate:
        """A TLS server certificate for DNS names and IP addresses; the first one is the subject."""
        alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        alternatives += [x509.IPAddress(ip_address(ip)) for ip in ips]
        return self._issue(
            _name(None, [*names, *ips][0]),
            public_key,
            _key_usage(sign=True),
            ExtendedKeyUsageOID.SERVER_AUTH,
            alternatives,
            (now, days),
        )

    def issue_client(
        self, names: Sequence[str], public_key: PublicKey, now: datetime, days: int
    ) -> Certificate:
        """A TLS client certificate for DNS names: another operator's server, or an application."""
        return self._issue(
            _name(None, names[0]),
            public_key,
            _key_usage(sign=True),
            ExtendedKeyUsageOID.CLIENT_AUTH,
            [x509.DNSName(name) for name in names],
            (now, days),
        )

    def _issue(
        self,
        subject: x509.Name,
        public_key: PublicKey,
        usage: x509.KeyUsage,
        extended: x509.ObjectIdentifier,
        alternatives: Sequence[x509.GeneralName],
        validity: tuple[datetime, int],
    ) -> Certificate:
        now, days = validity
        builder = (
            _builder(subject, self.issuing.subject, public_key, self.issuing.public_key())
            .not_valid_before(now)
            .not_valid_after(min(now + timedelta(days=days), self.issuing.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([extended]), critical=False)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        )
        return self._issuing_key.sign_certificate(builder)

    def crl(self, revoked: Sequence[Revocation], now: datetime, next_update: datetime) -> bytes:
        """The list of what the intermediate issued and took back, in DER."""
        return _crl(self.issuing, self._issuing_key, revoked, now, next_update)

    def root_crl(
        self, revoked: Sequence[Revocation], now: datetime, next_update: datetime
    ) -> bytes:
        """The list of what the root issued and took back: intermediates, in DER."""
        return _crl(self.root, self._root_key, revoked, now, next_update)


def export_for_client(
    key: PrivateKey,
    certificates: Sequence[Certificate],
    key_path: Path,
    certificate_path: Path,
) -> None:
    """Write a private key **in clear** (PEM, mode 0600) and its certificates (PEM).

    For a person who keeps the key in their own mail client, and for the key of a TLS listener.
    Raises FileExistsError rather than overwrite a key.
    """
    clear = key.sealed(lambda pkcs8: pkcs8)
    descriptor = os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(_private_pem(clear))
    certificate_path.write_bytes(to_pem(*certificates))


def _private_pem(pkcs8: bytes) -> bytes:
    # RFC 7468 §10
    text = base64.b64encode(pkcs8)
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return b"\n".join([b"-----BEGIN PRIVATE KEY-----", *lines, b"-----END PRIVATE KEY-----", b""])


def _name(organisation: str | None, subject: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, _cut(subject))]
    if organisation:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, _cut(organisation)))
    return x509.Name(parts)


def _cut(text: str) -> str:
    return text.encode()[:_NAME_OCTETS].decode(errors="ignore")


def _key_usage(
    *,
    sign: bool = False,
    encipher: bool = False,
    elliptic: bool = False,
    commit: bool = False,
    authority: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=commit,
        key_encipherment=encipher and not elliptic,
        data_encipherment=False,
        key_agreement=encipher and elliptic,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: PublicKey, issuer_key: object
) -> x509.CertificateBuilder:
    assert isinstance(issuer_key, PublicKey)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False
        )
    )


def _authority(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: PublicKey,
    issuer_key: PublicKey,
    path_length: int,
) -> x509.CertificateBuilder:
    return (
        _builder(subject, issuer, public_key, issuer_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
    )


def _crl(
    issuer: Certificate,
    key: PrivateKey,
    revoked: Sequence[Revocation],
    now: datetime,
    next_update: datetime,
) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(now)
        .next_update(next_update)
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key), critical=False
        )
    )
    for each in revoked:
        line = x509.RevokedCertificateBuilder(each.serial, each.at)
        if each.reason is not RevocationReason.UNSPECIFIED:  # RFC 5280 §5.3.1
            reason = x509.CRLReason(x509.ReasonFlags(each.reason.value))
            line = line.add_extension(reason, critical=False)
        builder = builder.add_revoked_certificate(line.build())
    return key.sign_crl(builder)
