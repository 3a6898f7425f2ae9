"""From a domain to a proved session: each host and address in turn, so many and no more.

RFC 5321 §5.1: those of better preference first; a host that cannot be spoken to, or does not prove
who it is, leaves the turn to the next.
"""

import random
import ssl
from dataclasses import dataclass
from typing import Final

from mss_gateway.life import next_hop
from mss_gateway.life.gateway import Gateway
from mss_gateway.smtp.client import WAITS, Kind, Link, PeerFailed, Place, Waits
from mss_gateway.smtp.routes import NoRoute, Resolver, Route, routes_to

PLACES: Final = 8
"""Addresses tried for one session; RFC 5321 §5.1 wants two at least."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What is needed to open sessions. ``resolver`` None: only the operator's own table counts."""

    gateway: Gateway
    tls: ssl.SSLContext
    resolver: Resolver | None
    waits: Waits = WAITS

    async def link(self, domain: str) -> tuple[Link, str]:
        """A session for a domain, and the name of its host.

        Raises NoRoute, and PeerFailed (DOWN, UNPROVED): the graver of what the hosts gave.
        """
        config = self.gateway.config
        routes = await routes_to(domain, config, self.resolver, random.shuffle)
        left, worst = PLACES, PeerFailed(Kind.DOWN, cause="no address")
        for route in routes:
            for address in await self._addresses(route):
                if not left:
                    raise worst
                left -= 1
                try:
                    return await self._open(domain, route, address), route.host
                except PeerFailed as failed:
                    # no proof says more than no answer: somebody is there
                    if worst.kind is Kind.DOWN:
                        worst = failed
        raise worst

    async def _addresses(self, route: Route) -> list[str]:
        """A host of the operator's table is looked up as this machine does."""
        if route.is_configured or self.resolver is None:
            return [route.host]
        try:
            return await self.resolver.addresses(route.host)
        except NoRoute:
            return []  # the next host may have one

    async def _open(self, domain: str, route: Route, address: str) -> Link:
        async def prove(shown: bytes) -> None:
            await self.gateway.bridge.run(
                next_hop.prove, self.gateway, domain, route.host, route.is_configured, shown
            )

        place = Place(address, route.port, route.host)
        return await Link.open(
            place, self.tls, prove, self.gateway.config.site.hostname, self.waits
        )
