"""DKIM signatures of what comes in, read for information: keys are asked for before the core is.

The DNS is asked on the loop and within a time limit; the verification, which costs work, is done by
the bridge with the answers at hand. A zone that does not answer delays a message, and refuses none.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from mss_gateway.bridge import Bridge
from mss_gateway.message import dkim
from mss_gateway.observability import log
from mss_gateway.smtp.routes import NoRoute

SECONDS: Final = 5.0
"""Time for the keys of one message, asked for all together."""

Ask = Callable[[str], Awaitable[bytes | None]]
"""The TXT record of a name; None without one; raises NoRoute when nobody can say now."""


class DkimReading:
    """Keep it: it remembers which signatures it met (threat T17)."""

    def __init__(
        self, ask: Ask, bridge: Bridge, clock: Callable[[], float], seconds: float = SECONDS
    ) -> None:
        self._ask, self._bridge, self._clock, self._seconds = ask, bridge, clock, seconds
        self._seen = dkim.Seen()

    async def results(self, raw: bytes) -> list[list[str]]:
        """What Authentication-Results says of ``raw``: ``others`` of ``authentication.fields``.

        A reading that fails says nothing: no message is refused for it.
        """
        try:
            return await self._results(raw)
        except Exception as error:
            log.bug("dkim", error, channel="mx")
            return []

    async def _results(self, raw: bytes) -> list[list[str]]:
        answers: dict[str, bytes | None] = {}

        async def ask(name: str) -> None:
            with contextlib.suppress(NoRoute, TimeoutError):
                answers[name] = await asyncio.wait_for(self._ask(name), self._seconds)

        await asyncio.gather(*map(ask, await self._bridge.run(dkim.key_names, raw)))
        return await self._bridge.run(self._told, raw, answers)

    def _told(self, raw: bytes, answers: Mapping[str, bytes | None]) -> list[list[str]]:
        def lookup(name: str) -> bytes | None:
            if name not in answers:
                raise dkim.KeyUnavailable
            return answers[name]

        results = dkim.verify(raw, lookup, int(self._clock()))
        return dkim.clauses(self._seen.told(results))
