"""A small name server on loopback, UDP only: answers what a test wrote, or fails as it says."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

Zone = Mapping[tuple[str, str], tuple[str, ...] | dns.rcode.Rcode | None]
"""(name, type) → records, an error code, or None: no answer at all. Other types of a name that is
there have no record; other names do not exist."""


@dataclass(slots=True)
class NameServer(asyncio.DatagramProtocol):
    """Counts the questions it was asked, by name and type."""

    zone: Zone
    port: int = 0
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    _transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, datagram: bytes, peer: tuple[str, int]) -> None:
        question = dns.message.from_wire(datagram)
        (asked,) = question.question
        name = asked.name.to_text(omit_final_dot=True).lower()
        kind = asked.rdtype.name
        self.asked[name, kind] += 1
        found = self.zone.get((name, kind), ())
        if found is None:
            return
        answer = dns.message.make_response(question, recursion_available=True)
        if isinstance(found, dns.rcode.Rcode):
            answer.set_rcode(found)
        elif found:
            answer.answer.append(dns.rrset.from_text_list(asked.name, 60, "IN", kind, found))
        elif not any(known == name for known, _ in self.zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        assert self._transport is not None
        self._transport.sendto(answer.to_wire(), peer)


@asynccontextmanager
async def answering(zone: Zone) -> AsyncIterator[NameServer]:
    """A name server for this zone on a free port."""
    server = NameServer(zone)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: server, local_addr=("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        transport.close()
