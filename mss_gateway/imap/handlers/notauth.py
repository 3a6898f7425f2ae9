"""Commands before login: STARTTLS, AUTHENTICATE PLAIN, LOGIN."""

from typing import Final

from mss_gateway.failures import Failure, Refused
from mss_gateway.imap.grammar.arguments import AuthenticateRequest, LoginRequest, sasl_octets
from mss_gateway.imap.grammar.cursor import Malformed
from mss_gateway.imap.handlers.any import capabilities
from mss_gateway.imap.responses import Reply, Status, bye, done, refused
from mss_gateway.imap.state import Session

MAX_FAILED_LOGINS: Final = 3
"""Per connection; ``life.authn`` counts per account and address across connections (threat T9)."""

MAX_SASL_LINE: Final = 4_096


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
    return await _log_in(session, request.login, request.password)


async def cmd_authenticate(session: Session, request: AuthenticateRequest) -> Reply:
    """RFC 9051 §6.2.2 with PLAIN, RFC 4616 §2; the initial response of RFC 4959."""
    if not session.may_log_in:
        return refused(session.say, Failure.TLS_REQUIRED)
    if request.mechanism != b"PLAIN":
        return Reply(Status.NO, session.say("imap.mecanisme"), b"CANNOT")
    octets = request.initial
    if octets is None:
        session.send(b"+ \r\n")
        await session.flush()
        line = (await session.wire.line(MAX_SASL_LINE)).rstrip(b"\r\n")
        if line == b"*":
            return Reply(Status.BAD, session.say("imap.authentification_abandonnee"))
        try:
            octets = sasl_octets(line)
        except Malformed as malformed:
            return _bad(session, malformed.wanted)
    parts = octets.split(b"\x00")
    if len(parts) != 3:
        return _bad(session, "message")
    authorised, login, password = parts
    if authorised not in (b"", login):
        return refused(session.say, Failure.BAD_CREDENTIALS)
    return await _log_in(session, login, password)


def _bad(session: Session, wanted: str) -> Reply:
    session.bad_commands += 1
    return Reply(Status.BAD, f"{session.say('imap.syntaxe')} ({wanted})")


async def _log_in(session: Session, login: bytes, password: bytes) -> Reply:
    try:
        name, secret = login.decode("utf-8"), password.decode("utf-8")
    except UnicodeDecodeError:
        return _failed(session, Refused(Failure.BAD_CREDENTIALS, "not UTF-8"))
    services = session.services
    try:
        holder = await services.bridge.sign_in(
            services.authenticate, name, secret, session.wire.peer
        )
    except Refused as error:
        return _failed(session, error)
    if not session.census.log_in(holder.account_id):
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
