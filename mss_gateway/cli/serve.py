"""`mss serve`: the production start. SIGTERM drains; a store that failed ends the process."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from mss_gateway import compose, config
from mss_gateway.compose.service import Service
from mss_gateway.config import Config
from mss_gateway.observability import log

WATCH_SECONDS = 1.0

Ready = Callable[[Service], Awaitable[None]]


def run(config_path: Path) -> int:
    """Serve until SIGTERM or SIGINT; the exit code: 0 done, 3 the system could not."""
    try:
        settings = config.load(config_path)
    except config.ConfigRefused as refused:
        print(f"mss: {refused}", file=sys.stderr)  # noqa: T201 - the operator's terminal
        return 3
    return serve(settings, _announce)


def serve(settings: Config, ready: Ready) -> int:
    """Run the service on uvloop; ``ready`` is awaited when every port answers."""
    log.configure()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(settings, ready))
    except (*compose.REFUSALS, OSError) as refused:
        print(f"mss: {refused}", file=sys.stderr)  # noqa: T201 - the operator's terminal
        return 3


async def _serve(settings: Config, ready: Ready) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    service = Service(settings)
    try:
        await service.start()
        await ready(service)
        await _until(stopping, service)
    finally:
        await service.stop()
    log.note("stopped", state="failed" if service.gateway.database.has_failed else "drained")
    return 3 if service.gateway.database.has_failed else 0


async def _until(stopping: asyncio.Event, service: Service) -> None:
    """Return on a signal, or when the store has failed for good: then only a restart helps."""
    while not stopping.is_set() and not service.gateway.database.has_failed:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), WATCH_SECONDS)


async def _announce(service: Service) -> None:
    listen = service.gateway.config.listen
    log.note("serving", port=listen.submission_starttls)
