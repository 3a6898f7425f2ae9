"""Keys drawn for certificates that somebody else will issue: kept, sealed, until the answer comes.

The key never leaves: only the request does (:mod:`certs.issuing.requests`). A request of a server
is kept under the gateway's own account.
"""

from dataclasses import dataclass

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Table, Text, UniqueConstraint

from certs.certificate import Certificate, key_digest
from certs.issuing.requests import key_fingerprint
from certs.keyring import PrivateKey
from certs.usage import Usage
from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId
from mss_gateway.directory.cabinet import KEY
from mss_gateway.directory.held import NO_USAGE, USAGE_NAMES

certificate_requests = Table(
    "certificate_requests",
    metadata,
    Column("request_id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("key_index", LargeBinary, nullable=False),
    # NONE: for a server
    Column("usage", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    UniqueConstraint("key_index"),
    sqlite_autoincrement=True,
)

_USAGES = {name: usage for usage, name in USAGE_NAMES.items()}
_COLUMNS = "request_id, account_id, usage, created_at"


class RequestUnknown(Exception):
    """No request of this number waits for its certificate."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request without an answer. ``usage`` is nothing for that of a server."""

    request_id: int
    account_id: AccountId
    usage: Usage
    created_at: int

    @property
    def is_for_server(self) -> bool:
        """Whether the certificate is for the gateway's listeners, and not for a mailbox."""
        return self.usage is NO_USAGE


def keep(tx: Transaction, account_id: AccountId, key: PrivateKey, usage: Usage) -> Waiting:
    """Keep the key of a request, sealed under the account."""
    seal = tx.vault.account(tx, account_id)
    row = tx.sql(
        "INSERT INTO certificate_requests (account_id, key_index, usage, created_at, sealed_key)"
        f" VALUES (?, ?, ?, ?, ?) RETURNING {_COLUMNS}",
        (
            account_id,
            _mark(tx, key_fingerprint(key.public_key)),
            USAGE_NAMES[usage],
            tx.now,
            key.sealed(lambda plain: seal.seal(plain, KEY)),
        ),
    ).one()
    return _waiting(row)


def waiting(view: View) -> list[Waiting]:
    """Every request without an answer, oldest first."""
    rows = view.sql(f"SELECT {_COLUMNS} FROM certificate_requests ORDER BY request_id")
    return [_waiting(row) for row in rows.fetchall()]


def answered_by(view: View, certificate: Certificate) -> tuple[Waiting, PrivateKey] | None:
    """The request that this certificate answers, with its key: the public key tells."""
    row = view.sql(
        f"SELECT {_COLUMNS}, sealed_key FROM certificate_requests WHERE key_index = ?",
        (_mark(view, key_digest(certificate)),),
    ).first()
    if row is None:
        return None
    found = _waiting(row)
    seal = view.vault.account(view, found.account_id)
    key = PrivateKey.unsealed(bytes(row[4]), lambda sealed: seal.open(sealed, KEY))
    return found, key


def forget(tx: Transaction, request_id: int) -> Waiting:
    """Let go of a request and of its key, which nothing can have used; raises RequestUnknown."""
    row = tx.sql(
        f"DELETE FROM certificate_requests WHERE request_id = ? RETURNING {_COLUMNS}",
        (request_id,),
    ).first()
    if row is None:
        raise RequestUnknown(str(request_id))
    return _waiting(row)


def _mark(view: View, digits: str) -> bytes:
    # the same index as a certificate's: one key is one key
    return view.vault.index.of("public key", digits)


def _waiting(row: tuple[object, ...]) -> Waiting:
    request_id, account_id, usage, created_at = row[:4]
    assert isinstance(request_id, int)
    assert isinstance(account_id, int)
    assert isinstance(created_at, int)
    return Waiting(request_id, AccountId(account_id), _USAGES[str(usage)], created_at)
