"""Where a verb works: the configuration, the gateway opened for a moment, and who is meant."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from certs.issuing.issue import Authority
from mailbox_store.database import View
from mss_gateway import config
from mss_gateway.cli.answers import NotDone
from mss_gateway.config import Config
from mss_gateway.directory import certificates, people
from mss_gateway.directory.importing import patient_address
from mss_gateway.directory.ins import normal_ins
from mss_gateway.directory.people import Person
from mss_gateway.directory.publishing import publishing_of
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.address import AddressMalformed, parse_address

OPERATOR = "operator"
"""The actor of what the command line does, in the audit."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The operator's desk, under one configuration file."""

    config_file: Path

    def config(self) -> Config:
        """The configuration; raises ConfigRefused."""
        return config.load(self.config_file)

    @contextmanager
    def gateway(self, *, makes_store: bool = False) -> Iterator[Gateway]:
        """The gateway without its listeners, beside a server that may be running.

        Raises NotDone when there is no store yet and ``makes_store`` is not said: a mistaken
        ``--config`` does not leave an empty store behind. Raises ConfigRefused.
        """
        # every protocol hangs on the composition root: help must not wait for it
        from mss_gateway import compose
        from mss_gateway.observability import log

        log.configure()
        settings = self.config()
        if not makes_store and not has_store(settings):
            raise NotDone(
                f"nothing is kept in {settings.state_directory} yet: `mss people add` or"
                " `mss serve` begins there, or --config names another place"
            )
        opened = compose.build(settings)
        try:
            yield opened
        finally:
            compose.close(opened)


def has_store(settings: Config) -> bool:
    """Whether a first start has made the store."""
    from mss_gateway import compose

    return (settings.state_directory / compose.STORE_FILE).exists()


def authority_of(gateway: Gateway) -> Authority:
    """The operator's own issuing authority; NotDone when certificates come from elsewhere."""
    with gateway.database.read() as view:
        authority = certificates.load_authority(view, gateway.spool)
    if authority is None:
        raise NotDone("this gateway has no issuing authority of its own")
    return authority.stating(publishing_of(gateway.config))


def address_of(text: str, settings: Config) -> str:
    """An address in normal form, also from an INS alone; wrong usage when it is neither."""
    ins = normal_ins(text)
    if ins is not None:
        return patient_address(ins, settings)
    try:
        return str(parse_address(text.strip()))
    except AddressMalformed:
        raise typer.BadParameter("neither an address nor an INS with its right key") from None


def person_of(view: View, text: str, settings: Config) -> Person:
    """The holder of an address or INS; raises NotDone."""
    person = people.by_address(view, address_of(text, settings))
    if person is None:
        raise NotDone("nobody here has this address; `mss people list` shows who does")
    return person
