r"""Dialogue files: the specification of a protocol, played against a server.

A file is UTF-8 text. Its first line is a comment that names the specification, for instance
``# RFC 5321 §4.1.1.4``. Then, one step a line:

===================  ==============================================================================
``# text``           a comment; empty lines too are passed over
``C: text``          the client sends ``text`` and CRLF
``C> text``          the client sends ``text`` as it is, no CRLF; ``\r \n \0 \\ \xNN`` are bytes
``C starttls``       the client begins TLS (the server's go-ahead was read before)
``C close``          the client closes its connection
``S: text``          the server's next line is exactly ``text`` and CRLF
``S+ text``          the same, but in any order within its run of ``S+`` and ``S*`` lines
``S* text``          may come, any number of times, before the ``S:`` line that follows the run
``S closed``         the server closes the connection, having said nothing more
===================  ==============================================================================

``C2:``, ``S2:`` and so on are other clients; each is connected when it is first named. In what
the server says ``~regex~`` is a pattern and ``~~`` a tilde. A named group in it, as in
``~(?P<uid>\d+)~``, is kept, and ``${uid}`` stands for it in every later line, like the
``variables`` given by the test. What a server said and nobody expected fails at the end.
"""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

Connect = Callable[[str], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
"""Opens a connection for the client of this name (``""`` for plain ``C``)."""

_STEP = re.compile(r"(?P<who>[CS])(?P<client>\d*)(?P<kind>[:>+*]| (?:starttls|close|closed)$)")
_KINDS = {"C": (":", ">", "starttls", "close"), "S": (":", "+", "*", "closed")}
_SPECIFICATION = re.compile(r"# RFC \d+( §[0-9A-Z.]+)?\b")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|([rn0\\]))")


class TranscriptMalformed(ValueError):
    """The file itself is wrong; the text says where."""


class TranscriptFailed(AssertionError):
    """The server did not say what the file expects; the text gives file, line, both versions."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a transcript."""

    number: int
    who: str
    client: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """A file, read and checked."""

    path: Path
    title: str
    steps: tuple[Step, ...]


def load(path: Path) -> Transcript:
    """Read ``path``. Raises :class:`TranscriptMalformed`."""
    return parse(path.read_text(encoding="utf-8"), path)


def parse(text: str, path: Path) -> Transcript:
    """The transcript written in ``text``; ``path`` is for messages. As :func:`load`."""
    lines = text.split("\n")
    if not _SPECIFICATION.match(lines[0]):
        raise TranscriptMalformed(f"{path}:1: the first line names the specification: # RFC n §x")
    steps = tuple(
        _step(line, number, path)
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    )
    if not any(step.who == "S" for step in steps):
        raise TranscriptMalformed(f"{path}:1: nothing is expected of the server")
    for step, following in zip(steps, (*steps[1:], None), strict=True):
        if step.kind == "*" and not (
            following is not None
            and (following.who, following.client) == ("S", step.client)
            and following.kind in (":", "+", "*")
        ):
            raise TranscriptMalformed(f"{path}:{step.number}: S* needs an S: line after it")
    return Transcript(path, lines[0].removeprefix("# "), steps)


def _step(line: str, number: int, path: Path) -> Step:
    match = _STEP.match(line)
    kind = match["kind"].strip() if match else ""
    if match is None or kind not in _KINDS[match["who"]]:
        raise TranscriptMalformed(f"{path}:{number}: not a step: {line!r}")
    text = line[match.end() :]
    if text and not text.startswith(" "):
        raise TranscriptMalformed(f"{path}:{number}: a space follows {match[0]!r}")
    return Step(number, match["who"], match["client"], kind, text[1:])


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


@dataclass(slots=True)
class _Player:
    """The state of one playing: connections by client name, values by variable name."""

    transcript: Transcript
    connect: Connect
    variables: dict[str, str]
    tls: ssl.SSLContext | None
    patience: float
    connections: dict[str, _Connection] = field(default_factory=dict)

    def fail(self, step: Step, expected: str, received: object) -> NoReturn:
        raise TranscriptFailed(
            f"{self.transcript.path}:{step.number}: expected {expected}, received {received!r}"
        )

    def fill(self, step: Step, text: str, escape: Callable[[str], str] = str) -> str:
        def value(match: re.Match[str]) -> str:
            if match[1] not in self.variables:
                raise TranscriptMalformed(
                    f"{self.transcript.path}:{step.number}: nothing is called {match[0]}"
                )
            return escape(self.variables[match[1]])

        return _VARIABLE.sub(value, text)

    def pattern(self, step: Step) -> re.Pattern[str]:
        """Odd pieces between tildes are patterns, even ones literal; ``~~`` is one tilde."""
        pieces = step.text.replace("~~", "\0").split("~")
        if len(pieces) % 2 == 0:
            raise TranscriptMalformed(
                f"{self.transcript.path}:{step.number}: a pattern is not closed by ~"
            )
        source = "".join(
            self.fill(step, piece, re.escape)
            if index % 2
            else re.escape(self.fill(step, piece.replace("\0", "~")))
            for index, piece in enumerate(pieces)
        )
        return re.compile(source.replace("\0", "~"))

    async def connection(self, step: Step) -> _Connection:
        if step.client not in self.connections:
            reader, writer = await self.connect(step.client)
            self.connections[step.client] = _Connection(reader, writer)
        return self.connections[step.client]

    async def act(self, step: Step) -> None:
        connection = await self.connection(step)
        if step.kind == "starttls":
            if self.tls is None:
                raise TranscriptMalformed(
                    f"{self.transcript.path}:{step.number}: the test gave no TLS context"
                )
            await connection.writer.start_tls(self.tls, server_hostname="localhost")
        elif step.kind == "close":
            await _close(self.connections.pop(step.client).writer)
        else:
            text = self.fill(step, step.text)
            sent = f"{text}\r\n".encode() if step.kind == ":" else _unescape(text)
            connection.writer.write(sent)
            await connection.writer.drain()

    async def line(self, step: Step) -> str:
        """The server's next line without its CRLF; fails on anything else that may come."""
        connection = await self.connection(step)
        try:
            received = await asyncio.wait_for(connection.reader.readline(), self.patience)
        except TimeoutError:
            self.fail(step, repr(step.text), f"nothing in {self.patience:g} s")
        except ConnectionError as error:
            self.fail(step, repr(step.text), type(error).__name__)
        if not received.endswith(b"\r\n"):
            self.fail(step, f"a line ending in CRLF: {step.text!r}", received)
        return received[:-2].decode("utf-8", "surrogateescape")

    async def expect(self, run: tuple[Step, ...]) -> None:
        """Read what a run of ``S`` lines wants: ``S+`` and ``S*`` in any order, then ``S:``."""
        pending = [step for step in run if step.kind == "+"]
        optional = [step for step in run if step.kind == "*"]
        last = run[-1] if run[-1].kind == ":" else None
        while True:
            step = last or (pending[0] if pending else run[-1])
            received = await self.line(step)
            wanted = [*pending, *([last] if last and not pending else []), *optional]
            found = next((one for one in wanted if self.matches(one, received)), None)
            if found is None:
                self.fail(step, " or ".join(repr(one.text) for one in wanted), received)
            if found in pending:
                pending.remove(found)
            if found is last or (last is None and not pending):
                return

    def matches(self, step: Step, received: str) -> bool:
        match = self.pattern(step).fullmatch(received)
        if match is None:
            return False
        self.variables |= {name: value for name, value in match.groupdict().items() if value}
        return True

    async def expect_closed(self, step: Step) -> None:
        connection = await self.connection(step)
        try:
            rest = await asyncio.wait_for(connection.reader.read(), self.patience)
        except TimeoutError:
            self.fail(step, "the connection closed", f"still open after {self.patience:g} s")
        except ConnectionError:
            rest = b""
        if rest:
            self.fail(step, "the connection closed", rest)
        await _close(self.connections.pop(step.client).writer)

    def expect_nothing_left(self) -> None:
        last = self.transcript.steps[-1]
        for client, connection in self.connections.items():
            left = _already_received(connection.reader)
            if left:
                self.fail(last, f"nothing more for client {client!r} after this line", left)


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close and wait; a peer that was faster, or did not shut TLS down, is no failure."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _unescape(text: str) -> bytes:
    named = {"r": b"\r", "n": b"\n", "0": b"\0", "\\": b"\\"}
    result, position = b"", 0
    for match in _ESCAPE.finditer(text):
        result += text[position : match.start()].encode()
        result += bytes.fromhex(match[1]) if match[1] else named[match[2]]
        position = match.end()
    return result + text[position:].encode()


def _already_received(reader: asyncio.StreamReader) -> bytes:
    """What ``reader`` holds at this instant: one step of ``read`` by hand, without waiting."""
    reading = reader.read(4096)
    try:
        reading.send(None)
    except StopIteration as done:
        return bytes(done.value)
    except ConnectionError:
        return b""
    reading.close()
    return b""


def _runs(steps: tuple[Step, ...]) -> list[tuple[Step, ...]]:
    """Steps grouped: a run of ``S+``/``S*`` with the ``S:`` after it, every other step alone."""
    runs: list[tuple[Step, ...]] = []
    run: list[Step] = []
    for step in steps:
        continues = run and (step.who, step.client) == ("S", run[-1].client)
        if run and not (continues and step.kind in (":", "+", "*")):
            runs.append(tuple(run))
            run = []
        run.append(step)
        if step.kind not in ("+", "*"):
            runs.append(tuple(run))
            run = []
    return [*runs, tuple(run)] if run else runs


async def play(
    transcript: Transcript,
    connect: Connect,
    variables: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    patience: float = 10.0,
) -> dict[str, str]:
    """Play ``transcript`` and return every variable, given and captured.

    ``patience`` is the seconds to wait for one line; it only bounds a failure. Raises
    :class:`TranscriptFailed` or :class:`TranscriptMalformed`.
    """
    player = _Player(transcript, connect, dict(variables or {}), tls, patience)
    try:
        for run in _runs(transcript.steps):
            if run[0].who == "C":
                await player.act(run[0])
            elif run[0].kind == "closed":
                await player.expect_closed(run[0])
            else:
                await player.expect(run)
        player.expect_nothing_left()
    finally:
        for connection in player.connections.values():
            await _close(connection.writer)
    return player.variables
