"""Threat T5 over real TLS: every wrong certificate, shown to our MX and shown by who we call."""

import asyncio
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from certs.certificate import Certificate, to_pem
from mss_gateway.compose.relaying import relay_tls
from mss_gateway.directory.operators import PeerTrust
from mss_gateway.smtp.client import Kind, PeerFailed
from mss_gateway.smtp.reaching import Reach
from tests.support import peer_site
from tests.support.foreign_smtp import foreign_server
from tests.support.peer_certificates import CLIENT, SERVER, Key, Maker, Shape
from tests.support.peer_site import DOMAIN, GARNIER, HOST, THIRD, calling, mx_serving
from tests.support.relay_site import QUICK, RelaySite, relay_site
from tests.support.smtp_site import NOW, Site

SPENT = abs(int(time.time() - NOW)) // 86_400 + 1
"""Days between the time of the tests and that which TLS looks at."""
LONG = (-10, SPENT + 60)
MAIL, ANY = ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
STRANGE = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")


@dataclass(frozen=True)
class Pki:
    """Authorities that are believed, and one that is not."""

    now: datetime

    @cached_property
    def root(self) -> Maker:
        return Maker("Racine", self.now)

    @cached_property
    def issuing(self) -> Maker:
        return Maker("Emission", self.now, self.root)

    @cached_property
    def fallen(self) -> Maker:
        return Maker("Emission retiree", self.now, self.root)

    @cached_property
    def silent(self) -> Maker:
        return Maker("Emission sans liste", self.now, self.root)

    @cached_property
    def late(self) -> Maker:
        return Maker("Emission en retard", self.now, self.root)

    @cached_property
    def bounded(self) -> Maker:
        only = x509.NameConstraints([x509.DNSName(THIRD)], None)
        return Maker("Emission bornee", self.now, self.root, limits=only)

    @cached_property
    def stranger(self) -> Maker:
        return Maker("Emission", self.now)

    @property
    def believed(self) -> list[Certificate]:
        makers = (self.root, self.issuing, self.fallen, self.silent, self.late, self.bounded)
        return [each.certificate for each in makers]

    def publish(self, folder: Path, *revoked: Certificate) -> None:
        good = (-1, SPENT + 30)
        lists = {
            "racine": self.root.crl(self.fallen.certificate, days=good),
            "emission": self.issuing.crl(*revoked, days=good),
            "retiree": self.fallen.crl(days=good),
            "retard": self.late.crl(days=(-9, -8)),
            "bornee": self.bounded.crl(days=good),
        }
        for name, octets in lists.items():
            (folder / f"{name}.crl").write_bytes(octets)


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki(datetime.fromtimestamp(min(NOW, time.time()), UTC).replace(microsecond=0))


@pytest.fixture
def relaying(tmp_path: Path, pki: Pki) -> Iterator[RelaySite]:
    with relay_site(tmp_path / "site") as found:
        gateway = found.site.gateway
        folder = gateway.config.in_state(peer_site.FOLDER)
        for each in folder.iterdir():
            each.unlink()
        pki.publish(folder)
        trust = PeerTrust(pki.believed, None, gateway.kept, gateway.lists)
        yield RelaySite(replace(found.site, gateway=replace(gateway, peer_trust=trust)))


GOOD = Shape(hosts=(HOST,), days=LONG)


@dataclass(frozen=True)
class Case:
    """One certificate, and what stands above it in the handshake."""

    shape: Shape = GOOD
    by: Callable[[Pki], Maker] = lambda pki: pki.issuing
    itself: bool = False

    def made(self, pki: Pki) -> tuple[Certificate, Key, list[Certificate]]:
        bits = self.shape.rsa_bits
        key: Key = (
            rsa.generate_private_key(65537, bits)
            if bits
            else ec.generate_private_key(ec.SECP256R1())
        )
        if self.itself:
            return Maker(HOST, pki.now, key=key).sign(self.shape, key, is_root=True), key, []
        maker = self.by(pki)
        return maker.sign(self.shape, key), key, [maker.certificate]


def shaped(**said: object) -> Case:
    return Case(Shape(**{"hosts": (HOST,), "days": LONG, **said}))  # type: ignore[arg-type]


REVOKED = Case()
WRONG: dict[str, Case] = {
    "revoked": REVOKED,
    "its authority is revoked": Case(by=lambda pki: pki.fallen),
    "revocation unknown": Case(by=lambda pki: pki.silent),
    "revocation of last week": Case(by=lambda pki: pki.late),
    "expired": shaped(days=(-30, -1)),
    "not yet valid": shaped(days=(SPENT + 5, SPENT + 60)),
    "another authority of the same name": Case(by=lambda pki: pki.stranger),
    "signed by itself": Case(itself=True),
    "a name that its authority may not give": Case(by=lambda pki: pki.bounded),
    "no extended usage": shaped(usages=None),
    "for mail": shaped(usages=(MAIL,)),
    "for anything": shaped(usages=(CLIENT, SERVER, ANY)),
    "its key does not sign": shaped(bits=("key_encipherment",)),
    "an authority's": shaped(is_authority=True, bits=("digital_signature", "key_cert_sign")),
    "a weak key": shaped(rsa_bits=1024),
    "a critical extension that nobody knows": shaped(more=((STRANGE, True),)),
    "a wildcard": shaped(hosts=(f"*.{DOMAIN}",)),
    "two operators": shaped(hosts=(HOST, f"mx.{THIRD}")),
    "commonName only": shaped(hosts=(), common_name=HOST),
    "a name outside": shaped(hosts=(f"{DOMAIN}.org", f"x{DOMAIN}")),
}
ONE_WAY = {"client": shaped(usages=(CLIENT,)), "server": shaped(usages=(SERVER,))}


def showing(site: Site, context: ssl.SSLContext, case: Case, pki: Pki) -> ssl.SSLContext:
    """``context`` with this certificate, however weak it is."""
    certificate, key, above = case.made(pki)
    if case is REVOKED:
        pki.publish(site.gateway.config.in_state(peer_site.FOLDER), certificate)
    context.set_ciphers("ECDHE+AESGCM:@SECLEVEL=0")  # or it would not even be loaded
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "shown.pem"
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(secret + to_pem(certificate, *above))
        context.load_cert_chain(path)
    return context


async def told_by_mx(site: Site, port: object, case: Case, pki: Pki) -> str:
    """The code at MAIL; empty where TLS itself had ended."""
    try:
        async with calling(site, port, showing(site, site.trusting(), case, pki)) as client:  # type: ignore[arg-type]
            return (await client.say(f"MAIL FROM:<{GARNIER}>"))[:3]
    except OSError:
        return ""


async def told_by_link(here: RelaySite, case: Case, pki: Pki) -> Kind | None:
    """Why nothing is said to this server; None when it is believed."""
    context = showing(here.site, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), case, pki)
    async with foreign_server(context) as server:
        routed = here.routed(f"{DOMAIN} 127.0.0.1:{server.port}").site.gateway
        assert routed.peer_trust is not None
        reach = Reach(routed, relay_tls(routed.config, routed.peer_trust), None, QUICK)
        try:
            link, _ = await reach.link(DOMAIN)
        except PeerFailed as failed:
            assert server.commands == ["EHLO localhost", "STARTTLS"]
            return failed.kind
        await link.close()
        return None


async def test_the_mx_takes_nothing_from_any_of_them(relaying: RelaySite, pki: Pki) -> None:
    site = relaying.site
    async with mx_serving(site) as port:
        assert await told_by_mx(site, port, Case(), pki) == "250"
        told = {name: await told_by_mx(site, port, case, pki) for name, case in WRONG.items()}
        assert await told_by_mx(site, port, ONE_WAY["client"], pki) == "250"
        assert await told_by_mx(site, port, ONE_WAY["server"], pki) in ("", "550")
    assert {name: code for name, code in told.items() if code not in ("", "550", "451")} == {}
    assert {name for name, code in told.items() if code == "451"} == {
        "revocation unknown",
        "revocation of last week",
    }
    assert told["revoked"] == "550"
    assert site.counts()["queued_messages"] == 0


async def test_nothing_is_said_to_any_of_them(relaying: RelaySite, pki: Pki) -> None:
    assert await told_by_link(relaying, Case(), pki) is None
    told = {name: await told_by_link(relaying, case, pki) for name, case in WRONG.items()}
    assert {name: kind for name, kind in told.items() if kind is not Kind.UNPROVED} == {}
    assert await told_by_link(relaying, ONE_WAY["server"], pki) is None
    assert await told_by_link(relaying, ONE_WAY["client"], pki) is Kind.UNPROVED


def session(
    port: int, context: ssl.SSLContext, former: ssl.SSLSession | None
) -> tuple[str, ssl.SSLSession]:
    """The answer at MAIL, and what the session may be resumed by; ``former`` is resumed."""
    with socket.create_connection(("127.0.0.1", port), 10) as bare:
        bare.recv(1000)
        bare.sendall(f"EHLO {HOST}\r\n".encode())
        bare.recv(1000)
        bare.sendall(b"STARTTLS\r\n")
        bare.recv(1000)
        with context.wrap_socket(bare, server_hostname="localhost", session=former) as secured:
            secured.sendall(f"EHLO {HOST}\r\n".encode())
            secured.recv(1000)
            secured.sendall(f"MAIL FROM:<{GARNIER}>\r\n".encode())
            answer = secured.recv(1000).decode()
            assert secured.session_reused is (former is not None)
            assert secured.session is not None
            return answer, secured.session


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_resumed_session_is_judged_by_today_s_revocation(
    version: ssl.TLSVersion, relaying: RelaySite, pki: Pki
) -> None:
    """No certificate is shown again; the one of then is asked about all the same."""
    site = relaying.site
    context = showing(site, site.trusting(), Case(), pki)
    context.minimum_version = context.maximum_version = version
    async with mx_serving(site) as port:
        answer, former = await asyncio.to_thread(session, port.number, context, None)
        assert answer.startswith("250 ")
        answer, former = await asyncio.to_thread(session, port.number, context, former)
        assert answer.startswith("250 ")
        site.clock.pass_by(timedelta(days=SPENT + 31).total_seconds())
        peer_site.bring_list(site, DOMAIN, peer_site.PATIENTS)
        answer, _ = await asyncio.to_thread(session, port.number, context, former)
        assert answer.startswith("451 4.7.5 ")
