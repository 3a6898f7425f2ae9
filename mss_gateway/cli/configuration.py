"""`mss config`: whether the configuration can be used, the values in effect, the lines for DNS."""

from collections.abc import Mapping
from dataclasses import asdict

from mss_gateway.cli.answers import Answer, Grid, Json, NotDone, cell
from mss_gateway.cli.desk import Desk, has_store
from mss_gateway.config import Config, ConfigRefused
from mss_gateway.directory import dkim_keys
from mss_gateway.directory.dkim_keys import DkimKey
from mss_gateway.webmail.clientsetup import zone
from mss_gateway.webmail.clientsetup.servers import endpoints


def check(desk: Desk) -> Answer:
    """Every key with its value; a refusal names the key at fault."""
    try:
        settings = desk.config()
    except ConfigRefused as refused:
        raise NotDone(str(refused)) from None
    value = effective(settings)
    cells = tuple(
        (f"{section}.{key}", cell(one))
        for section, keys in value.items()
        for key, one in keys.items()
    )
    return Answer(value, (f"{desk.config_file} can be used.", Grid(("key", "value"), cells)))


def dns(desk: Desk) -> Answer:
    """The zone lines of each domain; ``;`` begins what is not a record, as in a zone file."""
    settings = desk.config()
    told, keys = endpoints(settings), _keys(desk, settings)
    zones = {
        domain: (*found, *(zone.key_record(key) for key in keys if key.domain == domain))
        for domain, found in zone.records(told).items()
    }
    remarks = (*zone.remarks(told), *_unsigned(settings, keys))
    shown: list[str] = []
    for domain, found in zones.items():
        shown += [f"; {domain}", *(record.line for record in found), ""]
    value: Json = {
        "records": [
            {
                "domain": domain,
                "name": record.name,
                "ttl": zone.TTL_SECONDS,
                "type": record.kind,
                "value": record.value,
            }
            for domain, found in zones.items()
            for record in found
        ],
        "remarks": list(remarks),
    }
    return Answer(value, (*shown, *(f"; {remark}" for remark in remarks)))


def _keys(desk: Desk, settings: Config) -> list[DkimKey]:
    """Keys of DKIM that are kept, those retired too: what they signed is still on its way."""
    if not has_store(settings):
        return []
    with desk.gateway() as gateway, gateway.database.read() as view:
        return dkim_keys.everything(view, gateway.spool)


def _unsigned(settings: Config, keys: list[DkimKey]) -> list[str]:
    """Domains that have no key of the selector by which what leaves is to be signed."""
    selector = settings.relay.dkim_selector
    if not selector:
        return []
    ready = {key.domain for key in keys if key.selector == selector and key.retired_at is None}
    domains = dict.fromkeys((*settings.site.domains, settings.site.patient_domain))
    return [
        f"what leaves {domain} is not signed: `mss certs dkim-key --domain {domain}`"
        for domain in domains
        if domain not in ready
    ]


def effective(settings: Config) -> Mapping[str, Mapping[str, Json]]:
    """The sections with their keys; tuples as lists."""
    sections = asdict(settings)
    del sections["base"]
    return {
        section: {key: list(one) if isinstance(one, tuple) else one for key, one in keys.items()}
        for section, keys in sections.items()
    }
