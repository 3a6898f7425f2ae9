"""`mss certs issue`, `issue-client`, `issue-server`: certificates of the operator's authority."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from certs.book import Provenance
from certs.certificate import from_pem, to_pem
from certs.issuing import profiles, requests
from certs.issuing.issue import Authority, OutsideRealm, export_for_client
from certs.issuing.profiles import Identified
from certs.issuing.requests import Request
from certs.keyring import KeyKind, PrivateKey
from certs.usage import Usage
from mailbox_store.database import Transaction
from mss_gateway.cli import access
from mss_gateway.cli.access import KeyFiles
from mss_gateway.cli.answers import Answer, Json, NotDone, moment, sheet
from mss_gateway.cli.certs import checked_folder
from mss_gateway.cli.certs_desk import (
    certificate_line,
    named,
    record,
    refuse_shared,
    write_whole,
)
from mss_gateway.cli.desk import Desk, authority_of, person_of
from mss_gateway.config import Config
from mss_gateway.directory import certificates
from mss_gateway.directory.certificates import Held
from mss_gateway.directory.client_trust import BOX_TYPES
from mss_gateway.directory.people import Person
from mss_gateway.life.gateway import Gateway

SERVER_DAYS = 365

Kind = Literal["rsa-2048", "rsa-3072", "rsa-4096", "p256", "p384", "p521", "ed25519", "x25519"]
Use = Literal["both", "sign", "encrypt", "separate"]
How = Literal["declared", "register", "in-person", "remote"]

KeyOut = Annotated[Path | None, typer.Option(help="Folder for a client-held key and certificate.")]
KindOfKey = Annotated[Kind | None, typer.Option(help="Instead of certificates.key_kind.")]
Csr = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Answer this request (PKCS #10) instead."),
]
Days = Annotated[int, typer.Option(min=1, max=825, help="Days of validity.")]

USES = {"both": Usage.BOTH, "sign": Usage.SIGN, "encrypt": Usage.ENCRYPT}
_TWINS: dict[str, KeyKind] = {"ed25519": "x25519", "x25519": "ed25519"}


def issue(
    desk: Desk,
    who: Annotated[str, typer.Argument(metavar="ADDRESS", help="The holder's address or INS.")],
    key_out: KeyOut = None,
    usage: Annotated[
        Use | None, typer.Option(help="One for both, one of them, or one for each.")
    ] = None,
    key_kind: KindOfKey = None,
    identified: Annotated[
        How | None, typer.Option(help="How the holder was identified: goes into the certificate.")
    ] = None,
    csr: Csr = None,
    out: Annotated[
        Path | None, typer.Option(help="Write certificate and issuers here (PEM).")
    ] = None,
) -> Answer:
    """New certificates beside the earlier ones."""
    if csr is not None and (key_out is not None or key_kind is not None or usage == "separate"):
        raise typer.BadParameter("a request has its own key: no --key-out, --key-kind, separate")
    with desk.gateway() as gateway:
        authority = authority_of(gateway)
        if identified is not None:
            authority = authority.stating(authority.publishing, how(identified))
        with gateway.database.read() as view:
            person = person_of(view, who, gateway.config)
        if csr is not None:
            asked = _believed(requests.read(csr.read_bytes()), person, usage)
            answered = gateway.database.write(_answering(gateway, authority, person, asked))
            made: list[tuple[Held, KeyFiles | None]] = [(answered, None)]
        else:
            folder = checked_folder(key_out, person.smime)
            made_as = gateway.config.certificates
            usual: Use = "separate" if made_as.separate_keys else "both"
            kinds = kinds_of(key_kind or made_as.key_kind, usage or usual)
            made = _drawn(gateway, authority, person, kinds, folder)
        lines = [_line(held, files, person, gateway) for held, files in made]
        if out is not None:
            write_whole(out, to_pem(*(held.certificate for held, _ in made), *authority.chain))
    value = {**lines[0], "certificates": lines}
    return Answer(value, tuple(part for line in lines for part in sheet(line).shown))


def _drawn(
    gateway: Gateway,
    authority: Authority,
    person: Person,
    kinds: Mapping[Usage, KeyKind],
    folder: Path | None,
) -> list[tuple[Held, KeyFiles | None]]:
    """Certificates for fresh keys, in one transaction."""
    keys = {use: PrivateKey.generate(kind) for use, kind in kinds.items()}
    return gateway.database.write(
        lambda tx: [
            access.issue(tx, gateway, authority, person, key, folder, usage=use)
            for use, key in keys.items()
        ]
    )


def how(identified: How) -> Identified:
    """The option as the certificate's policy."""
    return Identified[identified.upper().replace("-", "_")]


def kinds_of(kind: str, use: Use) -> dict[Usage, KeyKind]:
    """Which keys to draw; wrong usage for what a kind cannot do. X25519 goes with Ed25519."""
    twins = {"ed25519": Usage.SIGN, "x25519": Usage.ENCRYPT}
    wanted = (Usage.SIGN, Usage.ENCRYPT) if use == "separate" else (USES[use],)
    found: dict[Usage, KeyKind] = {}
    for each in wanted:
        able = twins.get(kind, Usage.BOTH)
        if each in able:
            found[each] = cast("KeyKind", kind)
        elif use == "separate":
            found[each] = _TWINS[kind]
        else:
            raise typer.BadParameter(
                "ed25519 only signs and x25519 only encrypts: --usage separate draws one of each"
            )
    return found


def _believed(request: Request, person: Person, use: Use | None) -> tuple[Request, Usage]:
    """A request of this person, and what it is for; raises NotDone."""
    if person.smime != "client":
        raise NotDone(
            "the gateway holds this mailbox's keys: it would not read what is encrypted to the key"
            " of a request; issue without --csr"
        )
    if request.addresses and person.address not in map(str.lower, request.addresses):
        raise NotDone("the request names other addresses, and not this mailbox's")
    usage = request.usage if use is None else USES[use]
    if not usage or usage not in profiles.can_do(request.public_key):
        raise NotDone("a key of this kind cannot be used so: say another --usage")
    return request, usage


def _answering(
    gateway: Gateway, authority: Authority, person: Person, asked: tuple[Request, Usage]
) -> Callable[[Transaction], Held]:
    request, usage = asked
    days = gateway.config.certificates.mailbox_days

    def unit(tx: Transaction) -> Held:
        made = authority.issue_mailbox(
            person.address,
            person.display_name(),
            request.public_key,
            usage,
            gateway.now().replace(microsecond=0),
            days,
        )
        refuse_shared(tx, made, person)
        held = certificates.add(
            tx,
            person.account_id,
            made,
            None,
            chain=authority.chain,
            provenance=Provenance.ISSUED_HERE,
        )
        record(tx, named(held), "issued")
        return held

    return unit


def issue_client(
    desk: Desk,
    who: Annotated[str, typer.Argument(metavar="ADDRESS", help="The application's box.")],
    out: Annotated[
        Path, typer.Option(file_okay=False, exists=True, help="Folder for key and certificate.")
    ],
    days: Days = SERVER_DAYS,
    csr: Csr = None,
) -> Answer:
    """A certificate with which an application signs in; its key is never kept here."""
    asked = None if csr is None else requests.read(csr.read_bytes())
    with desk.gateway() as gateway:
        authority = authority_of(gateway)
        with gateway.database.read() as view:
            person = person_of(view, who, gateway.config)
        if person.box_type not in BOX_TYPES:
            raise NotDone(f"only boxes of type {' and '.join(BOX_TYPES)} sign in so")
        key = PrivateKey.generate("p256") if asked is None else None
        public_key = asked.public_key if asked is not None else cast("PrivateKey", key).public_key

        def unit(tx: Transaction) -> tuple[Held, KeyFiles]:
            now = gateway.now().replace(microsecond=0)
            made = authority.issue_client([], public_key, now, days, [person.address])
            refuse_shared(tx, made, person)
            provenance, chain = Provenance.ISSUED_HERE, authority.chain
            held = certificates.add(
                tx, person.account_id, made, None, chain=chain, provenance=provenance
            )
            record(tx, named(held), "issued for sign-in")
            files = KeyFiles(out / f"{held.serial}.key", out / f"{held.serial}.pem")
            if key is None:
                write_whole(files.certificate, to_pem(made, *chain))
            else:
                export_for_client(key, (made, *chain), files.key, files.certificate)
            return held, files

        held, files = gateway.database.write(unit)
        value = certificate_line(held, person.address, gateway.clock())
        remarks = _sign_in_remarks(gateway.config, authority)
    value["key_file"] = str(files.key) if key is not None else None
    value["certificate_file"] = str(files.certificate)
    shown = sheet(value).shown
    return Answer({**value, "remarks": remarks}, (*shown, *remarks))


def _sign_in_remarks(settings: Config, authority: Authority) -> list[str]:
    """What must be so for the certificate to open anything."""
    if not settings.tls.client_anchors:
        return ["Nobody is asked for a certificate yet: tls.client_anchors is empty."]
    if authority.root not in from_pem(settings.in_state(settings.tls.client_anchors).read_bytes()):
        return ["The gateway's own root is not in the file of tls.client_anchors: add it there."]
    return []


def issue_server(
    desk: Desk,
    name: Annotated[list[str] | None, typer.Option(help="DNS name; may be repeated.")] = None,
    ip: Annotated[list[str] | None, typer.Option(help="IP address; may be repeated.")] = None,
    days: Days = SERVER_DAYS,
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
        except OutsideRealm:
            raise
        except ValueError:
            raise typer.BadParameter(
                "a name is not a DNS name, or an --ip not an address"
            ) from None
        paths = (settings.in_state(settings.tls.key), settings.in_state(settings.tls.certificate))

        def unit(tx: Transaction) -> None:
            record(tx, f"server certificate:{made.serial_number:x}", "issued")
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


def _line(held: Held, files: KeyFiles | None, person: Person, gateway: Gateway) -> dict[str, Json]:
    return {
        **certificate_line(held, person.address, gateway.clock()),
        "key_file": None if files is None else str(files.key),
        "certificate_file": None if files is None else str(files.certificate),
    }
