"""An operator of the demo on its first start: keys, people with their means of access.

Passwords and TOTP secrets are derived from the state's root key, so that nothing but `demo.json`
holds them.
"""

import hashlib
import hmac
from base64 import b32encode
from datetime import UTC, datetime
from pathlib import Path

from certs.certificate import from_pem
from certs.issuing.issue import Authority, export_for_client
from certs.keyring import PrivateKey
from certs.usage import PURPOSES, Purpose, extended_usages
from mailbox_store.database import Transaction
from mss_gateway.cli.certs_book import ensure_domain_key
from mss_gateway.config import Config
from mss_gateway.directory import certificates, passwords, people
from mss_gateway.directory.people import NewPerson, Person
from mss_gateway.life.gateway import Gateway
from mss_gateway.webmail.clientsetup import zone
from policies.people import Role


def prepare(gateway: Gateway, new_people: tuple[NewPerson, ...]) -> None:
    """Server certificate, people with their keys and credentials; for a store just made."""
    authority = authority_of(gateway)
    make_server_certificate(gateway.config, authority)
    for new in new_people:
        _add(gateway, authority, new)


def authority_of(gateway: Gateway) -> Authority:
    """The throw-away authority."""
    with gateway.database.read() as view:
        authority = certificates.load_authority(view, gateway.spool)
    assert authority is not None
    return authority


def complete(gateway: Gateway) -> None:
    """What an earlier release did not make: the keys of domains, a certificate for both sides."""
    authority = authority_of(gateway)
    path = gateway.config.in_state(gateway.config.tls.certificate)
    if not _is_for_both_sides(path):
        make_server_certificate(gateway.config, authority)
    site = gateway.config.site
    for domain in (*site.domains, site.patient_domain):
        ensure_domain_key(gateway, authority, domain)


def _is_for_both_sides(path: Path) -> bool:
    wanted = PURPOSES[Purpose.CLIENT].extended
    return wanted in extended_usages(from_pem(path.read_bytes())[0])


def make_server_certificate(settings: Config, authority: Authority) -> None:
    """For every listener, and for calling other operators."""
    key = PrivateKey.generate("p256")
    now = datetime.now(UTC).replace(microsecond=0)
    # the names where mail programs look for their set-up: a hosts entry brings them here
    names = [
        name
        for domain in settings.site.domains
        for name in (domain, *(f"{alias}.{domain}" for alias in zone.ALIASES))
    ]
    certificate = authority.issue_server(
        ["localhost", *names], ["127.0.0.1", "::1"], key.public_key, now, 365
    )
    folder = settings.in_state(settings.tls.key).parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    export_for_client(
        key,
        (certificate, *authority.chain),
        settings.in_state(settings.tls.key),
        settings.in_state(settings.tls.certificate),
    )


def _add(gateway: Gateway, authority: Authority, new: NewPerson) -> None:
    settings = gateway.config
    key = certificates.new_key(settings.certificates.key_kind)
    password_hash = gateway.passwords.hash(secret(settings, "password", new.address))

    def unit(tx: Transaction) -> tuple[Person, certificates.Held]:
        person = people.add(tx, new, settings.mailboxes)
        passwords.set_password(tx, person.account_id, password_hash)
        if person.role is Role.PATIENT:
            passwords.set_totp(tx, person.account_id, totp(settings, new.address))
        held = certificates.issue(tx, authority, person, key, settings.certificates.mailbox_days)
        return person, held

    person, held = gateway.database.write(unit)
    if person.smime == "client":
        folder = client_folder(settings)
        folder.mkdir(exist_ok=True, mode=0o700)
        name = f"account-{person.account_id}"
        export_for_client(
            key,
            (held.certificate, *authority.chain),
            folder / f"{name}.key",
            folder / f"{name}.pem",
        )


def client_folder(settings: Config) -> Path:
    """Where the professional who keeps the keys has them: beside the state, never within."""
    return settings.base.with_name(settings.base.name + "-client-keys")


def secret(settings: Config, kind: str, address: str) -> str:
    """What somebody signs in with."""
    digest = _derived(settings, kind, address)
    return b32encode(digest)[:16].decode().lower()


def totp(settings: Config, address: str) -> str:
    """The secret of a patient's second factor."""
    return b32encode(_derived(settings, "totp", address)[:20]).decode()


def _derived(settings: Config, kind: str, address: str) -> bytes:
    root = settings.in_state(settings.state.root_key).read_bytes()
    return hmac.digest(root, f"demo {kind} {address}".encode(), hashlib.sha256)
