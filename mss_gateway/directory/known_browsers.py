"""Browsers that signed in before, known again by a cookie that only this gateway can make.

The cookie opens nothing: it lets its browser's tries be counted apart from those of strangers
(``throttle_accounts``). A mark is a random number, the day it was given, and a keyed HMAC of both
and of the account; a browser that several people use holds one for each, up to :data:`MARKS`.
"""

import base64
import hmac
import re
import secrets
from typing import Final

from mailbox_store.database import View
from mailbox_store.vault import AccountId

MARKS: Final = 4
"""Accounts that one browser is known for: a household's."""

LASTS_SECONDS: Final = 365 * 86_400

_MARK: Final = re.compile(r"([A-Za-z0-9_-]{22})\.([0-9a-f]{1,12})\.([A-Za-z0-9_-]{22})")
_BETWEEN: Final = "~"


def proved(view: View, account_id: AccountId, cookie: str, now: float) -> str:
    """What this browser is called in the counts of an account; empty when it is not known."""
    for mark in _marks(cookie):
        if _is_of(view, account_id, mark, now):
            return f"browser {mark.partition('.')[0]}"
    return ""


def marked(view: View, account_id: AccountId, cookie: str, now: float) -> str:
    """The cookie with a fresh mark for this account in front; other people's stay."""
    others = [mark for mark in _marks(cookie) if not _is_of(view, account_id, mark, now)]
    nonce, given = secrets.token_urlsafe(16), f"{int(now):x}"
    fresh = f"{nonce}.{given}.{_proof(view, account_id, nonce, given)}"
    return _BETWEEN.join((fresh, *others[: MARKS - 1]))


def _marks(cookie: str) -> list[str]:
    return [mark for mark in cookie.split(_BETWEEN, MARKS)[:MARKS] if _MARK.fullmatch(mark)]


def _is_of(view: View, account_id: AccountId, mark: str, now: float) -> bool:
    nonce, given, proof = mark.split(".")
    expected = _proof(view, account_id, nonce, given)
    is_fresh = -86_400 <= now - int(given, 16) < LASTS_SECONDS
    return hmac.compare_digest(expected, proof) and is_fresh


def _proof(view: View, account_id: AccountId, nonce: str, given: str) -> str:
    told = view.vault.index.of("known browser", f"{account_id} {nonce} {given}")
    return base64.urlsafe_b64encode(told).rstrip(b"=").decode()
