"""Certificates of mailboxes: kept, found, chosen, taken back.

A mailbox has a signing and an encryption certificate, which may be one. The gateway keeps the
private keys sealed under the account's key; a mailbox with ``smime = "client"`` has certificates
here and its keys elsewhere. A replaced, expired or revoked certificate stays, for reading.

In clear: serial number, dates, states. Fingerprint and public key are blind indexes: both are in
every message that leaves, and would tell whose account a row is about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from certs.book import Provenance
from certs.certificate import Certificate, addresses, fingerprint, to_der, to_pem
from certs.errors import PrivateKeyNotFound
from certs.issuing.issue import Authority
from certs.keyring import KeyKind, PrivateKey
from certs.status.revocation import Revocation, RevocationReason
from certs.usage import PURPOSES, Purpose, Usage, extended_usages, key_usage
from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountId
from mss_gateway.directory.authorities import keep_authority as keep_authority
from mss_gateway.directory.authorities import load_authority as load_authority
from mss_gateway.directory.cabinet import CERTIFICATE, CHAIN, KEY, NEWEST_IN_USE, opened_chain
from mss_gateway.directory.cabinet import Cabinet as Cabinet
from mss_gateway.directory.cabinet import NoSigner as NoSigner
from mss_gateway.directory.held import COLUMNS, USAGE_NAMES, key_mark, mark_of, read
from mss_gateway.directory.held import NO_USAGE as NO_USAGE
from mss_gateway.directory.held import Held as Held
from mss_gateway.directory.held import complete as complete
from mss_gateway.directory.people import Person

_FINGERPRINT_DIGITS = 64


class CertificateUnknown(Exception):
    """No certificate with this serial number or fingerprint."""


class CertificateAmbiguous(CertificateUnknown):
    """Several issuers gave this serial number: the fingerprint tells them apart."""


class CertificateKept(Exception):
    """The directory has this very certificate already."""


class CertificateRefused(Exception):
    """A certificate from elsewhere that is not this mailbox's; the text says why."""


@dataclass(frozen=True, slots=True)
class SharedKey:
    """One public key in several mailboxes: somebody can sign for, and read, somebody else."""

    held: tuple[Held, ...]

    @property
    def accounts(self) -> tuple[AccountId, ...]:
        """The mailboxes concerned, each once."""
        return tuple(dict.fromkeys(one.account_id for one in self.held))


def new_key(kind: str) -> PrivateKey:
    """Draw a key of the configured kind."""
    return PrivateKey.generate(cast("KeyKind", kind))


def new_keys(kind: str, *, separate: bool) -> dict[Usage, PrivateKey]:
    """Draw the keys of a mailbox: one for both, or one to sign and one to be encrypted to.

    Outside of any transaction: an RSA key takes up to a second.
    """
    usages = (Usage.SIGN, Usage.ENCRYPT) if separate else (Usage.BOTH,)
    return {usage: new_key(kind) for usage in usages}


def issue(
    tx: Transaction,
    authority: Authority,
    person: Person,
    key: PrivateKey,
    days: int,
    *,
    usage: Usage = Usage.BOTH,
    use_from: int | None = None,
) -> Held:
    """Issue one certificate, valid from now, and keep its key, sealed.

    A mailbox whose keys are in its own client gets the certificate only. New messages use it at
    once, or from ``use_from`` on. Raises as ``Authority.issue_mailbox``.
    """
    certificate = authority.issue_mailbox(
        person.address,
        person.display_name(),
        key.public_key,
        usage,
        datetime.fromtimestamp(tx.now, UTC),
        days,
    )
    return add(
        tx,
        person.account_id,
        certificate,
        None if person.smime == "client" else key,
        chain=authority.chain,
        provenance=Provenance.ISSUED_HERE,
        use_from=use_from,
    )


def issue_all(
    tx: Transaction,
    authority: Authority,
    person: Person,
    keys: Mapping[Usage, PrivateKey],
    days: int,
    *,
    use_from: int | None = None,
) -> list[Held]:
    """One certificate for each of ``keys``, as :func:`new_keys` draws them, in their order."""
    return [
        issue(tx, authority, person, key, days, usage=usage, use_from=use_from)
        for usage, key in keys.items()
    ]


def add(
    tx: Transaction,
    account_id: AccountId,
    certificate: Certificate,
    key: PrivateKey | None,
    *,
    chain: Sequence[Certificate] = (),
    provenance: Provenance = Provenance.OPERATOR,
    use_from: int | None = None,
) -> Held:
    """Keep a certificate, with its key when the gateway holds it, and its issuers.

    What it is used for is what it says itself. ``chain`` goes with every signature: the issuers up
    to, not including, the trust anchor. Raises :class:`CertificateKept`, ``PrivateKeyNotFound``
    when the key is another one's, ``DerMalformed``.
    """
    if key is not None and key.public_key != certificate.public_key():
        raise PrivateKeyNotFound("the key does not belong to the certificate")
    mark = mark_of(tx, fingerprint(certificate))
    if tx.sql("SELECT 1 FROM certificates WHERE fingerprint_index = ?", (mark,)).first():
        raise CertificateKept(f"{certificate.serial_number:x}")
    not_before = int(certificate.not_valid_before_utc.timestamp())
    seal = tx.vault.account(tx, account_id)
    # in two statements: RETURNING takes "IS NOT NULL" for true in the SQLite that we met
    certificate_id = tx.sql(
        "INSERT INTO certificates (account_id, serial, fingerprint_index, key_index, usage, state,"
        " provenance, not_before, not_after, use_from, sealed_certificate, sealed_chain,"
        " sealed_key) VALUES (?, ?, ?, ?, ?, 'active', ?, ?, ?, ?, ?, ?, ?)"
        " RETURNING certificate_id",
        (
            account_id,
            f"{certificate.serial_number:x}",
            mark,
            key_mark(tx, certificate),
            USAGE_NAMES[usage_of(certificate)],
            provenance.value,
            not_before,
            int(certificate.not_valid_after_utc.timestamp()),
            max(tx.now, not_before) if use_from is None else use_from,
            seal.seal(to_der(certificate), CERTIFICATE),
            seal.seal(to_pem(*chain), CHAIN),
            None if key is None else key.sealed(lambda plain: seal.seal(plain, KEY)),
        ),
    ).scalar_one()
    return read(
        tx,
        tx.sql(f"SELECT {COLUMNS} FROM certificates WHERE certificate_id = ?", (certificate_id,)),
    )[0]


def adopt(
    tx: Transaction,
    person: Person,
    certificate: Certificate,
    key: PrivateKey | None,
    chain: Sequence[Certificate],
) -> Held:
    """Take in a certificate that another issuer gave this person, its key, and its issuers.

    Whether the chain leads to an anchor is for the caller to have checked. A key that another
    mailbox has too is taken, and :func:`accounts_with_key` tells. Raises CertificateRefused when
    the certificate does not name the person's address or is not for mail, and as :func:`add`.
    """
    if person.address not in {address.lower() for address in addresses(certificate)}:
        raise CertificateRefused("the certificate does not name this mailbox's address")
    if not usage_of(certificate):
        raise CertificateRefused("the certificate is not for mail (emailProtection, key usage)")
    if key is None and person.smime != "client":
        raise CertificateRefused("the gateway holds this mailbox's keys: the private key is needed")
    kept = None if person.smime == "client" else key
    if key is not None and key.public_key != certificate.public_key():
        raise PrivateKeyNotFound("the key does not belong to the certificate")
    return add(
        tx, person.account_id, certificate, kept, chain=chain, provenance=Provenance.IMPORTED
    )


def usage_of(certificate: Certificate) -> Usage:
    """What a certificate says it is for in mail: emailProtection and its key usage.

    :data:`NO_USAGE` without emailProtection: ``chain.validate`` would believe no message of it.
    Raises ``DerMalformed``.
    """
    if PURPOSES[Purpose.SIGNATURE].extended not in extended_usages(certificate):
        return NO_USAGE
    return key_usage(certificate)


def of_account(view: View, account_id: AccountId) -> list[Held]:
    """An account's certificates, the newest first."""
    return read(
        view,
        view.sql(
            f"SELECT {COLUMNS} FROM certificates WHERE account_id = ?"
            " ORDER BY not_before DESC, certificate_id DESC",
            (account_id,),
        ),
    )


def everything(view: View) -> list[Held]:
    """Every certificate, for the operator's list. Costs one opening per row."""
    return read(view, view.sql(f"SELECT {COLUMNS} FROM certificates ORDER BY certificate_id"))


def expiring(view: View, before: float, after: float = 0) -> list[Held]:
    """Active certificates whose validity ends from ``after`` until before ``before``, in order.

    Those that have a successor are among them: ``replaced_by`` tells.
    """
    return read(
        view,
        view.sql(
            f"SELECT {COLUMNS} FROM certificates WHERE state = 'active' AND not_after >= ?"
            " AND not_after < ? ORDER BY not_after, certificate_id",
            (after, before),
        ),
    )


def find(view: View, name: str) -> Held:
    """The certificate with this serial number or SHA-256 fingerprint, in hexadecimal.

    Colons, spaces and capitals do not count. Raises :class:`CertificateUnknown`, and
    :class:`CertificateAmbiguous` for a serial number that several issuers gave.
    """
    digits = name.replace(":", "").replace(" ", "").lower()
    is_mark = len(digits) == _FINGERPRINT_DIGITS
    column = "fingerprint_index" if is_mark else "serial"
    value = mark_of(view, digits) if is_mark else digits.lstrip("0")
    found = read(
        view, view.sql(f"SELECT {COLUMNS} FROM certificates WHERE {column} = ? LIMIT 2", (value,))
    )
    if not found:
        raise CertificateUnknown(name)
    if len(found) > 1:
        raise CertificateAmbiguous(name)
    return found[0]


def known(view: View, certificate: Certificate) -> Held | None:
    """This very certificate as the directory keeps it, if it does."""
    mark = fingerprint(certificate)
    rows = view.sql(
        f"SELECT {COLUMNS} FROM certificates WHERE fingerprint_index = ?"
        " OR (serial = ? AND fingerprint_index IS NULL)",
        (mark_of(view, mark), f"{certificate.serial_number:x}"),
    )
    return next((held for held in read(view, rows) if held.fingerprint == mark), None)


def chain_of(view: View, held: Held, issuers: Sequence[Certificate] = ()) -> list[Certificate]:
    """The issuers that were kept with a certificate; ``issuers`` for one of an earlier release."""
    sealed = view.sql(
        "SELECT sealed_chain FROM certificates WHERE certificate_id = ?", (held.certificate_id,)
    ).scalar()
    return list(opened_chain(view.vault.account(view, held.account_id), sealed, tuple(issuers)))


def for_recipient(view: View, account_id: AccountId, now: float) -> Certificate | None:
    """The certificate to encrypt to: valid now, the newest that is in use; None without any."""
    found = read(
        view,
        view.sql(
            f"SELECT {COLUMNS} FROM certificates WHERE account_id = ? AND state = 'active'"
            " AND usage IN ('ENCRYPT', 'BOTH') AND not_before <= ? AND not_after > ?"
            f" {NEWEST_IN_USE}",
            (account_id, now, now, now, now),
        ),
    )
    return found[0].certificate if found else None


def accounts_with_key(view: View, certificate: Certificate) -> list[AccountId]:
    """The mailboxes that have a certificate of this public key, whatever its state."""
    rows = view.sql(
        "SELECT DISTINCT account_id FROM certificates WHERE key_index = ? ORDER BY account_id",
        (key_mark(view, certificate),),
    )
    return [AccountId(row[0]) for row in rows.fetchall()]


def duplicates(view: View) -> list[SharedKey]:
    """The alarm: every public key that stands in certificates of several mailboxes."""
    shared = view.sql(
        "SELECT key_index FROM certificates WHERE key_index IS NOT NULL"
        " GROUP BY key_index HAVING count(DISTINCT account_id) > 1 ORDER BY min(certificate_id)"
    ).fetchall()
    return [
        SharedKey(
            tuple(
                read(
                    view,
                    view.sql(
                        f"SELECT {COLUMNS} FROM certificates WHERE key_index = ?"
                        " ORDER BY certificate_id",
                        row,
                    ),
                )
            )
        )
        for row in shared
    ]


def revoke(
    tx: Transaction, name: str, reason: RevocationReason = RevocationReason.UNSPECIFIED
) -> Held:
    """Take a certificate back; its key stays for reading what was encrypted to it.

    ``name`` as :func:`find`. Taken back again, it keeps its first moment and reason.
    """
    held = find(tx, name)
    tx.sql(
        "UPDATE certificates SET state = 'revoked', revoked_at = ?, revocation_reason = ?"
        " WHERE certificate_id = ? AND state <> 'revoked'",
        (tx.now, reason.value, held.certificate_id),
    )
    return find(tx, held.fingerprint)


def mark_replaced(tx: Transaction, former: Sequence[int], successor: Held) -> None:
    """Put on record what came after certificates; they stay valid until they end."""
    tx.many(
        "UPDATE certificates SET replaced_by = ? WHERE certificate_id = ?",
        [(successor.certificate_id, certificate_id) for certificate_id in former],
    )


def revocations(view: View) -> list[Revocation]:
    """What the authority took back, as the lines of its list; other issuers have their own."""
    rows = view.sql(
        "SELECT serial, revoked_at, revocation_reason FROM certificates"
        " WHERE revoked_at IS NOT NULL AND provenance = ? ORDER BY certificate_id",
        (Provenance.ISSUED_HERE.value,),
    )
    return [
        Revocation(
            int(serial, 16),
            datetime.fromtimestamp(at, UTC),
            RevocationReason(reason or RevocationReason.UNSPECIFIED.value),
        )
        for serial, at, reason in rows
    ]
