"""One box, several people: what each sees, what ends with a membership, what goes on record."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from mailbox_store import mailboxes, rights
from mailbox_store.database import MailboxId, Transaction, View
from mailbox_store.flags import DELETED
from mss_gateway.directory import members
from mss_gateway.imap.rights import EVERYTHING, NEEDS
from mss_gateway.observability import audit
from tests.protocol.imap_site import (
    FILED_LOGIN,
    LOGIN,
    MEMBER_LOGIN,
    OTHER_LOGIN,
    PASSWORD,
    SETTINGS,
    Site,
    plain,
    serving,
)
from tests.support import transcript

PERSONAL = replace(SETTINGS, has_personal_seen=True)
FOLDER = Path(__file__).parents[1] / "transcripts" / "imap" / "personal_seen"
COLLEAGUE = f'"{FILED_LOGIN}*{OTHER_LOGIN}"'
ANSWER_SECONDS = 10.0


@dataclass(slots=True)
class Client:
    """Says one command at a time, and gives back all that the server said to it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def run(self, command: bytes) -> list[bytes]:
        """The untagged lines and, last, the tagged one or what ended the connection."""
        self.writer.write(b"t " + command + b"\r\n")
        return await self.until(b"t ")

    async def until(self, beginning: bytes) -> list[bytes]:
        """What is said up to a line that begins so, or to the end of the connection."""
        lines: list[bytes] = []
        while True:
            line = await asyncio.wait_for(self.reader.readline(), ANSWER_SECONDS)
            if not line:
                return lines
            lines.append(line.rstrip(b"\r\n"))
            if line.startswith(beginning):
                return lines


@asynccontextmanager
async def signed_in(port: int, login: str) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    client = Client(reader, writer)
    try:
        await client.until(b"* OK")
        said = await client.run(f'LOGIN {login} "{PASSWORD}"'.encode())
        assert said[-1].startswith(b"t OK"), said
        yield client
    finally:
        writer.close()


def fill(site: Site, count: int = 2, flags: int = 0) -> None:
    """Messages in the INBOX of the secretariat."""
    for number in range(1, count + 1):
        site.put(plain(number), flags=flags, login=FILED_LOGIN)


def end_membership(site: Site, login: str = OTHER_LOGIN) -> None:
    box, person = site.holders[FILED_LOGIN].account_id, site.holders[login].account_id
    assert site.database.write(lambda tx: members.revoke(tx, box, person))


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.txt")))
async def test_each_reader_has_their_own_seen(name: str, site: Site) -> None:
    async with serving(site, PERSONAL) as port:

        async def connect(client: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection("127.0.0.1", port)

        await transcript.play(transcript.load(FOLDER / f"{name}.txt"), connect)


ENDED = b"* BYE imap.partage_fini"


@pytest.mark.parametrize(
    "command", [b"NOOP", b'LIST "" *', b"SELECT INBOX", b"GETQUOTA compte", b"CREATE x", b"LOGOUT"]
)
async def test_an_ended_membership_ends_the_connection_at_the_next_command(
    site: Site, port: int, command: bytes
) -> None:
    async with signed_in(port, COLLEAGUE) as client:
        assert (await client.run(b"NOOP"))[-1] == b"t OK NOOP done"
        end_membership(site)
        assert await client.run(command) == [ENDED]
        assert client.reader.at_eof()


@pytest.mark.parametrize(
    "command",
    [b"NOOP", b"FETCH 1 BODY[]", b"STORE 1 +FLAGS (\\Seen)", b"UID SEARCH ALL", b"CLOSE", b"CHECK"],
)
async def test_nothing_of_the_open_mailbox_is_told_after_it(
    site: Site, port: int, command: bytes
) -> None:
    fill(site)
    async with signed_in(port, COLLEAGUE) as client:
        await client.run(b"SELECT INBOX")
        end_membership(site)
        fill(site, 1)
        assert await client.run(command) == [ENDED]


async def test_who_is_idle_is_told_of_the_end_and_of_nothing_else(site: Site, port: int) -> None:
    fill(site)
    async with signed_in(port, COLLEAGUE) as client:
        await client.run(b"SELECT INBOX")
        client.writer.write(b"t IDLE\r\n")
        await client.until(b"+")
        end_membership(site)
        fill(site, 1)
        assert await client.until(b"t ") == [ENDED]


async def test_a_membership_that_ended_leaves_the_others_alone(site: Site, port: int) -> None:
    fill(site)
    own = f'"{FILED_LOGIN}"'
    async with signed_in(port, COLLEAGUE) as client, signed_in(port, own) as owner:
        await owner.run(b"SELECT INBOX")
        end_membership(site, MEMBER_LOGIN)
        assert (await client.run(b"STATUS INBOX (MESSAGES)"))[0] == b"* STATUS INBOX (MESSAGES 2)"
        assert (await owner.run(b"NOOP"))[-1] == b"t OK NOOP done"


LINES = {
    "SELECT": b"SELECT Dossiers",
    "EXAMINE": b"EXAMINE Dossiers",
    "STATUS": b"STATUS Dossiers (MESSAGES)",
    "CREATE": b"CREATE Autre/Nouveau",
    "DELETE": b"DELETE Dossiers",
    "RENAME": b"RENAME Dossiers Autre/Nouveau",
    "SUBSCRIBE": b"SUBSCRIBE Dossiers",
    "APPEND": b"APPEND Dossiers {8+}\r\nx: y\r\n\r\n",
    "EXPUNGE": b"EXPUNGE",
    "SEARCH": b"SEARCH ALL",
    "SORT": b"SORT (ARRIVAL) UTF-8 ALL",
    "THREAD": b"THREAD REFERENCES UTF-8 ALL",
    "FETCH": b"FETCH 1 FLAGS",
    "STORE": b"STORE 1 +FLAGS (\\Seen \\Deleted \\Flagged)",
    "COPY": b"COPY 1 Dossiers",
    "MOVE": b"MOVE 1 Dossiers",
    "SETACL": b"SETACL Dossiers %s lr" % MEMBER_LOGIN.encode(),
    "DELETEACL": b"DELETEACL Dossiers %s" % MEMBER_LOGIN.encode(),
    "GETACL": b"GETACL Dossiers",
    "LISTRIGHTS": b"LISTRIGHTS Dossiers %s" % MEMBER_LOGIN.encode(),
    "MYRIGHTS": b"MYRIGHTS Dossiers",
}
"""A line that each right of the command's row decides on; INBOX is selected."""


def needed() -> Iterator[tuple[str, str, str]]:
    """Command, mailbox, and the letters without which on that mailbox the command is refused."""
    for command, needs in NEEDS.items():
        places = (
            ("INBOX", needs.here, needs.any_here),
            ("Dossiers", needs.named, needs.any_named),
            ("Autre", needs.parent, ""),
        )
        for place, letters, any_of in places:
            yield from ((command, place, letter) for letter in letters)
            if any_of:
                yield command, place, any_of


def test_every_command_that_needs_a_right_is_tried() -> None:
    assert {command for command, _, _ in needed()} == set(LINES)


@pytest.mark.parametrize(("command", "place", "letters"), list(needed()))
async def test_a_command_is_refused_for_want_of_each_right_alone(
    site: Site, port: int, command: str, place: str, letters: str
) -> None:
    box, person = site.holders[FILED_LOGIN].account_id, site.holders[OTHER_LOGIN].account_id
    fill(site, flags=DELETED)

    def prepare(tx: Transaction) -> MailboxId:
        members.grant(tx, box, person, EVERYTHING)
        for name in ("Dossiers", "Autre"):
            mailboxes.create(tx, box, name)
        return mailboxes.find(tx, box, place).mailbox_id

    mailbox_id = site.database.write(prepare)
    async with signed_in(port, COLLEAGUE) as client:
        await client.run(b"SELECT INBOX")
        without = "".join(letter for letter in EVERYTHING if letter not in letters)
        site.database.write(lambda tx: rights.put(tx, mailbox_id, person, without))
        code = b"NOPERM" if "l" in without else b"NONEXISTENT"
        assert (await client.run(LINES[command]))[-1].startswith(b"t NO [%s]" % code)
        site.database.write(lambda tx: rights.put(tx, mailbox_id, person, EVERYTHING))
        assert (await client.run(LINES[command]))[-1].startswith(b"t OK")


async def test_what_members_do_goes_on_record_without_a_name(site: Site, port: int) -> None:
    fill(site, 3)
    box, person = site.holders[FILED_LOGIN].account_id, site.holders[OTHER_LOGIN].account_id
    other = site.holders[MEMBER_LOGIN].account_id
    async with signed_in(port, COLLEAGUE) as client:
        for command in (
            b"SELECT INBOX",
            b"CREATE Confidentiel",
            b"COPY 1:2 Confidentiel",
            b"MOVE 1 Trash",
            b"STORE 1 +FLAGS (\\Deleted)",
            b"EXPUNGE",
            b"EXPUNGE",
            b"APPEND Sent {8+}\r\nx: y\r\n\r\n",
            b"EXAMINE Confidentiel",
            b"RENAME Confidentiel Diagnostic",
            b"DELETE Diagnostic",
            b"STATUS INBOX (MESSAGES)",
            b"DELETE Absent",
        ):
            await client.run(command)
    async with signed_in(port, f'"{FILED_LOGIN}"') as owner:
        for command in (
            b"SELECT INBOX",
            b"STORE 1 +FLAGS (\\Deleted)",
            b"EXPUNGE",
            b"SETACL Sent %s lr" % MEMBER_LOGIN.encode(),
            b"DELETEACL Sent %s" % MEMBER_LOGIN.encode(),
            b"SETACL Sent %s +a" % FILED_LOGIN.encode(),
        ):
            assert (await owner.run(command))[-1].startswith(b"t OK")
    with site.database.read() as view:
        rows = view.sql("SELECT actor, act, object, verdict FROM audit ORDER BY seq").fetchall()
        inbox, sent, trash = (
            mailboxes.find(view, box, name).mailbox_id for name in ("INBOX", "Sent", "Trash")
        )
        made = max(inbox, sent, trash) + 4  # after the three of the last account
        assert audit.verify(view) == (len(rows), None)

    def by(actor: int, mailbox: int, what: str, more: str = "") -> tuple[str, str, str, str]:
        return f"account:{actor}", "mailbox", f"account:{box} mailbox:{mailbox}{more}", what

    assert rows == [
        by(person, inbox, "opened"),
        by(person, made, "created"),
        by(person, inbox, f"copied 2 to mailbox:{made}"),
        by(person, inbox, f"moved 1 to mailbox:{trash}"),
        by(person, inbox, "expunged 1"),
        by(person, sent, "appended 1"),
        by(person, made, "examined"),
        by(person, made, "renamed"),
        by(person, made, "deleted with 2"),
        by(box, sent, "rights lr", f" member account:{other}"),
        by(box, sent, "rights none", f" member account:{other}"),
    ]


async def test_an_owner_s_commands_ask_nothing_about_sharing(
    site: Site, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The price of sharing is paid by those who share."""
    asked: list[str] = []
    run = View.sql

    def noted(self: View, statement: str, parameters: Any = ()) -> Any:
        asked.append(statement)
        return run(self, statement, parameters)

    for number in range(4):
        site.put(plain(number))
    async with signed_in(port, LOGIN) as client:
        monkeypatch.setattr(View, "sql", noted)
        for command in (
            b"SELECT INBOX",
            b"FETCH 1:2 (FLAGS BODY[TEXT])",
            b"STORE 3 +FLAGS (\\Flagged)",
            b'LIST "" * RETURN (STATUS (MESSAGES UNSEEN))',
            b"STATUS INBOX (UNSEEN)",
            b"APPEND INBOX {8+}\r\nx: y\r\n\r\n",
            b"SEARCH UNSEEN",
            b"NOOP",
        ):
            said = await client.run(command)
            assert said[-1].startswith(b"t OK"), said
        about = re.compile(r"memberships|mailbox_rights|personal_seen|audit")
        assert [statement for statement in asked if about.search(statement)] == []
        assert len(asked) > 20
        asked.clear()
        await client.run(b"MOVE 1:3 Trash")
        # whether anybody else has read them, and that nobody has: once each for the whole command
        assert len([statement for statement in asked if about.search(statement)]) == 2
