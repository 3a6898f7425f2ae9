"""GETQUOTA, GETQUOTAROOT, SETQUOTA: one quota root per account, RFC 9208 §3.2.

Its one resource is STORAGE. Limits are set by the operator (``mss people quota``), never here:
QUOTASET is not offered.
"""

from typing import Final

from mailbox_store import accounts
from mailbox_store.accounts import Quota
from mss_gateway.failures import Failure
from mss_gateway.imap.grammar.quota import SetQuotaRequest
from mss_gateway.imap.responses import Reply, Status, done, refused
from mss_gateway.imap.state import Session

ROOT: Final = b"compte"
"""The name of the root; mail clients show it to people."""

UNIT: Final = 1024
"""Octets of one unit of STORAGE, RFC 9208 §5.1."""


async def cmd_getquota(session: Session, root: bytes) -> Reply:
    """RFC 9208 §4.1.1."""
    if root != ROOT:
        return Reply(Status.NO, session.say("imap.quota_inconnu"), b"NONEXISTENT")
    session.send(_line(await _quota(session)))
    return done("GETQUOTA")


async def cmd_getquotaroot(session: Session, name: str) -> Reply:
    """RFC 9208 §4.1.2; the mailbox need not exist: what is made has this root."""
    found = await _quota(session)
    session.send(b"* QUOTAROOT %s %s\r\n" % (session.printed(name), ROOT))
    session.send(_line(found))
    return done("GETQUOTAROOT")


async def cmd_setquota(session: Session, _: SetQuotaRequest) -> Reply:
    """RFC 9208 §4.1.3: read for its syntax, and refused."""
    return refused(session.say, Failure.NOT_ALLOWED)


async def _quota(session: Session) -> Quota:
    account_id, default = session.account_id, session.settings.account_octets
    return await session.read(lambda view: accounts.quota(view, account_id, default))


def _line(found: Quota) -> bytes:
    return b"* QUOTA %s (STORAGE %d %d)\r\n" % (ROOT, _units(found.used), _units(found.limit))


def _units(octets: int) -> int:
    """Rounded up: what is full is never shown as not quite full."""
    return -(-octets // UNIT)
