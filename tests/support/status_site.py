"""An authority that publishes: lists and OCSP answers by HTTP on loopback, good ones and others.

Made on ``cryptography`` alone, not on ``issuing.issue``: the product judges what another hand made.
"""

import base64
import http.server
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

DAY = timedelta(days=1)
SHA256 = hashes.SHA256()


@cache
def key(order: int = 0) -> ec.EllipticCurvePrivateKey:
    """A P-256 key, made once for the whole run; ``order`` tells several apart."""
    return ec.generate_private_key(ec.SECP256R1())


def digest_for(signing: Key) -> hashes.SHA256 | None:
    """The digest to sign with; Ed25519 has its own."""
    return None if isinstance(signing, ed25519.Ed25519PrivateKey) else SHA256


@dataclass(frozen=True)
class Issuer:
    """An authority that issues, publishes lists and answers."""

    certificate: x509.Certificate
    key: Key

    @classmethod
    def root(
        cls,
        at: datetime,
        name: str = "Autorité qui publie",
        signing: Key | None = None,
        may_sign_lists: bool = True,
    ) -> "Issuer":
        """Self-signed, for ten years around ``at``."""
        signing = signing or key()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            _builder(subject, subject, signing.public_key(), at, 3_650)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(crl_sign=may_sign_lists), critical=True)
        )
        return cls(builder.sign(signing, digest_for(signing)), signing)

    def intermediate(self, at: datetime, name: str, order: int, **addresses: Any) -> "Issuer":
        """An authority below this one; ``addresses`` as :meth:`leaf`."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            _builder(subject, self.certificate.subject, key(order).public_key(), at, 3_000)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(), critical=True)
        )
        return Issuer(_named(builder, **addresses).sign(self.key, digest_for(self.key)), key(order))

    def leaf(
        self,
        at: datetime,
        *,
        lists: Sequence[str] = (),
        responders: Sequence[str] = (),
        days: int = 300,
        address: str = "sophie.laurent@ailleurs.example",
    ) -> x509.Certificate:
        """A mailbox's certificate that names where its status is published."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sophie Laurent")])
        usage = [ExtendedKeyUsageOID.EMAIL_PROTECTION]
        builder = (
            _builder(subject, self.certificate.subject, key(9).public_key(), at, days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        )
        return _named(builder, lists=lists, responders=responders).sign(
            self.key, digest_for(self.key)
        )

    def responder(
        self,
        at: datetime,
        order: int = 5,
        *,
        purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.OCSP_SIGNING,
        nocheck: bool = True,
        days: int = 30,
        may_sign: bool = True,
    ) -> "Issuer":
        """A certificate for answering in this authority's name, and its key."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Répondeur {order}")])
        builder = (
            _builder(subject, self.certificate.subject, key(order).public_key(), at, days)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(
                x509.KeyUsage(
                    *(may_sign, False, not may_sign, False, False, False, False, False, False)
                ),
                critical=True,
            )
        )
        if nocheck:
            builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
        return Issuer(builder.sign(self.key, digest_for(self.key)), key(order))

    def crl(
        self,
        at: datetime,
        revoked: Sequence[x509.Certificate] = (),
        *,
        days: float = 7,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    ) -> bytes:
        """A list of ``at``, good for ``days``."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(at)
            .next_update(at + timedelta(days=days))
            .add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
        )
        for each, critical in extensions:
            builder = builder.add_extension(each, critical=critical)
        for certificate in revoked:
            line = x509.RevokedCertificateBuilder(certificate.serial_number, at - DAY)
            reason = x509.CRLReason(x509.ReasonFlags.key_compromise)
            builder = builder.add_revoked_certificate(
                line.add_extension(reason, critical=False).build()
            )
        return builder.sign(self.key, digest_for(self.key)).public_bytes(Encoding.DER)

    def answer(
        self,
        certificate: x509.Certificate,
        at: datetime,
        *,
        revoked: bool = False,
        unknown: bool = False,
        days: float | None = 1,
        by: "Issuer | None" = None,
        brings: Sequence[x509.Certificate] = (),
        naming: hashes.HashAlgorithm = SHA256,
        by_name: bool = False,
        nonce: bytes | None = None,
        hashed: hashes.SHA256 | hashes.SHA384 | hashes.SHA1 | None = None,
        extension: tuple[x509.ExtensionType, bool] | None = None,
    ) -> bytes:
        """An OCSP answer of ``at`` about ``certificate``, signed ``by`` another if one is given."""
        status = ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD
        signs = by or self
        encoding = ocsp.OCSPResponderEncoding.NAME if by_name else ocsp.OCSPResponderEncoding.HASH
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=certificate,
                issuer=self.certificate,
                algorithm=naming,
                cert_status=ocsp.OCSPCertStatus.UNKNOWN if unknown else status,
                this_update=at,
                next_update=None if days is None else at + timedelta(days=days),
                revocation_time=at - DAY if revoked else None,
                revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
            )
            .responder_id(encoding, signs.certificate)
        )
        if brings or by:
            builder = builder.certificates([*brings, *([by.certificate] if by else [])])
        if nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
        if extension is not None:
            builder = builder.add_extension(*extension)
        digest = hashed or digest_for(signs.key)
        return builder.sign(signs.key, digest).public_bytes(Encoding.DER)


def refusal(status: ocsp.OCSPResponseStatus) -> bytes:
    """An answer that answers nothing: tryLater, unauthorized…"""
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)


def _builder(
    subject: x509.Name, issuer: x509.Name, public: Any, at: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - 2 * DAY)
        .not_valid_after(at + timedelta(days=days))
    )


def _usage(*, crl_sign: bool = True) -> x509.KeyUsage:
    return x509.KeyUsage(False, False, False, False, False, True, crl_sign, False, False)


def _named(
    builder: x509.CertificateBuilder, lists: Sequence[str] = (), responders: Sequence[str] = ()
) -> x509.CertificateBuilder:
    if lists:
        points = [
            x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
            for url in lists
        ]
        builder = builder.add_extension(x509.CRLDistributionPoints(points), critical=False)
    if responders:
        access = [
            x509.AccessDescription(
                AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url)
            )
            for url in responders
        ]
        builder = builder.add_extension(x509.AuthorityInformationAccess(access), critical=False)
    return builder


# --- by HTTP -------------------------------------------------------------------------------------


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def question(self) -> ocsp.OCSPRequest:
        """The OCSP request in it, by GET or by POST."""
        encoded = self.body
        if self.method == "GET":
            encoded = base64.b64decode(unquote(self.path.rpartition("/")[2]), validate=True)
        return ocsp.load_der_ocsp_request(encoded)


@dataclass
class Reply:
    """What to answer."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    announce: int | None = None
    """Content-Length, when another than the truth."""
    wait: threading.Event | None = None
    """Before the body, until it is set (or the test ends)."""


Answerer = Callable[[Asked], Reply]


@dataclass
class StatusSite:
    """A server on loopback; ``answer`` may be changed at any time."""

    url: str
    answer: Answerer
    asked: list[Asked] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def host(self) -> str:
        """host:port, as the configuration names it."""
        return self.url.split("/")[2]

    def publish(self, body: bytes, **headers: str) -> None:
        """Answer everything with ``body`` from now on."""
        self.answer = lambda asked: Reply(body, headers=headers)

    def fail(self, status: int) -> None:
        """Answer nothing but this status from now on."""
        self.answer = lambda asked: Reply(status=status)


@contextmanager
def serving(tls: tuple[Path, Path] | None = None) -> Iterator[StatusSite]:
    """A server on a free port of loopback; ``tls``: certificate and key."""
    site = StatusSite("", lambda asked: Reply(status=404))

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._handle(b"")

        def do_POST(self) -> None:
            self._handle(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def _handle(self, body: bytes) -> None:
            asked = Asked(self.command, self.path, dict(self.headers.items()), body)
            site.asked.append(asked)
            reply = site.answer(asked)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name.replace("_", "-"), value)
            if "Transfer_Encoding" not in reply.headers:
                size = len(reply.body) if reply.announce is None else reply.announce
                self.send_header("Content-Length", str(size))
            self.end_headers()
            if reply.wait is not None:
                while not (reply.wait.wait(0.05) or site.ended.is_set()):
                    pass
            self.wfile.write(reply.body)
            self.close_connection = True

        def log_message(self, *arguments: object) -> None:
            """Tests say what they saw."""

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that goes in the middle is no news."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if tls is None else "https"
    site.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def moment(seconds: float) -> datetime:
    """An aware time."""
    return datetime.fromtimestamp(seconds, UTC)
