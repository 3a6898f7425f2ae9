"""Opening a mailbox whole: holder, folders, password, second factor, certificate, audit.

What a holder is given is made here, returned once, and kept only as the store keeps it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from certs.issuing.issue import Authority, export_for_client
from certs.keyring import PrivateKey
from certs.usage import Usage
from mailbox_store.database import Transaction
from mss_gateway.cli.answers import Json
from mss_gateway.cli.desk import OPERATOR
from mss_gateway.directory import app_passwords, certificates, passwords, people
from mss_gateway.directory.certificates import Held
from mss_gateway.directory.people import NewPerson, Person
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import audit
from mss_gateway.webmail import sessions
from mss_gateway.webmail.otp_picture import otpauth
from policies.people import Role


@dataclass(frozen=True, slots=True)
class Access:
    """What is handed over, once. ``totp_secret`` and codes are a patient's."""

    password: str
    totp_secret: str = ""
    recovery_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Where a client-held key was written."""

    key: Path
    certificate: Path


@dataclass(frozen=True, slots=True)
class Prepared:
    """What costs time, made before the transaction: the key and the hash of the password."""

    person: NewPerson
    password: str
    password_hash: str
    key: PrivateKey


@dataclass(frozen=True, slots=True)
class Opened:
    """A mailbox just opened."""

    person: Person
    access: Access
    held: Held
    files: KeyFiles | None


def prepare(gateway: Gateway, person: NewPerson) -> Prepared:
    """Draw the key and hash a fresh password: about 0.2 s, on any thread."""
    password = passwords.new_password()
    key = certificates.new_key(gateway.config.certificates.key_kind)
    return Prepared(person, password, gateway.passwords.hash(password), key)


def open_mailbox(
    tx: Transaction,
    gateway: Gateway,
    authority: Authority,
    prepared: Prepared,
    key_folder: Path | None = None,
) -> Opened:
    """Everything of a new holder in one transaction; raises PersonExists.

    ``key_folder`` is where a client-held key goes, written before the COMMIT: no holder exists
    whose key was lost.
    """
    person = people.add(tx, prepared.person, gateway.config.mailboxes)
    audit.record(
        tx, actor=OPERATOR, act="people", object=f"account:{person.account_id}", verdict="added"
    )
    access = _grant(tx, person, prepared.password, prepared.password_hash)
    held, files = issue(tx, gateway, authority, person, prepared.key, key_folder)
    return Opened(person, access, held, files)


def issue(
    tx: Transaction,
    gateway: Gateway,
    authority: Authority,
    person: Person,
    key: PrivateKey,
    key_folder: Path | None,
    *,
    usage: Usage = Usage.BOTH,
    use_from: int | None = None,
) -> tuple[Held, KeyFiles | None]:
    """A certificate of the authority, on record; raises FileExistsError for a key file."""
    days = gateway.config.certificates.mailbox_days
    held = certificates.issue(tx, authority, person, key, days, usage=usage, use_from=use_from)
    audit.record(
        tx,
        actor=OPERATOR,
        act="certificate",
        object=f"account:{person.account_id} certificate:{held.serial}",
        verdict="issued",
    )
    if key_folder is None:
        return held, None
    # named after the serial number: a name in a folder would tell who has a mailbox
    files = KeyFiles(key_folder / f"{held.serial}.key", key_folder / f"{held.serial}.pem")
    export_for_client(key, (held.certificate, *authority.chain), files.key, files.certificate)
    return held, files


def reset(gateway: Gateway, person: Person) -> Access:
    """New means of access; the former, and open sessions of the webmail, end with the COMMIT.

    App passwords end too: whoever asks may have lost the machine that holds one.
    """
    password = passwords.new_password()
    password_hash = gateway.passwords.hash(password)

    def unit(tx: Transaction) -> Access:
        access = _grant(tx, person, password, password_hash)
        app_passwords.revoke_all(tx, person.account_id)
        sessions.end_all(tx, person.account_id)
        audit.record(
            tx,
            actor=OPERATOR,
            act="people",
            object=f"account:{person.account_id}",
            verdict="access reset after an identity check",
        )
        return access

    return gateway.database.write(unit)


def handed_over(access: Access, person: Person, issuer: str) -> Mapping[str, Json]:
    """The means of access as keys of an answer; null where a holder has none."""
    has_totp = bool(access.totp_secret)
    return {
        "password": access.password,
        "totp_secret": access.totp_secret or None,
        "otpauth": otpauth(access.totp_secret, person, issuer) if has_totp else None,
        "recovery_codes": list(access.recovery_codes) or None,
    }


def _grant(tx: Transaction, person: Person, password: str, password_hash: str) -> Access:
    passwords.set_password(tx, person.account_id, password_hash)
    if person.role is not Role.PATIENT:
        return Access(password)
    secret = passwords.new_totp_secret()
    passwords.set_totp(tx, person.account_id, secret)
    return Access(password, secret, tuple(passwords.new_recovery_codes(tx, person.account_id)))
