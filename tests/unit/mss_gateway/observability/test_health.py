"""Three answers over plain HTTP, each within its time, in fixed words."""

import asyncio
import io
import json
from collections.abc import MutableMapping
from typing import Any

import pytest

from mss_gateway.observability import health, log
from mss_gateway.observability.health import Ask, Fault, Health

METRICS = b"mss_commits 1\n"
DOWN = Health((Fault.STORE_FAILED, Fault.DISK_LOW))
WORN = Health((), (Fault.WHITELIST_STALE,), {"disk_free_octets": 12.3456})


def says(found: Health) -> Ask:
    async def ask() -> Health:
        return found

    return ask


async def for_ever() -> Any:
    await asyncio.Event().wait()


async def fail() -> Any:
    raise RuntimeError("secret")


async def metrics() -> bytes:
    return METRICS


async def asked(
    path: str,
    *,
    live: Ask | None = None,
    ready: Ask | None = None,
    render: Any = metrics,
    accept: bytes = b"*/*",
    kind: str = "http",
) -> list[MutableMapping[str, Any]]:
    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError("the answer does not wait for the request's body")

    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    well = says(Health())
    application = health.build(
        render, live or well, ready or well, answer_seconds=0.01, metrics_seconds=0.01
    )
    scope = {"type": kind, "path": path, "headers": [(b"host", b"x"), (b"accept", accept)]}
    await application(scope, receive, send)
    return sent


@pytest.mark.parametrize(
    ("path", "found", "status", "body"),
    [
        ("/live", Health(), 200, b"live\n"),
        ("/live", Health((Fault.LOOP_SLOW,)), 503, b"not live: loop-slow\n"),
        ("/ready", Health(), 200, b"ready\n"),
        ("/ready", DOWN, 503, b"not ready: store-failed disk-low\n"),
        ("/ready", WORN, 200, b"ready, degraded: whitelist-stale\n"),
        ("/metrics", DOWN, 200, METRICS),
        ("/", Health(), 404, b"/live /ready /metrics\n"),
        ("/metrics/", Health(), 404, b"/live /ready /metrics\n"),
    ],
)
async def test_each_path_has_its_answer(path: str, found: Health, status: int, body: bytes) -> None:
    start, content = await asked(path, live=says(found), ready=says(found))
    assert start["status"] == status
    assert content["body"] == body
    assert (b"cache-control", b"no-store") in start["headers"]


@pytest.mark.parametrize("found", [Health(), DOWN, WORN])
async def test_a_program_is_told_the_same_in_json(found: Health) -> None:
    start, content = await asked("/ready", ready=says(found), accept=b"application/json, */*")
    assert start["status"] == found.status
    assert (b"content-type", b"application/json") in start["headers"]
    assert json.loads(content["body"]) == {
        "probe": "ready",
        "ok": found.status == 200,
        "faults": [one.value for one in found.faults],
        "degraded": [one.value for one in found.remarks],
        "measures": {name: round(value, 3) for name, value in found.measures.items()},
    }


@pytest.mark.parametrize("path", ["/live", "/ready"])
async def test_a_probe_that_hangs_is_a_no(path: str) -> None:
    start, content = await asked(path, live=for_ever, ready=for_ever)
    assert start["status"] == 503
    assert content["body"].endswith(b": no-answer\n")


async def test_metrics_that_hang_are_a_no() -> None:
    start, content = await asked("/metrics", render=for_ever)
    assert (start["status"], content["body"]) == (503, b"not metrics: no-answer\n")


@pytest.mark.parametrize("path", ["/live", "/ready", "/metrics"])
async def test_a_bug_is_a_no_and_told_in_the_log_without_its_text(path: str) -> None:
    logged = io.StringIO()
    log.configure(logged)
    start, content = await asked(path, live=fail, ready=fail, render=fail)
    assert start["status"] == 503
    assert b"secret" not in content["body"]
    assert '"error": "RuntimeError"' in logged.getvalue()
    assert "secret" not in logged.getvalue()


async def test_what_is_not_http_gets_no_answer() -> None:
    assert await asked("/live", kind="websocket") == []


def test_every_fault_is_one_word() -> None:
    words = [one.value for one in Fault]
    assert len(set(words)) == len(words)
    assert all(word.replace("-", "").isalpha() and word.islower() for word in words)
