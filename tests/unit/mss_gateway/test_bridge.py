"""From coroutines to the synchronous core and back."""

import asyncio
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest

from mailbox_store.database import Database, Transaction
from mss_gateway.bridge import Bridge
from tests.support.nulls import NullSealing

PATIENCE = 10.0


async def test_work_runs_on_a_thread_of_the_pool_and_answers() -> None:
    bridge = Bridge(1)
    name = await bridge.run(lambda: threading.current_thread().name)
    assert name.startswith("core")
    assert await bridge.run(divmod, 7, 2) == (3, 1)
    assert await bridge.run(int, "10", base=2) == 2
    bridge.close()


async def test_what_work_raises_is_raised_here() -> None:
    bridge = Bridge(1)
    with pytest.raises(LookupError, match="gone"):
        await bridge.run(_raise, LookupError("gone"))
    assert await bridge.run(len, "ab") == 2
    bridge.close()


def _raise(error: Exception) -> None:
    raise error


async def test_no_more_runs_at_once_than_there_are_threads_and_the_loop_stays_free() -> None:
    bridge = Bridge(2)
    gate, arrived = threading.Event(), threading.Semaphore(0)

    def work() -> None:
        arrived.release()
        gate.wait(PATIENCE)

    tasks = [asyncio.create_task(bridge.run(work)) for _ in range(3)]
    for _ in range(2):
        assert await asyncio.to_thread(arrived.acquire, timeout=PATIENCE)
    assert not arrived.acquire(blocking=False)
    gate.set()
    await asyncio.gather(*tasks)
    assert arrived.acquire(blocking=False)
    bridge.close()


async def test_a_closed_bridge_finishes_what_it_has_and_takes_nothing_more() -> None:
    bridge = Bridge(1)
    task = asyncio.create_task(bridge.run(len, "abc"))
    await asyncio.sleep(0)
    bridge.close()
    assert await task == 3
    with pytest.raises(RuntimeError):
        await bridge.run(len, "ab")


async def test_a_committed_unit_is_awaited() -> None:
    bridge = Bridge(1)
    future: Future[int] = Future()
    task = asyncio.create_task(bridge.committed(future))
    await asyncio.sleep(0)
    assert not task.done()
    future.set_result(7)
    assert await task == 7
    failed: Future[int] = Future()
    failed.set_exception(LookupError("gone"))
    with pytest.raises(LookupError):
        await bridge.committed(failed)
    bridge.close()


async def test_a_session_that_goes_away_does_not_harm_the_writer(tmp_path: Path) -> None:
    """The cancelled task cancels its future: the writer must live on, whenever that happens."""
    database = Database.open(f"sqlite:///{tmp_path / 'store.db'}", NullSealing())
    bridge = Bridge(1)
    begun, may_end = threading.Event(), threading.Event()

    def slow(_: Transaction) -> str:
        begun.set()
        may_end.wait(PATIENCE)
        return "slow"

    running = asyncio.create_task(bridge.committed(database.submit(slow)))
    assert await asyncio.to_thread(begun.wait, PATIENCE)
    queued = asyncio.create_task(bridge.committed(database.submit(lambda _: "queued")))
    await asyncio.sleep(0)
    for task in (running, queued):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    may_end.set()
    assert await bridge.committed(database.submit(lambda _: "alive")) == "alive"
    assert not database.has_failed
    bridge.close()
    database.close()


async def test_passwords_and_pages_never_keep_mail_waiting() -> None:
    bridge = Bridge(1)
    gate = threading.Event()
    blocked = [
        *(asyncio.create_task(bridge.sign_in(gate.wait, PATIENCE)) for _ in range(20)),
        *(asyncio.create_task(bridge.run_page(gate.wait, PATIENCE)) for _ in range(20)),
    ]
    await asyncio.sleep(0)

    assert await asyncio.wait_for(bridge.run(len, "mail"), PATIENCE) == 4

    gate.set()
    assert all(await asyncio.gather(*blocked))
    bridge.close()
