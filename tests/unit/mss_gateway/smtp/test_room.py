"""Room for messages on their way out: in turn, bounded, and given back whatever happens."""

import asyncio

from mss_gateway.smtp.room import COPIES, Room


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_finds_no_room_waits_in_turn() -> None:
    room, order = Room(10 * COPIES), []
    leave = [asyncio.Event() for _ in range(4)]

    async def carry(number: int, octets: int) -> None:
        async with room.for_message(octets):
            order.append(number)
            await leave[number].wait()

    tasks = [asyncio.create_task(carry(n, o)) for n, o in enumerate((6, 6, 1, 50))]
    await settle()
    assert order == [0]  # the small one does not overtake: the large one would never begin
    leave[0].set()
    await settle()
    assert order == [0, 1, 2]
    leave[1].set()
    await settle()
    assert order == [0, 1, 2]
    leave[2].set()
    await settle()
    assert order == [0, 1, 2, 3]
    leave[3].set()
    await asyncio.gather(*tasks)
    assert room.free == 10 * COPIES


async def test_who_gives_up_waiting_takes_nothing() -> None:
    room = Room(10 * COPIES)
    async with room.for_message(10):
        waiting = asyncio.create_task(room.for_message(5).__aenter__())
        await settle()
        waiting.cancel()
        await settle()
    assert room.free == 10 * COPIES
    async with room.for_message(10):
        assert room.free == 0


async def test_room_given_to_somebody_who_is_cancelled_that_moment_comes_back() -> None:
    room = Room(10 * COPIES)
    async with room.for_message(10):
        waiting = asyncio.create_task(room.for_message(5).__aenter__())
        await settle()
    waiting.cancel()
    await settle()
    assert room.free == 10 * COPIES
