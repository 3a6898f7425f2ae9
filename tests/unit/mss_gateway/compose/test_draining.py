"""Ending within a time: what hangs is left behind, what fails stops nobody else."""

import asyncio
import io
import threading

from mss_gateway.compose import draining
from mss_gateway.observability import log


async def test_what_ends_has_ended() -> None:
    done: list[int] = []
    assert await draining.all_in_time([lambda: done.append(1), lambda: done.append(2)], 20.0) == 0
    assert sorted(done) == [1, 2]


async def test_what_hangs_is_left_behind_and_counted() -> None:
    gate = threading.Event()
    try:
        assert await draining.all_in_time([lambda: gate.wait() and None, lambda: None], 0.05) == 1
    finally:
        gate.set()


async def test_what_fails_is_told_and_has_ended() -> None:
    logged = io.StringIO()
    log.configure(logged)

    def fail() -> None:
        raise RuntimeError("secret")

    assert await draining.in_time(fail, 20.0)
    assert '"error": "RuntimeError"' in logged.getvalue()
    assert "secret" not in logged.getvalue()


async def test_who_waits_is_told_to_hurry() -> None:
    hurry, was_cancelled = asyncio.Event(), asyncio.Event()

    async def ending() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            was_cancelled.set()
            raise

    asyncio.get_running_loop().call_soon(hurry.set)
    assert not await draining.until_told(ending(), hurry)
    assert was_cancelled.is_set()


async def test_an_end_in_time_needs_no_hurry() -> None:
    assert await draining.until_told(asyncio.sleep(0), asyncio.Event())
