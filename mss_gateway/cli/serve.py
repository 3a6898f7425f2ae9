"""`mss serve`: the production start, and the signals.

SIGTERM and SIGINT drain, a second one ends sooner; SIGHUP reads the configuration again; a store
that failed ends the process, because only a restart knows what is durable.
"""

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

import uvloop

from mailbox_store.errors import StoreError
from mss_gateway import compose, config
from mss_gateway.compose.service import Service
from mss_gateway.config import Config, ConfigRefused
from mss_gateway.observability import log

WATCH_SECONDS: Final = 0.25

REFUSED: Final = 3
"""The exit code of a start that was refused, and of a store that failed."""

Ready = Callable[[Service], Awaitable[None]]
Read = Callable[[], Config]


def run(config_path: Path) -> int:
    """Serve until SIGTERM or SIGINT; the exit code: 0 done, 3 the system could not."""
    read = partial(config.load, config_path)
    try:
        settings = read()
    except ConfigRefused as refused:
        _say(str(refused))
        return REFUSED
    return serve(settings, _announce, read)


def serve(settings: Config, ready: Ready, read: Read | None = None) -> int:
    """Run the service on uvloop; ``ready`` is awaited when every port answers.

    ``read`` gives the configuration as it is on a SIGHUP; without it there is nothing to read.
    """
    log.configure()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(settings, ready, read))
    except StoreError as refused:
        _say(f"state.directory: the store cannot be opened ({refused}); `mss doctor` says more")
    except (*compose.REFUSALS, OSError) as refused:
        _say(str(refused))
    return REFUSED


async def _serve(settings: Config, ready: Ready, read: Read | None) -> int:
    stopping, hurry, rereading = asyncio.Event(), asyncio.Event(), asyncio.Event()
    _listen_to_signals(stopping, hurry, rereading)
    service = Service(settings)
    is_clean = True
    try:
        await service.start()
        gc.freeze()  # what was made for the start stays: a collection need not walk it each time
        await ready(service)
        await _until(stopping, rereading, service, read)
    finally:
        is_clean = await service.stop(hurry)
    if service.gateway.database.has_failed:
        log.note("stopped", state="failed")
        _say("the store failed: a write or flush did not succeed; start again to recover from it")
        return REFUSED
    log.note("stopped", state="drained" if is_clean else "cut")
    return 0


def _listen_to_signals(
    stopping: asyncio.Event, hurry: asyncio.Event, rereading: asyncio.Event
) -> None:
    def end() -> None:
        if stopping.is_set():
            hurry.set()
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    loop.add_signal_handler(signal.SIGHUP, rereading.set)


async def _until(
    stopping: asyncio.Event, rereading: asyncio.Event, service: Service, read: Read | None
) -> None:
    """Return on a signal, or when the store has failed for good: then only a restart helps."""
    while not stopping.is_set() and not service.gateway.database.has_failed:
        if rereading.is_set():
            rereading.clear()
            await _reload(service, read)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), WATCH_SECONDS)


async def _reload(service: Service, read: Read | None) -> None:
    """A configuration that cannot be used is told, and everything goes on with the former one."""
    if read is None:
        return
    try:
        fresh = await service.gateway.bridge.run(read)
        prepared = await service.reload(fresh)
    except (*compose.REFUSALS, OSError) as refused:
        _say(f"not reloaded, the former configuration stays: {refused}")
        log.note("configuration refused", error=type(refused).__name__)
        return
    except Exception as error:
        log.bug("reload", error)  # whatever it is, the service goes on
        return
    if prepared.waiting:
        _say(f"these keys want a restart and keep their value: {', '.join(prepared.waiting)}")
    log.note("configuration reloaded", count=len(prepared.taken))


async def _announce(service: Service) -> None:
    listen = service.gateway.config.listen
    log.note("serving", port=listen.submission_starttls)


def _say(text: str) -> None:
    line = " ".join(text.split())
    print(f"mss: {line}", file=sys.stderr, flush=True)  # noqa: T201 - the operator's terminal
