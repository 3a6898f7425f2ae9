"""`mss certs`: issue, list, show, revoke, revocation list; the server's own certificate."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from certs.certificate import Certificate, facts, to_pem
from certs.issue import export_for_client
from certs.keyring import PrivateKey
from mailbox_store.database import Transaction, View
from mss_gateway.cli import access
from mss_gateway.cli.answers import Answer, Json, listing, moment, sheet
from mss_gateway.cli.desk import OPERATOR, Desk, authority_of, person_of
from mss_gateway.directory import certificates, people
from mss_gateway.directory.certificates import Held
from mss_gateway.observability import audit

DAY = 86_400
SERVER_DAYS = 365

Serial = Annotated[str, typer.Argument(metavar="SERIAL", help="Serial number, hexadecimal.")]
KeyOut = Annotated[Path | None, typer.Option(help="Folder for a client-held key and certificate.")]


def issue(
    desk: Desk,
    who: Annotated[str, typer.Argument(metavar="ADDRESS", help="The holder's address or INS.")],
    key_out: KeyOut = None,
) -> Answer:
    """A new certificate beside the earlier ones."""
    with desk.gateway() as gateway:
        authority = authority_of(gateway)
        with gateway.database.read() as view:
            person = person_of(view, who, gateway.config)
        folder = checked_folder(key_out, person.smime)
        key = certificates.new_key(gateway.config.certificates.key_kind)
        held, files = gateway.database.write(
            lambda tx: access.issue(tx, gateway, authority, person, key, folder)
        )
        value = {
            **certificate_line(held, person.address, gateway.clock()),
            "key_file": None if files is None else str(files.key),
            "certificate_file": None if files is None else str(files.certificate),
        }
    return sheet(value)


def issue_server(
    desk: Desk,
    name: Annotated[list[str] | None, typer.Option(help="DNS name; may be repeated.")] = None,
    ip: Annotated[list[str] | None, typer.Option(help="IP address; may be repeated.")] = None,
    days: Annotated[int, typer.Option(min=1, max=825, help="Days of validity.")] = SERVER_DAYS,
) -> Answer:
    """Key and certificate of the listeners; names default to site.hostname."""
    with desk.gateway(makes_store=True) as gateway:
        settings = gateway.config
        authority = authority_of(gateway)
        key = PrivateKey.generate("p256")
        now = gateway.now().replace(microsecond=0)
        names = name or [settings.site.hostname]
        try:
            made = authority.issue_server(names, ip or [], key.public_key, now, days)
        except ValueError:
            raise typer.BadParameter(
                "a name is not a DNS name, or an --ip not an address"
            ) from None
        paths = (settings.in_state(settings.tls.key), settings.in_state(settings.tls.certificate))

        def unit(tx: Transaction) -> None:
            _record(tx, f"server certificate:{made.serial_number:x}", "issued")
            for path in paths:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            export_for_client(key, (made, *authority.chain), *paths)

        gateway.database.write(unit)
    return sheet(
        {
            "serial": f"{made.serial_number:x}",
            "names": [*names, *(ip or [])],
            "not_after": moment(made.not_valid_after_utc.timestamp()),
            "key_file": str(paths[0]),
            "certificate_file": str(paths[1]),
        }
    )


def list_all(
    desk: Desk,
    who: Annotated[str, typer.Option("--address", help="Only this holder's.")] = "",
    expiring: Annotated[
        int | None, typer.Option(min=0, help="Only active ones that end within so many days.")
    ] = None,
) -> Answer:
    """Certificates, oldest first."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        now = gateway.clock()
        found = certificates.everything(view)
        if who:
            account_id = person_of(view, who, gateway.config).account_id
            found = [held for held in found if held.account_id == account_id]
        if expiring is not None:
            found = [
                held
                for held in found
                if held.state == "active" and held.not_after < now + expiring * DAY
            ]
        rows = [certificate_line(held, _address(view, held), now) for held in found]
    columns = {
        "serial": "serial",
        "address": "address",
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
        value = certificate_line(held, _address(view, held), gateway.clock())
    pem = to_pem(held.certificate).decode()
    return Answer({**_described(held.certificate, value), "pem": pem}, sheet(value).shown)


def revoke(desk: Desk, serial: Serial) -> Answer:
    """Take one back."""
    with desk.gateway() as gateway:

        def unit(tx: Transaction) -> dict[str, Json]:
            before = certificates.find(tx, serial)
            held = certificates.revoke(tx, serial)
            if before.state != "revoked":
                _record(tx, f"account:{held.account_id} certificate:{held.serial}", "revoked")
            return certificate_line(held, _address(tx, held), tx.now)

        value = gateway.database.write(unit)
    return Answer(
        value,
        (
            f"Certificate {value['serial']} is revoked since {value['revoked_at']}.",
            "`mss certs crl` writes the list that tells others.",
        ),
    )


def crl(
    desk: Desk,
    out: Annotated[Path, typer.Option(help="Where to write the list (DER).")],
    days: Annotated[int, typer.Option(min=1, max=90, help="Until the next list.")] = 7,
) -> Answer:
    """The signed list of what was taken back."""
    with desk.gateway() as gateway:
        authority = authority_of(gateway)
        with gateway.database.read() as view:
            revoked = certificates.revocations(view)
        now = gateway.now().replace(microsecond=0)
        next_update = now + timedelta(days=days)
        encoded = authority.crl(revoked, now, next_update)

        def unit(tx: Transaction) -> None:
            _record(tx, f"revocation list of {len(revoked)}", "issued")
            _write_whole(out, encoded)

        gateway.database.write(unit)
    return sheet(
        {
            "file": str(out),
            "revoked": len(revoked),
            "next_update": moment(next_update.timestamp()),
        }
    )


def certificate_line(held: Held, address: str, now: float) -> dict[str, Json]:
    """A certificate as one line of an answer."""
    return {
        "serial": held.serial,
        "account": held.account_id,
        "address": address,
        "state": state_of(held, now),
        "usage": str(held.usage.name).lower(),
        "key": "gateway" if held.has_key else "client",
        "not_before": moment(held.not_before),
        "not_after": moment(held.not_after),
        "revoked_at": moment(held.revoked_at),
    }


def state_of(held: Held, now: float) -> str:
    """``active``, ``revoked``, ``expired`` or ``not yet valid``."""
    if held.state != "active" or held.is_valid(now):
        return held.state
    return "expired" if held.not_after <= now else "not yet valid"


def checked_folder(key_out: Path | None, smime: str) -> Path | None:
    """The folder for a client-held key; wrong usage when it is missing, absent or not wanted."""
    if (key_out is not None) != (smime == "client"):
        raise typer.BadParameter("--key-out goes with a key that the client keeps, and only then")
    if key_out is not None and not key_out.is_dir():
        raise typer.BadParameter("--key-out is not a folder: make it first, mode 0700")
    return key_out


def _described(certificate: Certificate, value: dict[str, Json]) -> dict[str, Json]:
    known = facts(certificate)
    return {
        **value,
        "subject": known.subject,
        "issuer": known.issuer,
        "fingerprint": known.fingerprint,
    }


def _address(view: View, held: Held) -> str:
    return people.by_account(view, held.account_id).address


def _record(tx: Transaction, what: str, verdict: str) -> None:
    audit.record(tx, actor=OPERATOR, act="certificate", object=what, verdict=verdict)


def _write_whole(path: Path, content: bytes) -> None:
    """Whoever fetches the file sees the former list or the new one, never half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    draft.write_bytes(content)
    draft.replace(path)
