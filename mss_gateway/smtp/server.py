"""The submission listeners: STARTTLS and implicit TLS, with bounds per peer address."""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from mss_gateway.life.gateway import Gateway
from mss_gateway.smtp.body import Budget
from mss_gateway.smtp.connection import PATIENCE, Patience
from mss_gateway.smtp.session import Port, SubmissionSession

_POLL_SECONDS = 0.05


@dataclass(slots=True)
class SubmissionServer:
    """Opens the two ports; :meth:`close` stops listening, :meth:`drain` waits for sessions."""

    gateway: Gateway
    tls: ssl.SSLContext
    patience: Patience = PATIENCE
    clock: Callable[[], float] = time.monotonic
    budget: Budget = field(init=False)
    _servers: list[asyncio.AbstractServer] = field(default_factory=list)
    _sessions: set[SubmissionSession] = field(default_factory=set)
    _peers: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """One budget of bodies for both ports."""
        self.budget = Budget(self.gateway.config.limits.bodies_in_flight_octets)

    async def start(self) -> None:
        """Listen on the configured ports; a port of 0 is left out."""
        listen = self.gateway.config.listen
        for number, is_implicit in (
            (listen.submission_starttls, False),
            (listen.submission_tls, True),
        ):
            if number:
                await self.listen(listen.host, number, is_implicit_tls=is_implicit)

    async def listen(self, host: str, number: int, *, is_implicit_tls: bool) -> int:
        """Listen on one port, 0 for any that is free; the port."""
        port = Port(self.gateway, self.tls, is_implicit_tls, self.budget, self.patience, self.clock)
        server = await asyncio.get_running_loop().create_server(
            lambda: self._session(port),
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

    def _session(self, port: Port) -> SubmissionSession:
        gauge = self.gateway.metrics.connections.labels("submission")

        def opened(peer: str) -> bool:
            gauge.inc()
            self._sessions.add(session)
            self._peers[peer] += 1
            return self._peers[peer] <= self.gateway.config.limits.connections_per_address

        def closed(peer: str) -> None:
            gauge.dec()
            self._sessions.discard(session)
            self._peers[peer] -= 1
            if not self._peers[peer]:
                del self._peers[peer]

        session = SubmissionSession(port, opened, closed)
        return session
