"""DKIM of what comes in is told and decides nothing; a zone that does not answer refuses nobody."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from mss_gateway.bridge import Bridge
from mss_gateway.failures import Failure
from mss_gateway.smtp.dkim_reading import DkimReading
from mss_gateway.smtp.routes import NoRoute
from tests.unit.mss_gateway.message.dkim.letters import (
    AT,
    LETTER,
    NAME,
    record,
    signature,
    signed,
)

NAMED = ["header.d=mss.example", "header.s=s2026"]
UNAVAILABLE = [["dkim=temperror", "reason=key-unavailable", *NAMED]]


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    made = Bridge(1)
    yield made
    made.close()


def reading(
    bridge: Bridge, ask: Callable[[str], Awaitable[bytes | None]], seconds: float = 20.0
) -> DkimReading:
    return DkimReading(ask, bridge, lambda: float(AT), seconds)


async def test_a_signature_is_verified_by_the_key_of_its_zone(bridge: Bridge) -> None:
    asked: list[str] = []

    async def ask(name: str) -> bytes | None:
        asked.append(name)
        return record()

    read = reading(bridge, ask)
    assert await read.results(signed()) == [["dkim=pass", *NAMED]]
    assert asked == [NAME]
    assert await read.results(signed()) == [["dkim=pass", "reason=seen-before", *NAMED]]


async def test_nobody_is_asked_about_a_message_without_signature(bridge: Bridge) -> None:
    async def ask(name: str) -> bytes | None:
        raise AssertionError(name)

    assert await reading(bridge, ask).results(LETTER) == [["dkim=none"]]


async def test_a_zone_without_the_key_says_so(bridge: Bridge) -> None:
    async def ask(_name: str) -> bytes | None:
        return None

    told = await reading(bridge, ask).results(signed())
    assert told == [["dkim=permerror", "reason=key-missing", *NAMED]]


async def test_a_zone_that_fails_is_a_temporary_error(bridge: Bridge) -> None:
    async def ask(_name: str) -> bytes | None:
        raise NoRoute(Failure.PEER_UNREACHABLE)

    assert await reading(bridge, ask).results(signed()) == UNAVAILABLE


async def test_a_reading_that_fails_says_nothing_and_refuses_nobody(bridge: Bridge) -> None:
    async def ask(_name: str) -> bytes | None:
        raise ValueError("unforeseen")

    assert await reading(bridge, ask).results(signed()) == []


async def test_a_zone_that_is_silent_is_waited_for_so_long(bridge: Bridge) -> None:
    async def ask(_name: str) -> bytes | None:
        await asyncio.Event().wait()
        return None

    assert await reading(bridge, ask, seconds=0.01).results(signed()) == UNAVAILABLE


async def test_the_keys_of_one_message_are_asked_for_all_together(bridge: Bridge) -> None:
    waiting, all_there = 0, asyncio.Event()

    async def ask(_name: str) -> bytes | None:
        nonlocal waiting
        waiting += 1
        if waiting == 3:
            all_there.set()
        await all_there.wait()
        return record()

    others = (signature().replace(b"s=s2026", f"s={name}".encode()) for name in ("a", "b", "c"))
    told = await reading(bridge, ask).results(b"".join(others) + LETTER)
    assert [words[1] for words in told] == ["reason=signature-wrong"] * 3
