"""The operator's own issuing authority, kept sealed under the gateway's own account."""

from sqlalchemy import Column, Integer, LargeBinary, Table

from certs.issuing.issue import Authority
from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId

authorities = Table(
    "authorities",
    metadata,
    Column("authority_id", Integer, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Integer, nullable=False),
)

_CONTEXT = b"authority"


def keep_authority(tx: Transaction, account_id: AccountId, authority: Authority) -> None:
    """Keep the issuing authority, sealed under the gateway's own account."""
    seal = tx.vault.account(tx, account_id)
    sealed = authority.sealed(lambda plain: seal.seal(plain, _CONTEXT))
    tx.sql("INSERT INTO authorities (sealed, created_at) VALUES (?, ?)", (sealed, tx.now))


def load_authority(view: View, account_id: AccountId) -> Authority | None:
    """The newest issuing authority, or None when certificates come from elsewhere."""
    row = view.sql("SELECT sealed FROM authorities ORDER BY authority_id DESC LIMIT 1").first()
    if row is None:
        return None
    seal = view.vault.account(view, account_id)
    return Authority.load(bytes(row[0]), lambda sealed: seal.open(sealed, _CONTEXT))


def load_authorities(view: View, account_id: AccountId) -> list[Authority]:
    """The issuing authority and those before it, the newest first.

    A former one issues no more, and goes on to sign the list of what it had issued.
    """
    seal = view.vault.account(view, account_id)
    rows = view.sql("SELECT sealed FROM authorities ORDER BY authority_id DESC").fetchall()
    return [
        Authority.load(bytes(row[0]), lambda sealed: seal.open(sealed, _CONTEXT)) for row in rows
    ]


def forget_unused(tx: Transaction) -> None:
    """Let go of every authority. Only where none has issued anything: nobody would list it."""
    tx.sql("DELETE FROM authorities")
