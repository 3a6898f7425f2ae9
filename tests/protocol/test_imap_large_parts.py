"""BINARY of large parts: decoded one at a time, and counted like a message coming in."""

import asyncio
import base64

import pytest

from mss_gateway.imap import contents
from mss_gateway.imap.handlers import fetch
from tests.protocol.imap_site import LOGIN, PASSWORD, Site

OCTETS = bytes(range(1, 256)) * 800
ENCODED = (
    b"MIME-Version: 1.0\r\nContent-Type: application/x-test\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(OCTETS).replace(b"\n", b"\r\n")
)


async def entered(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client in its INBOX."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f'a LOGIN {LOGIN} "{PASSWORD}"\r\nb SELECT INBOX\r\n'.encode())
    await reader.readuntil(b"b OK")
    await reader.readline()
    return reader, writer


async def test_a_large_part_is_decoded_and_arrives_whole(
    site: Site, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "INLINE_OCTETS", 1_000)
    monkeypatch.setattr(fetch, "REMOTE_OCTETS", 65_536)
    site.put(ENCODED)
    reader, writer = await entered(port)
    writer.write(b"c FETCH 1 (BINARY.PEEK[1] BINARY.PEEK[1]<5.70000> UID)\r\n")
    assert await reader.readline() == b"* 1 FETCH (BINARY[1] {%d}\r\n" % len(OCTETS)
    assert await reader.readexactly(len(OCTETS)) == OCTETS
    assert await reader.readline() == b" BINARY[1]<5> {70000}\r\n"
    assert await reader.readexactly(70_000) == OCTETS[5:70_005]
    assert await reader.readline() == b" UID 1)\r\n"
    writer.close()


async def test_parts_wait_for_memory_that_others_hold(
    site: Site, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that does not take its part keeps the next one of the same person waiting."""
    monkeypatch.setattr(contents, "INLINE_OCTETS", 1_000)
    asked: list[int] = []

    def reserve(session: object, octets: int) -> bool:
        asked.append(octets)
        return len(asked) > 3

    monkeypatch.setattr(fetch.Session, "reserve", reserve)
    monkeypatch.setattr(fetch.Session, "release", lambda session, octets: None)
    monkeypatch.setattr(fetch, "TURN_SECONDS", 0.001)
    site.put(ENCODED)
    reader, writer = await entered(port)
    writer.write(b"c FETCH 1 (BINARY.PEEK[1])\r\n")
    head = await reader.readline()
    assert await reader.readexactly(len(OCTETS)) == OCTETS, head
    assert asked == [asked[0]] * 4
    assert asked[0] > len(OCTETS)
    writer.close()
