"""The guard of the tests: nothing leaves this machine, by asyncio, uvloop or a bare socket."""

import asyncio
import socket

import pytest
import uvloop

from tests.support import loopback

# RFC 5737 §3: addresses for documentation, which no one answers at.
ELSEWHERE = "192.0.2.1"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_is_loopback(host: str) -> None:
    assert loopback.is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "::", ELSEWHERE, "example.org", "localhost.example"]
)
def test_anything_else_is_not(host: str) -> None:
    assert not loopback.is_loopback(host)


def test_a_socket_does_not_connect_elsewhere() -> None:
    with socket.socket() as one, pytest.raises(loopback.Refused):
        one.connect((ELSEWHERE, 25))


def test_a_socket_does_not_listen_to_everybody() -> None:
    with socket.socket() as one, pytest.raises(loopback.Refused):
        one.bind(("", 0))


def test_a_datagram_does_not_leave() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, pytest.raises(loopback.Refused):
        one.sendto(b"x", (ELSEWHERE, 53))


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_no_loop_connects_elsewhere(new_loop: type) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner, pytest.raises(loopback.Refused):
        runner.run(asyncio.open_connection(ELSEWHERE, 25))


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_loopback_and_local_sockets_work(new_loop: type) -> None:
    async def meet() -> bytes:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"hello\r\n")
            heard = await reader.read()
            writer.close()
            await writer.wait_closed()
            return heard

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(meet()) == b"hello\r\n"
