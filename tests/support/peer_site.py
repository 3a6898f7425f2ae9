"""Another operator, "ville.example", whose servers call a small real gateway at its MX.

It has an authority of its own, whose certificates and revocation lists are made here; the gateway
of :mod:`tests.support.smtp_site` is told to believe it by :func:`welcoming`.
"""

import asyncio
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from certs.certificate import Certificate, to_pem
from certs.issuing.issue import Authority, export_for_client
from certs.keyring import PrivateKey
from certs.status.revocation import Revocation as Line
from certs.status.revocation import RevocationReason
from certs.usage import Usage
from mss_gateway.compose import believing
from mss_gateway.config import Config, Revocation, Tls
from mss_gateway.config import Whitelist as Settings
from mss_gateway.directory import whitelist
from mss_gateway.directory.operators import PeerTrust
from mss_gateway.directory.revocation import Kept
from mss_gateway.queue.worker import Worker
from mss_gateway.smtp.connection import PATIENCE, Patience
from mss_gateway.smtp.dkim_reading import DkimReading
from mss_gateway.smtp.server import MxServer
from tests.support.people import DOMAIN as OURS
from tests.support.people import PATIENT_DOMAIN, patient
from tests.support.smtp_site import NOW, Client, Site
from tests.support.white_lists import white_list

DOMAIN = "ville.example"
PATIENTS = f"patient.{DOMAIN}"
HOST = f"mx1.{DOMAIN}"
OPERATOR = "Operateur de la ville"
GARNIER = f"luc.garnier@{DOMAIN}"
MOREL = f"anne.morel@{DOMAIN}"
REMOTE_PATIENT = f"{patient(6).address.partition('@')[0]}@{PATIENTS}"
"""A patient whose space is at the other operator."""
THIRD = "campagne.example"
"""A domain of a third operator, in the list too."""
OUTSIDE = "ailleurs.example"
"""In no list."""

GROUPS = (f"{OPERATOR}: {DOMAIN} {PATIENTS}", f"Operateur de test: {OURS} {PATIENT_DOMAIN}")
FOLDER = "listes-pairs"
ANCHORS = "pairs.pem"
DAYS = 40
UNSLOWED = replace(PATIENCE, tarpit=0.0)


@cache
def authority(name: str = "Autorite des pairs") -> Authority:
    """Good at the tests' own time, and at the real one: TLS looks at that."""
    return Authority.create(name, "p256", _beginning(), 60)


def _beginning() -> datetime:
    return datetime.fromtimestamp(min(NOW, time.time()), UTC) - timedelta(days=10)


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate with its key, as a server of a peer has them."""

    certificate: Certificate
    issuer: Authority
    key: PrivateKey

    def tls(self, site: Site) -> ssl.SSLContext:
        """A client's side of TLS that shows it."""
        context = site.trusting()
        with tempfile.TemporaryDirectory() as name:
            chain, secret = Path(name) / "chain.pem", Path(name) / "key.pem"
            export_for_client(self.key, [self.certificate, self.issuer.issuing], secret, chain)
            context.load_cert_chain(chain, secret)
        return context


@cache
def shown(*names: str, issuer: str = "", days: int = 0) -> Shown:
    """What a server shows: for ``names``, by the peers' authority unless ``issuer`` is another.

    ``days``: how long it is good, long unless said. A name that is an address makes a mailbox's.
    """
    by, key = authority(issuer) if issuer else authority(), PrivateKey.generate("p256")
    begins = _beginning()
    spent = datetime.fromtimestamp(max(NOW, time.time()), UTC) - begins
    lasts = days or spent.days + 400
    if "@" in names[0]:
        made = by.issue_mailbox(names[0], "Luc", key.public_key, Usage.BOTH, begins, lasts)
    else:
        made = by.issue_client(names, key.public_key, begins, lasts)
    return Shown(made, by, key)


def welcoming(site: Site, *, listed: Sequence[str] = (DOMAIN, PATIENTS, THIRD)) -> Site:
    """The site believing the other operator: its authority, fresh lists, and a white list."""
    gateway = site.gateway
    config = replace(
        gateway.config,
        revocation=Revocation(lists=FOLDER),
        tls=Tls(peer_anchors=ANCHORS),
        whitelist=Settings(operators=GROUPS),
    )
    config.in_state(ANCHORS).write_bytes(to_pem(*authority().chain, authority().root))
    config.in_state(FOLDER).mkdir(exist_ok=True)
    publish(config, gateway.now())
    lists, kept, own = believing.lists(config), Kept(gateway.spool), believing.Own(gateway.spool)
    served = replace(
        gateway,
        config=config,
        lists=lists,
        kept=kept,
        revocations=believing.revocations(lists, kept, own),
        peer_trust=PeerTrust.load(config.in_state(ANCHORS), None, kept, lists),
        whitelist=believing.whitelist(config),
    )
    welcomed = replace(site, gateway=served, worker=Worker(served, site.worker._wake))
    bring_list(welcomed, *listed)
    return welcomed


def bring_list(site: Site, *domains: str) -> None:
    """A new white list with our own domains and these."""
    rules = whitelist.rules_of(site.gateway.config)
    document = white_list(OURS, PATIENT_DOMAIN, *domains)
    candidate = whitelist.examine(document, rules, site.gateway.now())
    site.gateway.database.write(lambda tx: whitelist.bring(tx, candidate, rules, force=True))


def publish(config: Config, now: datetime, *revoked: Certificate) -> None:
    """Put fresh lists of the peers' authority into the folder."""
    folder, until = config.in_state(FOLDER), now + timedelta(days=DAYS)
    lines = [Line(each.serial_number, now, RevocationReason.KEY_COMPROMISE) for each in revoked]
    (folder / "emission.crl").write_bytes(authority().crl(lines, now, until))
    (folder / "racine.crl").write_bytes(authority().root_crl([], now, until))


def server_tls(site: Site) -> ssl.SSLContext:
    """The MX's side of TLS: asks for a certificate, and goes on without one."""
    context = site.tls()
    context.verify_mode = ssl.CERT_OPTIONAL
    trust = site.gateway.peer_trust
    assert trust is not None
    context.load_verify_locations(cadata=to_pem(*trust.authorities).decode("ascii"))
    return context


@dataclass(frozen=True, slots=True)
class MxPort:
    """Where an MX listens."""

    server: MxServer
    number: int


@asynccontextmanager
async def mx_serving(
    site: Site,
    patience: Patience = UNSLOWED,
    clock: Callable[[], float] = time.monotonic,
    dkim: DkimReading | None = None,
) -> AsyncIterator[MxPort]:
    """An MX on loopback; nothing is held any more at the end."""
    server = MxServer(site.gateway, server_tls(site), patience, clock, dkim)
    everything = server.budget.free
    try:
        yield MxPort(server, await server.listen("127.0.0.1", 0))
    finally:
        server.close()
        await server.drain(2.0)
    assert server.budget.free == everything
    assert site.gateway.metrics.connections.labels("mx")._value.get() == 0


@asynccontextmanager
async def calling(
    site: Site, port: MxPort, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Client]:
    """A server of the peer, past STARTTLS and EHLO; without ``tls`` it shows :data:`HOST`."""
    streams = await asyncio.open_connection("127.0.0.1", port.number)
    connected = Client(*streams)
    try:
        assert (await connected.reply()).startswith("220 ")
        assert (await connected.say(f"EHLO {HOST}")).startswith("250-")
        assert (await connected.say("STARTTLS")).startswith("220 ")
        context = shown(HOST).tls(site) if tls is None else tls
        await connected.writer.start_tls(context, server_hostname="localhost")
        assert (await connected.say(f"EHLO {HOST}")).startswith("250-")
        yield connected
    finally:
        await connected.close()
