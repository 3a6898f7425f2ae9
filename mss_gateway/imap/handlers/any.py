"""Commands of any state: CAPABILITY, NOOP, LOGOUT, ID."""

from mss_gateway.imap.capabilities import capabilities as capabilities
from mss_gateway.imap.responses import Reply, bye, done
from mss_gateway.imap.state import Session


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
