"""Composition root: Config → wired gateway, and the running service. The only place that builds.

``build`` is enough for the operator's CLI; ``Service`` adds listeners, the queue's worker and the
webmail on one event loop.
"""

import asyncio
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import uvicorn

from certs import anchors
from certs.certificate import to_pem
from certs.errors import CertsError
from certs.issue import Authority
from certs.keyring import KeyKind
from certs.sealing import RootKey, Sealing
from certs.usage import Purpose
from mailbox_store.database import Database
from mailbox_store.errors import StoreError
from mss_gateway import texts
from mss_gateway.bridge import Bridge
from mss_gateway.config import Config, ConfigRefused
from mss_gateway.directory import certificates
from mss_gateway.directory.certificates import Cabinet
from mss_gateway.directory.passwords import Passwords
from mss_gateway.directory.throttle import Throttle
from mss_gateway.dossier.render import Renderer
from mss_gateway.imap.hub import Hub
from mss_gateway.imap.server import ImapServer
from mss_gateway.imap.state import Holder, ImapSettings, Services
from mss_gateway.life import authn
from mss_gateway.life.authn import Attempt
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import health, log, metrics
from mss_gateway.queue import items
from mss_gateway.queue.worker import Worker
from mss_gateway.smtp.server import SubmissionServer
from mss_gateway.webmail import app as webmail

AUTHORITY_YEARS = 10
DRAIN_SECONDS = 10.0
ACCOUNT_WINDOW_SECONDS = 15 * 60.0
ADDRESS_WINDOW_SECONDS = 24 * 3600.0
STORE_FILE = "store.db"


def build(
    config: Config,
    *,
    clock: Callable[[], float] = time.time,
    wake: Callable[[], None] | None = None,
) -> Gateway:
    """Open keys, store and trust, making them on the very first start; listens to nothing.

    Raises ConfigRefused with one clear line. A root key that is missing beside a store that exists
    is refused: a new one would open nothing.
    """
    database = Database.open(_store_url(config), Sealing(_root_key(config)), clock=clock)
    try:
        return _wire(config, database, clock, wake or (lambda: None))
    except BaseException:
        database.close()
        raise


def close(gateway: Gateway) -> None:
    """Finish what runs and let go of the store."""
    gateway.bridge.close()
    gateway.renderer.close()
    gateway.database.close()


class Service:
    """The serving process: every listener of the configuration on the running event loop."""

    def __init__(self, config: Config, *, clock: Callable[[], float] = time.time) -> None:
        self._wake = threading.Event()
        self.gateway = build(config, clock=clock, wake=self._wake.set)
        self._tls = server_tls(config)
        self._worker = Worker(self.gateway, self._wake)
        self._submission = SubmissionServer(self.gateway, self._tls)
        self._web: list[tuple[uvicorn.Server, asyncio.Task[None]]] = []
        self._imap: ImapServer | None = None

    async def start(self) -> None:
        """Return when every port answers."""
        self._worker.start()
        await self._submission.start()
        await self._start_imap()
        config = self.gateway.config
        if config.listen.webmail:
            await self._start_web(webmail.build(self.gateway), config.listen.webmail, is_tls=True)
        if config.listen.metrics:
            probes = health.build(self._metrics, self._is_ready)
            await self._start_web(probes, config.listen.metrics, is_tls=False)

    async def stop(self) -> None:
        """Take nothing new, let sessions and the batch at hand end, then close the store."""
        self._submission.close()
        for server, _ in self._web:
            server.should_exit = True
        if self._imap is not None:
            await self._imap.close()
        await self._submission.drain(DRAIN_SECONDS)
        for _, task in self._web:
            await task
        await asyncio.get_running_loop().run_in_executor(None, self._worker.stop)
        close(self.gateway)

    async def _metrics(self) -> bytes:
        return await self.gateway.bridge.run(_render_metrics, self.gateway)

    async def _is_ready(self) -> bool:
        return await self.gateway.bridge.run(_can_take_mail, self.gateway)

    async def _start_imap(self) -> None:
        gateway, listen = self.gateway, self.gateway.config.listen
        if not (listen.imap_starttls or listen.imap_tls):
            return
        hub = Hub(asyncio.get_running_loop())
        gateway.database.on_commit(hub.announce)
        limits = gateway.config.limits
        self._imap = ImapServer(
            ImapSettings(
                self._tls,
                limits.message_octets,
                limits.connections_per_address,
                limits.connections_per_account,
                limits.bodies_in_flight_octets,
            ),
            _imap_services(gateway, hub),
        )
        for port, is_implicit in ((listen.imap_starttls, False), (listen.imap_tls, True)):
            if port:
                await self._imap.listen(listen.host, port, is_implicit_tls=is_implicit)

    async def _start_web(self, app: object, port: int, *, is_tls: bool) -> None:
        config = self.gateway.config
        settings = uvicorn.Config(
            app,  # type: ignore[arg-type]  # uvicorn's own ASGI types are narrower than Starlette
            host=config.listen.host,
            port=port,
            ssl_certfile=config.in_state(config.tls.certificate) if is_tls else None,
            ssl_keyfile=config.in_state(config.tls.key) if is_tls else None,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=int(DRAIN_SECONDS),
        )
        server = uvicorn.Server(settings)
        task = asyncio.get_running_loop().create_task(server._serve())
        self._web.append((server, task))
        while not server.started:
            if task.done():
                raise ConfigRefused(f"port {port} cannot be opened: is another server running?")
            await asyncio.sleep(0.01)


def server_tls(config: Config) -> ssl.SSLContext:
    """TLS 1.2 with forward secrecy and AEAD, or 1.3; raises ConfigRefused when a file is bad."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    certificate, key = config.in_state(config.tls.certificate), config.in_state(config.tls.key)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigRefused(
            f"tls.certificate {certificate} or tls.key {key} cannot be used ({error})"
        ) from None
    return context


def _render_metrics(gateway: Gateway) -> bytes:
    with gateway.database.read() as view:
        depth, oldest = items.depth(view)
    for state, count in depth.items():
        gateway.metrics.queue_depth.labels(state).set(count)
    age = 0.0 if oldest is None else max(0.0, gateway.clock() - oldest)
    gateway.metrics.queue_oldest_seconds.set(age)
    gateway.metrics.commits.set(gateway.database.commits)
    return gateway.metrics.render()


def _can_take_mail(gateway: Gateway) -> bool:
    """The writer stands and the store can be read."""
    if gateway.database.has_failed:
        return False
    with gateway.database.read() as view:
        items.depth(view)
    return True


def _imap_services(gateway: Gateway, hub: Hub) -> Services:
    def authenticate(login: str, password: str, peer: str) -> Holder:
        person = authn.authenticate(gateway, Attempt(login, password, "imap", peer))
        return Holder(person.account_id, person.sent_copy == "server")

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
    )


def _wire(
    config: Config, database: Database, clock: Callable[[], float], wake: Callable[[], None]
) -> Gateway:
    spool = database.write(items.spool_account)
    with database.read() as view:
        authority = certificates.load_authority(view, spool)
    if authority is None:
        authority = _new_authority(config, database, spool, clock)
    limits, identity = config.limits, config.identity
    return Gateway(
        config=config,
        database=database,
        bridge=Bridge(),
        passwords=Passwords(identity.password_memory_kib, identity.password_rounds),
        account_throttle=Throttle(limits.failed_logins_per_account, ACCOUNT_WINDOW_SECONDS),
        address_throttle=Throttle(limits.failed_logins_per_address, ADDRESS_WINDOW_SECONDS),
        cabinet=Cabinet(authority.chain),
        anchors=_anchors(config),
        metrics=metrics.build(),
        renderer=Renderer(),
        spool=spool,
        clock=clock,
        wake=wake,
    )


def _root_key(config: Config) -> RootKey:
    path = config.in_state(config.state.root_key)
    store = config.state_directory / STORE_FILE
    try:
        if path.exists():
            return RootKey.load(path)
        if store.exists():
            raise ConfigRefused(f"{path} is missing and {store} needs it: restore the root key")
        config.state_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return RootKey.create(path)
    except (OSError, CertsError) as error:
        raise ConfigRefused(f"state.root_key {path}: {error}") from None


def _store_url(config: Config) -> str:
    return f"sqlite:///{config.state_directory / STORE_FILE}"


def _new_authority(
    config: Config, database: Database, spool: int, clock: Callable[[], float]
) -> Authority:
    """The operator's own issuing authority, made on the first start; its root becomes an anchor."""
    now = datetime.fromtimestamp(int(clock()), UTC)
    kind: KeyKind = "rsa-3072" if config.certificates.key_kind.startswith("rsa") else "p256"
    authority = Authority.create(config.site.operator, kind, now, AUTHORITY_YEARS)
    path = config.in_state(config.certificates.anchors)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        path.write_bytes(to_pem(authority.root))
    database.write(lambda tx: certificates.keep_authority(tx, items.spool_account(tx), authority))
    return authority


def _anchors(config: Config) -> anchors.Anchors:
    path = config.in_state(config.certificates.anchors)
    try:
        return anchors.load({Purpose.SIGNATURE: [path], Purpose.ENCRYPTION: [path]})
    except (OSError, CertsError) as error:
        raise ConfigRefused(f"certificates.anchors {path}: {error}") from None


REFUSALS = (ConfigRefused, StoreError)
"""What a start may be refused with; anything else is a bug."""
