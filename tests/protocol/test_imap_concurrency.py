"""Clients at random on one mailbox: numbers never lie, and at a checkpoint all agree.

Each client keeps the mailbox as the responses tell it, and fails the moment one contradicts it.
"""

import asyncio
import random
import re
from dataclasses import dataclass, field

import pytest

from mailbox_store import changes, mailboxes
from tests.protocol.imap_site import LOGIN, PASSWORD, Site, plain, serving

CLIENTS, ROUNDS, COMMANDS_A_ROUND = 4, 4, 25
MESSAGE = plain(7)

_EXISTS = re.compile(rb"\* (\d+) EXISTS")
_EXPUNGE = re.compile(rb"\* (\d+) EXPUNGE")
_FETCH = re.compile(rb"\* (\d+) FETCH \(UID (\d+) FLAGS \(([^)]*)\)\)")
_NO_EXPUNGE = (b"FETCH", b"STORE", b"SEARCH")


@dataclass(slots=True)
class Known:
    """A message as this client was told of it."""

    uid: int | None = None
    flags: frozenset[bytes] | None = None


@dataclass(slots=True)
class Client:
    """One connection and its picture of the mailbox."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    chance: random.Random
    known: list[Known] = field(default_factory=list)
    uids: dict[int, Known] = field(default_factory=dict)

    async def run(self, command: bytes) -> bytes:
        """Send a command, take in what it brings, return its tagged line."""
        self.writer.write(b"t " + command + b"\r\n")
        while not (line := await self.reader.readline()).startswith(b"t "):
            assert line.endswith(b"\r\n"), "the connection ended"
            self.take_in(line, command)
        assert not line.startswith(b"t BAD"), (command, line)
        return line

    def take_in(self, line: bytes, command: bytes) -> None:
        if found := _EXISTS.match(line):
            count = int(found[1])
            assert count >= len(self.known), "EXISTS only grows, EXPUNGE shrinks"
            self.known += [Known() for _ in range(count - len(self.known))]
        elif found := _EXPUNGE.match(line):
            assert not command.startswith(_NO_EXPUNGE), (command, line)
            del self.known[int(found[1]) - 1]
        elif found := _FETCH.match(line):
            one = self.known[int(found[1]) - 1]
            assert one.uid in (None, int(found[2])), (command, line, one)
            assert self.uids.setdefault(int(found[2]), one) is one, "a UID never returns"
            one.uid, one.flags = int(found[2]), frozenset(found[3].split())

    async def act(self) -> None:
        """One command at random."""
        number = self.chance.randrange(len(self.known)) + 1 if self.known else 0
        flag = self.chance.choice([b"\\Seen", b"\\Flagged", b"\\Deleted", b"Urgent"])
        sign = self.chance.choice([b"+", b"-", b""])
        append = b"APPEND INBOX (%s) {%d+}\r\n%s" % (flag, len(MESSAGE), MESSAGE)
        always = [b"NOOP", append, b"EXPUNGE", b"UID SEARCH ALL", b"UID FETCH 1:* (UID FLAGS)"]
        of_one = [
            b"FETCH %d (UID FLAGS)" % number,
            b"STORE %d %sFLAGS (%s)" % (number, sign, flag),
            b"FETCH %d:* (UID FLAGS)" % number,
            b"SEARCH %s" % flag.removeprefix(b"\\").replace(b"Urgent", b"KEYWORD Urgent"),
            b"COPY %d INBOX" % number,
            b"MOVE %d INBOX" % number,
            b"MOVE %d Trash" % number,
        ]
        if number and self.chance.random() < 0.15:
            await self.store_silently(number, sign, flag)
        else:
            await self.run(self.chance.choice(always + of_one if number else always))

    async def store_silently(self, number: int, sign: bytes, flag: bytes) -> None:
        """What a silent STORE did is not told: the client takes it as done, RFC 9051 §6.4.6."""
        one = self.known[number - 1]
        if one.flags is not None:
            rest = one.flags - {flag} if sign == b"-" else one.flags if sign else frozenset()
            one.flags = rest if sign == b"-" else rest | {flag}
        await self.run(b"STORE %d %sFLAGS.SILENT (%s)" % (number, sign, flag))

    async def settle(self) -> list[tuple[int | None, frozenset[bytes] | None]]:
        """The whole mailbox as this client sees it now; what it knew already was right."""
        await self.run(b"NOOP")
        believed = [(one.uid, one.flags) for one in self.known]
        if self.known:
            await self.run(b"FETCH 1:* (UID FLAGS)")
        seen = [(one.uid, one.flags) for one in self.known]
        for (uid, flags), (real_uid, real_flags) in zip(believed, seen, strict=True):
            assert uid in (None, real_uid)
            assert flags in (None, real_flags)
        return seen


async def _entered(port: int, seed: int) -> Client:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.readline()
    client = Client(reader, writer, random.Random(seed))
    await client.run(f'LOGIN {LOGIN} "{PASSWORD}"'.encode())
    await client.run(b"SELECT INBOX")
    return client


def _stored(site: Site) -> list[int]:
    with site.database.read() as view:
        box = mailboxes.find(view, site.account_id, "INBOX")
        found = list(changes.snapshot(view, box.mailbox_id).uids)
        assert box.messages == len(found)
        return found


@pytest.mark.parametrize("seed", range(3))
async def test_clients_at_random_agree_at_every_checkpoint(site: Site, seed: int) -> None:
    for number in range(5):
        site.put(plain(number))
    async with serving(site) as port:
        clients = [await _entered(port, seed * 10 + number) for number in range(CLIENTS)]

        async def act(client: Client) -> None:
            for _ in range(COMMANDS_A_ROUND):
                await client.act()

        for _ in range(ROUNDS):
            await asyncio.gather(*(act(client) for client in clients))
            pictures = [await client.settle() for client in clients]
            assert all(picture == pictures[0] for picture in pictures)
            assert [uid for uid, _ in pictures[0]] == _stored(site)
        for client in clients:
            client.writer.close()
