"""The load: connections that are ready before the clock starts, driven from a process of its own.

    python -m tests.bench.load '{"work": "submit", ...}'

Says ``ready`` once every connection is signed in, runs on the line ``go``, then says one JSON
object: operations, seconds, latencies. Bytes to send are made beforehand, and what comes back is
searched for its last line only, so that the client costs as little as Python can.
"""

import asyncio
import base64
import itertools
import json
import ssl
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import uvloop

from tests.bench.letters import Mould, letter

PIECE = 1 << 20


@dataclass(slots=True)
class Line:
    """One TLS connection, read by pieces."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    octets: int = 0

    async def ask(self, command: bytes, end: bytes) -> None:
        """Send, then read until the line that begins with ``end``; another end of it raises."""
        self.writer.write(command)
        tag = end[:2]
        tail = b"\n"
        while True:
            piece = await self.reader.read(PIECE)
            self.octets += len(piece)
            tail = tail[-200:] + piece
            last = tail[tail.rfind(b"\n", 0, -1) + 1 :]
            if tail.endswith(b"\r\n") and last.startswith(end):
                return
            if not piece or (end != b"* OK" and last.startswith((tag, b"* BYE"))):
                raise ConnectionError(f"{command!r} ended with {last!r}")

    async def reply(self, command: bytes, code: bytes) -> None:
        """One SMTP command that must be answered with ``code``."""
        self.writer.write(command)
        line = await self.reader.readline()
        while line[3:4] == b"-":
            line = await self.reader.readline()
        if not line.startswith(code):
            raise ConnectionError(f"{command[:40]!r}: {line!r}")


async def connect(task: dict[str, Any], number: int) -> Line:
    """A connection of the protocol of the task, signed in."""
    context = ssl.create_default_context(cafile=task["ca_file"])
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", task["port"], ssl=context, server_hostname="localhost", limit=PIECE
    )
    line = Line(reader, writer, number)
    if task["protocol"] == "webmail":
        return line
    login = task["logins"][number % len(task["logins"])]
    if task["protocol"] == "submission":
        secret = base64.b64encode(f"\0{login}\0{task['password']}".encode())
        await line.reply(b"", b"220")
        await line.reply(b"EHLO bench.example\r\n", b"250")
        await line.reply(b"AUTH PLAIN " + secret + b"\r\n", b"235")
    else:
        await line.ask(b"", b"* OK")
        await line.ask(f'a LOGIN {login} "{task["password"]}"\r\n'.encode(), b"a OK")
        if task.get("select"):
            await line.ask(b"b SELECT INBOX\r\n", b"b OK")
    return line


def submitting(task: dict[str, Any]) -> Callable[[Line, int], Awaitable[None]]:
    """MAIL, RCPT, DATA and the message, each waited for, as mail clients do.

    No two messages are the same: a server may take a second one for a retry of the first. With
    ``one_each`` every message has a connection of its own, that of the line stays idle.
    """
    authors, recipients = task["logins"], task["recipients"]
    moulds = {author: Mould(letter(author, recipients[0], 1, task["octets"])) for author in authors}
    turns = itertools.count()

    async def send(line: Line, author: str) -> None:
        turn = next(turns)
        recipient = recipients[turn % len(recipients)]
        if recipient == author:
            recipient = recipients[(turn + 1) % len(recipients)]
        mail_from = f"MAIL FROM:<{author}>\r\n".encode()
        rcpt_to = f"RCPT TO:<{recipient}>\r\n".encode()
        if task.get("pipelined"):
            line.writer.write(mail_from + rcpt_to + b"DATA\r\n")
            await line.reply(b"", b"250")
            await line.reply(b"", b"250")
            await line.reply(b"", b"354")
        else:
            await line.reply(mail_from, b"250")
            await line.reply(rcpt_to, b"250")
            await line.reply(b"DATA\r\n", b"354")
        await line.reply(moulds[author].cast(recipient, turn), b"250")

    async def one(line: Line, _turn: int) -> None:
        author = authors[line.number % len(authors)]
        if not task.get("one_each"):
            await send(line, author)
            return
        own = await connect(task, line.number)
        await send(own, author)
        await own.reply(b"QUIT\r\n", b"221")
        own.writer.close()

    return one


def visiting(task: dict[str, Any]) -> Callable[[Line, int], Awaitable[None]]:
    """One page over and over, as a signed-in browser asks for it."""
    request = (
        f"GET {task['path']} HTTP/1.1\r\nHost: localhost:{task['port']}\r\n"
        f"Cookie: {task['cookie']}\r\nAccept: text/html\r\n\r\n"
    ).encode("ascii")

    async def one(line: Line, _turn: int) -> None:
        line.writer.write(request)
        head = await line.reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise ConnectionError(head[:60])
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await line.reader.readexactly(length)
        line.octets += len(head) + length

    return one


async def idling(task: dict[str, Any], lines: list[Line]) -> dict[str, Any]:
    """Every connection does nothing until the next line of standard input."""
    for line in lines:
        if task["protocol"] == "imap":
            await line.ask(b"i IDLE\r\n", b"+")
    print("idle", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    return {"connections": len(lines)}


async def running(task: dict[str, Any], lines: list[Line]) -> dict[str, Any]:
    """The operations of the task, shared out among the connections."""
    works = {"submission": submitting, "webmail": visiting}
    one = works[task["protocol"]](task)
    for line in lines[: task.get("warm_up", len(lines))]:
        await one(line, 0)
    latencies: list[float] = []
    turns = max(1, task["operations"] // len(lines))

    async def drive(line: Line) -> None:
        for turn in range(turns):
            before = time.perf_counter()
            await one(line, turn)
            latencies.append(time.perf_counter() - before)

    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    started, octets = time.perf_counter(), sum(line.octets for line in lines)
    await asyncio.gather(*(drive(line) for line in lines))
    seconds = time.perf_counter() - started
    ordered = sorted(latencies)
    return {
        "operations": len(ordered),
        "seconds": seconds,
        "octets": sum(line.octets for line in lines) - octets,
        "p50_ms": round(statistics.median(ordered) * 1000, 2),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 2),
        "client_cpu_seconds": time.process_time(),
    }


async def main(task: dict[str, Any]) -> None:
    """Connect, wait for ``go``, run, report."""
    lines = [await connect(task, number) for number in range(task["connections"])]
    work = idling if task["work"] == "idle" else running
    print(json.dumps(await work(task, lines)), flush=True)
    for line in lines:
        line.writer.close()


if __name__ == "__main__":
    uvloop.run(main(json.loads(sys.argv[1])))
