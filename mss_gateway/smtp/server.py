"""The submission listeners: STARTTLS and implicit TLS, with bounds per peer address."""

import asyncio
import ssl
from collections import Counter
from dataclasses import dataclass, field

from mss_gateway.life.gateway import Gateway
from mss_gateway.smtp.body import Budget
from mss_gateway.smtp.session import HANDSHAKE_SECONDS, Port, SubmissionSession


@dataclass(slots=True)
class SubmissionServer:
    """Opens the two ports; :meth:`close` stops listening, :meth:`drain` waits for sessions."""

    gateway: Gateway
    tls: ssl.SSLContext
    _servers: list[asyncio.AbstractServer] = field(default_factory=list)
    _sessions: set[SubmissionSession] = field(default_factory=set)
    _peers: Counter[str] = field(default_factory=Counter)

    async def start(self) -> None:
        """Listen on the configured ports; a port of 0 is left out."""
        listen, limits = self.gateway.config.listen, self.gateway.config.limits
        budget = Budget(limits.bodies_in_flight_octets)
        loop = asyncio.get_running_loop()
        for number, is_implicit in (
            (listen.submission_starttls, False),
            (listen.submission_tls, True),
        ):
            if not number:
                continue
            port = Port(self.gateway, self.tls, is_implicit, budget)
            self._servers.append(
                await loop.create_server(
                    lambda port=port: self._session(port),
                    listen.host,
                    number,
                    ssl=self.tls if is_implicit else None,
                    ssl_handshake_timeout=HANDSHAKE_SECONDS if is_implicit else None,
                )
            )

    def close(self) -> None:
        """Take no new connection."""
        for server in self._servers:
            server.close()

    async def drain(self, seconds: float) -> None:
        """Let sessions end by themselves for a while, then close them."""
        for _ in range(int(seconds * 20)):
            if not self._sessions:
                return
            await asyncio.sleep(0.05)
        for session in list(self._sessions):
            if session.transport is not None:
                session.transport.close()

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
