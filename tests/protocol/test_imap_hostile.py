"""Clients that mean harm (threats T7, T8): a bounded cost for us, and none for the others.

``MSS_HOSTILE_CONNECTIONS=200`` and ``MSS_HOSTILE_COMMANDS=100000`` are the sizes of a release.
"""

import asyncio
import contextlib
import os
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from mailbox_store import mailboxes
from mss_gateway.imap import server
from mss_gateway.imap.reader import MAX_LITERALS
from mss_gateway.imap.state import Session
from tests.protocol.imap_site import LOGIN, PASSWORD, SETTINGS, Site, plain, serving
from tests.support.counting import calls
from tests.support.imap_process import Served, served

LOGS_IN: Final = f'a LOGIN {LOGIN} "{PASSWORD}"\r\n'.encode()
SELECTS: Final = LOGS_IN + b"s SELECT INBOX\r\n"
LINE: Final = 65_000
"""Octets of a command that is just read: beyond 65,536 the connection ends."""

MESSAGES: Final = 100
CONNECTIONS: Final = int(os.environ.get("MSS_HOSTILE_CONNECTIONS", "5"))
COMMANDS: Final = int(os.environ.get("MSS_HOSTILE_COMMANDS", "10000"))
GROWTH_OCTETS: Final = 64 * 1024 * 1024
TURNS: Final = 6
"""How many commands each of the others may have run between a NOOP and its answer: they take turns.
One for each round of the loop that the two octet streams need."""

OTHERS: Final = 5
CALLS_PER_RANGE: Final = 60
"""Python functions that one range of a set may cost, from the wire to the answer."""

ATTACK_SECONDS: Final = 20.0
"""How long one payload is looked at, unless the server has nothing more to do."""

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def _some(text: bytes, count: int, between: bytes = b" ") -> bytes:
    return between.join([text] * count)


BEFORE_LOGIN: Final = {
    "a literal of four gigabytes": b"b LOGIN {4294967295}\r\n",
    "the same without waiting": b"b LOGIN {4294967295+}\r\nxxx",
    "a number that is none": b"b LOGIN {" + b"9" * 5_000 + b"}\r\n",
    "a literal just too long": b"b LOGIN {8193+}\r\n" + b"x" * 8_193 + b" y\r\n",
    "a tag of a megabyte": b"t" * 1_000_000,
    "a line without end": b"b LOGIN " + b"x" * 8_000,
    "a megabyte of parentheses": b"b ID " + b"(" * 1_000_000,
    "zeros": bytes(1_000_000),
    "ones": b"\xff" * 1_000_000,
    "line feeds": b"\n" * 300_000,
    "half a literal": b"b LOGIN {100}\r\nabc",
    "half a literal without waiting": b"b LOGIN {100+}\r\nabc",
    "bad commands": b"b XYZZY\r\n" * 20_000,
    "good commands": b"b CAPABILITY\r\n" * 20_000,
    "a name without end": b'b LOGIN "' + b"x" * 8_000,
    "wrong passwords": b"b LOGIN x y\r\n" * 3,
    "a long initial response": b"b AUTHENTICATE PLAIN " + b"QUJD" * 1_900 + b"\r\n",
    "a response without end": b"b AUTHENTICATE PLAIN\r\n" + b"Q" * 1_000_000,
    "pairs": b"b ID (" + _some(b'"a" "b"', 900) + b")\r\n",
    "commands of later": b"b APPEND INBOX {4000000000+}\r\n" + b"x" * 100_000,
}
"""Twenty things that anybody may send."""

AFTER_LOGIN: Final = {
    "deep parentheses": b"b SEARCH " + b"(" * LINE + b"\r\n",
    "ten thousand OR": b"b SEARCH " + b"OR ALL " * 9_000 + b"ALL\r\n",
    "ten thousand NOT": b"b SEARCH " + b"NOT " * 16_000 + b"ALL\r\n",
    "many keys": b"b SEARCH " + _some(b"SEEN", 12_000) + b"\r\n",
    "many numbers": b"b FETCH " + _some(b"1", 32_000, b",") + b" UID\r\n",
    "many ranges": b"b UID FETCH "
    + b",".join(b"%d:%d" % (n, n + 1) for n in range(1, 13_000, 3))
    + b" FLAGS\r\n",
    "a million ranges": b"b UID STORE " + b"1:9," * 1_000_000,
    "a literal of four gigabytes": b"b APPEND INBOX {4294967295}\r\n",
    "the same without waiting": b"b APPEND INBOX {4294967295+}\r\nxxx",
    "a message just too long": b"b APPEND INBOX {4097+}\r\n" + b"x" * 4_097 + b"\r\n",
    "half a message": b"b APPEND INBOX {4096+}\r\nSubject: x\r\n",
    "many literals": b"b SEARCH " + b"SUBJECT {1+}\r\nx " * 3_800 + b"ALL\r\n",
    "names without end": b'b STATUS "' + b"\\\\" * 32_000 + b'" (MESSAGES)\r\n',
    "patterns": b'b LIST "" ' + b"%*" * 32_000 + b"\r\n",
    "levels": b"b CREATE " + b"a/" * 32_000 + b"a\r\n",
    "keywords": b"b STORE 1 +FLAGS (" + b" ".join(b"k%d" % n for n in range(9_000)) + b")\r\n",
    "sections": b"b FETCH 1 BODY[" + b"1." * 32_000 + b"1]\r\n",
    "fields": b"b FETCH 1:* BODY.PEEK[HEADER.FIELDS (" + _some(b"X", 31_000) + b")]\r\n",
    "answers unread": b"b FETCH 1:* (ENVELOPE BODY.PEEK[])\r\n" * 2_000,
    "IDLE and no DONE": b"b IDLE\r\n" + b"x" * 100_000,
}
"""Twenty more of somebody who has a password."""

PAYLOADS: Final = [
    *((f"before login: {name}", b"", octets) for name, octets in BEFORE_LOGIN.items()),
    *((f"after login: {name}", SELECTS, octets) for name, octets in AFTER_LOGIN.items()),
]


async def test_forty_payloads_on_many_connections_cost_little(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The wait of a neighbour's NOOP is reported, not judged: it is also this process's own."""
    assert len(PAYLOADS) == 40
    async with served(tmp_path, MESSAGES) as victim, _client(victim.port, SELECTS) as neighbour:
        before, waits = victim.resident_octets, []
        for name, opening, octets in PAYLOADS:
            waits.append((await _attacked(victim, neighbour, opening + octets), name))
            grown = victim.resident_octets - before
            assert grown <= GROWTH_OCTETS, (name, grown)
    for waited, name in sorted(waits, reverse=True)[:3]:
        record_property(f"NOOP of a neighbour, {name}", round(waited, 3))
        print(f"{waited:.2f} s of the server's work while a neighbour's NOOP waits: {name}")


@pytest.mark.parametrize(
    "said", [b"b CAPABILITY\r\n", b"b XYZZY\r\n", b"b NOOP\r\n", b"b FETCH 1:* (FLAGS)\r\n"]
)
async def test_clients_that_pipeline_take_turns_with_the_others(
    site: Site, port: int, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    for number in range(3):
        site.put(plain(number))
    count, one_command = 0, server._one_command

    async def counted(session: Session) -> None:
        nonlocal count
        await one_command(session)
        count += 1

    monkeypatch.setattr(server, "_one_command", counted)
    async with contextlib.AsyncExitStack() as opened:
        reader, writer = await opened.enter_async_context(_client(port, SELECTS))
        others = [await opened.enter_async_context(_client(port, SELECTS)) for _ in range(OTHERS)]
        for _, other in others:
            other.write(said * 400)
        for _ in range(5):
            before = count
            writer.write(b"n NOOP\r\n")
            await _tagged(reader, b"n")
            assert count - before <= TURNS * OTHERS + 1
        assert count < OTHERS * 400 / 2, "they were already done: nobody waited for anybody"


async def _attacked(victim: Served, neighbour: Pair, octets: bytes) -> float:
    """The slowest NOOP of a neighbour while all connections say this and read nothing: seconds of
    the server's processor time."""
    loop = asyncio.get_running_loop()
    reader, writer = neighbour
    slowest = 0.0
    with contextlib.ExitStack() as opened:
        sockets = [
            opened.enter_context(socket.create_connection(("127.0.0.1", victim.port)))
            for _ in range(CONNECTIONS)
        ]
        for one in sockets:
            one.setblocking(False)
        sending = [asyncio.create_task(loop.sock_sendall(one, octets)) for one in sockets]
        quiet, ends = 0, time.monotonic() + ATTACK_SECONDS
        while quiet < 5 and time.monotonic() < ends:
            worked = victim.processor_seconds
            writer.write(b"n NOOP\r\n")
            await _tagged(reader, b"n")
            slowest = max(slowest, victim.processor_seconds - worked)
            await asyncio.sleep(0.02)
            quiet = quiet + 1 if victim.processor_seconds - worked < 0.02 else 0
        for task in sending:
            task.cancel()  # what the server does not read is not sent
        await asyncio.gather(*sending, return_exceptions=True)
    return slowest


async def _tagged(reader: asyncio.StreamReader, tag: bytes) -> bytes:
    """The tagged line, what stands before it passed over."""
    async with asyncio.timeout(60):
        while not (line := await reader.readline()).startswith(tag + b" "):
            assert line, "the connection ended"
    return line


async def test_very_many_pipelined_commands_are_answered_in_order_and_little_memory(
    tmp_path: Path,
) -> None:
    """Each depends on those before it; the client sends on while it reads the answers."""
    async with served(tmp_path, 3) as victim, _client(victim.port, SELECTS) as (reader, writer):
        before = victim.resident_octets
        sending = asyncio.create_task(_send_commands(writer))
        is_seen = False
        most = 0
        for number in range(COMMANDS):
            line = await _tagged(reader, b"%d" % number)
            assert line.startswith(b"%d OK " % number)
            if number % 1_000 == 999:
                is_seen = not is_seen
                most = max(most, victim.resident_octets - before)
        await sending
        writer.write(b"z FETCH 1 FLAGS\r\n")
        expected = b"* 1 FETCH (FLAGS (%s))\r\n" % (b"\\Seen" if is_seen else b"")
        assert await reader.readline() == expected
        assert most <= GROWTH_OCTETS / 2


async def _send_commands(writer: asyncio.StreamWriter) -> None:
    cheap = [
        b"NOOP",
        b"UID FETCH 1:* (FLAGS)",
        b"FETCH 2 (UID)",
        b"SEARCH 1:2",
        b"STATUS Sent (MESSAGES)",
    ]
    is_seen = False
    for number in range(COMMANDS):
        text = cheap[number % len(cheap)]
        if number % 1_000 == 999:
            is_seen = not is_seen
            text = b"STORE 1 %sFLAGS (\\Seen)" % (b"+" if is_seen else b"-")
        writer.write(b"%d %s\r\n" % (number, text))
        await writer.drain()


@contextlib.asynccontextmanager
async def _client(port: int, said: bytes = LOGS_IN) -> AsyncIterator[Pair]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000_000)
    try:
        writer.write(said)
        await _tagged(reader, said.rstrip().split(b"\n")[-1][:1])
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


TWO: Final = b"Subject: x\r\n\r\ny\r\n"


@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_multiappend_cut_anywhere_leaves_nothing_and_harms_nobody(
    site: Site, is_reset: bool
) -> None:
    """All messages or none, RFC 3502 §6.3.11; the memory that was set aside comes back."""
    size = b"{%d+}\r\n%s" % (len(TWO), TWO)
    command = b"b APPEND INBOX (\\Seen) %s %s\r\n" % (size, size)
    async with serving(site, replace(SETTINGS, octets_in_flight=3 * len(TWO))) as port:
        async with _client(port, SELECTS) as (reader, writer):
            for cut in range(len(command)):
                await _cut(port, LOGS_IN + command[:cut], is_reset=is_reset)
            writer.write(b"n NOOP\r\n")
            assert await reader.readline() == b"n OK NOOP done\r\n"
            async with _client(port) as (other, writing):
                writing.write(command)
                assert (await other.readline()).startswith(b"b OK [APPENDUID 1790000000 1:2] ")
            writer.write(b"m NOOP\r\n")
            assert await reader.readline() == b"* 2 EXISTS\r\n"
    with site.database.read() as view:
        assert mailboxes.find(view, site.account_id, "INBOX").messages == 2


async def _cut(port: int, octets: bytes, *, is_reset: bool) -> None:
    """Say this and go: with a proper end, or with a reset as when a phone loses its network."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(octets)
    await writer.drain()
    if is_reset:
        await reader.readuntil(b"a OK ")
        plug: socket.socket = writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.write_eof()
        assert b"b OK" not in await reader.read()
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("said", "answered"),
    [
        (b"b NOOP\0\r\n", b"b BAD "),
        (b"\0b NOOP\r\n", b"* BAD "),
        (b'b STATUS "IN\0BOX" (MESSAGES)\r\n', b"b BAD "),
        (b"b STATUS {6+}\r\nIN\0BOX (MESSAGES)\r\n", b"b BAD "),
        (b"b SEARCH SUBJECT {3+}\r\na\0b\r\n", b"b BAD "),
        (b"b APPEND INBOX {14+}\r\nSubject: \0\r\n\r\n\r\n", b"b NO "),
        (b"b STORE 1 +FLAGS (a\0)\r\n", b"b BAD "),
    ],
)
async def test_nul_octets_are_refused_where_they_are(
    site: Site, port: int, said: bytes, answered: bytes
) -> None:
    site.put(plain(1))
    async with _client(port, SELECTS) as (reader, writer):
        writer.write(said + b"n NOOP\r\n")
        assert (await reader.readline()).startswith(answered)
        assert await reader.readline() == b"n OK NOOP done\r\n"


@pytest.mark.parametrize(
    "command",
    [
        b"UID FETCH %s (FLAGS)",
        b"UID STORE %s +FLAGS.SILENT (\\Seen)",
        b"UID SEARCH UID %s",
        b"UID COPY %s Trash",
        b"UID EXPUNGE %s",
        b"UID MOVE %s Sent",
    ],
)
async def test_as_many_ranges_as_fit_in_a_command_are_answered(
    site: Site, port: int, command: bytes
) -> None:
    for number in range(3):
        site.put(plain(number))
    ranges = b",".join(b"%d:%d" % (low, low + 1) for low in range(19_000, 1, -3))
    assert len(ranges) < LINE + 10_000
    ranges = ranges[-60_000:].partition(b",")[2]
    async with _client(port, SELECTS) as (reader, writer):
        with calls() as counted:
            writer.write(b"b " + command % ranges + b"\r\n")
            assert (await _tagged(reader, b"b")).startswith(b"b OK")
        assert counted.total < CALLS_PER_RANGE * ranges.count(b",")


async def test_half_a_literal_gives_its_memory_back_when_the_client_goes(site: Site) -> None:
    async with serving(site, replace(SETTINGS, octets_in_flight=5_000)) as port:
        for _ in range(3):
            async with _client(port) as (reader, writer):
                writer.write(b"b APPEND INBOX {4000}\r\n")
                assert await reader.readline() == b"+ OK\r\n"
                writer.write(b"Subject: x\r\n")
                await writer.drain()
        with site.database.read() as view:
            assert mailboxes.find(view, site.account_id, "INBOX").messages == 0


@pytest.mark.parametrize("count", [MAX_LITERALS, MAX_LITERALS + 1])
async def test_no_literal_of_a_refused_command_is_taken_for_commands(port: int, count: int) -> None:
    """A command refused at once, with as many literals as are read past, and one more."""
    inside = b"x CREATE Smuggled\r\n"
    literal = b"{%d+}\r\n%s" % (len(inside), inside)
    async with _client(port, SELECTS) as (reader, writer):
        writer.write(b"b XYZZY " + b" ".join([literal] * count) + b"\r\nn NOOP\r\n")
        said = await reader.readline()
        if count == MAX_LITERALS:
            assert said.startswith(b"b BAD ")
            assert await reader.readline() == b"n OK NOOP done\r\n"
        else:
            assert said.startswith(b"* BYE ")
            assert await reader.read() == b""
