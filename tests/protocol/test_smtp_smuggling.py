"""Threat T1: twelve ways to end a message that only some servers believe, none of them here."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mss_gateway.smtp.connection import PATIENCE
from tests.protocol import smtp_doors
from tests.support import peer_site, smtp_site
from tests.support.smtp_site import (
    DUBOIS,
    MARTIN,
    Client,
    Ports,
    Site,
    plain_claim,
    signed_in,
    until,
)

SEQUENCES = (
    b"\n.\n",
    b"\n.\r",
    b"\r.\n",
    b"\r.\r",
    b"\n.\r\n",
    b"\r.\r\n",
    b"\r\n.\n",
    b"\r\n.\r",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"\r\n.\r\r\n",
    b"\r\r\n.\r\r\n",
)


def head(author: str) -> bytes:
    """A message that is not ended yet."""
    return f"From: <{author}>\r\n\r\nUn".encode()


def second(author: str, text: str = "Deux") -> bytes:
    """What is smuggled behind it."""
    return (
        f"MAIL FROM:<{author}>\r\nRCPT TO:<{DUBOIS}>\r\nDATA\r\n"
        f"From: <{author}>\r\n\r\n{text}\r\n.\r\n"
    ).encode()


HEAD, SECOND = head(MARTIN), second(MARTIN)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with smtp_site.open_site(tmp_path / "state") as opened:
        yield peer_site.welcoming(opened)


def cuts(sequence: bytes, author: str) -> list[list[bytes]]:
    """The whole in one segment, byte by byte, and in two at every offset of the sequence."""
    whole = head(author) + sequence + second(author)
    start = len(head(author))
    halves = [[whole[:at], whole[at:]] for at in range(start, start + len(sequence) + 1)]
    return [[whole], [whole[at : at + 1] for at in range(len(whole))], *halves]


async def send(client: Client, pieces: list[bytes]) -> None:
    for piece in pieces:
        client.writer.write(piece)
        await client.writer.drain()
        await asyncio.sleep(0)  # a segment of its own


@pytest.mark.parametrize("name", smtp_doors.NAMES)
@pytest.mark.parametrize("sequence", SEQUENCES)
async def test_no_second_message_and_no_further_word(
    sequence: bytes, name: str, site: Site
) -> None:
    before = site.counts()
    async with smtp_doors.opened(name, site) as door:
        for pieces in cuts(sequence, door.author):
            async with door.session() as client:
                await client.begin(door.author, DUBOIS)
                await send(client, pieces)
                assert (await client.reply()).startswith("550 5.5.2 ")
                assert await client.rest() == b""
    assert site.counts() == before


@pytest.mark.parametrize("name", smtp_doors.NAMES)
@pytest.mark.parametrize("sequence", SEQUENCES)
async def test_what_follows_the_refused_message_is_not_obeyed(
    sequence: bytes, name: str, site: Site
) -> None:
    """Over TLS a close takes a round trip: what is already here must not be read meanwhile."""
    before = site.counts()
    async with smtp_doors.opened(name, site) as door:
        async with door.session() as client:
            await client.begin(door.author, DUBOIS)
            behind = b"\r\n.\r\n" + second(door.author, "Trois")
            await send(client, [head(door.author) + sequence + behind])
            answer = await client.reply()
            # CRLF before the real end makes some of the twelve an honest line with a dot
            assert answer.startswith("550 5.5.2 ")
            assert await client.rest() == b""
    assert site.counts() == before


@pytest.mark.parametrize("sequence", SEQUENCES[:2])
async def test_nor_is_it_when_the_client_keeps_the_connection_open(
    sequence: bytes, site: Site
) -> None:
    """The server has closed; TLS waits for the client's own close, which does not come."""
    before = site.counts()
    async with smtp_site.serving(site, replace(PATIENCE, farewell=0.2)) as ports:
        wire = HEAD + sequence + b"\r\n.\r\n" + SECOND
        kept_open = await asyncio.to_thread(_send_and_stay, site, ports, wire)
        await until(lambda: not ports.server._sessions)
        kept_open.close()
    assert site.counts() == before


def _send_and_stay(site: Site, ports: Ports, wire: bytes) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", ports.tls))
    secured = site.trusting().wrap_socket(plain, server_hostname="localhost")
    for line in (
        "EHLO x",
        f"AUTH PLAIN {plain_claim(MARTIN)}",
        f"MAIL FROM:<{MARTIN}>",
        f"RCPT TO:<{DUBOIS}>",
        "DATA",
    ):
        secured.recv(4096)
        secured.sendall(f"{line}\r\n".encode())
    assert secured.recv(4096).startswith(b"354 ")
    secured.sendall(wire)
    return secured


async def test_two_honest_messages_in_one_segment_are_two(site: Site) -> None:
    async with smtp_site.serving(site) as ports:
        async with signed_in(site, ports) as client:
            await client.begin(MARTIN, DUBOIS)
            await send(client, [HEAD + b"\r\n.\r\n" + SECOND])
            replies = [(await client.reply())[:3] for _ in range(5)]
    assert replies == ["250", "250", "250", "354", "250"]
    assert site.counts()["queued_messages"] == 2


async def test_a_connection_cut_anywhere_in_a_message_leaves_nothing(site: Site) -> None:
    whole = HEAD + b"\r\n.fin\r\n.\r\n"
    before = site.counts()
    async with smtp_site.serving(site) as ports:
        for kept in range(len(whole)):
            async with signed_in(site, ports) as client:
                await client.begin(MARTIN, DUBOIS)
                await send(client, [whole[:kept]])
                client.writer.transport.abort()
    assert site.counts() == before
