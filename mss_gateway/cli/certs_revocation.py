"""`mss certs revoke` and `crl`: certificates taken back, and the list that tells others."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer

from certs.book import Provenance
from certs.certificate import Certificate, fingerprint, from_pem, host_names
from certs.errors import DerMalformed
from certs.issuing.issue import Authority
from certs.status.revocation import Revocation, RevocationReason
from certs.status.whereabouts import issuer_among
from mailbox_store.database import Transaction, View
from mss_gateway.cli.answers import Answer, Json, NotDone, moment, sheet
from mss_gateway.cli.certs_desk import (
    address_of_held,
    certificate_line,
    named,
    record,
    write_whole,
)
from mss_gateway.cli.desk import Desk
from mss_gateway.directory import authorities, certificates, domain_keys
from mss_gateway.directory.certificates import CertificateUnknown, Held
from mss_gateway.life.gateway import Gateway

Why = Literal[
    "unspecified",
    "key-compromise",
    "affiliation-changed",
    "superseded",
    "cessation-of-operation",
    "privilege-withdrawn",
]
"""Reasons of certificates of mailboxes (RFC 5280 §5.3.1). A hold, which may be lifted, is none of
them: what was revoked stays so."""

REASONS: dict[str, RevocationReason] = {
    "unspecified": RevocationReason.UNSPECIFIED,
    "key-compromise": RevocationReason.KEY_COMPROMISE,
    "affiliation-changed": RevocationReason.AFFILIATION_CHANGED,
    "superseded": RevocationReason.SUPERSEDED,
    "cessation-of-operation": RevocationReason.CESSATION_OF_OPERATION,
    "privilege-withdrawn": RevocationReason.PRIVILEGE_WITHDRAWN,
}


def revoke(
    desk: Desk,
    serial: Annotated[
        str,
        typer.Argument(
            metavar="SERIAL",
            help="Serial number or SHA-256 fingerprint, hexadecimal; or a server's certificate"
            " (PEM file).",
        ),
    ],
    reason: Annotated[Why, typer.Option(help="Why: goes into the list.")] = "unspecified",
) -> Answer:
    """Take one back."""
    with desk.gateway() as gateway:

        def unit(tx: Transaction) -> dict[str, Json]:
            before = _found(gateway, tx, serial)
            held = certificates.revoke(tx, before.fingerprint, REASONS[reason])
            if before.state != "revoked":
                why = "" if reason == "unspecified" else f": {reason}"
                record(tx, named(held), f"revoked{why}")
            return certificate_line(held, address_of_held(tx, held), tx.now)

        value = gateway.database.write(unit)
    is_ours = value["provenance"] == Provenance.ISSUED_HERE.value
    tells = (
        "`mss certs crl` writes the list that tells others."
        if is_ours
        else "It is no longer used here. Its issuer must be told, so that others learn it too."
    )
    line = f"Certificate {value['serial']} is revoked since {value['revoked_at']}."
    return Answer(value, (line, tells))


def _found(gateway: Gateway, tx: Transaction, name: str) -> Held:
    """A certificate that is kept; or one of a server, which is kept from now on to be revoked."""
    try:
        return certificates.find(tx, name)
    except CertificateUnknown:
        server = _of_server(gateway, tx, name)
        if server is None:
            raise
    settings = gateway.config
    site = settings.site
    holder = domain_keys.ensure(tx, site.domains[0], site.operator, settings.mailboxes)
    return certificates.add(tx, holder.account_id, server, None, provenance=Provenance.ISSUED_HERE)


def _of_server(gateway: Gateway, view: View, name: str) -> Certificate | None:
    """What an authority of ours issued for a server: the one in use by its number, or a file's."""
    file = Path(name)
    is_file = file.is_file()
    path = file if is_file else gateway.config.in_state(gateway.config.tls.certificate)
    try:
        found = from_pem(path.read_bytes())[0]
    except (OSError, DerMalformed):
        return None
    digits = name.replace(":", "").replace(" ", "").lower()
    if not is_file and digits.lstrip("0") not in (f"{found.serial_number:x}", fingerprint(found)):
        return None
    issuers = [each.issuing for each in authorities.load_authorities(view, gateway.spool)]
    is_ours = issuer_among(found, issuers) is not None
    return found if is_ours and host_names(found) else None


def crl(
    desk: Desk,
    out: Annotated[Path, typer.Option(help="Where to write the list (DER).")],
    days: Annotated[int, typer.Option(min=1, max=90, help="Until the next list.")] = 7,
    authority_serial: Annotated[
        str, typer.Option("--authority", metavar="SERIAL", help="Of a former authority instead.")
    ] = "",
    root: Annotated[
        bool, typer.Option("--root", help="The root's list: of intermediates, and empty.")
    ] = False,
) -> Answer:
    """The signed list of what was taken back."""
    with desk.gateway() as gateway:
        with gateway.database.read() as view:
            kept = authorities.load_authorities(view, gateway.spool)
            authority = _chosen(kept, authority_serial)
            lines = [] if root else _revoked_by(view, authority, is_only=len(kept) == 1)
        now = gateway.now().replace(microsecond=0)
        next_update = now + timedelta(days=days)
        sign = authority.root_crl if root else authority.crl
        encoded = sign(lines, now, next_update)

        def unit(tx: Transaction) -> None:
            record(tx, f"revocation list of {len(lines)}", "issued")
            write_whole(out, encoded)

        gateway.database.write(unit)
    issuer = authority.root if root else authority.issuing
    return sheet(
        {
            "file": str(out),
            "issuer": issuer.subject.rfc4514_string(),
            "revoked": len(lines),
            "next_update": moment(next_update.timestamp()),
        }
    )


def _revoked_by(view: View, authority: Authority, *, is_only: bool) -> list[Revocation]:
    """The lines of one authority's list: what it issued, and took back."""
    if is_only:
        return certificates.revocations(view)
    return [
        _line(held)
        for held in certificates.everything(view)
        if held.revoked_at is not None
        and held.provenance is Provenance.ISSUED_HERE
        and held.certificate.issuer == authority.issuing.subject
    ]


def _line(held: Held) -> Revocation:
    assert held.revoked_at is not None
    return Revocation(
        int(held.serial, 16),
        datetime.fromtimestamp(held.revoked_at, UTC),
        held.revocation_reason or RevocationReason.UNSPECIFIED,
    )


def _chosen(kept: Sequence[Authority], serial: str) -> Authority:
    """The authority that issues, or a former one by the serial number of its intermediate."""
    if not kept:
        raise NotDone("this gateway has no issuing authority of its own")
    if not serial:
        return kept[0]
    for authority in kept:
        if f"{authority.issuing.serial_number:x}" == serial.lower().lstrip("0"):
            return authority
    raise NotDone("no authority of this gateway has this serial number: see `mss certs authority`")
