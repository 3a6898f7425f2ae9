"""`mss certs authority-init` and `authority`: the operator's own issuing authority."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from certs.certificate import fingerprint, to_pem
from certs.issuing.issue import Authority
from certs.issuing.profiles import Realm
from certs.usage import Purpose
from mailbox_store.database import Transaction, View
from mss_gateway.cli.answers import Answer, Json, NotDone, listing, moment, sheet
from mss_gateway.cli.certs_desk import record, write_whole
from mss_gateway.cli.desk import OPERATOR, Desk, has_store
from mss_gateway.config import Config
from mss_gateway.directory import authorities, certificates, trust
from mss_gateway.life.gateway import Gateway
from mss_gateway.queue import spooled

AuthorityKind = Literal["rsa-3072", "rsa-4096", "p256", "p384", "p521", "ed25519"]


def init(
    desk: Desk,
    name: Annotated[str, typer.Option(help="Its name; site.operator when left out.")] = "",
    key_kind: Annotated[AuthorityKind, typer.Option(help="Kind of its keys.")] = "p384",
    years: Annotated[int, typer.Option(min=1, max=30, help="Years of validity.")] = 10,
    replace: Annotated[
        bool, typer.Option("--replace", help="Though there is one, which then issues no more.")
    ] = False,
    unlimited: Annotated[
        bool, typer.Option("--unlimited", help="No name constraints: it may vouch for any domain.")
    ] = False,
) -> Answer:
    """Make the authority; its root is believed here at once."""
    settings = desk.config()
    # a start makes one where there is none: on a site without a store, it is this one's place
    is_first = not has_store(settings)
    anchors_file = settings.in_state(settings.certificates.anchors)
    has_anchors = anchors_file.exists()
    wanted = name or settings.site.operator
    with desk.gateway(makes_store=True) as gateway:
        if not is_first:
            with gateway.database.read() as view:
                _refuse_second(view, gateway, wanted, replace=replace)
        realm = Realm() if unlimited else realm_of_site(settings)
        now = gateway.now().replace(microsecond=0)
        made = Authority.create(wanted, key_kind, now, years, realm)

        def unit(tx: Transaction) -> None:
            if is_first:
                _take_the_place(tx)
            authorities.keep_authority(tx, spooled.spool_account(tx), made)
            record(tx, f"authority:{made.issuing.serial_number:x}", "made")
            if is_first and not has_anchors:
                write_whole(anchors_file, to_pem(made.root))
            else:
                _believe(tx, made)

        gateway.database.write(unit)
    remarks = [
        "Give the root away by `mss certs authority --out FILE`, with its fingerprint on paper.",
        *(["A running server issues by the former one until it is started again."] * replace),
        *(["`mss certs renew --all` gives every mailbox certificates of this one."] * replace),
    ]
    value = authority_line(made, is_current=True)
    shown = sheet({key: one for key, one in value.items() if key != "current"}).shown
    return Answer({**value, "remarks": remarks}, (*shown, *remarks))


def show(
    desk: Desk,
    out: Annotated[
        Path | None, typer.Option(help="Write the root that issues now here (PEM).")
    ] = None,
) -> Answer:
    """The authority that issues, and those before it."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        kept = authorities.load_authorities(view, gateway.spool)
    if out is not None:
        if not kept:
            raise NotDone("this gateway has no issuing authority of its own")
        write_whole(out, to_pem(kept[0].root))
    rows = [authority_line(one, is_current=number == 0) for number, one in enumerate(kept)]
    columns = {
        "serial": "serial",
        "name": "name",
        "current": "issues?",
        "key": "key",
        "not_after": "not after",
        "domains": "domains",
        "root_fingerprint": "fingerprint of the root",
    }
    return listing(rows, columns, "No authority: certificates come from elsewhere.")


def realm_of_site(settings: Config) -> Realm:
    """Where the operator's authority may vouch: its domains, the hosts below them, its own name."""
    site = settings.site
    domains = tuple(dict.fromkeys((*site.domains, site.patient_domain)))
    return Realm(domains, tuple(dict.fromkeys((*domains, site.hostname))))


def authority_line(authority: Authority, *, is_current: bool) -> dict[str, Json]:
    """An authority as one line of an answer."""
    issuing, realm = authority.issuing, authority.realm
    return {
        "serial": f"{issuing.serial_number:x}",
        "name": issuing.subject.rfc4514_string(),
        "current": is_current,
        "key": authority.kind,
        "not_before": moment(issuing.not_valid_before_utc.timestamp()),
        "not_after": moment(issuing.not_valid_after_utc.timestamp()),
        "domains": list(realm.domains),
        "hosts": list(realm.hosts),
        "root_fingerprint": fingerprint(authority.root),
        "fingerprint": fingerprint(issuing),
    }


def _refuse_second(view: View, gateway: Gateway, name: str, *, replace: bool) -> None:
    kept = authorities.load_authorities(view, gateway.spool)
    if kept and not replace:
        raise NotDone(
            "this gateway has an authority already (`mss certs authority`): --replace makes"
            " another one, and the former one stays for its revocation list"
        )
    # lists of revoked certificates are told apart by the name of their issuer
    if any(Authority.names(name)[1] == one.issuing.subject for one in kept):
        raise NotDone("an authority of this gateway had this name: give another --name")


def _take_the_place(tx: Transaction) -> None:
    """Of the authority that the first start made a moment ago, unless it has issued something."""
    if certificates.everything(tx):
        raise NotDone("another command has begun here meanwhile: --replace makes another one")
    authorities.forget_unused(tx)


def _believe(tx: Transaction, authority: Authority) -> None:
    """Its own root needs no second step: it was made here, and came from nowhere."""
    for purpose in (Purpose.SIGNATURE, Purpose.ENCRYPTION):
        trust.propose(tx, purpose, authority.root, OPERATOR)
        trust.activate(tx, purpose, fingerprint(authority.root), OPERATOR)
