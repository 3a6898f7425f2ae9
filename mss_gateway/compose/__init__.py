"""Composition root: Config → wired gateway. The only place that builds adapters.

``build`` is enough for the operator's CLI; ``compose.service`` adds listeners, the queue's worker
and the webmail on one event loop. Law: a root key is never made beside a store that exists.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from certs.certificate import to_pem
from certs.errors import CertsError
from certs.issuing.issue import Authority
from certs.keyring import KeyKind
from certs.sealing import RootKey, Sealing
from mailbox_store.database import Database
from mailbox_store.errors import StoreError
from mss_gateway.bridge import Bridge
from mss_gateway.compose import believing, sign_in
from mss_gateway.config import Config, ConfigRefused
from mss_gateway.directory import certificates
from mss_gateway.directory.account_throttle import AccountThrottle
from mss_gateway.directory.cabinet import Cabinet
from mss_gateway.directory.notary import Notary
from mss_gateway.directory.passwords import Passwords
from mss_gateway.directory.remembered import Remembered
from mss_gateway.directory.revocation import Kept
from mss_gateway.directory.throttle import Throttle, network
from mss_gateway.dossier import settling
from mss_gateway.dossier.render import Renderer
from mss_gateway.life import threads
from mss_gateway.life.dkim_signing import DkimSigners
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import log, metrics
from mss_gateway.observability.register import Register
from mss_gateway.observability.sparing import Sparing
from mss_gateway.queue import spooled
from mss_gateway.queue.clock import QueueClock

AUTHORITY_YEARS = 10
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
        settling.settle(database, lambda count: log.note("documents settled", count=count))
        threads.settle(database, lambda count: log.note("threads settled", count=count))
        return _wire(config, database, clock, wake or (lambda: None))
    except BaseException:
        database.close()
        raise


def close(gateway: Gateway) -> None:
    """Finish what runs and let go of the store."""
    if gateway.tokens is not None:
        gateway.tokens.keys.stop()
    gateway.register.stop()
    gateway.bridge.close()
    gateway.renderer.close()
    gateway.database.close()


def _wire(
    config: Config, database: Database, clock: Callable[[], float], wake: Callable[[], None]
) -> Gateway:
    with database.read() as view:
        spool = spooled.find_spool(view)
    if spool is None:
        spool = database.write(spooled.spool_account)
    with database.read() as view:
        authority = certificates.load_authority(view, spool)
    if authority is None:
        authority = _new_authority(config, database, spool, clock)
    certificates.complete(database)  # rows of an earlier release
    limits, identity = config.limits, config.identity
    with database.read() as view:
        queue_clock = QueueClock(view, clock, time.monotonic if clock is time.time else clock)
    lists, kept, own = believing.lists(config), Kept(spool), believing.Own(spool)
    return Gateway(
        config=config,
        database=database,
        bridge=Bridge(),
        passwords=Passwords(identity.password_memory_kib, identity.password_rounds),
        account_throttle=AccountThrottle(limits.failed_logins_per_account, ACCOUNT_WINDOW_SECONDS),
        address_throttle=Throttle(
            limits.failed_logins_per_address, ADDRESS_WINDOW_SECONDS, key=network
        ),
        cabinet=Cabinet(authority.chain),
        trust=believing.trust(config),
        revocations=believing.revocations(lists, kept, own),
        lists=lists,
        kept=kept,
        own=own.certificates,
        notary=Notary(
            authority,
            f"postmaster@{config.site.domains[0]}",
            config.site.operator,
            clock,
        ),
        metrics=metrics.build(),
        renderer=Renderer(),
        spool=spool,
        clock=clock,
        wake=wake,
        remembered=Remembered(identity.remembered_login_seconds),
        register=Register(database),
        sparing=Sparing(),
        queue_clock=queue_clock,
        dkim_signer=DkimSigners(spool, time.monotonic),
        whitelist=believing.whitelist(config),
        peer_trust=believing.peer_trust(config, authority, kept, lists),
        tokens=sign_in.tokens(config),
        client_trust=sign_in.client_trust(config, authority, kept),
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
    database.write(lambda tx: certificates.keep_authority(tx, spooled.spool_account(tx), authority))
    return authority


REFUSALS = (ConfigRefused, StoreError)
"""What a start may be refused with; anything else is a bug."""
