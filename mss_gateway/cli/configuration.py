"""`mss config check`: whether the configuration can be used, and the values in effect."""

from collections.abc import Mapping
from dataclasses import asdict

from mss_gateway.cli.answers import Answer, Grid, Json, NotDone, cell
from mss_gateway.cli.desk import Desk
from mss_gateway.config import Config, ConfigRefused


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


def effective(settings: Config) -> Mapping[str, Mapping[str, Json]]:
    """The sections with their keys; tuples as lists."""
    sections = asdict(settings)
    del sections["base"]
    return {
        section: {key: list(one) if isinstance(one, tuple) else one for key, one in keys.items()}
        for section, keys in sections.items()
    }
