"""The trust space of the demo: two operators that know each other's authorities and certificates.

Everything here is what two operators do for each other by hand once, and by their scheduler later:
the white list, the authorities of the other's servers and signatures, certificates to encrypt to,
and the lists of what was taken back.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from certs.book import Provenance
from certs.certificate import addresses, to_pem
from mailbox_store.database import Transaction
from mss_gateway import compose, config
from mss_gateway.cli import demo_site
from mss_gateway.cli.certs_book import published
from mss_gateway.cli.certs_desk import write_whole
from mss_gateway.cli.demo_config import OPERATORS, Place
from mss_gateway.config import Config
from mss_gateway.directory import certificates, keybook, whitelist
from mss_gateway.life.gateway import Gateway

LIST_DAYS: Final = 90
"""Until the next list of what was taken back: of a start, for as long as a demo may rest."""

PEERS: Final = "pki/peers.pem"
"""As the configuration of the demo names it."""

_LIST = """\
<?xml version="1.0" encoding="UTF-8"?>
<ListeBlanche xmlns="https://listeblanche.mssante.fr/schema">
{lines}
</ListeBlanche>
"""


def white_list() -> bytes:
    """The trust space as XML: both operators and their domains."""
    lines = [
        f"  <Domaine><Nom>{domain}</Nom><Operateur>{each.name}</Operateur></Domaine>"
        for each in OPERATORS.values()
        for domain in each.domains
    ]
    return _LIST.format(lines="\n".join(lines)).encode()


def is_joined(place: Place) -> bool:
    """Whether this operator knows its neighbour."""
    return (place.state / PEERS).exists()


def settings_of(place: Place) -> Config:
    """Its configuration as it is before any peer is known: the file of peers may not be there."""
    place.write_config()
    return config.load(place.config_file)


def join(home: Gateway, town: Gateway) -> None:
    """Let two operators know each other; may run again."""
    both = (home, town)
    own = [demo_site.authority_of(each) for each in both]
    for gateway, authority, other in zip(both, own, reversed(own), strict=True):
        settings = gateway.config
        anchors = settings.in_state(settings.certificates.anchors)
        write_whole(anchors, to_pem(authority.root, other.root))
    for gateway, other_gateway in ((home, town), (town, home)):
        _learn(gateway, other_gateway)
    for gateway in both:
        path = gateway.config.in_state(PEERS)
        pem = to_pem(*(one for each in own for one in (each.root, each.issuing)))
        write_whole(path, pem)


def _learn(gateway: Gateway, other: Gateway) -> None:
    """The other's certificates into the book."""
    with other.database.read() as view:
        kept = [
            (held.certificate, certificates.chain_of(view, held, other.cabinet.issuers)[:1])
            for held in published(other, view)
        ]

    def unit(tx: Transaction) -> None:
        for certificate, chain in kept:
            for address in addresses(certificate):
                keybook.learn(
                    tx,
                    gateway.spool,
                    address.lower(),
                    certificate,
                    None,
                    Provenance.DIRECTORY,
                    chain=chain,
                )

    gateway.database.write(unit)


def refresh(gateway: Gateway, place: Place) -> None:
    """At each start: the white list confirmed, and what was taken back told to the neighbour."""
    rules = whitelist.rules_of(gateway.config)
    candidate = whitelist.examine(white_list(), rules, gateway.now())
    gateway.database.write(lambda tx: whitelist.bring(tx, candidate, rules, force=True))
    authority = demo_site.authority_of(gateway)
    with gateway.database.read() as view:
        taken_back = certificates.revocations(view)
    now = gateway.now().replace(microsecond=0)
    until = now + timedelta(days=LIST_DAYS)
    for state in (place.state, place.neighbour.state):
        if not state.exists():
            continue  # a state that was restored elsewhere is alone
        folder = state / "lists"
        folder.mkdir(exist_ok=True, mode=0o700)
        name = place.operator.key
        write_whole(folder / f"{name}.crl", authority.crl(taken_back, now, until))
        write_whole(folder / f"{name}-root.crl", authority.root_crl([], now, until))


def build(place: Place) -> Gateway:
    """The gateway of a place that may know no peer yet, to be closed by the caller."""
    settings = settings_of(place)
    if not is_joined(place):
        settings = replace(settings, tls=replace(settings.tls, peer_anchors=""))
    return compose.build(settings)
