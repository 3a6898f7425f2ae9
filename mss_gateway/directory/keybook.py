"""The key book: certificates and capabilities of correspondents elsewhere, by address.

Learned from signed messages that were verified, from a directory, from the operator. A certificate
enters only for an address that it names itself. It is kept with its issuers, because what is
encrypted to it later must find its path again. What a correspondent can read belongs to the
address, the latest said counting: a signing certificate says it for the encryption certificate.
All of it is sealed under the gateway's own account, ``site`` below.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from certs import book
from certs.book import Provenance
from certs.capabilities import Capabilities
from certs.certificate import Certificate, addresses, fingerprint, from_der, to_der
from certs.usage import Usage
from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId
from mss_gateway.directory import certificates, people
from mss_gateway.directory.held import key_mark, mark_of

correspondents = Table(
    "correspondents",
    metadata,
    Column("correspondent_id", Integer, primary_key=True),
    Column("address_index", LargeBinary, nullable=False),
    Column("fingerprint_index", LargeBinary, nullable=False),
    Column("key_index", LargeBinary, nullable=False),
    Column("provenance", Text, nullable=False),
    # active, or refused: not used, and not learned again
    Column("state", Text, nullable=False),
    Column("not_before", Integer, nullable=False),
    Column("not_after", Integer, nullable=False),
    Column("first_seen", Integer, nullable=False),
    Column("last_seen", Integer, nullable=False),
    # when the correspondent said what they can read; NULL when they never did
    Column("capabilities_at", Integer),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("address_index", "fingerprint_index"),
    Index(None, "key_index"),
    sqlite_autoincrement=True,
)

PER_ADDRESS: Final = 20
"""Certificates kept for one address; of more, those not seen for longest go."""

CHAIN: Final = 10
"""Issuers kept with a certificate."""

_AUTHORITY = {
    Provenance.SIGNED_MESSAGE: 0,
    Provenance.DIRECTORY: 1,
    Provenance.IMPORTED: 2,
    Provenance.ISSUED_HERE: 2,
    Provenance.OPERATOR: 3,
}
"""Who says it counts more: seen again in a message, what the operator entered stays theirs."""


class NotForAddress(Exception):
    """The certificate does not name the address as one of its own (rfc822Name)."""


@dataclass(frozen=True, slots=True)
class Correspondent:
    """One certificate of an address; times in unix seconds.

    ``capabilities`` are those that came with this certificate, None when it never said any.
    """

    correspondent_id: int
    address: str
    certificate: Certificate
    chain: tuple[Certificate, ...]
    capabilities: Capabilities | None
    provenance: Provenance
    is_refused: bool
    first_seen: int
    last_seen: int
    capabilities_at: int | None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hexadecimal."""
        return fingerprint(self.certificate)


@dataclass(frozen=True, slots=True)
class Learned:
    """What learning came to. ``shared_with`` is the alarm: other addresses with the same key."""

    is_new: bool
    is_refused: bool
    shared_with: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Best:
    """To whom a message is encrypted: the certificate, its issuers, and what its holder reads."""

    certificate: Certificate
    chain: tuple[Certificate, ...]
    capabilities: Capabilities | None


_COLUMNS = (
    "correspondent_id, address_index, fingerprint_index, provenance, state, first_seen, last_seen,"
    " capabilities_at, sealed"
)


def learn(
    tx: Transaction,
    site: AccountId,
    address: str,
    certificate: Certificate,
    capabilities: Capabilities | None,
    provenance: Provenance,
    *,
    chain: Sequence[Certificate] = (),
    said_at: int | None = None,
) -> Learned:
    """Enter a certificate that was verified, or see it again.

    ``address`` in normal form. ``said_at``: the signing time of the message that the capabilities
    came with, so that an old message shown again lowers nothing; now, when it is not said. Raises
    :class:`NotForAddress`, ``DerMalformed``.
    """
    if address not in {named.lower() for named in addresses(certificate)}:
        raise NotForAddress
    at = tx.now if said_at is None else min(said_at, tx.now)
    former = _of_certificate(tx, site, address, certificate)
    entry = Correspondent(
        0,
        address,
        certificate,
        tuple(chain[:CHAIN]),
        capabilities,
        provenance,
        False,
        tx.now,
        tx.now,
        None if capabilities is None else at,
    )
    if former is None:
        _insert(tx, site, entry)
        _drop_eldest(tx, address)
    else:
        entry = _merged(former, entry)
        _update(tx, site, entry)
    return Learned(former is None, entry.is_refused, shared_with(tx, site, address, certificate))


def best(
    view: View, site: AccountId, address: str, now: float, usage: Usage = Usage.ENCRYPT
) -> Best | None:
    """The certificate to use for an address now, the first of :func:`ranked`; None without."""
    return next(iter(ranked(view, site, address, now, usage)), None)


def ranked(
    view: View, site: AccountId, address: str, now: float, usage: Usage = Usage.ENCRYPT
) -> list[Best]:
    """Every certificate that may be used for an address now, in the order to try them.

    What the operator entered first, then the directory's, then what messages taught; of the same
    weight the newest, as ``certs.book.ranked``. Capabilities are the last that the address is known
    to have said, with whatever certificate. Whether a certificate is believed today,
    ``chain.validate`` says: one that was taken back may stand before one that was not.
    """
    known = [one for one in of_address(view, site, address) if not one.is_refused]
    entries = {
        book.Entry(
            one.address,
            one.certificate,
            one.provenance,
            datetime.fromtimestamp(one.first_seen, UTC),
        ): one
        for one in known
    }
    at, said = datetime.fromtimestamp(now, UTC), _last_said(known)
    found: list[Best] = []
    for rank in sorted(set(_AUTHORITY.values()), reverse=True):
        weighing = [entry for entry in entries if _AUTHORITY[entry.provenance] == rank]
        for entry in book.ranked(weighing, usage, at):
            found.append(Best(entry.certificate, entries[entry].chain, said))
    return found


def capabilities_of(view: View, site: AccountId, address: str) -> Capabilities | None:
    """What an address last said that it can read; None when it never did."""
    rows = view.sql(
        f"SELECT {_COLUMNS} FROM correspondents WHERE address_index = ?"
        " AND capabilities_at IS NOT NULL AND state = 'active'",
        (_address_mark(view, address),),
    )
    return _last_said(_read(view, site, rows))


def of_address(view: View, site: AccountId, address: str) -> list[Correspondent]:
    """Every certificate kept for an address, the last entered first."""
    rows = view.sql(
        f"SELECT {_COLUMNS} FROM correspondents WHERE address_index = ?"
        " ORDER BY correspondent_id DESC",
        (_address_mark(view, address),),
    )
    return _read(view, site, rows)


def everyone(view: View, site: AccountId) -> list[Correspondent]:
    """The whole book, in the order of learning. For the operator; costs one opening per row."""
    rows = view.sql(f"SELECT {_COLUMNS} FROM correspondents ORDER BY correspondent_id")
    return _read(view, site, rows)


def shared_with(
    view: View, site: AccountId, address: str, certificate: Certificate
) -> tuple[str, ...]:
    """Other addresses, in the book or of mailboxes here, that have the same public key."""
    rows = view.sql(
        f"SELECT {_COLUMNS} FROM correspondents WHERE key_index = ? AND address_index <> ?",
        (key_mark(view, certificate), _address_mark(view, address)),
    )
    found = [one.address for one in _read(view, site, rows)]
    found += [
        people.by_account(view, account_id).address
        for account_id in certificates.accounts_with_key(view, certificate)
    ]
    return tuple(dict.fromkeys(other for other in found if other != address))


def refuse(tx: Transaction, address: str, digits: str) -> bool:
    """Use a certificate no more for this address, and learn it no more; False without it.

    ``digits``: its SHA-256 fingerprint in hexadecimal.
    """
    changed = tx.sql(
        "UPDATE correspondents SET state = 'refused' WHERE address_index = ?"
        " AND fingerprint_index = ? RETURNING correspondent_id",
        (_address_mark(tx, address), mark_of(tx, digits.lower())),
    ).first()
    return changed is not None


def forget(tx: Transaction, address: str, digits: str = "") -> int:
    """Take certificates of an address out of the book, all or one; how many there were.

    One that comes again is learned again; :func:`refuse` is for one that must not.
    """
    statement = "DELETE FROM correspondents WHERE address_index = ?"
    parameters: tuple[bytes, ...] = (_address_mark(tx, address),)
    if digits:
        statement += " AND fingerprint_index = ?"
        parameters = (*parameters, mark_of(tx, digits.lower()))
    return len(tx.sql(f"{statement} RETURNING correspondent_id", parameters).fetchall())


def _last_said(known: Iterable[Correspondent]) -> Capabilities | None:
    said = [one for one in known if one.capabilities_at is not None]
    last = max(said, key=lambda one: (one.capabilities_at, one.correspondent_id), default=None)
    return None if last is None else last.capabilities


def _merged(former: Correspondent, again: Correspondent) -> Correspondent:
    """What is known after a certificate was seen again."""
    is_newer = again.capabilities_at is not None and again.capabilities_at >= (
        former.capabilities_at or 0
    )
    is_higher = _AUTHORITY[again.provenance] > _AUTHORITY[former.provenance]
    return replace(
        former,
        chain=again.chain or former.chain,
        capabilities=again.capabilities if is_newer else former.capabilities,
        capabilities_at=again.capabilities_at if is_newer else former.capabilities_at,
        provenance=again.provenance if is_higher else former.provenance,
        last_seen=again.last_seen,
        is_refused=former.is_refused,
    )


def _insert(tx: Transaction, site: AccountId, entry: Correspondent) -> None:
    certificate = entry.certificate
    address_mark, mark = _marks(tx, entry)
    tx.sql(
        "INSERT INTO correspondents (address_index, fingerprint_index, key_index, provenance,"
        " state, not_before, not_after, first_seen, last_seen, capabilities_at, sealed)"
        " VALUES (?, ?, ?, ?, 'active', ?, ?, ?, ?, ?, ?)",
        (
            address_mark,
            mark,
            key_mark(tx, certificate),
            entry.provenance.value,
            int(certificate.not_valid_before_utc.timestamp()),
            int(certificate.not_valid_after_utc.timestamp()),
            entry.first_seen,
            entry.last_seen,
            entry.capabilities_at,
            _sealed(tx, site, entry),
        ),
    )


def _update(tx: Transaction, site: AccountId, entry: Correspondent) -> None:
    tx.sql(
        "UPDATE correspondents SET provenance = ?, last_seen = ?, capabilities_at = ?, sealed = ?"
        " WHERE correspondent_id = ?",
        (
            entry.provenance.value,
            entry.last_seen,
            entry.capabilities_at,
            _sealed(tx, site, entry),
            entry.correspondent_id,
        ),
    )


def _drop_eldest(tx: Transaction, address: str) -> None:
    """A refused one stays: it would be learned again."""
    tx.sql(
        "DELETE FROM correspondents WHERE correspondent_id IN (SELECT correspondent_id"
        " FROM correspondents WHERE address_index = ? AND state = 'active'"
        " AND provenance = 'signed_message'"
        " ORDER BY last_seen DESC, correspondent_id DESC LIMIT -1 OFFSET ?)",
        (_address_mark(tx, address), PER_ADDRESS),
    )


def _of_certificate(
    view: View, site: AccountId, address: str, certificate: Certificate
) -> Correspondent | None:
    rows = view.sql(
        f"SELECT {_COLUMNS} FROM correspondents WHERE address_index = ? AND fingerprint_index = ?",
        (_address_mark(view, address), mark_of(view, fingerprint(certificate))),
    )
    found = _read(view, site, rows)
    return found[0] if found else None


def _address_mark(view: View, address: str) -> bytes:
    return view.vault.index.of("address", address)


def _marks(view: View, entry: Correspondent) -> tuple[bytes, bytes]:
    return _address_mark(view, entry.address), mark_of(view, entry.fingerprint)


def _context(marks: Iterable[bytes]) -> bytes:
    return b"correspondent " + b"".join(marks)


def _sealed(tx: Transaction, site: AccountId, entry: Correspondent) -> bytes:
    known = entry.capabilities
    packed = {
        "address": entry.address,
        "certificates": [
            base64.b64encode(to_der(each)).decode() for each in (entry.certificate, *entry.chain)
        ],
        "capabilities": None if known is None else sorted(known.names),
    }
    seal = tx.vault.account(tx, site)
    return seal.seal(json.dumps(packed).encode(), _context(_marks(tx, entry)))


def _read(view: View, site: AccountId, rows: Any) -> list[Correspondent]:
    seal = view.vault.account(view, site)
    found = []
    for row in rows.fetchall():
        opened = json.loads(seal.open(bytes(row[8]), _context((bytes(row[1]), bytes(row[2])))))
        certificate, *chain = (from_der(base64.b64decode(der)) for der in opened["certificates"])
        names = opened["capabilities"]
        found.append(
            Correspondent(
                row[0],
                opened["address"],
                certificate,
                tuple(chain),
                None if names is None else Capabilities(frozenset(names)),
                Provenance(row[3]),
                row[4] == "refused",
                row[5],
                row[6],
                row[7],
            )
        )
    return found
