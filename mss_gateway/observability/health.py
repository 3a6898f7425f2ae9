"""Health and metrics over plain HTTP, for the operator's own network: /live, /ready, /metrics.

A bare ASGI application: three fixed answers need no framework. No line names a person.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

TEXT = b"text/plain; version=0.0.4; charset=utf-8"


def build(
    render: Callable[[], Awaitable[bytes]], is_ready: Callable[[], Awaitable[bool]]
) -> Application:
    """The application; ``render`` gives the metrics, ``is_ready`` asks whether mail is taken."""

    async def answer(path: str) -> tuple[int, bytes]:
        if path == "/live":
            return 200, b"live\n"
        if path == "/ready":
            return (200, b"ready\n") if await is_ready() else (503, b"not ready\n")
        if path == "/metrics":
            return 200, await render()
        return 404, b"/live /ready /metrics\n"

    async def application(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        status, body = await answer(scope["path"])
        headers = [
            (b"content-type", TEXT),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application
