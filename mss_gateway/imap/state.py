"""One connection's state, and what a server is given to work with."""

import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Concatenate, Final, ParamSpec, TypeVar

from mailbox_store.database import NEWEST, Database, MailboxId, Transaction, View
from mailbox_store.vault import AccountId
from mss_gateway.bridge import Bridge
from mss_gateway.imap.census import Census
from mss_gateway.imap.hub import Hub
from mss_gateway.imap.images import Images
from mss_gateway.imap.responses import Say, mailbox_name
from mss_gateway.imap.selected import Selected, Telling
from mss_gateway.imap.wire import Wire
from mss_gateway.life.claims import Claim, Provider

P = ParamSpec("P")
T = TypeVar("T")

FLUSH_OCTETS: Final = 65_536
"""Responses gather up to about so many octets before they are written."""


class State(Enum):
    """RFC 9051 §3; logging out is the end of the connection's coroutine."""

    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"


class Extension(Enum):
    """What ENABLE turns on for the rest of a connection, RFC 9051 §6.3.1."""

    CONDSTORE = b"CONDSTORE"
    QRESYNC = b"QRESYNC"
    IMAP4REV2 = b"IMAP4REV2"
    UTF8_ACCEPT = b"UTF8=ACCEPT"


@dataclass(frozen=True, slots=True)
class ImapSettings:
    """Limits of one server (threats T7, T8); ``tls`` is for both ports, None only in tests.

    ``recheck_seconds``: how often IDLE reads the change feed without a wake-up. ``trust_seconds``:
    how long a session may rely on wake-ups alone, which only this server's own writes give.
    """

    tls: ssl.SSLContext | None
    message_octets: int
    connections_per_address: int = 60
    connections_per_account: int = 30
    octets_in_flight: int = 512 * 1024 * 1024
    before_login_seconds: float = 30.0
    idle_seconds: float = 1_800.0
    recheck_seconds: float = 30.0
    trust_seconds: float = 1.0
    allows_plain_text_login: bool = False
    account_octets: int = 20 * 1024 * 1024 * 1024
    """What an account without a quota of its own may hold."""
    has_personal_seen: bool = False
    """Whether members of a shared box have a \\Seen of their own."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who logged in, as far as IMAP needs to know: whose mailboxes (``account_id``), whether the
    gateway files the Sent copies of that account itself (``sent_copy = "server"``), who it is that
    signed in, and their rights there (letters of RFC 4314 §2.1; all of them for the owner)."""

    account_id: AccountId
    has_copies_filed: bool
    person_id: AccountId
    rights: str


@dataclass(frozen=True, slots=True)
class Services:
    """What handlers use, handed in by ``compose``.

    ``authenticate(claim, peer address)`` finds the thread that it needs and raises ``Refused``;
    ``provider``: whose access tokens are believed, if there is an OpenID provider.
    ``report(command, error)`` logs something unforeseen once. ``has_room``: whether the disk has
    room for anything new.
    """

    database: Database
    bridge: Bridge
    hub: Hub
    authenticate: Callable[[Claim, str], Awaitable[Holder]]
    say: Say
    report: Callable[[str, BaseException], None]
    new_message_ref: Callable[[], str]
    provider: Provider | None = None
    clock: Callable[[], float] = time.time
    has_room: Callable[[], bool] = lambda: True


class MailboxGone(Exception):
    """The selected mailbox was deleted by someone else; the connection ends, RFC 2180 §3.3.

    ``sentence``: what BYE says.
    """

    sentence = "imap.dossier_supprime"


class Session:
    """One connection: who, what is selected, what waits to be sent."""

    __slots__ = (
        "_out",
        "_out_octets",
        "bad_commands",
        "census",
        "enabled",
        "failed_logins",
        "has_lost_mailbox",
        "holder",
        "images",
        "is_dismissed",
        "is_leaving",
        "looked_at",
        "noticed",
        "selected",
        "services",
        "settings",
        "tag",
        "telling",
        "wants_tls",
        "wire",
    )

    def __init__(
        self,
        wire: Wire,
        settings: ImapSettings,
        services: Services,
        census: Census,
        images: Images,
    ) -> None:
        self.wire = wire
        self.settings = settings
        self.services = services
        self.census = census
        self.images = images
        self.holder: Holder | None = None
        self.enabled: set[Extension] = set()
        self.selected: Selected | None = None
        self.failed_logins = 0
        self.bad_commands = 0
        self.is_leaving = False
        self.has_lost_mailbox = False
        self.is_dismissed = False
        self.wants_tls = False
        self.tag = b"*"
        self.telling = Telling()
        self.noticed = 0
        self.looked_at = 0.0
        self._out: list[bytes] = []
        self._out_octets = 0

    @property
    def state(self) -> State:
        """Follows from who is known and what is selected."""
        if self.holder is None:
            return State.NOT_AUTHENTICATED
        return State.AUTHENTICATED if self.selected is None else State.SELECTED

    @property
    def account_id(self) -> AccountId:
        """Whose mailboxes these are; handlers of the later states only."""
        return self.someone.account_id

    @property
    def someone(self) -> Holder:
        """Who signed in; handlers of the later states only."""
        assert self.holder is not None
        return self.holder

    @property
    def viewer(self) -> AccountId | None:
        """Who has a \\Seen of their own here; None for owners, and where it is shared."""
        holder = self.holder
        if not self.settings.has_personal_seen or holder is None:
            return None
        return None if holder.person_id == holder.account_id else holder.person_id

    def reserve(self, octets: int) -> bool:
        """Set memory aside for a message that this person is about to send."""
        return self.census.reserve(octets, self.someone.person_id)

    def release(self, octets: int) -> None:
        """Undo ``reserve``."""
        if octets:
            self.census.release(octets, self.someone.person_id)

    @property
    def here(self) -> Selected:
        """The selected mailbox; handlers of the selected state only."""
        assert self.selected is not None
        return self.selected

    @property
    def may_log_in(self) -> bool:
        """Whether a secret may be spoken on this connection."""
        return self.wire.has_tls or self.settings.allows_plain_text_login

    def enable(self, extension: Extension) -> bool:
        """Turn ``extension`` on, and what it implies; False when it was on already."""
        if extension in self.enabled:
            return False
        self.enabled.add(extension)
        if extension is Extension.QRESYNC:
            self.enabled.add(Extension.CONDSTORE)  # RFC 7162 §3.2.3
        self.telling = Telling(Extension.CONDSTORE in self.enabled, self.has_qresync)
        return True

    @property
    def has_qresync(self) -> bool:
        """Whether the client enabled QRESYNC, RFC 7162 §3.2.3."""
        return Extension.QRESYNC in self.enabled

    @property
    def is_rev2(self) -> bool:
        """Whether the client asked for IMAP4rev2, RFC 9051."""
        return Extension.IMAP4REV2 in self.enabled

    @property
    def has_utf8_names(self) -> bool:
        """Whether mailbox names are UTF-8 both ways: RFC 9051 §5.1, RFC 6855 §3."""
        return self.is_rev2 or Extension.UTF8_ACCEPT in self.enabled

    def printed(self, name: str) -> bytes:
        """``mailbox`` as this client reads it."""
        return mailbox_name(name, is_utf8=self.has_utf8_names)

    def say(self, key: str) -> str:
        """The French sentence for ``key``."""
        return self.services.say(key)

    # the selected mailbox, watched as long as it is selected

    def select(self, here: Selected) -> None:
        """Go over to this mailbox; what happened since its snapshot is found by the next look."""
        self.deselect()
        self.selected = here
        self.noticed = NEWEST
        self.services.hub.watch(here.mailbox_id, self.notice)

    def deselect(self) -> None:
        """Leave the selected mailbox, if any."""
        if self.selected is not None:
            self.services.hub.unwatch(self.selected.mailbox_id, self.notice)
            self.selected = None

    @property
    def is_stale(self) -> bool:
        """Whether the selected mailbox is further than the client was told."""
        return self.selected is not None and self.noticed > self.selected.modseq

    def notice(self, modseq: int) -> None:
        """The selected mailbox is at ``modseq`` now; on the loop's thread."""
        self.noticed = max(self.noticed, modseq)
        if self.is_stale:
            self.wire.nudge()

    # what is sent

    def send(self, octets: bytes) -> None:
        """Queue octets; they leave with the next ``flush``."""
        if not octets:
            return
        self._out.append(octets)
        self._out_octets += len(octets)

    async def send_much(self, octets: bytes) -> None:
        """Queue octets, and wait for the client once enough have gathered."""
        self.send(octets)
        if self._out_octets >= FLUSH_OCTETS:
            await self.flush()

    async def flush(self) -> None:
        """Hand over what is queued in one write, and wait until the client has taken enough."""
        if self._out:
            joined = self._out[0] if len(self._out) == 1 else b"".join(self._out)
            self._out.clear()
            self._out_octets = 0
            self.wire.write(joined)
        await self.wire.drain()

    # what the store is asked; no network write happens inside these

    async def read(
        self, work: Callable[Concatenate[View, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """``work(view, …)`` in one consistent view, on a pool thread."""
        database = self.services.database

        def viewed() -> T:
            with database.read() as view:
                return work(view, *args, **kwargs)

        return await self.services.bridge.run(viewed)

    async def commit(self, work: Callable[[Transaction], T]) -> T:
        """``work`` as a unit of work; returns after its COMMIT.

        Who watches what it touched is woken before the client hears of it: nobody who was told
        that a command is done can find another session that does not know.
        """

        def traced(tx: Transaction) -> tuple[T, dict[MailboxId, int]]:
            result = work(tx)
            return result, dict(tx.touched)

        services = self.services
        result, touched = await services.bridge.committed(services.database.submit(traced))
        services.hub.wake(touched)
        return result
