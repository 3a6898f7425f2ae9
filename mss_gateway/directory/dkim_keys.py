"""Keys by which the domains here sign what leaves (DKIM): sealed under the gateway's own account.

A selector names one key for ever: a retired one stays, so that its name is not given again while
zones and messages still say it. Retired, it signs nothing more.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Column, Integer, LargeBinary, Table, Text, UniqueConstraint

from certs.keyring import PrivateKey
from certs.published import to_der
from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId
from mss_gateway.message import dkim

dkim_keys = Table(
    "dkim_keys",
    metadata,
    Column("dkim_key_id", Integer, primary_key=True),
    Column("domain", Text, nullable=False),
    Column("selector", Text, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("retired_at", Integer),
    UniqueConstraint("domain", "selector"),
    sqlite_autoincrement=True,
)


class SelectorTaken(Exception):
    """The domain has, or had, a key of this selector."""


@dataclass(frozen=True, slots=True)
class DkimKey:
    """One key, and the TXT record that its zone must have; times in unix seconds."""

    domain: str
    selector: str
    created_at: int
    retired_at: int | None
    record: str

    @property
    def name(self) -> str:
        """Where the zone has the record (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


def make(tx: Transaction, spool: AccountId, domain: str, selector: str) -> DkimKey:
    """Draw an RSA key of 2,048 bits, the size that fits every zone (RFC 8301 §3.2), and keep it.

    ``domain`` and ``selector`` in lower case. Raises :class:`SelectorTaken`, ValueError for names
    that no zone can have.
    """
    if not (dkim.is_zone_name(domain) and dkim.is_zone_name(selector)):
        raise ValueError("neither a domain nor a selector in lower case")
    if _row(tx, domain, selector) is not None:
        raise SelectorTaken
    key = PrivateKey.generate("rsa-2048")
    seal = tx.vault.account(tx, spool)
    context = _context(domain, selector)
    tx.sql(
        "INSERT INTO dkim_keys (domain, selector, sealed_key, created_at) VALUES (?, ?, ?, ?)",
        (domain, selector, key.sealed(lambda plain: seal.seal(plain, context)), tx.now),
    )
    return DkimKey(domain, selector, tx.now, None, _record(key))


def retire(tx: Transaction, domain: str, selector: str) -> bool:
    """Sign no more by this key; False without it. A key that was retired stays so."""
    changed = tx.sql(
        "UPDATE dkim_keys SET retired_at = coalesce(retired_at, ?)"
        " WHERE domain = ? AND selector = ? RETURNING dkim_key_id",
        (tx.now, domain, selector),
    ).first()
    return changed is not None


def everything(view: View, spool: AccountId) -> list[DkimKey]:
    """Every key, by domain, the first made first."""
    rows = view.sql(
        "SELECT domain, selector, sealed_key, created_at, retired_at FROM dkim_keys"
        " ORDER BY domain, dkim_key_id"
    ).fetchall()
    return [
        DkimKey(row[0], row[1], row[3], row[4], _record(_opened(view, spool, *row[:3])))
        for row in rows
    ]


def signer_for(
    view: View, spool: AccountId, domain: str, selector: str
) -> Callable[[bytes], bytes] | None:
    """What ``message.dkim.sign`` signs with for the domain; None without a key in use.

    Keep it: opening a key costs more than a signature. It holds as long as whoever keeps it does.
    """
    row = _row(view, domain, selector)
    if row is None or row[1] is not None:
        return None
    return _opened(view, spool, domain, selector, row[0]).sign


def _row(view: View, domain: str, selector: str) -> tuple[bytes, int | None] | None:
    row = view.sql(
        "SELECT sealed_key, retired_at FROM dkim_keys WHERE domain = ? AND selector = ?",
        (domain, selector),
    ).first()
    return None if row is None else (bytes(row[0]), row[1])


def _opened(view: View, spool: AccountId, domain: str, selector: str, sealed: bytes) -> PrivateKey:
    seal = view.vault.account(view, spool)
    context = _context(domain, selector)
    return PrivateKey.unsealed(bytes(sealed), lambda value: seal.open(value, context))


def _record(key: PrivateKey) -> str:
    return dkim.published(to_der(key.public_key))


def _context(domain: str, selector: str) -> bytes:
    return f"dkim-key {selector} {domain}".encode("ascii")
