"""Where the servers of a domain are: the operator's table first, then the DNS.

RFC 5321 §5.1: the hosts of MX by preference, equal ones in any order; a null MX (RFC 7505) takes no
mail. Without MX the hosts and ports of SRV, for an operator that has another port; without either
the domain itself. Every question has a time limit, every answer a bound. What the DNS says is not
proved, and need not be: whoever answers there must show the certificate of an operator who owns the
domain.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.TXT
import dns.rdtypes.IN.SRV
import dns.resolver

from mss_gateway.config import Config, ConfigRefused
from mss_gateway.failures import Failure

HOSTS: Final = 10
"""Hosts of one domain that are tried; RFC 5321 §5.1 wants two at least."""

ADDRESSES: Final = 4
"""Addresses of one host that are tried."""

QUESTION_SECONDS: Final = 10.0
"""Time for one question, over all name servers."""

_CACHED: Final = 2000
_DNS_PORT: Final = 53
_EVERY_OTHER: Final = "*"
_SERVICE: Final = "_smtp._tcp"
"""What a zone calls the transfer of mail (RFC 2782)."""


@dataclass(frozen=True, slots=True)
class Route:
    """A host to try, in normal form, and its port; ``is_configured``: the operator named it."""

    host: str
    port: int
    is_configured: bool = False


class NoRoute(Exception):
    """A domain cannot be reached: for now, or as the failure says for good."""

    def __init__(self, failure: Failure, cause: str = "") -> None:
        super().__init__(cause)
        self.failure = failure
        self.cause = cause


_Named = tuple[int, str, int]
"""Preference, host (empty for the root) and port, as a record says."""


class _NoRecord(Exception):
    """The name exists and has no record of that kind."""


@dataclass(frozen=True, slots=True)
class Resolver:
    """Asks name servers, ``servers`` or else the system's; remembers answers for their time."""

    servers: tuple[str, ...] = ()
    port: int = _DNS_PORT
    seconds: float = QUESTION_SECONDS
    _asker: dns.asyncresolver.Resolver = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Raises ``dns.exception.DNSException`` when the system names no server."""
        asker = dns.asyncresolver.Resolver(configure=not self.servers)
        if self.servers:
            asker.nameservers = [dns.nameserver.Do53Nameserver(a, self.port) for a in self.servers]
        asker.lifetime = self.seconds
        asker.timeout = self.seconds / 2
        asker.cache = dns.resolver.LRUCache(_CACHED)
        object.__setattr__(self, "_asker", asker)

    async def exchangers(self, domain: str) -> list[tuple[int, str]]:
        """(preference, host) of each MX, host empty for the root; raises as :meth:`_ask`."""
        found = await self._ask(domain, dns.rdatatype.MX)
        return [
            (one.preference, _text(one.exchange))
            for one in found
            if isinstance(one, dns.rdtypes.ANY.MX.MX)
        ]

    async def addresses(self, host: str) -> list[str]:
        """The addresses of a host, IPv4 before IPv6; raises :class:`NoRoute`."""
        found: list[str] = []
        for kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
            try:
                found += [str(one) for one in await self._ask(host, kind)]
            except _NoRecord:
                continue
        if not found:
            raise NoRoute(Failure.DESTINATION_UNKNOWN, "no address")
        return found[:ADDRESSES]

    async def services(self, domain: str) -> list[tuple[int, str, int]]:
        """(priority, host, port) of each SRV of a domain's SMTP; raises :class:`NoRoute`.

        Deviates: RFC 2782 weighs hosts of one priority; here they come in any order.
        """
        found = await self._ask_if_any(f"{_SERVICE}.{domain}", dns.rdatatype.SRV)
        return [
            (one.priority, _text(one.target), one.port)
            for one in found
            if isinstance(one, dns.rdtypes.IN.SRV.SRV)
        ]

    async def text(self, name: str) -> bytes | None:
        """The TXT record of a name, its strings joined; None without; raises :class:`NoRoute`."""
        found = await self._ask_if_any(name, dns.rdatatype.TXT)
        records = (one for one in found if isinstance(one, dns.rdtypes.ANY.TXT.TXT))
        return next((b"".join(one.strings) for one in records), None)

    async def _ask_if_any(self, name: str, kind: dns.rdatatype.RdataType) -> Sequence[object]:
        """The records, none for a name that has none or does not exist."""
        try:
            return await self._ask(name, kind)
        except _NoRecord:
            return []
        except NoRoute as none:
            if none.failure is Failure.DESTINATION_UNKNOWN:
                return []
            raise

    async def _ask(self, name: str, kind: dns.rdatatype.RdataType) -> Sequence[object]:
        """The records; raises :class:`_NoRecord`, and :class:`NoRoute` for a name that is none.

        A server that fails or does not answer says nothing about the name: that is for now.
        """
        try:
            question = dns.name.from_text(name + ".")
            return list(await self._asker.resolve(question, kind))
        except dns.resolver.NoAnswer:
            raise _NoRecord from None
        except (dns.resolver.NXDOMAIN, dns.name.LabelTooLong, dns.name.NameTooLong) as error:
            raise NoRoute(Failure.DESTINATION_UNKNOWN, type(error).__name__) from None
        except dns.name.EmptyLabel:
            raise NoRoute(Failure.DESTINATION_UNKNOWN, "EmptyLabel") from None
        except (dns.exception.DNSException, OSError) as error:
            raise NoRoute(Failure.PEER_UNREACHABLE, type(error).__name__) from None


async def routes_to(
    domain: str,
    config: Config,
    resolver: Resolver | None,
    shuffle: Callable[[list[str]], None] = random.shuffle,
) -> list[Route]:
    """The hosts to try for a domain (A-labels), in order, at least one; raises :class:`NoRoute`.

    ``resolver`` None: the DNS is not asked, only the table counts.
    """
    table = _table(config.relay.routes)
    configured = table.get(domain) or table.get(_EVERY_OTHER)
    if configured is not None:
        listen = config.listen
        if (configured.host, configured.port) in (
            (config.site.hostname, listen.mx),
            (listen.host, listen.mx),
        ):
            raise NoRoute(Failure.MAIL_LOOP, "the route leads here")
        return [configured]
    if resolver is None:
        raise NoRoute(Failure.DESTINATION_UNKNOWN, "no route")
    found = await _found(domain, config.relay.port, resolver)
    if not found:
        # RFC 5321 §5.1: without MX, the domain is its own host
        return [Route(domain, config.relay.port)]
    return _ordered(found, config.site.hostname, shuffle)[:HOSTS]


async def _found(domain: str, port: int, resolver: Resolver) -> list[_Named]:
    """What the DNS says of a domain's servers, none when it says nothing of them."""
    try:
        exchangers = await resolver.exchangers(domain)
    except _NoRecord:
        return await resolver.services(domain)
    return [(preference, host, port) for preference, host in exchangers]


def _ordered(
    found: Sequence[_Named], own: str, shuffle: Callable[[list[str]], None]
) -> list[Route]:
    """Better ones first, equal ones as ``shuffle`` leaves them, a host named twice once."""
    named = [each for each in found if each[1]]
    if not named:
        raise NoRoute(Failure.DESTINATION_TAKES_NONE, "null MX or SRV")
    ours = [preference for preference, host, _ in named if host == own]
    if ours:
        # RFC 5321 §5.1: those no better than ourselves would send it back to us
        named = [each for each in named if each[0] < min(ours)]
        if not named:
            raise NoRoute(Failure.MAIL_LOOP, "the best host is this one")
    routes: dict[str, Route] = {}
    for preference in sorted({preference for preference, _, _ in named}):
        ports = {host: port for each, host, port in named if each == preference}
        equal = list(ports)
        shuffle(equal)
        for host in equal:
            routes.setdefault(host, Route(host, ports[host]))
    return list(routes.values())


def resolver_of(config: Config) -> Resolver | None:
    """Who is asked as the configuration says; None where the DNS is not to be asked.

    Raises ConfigRefused when this system names no name server.
    """
    if not config.relay.dns:
        return None
    try:
        return Resolver(config.relay.resolvers)
    except dns.exception.DNSException as error:
        raise ConfigRefused(
            f"relay.resolvers is empty, and this system names no name server"
            f" ({type(error).__name__})"
        ) from None


def _table(lines: Sequence[str]) -> Mapping[str, Route]:
    """The routes of the configuration, which were checked when it was read."""
    found = {}
    for line in lines:
        domain, _, place = line.partition(" ")
        host, _, port = place.strip().rpartition(":")
        found[domain] = Route(host.removeprefix("[").removesuffix("]"), int(port), True)
    return found


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower().removesuffix(".")
