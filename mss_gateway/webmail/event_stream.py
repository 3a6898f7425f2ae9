"""A stream of server-sent events as an answer: written as numbers change, ended from five sides.

It ends when its page goes, when its session is over, when another page of the account takes its
place, when the server stops, and when nothing of it is taken for a while. A beat keeps what stands
between from closing it. It holds no thread.
"""

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mailbox_store.database import MailboxId
from mss_gateway.webmail.live import OVER, Live, Stream
from mss_gateway.webmail.sessions import Session

BEAT_SECONDS: Final = 25.0
"""Between two signs of life; what stands between closes a silent connection after 30 or 60."""

TAKING_SECONDS: Final = 10.0
"""Who takes nothing for so long has gone, or wants our memory."""

RETRY_SECONDS: Final = 60
"""When there are too many: after so long it may be asked again (RFC 9110 §10.2.3)."""

CLOSING: Final = "mss.closing"
"""Among a scope's extensions: the event that is set once the listener takes nothing new."""

_BEAT: Final = b":\n\n"


class EventStream(Response):
    """What a session's page is told, for as long as it is open."""

    media_type = "text/event-stream"

    def __init__(self, live: Live, session: Session, inbox: MailboxId) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._live, self._session, self._inbox = live, session, inbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write until one side ends it; 503 at once when too many are told already."""
        if scope.get("method") == "HEAD":  # RFC 9110 §9.3.2: what a GET would begin with
            await super().__call__(scope, receive, send)
            return
        stream = self._live.enter(self._session, self._inbox)
        if stream is None:
            refused = Response(status_code=503, headers={"Retry-After": str(RETRY_SECONDS)})
            await refused(scope, receive, send)
            return
        writing = asyncio.create_task(self._write(stream, send))
        tasks = [writing, asyncio.create_task(_gone(receive))]
        closing: asyncio.Event | None = scope.get("extensions", {}).get(CLOSING)
        if closing is not None:
            tasks.append(asyncio.create_task(_closing(closing)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._live.leave(stream)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if writing.cancelled():
            with contextlib.suppress(TimeoutError):
                await _taken(send({"type": "http.response.body", "body": b""}))

    async def _write(self, stream: Stream, send: Send) -> None:
        """Until it is over. Raises TimeoutError when its page takes nothing."""
        start = {"status": self.status_code, "headers": self.raw_headers}
        await _taken(send({"type": "http.response.start", **start}))
        event = b""
        while event is not OVER:
            try:
                event = await asyncio.wait_for(stream.due(), BEAT_SECONDS)
            except TimeoutError:
                event = _BEAT
            body = {"body": event, "more_body": event is not OVER}
            await _taken(send({"type": "http.response.body", **body}))


async def _taken(sending: Awaitable[None]) -> None:
    async with asyncio.timeout(TAKING_SECONDS):
        await sending


async def _gone(receive: Receive) -> None:
    """The page went: nothing else is to be received of it."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _closing(closing: asyncio.Event) -> None:
    await closing.wait()
