"""Health and metrics over plain HTTP, for the operator's own network: /live, /ready, /metrics.

A bare ASGI application: three fixed answers need no framework. What is wrong is told in fixed
words (:class:`Fault`), never with a name, a path or a text of an exception. Every question has its
answer within ``seconds``, also when the store hangs: then the answer is no.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from mss_gateway.observability import log

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

TEXT = b"text/plain; version=0.0.4; charset=utf-8"
JSON = b"application/json"

ANSWER_SECONDS: Final = 2.0
"""For a probe, whatever happens behind it."""

METRICS_SECONDS: Final = 8.0
"""For the metrics, which read the store; a scraper waits ten seconds by default."""


class Fault(Enum):
    """What can be wrong; the value is the word that is told."""

    # not alive: only a restart helps
    LOOP_SLOW = "loop-slow"
    THREAD_GONE = "thread-gone"
    # not ready: nothing may be sent here now
    STORE_FAILED = "store-failed"
    STORE_SLOW = "store-slow"
    STORE_REFUSES = "store-refuses"
    DISK_LOW = "disk-low"
    KEY_UNUSABLE = "key-unusable"
    SCHEMA_OTHER = "schema-other"
    DRAINING = "draining"
    NO_ANSWER = "no-answer"
    # degraded: it serves, and somebody must look
    CLOCK_SKEWED = "clock-skewed"
    REVOCATION_STALE = "revocation-stale"
    WHITELIST_STALE = "whitelist-stale"
    CERTIFICATE_ENDS = "certificate-ends"


@dataclass(frozen=True, slots=True)
class Health:
    """An answer: ``faults`` make it no, ``remarks`` leave it yes; ``measures`` say their unit."""

    faults: tuple[Fault, ...] = ()
    remarks: tuple[Fault, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """For HTTP."""
        return 503 if self.faults else 200

    def line(self, word: str) -> bytes:
        """One short line: ``ready``, ``ready, degraded: …`` or ``not ready: …``."""
        if self.faults:
            return f"not {word}: {_words(self.faults)}\n".encode()
        return (
            f"{word}, degraded: {_words(self.remarks)}\n".encode()
            if self.remarks
            else (f"{word}\n".encode())
        )

    def document(self, word: str) -> bytes:
        """The same for a program."""
        told = {
            "probe": word,
            "ok": not self.faults,
            "faults": [one.value for one in self.faults],
            "degraded": [one.value for one in self.remarks],
            "measures": {name: round(value, 3) for name, value in self.measures.items()},
        }
        return json.dumps(told).encode() + b"\n"


Ask = Callable[[], Awaitable[Health]]


def build(
    render: Callable[[], Awaitable[bytes]],
    live: Ask,
    ready: Ask,
    *,
    answer_seconds: float = ANSWER_SECONDS,
    metrics_seconds: float = METRICS_SECONDS,
) -> Application:
    """The application; ``render`` gives the metrics, ``live`` and ``ready`` how things are.

    A probe answers text, or JSON to who accepts that. What ``render``, ``live`` or ``ready`` raise
    is told as ``no-answer``.
    """
    probes = {"/live": ("live", live), "/ready": ("ready", ready)}

    async def answer(path: str, wants_json: bool) -> tuple[int, bytes, bytes]:
        if path == "/metrics":
            try:
                return 200, TEXT, await asyncio.wait_for(render(), metrics_seconds)
            except Exception as error:
                return 503, TEXT, _unanswered(error).line("metrics")
        if path not in probes:
            return 404, TEXT, b"/live /ready /metrics\n"
        word, ask = probes[path]
        try:
            found = await asyncio.wait_for(ask(), answer_seconds)
        except Exception as error:
            found = _unanswered(error)
        if wants_json:
            return found.status, JSON, found.document(word)
        return found.status, TEXT, found.line(word)

    async def application(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        accepted = dict(scope.get("headers", ())).get(b"accept", b"")
        status, kind, body = await answer(scope["path"], JSON in accepted)
        headers = [
            (b"content-type", kind),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


def _unanswered(error: Exception) -> Health:
    if not isinstance(error, TimeoutError):
        log.bug("probe", error)
    return Health((Fault.NO_ANSWER,))


def _words(faults: tuple[Fault, ...]) -> str:
    return " ".join(one.value for one in faults)
