"""Sessions of the webmail, kept on the server: one row per browser that signed in.

The cookie is 256 random bits; the row is found by their SHA-256, so that a copy of the table signs
nobody in. In clear, as §11.5 of the house allows: account number, state, times. A new cookie is
given at each step of the sign-in (reliability T42); a row that is gone is a session that ended.
A session that was idle too long is locked: its password opens it again, where it was.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable
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
    # the last time that a second factor was given
    Column("stepped_up_at", Integer, nullable=False, server_default="0"),
    # what its holder tells it by: the browser's family and its system
    Column("sealed", LargeBinary, nullable=True),
    Index(None, "account_id"),
    sqlite_with_rowid=False,
)

SESSION_COOKIE = "__Host-mss"
FORM_COOKIE = "__Host-mss-form"
"""Before any session: the sign-in form's token is made from this one (double submit)."""

BROWSERS_COOKIE = "__Host-mss-navigateur"
"""The mark of a browser that signed in before (``directory.known_browsers``)."""

PENDING_SECONDS = 300
"""Between the password and the code; then the password is asked again."""

ENROLMENT_SECONDS = 1800
"""From an operator's code to a second factor."""

FRESH_SECONDS = 600
"""How long a second factor counts for what asks for a fresh one."""

SESSIONS_LIMIT = 20
"""Sessions of one account; the one that was seen longest ago gives way."""

TOUCH_SECONDS = 30
"""A session's row is written at most so often: a page with twenty pictures is one visit."""

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_LABEL = b"session"
_COLUMNS = "session_index, account_id, state, created_at, seen_at, stepped_up_at"


class State(Enum):
    """``PENDING``: the password was right. ``GRANTED``: an operator's code was; the password is
    next. ``ENROLLING``: the password is known, a second factor is to be enrolled. ``OPEN``: both.
    """

    PENDING = "pending"
    GRANTED = "granted"
    ENROLLING = "enrolling"
    OPEN = "open"


class Life(Enum):
    """What time made of a session."""

    STANDS = "stands"
    LOCKED = "locked"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Session:
    """A session; times in unix seconds."""

    index: bytes
    account_id: AccountId
    state: State
    created_at: int
    seen_at: int
    stepped_up_at: int = 0

    def is_fresh(self, now: float) -> bool:
        """Whether a second factor was given a short while ago."""
        return now - self.stepped_up_at < FRESH_SECONDS


@dataclass(frozen=True, slots=True)
class Opened:
    """A session as its holder sees it in the list. ``mark`` names it in a form."""

    mark: str
    browser: str
    system: str
    created_at: int
    seen_at: int
    is_this: bool


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a session begins with; ``since`` keeps the age of one that it goes on with."""

    state: State
    browser: str = ""
    system: str = ""
    stepped_up_at: int = 0
    since: int | None = None


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


def begin(tx: Transaction, account_id: AccountId, beginning: Beginning | State, web: Web) -> str:
    """Open a session; the cookie to give. Takes the account's dead sessions away."""
    if isinstance(beginning, State):
        beginning = Beginning(beginning)
    standing = []
    for row in _of_account(tx, account_id):
        if life(row, tx.now, web) is Life.OVER:
            _delete(tx, row.index)
        else:
            standing.append(row)
    for row in standing[: max(0, len(standing) + 1 - SESSIONS_LIMIT)]:
        _delete(tx, row.index)
    secret = new_secret()
    label = json.dumps({"browser": beginning.browser, "system": beginning.system})
    since = tx.now if beginning.since is None else beginning.since
    tx.sql(
        "INSERT INTO web_sessions (session_index, account_id, state, created_at, seen_at,"
        " stepped_up_at, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (_index(secret), account_id, beginning.state.value, since, tx.now,
         beginning.stepped_up_at, tx.vault.account(tx, account_id).seal(label.encode(), _LABEL)),
    )  # fmt: skip
    return secret


def recognise(view: View, secret: str, now: float, web: Web) -> tuple[Session, Life] | None:
    """The session of a cookie and what time made of it; None when it was ended, or never was."""
    if not is_secret(secret):
        return None
    row = view.sql(
        f"SELECT {_COLUMNS} FROM web_sessions WHERE session_index = ?", (_index(secret),)
    ).first()
    if row is None:
        return None
    session = _session(tuple(row))
    return session, life(session, now, web)


def find(view: View, secret: str, now: float, web: Web) -> Session | None:
    """The session of a cookie while it stands: not ended, idle too long, nor too old."""
    found = recognise(view, secret, now, web)
    return found[0] if found is not None and found[1] is Life.STANDS else None


def opened(view: View, session: Session, now: float, web: Web) -> list[Opened]:
    """The open sessions of an account, the one seen last first; ``session`` is the asker's."""
    rows = view.sql(
        f"SELECT {_COLUMNS}, sealed FROM web_sessions WHERE account_id = ? AND state = 'open'"
        " ORDER BY seen_at DESC",
        (session.account_id,),
    ).fetchall()
    seal = view.vault.account(view, session.account_id)
    found = []
    for row in rows:
        one = _session(tuple(row[:6]))
        if life(one, now, web) is not Life.OVER:
            label = {} if row[6] is None else json.loads(seal.open(bytes(row[6]), _LABEL))
            found.append(
                Opened(
                    one.index.hex(),
                    label.get("browser", ""),
                    label.get("system", ""),
                    one.created_at,
                    one.seen_at,
                    one.index == session.index,
                )
            )
    return found


def life(session: Session, now: float, web: Web) -> Life:
    """What time made of a session that is on record; it may have been ended meanwhile."""
    age = now - session.created_at
    if session.state is not State.OPEN:
        lasts = PENDING_SECONDS if session.state is State.PENDING else ENROLMENT_SECONDS
        return Life.STANDS if age < lasts else Life.OVER
    if age >= web.absolute_minutes * 60:
        return Life.OVER
    return Life.STANDS if now - session.seen_at < web.idle_minutes * 60 else Life.LOCKED


def of_accounts(view: View, accounts: Iterable[AccountId]) -> list[Session]:
    """Every session that is on record for these accounts, in one statement."""
    rows = view.sql(
        f"SELECT {_COLUMNS} FROM web_sessions WHERE account_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(accounts)),),
    )
    return [_session(tuple(row)) for row in rows.fetchall()]


def touch(tx: Transaction, session: Session) -> None:
    """Its holder was here now; nothing when it ended meanwhile."""
    tx.sql("UPDATE web_sessions SET seen_at = ? WHERE session_index = ?", (tx.now, session.index))


def end(tx: Transaction, session: Session) -> None:
    """Sign this browser out."""
    _delete(tx, session.index)


def end_marked(tx: Transaction, account_id: AccountId, mark: str) -> bool:
    """End the session of this account that the list calls ``mark``; False for another's too."""
    try:
        index = bytes.fromhex(mark)
    except ValueError:
        return False
    gone = tx.sql(
        "DELETE FROM web_sessions WHERE account_id = ? AND session_index = ? RETURNING account_id",
        (account_id, index),
    ).first()
    return gone is not None


def end_others(tx: Transaction, session: Session) -> int:
    """End every session of the account but this one; how many that were."""
    gone = tx.sql(
        "DELETE FROM web_sessions WHERE account_id = ? AND session_index <> ? RETURNING account_id",
        (session.account_id, session.index),
    ).fetchall()
    return len(gone)


def end_all(tx: Transaction, account_id: AccountId) -> None:
    """Sign every browser of an account out: a lost phone, a new password, a suspension."""
    tx.sql("DELETE FROM web_sessions WHERE account_id = ?", (account_id,))


def _of_account(view: View, account_id: AccountId) -> list[Session]:
    """All of an account, the one seen longest ago first."""
    rows = view.sql(
        f"SELECT {_COLUMNS} FROM web_sessions WHERE account_id = ? ORDER BY seen_at",
        (account_id,),
    )
    return [_session(tuple(row)) for row in rows.fetchall()]


def _session(row: tuple[bytes, int, str, int, int, int]) -> Session:
    return Session(bytes(row[0]), AccountId(row[1]), State(row[2]), *row[3:])


def _delete(tx: Transaction, index: bytes) -> None:
    tx.sql("DELETE FROM web_sessions WHERE session_index = ?", (index,))


def _index(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
