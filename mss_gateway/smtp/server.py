"""The listeners: submission on STARTTLS and implicit TLS, other operators on port 25."""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from mss_gateway.directory.throttle import network
from mss_gateway.life.gateway import Gateway
from mss_gateway.smtp.body import Budget
from mss_gateway.smtp.connection import PATIENCE, Connection, Patience
from mss_gateway.smtp.dialogue import Dialogue, Port, Side
from mss_gateway.smtp.dkim_reading import DkimReading
from mss_gateway.smtp.mx import MxSession
from mss_gateway.smtp.submission import SubmissionSession
from mss_gateway.smtp.tarpit import Tarpit

_POLL_SECONDS = 0.05


@dataclass(slots=True)
class Listeners:
    """Ports of one kind, with bounds per peer address (IPv6 by its /64: one subscriber).

    ``ports``: numbers as configured, and whether TLS comes first; ``side`` is who is at the other.
    :meth:`close` stops listening, :meth:`drain` waits for sessions.
    """

    gateway: Gateway
    tls: ssl.SSLContext
    patience: Patience
    clock: Callable[[], float]
    ports: tuple[tuple[int, bool], ...]
    side: Callable[[Dialogue], Side]
    budget: Budget = field(init=False)
    _servers: list[asyncio.AbstractServer] = field(default_factory=list)
    _sessions: set[Connection] = field(default_factory=set)
    _peers: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """One budget of bodies for all ports of the kind."""
        self.budget = Budget(self.gateway.config.limits.bodies_in_flight_octets)

    async def start(self) -> None:
        """Listen on the configured ports; a port of 0 is left out."""
        host = self.gateway.config.listen.host
        for number, is_implicit in self.ports:
            if number:
                await self.listen(host, number, is_implicit_tls=is_implicit)

    async def listen(self, host: str, number: int, *, is_implicit_tls: bool = False) -> int:
        """Listen on one port, 0 for any that is free; the port."""
        port = Port(self.gateway, self.tls, is_implicit_tls, self.budget, self.patience, self.clock)
        server = await asyncio.get_running_loop().create_server(
            lambda: Dialogue(port, self.side, self._opened, self._closed),
            host,
            number,
            ssl=self.tls if is_implicit_tls else None,
            ssl_handshake_timeout=self.patience.handshake if is_implicit_tls else None,
        )
        self._servers.append(server)
        taken: int = server.sockets[0].getsockname()[1]
        return taken

    def close(self) -> None:
        """Take no new connection."""
        for server in self._servers:
            server.close()

    async def drain(self, seconds: float) -> None:
        """Tell every session to end; those in the middle of a message have this long for it."""
        for session in tuple(self._sessions):
            session.retire()
        for _ in range(int(seconds / _POLL_SECONDS)):
            if not self._sessions:
                return
            await asyncio.sleep(_POLL_SECONDS)
        for session in tuple(self._sessions):
            session.cut()
        await asyncio.sleep(_POLL_SECONDS)

    def _opened(self, session: Connection) -> bool:
        """One connection more; whether its address may have it."""
        self.gateway.metrics.connections.labels(session.channel).inc()
        self._sessions.add(session)
        peer = network(session.peer_address)
        self._peers[peer] += 1
        return self._peers[peer] <= self.gateway.config.limits.connections_per_address

    def _closed(self, session: Connection) -> None:
        """One connection less."""
        self.gateway.metrics.connections.labels(session.channel).dec()
        self._sessions.discard(session)
        peer = network(session.peer_address)
        self._peers[peer] -= 1
        if not self._peers[peer]:
            del self._peers[peer]


class SubmissionServer(Listeners):
    """Mail programs, on the two ports of submission."""

    def __init__(
        self,
        gateway: Gateway,
        tls: ssl.SSLContext,
        patience: Patience = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        listen = gateway.config.listen
        ports = ((listen.submission_starttls, False), (listen.submission_tls, True))
        super().__init__(gateway, tls, patience, clock, ports, SubmissionSession)


class MxServer(Listeners):
    """Other operators' servers. ``tls`` asks for a certificate, and goes on without one.

    ``dkim`` reads their signatures for information; None: nobody does.
    """

    def __init__(
        self,
        gateway: Gateway,
        tls: ssl.SSLContext,
        patience: Patience = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        dkim: DkimReading | None = None,
    ) -> None:
        ports, tarpit = ((gateway.config.listen.mx, False),), Tarpit(clock, patience.tarpit)
        side = partial(MxSession, tarpit=tarpit, dkim=dkim)
        super().__init__(gateway, tls, patience, clock, ports, side)
