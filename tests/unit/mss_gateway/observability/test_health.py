"""Three answers over plain HTTP, and nothing else."""

from collections.abc import MutableMapping
from typing import Any

import pytest

from mss_gateway.observability import health


async def ask(
    path: str, *, ready: bool = True, kind: str = "http"
) -> list[MutableMapping[str, Any]]:
    async def render() -> bytes:
        return b"mss_commits 1\n"

    async def is_ready() -> bool:
        return ready

    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError("the answer does not wait for the request's body")

    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await health.build(render, is_ready)({"type": kind, "path": path}, receive, send)
    return sent


@pytest.mark.parametrize(
    ("path", "ready", "status", "body"),
    [
        ("/live", True, 200, b"live\n"),
        ("/live", False, 200, b"live\n"),
        ("/ready", True, 200, b"ready\n"),
        ("/ready", False, 503, b"not ready\n"),
        ("/metrics", False, 200, b"mss_commits 1\n"),
        ("/", True, 404, b"/live /ready /metrics\n"),
        ("/metrics/", True, 404, b"/live /ready /metrics\n"),
    ],
)
async def test_each_path_has_its_answer(path: str, ready: bool, status: int, body: bytes) -> None:
    start, content = await ask(path, ready=ready)
    assert start["status"] == status
    assert content["body"] == body
    assert (b"cache-control", b"no-store") in start["headers"]


async def test_what_is_not_http_gets_no_answer() -> None:
    assert await ask("/live", kind="websocket") == []
