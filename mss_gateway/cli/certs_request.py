"""`mss certs request` and `requests`: certificates asked of somebody else; the key stays here."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from certs.issuing import requests
from certs.issuing.requests import key_fingerprint
from certs.keyring import PrivateKey
from certs.usage import Usage
from mailbox_store.database import Transaction
from mailbox_store.vault import AccountId
from mss_gateway.cli.answers import Answer, Json, NotDone, listing, moment, sheet
from mss_gateway.cli.certs_desk import USAGES, record, write_new
from mss_gateway.cli.certs_issue import USES, KindOfKey, kinds_of
from mss_gateway.cli.desk import Desk, person_of
from mss_gateway.directory import enrolment, people
from mss_gateway.directory.enrolment import Waiting
from mss_gateway.directory.held import NO_USAGE
from mss_gateway.life.gateway import Gateway
from mss_gateway.queue import spooled

Asked = Literal["both", "sign", "encrypt"]


def ask(
    desk: Desk,
    out: Annotated[Path, typer.Option(help="New file for the request (PEM).")],
    who: Annotated[
        str, typer.Argument(metavar="[ADDRESS]", help="The holder's address or INS.")
    ] = "",
    usage: Annotated[Asked, typer.Option(help="What the certificate is to be for.")] = "both",
    key_kind: KindOfKey = None,
    server: Annotated[bool, typer.Option("--server", help="For the listeners instead.")] = False,
    name: Annotated[list[str] | None, typer.Option(help="DNS name of the server.")] = None,
    ip: Annotated[list[str] | None, typer.Option(help="IP address of the server.")] = None,
) -> Answer:
    """Draw a key, keep it sealed, write the request."""
    if server == bool(who):
        raise typer.BadParameter("say either the ADDRESS of a mailbox or --server")
    if not server and (name or ip):
        raise typer.BadParameter("--name and --ip go with --server")
    with desk.gateway() as gateway:
        if server:
            return _for_server(gateway, out, key_kind or "p256", name, ip)
        return _for_mailbox(gateway, out, who, key_kind, usage)


def list_all(
    desk: Desk,
    forget: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Let go of this one, and of its key.")
    ] = None,
) -> Answer:
    """Requests that wait for their certificate."""
    with desk.gateway() as gateway:
        if forget is not None:
            number = forget

            def unit(tx: Transaction) -> None:
                gone = enrolment.forget(tx, number)
                record(tx, f"account:{gone.account_id} request:{number}", "forgotten")

            gateway.database.write(unit)
        with gateway.database.read() as view:
            found = enrolment.waiting(view)
            holders = {
                one.account_id: people.by_account(view, one.account_id).address
                for one in found
                if not one.is_for_server
            }
    rows = [_line(one, holders.get(one.account_id, "")) for one in found]
    columns = {
        "request": "request",
        "address": "address",
        "usage": "for",
        "created_at": "since",
    }
    return listing(rows, columns, "No request waits for its certificate.")


def _for_mailbox(
    gateway: Gateway, out: Path, who: str, key_kind: str | None, usage: Asked
) -> Answer:
    with gateway.database.read() as view:
        person = person_of(view, who, gateway.config)
    if person.smime == "client":
        raise NotDone(
            "this holder's keys are in their own client: that is where the request is made"
        )
    kind = key_kind or gateway.config.certificates.key_kind
    if kind == "x25519":
        raise typer.BadParameter("x25519 signs nothing, and a request is signed by its own key")
    wanted = USES[usage]
    key = PrivateKey.generate(kinds_of(kind, usage)[wanted])
    request = requests.for_mailbox(key, person.address, person.display_name(), wanted)
    kept = _keep(gateway, person.account_id, key, wanted, out, request)
    return _told(_line(kept, person.address), key, out)


def _for_server(
    gateway: Gateway, out: Path, kind: str, names: list[str] | None, ips: list[str] | None
) -> Answer:
    if kind in ("x25519", "ed25519"):
        raise typer.BadParameter("a server's key is RSA or of a curve P-256 to P-521")
    key = PrivateKey.generate(kinds_of(kind, "both")[Usage.BOTH])
    try:
        request = requests.for_server(key, names or [gateway.config.site.hostname], ips or [])
    except ValueError:
        raise typer.BadParameter("a name is not a DNS name, or an --ip not an address") from None
    spool = gateway.database.write(spooled.spool_account)
    kept = _keep(gateway, AccountId(spool), key, NO_USAGE, out, request)
    return _told(_line(kept, ""), key, out)


def _keep(
    gateway: Gateway, account_id: AccountId, key: PrivateKey, usage: Usage, out: Path, pem: bytes
) -> Waiting:
    def unit(tx: Transaction) -> Waiting:
        kept = enrolment.keep(tx, account_id, key, usage)
        record(tx, f"account:{account_id} request:{kept.request_id}", "requested")
        # before the COMMIT: no key waits for the answer to a request that nobody has
        write_new(out, pem)
        return kept

    return gateway.database.write(unit)


def _line(kept: Waiting, address: str) -> dict[str, Json]:
    return {
        "request": kept.request_id,
        "account": kept.account_id,
        "address": address or None,
        "usage": "server" if kept.is_for_server else USAGES[kept.usage],
        "created_at": moment(kept.created_at),
    }


def _told(line: dict[str, Json], key: PrivateKey, out: Path) -> Answer:
    value = {
        **line,
        "file": str(out),
        "key": key.kind,
        "key_fingerprint": key_fingerprint(key.public_key),
    }
    after = "Send the file to the issuer; `mss certs import` takes the certificate that comes back."
    return Answer(value, (*sheet(value).shown, after))
