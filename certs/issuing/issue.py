"""An authority of our own: root, issuing intermediate, certificates of mailboxes and servers, CRLs.

It serves the demo, the tests and an operator's issuing authority for patients' mailboxes. What the
certificates say is in :mod:`certs.issuing.profiles`. :func:`export_for_client` is the one place
where a private key leaves in clear, for a person who keeps it in their own mail client or for a TLS
listener.
"""

import base64
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.certificate import Certificate, extension, from_der, to_der, to_pem
from certs.cms import der
from certs.errors import DerMalformed
from certs.issuing import drafts, profiles
from certs.issuing.profiles import PRIVATE, Identified, Publishing, Realm, key_usage, mailbox_usage
from certs.keyring import KeyKind, PrivateKey
from certs.status.revocation import Revocation
from certs.usage import Usage

ANY_POLICY: Final = "2.5.29.32.0"
"""An issuer that states no policy would take away those of what it issues (RFC 5280 §6.1.3)."""

_SEALED_VERSION = 1
_ROOT, _ISSUING = " - racine", " - émission"


class OutsideRealm(ValueError):
    """The authority's own name constraints forbid this name; the text is the name."""


class Authority:
    """A root, kept for the next intermediate, and the intermediate that issues.

    ``root`` is the trust anchor to give away; ``chain`` goes with every certificate issued.
    ``publishing`` and ``identified`` are what its certificates say, as :meth:`stating` sets.
    """

    __slots__ = ("_issuing_key", "_root_key", "identified", "issuing", "publishing", "root")

    def __init__(
        self,
        root: Certificate,
        root_key: PrivateKey,
        issuing: Certificate,
        key: PrivateKey,
        publishing: Publishing = PRIVATE,
        identified: Identified | None = None,
    ) -> None:
        self.root = root
        self._root_key = root_key
        self.issuing = issuing
        self._issuing_key = key
        self.publishing = publishing
        self.identified = identified

    @classmethod
    def create(
        cls, name: str, kind: KeyKind, now: datetime, years: int, realm: Realm | None = None
    ) -> "Authority":
        """Draw both keys and sign both certificates, valid ``years`` from ``now`` (aware).

        ``realm`` becomes the name constraints of the intermediate. Raises ValueError for a kind
        of key that signs nothing.
        """
        if kind == "x25519":
            raise ValueError("an authority signs, and X25519 does not")
        root_key, issuing_key = PrivateKey.generate(kind), PrivateKey.generate(kind)
        until = now + timedelta(days=365 * years)
        root_name, issuing_name = cls.names(name)
        root = root_key.sign_certificate(
            drafts.authority(root_name, root_name, root_key.public_key, root_key.public_key, 1)
            .not_valid_before(now)
            .not_valid_after(until)
        )
        lower = (
            drafts.authority(
                issuing_name,
                root_name,
                issuing_key.public_key,
                root_key.public_key,
                0,
            )
            .not_valid_before(now)
            .not_valid_after(until)
            .add_extension(profiles.policies(ANY_POLICY), critical=False)
        )
        constraints = (realm or Realm()).constraints()
        if constraints is not None:
            lower = lower.add_extension(constraints, critical=True)
        return cls(root, root_key, root_key.sign_certificate(lower), issuing_key)

    @staticmethod
    def names(name: str) -> tuple[x509.Name, x509.Name]:
        """The subjects of root and intermediate of an authority of that name.

        A long one is cut before what tells them apart: with one name for both there is no path.
        """
        room = profiles.NAME_OCTETS - len(_ISSUING.encode())
        short = name.encode()[:room].decode(errors="ignore")
        return profiles.subject(name, short + _ROOT), profiles.subject(name, short + _ISSUING)

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

    def stating(
        self, publishing: Publishing = PRIVATE, identified: Identified | None = None
    ) -> "Authority":
        """The same authority, whose certificates say where to ask; those of mailboxes also how
        their holder was identified, by a policy.
        """
        keys = self._root_key, self._issuing_key
        return Authority(self.root, keys[0], self.issuing, keys[1], publishing, identified)

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """The issuers to send along, the root left out."""
        return (self.issuing,)

    @property
    def kind(self) -> str:
        """The kind of its keys."""
        return self._issuing_key.kind

    @property
    def realm(self) -> Realm:
        """Where it may vouch, as the intermediate says."""
        return profiles.realm_of(extension(self.issuing, x509.NameConstraints))

    def issue_mailbox(
        self,
        address: str,
        display_name: str,
        public_key: CertificatePublicKeyTypes,
        usage: Usage,
        now: datetime,
        days: int,
    ) -> Certificate:
        """A certificate for a mailbox: address as rfc822Name only, emailProtection, key usage.

        A display name is cut at 64 octets. Raises ValueError when the address is not ASCII or the
        kind of key cannot do what ``usage`` asks, :class:`OutsideRealm`.
        """
        stated: list[x509.ExtensionType] = [
            mailbox_usage(public_key, usage),
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]),
        ]
        if self.identified is not None:
            stated.append(profiles.policies(self.publishing.policy(self.identified)))
        return self._issue(
            profiles.subject(None, display_name),
            public_key,
            stated,
            [x509.RFC822Name(address)],
            (now, days),
        )

    def issue_server(
        self,
        names: Sequence[str],
        ips: Sequence[str],
        public_key: CertificatePublicKeyTypes,
        now: datetime,
        days: int,
    ) -> Certificate:
        """A TLS server certificate for DNS names and IP addresses; the first one is the subject.

        The server is known by it to other operators too, when it calls them.

        Raises ValueError for what is neither, :class:`OutsideRealm`.
        """
        alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        alternatives += [x509.IPAddress(ip_address(ip)) for ip in ips]
        return self._issue(
            profiles.subject(None, [*names, *ips][0]),
            public_key,
            _for_tls(public_key, ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH),
            alternatives,
            (now, days),
        )

    def issue_client(
        self,
        names: Sequence[str],
        public_key: CertificatePublicKeyTypes,
        now: datetime,
        days: int,
        addresses: Sequence[str] = (),
    ) -> Certificate:
        """A TLS client certificate: another operator's server by its DNS names, an application by
        the addresses of its boxes. The first name or address is the subject.

        Raises ValueError for what is neither, :class:`OutsideRealm`.
        """
        alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        alternatives += [x509.RFC822Name(address) for address in addresses]
        return self._issue(
            profiles.subject(None, [*names, *addresses][0]),
            public_key,
            _for_tls(public_key, ExtendedKeyUsageOID.CLIENT_AUTH),
            alternatives,
            (now, days),
        )

    def _issue(
        self,
        subject: x509.Name,
        public_key: CertificatePublicKeyTypes,
        stated: Sequence[x509.ExtensionType],
        alternatives: Sequence[x509.GeneralName],
        validity: tuple[datetime, int],
    ) -> Certificate:
        if foreign := profiles.outside(self.realm, alternatives):
            raise OutsideRealm(foreign)
        now, days = validity
        builder = (
            drafts.certificate(subject, self.issuing.subject, public_key, self.issuing.public_key())
            .not_valid_before(now)
            .not_valid_after(min(now + timedelta(days=days), self.issuing.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        )
        for each in (*stated, *profiles.where_to_ask(self.publishing)):
            builder = builder.add_extension(each, critical=isinstance(each, x509.KeyUsage))
        return self._issuing_key.sign_certificate(builder)

    def crl(self, revoked: Sequence[Revocation], now: datetime, next_update: datetime) -> bytes:
        """The list of what the intermediate issued and took back, in DER."""
        draft = drafts.revocation_list(self.issuing, revoked, now, next_update)
        return self._issuing_key.sign_crl(draft)

    def root_crl(
        self, revoked: Sequence[Revocation], now: datetime, next_update: datetime
    ) -> bytes:
        """The list of what the root issued and took back: intermediates, in DER."""
        draft = drafts.revocation_list(self.root, revoked, now, next_update)
        return self._root_key.sign_crl(draft)


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


def _for_tls(
    public_key: CertificatePublicKeyTypes, *extended: x509.ObjectIdentifier
) -> list[x509.ExtensionType]:
    if Usage.SIGN not in profiles.can_do(public_key):
        raise ValueError("a key of this kind signs nothing")
    return [key_usage(sign=True), x509.ExtendedKeyUsage(extended)]
