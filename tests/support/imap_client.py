"""One connection of the model: sends commands, alone or in a batch, and takes in every answer."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.support.imap_lines import ConnectionEnded, Response, read_response
from tests.support.imap_model import Asked, Saved, Told, View, take_code, take_in
from tests.support.imap_witness import Contradiction, Witness, need

ANSWER_SECONDS: Final = 30.0
LINE_OCTETS: Final = 4 * 1024 * 1024

WITHOUT_EXPUNGE: Final = frozenset(
    {b"FETCH", b"STORE", b"SEARCH", b"SORT", b"THREAD", b"CLOSE", b"UNSELECT", b"SELECT"}
)
"""While these are answered no EXPUNGE may come, RFC 9051 §7.5.1; CLOSE ends without a word."""

Log = deque[tuple[str, bytes]]
Judge = Callable[["Outcome"], None]


@dataclass(frozen=True, slots=True)
class Command:
    """A command without its tag and CRLF; ``accepts`` are codes with which NO is right too.

    ``judge`` looks at an answer that is OK.
    ``begin`` runs when it is this command's turn: what was asked before is answered.
    """

    text: bytes
    judge: Judge | None = None
    accepts: frozenset[bytes] = frozenset()
    begin: Callable[[], None] | None = None

    @property
    def asked(self) -> Asked:
        """Its name, and whether EXPUNGE may come while it is answered."""
        words = self.text.split(b" ")
        name = b" ".join(words[:2]) if words[0] == b"UID" else words[0]
        return Asked(name, name not in WITHOUT_EXPUNGE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended; ``since`` is the witness's clock when it was sent."""

    text: bytes
    told: Told
    tagged: Response
    since: int


@dataclass(slots=True)
class Connection:
    """A client's connection and, while one is selected, its view of a mailbox."""

    who: str
    port: int
    witness: Witness
    log: Log
    temporary: bytes
    capabilities: frozenset[bytes] = frozenset()
    enabled: frozenset[bytes] = frozenset()
    view: View | None = None
    _tags: int = 0
    _reader: asyncio.StreamReader = field(init=False)
    _writer: asyncio.StreamWriter = field(init=False)
    _reading: asyncio.Task[Response] | None = None

    async def open(self, login: str, password: str, enables: Sequence[bytes] = ()) -> None:
        """Connect, log in, enable what is asked for and advertised."""
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self.port, limit=LINE_OCTETS
        )
        self.view, self.enabled = None, frozenset()
        greeting = await self._response()
        need(greeting is not None and greeting.name == b"OK", "no greeting", greeting)
        await self.run(Command(f'LOGIN {login} "{password}"'.encode()))
        await self.run(Command(b"CAPABILITY"))
        self.enabled = frozenset(enables) & self.capabilities
        if self.enabled:
            await self.run(Command(b"ENABLE " + b" ".join(sorted(self.enabled))))

    async def close(self) -> None:
        """Cut the connection."""
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionEnded, OSError):
                await self._reading
            self._reading = None
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        self.view = None

    async def run(self, command: Command) -> Outcome:
        """One command and its answer."""
        return (await self.batch([command]))[0]

    async def batch(self, commands: Sequence[Command]) -> list[Outcome]:
        """Send all of them at once; the answers come in their order, RFC 9051 §5.5."""
        since = self.witness.now()
        tags = [self._tag() for _ in commands]
        self._send(
            b"".join(
                b"%s %s\r\n" % (tag, command.text)
                for tag, command in zip(tags, commands, strict=True)
            )
        )
        outcomes = []
        for tag, command in zip(tags, commands, strict=True):
            outcomes.append(await self._answer(tag, command, since))
            if command.judge is not None and outcomes[-1].tagged.name == b"OK":
                command.judge(outcomes[-1])
        return outcomes

    async def append_waiting(self, text: bytes, octets: bytes, judge: Judge) -> None:
        """APPEND with a literal that waits for the server's ``+``."""
        since, tag = self.witness.now(), self._tag()
        command = Command(text, judge)
        self._send(b"%s %s {%d}\r\n" % (tag, text, len(octets)))
        await self._go_ahead(command.asked)
        self._send(octets + b"\r\n")
        judge(await self._answer(tag, command, since))

    async def idle(self, seconds: float) -> Outcome:
        """IDLE for a while; what comes meanwhile is taken in at once."""
        since, tag, command = self.witness.now(), self._tag(), Command(b"IDLE")
        self._send(tag + b" IDLE\r\n")
        told = await self._go_ahead(command.asked)
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        while (left := ends - loop.time()) > 0:
            response = await self._response(left)
            if response is not None:
                take_in(self.view, response, told, command.asked)
        self._send(b"DONE\r\n")
        return await self._answer(tag, command, since, told)

    async def idle_once(self) -> Response:
        """IDLE until something is told; what that was."""
        since, tag, command = self.witness.now(), self._tag(), Command(b"IDLE")
        self._send(tag + b" IDLE\r\n")
        told = await self._go_ahead(command.asked)
        response = await self._must()
        take_in(self.view, response, told, command.asked)
        self._send(b"DONE\r\n")
        await self._answer(tag, command, since, told)
        return response

    async def listen(self, seconds: float) -> None:
        """No command is in progress: EXPUNGE may not come, RFC 9051 §7.5.1."""
        response = await self._response(seconds)
        if response is not None:
            take_in(self.view, response, Told(), Asked(b"", False))

    async def open_mailbox(
        self, name: bytes, *, saved: Saved | None = None, known: bytes = b"", is_read: bool = False
    ) -> Outcome:
        """SELECT, resumed from ``saved`` where QRESYNC is enabled; NO leaves nothing selected."""
        has_vanished = b"QRESYNC" in self.enabled
        has_modseq = bool(self.enabled & {b"QRESYNC", b"CONDSTORE"})
        text = (b"EXAMINE " if is_read else b"SELECT ") + name
        if saved is not None and has_vanished:
            numbers = b"%d %d%s" % (saved.uidvalidity, saved.until, known)
            text += b" (QRESYNC (" + numbers + b"))"
        since, tag = self.witness.now(), self._tag()
        opening = View(self.witness, name, since, has_modseq, has_vanished)
        self._send(b"%s %s\r\n" % (tag, text))
        told, asked, is_left = Told(), Asked(b"SELECT", False), self.view is None
        says_closed = has_vanished or b"IMAP4rev2" in self.enabled
        while not (response := await self._must()).is_tagged:
            if response.code[:1] == (b"CLOSED",):
                need(not is_left, "CLOSED twice, or with nothing selected")
                is_left = True
            elif not (is_left or says_closed) and response.name == b"FLAGS":
                is_left = True
                take_in(opening, response, told, asked)
            else:
                take_in(opening if is_left else self.view, response, told, asked)
        self.view = None
        need(response.tag == tag, "an answer to something else", response.raw)
        need(is_left or response.name != b"OK", "SELECT left a mailbox without CLOSED")
        if response.name == b"OK":
            take_code(opening, response.code, asked)
            self._opened(opening, told, saved if has_vanished else None, is_whole=not known)
        return Outcome(text, told, response, since)

    def _opened(self, opening: View, told: Told, saved: Saved | None, *, is_whole: bool) -> None:
        if saved is not None and saved.uidvalidity == opening.uidvalidity:
            opening.resume(saved, told.vanished_earlier, is_whole=is_whole)
        else:
            need(not told.vanished_earlier, "VANISHED (EARLIER) unasked", told)
        opening.opened()
        for uid in told.vanished_earlier:
            self.witness.has_gone(opening.place(uid))
        self.view = opening
        opening.remember()

    # inside

    async def _answer(
        self, tag: bytes, command: Command, since: int, told: Told | None = None
    ) -> Outcome:
        told = told or Told()
        asked = command.asked
        if command.begin is not None:
            command.begin()
        while not (response := await self._must()).is_tagged:
            if response.name == b"CAPABILITY":
                self.capabilities = frozenset(response.values)
            take_in(self.view, response, told, asked)
        need(response.tag == tag, "an answer to something else", command.text, response.raw)
        accepts = command.accepts
        if self.view is not None and self.view.name == self.temporary:
            accepts |= {b"NONEXISTENT"}  # the selected mailbox was deleted, RFC 2180 §3.3
        is_right = response.name == b"OK" or (
            response.name == b"NO" and bool(response.code) and response.code[0] in accepts
        )
        need(is_right, "refused", command.text[:300], response.raw)
        if self.view is not None:
            take_code(self.view, response.code, asked)
            if response.name == b"OK" and asked.may_expunge:
                self.view.remember()
        if asked.name in (b"CLOSE", b"UNSELECT"):
            self.view = None
        return Outcome(command.text, told, response, since)

    async def _go_ahead(self, asked: Asked) -> Told:
        told = Told()
        while (response := await self._must()).tag != b"+":
            need(not response.is_tagged, "refused", response.raw)
            take_in(self.view, response, told, asked)
        return told

    def uses_modseq(self) -> None:
        """A command that enables CONDSTORE was answered, RFC 7162 §3.1."""
        self.enabled |= {b"CONDSTORE"}
        if self.view is not None:
            self.view.uses_modseq = True

    async def leave(self) -> None:
        """LOGOUT, and wait until the server has closed."""
        tag = self._tag()
        self._send(tag + b" LOGOUT\r\n")
        with contextlib.suppress(ConnectionEnded):
            while not (response := await self._must()).is_tagged:
                take_in(self.view, response, Told(), Asked(b"LOGOUT", True))
        await self.close()

    async def _must(self) -> Response:
        response = await self._response()
        if response is None:
            raise Contradiction("no answer", f"{ANSWER_SECONDS:g} s")
        return response

    async def _response(self, seconds: float = ANSWER_SECONDS) -> Response | None:
        """The next response, None when there is none yet; nothing that was read is lost."""
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(read_response(self._reader))
        done, _ = await asyncio.wait({self._reading}, timeout=seconds)
        if not done:
            return None
        reading, self._reading = self._reading, None
        response = reading.result()
        self.log.append((self.who, response.raw))
        if response.name == b"BYE":
            raise ConnectionEnded(response.raw)
        return response

    def _tag(self) -> bytes:
        self._tags += 1
        return b"%s%d" % (self.who.encode(), self._tags)

    def _send(self, octets: bytes) -> None:
        self.log.append((f"{self.who}>", octets))
        self._writer.write(octets)
