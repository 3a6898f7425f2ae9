"""The running service: every listener of the configuration, and the queue's worker, on one loop."""

import asyncio
import ssl
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mss_gateway import compose, texts
from mss_gateway.compose import probes, refresher
from mss_gateway.compose.caretaker import Caretaker
from mss_gateway.compose.refresher import Refresher
from mss_gateway.compose.tls import imap_tls, server_tls
from mss_gateway.config import Config, ConfigRefused
from mss_gateway.directory.keysets import private_context
from mss_gateway.imap.hub import Hub
from mss_gateway.imap.server import ImapServer
from mss_gateway.imap.state import Holder, ImapSettings, Services
from mss_gateway.life import authn
from mss_gateway.life.claims import Claim, Provider
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.indexer import Indexer
from mss_gateway.observability import health, log
from mss_gateway.queue.worker import Worker
from mss_gateway.smtp.server import SubmissionServer
from mss_gateway.webmail import app as webmail
from mss_gateway.webmail.listener import Application, Listener, PortRefused

DRAIN_SECONDS = 10.0


class Service:
    """The serving process; ``start`` and ``stop`` run on its event loop."""

    def __init__(self, config: Config, *, clock: Callable[[], float] = time.time) -> None:
        self._wake = threading.Event()
        self.gateway = compose.build(config, clock=clock, wake=self._wake.set)
        self._tls = server_tls(config)
        self._worker = Worker(self.gateway, self._wake)
        self._indexer = Indexer(self.gateway)
        self._caretaker = Caretaker(self.gateway)
        self._refresher = _refresher(self.gateway)
        self._submission = SubmissionServer(self.gateway, self._tls)
        self._imap: ImapServer | None = None
        self._web: list[Listener] = []

    async def start(self) -> None:
        """Return when every port answers; raises ConfigRefused or OSError for a port taken."""
        config = self.gateway.config
        self._worker.start()
        self._indexer.start()
        self._caretaker.start()
        if self._refresher is not None:
            self._refresher.start()
        self.gateway.register.start()
        if self.gateway.tokens is not None:
            self.gateway.tokens.keys.start()
        await self._submission.start()
        await self._start_imap()
        if config.listen.webmail:
            files = config.in_state(config.tls.certificate), config.in_state(config.tls.key)
            await self._listen(webmail.build(self.gateway), config.listen.webmail, files)
        if config.listen.metrics:
            seen = partial(getattr, self._refresher, "latest", None)
            shown = health.build(*probes.of(self.gateway, seen))
            await self._listen(shown, config.listen.metrics, None)

    async def stop(self) -> None:
        """Take nothing new, let sessions and the batch at hand end, then close the store."""
        self._submission.close()
        for listener in self._web:
            listener.close()
        if self._imap is not None:
            await self._imap.close()
        await self._submission.drain(DRAIN_SECONDS)
        for listener in self._web:
            await listener.closed()
        await asyncio.get_running_loop().run_in_executor(None, self._indexer.stop)
        await asyncio.get_running_loop().run_in_executor(None, self._worker.stop)
        await asyncio.get_running_loop().run_in_executor(None, self._caretaker.stop)
        if self._refresher is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._refresher.stop)
        compose.close(self.gateway)

    async def _start_imap(self) -> None:
        gateway, listen = self.gateway, self.gateway.config.listen
        if not (listen.imap_starttls or listen.imap_tls):
            return
        hub = Hub(asyncio.get_running_loop())
        gateway.database.on_commit(hub.announce)
        tls = imap_tls(gateway.config, gateway.client_trust)
        self._imap = ImapServer(_imap_settings(gateway, tls), _imap_services(gateway, hub))
        for port, is_implicit in ((listen.imap_starttls, False), (listen.imap_tls, True)):
            if port:
                await self._imap.listen(listen.host, port, is_implicit_tls=is_implicit)

    async def _listen(self, app: Application, port: int, tls: tuple[Path, Path] | None) -> None:
        host = self.gateway.config.listen.host
        listener = Listener(app, host, port, tls=tls, drain_seconds=DRAIN_SECONDS)
        self._web.append(listener)
        try:
            await listener.start()
        except PortRefused:
            raise ConfigRefused(f"port {port} is taken: is another server running?") from None


def _refresher(gateway: Gateway) -> Refresher | None:
    """Who keeps answers about revocation fresh; None when nothing is to be fetched."""
    settings = gateway.config.revocation
    if not settings.fetch:
        return None
    path = gateway.config.in_state(settings.ca_file)
    try:
        tls = private_context(path) if settings.ca_file else None
    except OSError as error:
        raise ConfigRefused(f"revocation.ca_file {path} cannot be used ({error})") from None

    def tell(kind: str, outcome: str) -> None:
        gateway.metrics.revocation_fetches.labels(kind, outcome).inc()

    return refresher.build(gateway, gateway.kept, gateway.own, tell, tls)


def _imap_settings(gateway: Gateway, tls: ssl.SSLContext) -> ImapSettings:
    limits = gateway.config.limits
    return ImapSettings(
        tls,
        limits.message_octets,
        limits.connections_per_address,
        limits.connections_per_account,
        limits.bodies_in_flight_octets,
        account_octets=limits.account_octets,
        has_personal_seen=gateway.config.sharing.seen == "personal",
    )


def _imap_services(gateway: Gateway, hub: Hub) -> Services:
    admit, oauth = partial(authn.admit, gateway), gateway.config.oauth

    async def authenticate(claim: Claim, peer: str) -> Holder:
        """On the lane of mail, where nothing is slow; what costs a hash goes on where they wait."""
        try:
            found = await gateway.bridge.run(admit, claim, "imap", peer, may_hash=False)
        except authn.HashNeeded:
            found = await gateway.bridge.sign_in(admit, claim, "imap", peer)
        box = found.box
        return Holder(
            box.account_id, box.sent_copy == "server", found.person.account_id, found.rights
        )

    def report(command: str, error: BaseException) -> None:
        log.bug("imap command", error, channel="imap", stage=command)

    return Services(
        gateway.database,
        gateway.bridge,
        hub,
        authenticate,
        texts.ascii_line,
        report,
        gateway.new_ref,
        provider=Provider(oauth.issuer, oauth.scope) if oauth.issuer else None,
        clock=gateway.clock,
    )
