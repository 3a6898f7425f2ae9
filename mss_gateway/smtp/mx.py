"""The side of another operator's server, handing over messages for mailboxes here (port 25).

It proves who it is by the certificate of its TLS, which is judged again at each MAIL. AUTH is not
offered: nobody signs in here. Nothing is relayed, whatever the form of an address (threat T12).
"""

import asyncio
from collections.abc import Mapping

from mss_gateway.failures import Failure, Refused
from mss_gateway.life import reception
from mss_gateway.life.arrival import Arrival
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.reception import Visit
from mss_gateway.message.address import EmailAddress
from mss_gateway.observability import log
from mss_gateway.smtp.connection import Verb
from mss_gateway.smtp.dialogue import Dialogue, HandedOver
from mss_gateway.smtp.dkim_reading import DkimReading
from mss_gateway.smtp.parameters import MailArgument
from mss_gateway.smtp.tarpit import Tarpit
from policies.people import Role


class MxSession:
    """One server of a peer, and the message that it is handing over."""

    def __init__(self, dialogue: Dialogue, tarpit: Tarpit, dkim: DkimReading | None = None) -> None:
        self._gateway: Gateway = dialogue.gateway
        self._dialogue = dialogue
        self._tarpit = tarpit
        self._dkim = dkim
        self._visit: Visit | None = None
        self._is_full = False

    @property
    def channel(self) -> str:
        """As logs and metrics name it."""
        return "mx"

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """None of its own."""
        return {}

    @property
    def is_known(self) -> bool:
        """Whether a MAIL was accepted from it."""
        return self._visit is not None

    def offers(self) -> list[str]:
        """Nothing besides what every port offers."""
        return []

    def missing(self) -> Failure | None:
        """Nothing: the certificate is asked about at MAIL."""
        return None

    async def begin(self, announced: MailArgument) -> None:
        """Is this server welcome, with this reverse-path?"""
        visit = await self._gateway.bridge.run(
            reception.at_peer,
            self._gateway,
            self._dialogue.peer_certificate(),
            announced.reverse_path,
            announced.size,
        )
        if not self.is_known:
            self._dialogue.believe()
        self._visit = visit
        self._is_full = False

    async def admit(self, recipient: EmailAddress, so_far: int) -> None:
        """One verdict per recipient; too many refusals are told slowly."""
        visit = self._begun()
        if self._is_full and so_far:
            raise Refused(Failure.TOO_MANY_RECIPIENTS)
        try:
            self._is_full = await self._gateway.bridge.run(
                reception.at_recipient, self._gateway, visit, recipient, so_far
            )
        except Refused:
            seconds = self._tarpit.refused(visit.operator.name)
            if seconds:
                self._gateway.metrics.slowed.inc()
                log.note("peer slowed", channel="mx", seconds=seconds)
                await asyncio.sleep(seconds)
            raise

    async def accept(self, handed: HandedOver) -> str:
        """Take responsibility for what the peer hands over."""
        visit = self._begun()
        results = [] if self._dkim is None else await self._dkim.results(handed.raw)
        arriving = Arrival(
            visit.reverse_path,
            handed.recipients,
            handed.raw,
            Role.PROFESSIONAL,
            operator=visit.operator.name,
            host=visit.host,
            asked=handed.asked,
            envelope_id=handed.announced.envelope_id,
            returns=handed.announced.returns,
            requires_tls=handed.announced.requires_tls,
            is_utf8=handed.announced.is_utf8,
            results=results,
        )
        receipt = await self._gateway.bridge.run(reception.accept, self._gateway, visit, arriving)
        return receipt.message_ref

    def _begun(self) -> Visit:
        assert self._visit is not None, "the dialogue asks after MAIL only"
        return self._visit
