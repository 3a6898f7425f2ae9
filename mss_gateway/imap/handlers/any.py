"""Commands of any state: CAPABILITY, NOOP, LOGOUT, ID."""

from typing import Final

from mss_gateway.imap.responses import Reply, bye, done
from mss_gateway.imap.state import Session, State

_EVERYWHERE: Final = b"IMAP4rev1 LITERAL+ SASL-IR ID"
_LOGGED_IN: Final = b" IDLE NAMESPACE UIDPLUS MOVE UNSELECT CHILDREN SPECIAL-USE"


def capabilities(session: Session) -> bytes:
    """``CAPABILITY …`` for the state of the connection: what is advertised is built."""
    if session.state is not State.NOT_AUTHENTICATED:
        return b"CAPABILITY " + _EVERYWHERE + _LOGGED_IN
    words = b"CAPABILITY " + _EVERYWHERE
    if not session.wire.has_tls and session.settings.tls is not None:
        words += b" STARTTLS"
    return words + (b" AUTH=PLAIN" if session.may_log_in else b" LOGINDISABLED")


async def cmd_capability(session: Session, _: None) -> Reply:
    """RFC 9051 §6.1.1."""
    session.send(b"* " + capabilities(session) + b"\r\n")
    return done("CAPABILITY")


async def cmd_noop(session: Session, _: None) -> Reply:
    """RFC 9051 §6.1.2: what changed is told after every command, so there is nothing to do."""
    return done("NOOP")


async def cmd_logout(session: Session, _: None) -> Reply:
    """RFC 9051 §6.1.3."""
    session.send(bye(session.say("imap.au_revoir")))
    session.deselect()
    session.is_leaving = True
    return done("LOGOUT")


async def cmd_id(session: Session, _: None) -> Reply:
    """RFC 2971 §3.1: no version, which would only help an attacker."""
    session.send(b'* ID ("name" "MSS Gateway")\r\n')
    return done("ID")
