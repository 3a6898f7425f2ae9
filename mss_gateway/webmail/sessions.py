"""Sessions of the webmail, kept on the server: one row per browser that signed in.

The cookie is 256 random bits; the row is found by their SHA-256, so that a copy of the table signs
nobody in. In clear, as §11.5 of the house allows: account number, state, times. A new cookie is
given at each step of the sign-in (reliability T42); a row that is gone is a session that ended.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from enum import Enum

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId
from mss_gateway.config import Web

web_sessions = Table(
    "web_sessions",
    metadata,
    Column("session_index", LargeBinary, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("seen_at", Integer, nullable=False),
    Index(None, "account_id"),
    sqlite_with_rowid=False,
)

SESSION_COOKIE = "__Host-mss"
FORM_COOKIE = "__Host-mss-form"
"""Before any session: the sign-in form's token is made from this one (double submit)."""

PENDING_SECONDS = 300
"""Between the password and the code; then the password is asked again."""

TOUCH_SECONDS = 30
"""A session's row is written at most so often: a page with twenty pictures is one visit."""

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


class State(Enum):
    """``PENDING``: the password was right. ``OPEN``: the second factor too."""

    PENDING = "pending"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Session:
    """A session that stands; times in unix seconds."""

    index: bytes
    account_id: AccountId
    state: State
    created_at: int
    seen_at: int


def new_secret() -> str:
    """256 random bits, as a cookie holds them."""
    return secrets.token_urlsafe(32)


def is_secret(value: str) -> bool:
    """Whether a cookie's value has the shape of one of ours."""
    return _SECRET.fullmatch(value) is not None


def form_token(secret: str) -> str:
    """The token of every form shown to the holder of this cookie; tells nothing of the cookie."""
    return hmac.digest(secret.encode(), b"form", hashlib.sha256).hex()


def is_token_of(secret: str, token: str) -> bool:
    """Whether a form that came back was shown to the holder of this cookie."""
    return hmac.compare_digest(form_token(secret).encode(), token.encode("utf-8", "replace"))


def begin(tx: Transaction, account_id: AccountId, state: State, web: Web) -> str:
    """Open a session; the cookie to give. Takes the account's dead sessions away."""
    for row in _of_account(tx, account_id):
        if not _stands(row, tx.now, web):
            _delete(tx, row.index)
    secret = new_secret()
    tx.sql(
        "INSERT INTO web_sessions (session_index, account_id, state, created_at, seen_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (_index(secret), account_id, state.value, tx.now, tx.now),
    )
    return secret


def find(view: View, secret: str, now: float, web: Web) -> Session | None:
    """The session of a cookie while it stands: not ended, idle too long, nor too old."""
    if not is_secret(secret):
        return None
    row = view.sql(
        "SELECT session_index, account_id, state, created_at, seen_at FROM web_sessions"
        " WHERE session_index = ?",
        (_index(secret),),
    ).first()
    session = None if row is None else _session(tuple(row))
    return session if session is not None and _stands(session, now, web) else None


def touch(tx: Transaction, session: Session) -> None:
    """Its holder was here now; nothing when it ended meanwhile."""
    tx.sql("UPDATE web_sessions SET seen_at = ? WHERE session_index = ?", (tx.now, session.index))


def end(tx: Transaction, session: Session) -> None:
    """Sign this browser out."""
    _delete(tx, session.index)


def end_all(tx: Transaction, account_id: AccountId) -> None:
    """Sign every browser of an account out: a lost phone, a new password, a suspension."""
    tx.sql("DELETE FROM web_sessions WHERE account_id = ?", (account_id,))


def _stands(session: Session, now: float, web: Web) -> bool:
    if session.state is State.PENDING:
        return now - session.created_at < PENDING_SECONDS
    return (
        now - session.seen_at < web.idle_minutes * 60
        and now - session.created_at < web.absolute_minutes * 60
    )


def _of_account(view: View, account_id: AccountId) -> list[Session]:
    rows = view.sql(
        "SELECT session_index, account_id, state, created_at, seen_at FROM web_sessions"
        " WHERE account_id = ?",
        (account_id,),
    )
    return [_session(tuple(row)) for row in rows.fetchall()]


def _session(row: tuple[bytes, int, str, int, int]) -> Session:
    return Session(bytes(row[0]), AccountId(row[1]), State(row[2]), row[3], row[4])


def _delete(tx: Transaction, index: bytes) -> None:
    tx.sql("DELETE FROM web_sessions WHERE session_index = ?", (index,))


def _index(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
