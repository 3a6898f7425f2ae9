"""From the wire to one command: lines, literals and their limits (threat T8).

A refused literal is refused before its ``+`` where the client waits for one; what a client sends
without waiting (LITERAL+, RFC 7888) is read and forgotten, so that the next command is found.
"""

from dataclasses import dataclass
from typing import Final

from mss_gateway.failures import Failure
from mss_gateway.imap.commands import Fault, LiteralAwaited, NotUnderstood, Request, understand
from mss_gateway.imap.grammar.cursor import CommandText, Purpose, announced_at_end
from mss_gateway.imap.responses import Reply, Status, refused
from mss_gateway.imap.state import Session, State

MAX_COMMAND: Final = 65_536
"""Octets of a command: its lines and the literals that are no message."""

MAX_COMMAND_BEFORE_LOGIN: Final = 20_480
"""A token of 12 KiB in base64 fits in the line of AUTHENTICATE (RFC 4959)."""

MAX_STRING_LITERAL: Final = 8_192
MAX_LITERALS: Final = 64
"""Literals of one command: it is read again from its start after each of them."""

MAX_FORGOTTEN: Final = 256 * 1024 * 1024
"""A refused LITERAL+ up to so many octets is read and forgotten; beyond, the connection ends."""

STRETCH_SECONDS: Final = 60.0
STRETCH_OCTETS: Final = 60_000
"""Slowest literal accepted: a thousand octets a second, averaged over a minute (threat T7)."""


class Refusal(Exception):
    """The command was read to its end and is not run; ``is_bad`` counts against the client."""

    def __init__(self, tag: bytes, reply: Reply, is_bad: bool) -> None:
        super().__init__(reply.text)
        self.tag = tag
        self.reply = reply
        self.is_bad = is_bad


class Overrun(Exception):
    """The client sends more than can be read past: the connection ends."""


@dataclass(slots=True)
class _Parts:
    lines: list[bytes]
    literals: list[bytes]
    octets: int
    reserved: int = 0


async def next_request(session: Session) -> tuple[Request, int]:
    """The next command, and how many octets of the census its message holds.

    Raises ``Refusal``, ``Overrun``, and what the wire raises.
    """
    is_in = session.state is not State.NOT_AUTHENTICATED
    limit = MAX_COMMAND if is_in else MAX_COMMAND_BEFORE_LOGIN
    settings = session.settings
    session.wire.set_deadline(settings.idle_seconds if is_in else settings.before_login_seconds)
    first = await session.wire.line(limit)
    parts = _Parts([_checked(first)], [], len(first))
    try:
        while True:
            try:
                text = CommandText(tuple(parts.lines), tuple(parts.literals))
                request = understand(text, session.state, is_utf8=session.has_utf8_names)
                return request, parts.reserved
            except LiteralAwaited as awaited:
                await _read_literal(session, parts, awaited, limit)
    except BaseException as error:
        session.release(parts.reserved)
        if isinstance(error, NotUnderstood):
            await _forget_rest(session, parts.lines[-1], limit)
            raise _refusal(session, error) from None
        raise


async def _read_literal(
    session: Session, parts: _Parts, awaited: LiteralAwaited, limit: int
) -> None:
    needed = awaited.needed
    is_message = needed.purpose is Purpose.MESSAGE
    refusal = _unwanted(session, parts, awaited, limit)
    if refusal is not None:
        await _forget_rest(session, parts.lines[-1], limit)
        raise refusal
    if is_message:
        parts.reserved += needed.size
    else:
        parts.octets += needed.size
    if needed.is_synchronising:
        session.send(b"+ OK\r\n")
        await session.flush()
    parts.literals.append(await _octets(session, needed.size))
    line = await session.wire.line(limit)
    parts.octets += len(line)
    if parts.octets > limit:
        raise Overrun
    parts.lines.append(_checked(line))


async def _octets(session: Session, count: int) -> bytes:
    """A literal, which may take its time but not stand still: so much of it each minute."""
    wire = session.wire
    while (missing := count - wire.buffered) > 0:
        wire.set_deadline(_stretch_seconds(session))
        await wire.gather(count - max(0, missing - STRETCH_OCTETS))
    wire.set_deadline(_stretch_seconds(session))
    return await wire.exactly(count)


def _stretch_seconds(session: Session) -> float:
    if session.state is State.NOT_AUTHENTICATED:
        return session.settings.before_login_seconds
    return STRETCH_SECONDS


def _unwanted(
    session: Session, parts: _Parts, awaited: LiteralAwaited, limit: int
) -> Refusal | None:
    """Why the literal is not read; reserves the memory of a message that is.

    Before TLS a literal can hardly be anything but a login or a password: it is not asked for.
    """
    size = awaited.needed.size
    if session.state is State.NOT_AUTHENTICATED and not session.may_log_in:
        return Refusal(awaited.tag, refused(session.say, Failure.TLS_REQUIRED), False)
    if awaited.needed.purpose is Purpose.MESSAGE:
        if size > session.settings.message_octets:
            return Refusal(awaited.tag, refused(session.say, Failure.MESSAGE_TOO_BIG), False)
        if not session.reserve(size):
            return Refusal(awaited.tag, refused(session.say, Failure.SERVICE_BUSY), False)
        return None
    is_one_too_many = len(parts.literals) >= MAX_LITERALS
    if size > MAX_STRING_LITERAL or parts.octets + size > limit or is_one_too_many:
        text = session.say("imap.litteral_trop_grand")
        return Refusal(awaited.tag, Reply(Status.BAD, text, b"TOOBIG"), True)
    return None


async def _forget_rest(session: Session, line: bytes, limit: int) -> None:
    """Read past the literals that a refused command sends without waiting for us.

    Raises Overrun when there are more than may be read past: what stands in a literal must never be
    taken for commands.
    """
    left = MAX_FORGOTTEN
    for _ in range(MAX_LITERALS):
        announced = announced_at_end(line)
        if announced is None or announced[1]:
            return
        left -= announced[0] + 1
        if left < 0:
            raise Overrun
        rest = announced[0]
        while rest:
            session.wire.set_deadline(_stretch_seconds(session))
            await session.wire.discard(min(rest, STRETCH_OCTETS))
            rest -= min(rest, STRETCH_OCTETS)
        session.wire.set_deadline(_stretch_seconds(session))
        line = (await session.wire.line(limit)).removesuffix(b"\n").removesuffix(b"\r")
    if (announced := announced_at_end(line)) is not None and not announced[1]:
        raise Overrun


def _checked(line: bytes) -> bytes:
    """The line without its CRLF; where CR is missing a mark is left that no grammar accepts."""
    return line[:-2] if line.endswith(b"\r\n") else line[:-1] + b"\r"


def _refusal(session: Session, error: NotUnderstood) -> Refusal:
    say = session.say
    if error.fault is Fault.CHARSET:
        reply = Reply(Status.NO, say("imap.jeu_de_caracteres"), b"BADCHARSET (US-ASCII UTF-8)")
        return Refusal(error.tag, reply, False)
    keys = {
        Fault.SYNTAX: "imap.syntaxe",
        Fault.UNKNOWN: "imap.commande_inconnue",
        Fault.STATE: "imap.etat",
    }
    text = say(keys[error.fault])
    if error.wanted:
        text = f"{text} ({error.wanted})"
    return Refusal(error.tag, Reply(Status.BAD, text), True)
