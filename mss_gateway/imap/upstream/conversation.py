"""A conversation with a foreign IMAP server, by aioimaplib, whose only door this is.

Of aioimaplib this uses the connection, the commands with their tags, and the table of which command
goes in which state. Reading is ours (``responses``): version 2.0.3 recurses once per line it is
given, loses every ``* `` within a line, waits for ever when the server goes, knows no STARTTLS, and
keeps a mailbox that was examined in a state where nothing may be fetched.
"""

import asyncio
import ipaddress
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

import aioimaplib

from mss_gateway.imap.upstream import responses
from mss_gateway.imap.upstream.errors import CommandRefused, Garbled, RemoteLost, RemoteRefused
from mss_gateway.imap.upstream.responses import Framer, Response, Status

T = TypeVar("T")

ANSWER_OCTETS: Final = 16 * 1024 * 1024
"""What the answer to a command may take unless it says more: two million UIDs."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where the remote mailbox is, and who may read it."""

    host: str
    port: int
    login: str
    password: str = field(repr=False)
    tls: ssl.SSLContext | None
    is_starttls: bool = False
    patience: float = 60.0
    """Seconds without a single octet after which a connection counts as lost."""

    def source(self, folder: bytes) -> str:
        """The name of a folder for ``mailbox_store.imports``: stable from run to run.

        Without the port: the same mailbox asked on 993 and then on 143 is the same mailbox.
        """
        name = "INBOX" if folder.upper() == b"INBOX" else folder.decode("latin-1")
        return f"{self.host.lower()}/{self.login}/{name}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host can only be this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"


class _Protocol(aioimaplib.IMAP4ClientProtocol):  # type: ignore[misc]  # published without types
    """aioimaplib's connection with our reader: a command's ``response.lines`` are responses."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.framer = Framer(ANSWER_OCTETS)
        self.greeting: asyncio.Future[Status] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        self.heard_at = loop.time()
        self.has_strays = False
        """Whether something came that belongs to no command."""

    def data_received(self, octets: bytes) -> None:
        self.heard_at = self.loop.time()
        try:
            for response in self.framer.feed(octets):
                self._dispatch(response)
        except Garbled as error:
            self._lose(str(error))
            self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._lose("the connection ended")

    def _dispatch(self, response: Response) -> None:
        status = responses.status(response)
        if not self.greeting.done() and status is not None:
            self.greeting.set_result(status)
        elif status is not None and status.word == "BYE":
            self._lose(f"it says goodbye: {status.told}")
        elif status is not None and status.tag != "*":
            self._finish(status)
        elif (command := self._pending()) is not None:
            command.append_to_resp(response)
        else:
            self.has_strays = True

    def _pending(self) -> Any:
        """The command that runs: there is one at a time."""
        waiting = self.pending_async_commands.values()
        return self.pending_sync_command or next(iter(waiting), None)

    def _finish(self, status: Status) -> None:
        command = self._pending()
        if command is None or command.tag != status.tag:
            raise Garbled("it answers a command that was not given")
        self.pending_sync_command = None
        self.pending_async_commands.clear()
        command.close(status, status.word)

    def _lose(self, why: str) -> None:
        if not self.lost.done():
            self.lost.set_result(why)


@dataclass(slots=True)
class Conversation:
    """Commands and their answers, one after the other; signing in is for whoever opened it."""

    account: Account
    _protocol: _Protocol

    @classmethod
    async def open(cls, account: Account) -> "Conversation":
        """Connect, with TLS unless the account says otherwise.

        Raises ``RemoteLost``, and ``RemoteRefused`` for what another attempt would not change.
        """
        if account.tls is None and not account.is_loopback:
            raise RemoteRefused("a connection without TLS goes to this machine only")
        opened = cls(account, _Protocol(asyncio.get_running_loop()))
        try:
            await asyncio.wait_for(opened._connect(), account.patience)
        except TimeoutError:
            opened.abort()
            raise RemoteLost(f"no connection within {account.patience:.0f} seconds") from None
        except BaseException:
            opened.abort()
            raise
        return opened

    def enter(self, state: Literal["AUTH", "SELECTED"]) -> None:
        """Tell aioimaplib which commands may come now; it forgets that EXAMINE selects."""
        self._protocol.state = state

    async def run(
        self,
        name: str,
        *words: str,
        prefix: str | None = None,
        budget: int = ANSWER_OCTETS,
        secret: str | None = None,
    ) -> list[Response]:
        """Run a command to its end; its untagged responses. Raises ``CommandRefused``.

        ``secret`` is the word that aioimaplib keeps out of its debugging log.
        """
        protocol = self._protocol
        protocol.framer.renew(budget)
        if protocol.lost.done():
            raise RemoteLost(protocol.lost.result())
        command = aioimaplib.Command(
            name, protocol.new_tag(), *words, prefix=prefix, loop=protocol.loop
        )
        try:
            result = await self._wait(protocol.execute(command, scrub=secret))
        except aioimaplib.AioImapException as error:
            raise RemoteLost(str(error)) from None
        answers: list[Response] = result.lines[:-1]
        if result.result != "OK":
            raise CommandRefused(result.lines[-1].told or result.result)
        return answers

    async def _wait(self, work: "Coroutine[Any, Any, T] | asyncio.Future[T]") -> T:
        """Wait for ``work`` as long as the connection lives and says something."""
        protocol, patience = self._protocol, self.account.patience
        protocol.heard_at = protocol.loop.time()
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                silence = protocol.loop.time() - protocol.heard_at
                if silence >= patience:
                    raise RemoteLost(f"it said nothing for {patience:.0f} seconds")
                await asyncio.wait(
                    (task, protocol.lost),
                    timeout=patience - silence,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if protocol.lost.done() and not task.done():
                    raise RemoteLost(protocol.lost.result())
            return task.result()
        finally:
            task.cancel()

    def abort(self) -> None:
        """Close now."""
        if self._protocol.transport is not None:
            self._protocol.transport.abort()

    async def _connect(self) -> None:
        account, protocol = self.account, self._protocol
        loop = asyncio.get_running_loop()
        tls = None if account.is_starttls else account.tls
        try:
            await loop.create_connection(lambda: protocol, account.host, account.port, ssl=tls)
            greeting = await self._wait(protocol.greeting)
            if greeting.word != "OK":
                # PREAUTH would be somebody that nobody signed in; BYE says why
                raise RemoteLost(f"it greets with {greeting.word}: {greeting.told}")
            protocol.state = aioimaplib.NONAUTH
            if account.is_starttls:
                await self._start_tls()
        except ssl.SSLCertVerificationError as error:
            raise RemoteRefused(
                f"its certificate is not to be believed ({error.verify_message}); --ca-file names"
                " the authority that signed it, and --host must be the name in it"
            ) from None
        except (OSError, ssl.SSLError) as error:
            raise RemoteLost(f"no connection ({_reason(error)})") from None

    async def _start_tls(self) -> None:
        """RFC 9051 §6.2.1; nothing said in clear is believed afterwards."""
        protocol, account = self._protocol, self.account
        try:
            await self.run("STARTTLS")
        except CommandRefused:
            raise RemoteRefused("it offers no STARTTLS on this port; --tls is the other way") from (
                None
            )
        if protocol.has_strays or not protocol.framer.is_between_responses:
            raise RemoteRefused("somebody speaks in clear after STARTTLS")
        loop = asyncio.get_running_loop()
        assert account.tls is not None
        transport = await loop.start_tls(
            protocol.transport, protocol, account.tls, server_hostname=account.host
        )
        if transport is None:
            raise RemoteLost("the connection ended")
        protocol.transport = transport


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "TLS failed"
    return error.strerror or type(error).__name__
