"""The row of a certificate: what is kept of it, and how it is read.

In clear: serial number, dates, states. Fingerprint and public key are blind indexes: both are in
every message that leaves, and would tell whose account a row is about.
"""

from dataclasses import dataclass

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from certs.book import Provenance
from certs.certificate import Certificate, fingerprint, from_der, key_digest
from certs.status.revocation import RevocationReason
from certs.usage import Usage
from mailbox_store.database import Database, Transaction, View
from mailbox_store.rows import Rows
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId
from mss_gateway.directory.cabinet import CERTIFICATE

certificates = Table(
    "certificates",
    metadata,
    Column("certificate_id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    # unique with its issuer only
    Column("serial", Text, nullable=False),
    # NULL, both, until ``complete`` has opened what an earlier release sealed
    Column("fingerprint_index", LargeBinary),
    Column("key_index", LargeBinary),
    Column("usage", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("provenance", Text, nullable=False),
    Column("not_before", Integer, nullable=False),
    Column("not_after", Integer, nullable=False),
    # new messages use it from then on; it opens and verifies before
    Column("use_from", Integer, nullable=False),
    Column("revoked_at", Integer),
    Column("revocation_reason", Text),
    Column("replaced_by", Integer),
    Column("sealed_certificate", LargeBinary, nullable=False),
    # NULL: the issuers of the gateway's own authority, as earlier releases kept it
    Column("sealed_chain", LargeBinary),
    # NULL when the key is in the client's hands
    Column("sealed_key", LargeBinary),
    UniqueConstraint("fingerprint_index"),
    Index(None, "account_id", "state"),
    Index(None, "serial"),
    Index(None, "key_index", "account_id"),
    Index(None, "state", "not_after"),
    sqlite_autoincrement=True,
)

NO_USAGE = Usage(0)
"""Of a certificate that is not for mail: an application's, to sign in with."""

USAGE_NAMES = {Usage.SIGN: "SIGN", Usage.ENCRYPT: "ENCRYPT", Usage.BOTH: "BOTH", NO_USAGE: "NONE"}
_USAGES = {name: usage for usage, name in USAGE_NAMES.items()}

_BATCH = 500
"""Rows completed in one transaction."""


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate as the directory keeps it; times in unix seconds."""

    certificate_id: int
    account_id: AccountId
    serial: str
    usage: Usage
    state: str
    provenance: Provenance
    not_before: int
    not_after: int
    use_from: int
    revoked_at: int | None
    revocation_reason: RevocationReason | None
    replaced_by: int | None
    has_key: bool
    certificate: Certificate

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hexadecimal."""
        return fingerprint(self.certificate)

    def is_valid(self, now: float) -> bool:
        """Active and within its dates."""
        return self.state == "active" and self.not_before <= now < self.not_after


COLUMNS = (
    "certificate_id, account_id, serial, usage, state, provenance, not_before, not_after, use_from,"
    " revoked_at, revocation_reason, replaced_by, sealed_certificate, sealed_key IS NOT NULL"
)
"""What :func:`read` reads."""


def mark_of(view: View, digits: str) -> bytes:
    """The blind index of a fingerprint in 64 lower-case hexadecimal digits."""
    return view.vault.index.of("certificate", digits)


def key_mark(view: View, certificate: Certificate) -> bytes:
    """The blind index of a certificate's public key."""
    return view.vault.index.of("public key", key_digest(certificate))


def read(view: View, rows: Rows) -> list[Held]:
    """The certificates of rows of :data:`COLUMNS`; costs one opening each."""
    found = []
    for row in rows.fetchall():
        account_id = AccountId(row[1])
        seal = view.vault.account(view, account_id)
        found.append(
            Held(
                row[0],
                account_id,
                row[2],
                _USAGES[row[3]],
                row[4],
                Provenance(row[5]),
                row[6],
                row[7],
                row[8],
                row[9],
                None if row[10] is None else RevocationReason(row[10]),
                row[11],
                bool(row[13]),
                from_der(seal.open(bytes(row[12]), CERTIFICATE)),
            )
        )
    return found


def complete(database: Database) -> int:
    """Find fingerprint and key of certificates that an earlier release kept; how many there were.

    A step of the schema has no keys to open them with. To be called at every start, before
    anything is served; costs one look when there is nothing to do.
    """
    count = 0
    while done := database.write(_complete_some) if _is_incomplete(database) else 0:
        count += done
    return count


def _is_incomplete(database: Database) -> bool:
    with database.read() as view:
        found = view.sql("SELECT 1 FROM certificates WHERE fingerprint_index IS NULL LIMIT 1")
        return found.first() is not None


def _complete_some(tx: Transaction) -> int:
    rows = tx.sql(
        f"SELECT {COLUMNS} FROM certificates WHERE fingerprint_index IS NULL LIMIT ?", (_BATCH,)
    )
    found = read(tx, rows)
    tx.many(
        "UPDATE certificates SET fingerprint_index = ?, key_index = ? WHERE certificate_id = ?",
        [
            (mark_of(tx, held.fingerprint), key_mark(tx, held.certificate), held.certificate_id)
            for held in found
        ],
    )
    return len(found)
