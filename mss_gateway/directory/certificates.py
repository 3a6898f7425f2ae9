"""Certificates and keys of mailboxes, and the operator's own issuing authority.

A mailbox has a signing and an encryption certificate (here one for both). The gateway keeps the
private keys sealed under the account's key; a mailbox with ``smime = "client"`` has certificates
here and its keys elsewhere. A replaced or revoked certificate stays, for reading.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

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

from certs.certificate import Certificate, from_der, to_der
from certs.issue import Authority
from certs.keyring import KeyKind, PrivateKey, Signer
from certs.revocation import Revocation, RevocationReason
from certs.usage import Usage
from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId
from mss_gateway.directory.people import Person

certificates = Table(
    "certificates",
    metadata,
    Column("certificate_id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("serial", Text, nullable=False),
    Column("usage", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("not_before", Integer, nullable=False),
    Column("not_after", Integer, nullable=False),
    Column("revoked_at", Integer),
    Column("sealed_certificate", LargeBinary, nullable=False),
    # NULL when the key is in the client's hands
    Column("sealed_key", LargeBinary),
    UniqueConstraint("serial"),
    Index(None, "account_id", "state"),
    sqlite_autoincrement=True,
)

authorities = Table(
    "authorities",
    metadata,
    Column("authority_id", Integer, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Integer, nullable=False),
)


class NoSigner(Exception):
    """The account has no valid certificate whose key the gateway holds."""


class CertificateUnknown(Exception):
    """No certificate with this serial number."""


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate as the directory keeps it; times in unix seconds."""

    certificate_id: int
    account_id: AccountId
    serial: str
    usage: Usage
    state: str
    not_before: int
    not_after: int
    revoked_at: int | None
    has_key: bool
    certificate: Certificate

    def is_valid(self, now: float) -> bool:
        """Active and within its dates."""
        return self.state == "active" and self.not_before <= now < self.not_after


_COLUMNS = (
    "certificate_id, account_id, serial, usage, state, not_before, not_after, revoked_at,"
    " sealed_certificate, sealed_key IS NOT NULL"
)
_CERTIFICATE, _KEY, _AUTHORITY = b"certificate", b"private-key", b"authority"

SIGNERS_LIMIT = 10_000
"""Signers remembered at most; past it all are let go, and loaded again when they are asked for."""


class Cabinet:
    """Signers ready for use, remembered; whether one is valid is asked of the store each time."""

    def __init__(self, issuers: Sequence[Certificate]) -> None:
        self._issuers = tuple(issuers)
        self._signers: dict[int, Signer] = {}

    def signer(self, view: View, account_id: AccountId, now: float) -> Signer:
        """The newest valid signer of an account; raises :class:`NoSigner`."""
        row = view.sql(
            "SELECT certificate_id FROM certificates WHERE account_id = ? AND state = 'active'"
            " AND usage IN ('SIGN', 'BOTH') AND not_before <= ? AND not_after > ?"
            " AND sealed_key IS NOT NULL ORDER BY not_before DESC, certificate_id DESC LIMIT 1",
            (account_id, now, now),
        ).first()
        if row is None:
            raise NoSigner(account_id)
        known = self._signers.get(row[0])
        if known is None:
            known = self._load(view, account_id, row[0])
            # a certificate made in a transaction that rolls back gives its number to another one
            if not view.writes:
                if len(self._signers) >= SIGNERS_LIMIT:
                    self._signers.clear()
                self._signers[row[0]] = known
        return known

    def openers(self, view: View, account_id: AccountId) -> list[tuple[Certificate, PrivateKey]]:
        """Every key that the gateway holds for an account, whatever its state: for reading."""
        rows = view.sql(
            "SELECT certificate_id FROM certificates WHERE account_id = ?"
            " AND sealed_key IS NOT NULL ORDER BY certificate_id DESC",
            (account_id,),
        ).fetchall()
        signers = [self._load(view, account_id, row[0]) for row in rows]
        return [(signer.certificate, signer.key) for signer in signers]

    def _load(self, view: View, account_id: AccountId, certificate_id: int) -> Signer:
        row = view.sql(
            "SELECT sealed_certificate, sealed_key FROM certificates WHERE certificate_id = ?",
            (certificate_id,),
        ).one()
        seal = view.vault.account(view, account_id)
        certificate = from_der(seal.open(bytes(row[0]), _CERTIFICATE))
        key = PrivateKey.unsealed(bytes(row[1]), lambda sealed: seal.open(sealed, _KEY))
        return Signer(key, certificate, self._issuers)


def issue(
    tx: Transaction, authority: Authority, person: Person, key: PrivateKey, days: int
) -> Held:
    """Issue a certificate for signing and encryption and keep its key, sealed.

    A mailbox whose keys are in its own client gets the certificate only.
    """
    certificate = authority.issue_mailbox(
        person.address,
        person.display_name(),
        key.public_key,
        Usage.BOTH,
        datetime.fromtimestamp(tx.now, UTC),
        days,
    )
    return add(tx, person.account_id, certificate, None if person.smime == "client" else key)


def add(
    tx: Transaction, account_id: AccountId, certificate: Certificate, key: PrivateKey | None
) -> Held:
    """Keep a certificate, with its key when the gateway holds it."""
    seal = tx.vault.account(tx, account_id)
    certificate_id = tx.sql(
        "INSERT INTO certificates (account_id, serial, usage, state, not_before, not_after,"
        " sealed_certificate, sealed_key) VALUES (?, ?, 'BOTH', 'active', ?, ?, ?, ?)"
        " RETURNING certificate_id",
        (
            account_id,
            f"{certificate.serial_number:x}",
            int(certificate.not_valid_before_utc.timestamp()),
            int(certificate.not_valid_after_utc.timestamp()),
            seal.seal(to_der(certificate), _CERTIFICATE),
            None if key is None else key.sealed(lambda plain: seal.seal(plain, _KEY)),
        ),
    ).scalar_one()
    return _held(
        tx,
        tx.sql(f"SELECT {_COLUMNS} FROM certificates WHERE certificate_id = ?", (certificate_id,)),
    )[0]


def of_account(view: View, account_id: AccountId) -> list[Held]:
    """An account's certificates, the newest first."""
    return _held(
        view,
        view.sql(
            f"SELECT {_COLUMNS} FROM certificates WHERE account_id = ?"
            " ORDER BY not_before DESC, certificate_id DESC",
            (account_id,),
        ),
    )


def everything(view: View) -> list[Held]:
    """Every certificate, for the operator's list and for the revocation list."""
    return _held(view, view.sql(f"SELECT {_COLUMNS} FROM certificates ORDER BY certificate_id"))


def find(view: View, serial: str) -> Held:
    """The certificate with this serial number in hexadecimal; raises CertificateUnknown."""
    found = _held(
        view, view.sql(f"SELECT {_COLUMNS} FROM certificates WHERE serial = ?", (serial.lower(),))
    )
    if not found:
        raise CertificateUnknown(serial)
    return found[0]


def for_recipient(view: View, account_id: AccountId, now: float) -> Certificate | None:
    """The certificate to encrypt to, valid now, the newest first; None when there is none."""
    for held in of_account(view, account_id):
        if held.is_valid(now) and Usage.ENCRYPT in held.usage:
            return held.certificate
    return None


def revoke(tx: Transaction, serial: str) -> Held:
    """Take a certificate back; its key stays for reading what was encrypted to it."""
    held = find(tx, serial)
    tx.sql(
        "UPDATE certificates SET state = 'revoked', revoked_at = ?"
        " WHERE certificate_id = ? AND state <> 'revoked'",
        (tx.now, held.certificate_id),
    )
    return find(tx, serial)


def revocations(view: View) -> list[Revocation]:
    """What the authority took back, as the lines of its list."""
    rows = view.sql(
        "SELECT serial, revoked_at FROM certificates WHERE revoked_at IS NOT NULL"
        " ORDER BY certificate_id"
    )
    return [
        Revocation(int(serial, 16), datetime.fromtimestamp(at, UTC), RevocationReason.UNSPECIFIED)
        for serial, at in rows
    ]


def keep_authority(tx: Transaction, account_id: AccountId, authority: Authority) -> None:
    """Keep the issuing authority, sealed under the gateway's own account."""
    seal = tx.vault.account(tx, account_id)
    sealed = authority.sealed(lambda plain: seal.seal(plain, _AUTHORITY))
    tx.sql("INSERT INTO authorities (sealed, created_at) VALUES (?, ?)", (sealed, tx.now))


def load_authority(view: View, account_id: AccountId) -> Authority | None:
    """The newest issuing authority, or None when certificates come from elsewhere."""
    row = view.sql("SELECT sealed FROM authorities ORDER BY authority_id DESC LIMIT 1").first()
    if row is None:
        return None
    seal = view.vault.account(view, account_id)
    return Authority.load(bytes(row[0]), lambda sealed: seal.open(sealed, _AUTHORITY))


def new_key(kind: str) -> PrivateKey:
    """Draw a key of the configured kind."""
    return PrivateKey.generate(cast("KeyKind", kind))


def _held(view: View, rows: Any) -> list[Held]:
    found = []
    for row in rows.fetchall():
        account_id = AccountId(row[1])
        seal = view.vault.account(view, account_id)
        found.append(
            Held(
                row[0],
                account_id,
                row[2],
                Usage[row[3]],
                row[4],
                row[5],
                row[6],
                row[7],
                bool(row[9]),
                from_der(seal.open(bytes(row[8]), _CERTIFICATE)),
            )
        )
    return found
