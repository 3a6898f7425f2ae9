"""SORT and THREAD read summaries a few at a time, and stop when nobody waits for them."""

from types import SimpleNamespace
from typing import Any

import pytest

from mss_gateway.imap.handlers import sort
from mss_gateway.imap.wire import ConnectionGone


def session(lost_after: int) -> tuple[Any, list[list[int]]]:
    """A session whose client goes away after so many reads; what was read."""
    wire = SimpleNamespace(is_lost=lost_after == 0)
    batches: list[list[int]] = []

    async def read(
        work: object, account: object, here: object, batch: list[int], *_: object
    ) -> Any:
        assert work is sort._taken
        batches.append(batch)
        wire.is_lost = len(batches) == lost_after
        return [(at, at * 10) for at in batch]

    return SimpleNamespace(wire=wire, here=None, account_id=1, read=read), batches


async def test_every_position_is_read_once_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sort, "_BATCH", 3)
    here, batches = session(lost_after=99)
    read = await sort._read(here, [1, 2, 5, 6, 7, 9, 12], True, lambda row: row.uid)
    assert batches == [[1, 2, 5], [6, 7, 9], [12]]
    assert read == [(at, at * 10) for at in (1, 2, 5, 6, 7, 9, 12)]


@pytest.mark.parametrize("lost_after", [0, 1, 2])
async def test_a_client_that_is_gone_ends_the_reading(
    monkeypatch: pytest.MonkeyPatch, lost_after: int
) -> None:
    monkeypatch.setattr(sort, "_BATCH", 3)
    here, batches = session(lost_after)
    with pytest.raises(ConnectionGone):
        await sort._read(here, list(range(20)), True, lambda row: row.uid)
    assert len(batches) == lost_after
