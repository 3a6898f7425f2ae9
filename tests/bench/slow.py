"""Three thousand connections that give nothing, and one honest client beside them.

    python -m tests.bench.slow '{"submission": …, "mx": …, …}'      (the slow ones, in a process)

2,000 connect and never speak, 500 send a ClientHello and no more, 500 hand over a message byte by
byte, one in ten seconds; on the ports of submission and on the MX, from many addresses of loopback
(no address may have more than its share). Meanwhile somebody submits one message after the other.
Told are the honest latencies alone and beside the slow ones, and the server's memory before, then
and afterwards. Before, somebody honest is alone for as long as they are beside the slow ones later:
what the memory grows by then is theirs, for page caches of the store that are not full yet, and the
same may be expected beside. It wants a limit of open files above 8,000 (`ulimit -n`).
"""

import asyncio
import base64
import contextlib
import json
import resource
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.letters import letter
from tests.bench.measuring import idle_octets
from tests.crash.running import ROOT, Demo

SILENT, HELLOS, DRIPS = 2000, 500, 500
PER_ADDRESS = 40
"""Connections from one address: below what one may have."""
DRIP_SECONDS = 10.0
BESIDE_SECONDS = 60.0
WARMING = 300
"""Messages before anything is measured."""
GONE_SECONDS = 60.0
BACK_SECONDS = 90.0
"""The longest that is waited for the memory to come back; the server looks once a minute."""
BACK = 1.1
"""After over before, at which it has come back."""
FILES = 8192


def rows(folder: Path, share: float) -> Iterator[dict[str, Any]]:
    """One row: everything about one demo that is held up."""
    _allow_files()
    demo = Demo(folder)
    demo.start()
    try:
        yield _measure(demo, share)
    finally:
        demo.stop()


def _measure(demo: Demo, share: float) -> dict[str, Any]:
    told = demo.told
    honest = _Honest(told)
    honest.submit(WARMING)
    pid = told["pid"]
    warm, seconds = idle_octets(pid), BESIDE_SECONDS * max(share, 0.1)
    alone = honest.submit(1, seconds)
    before = idle_octets(pid)
    counts = {
        name: max(3, int(share * count))
        for name, count in (("silent", SILENT), ("hellos", HELLOS), ("drips", DRIPS))
    }
    task = {"submission": told["submission"], "mx": told["mx"], "ca_file": told["ca_file"]} | counts
    task["authors"] = [
        [each["address"], each["password"]]
        for each in told["accounts"]
        if each["role"] == "professional" and each["smime"] == "gateway"
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.slow", json.dumps(task)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as slow:
        assert slow.stdin is not None and slow.stdout is not None
        standing = json.loads(slow.stdout.readline())
        beside = honest.submit(1, seconds)
        during = idle_octets(pid)
        slow.stdin.close()
        left = json.loads(slow.stdout.readline())
    gone = _gone(pid)
    honest.submit(10)
    after, passed = _come_back(pid, before, BACK_SECONDS * max(share, 0.1))
    own = (before - warm) * len(beside) // len(alone)
    return {
        "standing": standing,
        "left_open_at_the_end": left,
        "honest_alone_ms": _latencies(alone),
        "honest_beside_ms": _latencies(beside),
        "memory_warm": warm,
        "memory_before": before,
        "memory_during": during,
        "memory_after": after,
        "memory_after_over_before": round(after / before, 3),
        "memory_after_seconds": passed,
        "memory_of_the_honest_beside": own,
        "memory_after_without_theirs_over_before": round((after - own) / before, 3),
        "sockets_gone_after_seconds": gone,
    }


class _Honest:
    """Signs in anew for each message: the whole way of somebody who has one thing to send."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told
        self._author = told["accounts"][0]
        self._reader = next(
            each["address"]
            for each in told["accounts"][1:]
            if each["role"] == "professional" and each["smime"] == "gateway"
        )
        self._number = 0

    def submit(self, count: int, seconds: float = 0.0) -> list[float]:
        """At least ``count`` messages and for so long; milliseconds of each."""
        taken: list[float] = []
        ends = time.monotonic() + seconds
        while len(taken) < count or time.monotonic() < ends:
            before = time.perf_counter()
            self._one()
            taken.append((time.perf_counter() - before) * 1000)
            if seconds:
                time.sleep(0.05)
        return taken

    def _one(self) -> None:
        self._number += 1
        context = ssl.create_default_context(cafile=self._told["ca_file"])
        address, port = self._author["address"], self._told["submission"]["tls"]
        with smtplib.SMTP_SSL("localhost", port, timeout=60, context=context) as connection:
            connection.login(address, self._author["password"])
            raw = letter(address, self._reader, self._number, 3000)
            connection.sendmail(address, [self._reader], raw)


def _latencies(taken: list[float]) -> dict[str, float]:
    taken = sorted(taken)
    return {
        "count": len(taken),
        "p50": round(taken[len(taken) // 2], 1),
        "p99": round(taken[len(taken) * 99 // 100], 1),
        "most": round(taken[-1], 1),
    }


def _gone(pid: int) -> float | None:
    """Seconds until the server holds hardly a socket any more; None when they stay."""
    begun = time.monotonic()
    while time.monotonic() < begun + GONE_SECONDS:
        if _sockets(pid) < 60:  # its listeners, pipes to its helpers, the two that are honest
            return round(time.monotonic() - begun, 1)
        time.sleep(0.2)
    return None


def _come_back(pid: int, before: int, longest: float) -> tuple[int, float]:
    """The memory once it is what it was, or after ``longest`` seconds; and how many those were."""
    begun = time.monotonic()
    while True:
        now, passed = idle_octets(pid), time.monotonic() - begun
        if now <= BACK * before or passed > longest:
            return now, round(passed, 1)
        time.sleep(0.2)


def _sockets(pid: int) -> int:
    count = 0
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            count += str(each.readlink()).startswith("socket:")
    return count


def _allow_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Slow:
    """The slow ones."""

    def __init__(self, task: dict[str, Any]) -> None:
        self._task, self._open = task, list[socket.socket | asyncio.StreamWriter]()
        self._standing: Counter[str] = Counter()
        self._made = 0
        self._dripping: list[asyncio.StreamWriter] = []

    async def run(self) -> None:
        """Connect, say how many stand, drip until standard input ends, say how many were left."""
        task, ports = self._task, (self._task["submission"], self._task["mx"])
        silent = (ports[0]["tls"], ports[0]["starttls"], ports[1]["starttls"])
        for number in range(task["silent"]):
            await self._silent(silent[number % 3])
        for _ in range(task["hellos"]):
            await self._hello(ports[0]["tls"])
        await self._each(task["drips"])
        print(json.dumps(dict(self._standing)), flush=True)
        ends = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        while not ends.done():
            for each in self._dripping:
                each.write(b"x")
            await asyncio.wait([ends], timeout=DRIP_SECONDS)
        left = sum(not each.is_closing() for each in self._dripping)
        print(json.dumps({"drips": left}), flush=True)

    def _address(self) -> tuple[str, int]:
        """Where the next connection comes from."""
        self._made += 1
        block = self._made // PER_ADDRESS
        return f"127.0.{1 + block // 250}.{1 + block % 250}", 0

    async def _silent(self, port: int) -> socket.socket:
        one = socket.socket()
        one.bind(self._address())
        one.setblocking(False)
        await asyncio.get_running_loop().sock_connect(one, ("127.0.0.1", port))
        self._open.append(one)
        self._standing["silent"] += 1
        return one

    async def _hello(self, port: int) -> None:
        one = await self._silent(port)
        self._standing["silent"] -= 1
        outgoing = ssl.MemoryBIO()
        context = ssl.create_default_context()
        half = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
        with contextlib.suppress(ssl.SSLWantReadError):
            half.do_handshake()
        await asyncio.get_running_loop().sock_sendall(one, outgoing.read())
        self._standing["hellos"] += 1

    async def _each(self, count: int) -> None:
        """Half of them as another operator, half as professionals, some at a time."""
        gate = asyncio.Semaphore(16)

        async def one(number: int) -> None:
            async with gate:
                try:
                    await (self._as_peer() if number % 2 else self._as_author(number))
                except (OSError, EOFError, ValueError, TimeoutError) as error:
                    self._standing[f"not let in: {error}"[:60]] += 1
                else:
                    self._standing["drips"] += 1

        await asyncio.gather(*(one(number) for number in range(count)))

    async def _as_author(self, number: int) -> None:
        authors = self._task["authors"]
        address, password = authors[number // 2 % len(authors)]
        context = ssl.create_default_context(cafile=self._task["ca_file"])
        reader, writer = await self._streams(self._task["submission"]["tls"], context)
        await self._say(reader, writer, b"", b"220")
        await self._say(reader, writer, b"EHLO lent.example\r\n", b"250")
        await self._say(reader, writer, b"AUTH LOGIN\r\n", b"334")
        await self._say(reader, writer, _line64(address), b"334")
        await self._say(reader, writer, _line64(password), b"235")
        await self._drip(reader, writer, address, authors[0][0])

    async def _as_peer(self) -> None:
        peer = self._task["mx"]["peer"]
        context = ssl.create_default_context(cafile=self._task["ca_file"])
        context.load_cert_chain(peer["certificate_file"], peer["key_file"])
        reader, writer = await self._streams(self._task["mx"]["starttls"], None)
        await self._say(reader, writer, b"", b"220")
        await self._say(reader, writer, b"EHLO ville.example\r\n", b"250")
        await self._say(reader, writer, b"STARTTLS\r\n", b"220")
        await writer.start_tls(context, server_hostname="localhost")
        await self._say(reader, writer, b"EHLO ville.example\r\n", b"250")
        author = f"nadia.benali@{peer['domains'][0]}"
        await self._drip(reader, writer, author, self._task["authors"][0][0])

    async def _streams(
        self, port: int, context: ssl.SSLContext | None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.wait_for(
            asyncio.open_connection(
                "127.0.0.1",
                port,
                ssl=context,
                server_hostname="localhost" if context else None,
                local_addr=self._address(),
            ),
            60,
        )

    async def _drip(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, author: str, to: str
    ) -> None:
        await self._say(reader, writer, f"MAIL FROM:<{author}>\r\n".encode(), b"250")
        await self._say(reader, writer, f"RCPT TO:<{to}>\r\n".encode(), b"250")
        await self._say(reader, writer, b"DATA\r\n", b"354")
        self._dripping.append(writer)

    async def _say(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes, code: bytes
    ) -> None:
        writer.write(line)
        answer = await asyncio.wait_for(reader.readline(), 60)
        while answer[3:4] == b"-":
            answer = await reader.readline()
        if not answer.startswith(code):
            raise ValueError(answer.decode("ascii", "replace").strip())


def _line64(text: str) -> bytes:
    return base64.b64encode(text.encode()) + b"\r\n"


if __name__ == "__main__":
    _allow_files()
    asyncio.run(_Slow(json.loads(sys.argv[1])).run())
