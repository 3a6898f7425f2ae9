"""Which messages of another server were brought here: a row each, so that none comes twice.

The row is written in the transaction that appends the message, and stays when the message is
moved, filed elsewhere or expunged: what its owner threw away does not come back.
"""

from dataclasses import dataclass

from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountId


@dataclass(frozen=True, slots=True)
class Origin:
    """One folder of a remote account as one of our accounts knows it.

    ``source`` is the keyed digest of server, login and folder: the table names nobody.
    ``uidvalidity`` says which numbering of that folder is meant (RFC 9051 §2.3.1.1).
    """

    account_id: AccountId
    source: bytes
    uidvalidity: int


def origin(view: View, account_id: AccountId, source: str, uidvalidity: int) -> Origin:
    """The origin for ``source``, which names server, login and folder in clear."""
    return Origin(account_id, view.vault.index.of("import-source", source), uidvalidity)


def mark(tx: Transaction, origin: Origin, uid: int) -> bool:
    """Note that a message is being placed in this transaction; False when it was before."""
    row = tx.sql(
        "INSERT INTO imported (account_id, source_index, uidvalidity, uid) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING RETURNING uid",
        (origin.account_id, origin.source, origin.uidvalidity, uid),
    ).first()
    return row is not None


def done(view: View, origin: Origin) -> list[tuple[int, int]]:
    """The UIDs that are here, as ascending closed ranges; read as ranges, not message by message.

    One pass over an index in the database: 0.2 s for 100,000 messages, twice per folder and run.
    """
    rows = view.sql(
        "SELECT min(uid), max(uid) FROM ("
        " SELECT uid, uid - row_number() OVER (ORDER BY uid) AS run FROM imported"
        " WHERE account_id = ? AND source_index = ? AND uidvalidity = ?"
        ") AS numbered GROUP BY run ORDER BY 1",
        (origin.account_id, origin.source, origin.uidvalidity),
    )
    return [(first, last) for first, last in rows.fetchall()]


def was_renumbered(view: View, origin: Origin) -> bool:
    """Whether messages came from this folder, all under another UIDVALIDITY than this one.

    The remote server then counts its messages anew, and its UIDs no longer say which are here.
    """
    rows = view.sql(
        "SELECT EXISTS (SELECT 1 FROM imported WHERE account_id = ? AND source_index = ?),"
        " EXISTS (SELECT 1 FROM imported WHERE account_id = ? AND source_index = ?"
        " AND uidvalidity = ?)",
        (
            *(origin.account_id, origin.source),
            *(origin.account_id, origin.source, origin.uidvalidity),
        ),
    ).first()
    assert rows is not None
    return bool(rows[0]) and not rows[1]
