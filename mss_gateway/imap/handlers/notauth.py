"""Commands before login: STARTTLS, AUTHENTICATE with ``life.mechanisms``, LOGIN."""

import base64
from typing import Final

from mss_gateway.failures import Failure, Refused
from mss_gateway.imap import sasl
from mss_gateway.imap.grammar.arguments import AuthenticateRequest, LoginRequest, sasl_octets
from mss_gateway.imap.grammar.cursor import Malformed
from mss_gateway.imap.handlers.any import capabilities
from mss_gateway.imap.responses import Reply, Status, bye, done, refused
from mss_gateway.imap.state import Session
from mss_gateway.life.claims import Claim
from mss_gateway.life.mechanisms import (
    MAX_LINE,
    MECHANISMS,
    NotText,
    Unreadable,
    password_claim,
)

MAX_FAILED_LOGINS: Final = 3
"""Per connection; ``life.authn`` counts per account and address across connections (threat T9)."""


async def cmd_starttls(session: Session, _: None) -> Reply:
    """RFC 9051 §6.2.1; the switch itself follows the tagged OK.

    What a client, or someone between, sent ahead of the handshake would be read as if it had come
    over TLS (threat T4): octets in the buffer end the connection.
    """
    if session.wire.has_tls or session.settings.tls is None:
        return Reply(Status.BAD, session.say("imap.chiffrement_present"))
    if session.wire.has_input:
        session.is_leaving = True
        return Reply(Status.BAD, session.say("imap.donnees_avant_tls"))
    session.wants_tls = True
    return done("STARTTLS")


async def cmd_login(session: Session, request: LoginRequest) -> Reply:
    """RFC 9051 §6.2.3."""
    if not session.may_log_in:
        return refused(session.say, Failure.TLS_REQUIRED)
    try:
        claim = password_claim(b"", request.login, request.password)
    except NotText:
        return _failed(session, Refused(Failure.BAD_CREDENTIALS))
    return await _log_in(session, claim, b"")


async def cmd_authenticate(session: Session, request: AuthenticateRequest) -> Reply:
    """RFC 9051 §6.2.2; the initial response of RFC 4959."""
    if not session.may_log_in:
        return refused(session.say, Failure.TLS_REQUIRED)
    facts = sasl.facts_of(session)
    mechanism = MECHANISMS.get(request.mechanism)
    if mechanism is None or not mechanism.is_offered(facts):
        return Reply(Status.NO, session.say("imap.mecanisme"), b"CANNOT")
    try:
        message = request.initial
        if message is None:
            message = await _challenge(session, b"")
        claim = mechanism.read(message, facts)
    except sasl.Cancelled:
        return Reply(Status.BAD, session.say("imap.authentification_abandonnee"))
    except (Unreadable, Malformed) as error:
        session.bad_commands += 1
        return Reply(Status.BAD, f"{session.say('imap.syntaxe')} ({error.wanted})")
    except NotText:
        return _failed(session, Refused(Failure.BAD_CREDENTIALS))
    return await _log_in(session, claim, mechanism.last_word(facts))


async def _challenge(session: Session, prompt: bytes) -> bytes:
    """Ask, and the octets of the answer; raises ``Cancelled`` and ``Malformed``."""
    line = await _answer(session, prompt)
    if line == b"*":
        raise sasl.Cancelled
    return sasl_octets(line)


async def _answer(session: Session, prompt: bytes) -> bytes:
    session.send(b"+ " + base64.b64encode(prompt) + b"\r\n")
    await session.flush()
    return (await session.wire.line(MAX_LINE)).rstrip(b"\r\n")


async def _log_in(session: Session, claim: Claim, last_word: bytes) -> Reply:
    """``last_word``: what a client is told, and answers, before it hears NO."""
    try:
        holder = await session.services.authenticate(claim, session.wire.peer)
    except Refused as error:
        if last_word:
            # whatever it answers, an empty line, ^A or the token once more: it has failed
            await _answer(session, last_word)
        return _failed(session, error)
    if not session.census.log_in(holder.person_id):
        return Reply(Status.NO, session.say("imap.connexions"), b"LIMIT")
    session.holder = holder
    session.census.leave(session.wire.peer)
    return done("LOGIN", capabilities(session))


def _failed(session: Session, error: Refused) -> Reply:
    session.failed_logins += 1
    reply = refused(session.say, error.failure, error.message_ref)
    if session.failed_logins >= MAX_FAILED_LOGINS:
        session.send(bye(reply.text, reply.code))
        session.is_leaving = True
    return reply
