"""Gateway: what every stage is given first. Built once, by ``compose``; it has no state."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from certs.certificate import Certificate
from certs.status.revocation import RevocationSource
from mailbox_store.database import Database, View
from mailbox_store.vault import AccountId
from mss_gateway.bridge import Bridge
from mss_gateway.config import Config
from mss_gateway.directory.account_throttle import AccountThrottle
from mss_gateway.directory.cabinet import Cabinet
from mss_gateway.directory.client_trust import ClientTrust
from mss_gateway.directory.notary import Notary
from mss_gateway.directory.operators import PeerTrust
from mss_gateway.directory.passkeys import Challenges
from mss_gateway.directory.passwords import Passwords
from mss_gateway.directory.remembered import Remembered
from mss_gateway.directory.revocation import Kept
from mss_gateway.directory.revocation_folder import Lists
from mss_gateway.directory.throttle import Throttle
from mss_gateway.directory.tokens import Tokens
from mss_gateway.directory.trust import Trust
from mss_gateway.directory.whitelist import Whitelist
from mss_gateway.dossier.render import Renderer
from mss_gateway.message.trace import new_message_ref
from mss_gateway.observability.metrics import Metrics
from mss_gateway.observability.register import Register
from mss_gateway.observability.sparing import Sparing
from mss_gateway.queue.clock import QueueClock


@dataclass(frozen=True, slots=True)
class Gateway:
    """The wired gateway. ``wake`` tells the queue's worker that something is due.

    ``tokens`` and ``client_trust`` are None when the configuration names no OpenID provider, and
    no authority for the certificates of TLS clients. ``revocations`` gives what is known, as a view
    sees it, of certificates taken back: from ``lists`` of the operator's folder, from the answers
    that are ``kept``, and from the directory for those of the gateway's ``own`` authorities.
    ``dkim_signer`` gives what signs for a domain by a selector; None: nothing is signed so.
    """

    config: Config
    database: Database
    bridge: Bridge
    passwords: Passwords
    account_throttle: AccountThrottle
    address_throttle: Throttle
    cabinet: Cabinet
    trust: Trust
    revocations: Callable[[View], RevocationSource]
    lists: Lists
    kept: Kept
    own: Callable[[View], tuple[Certificate, ...]]
    notary: Notary
    metrics: Metrics
    renderer: Renderer
    spool: AccountId
    clock: Callable[[], float]
    wake: Callable[[], None]
    remembered: Remembered
    register: Register
    sparing: Sparing
    queue_clock: QueueClock
    whitelist: Callable[[View], Whitelist]
    peer_trust: PeerTrust | None = None
    tokens: Tokens | None = None
    client_trust: ClientTrust | None = None
    dkim_signer: Callable[[View, str, str], Callable[[bytes], bytes] | None] | None = None
    challenges: Challenges = field(default_factory=Challenges)

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def new_ref(self) -> str:
        """A fresh message_ref: ordered by time, and not to be guessed."""
        return new_message_ref(int(self.clock() * 1000), secrets.token_bytes(10))
