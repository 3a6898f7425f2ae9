"""The running service: every listener of the configuration, and the queue's worker, on one loop."""

import asyncio
import ssl
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from mss_gateway import compose
from mss_gateway.compose import draining, reading, refresher, reloading, starting
from mss_gateway.compose.caretaker import Caretaker
from mss_gateway.compose.notifying import notifier_of
from mss_gateway.compose.probes import Around, Probes
from mss_gateway.compose.refresher import Refresher
from mss_gateway.compose.relaying import courier_of, dkim_reading_of, relay_tls, shown_by
from mss_gateway.compose.tls import asking_tls, server_tls
from mss_gateway.config import Config, ConfigRefused, Listen
from mss_gateway.directory.keysets import private_context
from mss_gateway.imap.hub import Hub
from mss_gateway.imap.server import ImapServer
from mss_gateway.life.exporter import Exporter
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.indexer import Indexer
from mss_gateway.life.record_indexer import RecordIndexer
from mss_gateway.observability import health, log
from mss_gateway.observability.heartbeat import Heartbeat
from mss_gateway.queue.worker import Worker
from mss_gateway.smtp.courier import Courier
from mss_gateway.smtp.server import MxServer, SubmissionServer
from mss_gateway.webmail import app as webmail
from mss_gateway.webmail.listener import Application, Listener

THREADS = frozenset(
    {"store-writer", "queue-worker", "indexer", "record-indexer", "exporter", "caretaker"}
)
"""Without one of these the service only seems to run."""


@dataclass(frozen=True, slots=True)
class _Peers:
    """What speaks with other operators: TLS of the listener and of the caller, and both."""

    asking: ssl.SSLContext
    calling: ssl.SSLContext
    mx: MxServer
    courier: Courier


class Service:
    """The serving process; ``start``, ``stop`` and ``reload`` run on its event loop."""

    def __init__(self, config: Config, *, clock: Callable[[], float] = time.time) -> None:
        starting.check(config)
        self._lock = starting.Lock(config.state_directory)
        self._wake = threading.Event()
        self._peers: _Peers | None = None
        try:
            self._tls = server_tls(config)
            self.gateway = compose.build(config, clock=clock, wake=self._woken)
        except BaseException:
            self._lock.release()
            raise
        try:
            self._clients_tls = asking_tls(config, self.gateway.client_trust)
            self._peers = self._exchange_with_peers(config)
            self._refresher = _refresher(self.gateway)
            self._notifier = notifier_of(self.gateway)
        except BaseException:
            compose.close(self.gateway)
            self._lock.release()
            raise
        starting.warn(config, clock())
        self._worker = Worker(self.gateway, self._wake)
        self._indexer = Indexer(self.gateway)
        self._record_indexer = RecordIndexer(self.gateway)
        self._exporter = Exporter(self.gateway)
        self._caretaker = Caretaker(self.gateway)
        self._submission = SubmissionServer(self.gateway, self._clients_tls)
        self._imap: ImapServer | None = None
        self._web: Listener | None = None
        self._operator: Listener | None = None
        self._heartbeat = Heartbeat()
        self._threads: frozenset[str] = frozenset()
        self._is_draining = False
        self._probes = Probes(self.gateway, self._around())

    async def start(self) -> None:
        """Return when every port answers; raises ConfigRefused for one that cannot be opened."""
        config, listen = self.gateway.config, self.gateway.config.listen
        self._heartbeat.start()
        self._worker.start()
        self._indexer.start()
        self._record_indexer.start()
        self._exporter.start()
        self._caretaker.start()
        if self._refresher is not None:
            self._refresher.start()
        self.gateway.register.start()
        if self.gateway.tokens is not None:
            self.gateway.tokens.keys.start()
        self._threads = THREADS | ({"revocation"} if self._refresher is not None else set())
        for key, is_implicit in (("submission_starttls", False), ("submission_tls", True)):
            opening = partial(self._submission.listen, is_implicit_tls=is_implicit)
            await self._open(key, opening)
        if self._peers is not None:
            await self._open("mx", self._peers.mx.listen)
            self._peers.courier.start()
        if self._notifier is not None:
            self._notifier.start()
        await self._start_imap()
        if listen.webmail:
            drain = config.health.drain_seconds
            shown = webmail.build(self.gateway)
            self._web = Listener(
                shown, listen.host, listen.webmail, tls=self._tls, drain_seconds=drain
            )
            await self._open("webmail", _started(self._web))
        if listen.metrics:
            self._operator = self._operators_own(listen)
            await self._open("metrics", _started(self._operator))

    async def stop(self, hurry: asyncio.Event | None = None) -> bool:
        """Take nothing new, let sessions and the work at hand end, then close the store.

        Within ``health.drain_seconds``; sooner once ``hurry`` is set. ``/ready`` says so until the
        end. False when something hung and was left behind: nothing acknowledged is lost by it.
        """
        self._is_draining, self._threads = True, frozenset()
        loop, hurry = asyncio.get_running_loop(), hurry or asyncio.Event()
        ends = loop.time() + self.gateway.config.health.drain_seconds
        self._submission.close()
        if self._peers is not None:
            self._peers.mx.close()
        if self._web is not None:
            self._web.close()
        patience = max(0.0, ends - loop.time() - 3 * draining.STOP_SECONDS)
        if self.gateway.database.has_failed:
            patience = min(patience, draining.FAILED_SECONDS)
        if not await draining.until_told(self._ended_sessions(patience), hurry):
            if self._web is not None:
                self._web.cut()
            await self._ended_sessions(0.0)
        left = await draining.all_in_time(self._works(), draining.STOP_SECONDS)
        await self._probes.close()
        if self._operator is not None:
            self._operator.cut()
            await self._operator.closed()
        await self._heartbeat.stop()
        closing = partial(compose.close, self.gateway)
        left += not await draining.in_time(closing, draining.STOP_SECONDS)
        self._lock.release()
        if left:
            log.note("left behind", count=left)
        return not left

    async def reload(self, fresh: Config) -> reloading.Prepared:
        """Take what may change while it runs; raises ConfigRefused, having changed nothing."""
        gateway = self.gateway
        prepared = await gateway.bridge.run(reloading.prepare, gateway, fresh)
        peers = () if self._peers is None else (self._peers.asking, self._peers.calling)
        shown = shown_by(prepared.config)
        for context in (self._tls, self._clients_tls, *peers):
            reloading.renew(context, prepared.config)
        reloading.admit(self._clients_tls, prepared.clients)
        for context in peers:
            reloading.admit(context, prepared.peers)
        reloading.exchange(gateway, prepared.parts)
        if self._peers is not None:
            self._peers.courier.shows(shown)
        if self._imap is not None:
            self._imap.adopt(reading.settings_of(gateway, self._clients_tls))
        if self._refresher is not None:
            self._refresher.allow(prepared.config.revocation.hosts)
        return prepared

    def _woken(self) -> None:
        self._wake.set()
        if self._peers is not None:
            self._peers.courier.wake()

    def _exchange_with_peers(self, config: Config) -> "_Peers | None":
        """What speaks with other operators; None where nobody is exchanged with."""
        trust = self.gateway.peer_trust
        if trust is None:
            return None
        asking, calling = asking_tls(config, trust), relay_tls(config, trust)
        mx = MxServer(self.gateway, asking, dkim=dkim_reading_of(self.gateway))
        courier = courier_of(self.gateway, calling)
        return _Peers(asking, calling, mx, courier)

    async def _start_imap(self) -> None:
        gateway, listen = self.gateway, self.gateway.config.listen
        if not (listen.imap_starttls or listen.imap_tls):
            return
        hub = Hub(asyncio.get_running_loop())
        gateway.database.on_commit(hub.announce)
        self._imap = ImapServer(
            reading.settings_of(gateway, self._clients_tls), reading.services_of(gateway, hub)
        )
        for key, is_implicit in (("imap_starttls", False), ("imap_tls", True)):
            await self._open(key, partial(self._imap.listen, is_implicit_tls=is_implicit))

    async def _open(self, key: str, opening: Callable[[str, int], Awaitable[object]]) -> None:
        """Open the port of a key of ``[listen]``, if it is not 0."""
        listen = self.gateway.config.listen
        port: int = getattr(listen, key)
        if not port:
            return
        try:
            await opening(listen.host, port)
        except OSError as error:
            raise starting.port_refused(key, listen.host, port, error) from None

    def _operators_own(self, listen: Listen) -> Listener:
        """Metrics and probes: the last listener to close, so that a drain can be seen."""
        probes = self._probes
        shown: Application = health.build(probes.render, probes.live, probes.ready)
        return Listener(
            shown, listen.host, listen.metrics, tls=None, drain_seconds=draining.STOP_SECONDS
        )

    async def _ended_sessions(self, seconds: float) -> None:
        """Every session has ended, or was cut off after ``seconds``."""
        endings = [self._submission.drain(seconds)]
        if self._peers is not None:
            endings.append(self._peers.mx.drain(seconds))
            # it gives leases back, and a store that hangs takes none: they run out by themselves
            stopping = self._peers.courier.stop(seconds)
            endings.append(draining.waited(stopping, seconds + draining.STOP_SECONDS))
        if self._notifier is not None:
            stopping = self._notifier.stop(seconds)
            endings.append(draining.waited(stopping, seconds + draining.STOP_SECONDS))
        if self._imap is not None:
            endings.append(self._imap.close(seconds))
        if self._web is not None:
            endings.append(self._web.closed())
        await asyncio.gather(*endings)

    def _works(self) -> list[draining.Work]:
        works = [
            self._indexer.stop,
            self._record_indexer.stop,
            self._exporter.stop,
            self._worker.stop,
            self._caretaker.stop,
        ]
        return works if self._refresher is None else [*works, self._refresher.stop]

    def _around(self) -> Around:
        return Around(
            self._heartbeat,
            lambda: self._threads,
            lambda: self._is_draining,
            lambda: None if self._refresher is None else self._refresher.latest,
            self._connections,
        )

    def _connections(self) -> dict[str, int]:
        return {
            "imap": 0 if self._imap is None else self._imap.connections,
            "webmail": 0 if self._web is None else self._web.connections,
        }


def _started(listener: Listener) -> Callable[[str, int], Awaitable[None]]:
    """A listener that knows its place, opened as the others are."""
    return lambda _host, _port: listener.start()


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
