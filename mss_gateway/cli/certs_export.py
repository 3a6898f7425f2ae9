"""`mss certs export`: a certificate with its issuers; a key only under a password."""

from pathlib import Path
from typing import Annotated

import typer

from certs import pkcs12
from certs.certificate import to_pem
from certs.keyring import PrivateKey
from mailbox_store.database import Transaction, View
from mss_gateway.cli.answers import Answer, Json, NotDone, sheet
from mss_gateway.cli.certs_desk import Serial, named, password_in, record, write_new
from mss_gateway.cli.certs_import import PasswordFile
from mss_gateway.cli.desk import Desk
from mss_gateway.directory import authorities, certificates, passwords
from mss_gateway.directory.certificates import Held
from mss_gateway.life.gateway import Gateway


def export(
    desk: Desk,
    serial: Serial,
    out: Annotated[Path, typer.Option(help="New file.")],
    with_key: Annotated[
        bool, typer.Option("--pkcs12", help="With the private key, under a password.")
    ] = False,
    password_file: PasswordFile = None,
) -> Answer:
    """A certificate for somebody else; its key only to move to another operator."""
    if password_file is not None and not with_key:
        raise typer.BadParameter("--password-file goes with --pkcs12")
    with desk.gateway() as gateway:
        with gateway.database.read() as view:
            held = certificates.find(view, serial)
            own = authorities.load_authority(view, gateway.spool)
            chain = certificates.chain_of(view, held, () if own is None else own.chain)
            key = _key_of(view, gateway, held) if with_key else None
        value: dict[str, Json] = {
            "serial": held.serial,
            "fingerprint": held.fingerprint,
            "file": str(out),
            "with_key": key is not None,
        }
        if key is None:
            write_new(out, to_pem(held.certificate, *chain))
            return sheet(value)
        password = passwords.new_password() if password_file is None else password_in(password_file)
        made = pkcs12.make(key, held.certificate, chain, password)

        def unit(tx: Transaction) -> None:
            record(tx, named(held), "private key exported under a password")
            write_new(out, made, 0o600)

        gateway.database.write(unit)
    if password_file is not None:
        return sheet(value)
    shown = sheet(value).shown
    return Answer({**value, "password": password}, (*shown, f"Password, shown once: {password}"))


def _key_of(view: View, gateway: Gateway, held: Held) -> PrivateKey:
    pairs = gateway.cabinet.openers(view, held.account_id)
    for certificate, key in pairs if held.has_key else ():
        if certificate == held.certificate:
            return key
    raise NotDone("this key is in its holder's client, and never was here")
