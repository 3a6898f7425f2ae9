"""`mss certs dkim-key`, `dkim-keys`, `dkim-retire`: the keys that sign what leaves, by domain."""

from typing import Annotated

import typer

from mailbox_store.database import Transaction
from mss_gateway.cli.answers import Answer, Json, NotDone, listing, moment
from mss_gateway.cli.certs_desk import record
from mss_gateway.cli.desk import Desk
from mss_gateway.config import Config
from mss_gateway.directory import dkim_keys
from mss_gateway.directory.dkim_keys import DkimKey, SelectorTaken
from mss_gateway.message import dkim
from mss_gateway.webmail.clientsetup import zone

Domain = Annotated[str, typer.Option(help="One of the domains here.")]
Selector = Annotated[
    str, typer.Option(help="The name of the key in the zone; relay.dkim_selector when left out.")
]


def make(desk: Desk, domain: Domain, selector: Selector = "") -> Answer:
    """Draw a key and show the line for the zone."""
    with desk.gateway() as gateway:
        wanted, named = _names(gateway.config, domain, selector)

        def unit(tx: Transaction) -> DkimKey:
            made = dkim_keys.make(tx, gateway.spool, wanted, named)
            record(tx, f"dkim:{named} {wanted}", "made")
            return made

        try:
            made = gateway.database.write(unit)
        except SelectorTaken:
            raise NotDone(
                f"{wanted} has, or had, a key of the selector {named}: choose another --selector"
            ) from None
        in_use = gateway.config.relay.dkim_selector
    after = [f"Put the line into the zone of {wanted} before anything is signed by the key."]
    if in_use != named:
        after.append(f'What leaves is signed by it once relay.dkim_selector is "{named}".')
    value = {**_line(made), "remarks": after}
    return Answer(value, (zone.key_record(made).line, *after))


def list_all(desk: Desk) -> Answer:
    """Keys by domain, those retired too."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        rows = [_line(key) for key in dkim_keys.everything(view, gateway.spool)]
    columns = {
        "domain": "domain",
        "selector": "selector",
        "created_at": "since",
        "retired_at": "retired",
    }
    return listing(rows, columns, "No DKIM key: what leaves is not signed so.")


def retire(
    desk: Desk,
    domain: Domain,
    selector: Annotated[str, typer.Option(help="The name of the key in the zone.")],
) -> Answer:
    """Sign no more by a key."""
    with desk.gateway() as gateway:
        wanted, named = domain.strip().lower(), selector.strip().lower()

        def unit(tx: Transaction) -> None:
            if not dkim_keys.retire(tx, wanted, named):
                raise NotDone("no such key; see `mss certs dkim-keys`")
            record(tx, f"dkim:{named} {wanted}", "retired")

        gateway.database.write(unit)
    after = (
        "Retired. Leave its line in the zone for a week: what was signed is still on its way.",
        "A running server signs by it for a minute more at most.",
    )
    value: Json = {"domain": wanted, "selector": named, "remarks": list(after)}
    return Answer(value, after)


def _names(settings: Config, domain: str, selector: str) -> tuple[str, str]:
    wanted = domain.strip().lower()
    if wanted not in (*settings.site.domains, settings.site.patient_domain):
        raise NotDone("not a domain of this gateway: see site.domains in `mss config check`")
    named = (selector or settings.relay.dkim_selector).strip().lower()
    if not named:
        raise typer.BadParameter("say --selector, or set relay.dkim_selector")
    if not dkim.is_zone_name(named):
        raise typer.BadParameter("a selector has letters, digits and hyphens, as a host name")
    return wanted, named


def _line(key: DkimKey) -> dict[str, Json]:
    return {
        "domain": key.domain,
        "selector": key.selector,
        "created_at": moment(key.created_at),
        "retired_at": moment(key.retired_at),
        "name": f"{key.name}.",
        "txt": key.record,
    }
