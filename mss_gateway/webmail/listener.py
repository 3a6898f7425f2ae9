"""An ASGI application on a port of the running event loop, by uvicorn."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from mss_gateway.webmail.event_stream import CLOSING

Application = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]


class Listener:
    """One listening port; without ``tls`` it speaks plain HTTP."""

    def __init__(
        self,
        app: Application,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None,
        drain_seconds: float,
    ) -> None:
        self._host, self._port = host, port
        self._closing = asyncio.Event()
        self._server = uvicorn.Server(
            uvicorn.Config(
                _told(app, self._closing),
                ssl_context_factory=None if tls is None else lambda _config, _default: tls,
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=int(drain_seconds),
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when the port answers; raises OSError when it cannot be opened."""
        # ours, because the server would end the process when the port is taken
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.setblocking(False)
            opened.bind((self._host, self._port))
        except BaseException:
            opened.close()
            raise
        # `serve` would install signal handlers, which are the process's business
        self._task = asyncio.get_running_loop().create_task(self._server._serve([opened]))
        while not self._server.started:
            if self._task.done():
                failed = self._task.exception()
                refusal = OSError(errno.EIO, f"port {self._port} cannot be served")
                raise failed if isinstance(failed, OSError) else refusal
            await asyncio.sleep(0.01)

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._server.server_state.connections)

    def close(self) -> None:
        """Take no new request; those that run may end."""
        self._closing.set()
        self._server.should_exit = True

    def cut(self) -> None:
        """Wait for no request any more."""
        self._closing.set()
        self._server.should_exit = self._server.force_exit = True

    async def closed(self) -> None:
        """Wait until the last request has ended; who waits no longer leaves them running."""
        if self._task is not None:
            await asyncio.wait({self._task})


def _told(app: Application, closing: asyncio.Event) -> Application:
    """The application, told with each request what is set once nothing new is taken: an answer
    without an end must hear of it.
    """

    async def answering(
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        scope.setdefault("extensions", {})[CLOSING] = closing
        await app(scope, receive, send)

    return answering
