"""`mss certs book …`: certificates of correspondents at other operators, and ours for them.

Operators exchange one file in each direction: the certificates of professionals who may be found in
the directory, and that of each domain, to which everybody else of it is written to. A patient's own
certificate is never in such a file: it names an INS.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from certs.book import Provenance
from certs.certificate import Certificate, addresses, fingerprint, from_pem, is_authority, to_pem
from certs.errors import CertsError
from certs.issuing.issue import Authority
from certs.usage import Purpose, Usage
from certs.validation.chain import validate
from mailbox_store.database import Transaction, View
from mss_gateway.cli.answers import Answer, Json, NotDone, listing, moment
from mss_gateway.cli.certs_desk import record, watched, write_whole
from mss_gateway.cli.desk import Desk, authority_of
from mss_gateway.directory import certificates, domain_keys, keybook, people
from mss_gateway.directory.held import Held
from mss_gateway.directory.keybook import NotForAddress
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.address import AddressMalformed, parse_address
from policies.people import Role

MAX_OCTETS = 64 * 1024 * 1024
"""Largest file of certificates, some ten thousand of them."""


def make_domain_keys(desk: Desk) -> Answer:
    """A key and a certificate for every domain here that has none."""
    with desk.gateway() as gateway:
        authority = authority_of(gateway)
        site = gateway.config.site
        rows = [
            _domain_row(gateway, authority, domain)
            for domain in (*site.domains, site.patient_domain)
        ]
    columns = {"domain": "domain", "address": "certificate names", "made": "made now"}
    return listing(rows, columns, "")


def ensure_domain_key(gateway: Gateway, authority: Authority, domain: str) -> bool:
    """Make the key of a domain unless it is there; whether it was made."""
    settings = gateway.config
    with gateway.database.read() as view:
        known = domain_keys.holder(view, domain)
        has_key = known is not None and any(
            Usage.ENCRYPT in held.usage and held.is_valid(gateway.clock())
            for held in certificates.of_account(view, known.account_id)
        )
    if has_key:
        return False
    key = certificates.new_key(settings.certificates.key_kind)

    def unit(tx: Transaction) -> None:
        person = domain_keys.ensure(tx, domain, settings.site.operator, settings.mailboxes)
        certificates.issue(tx, authority, person, key, settings.certificates.mailbox_days)
        record(tx, f"account:{person.account_id}", "key of a domain")

    gateway.database.write(unit)
    return True


def _domain_row(gateway: Gateway, authority: Authority, domain: str) -> dict[str, Json]:
    made = ensure_domain_key(gateway, authority, domain)
    return {"domain": domain, "address": domain_keys.address_for(domain), "made": made}


def export(
    desk: Desk, out: Annotated[Path, typer.Option(help="Where to write them (PEM).")]
) -> Answer:
    """Our certificates, for another operator's book."""
    with desk.gateway() as gateway:
        with gateway.database.read() as view:
            kept = list(published(gateway, view))
            issuers = {
                fingerprint(above): above
                for held in kept
                for above in certificates.chain_of(view, held, gateway.cabinet.issuers)
            }
        if not kept:
            raise NotDone(
                "there is nothing to publish: `mss certs domain-keys` makes what is needed"
            )
        write_whole(out, to_pem(*(held.certificate for held in kept), *issuers.values()))
    value: dict[str, Json] = {"file": str(out), "certificates": len(kept)}
    return Answer(value, (f"{len(kept)} certificates with their issuers in {out}.",))


def published(gateway: Gateway, view: View) -> Iterator[Held]:
    """Valid certificates to encrypt to: of the domains, and of professionals who are listed."""
    now = gateway.clock()
    for held in certificates.everything(view):
        if Usage.ENCRYPT not in held.usage or held.state != "active" or not held.is_valid(now):
            continue
        person = people.by_account(view, held.account_id)
        is_listed = person.role is not Role.PATIENT and not person.is_unlisted
        if person.standing.receives and (is_listed or domain_keys.is_domain_key(person.address)):
            yield held


@dataclass(slots=True)
class _Count:
    learned: int = 0
    known: int = 0
    refused: int = 0


def bring(
    desk: Desk,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", dir_okay=False, help="Certificates (PEM)."),
    ],
) -> Answer:
    """Another operator's certificates into the book; each must be believed, and not name us."""
    try:
        if file.stat().st_size > MAX_OCTETS:
            raise NotDone(f"{file} is larger than {MAX_OCTETS} octets")
        everything = from_pem(file.read_bytes())
    except OSError as error:
        raise NotDone(f"{file} cannot be read: {error.strerror}") from None
    except CertsError as error:
        raise NotDone(f"{file} holds no certificates (PEM) that can be read: {error}") from None
    issuers = [one for one in everything if is_authority(one)]
    holders = [one for one in everything if not is_authority(one)]
    count, lines = _Count(), list[str]()
    with desk.gateway() as gateway:
        for one in watched(holders, len(holders), "certificates"):
            why = _learn(gateway, one, issuers, count)
            if why:
                count.refused += 1
                lines.append(f"{fingerprint(one)[:16]}: {why}")
    value: dict[str, Json] = {
        "learned": count.learned,
        "known": count.known,
        "refused": count.refused,
        "lines": lines,
    }
    told = f"{count.learned} learned, {count.known} known before, {count.refused} not taken."
    return Answer(value, (told, *lines), 1 if count.refused else 0)


def _learn(
    gateway: Gateway, certificate: Certificate, issuers: list[Certificate], count: _Count
) -> str:
    """Why a certificate is not taken; empty when it is in the book now."""
    try:
        named = [str(parse_address(each)) for each in addresses(certificate)]
    except (AddressMalformed, CertsError):
        return "names what is no address of this space"
    if not named:
        return "names no address"
    if any(gateway.config.site.serves(each) for each in named):
        return "names an address of ours"
    try:
        with gateway.database.read() as view:
            path = validate(
                certificate,
                issuers,
                gateway.trust.anchors(view),
                Purpose.ENCRYPTION,
                gateway.now(),
                None,
            )
    except CertsError as error:
        return str(error).replace("_", " ")

    def unit(tx: Transaction) -> bool:
        found = [
            keybook.learn(
                tx,
                gateway.spool,
                each,
                certificate,
                None,
                Provenance.DIRECTORY,
                chain=path.certificates[1:-1],
            )
            for each in named
        ]
        return any(one.is_new for one in found)

    try:
        is_new = gateway.database.write(unit)
    except NotForAddress:
        return "names another address"
    if is_new:
        count.learned += 1
    else:
        count.known += 1
    return ""


def list_all(
    desk: Desk,
    address: Annotated[str, typer.Option("--address", help="Only of this address.")] = "",
) -> Answer:
    """The book."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        found = (
            keybook.of_address(view, gateway.spool, address.strip().lower())
            if address
            else keybook.everyone(view, gateway.spool)
        )
    rows: list[dict[str, Json]] = [
        {
            "address": one.address,
            "fingerprint": one.fingerprint,
            "provenance": one.provenance.value,
            "state": "refused" if one.is_refused else "used",
            "not_after": moment(one.certificate.not_valid_after_utc.timestamp()),
            "last_seen": moment(one.last_seen),
        }
        for one in found
    ]
    columns = {
        "address": "address",
        "provenance": "learned from",
        "state": "state",
        "not_after": "valid until",
        "fingerprint": "fingerprint",
    }
    return listing(rows, columns, "The book is empty.")


def refuse(
    desk: Desk,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Of the correspondent.")],
    digits: Annotated[str, typer.Argument(metavar="FINGERPRINT", help="SHA-256, hexadecimal.")],
) -> Answer:
    """Use a certificate no more, and learn it no more."""

    def unit(tx: Transaction) -> bool:
        done = keybook.refuse(tx, address.strip().lower(), digits.lower())
        if done:
            record(tx, f"certificate:{digits.lower()[:16]}", "refused in the book")
        return done

    with desk.gateway() as gateway:
        if not gateway.database.write(unit):
            raise NotDone(
                "the book has no such certificate for this address: `mss certs book list`"
            )
    return Answer({"refused": True}, ("Not used any more, and not learned again.",))
