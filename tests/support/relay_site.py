"""A small real gateway that relays to a foreign server of the operator "ville.example"."""

import asyncio
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from certs.book import Provenance
from certs.capabilities import Capabilities
from certs.certificate import Certificate
from certs.cms.enveloped import open_enveloped
from certs.issuing.issue import export_for_client
from certs.keyring import PrivateKey
from certs.usage import Usage
from mss_gateway.compose.relaying import relay_tls
from mss_gateway.directory import keybook
from mss_gateway.life import submission
from mss_gateway.message import smime
from mss_gateway.message.parse import scan
from mss_gateway.queue import desk, destinations
from mss_gateway.queue.carried import NOTHING_ASKED, Asked
from mss_gateway.queue.desk import Line
from mss_gateway.queue.destinations import Destination
from mss_gateway.queue.worker import Worker
from mss_gateway.smtp.client import Waits
from mss_gateway.smtp.courier import Courier
from mss_gateway.smtp.routes import Resolver
from tests.support import peer_site
from tests.support.foreign_smtp import ForeignServer, Script, Taken, foreign_server
from tests.support.peer_site import DOMAIN, GARNIER, HOST, MOREL, REMOTE_PATIENT, Shown
from tests.support.smtp_site import LIMITS, MARTIN, NOW, Site, open_site, simple, until

GCM = Capabilities(frozenset({"aes-256-gcm", "rsa-oaep"}))
QUICK = Waits(5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 0.5)
"""Nothing is waited for that does not come; who wants a time-out says a shorter one."""


@cache
def key_of(address: str) -> PrivateKey:
    """What opens the envelopes for somebody at the other operator."""
    return PrivateKey.generate("p256")


@cache
def serving(*names: str, issuer: str = "", days: int = 0) -> Shown:
    """What a server there shows, as :func:`tests.support.peer_site.shown`, when it is called."""
    by = peer_site.authority(issuer) if issuer else peer_site.authority()
    key, begins = PrivateKey.generate("p256"), peer_site._beginning()
    spent = datetime.fromtimestamp(max(NOW, time.time()), UTC) - begins
    made = by.issue_server(names, [], key.public_key, begins, days or spent.days + 400)
    return Shown(made, by, key)


def server_side(who: Shown | None = None, client_ca: Path | None = None) -> ssl.SSLContext:
    """The other server's side of TLS; it asks for a certificate where ``client_ca`` is given."""
    who = who or serving(HOST)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as name:
        chain, secret = Path(name) / "chain.pem", Path(name) / "key.pem"
        export_for_client(who.key, [who.certificate, who.issuer.issuing], secret, chain)
        context.load_cert_chain(chain, secret)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context


@dataclass(frozen=True, slots=True)
class RelaySite:
    """The site, and how it stands with the other operator."""

    site: Site

    def knows(self, address: str, began_days_ago: int = 1) -> Certificate:
        """The key book has a certificate of somebody there."""
        gateway, authority = self.site.gateway, self.site.authority()
        began = peer_site._beginning()
        made = authority.issue_mailbox(
            address, "Quelqu'un", key_of(address).public_key, Usage.BOTH, began, 700
        )
        gateway.database.write(
            lambda tx: keybook.learn(
                tx,
                gateway.spool,
                address,
                made,
                GCM,
                Provenance.OPERATOR,
                chain=authority.chain,
            )
        )
        return made

    def routed(self, *lines: str) -> "RelaySite":
        """The same with these routes."""
        gateway = self.site.gateway
        relay = replace(gateway.config.relay, routes=lines)
        return self.with_config(replace(gateway.config, relay=relay))

    def with_config(self, config: object) -> "RelaySite":
        """The same with another configuration."""
        gateway = replace(self.site.gateway, config=config)  # type: ignore[arg-type]
        worker = Worker(gateway, self.site.worker._wake)
        return RelaySite(replace(self.site, gateway=gateway, worker=worker))

    def submit(
        self,
        *recipients: str,
        raw: bytes = b"",
        author: str = MARTIN,
        asked: Asked = NOTHING_ASKED,
        envelope_id: str = "",
        returns: str = "",
    ) -> str:
        """A message of somebody here; its reference."""
        sent = self.site.submission(author, recipients, raw or simple(author))
        sent = replace(
            sent,
            asked=dict.fromkeys(recipients, asked),
            envelope_id=envelope_id,
            returns=returns,
        )
        return submission.accept(self.site.gateway, sent).message_ref

    def lines(self) -> list[Line]:
        """What waits to leave."""
        with self.site.gateway.database.read() as view:
            return [line for line in desk.listing(view) if line.stage == "relay"]

    def settled(self) -> bool:
        """Whether nothing is at work and nothing is due now."""
        return not self.leased() and not self._is_due()

    def attempts_kept(self) -> int:
        """Items whose last attempt is in doubt."""
        with self.site.gateway.database.read() as view:
            found = view.sql("SELECT count(*) FROM queue_items WHERE attempt IS NOT NULL")
            return int(found.scalar_one())

    def leased(self) -> int:
        """Items that somebody holds."""
        return sum(line.state == "leased" for line in self.lines())

    def destinations(self) -> list[Destination]:
        """The other operators as the queue sees them."""
        gateway = self.site.gateway
        with gateway.database.read() as view:
            spool = gateway.database.vault.account(view, gateway.spool)
            return destinations.listing(view, spool)

    def later(self, seconds: float = 6.0) -> None:
        """Let queue time pass, so that what failed is due again."""
        self.site.clock.pass_by(seconds)

    @asynccontextmanager
    async def carrying(
        self, resolver: Resolver | None = None, waits: Waits = QUICK, drain: float = 5.0
    ) -> AsyncIterator[Courier]:
        """A courier at work; every lease is given back at the end."""
        trust = self.site.gateway.peer_trust
        assert trust is not None
        tls = relay_tls(self.site.gateway.config, trust)
        courier = Courier(self.site.gateway, tls, resolver, waits)
        courier.start()
        try:
            yield courier
        finally:
            await courier.stop(drain)
        assert self.leased() == 0

    async def carry(self, is_done: Callable[[], bool] | None = None, waits: Waits = QUICK) -> None:
        """Carry until nothing is due, or something is so."""
        async with self.carrying(waits=waits) as courier:
            await until(is_done or (lambda: is_idle(courier) and self.settled()))

    def _is_due(self) -> bool:
        gateway = self.site.gateway
        with gateway.database.read() as view:
            spool = gateway.database.vault.account(view, gateway.spool)
            return bool(destinations.due(view, spool, gateway.queue_clock.now()))


@contextmanager
def relay_site(folder: Path, limits: object = LIMITS) -> Iterator[RelaySite]:
    """The gateway, knowing two people there and a patient."""
    with open_site(folder, limits) as site:  # type: ignore[arg-type]
        tls = peer_site.welcoming(site)
        gateway = tls.gateway
        own = replace(gateway.config.tls, certificate="server.pem", key="server.key")
        found = RelaySite(tls).with_config(replace(gateway.config, tls=own))
        for address in (GARNIER, MOREL, REMOTE_PATIENT):
            found.knows(address)
        yield found


@asynccontextmanager
async def foreign(
    relaying: RelaySite, script: Script | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[RelaySite, ForeignServer]]:
    """The site with a route to a foreign server."""
    async with foreign_server(tls or server_side(), script) as server:
        place = f"127.0.0.1:{server.port}"
        yield relaying.routed(f"{DOMAIN} {place}", f"patient.{DOMAIN} {place}"), server


def opened(taken: Taken, address: str, certificate: Certificate) -> bytes:
    """What stands inside of the envelope of a message that was sent."""
    found = smime.find_pkcs7(scan(taken.raw))
    assert found is not None
    return open_enveloped(found.der, [(certificate, key_of(address))]).content


def is_idle(courier: Courier) -> bool:
    """Whether no destination is being served."""
    return not courier._serving


async def settle() -> None:
    """Let whatever is ready run."""
    for _ in range(10):
        await asyncio.sleep(0)
