"""`mss certs`: list and show."""

from pathlib import Path
from typing import Annotated

import typer

from certs.certificate import Certificate, facts, key_digest, public_key, to_pem
from certs.issuing.profiles import Publishing, kind_of
from mss_gateway.cli.answers import Answer, Json, listing, sheet
from mss_gateway.cli.certs_desk import DAY as DAY
from mss_gateway.cli.certs_desk import Serial, address_of_held
from mss_gateway.cli.certs_desk import certificate_line as certificate_line
from mss_gateway.cli.desk import Desk, authority_of, person_of
from mss_gateway.directory import certificates


def list_all(
    desk: Desk,
    who: Annotated[str, typer.Option("--address", help="Only this holder's.")] = "",
    expiring: Annotated[
        int | None, typer.Option(min=0, help="Only active ones that end within so many days.")
    ] = None,
    shared: Annotated[
        bool, typer.Option("--shared-keys", help="Only those whose key several mailboxes have.")
    ] = False,
) -> Answer:
    """Certificates, oldest first."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        now = gateway.clock()
        if shared:
            found = [held for one in certificates.duplicates(view) for held in one.held]
        elif expiring is not None:
            found = certificates.expiring(view, now + expiring * DAY)
        else:
            found = certificates.everything(view)
        if who:
            account_id = person_of(view, who, gateway.config).account_id
            found = [held for held in found if held.account_id == account_id]
        rows = [certificate_line(held, address_of_held(view, held), now) for held in found]
    columns = {
        "serial": "serial",
        "address": "address",
        "usage": "for",
        "state": "state",
        "key": "key",
        "not_before": "not before",
        "not_after": "not after",
    }
    return listing(rows, columns, "No certificate.")


def show(desk: Desk, serial: Serial) -> Answer:
    """One certificate."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        held = certificates.find(view, serial)
        value = certificate_line(held, address_of_held(view, held), gateway.clock())
        others = certificates.accounts_with_key(view, held.certificate)
        publishing = authority_of(gateway).publishing
    value = {**value, **described(held.certificate, publishing)}
    if len(others) > 1:
        value["key_shared_with_accounts"] = [one for one in others if one != held.account_id]
    pem = to_pem(held.certificate).decode()
    return Answer({**value, "pem": pem}, sheet(value).shown)


def described(certificate: Certificate, publishing: Publishing) -> dict[str, Json]:
    """What a person compares: names, fingerprint, kind of key, how the holder was identified."""
    known = facts(certificate)
    identified = publishing.identified(certificate)
    return {
        "subject": known.subject,
        "issuer": known.issuer,
        "fingerprint": known.fingerprint,
        "key_kind": kind_of(public_key(certificate)),
        "key_fingerprint": key_digest(certificate),
        "identified": None if identified is None else identified.name.lower().replace("_", "-"),
    }


def checked_folder(key_out: Path | None, smime: str) -> Path | None:
    """The folder for a client-held key; wrong usage when it is missing, absent or not wanted."""
    if (key_out is not None) != (smime == "client"):
        raise typer.BadParameter("--key-out goes with a key that the client keeps, and only then")
    if key_out is not None and not key_out.is_dir():
        raise typer.BadParameter("--key-out is not a folder: make it first, mode 0700")
    return key_out
