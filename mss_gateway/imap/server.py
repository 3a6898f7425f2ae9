"""Listeners and the loop of one connection: read, run, tell what changed, answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from mailbox_store.database import NEWEST, Database
from mailbox_store.vault import AccountId
from mss_gateway.directory import people
from mss_gateway.failures import Failure
from mss_gateway.imap.capabilities import capabilities
from mss_gateway.imap.census import Census
from mss_gateway.imap.commands import Request
from mss_gateway.imap.hub import look_elsewhere
from mss_gateway.imap.images import Images
from mss_gateway.imap.reader import Overrun, Refusal, next_request
from mss_gateway.imap.refusals import reply_for
from mss_gateway.imap.responses import Reply, Status, bye, refused, untagged_ok
from mss_gateway.imap.state import ImapSettings, MailboxGone, Services, Session
from mss_gateway.imap.syncing import load, sync
from mss_gateway.imap.wire import (
    HANDSHAKE_SECONDS,
    SHUTDOWN_SECONDS,
    ConnectionGone,
    Interrupted,
    LineTooLong,
    TimedOut,
    Wire,
)

MAX_BAD_COMMANDS: Final = 10
"""Malformed commands of one connection; the next one ends it (threat T3)."""

DRAIN_SECONDS: Final = 10.0

DISMISS_SECONDS: Final = 1.0
"""How soon the connections of an account end that may not be used any more."""


class ImapServer:
    """One or two listeners over the same services; ``start`` and ``close`` on the loop."""

    def __init__(self, settings: ImapSettings, services: Services) -> None:
        self._settings = settings
        self._services = services
        self._census = Census(
            settings.connections_per_address,
            settings.connections_per_account,
            settings.octets_in_flight,
            settings.message_octets,
        )
        self._images = Images()
        self._listeners: list[asyncio.Server] = []
        self._sessions: dict[asyncio.Task[None], Session] = {}
        self._is_stopping = False
        self._watches: list[asyncio.Task[None]] = []

    async def listen(self, host: str, port: int, *, is_implicit_tls: bool) -> int:
        """Listen on ``port`` (0: any); the port that was taken. May be called for each port."""
        loop = asyncio.get_running_loop()
        if not self._watches:
            self._watches = [
                loop.create_task(self._for_ever(self._look_elsewhere)),
                loop.create_task(self._for_ever(self._dismiss)),
            ]
        tls = self._settings.tls if is_implicit_tls else None
        listener = await loop.create_server(
            self._connected,
            host,
            port,
            ssl=tls,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if tls is not None else None,
            ssl_shutdown_timeout=SHUTDOWN_SECONDS if tls is not None else None,
            backlog=1_024,
        )
        self._listeners.append(listener)
        taken: int = listener.sockets[0].getsockname()[1]
        return taken

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._sessions)

    def adopt(self, settings: ImapSettings) -> None:
        """Other limits of messages and accounts, for connections made from now on."""
        self._settings = settings

    async def close(self, seconds: float = DRAIN_SECONDS) -> None:
        """Take no more connections, let commands end, say BYE to everyone; cut off who is left."""
        self._is_stopping = True
        for watch in self._watches:
            watch.cancel()
        for listener in self._listeners:
            listener.close()
        for session in self._sessions.values():
            session.wire.interrupt()
        if self._sessions:
            _, left = await asyncio.wait(tuple(self._sessions), timeout=seconds)
            for task in left:
                task.cancel()

    async def _for_ever(self, watch: Callable[[], Awaitable[None]]) -> None:
        """A store that cannot be read now may be so again later."""
        while True:
            try:
                await watch()
            except Exception as error:
                self._services.report("watch", error)
                await asyncio.sleep(DISMISS_SECONDS)

    async def _look_elsewhere(self) -> None:
        services = self._services
        await look_elsewhere(services.hub, services.database, services.bridge)

    async def _dismiss(self) -> None:
        """End the connections of accounts that were suspended or closed since they signed in."""
        services, known = self._services, None
        while True:
            await asyncio.sleep(DISMISS_SECONDS)
            holders = self._holders()
            now = await services.bridge.run(services.database.version), holders
            if now == known:
                continue
            known = now
            self._interrupt(await services.bridge.run(_out_of_service, services.database, holders))

    def _interrupt(self, gone: set[AccountId]) -> None:
        """Tell their sessions; apart, so that the watch holds none of them while it waits."""
        for session in self._sessions.values():
            holder = session.holder
            if holder is not None and gone & {holder.account_id, holder.person_id}:
                session.is_dismissed = True
                session.wire.interrupt()

    def _holders(self) -> set[AccountId]:
        holders = [one.holder for one in self._sessions.values() if one.holder is not None]
        return {account for one in holders for account in (one.account_id, one.person_id)}

    def _connected(self) -> Wire:
        return Wire(asyncio.get_running_loop(), self._begin)

    def _begin(self, wire: Wire) -> None:
        """A connection was made, on the implicit port after its handshake."""
        session = Session(wire, self._settings, self._services, self._census, self._images)
        task = asyncio.get_running_loop().create_task(self._serve(session))
        self._sessions[task] = session
        task.add_done_callback(self._sessions.pop)

    async def _serve(self, session: Session) -> None:
        wire, address = session.wire, session.wire.peer
        is_admitted = self._census.enter(address)
        try:
            if not is_admitted:
                session.send(bye(session.say("imap.connexions"), b"LIMIT"))
                await session.flush()
                return
            await _converse(session)
        except ConnectionGone:
            return
        except Exception as error:
            self._services.report("connection", error)
        finally:
            session.deselect()
            if session.holder is not None:
                self._census.log_out(session.holder.person_id)
            elif is_admitted:
                self._census.leave(address)
            wire.close()


def _out_of_service(database: Database, account_ids: set[AccountId]) -> set[AccountId]:
    with database.read() as view:
        return people.out_of_service(view, account_ids)


async def _converse(session: Session) -> None:
    """From the greeting to the end; what ends the conversation is said with BYE."""
    say = session.say
    session.send(untagged_ok(capabilities(session), say("imap.bonjour")))
    try:
        while not session.is_leaving:
            await session.flush()
            if session.is_dismissed:
                raise Interrupted  # whatever the client has sent already
            await _one_command(session)
            if session.wire.has_input:
                await asyncio.sleep(0)  # the others' turn, before this client's next command
        await session.flush()
        return
    except TimedOut:
        last = bye(say("imap.inactif"))
    except (LineTooLong, Overrun):
        session.send(bye(say("imap.commande_trop_longue"), b"LIMIT"))
        await session.flush()
        await session.wire.finish()
        return
    except MailboxGone as gone:
        last = bye(say(gone.sentence))
    except Interrupted:
        last = bye(say("imap.arret"), b"UNAVAILABLE")
        if session.is_dismissed:
            last = bye(say("imap.acces_ferme"))
    session.send(last)
    await session.flush()


async def _one_command(session: Session) -> None:
    try:
        request, reserved = await next_request(session)
    except Refusal as refusal:
        session.bad_commands += refusal.is_bad
        session.send(refusal.reply.line(refusal.tag))
    else:
        try:
            reply = await _run(session, request)
        finally:
            session.release(reserved)
        session.send(reply.line(request.tag))
        if session.has_lost_mailbox:
            raise MailboxGone
        if session.wants_tls:
            session.wants_tls = False
            await session.flush()
            await _start_tls(session)
    if session.bad_commands > MAX_BAD_COMMANDS:
        session.send(bye(session.say("imap.trop_erreurs"), b"LIMIT"))
        session.is_leaving = True


async def _start_tls(session: Session) -> None:
    """The tagged OK is on its way; nothing that the client said before counts any more."""
    assert session.settings.tls is not None
    await session.wire.start_tls(session.settings.tls)
    session.bad_commands = 0


async def _run(session: Session, request: Request) -> Reply:
    """Run a handler and the sync after it; anything unforeseen is a bug, told without its text.

    What the handler did is answered for, whatever the sync comes to: a client that is not told of
    its APPEND does it again.
    """
    session.tag = request.tag
    try:
        if request.command.needs_numbers:
            await load(session)
        reply = await request.call(session)
    except _ENDS:
        raise
    except Exception as error:
        return _failed(session, request, error)
    try:
        await sync(session, request.command.may_expunge)
    except MailboxGone:
        session.has_lost_mailbox = True
    except _ENDS:
        raise
    except Exception as error:
        session.noticed = NEWEST
        session.services.report(request.command.name, error)
    return reply


_ENDS: Final = (ConnectionGone, TimedOut, LineTooLong, Interrupted, MailboxGone)
"""What ends the connection and is told, if at all, by ``_converse``."""


def _failed(session: Session, request: Request, error: Exception) -> Reply:
    known = reply_for(session.say, error)
    if known is not None:
        session.bad_commands += known.status is Status.BAD
        return known
    session.services.report(request.command.name, error)
    return refused(session.say, Failure.BUG)
