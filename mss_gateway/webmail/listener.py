"""An ASGI application on a port of the running event loop, by uvicorn."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn

Application = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]


class PortRefused(Exception):
    """The port cannot be listened on: taken by another server, or not ours to take."""


class Listener:
    """One listening port; ``tls`` is (certificate chain, key) in PEM files, None for plain HTTP."""

    def __init__(
        self,
        app: Application,
        host: str,
        port: int,
        *,
        tls: tuple[Path, Path] | None,
        drain_seconds: float,
    ) -> None:
        certificate, key = tls or (None, None)
        self._port = port
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                ssl_certfile=certificate,
                ssl_keyfile=None if key is None else str(key),
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
        """Return when the port answers; raises :class:`PortRefused`."""
        # `serve` would install signal handlers, which are the process's business
        self._task = asyncio.get_running_loop().create_task(self._server._serve())
        while not self._server.started:
            if self._task.done():
                raise PortRefused(self._port)
            await asyncio.sleep(0.01)

    def close(self) -> None:
        """Take no new request; those that run may end."""
        self._server.should_exit = True

    async def closed(self) -> None:
        """Wait until the last request has ended."""
        if self._task is not None:
            await self._task
