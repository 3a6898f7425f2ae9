"""The body after DATA: where it ends, what it costs, who is waited for."""

import asyncio
from collections.abc import Iterable

import pytest

from mss_gateway.failures import Failure, Refused
from mss_gateway.message.parse import find_bare_line_ending
from mss_gateway.smtp.body import Budget, Endless, Reading, TooSlow

LIMIT = 1_000
SMUGGLED = (
    b"\n.\n", b"\n.\r", b"\r.\n", b"\r.\r", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r",
    b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\n.\r\r\n", b"\r\r\n.\r\r\n",
)  # fmt: skip


class Fed(asyncio.StreamReader):
    """Gives exactly these pieces, one a time, whatever is asked for."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__()
        self.pieces = [piece for piece in pieces if piece]

    async def read(self, n: int = -1) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    @property
    def left(self) -> bytes:
        """What was pushed back, and what was never read."""
        return bytes(self._buffer) + b"".join(self.pieces)  # type: ignore[attr-defined]


class Time:
    """Ten seconds between two looks, or what the test says."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def reading(limit: int = LIMIT, budget: Budget | None = None, step: float = 0.0) -> Reading:
    return Reading(limit, budget or Budget(1_000_000), Time(step), lambda: None)


async def read(wire: bytes, limit: int = LIMIT) -> bytes:
    return await reading(limit).read(Fed([wire]))


def every_cut(wire: bytes) -> list[list[bytes]]:
    halves = [[wire[:at], wire[at:]] for at in range(len(wire) + 1)]
    return [*halves, [wire[at : at + 1] for at in range(len(wire))]]


@pytest.mark.parametrize(
    ("wire", "raw"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"...\r\n..a\r\n.\r\n", b"..\r\n.a\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),
        (b"a.\r\nb\r\n..\r\n\r\n.\r\n", b"a.\r\nb\r\n.\r\n\r\n"),
        (b"\xc3\xa9\r\n.\r\n", b"\xc3\xa9\r\n"),
    ],
)
async def test_the_end_is_found_however_the_segments_fall(wire: bytes, raw: bytes) -> None:
    for pieces in every_cut(wire + b"MAIL FROM:<a>\r\n"):
        reader = Fed(pieces)
        assert await reading().read(reader) == raw
        assert reader.left == b"MAIL FROM:<a>\r\n"


@pytest.mark.parametrize("sequence", SMUGGLED)
async def test_no_other_sequence_ends_it_and_each_is_seen_afterwards(sequence: bytes) -> None:
    wire = b"Un" + sequence + b"MAIL FROM:<a>\r\n.\r\n"
    for pieces in every_cut(wire):
        reader = Fed(pieces)
        raw = await reading().read(reader)
        assert reader.left == b""
        assert raw.endswith(b"MAIL FROM:<a>\r\n")
        assert find_bare_line_ending(raw) is not None


@pytest.mark.parametrize("cut", [b"", b"a", b"a\r\n", b"a\r\n.", b"a\r\n.\r"])
async def test_a_client_that_leaves_before_the_end_sent_nothing(cut: bytes) -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        await read(cut)


async def test_the_limit_is_the_largest_size_that_passes() -> None:
    at_limit = b"x" * (LIMIT - 2) + b"\r\n"
    assert await read(at_limit + b".\r\n") == at_limit
    for pieces in ([b"x" + at_limit + b".\r\n"], [b"x", at_limit, b".\r\n"]):
        with pytest.raises(Refused) as refused:
            await reading().read(Fed(pieces))
        assert refused.value.failure is Failure.MESSAGE_TOO_BIG


async def test_dots_of_transparency_do_not_count_towards_the_limit() -> None:
    lines = LIMIT // 4
    wire = b"..a\r\n" * lines + b".\r\n"
    for size in (1, 2, 3, 7, len(wire)):
        pieces = [wire[at : at + size] for at in range(0, len(wire), size)]
        assert len(await reading().read(Fed(pieces))) == 4 * lines


async def test_what_comes_after_a_body_does_not_count_towards_the_limit() -> None:
    reader = Fed([b"a\r\n.\r\n" + b"x" * 10 * LIMIT])
    assert await reading().read(reader) == b"a\r\n"


async def test_a_body_too_big_is_read_to_its_end_and_the_dialogue_goes_on() -> None:
    reader = Fed([b"x" * 700, b"x" * 700, b"\r\n.\r", b"\nQUIT\r\n"])
    budget = Budget(10_000)
    one = reading(budget=budget)
    with pytest.raises(Refused):
        await one.read(reader)
    assert reader.left == b"QUIT\r\n"
    assert budget.free == 10_000


async def test_a_body_without_an_end_is_not_read_for_ever() -> None:
    with pytest.raises(Endless):
        await reading().read(Fed([b"x" * 700] * 20))


async def test_the_budget_holds_what_is_kept_until_it_is_released() -> None:
    budget = Budget(10)
    one = reading(budget=budget)
    assert await one.read(Fed([b"12345678\r\n.\r\nQUIT\r\n"])) == b"12345678\r\n"
    assert budget.free == 0
    other = reading(budget=budget)
    with pytest.raises(Refused) as refused:
        await other.read(Fed([b"1\r\n.\r\n"]))
    assert refused.value.failure is Failure.SERVICE_BUSY
    other.release()
    assert budget.free == 0
    one.release()
    one.release()
    assert budget.free == 10


async def test_a_body_above_the_budget_finds_no_room_whatever_the_pieces() -> None:
    budget = Budget(10)
    for pieces in ([b"123456789\r\n.\r\n"], [b"12345", b"6789\r\n", b".\r\n"]):
        with pytest.raises(Refused) as refused:
            await reading(budget=budget).read(Fed(pieces))
        assert refused.value.failure is Failure.SERVICE_BUSY
        assert budget.free == 10


async def test_a_rate_below_the_slowest_is_given_up_after_each_window() -> None:
    limit = 10_000_000
    fast = [b"x" * 100_000] * 7
    with pytest.raises(TooSlow):
        await reading(limit, Budget(limit), step=5.0).read(Fed([*fast, *[b"x"] * 40]))


async def test_a_rate_at_the_slowest_goes_on() -> None:
    pieces = [*[b"x" * 11_000] * 40, b"\r\n.\r\n"]
    raw = await reading(1_000_000, step=10.0).read(Fed(pieces))
    assert len(raw) == 440_002


async def test_every_piece_is_heard() -> None:
    heard: list[int] = []
    one = Reading(LIMIT, Budget(LIMIT), Time(), lambda: heard.append(1))
    await one.read(Fed([b"a", b"\r\n", b".\r\n"]))
    assert len(heard) == 3
