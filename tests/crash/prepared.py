"""A state directory that can be served at once: keys, a server certificate, people who sign in."""

from collections.abc import Sequence
from pathlib import Path

from certs.issuing.issue import export_for_client
from certs.keyring import PrivateKey
from mailbox_store.database import Transaction
from mss_gateway import compose
from mss_gateway.config import Config
from mss_gateway.directory import certificates, passwords, people
from mss_gateway.directory.people import NewPerson
from mss_gateway.life.gateway import Gateway

SERVER_DAYS = 365


def prepare(config: Config, everyone: Sequence[NewPerson], password: str) -> Gateway:
    """Make the state of ``config``; all have one password. The gateway is left open."""
    gateway = compose.build(config)
    with gateway.database.read() as view:
        authority = certificates.load_authority(view, gateway.spool)
    assert authority is not None
    key = PrivateKey.generate("p256")
    certificate = authority.issue_server(
        ["localhost"], ["127.0.0.1"], key.public_key, gateway.now(), SERVER_DAYS
    )
    key_file, certificate_file = (
        config.in_state(name) for name in (config.tls.key, config.tls.certificate)
    )
    key_file.parent.mkdir(parents=True)
    export_for_client(key, (certificate, *authority.chain), key_file, certificate_file)
    kept = gateway.passwords.hash(password)
    for new in everyone:
        own = certificates.new_key(config.certificates.key_kind)

        def unit(tx: Transaction, new: NewPerson = new, own: PrivateKey = own) -> None:
            person = people.add(tx, new, config.mailboxes)
            passwords.set_password(tx, person.account_id, kept)
            certificates.issue(tx, authority, person, own, config.certificates.mailbox_days)

        gateway.database.write(unit)
    return gateway


def anchors_file(config: Config) -> Path:
    """The certificates that a client of this state trusts."""
    return config.in_state(config.certificates.anchors)
