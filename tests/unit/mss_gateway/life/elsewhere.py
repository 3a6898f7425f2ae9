"""A site that knows another operator by its white list; what is relayed there only waits."""

import threading
from dataclasses import replace

from mss_gateway.directory.operators import PeerTrust
from mss_gateway.directory.whitelist import Whitelist
from mss_gateway.life import arrival
from mss_gateway.life.arrival import Arrival
from mss_gateway.message.address import parse_address
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message
from mss_gateway.queue import destinations, leases, spooled
from mss_gateway.queue.leases import Item
from mss_gateway.queue.worker import Worker
from policies.people import Role
from policies.verdict import Permit
from tests.support.smtp_site import Site

OPERATOR = "voisin"
AUTHOR = "luc.garnier@voisin.example"
PATIENT_THERE = "279035121518989@patient.voisin.example"
DOMAINS = ("voisin.example", "patient.voisin.example")


def beside(site: Site) -> Site:
    """The same site, in a trust space of two operators and a third one."""
    known = dict.fromkeys(DOMAINS, OPERATOR) | {"tiers.example": "tiers"}
    now = int(site.clock())
    white = Whitelist(1, known, now, now, None, "")
    trust = PeerTrust([site.authority().root], None, None, site.gateway.lists)
    gateway = replace(site.gateway, whitelist=lambda _view: white, peer_trust=trust)
    return replace(site, gateway=gateway, worker=Worker(gateway, threading.Event()))


def hand_in(
    site: Site,
    raw: bytes,
    recipient: str,
    path: str | None = AUTHOR,
    operator: str = OPERATOR,
    asked: object = None,
) -> str:
    """A message that the other operator's server hands over; its reference."""
    reverse_path = None if path is None else parse_address(path)
    sent = Arrival(
        reverse_path, (parse_address(recipient),), raw, Role.PROFESSIONAL, operator=operator
    )
    if asked is not None:
        sent = replace(sent, asked={recipient: asked})
    receipt = arrival.accept(site.gateway, sent, lambda _judged, _recipients: Permit(()))
    return receipt.message_ref


def leaving(site: Site) -> list[Item]:
    """What waits to be relayed, leased."""
    now = site.gateway.queue_clock.now()
    with site.gateway.database.read() as view:
        spool = view.vault.account(view, site.gateway.spool)
        waiting = destinations.due(view, spool, now)
    return [
        item
        for one in waiting
        for item in site.gateway.database.write(
            lambda tx, one=one: leases.claim_for(tx, spool, one.index, 10_000, now)
        )
    ]


def body_of(site: Site, item: Item) -> Message:
    """The message of an item."""
    with site.gateway.database.read() as view:
        spool = view.vault.account(view, site.gateway.spool)
        message = spooled.read_message(view, spool, item.message_ref)
        assert message is not None
        return scan(spooled.read_body(view, spool, message))
