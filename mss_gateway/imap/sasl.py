"""AUTHENTICATE: what of the mechanisms of ``life.mechanisms`` is IMAP's own."""

from mss_gateway.imap.state import Session
from mss_gateway.life import mechanisms
from mss_gateway.life.mechanisms import Facts


class Cancelled(Exception):
    """The client sent ``*`` (RFC 9051 §6.2.2)."""


def facts_of(session: Session) -> Facts:
    """The facts of a connection."""
    return Facts(session.may_log_in, session.services.provider, session.wire.peer_certificate)


def offered(facts: Facts) -> list[bytes]:
    """The words ``AUTH=…`` of the capabilities for these facts; none while login is disabled."""
    return [b"AUTH=" + name for name in mechanisms.offered(facts)]
