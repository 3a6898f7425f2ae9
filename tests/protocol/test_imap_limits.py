"""Limits of time, size and number, each at its edge (threats T3, T7, T8)."""

import asyncio
import contextlib
import select
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mailbox_store import mailboxes, messages
from mailbox_store.database import Transaction
from mailbox_store.flags import FLAGGED
from mss_gateway.failures import Failure, Refused
from mss_gateway.imap import contents, syncing, wire
from mss_gateway.imap.handlers import fetch
from mss_gateway.imap.reader import MAX_COMMAND, MAX_COMMAND_BEFORE_LOGIN, MAX_STRING_LITERAL
from tests.protocol.imap_site import LOGIN, PASSWORD, SETTINGS, Site, plain, serving

LOGS_IN = f'a LOGIN {LOGIN} "{PASSWORD}"\r\n'.encode()


_OPEN: list[asyncio.StreamWriter] = []


@pytest.fixture(autouse=True)
async def _closes_what_it_opened() -> AsyncIterator[None]:
    yield
    while _OPEN:
        writer = _OPEN.pop()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def opened(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection, closed when the test ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    _OPEN.append(writer)
    return reader, writer


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection whose greeting was read."""
    reader, writer = await opened(port)
    assert (await reader.readline()).startswith(b"* OK ")
    return reader, writer


async def logged_in(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The same after LOGIN."""
    reader, writer = await connected(port)
    writer.write(LOGS_IN)
    assert (await reader.readline()).startswith(b"a OK ")
    return reader, writer


async def until(reader: asyncio.StreamReader, tag: bytes) -> list[bytes]:
    """Lines up to the tagged one."""
    lines = [await reader.readline()]
    while not lines[-1].startswith(tag + b" "):
        assert lines[-1] != b"", "the connection ended"
        lines.append(await reader.readline())
    return lines


@pytest.mark.parametrize("spent", [b"", b"a NO", b"a LOGIN {4}\r\n"])
async def test_who_says_nothing_before_login_is_sent_away(site: Site, spent: bytes) -> None:
    async with serving(site, replace(SETTINGS, before_login_seconds=0.02)) as port:
        reader, writer = await connected(port)
        writer.write(spent)
        assert (await reader.read()).endswith(b"* BYE imap.inactif\r\n")


async def test_who_says_nothing_after_login_or_in_idle_is_sent_away(site: Site) -> None:
    async with serving(site, replace(SETTINGS, idle_seconds=0.02)) as port:
        reader, _ = await logged_in(port)
        assert await reader.read() == b"* BYE imap.inactif\r\n"
        reader, writer = await connected(port)
        writer.write(LOGS_IN + b"b IDLE\r\n")
        assert (await reader.read()).endswith(
            b"+ idling\r\n* BYE imap.inactif\r\nb OK IDLE done\r\n"
        )


async def test_idle_looks_again_without_a_wake_up(site: Site) -> None:
    async with serving(site, replace(SETTINGS, recheck_seconds=0.02, trust_seconds=0.0)) as port:
        reader, writer = await logged_in(port)
        writer.write(b"b SELECT INBOX\r\nc IDLE\r\n")
        await until(reader, b"b")
        assert await reader.readline() == b"+ idling\r\n"
        site.database._announce.clear()  # as when another process writes
        await asyncio.to_thread(site.put, plain(1))
        assert await reader.readline() == b"* 1 EXISTS\r\n"


@pytest.mark.parametrize("limit", [MAX_COMMAND_BEFORE_LOGIN, MAX_COMMAND])
async def test_a_line_is_bounded_at_its_edge(site: Site, port: int, limit: int) -> None:
    enter = connected if limit == MAX_COMMAND_BEFORE_LOGIN else logged_in
    reader, writer = await enter(port)
    writer.write(b"b" + b" " * (limit - 3) + b"\r\n")
    assert await reader.readline() == b"b BAD imap.syntaxe (command)\r\n"
    writer.write(b"c" + b" " * (limit - 2) + b"\r\n")
    assert await reader.read() == b"* BYE [LIMIT] imap.commande_trop_longue\r\n"


async def test_a_tag_of_a_megabyte_ends_the_connection(site: Site, port: int) -> None:
    reader, writer = await connected(port)
    writer.write(b"t" * 1_000_000)
    assert await reader.readline() == b"* BYE [LIMIT] imap.commande_trop_longue\r\n"


async def test_a_string_literal_is_bounded_at_its_edge(site: Site, port: int) -> None:
    reader, writer = await logged_in(port)
    for size in (MAX_STRING_LITERAL, MAX_STRING_LITERAL + 1):
        writer.write(b"b STATUS {%d+}\r\n%s (MESSAGES)\r\n" % (size, b"x" * size))
    assert await reader.readline() == b"b NO [CANNOT] imap.dossier_nom_refuse\r\n"
    assert await reader.readline() == b"b BAD [TOOBIG] imap.litteral_trop_grand\r\n"


async def test_all_literals_of_a_command_count(site: Site, port: int) -> None:
    reader, writer = await logged_in(port)
    pairs = b" ".join([b"{8000+}\r\n" + b"x" * 8_000 + b" NIL"] * 9)
    writer.write(b"b ID (" + pairs + b")\r\nc NOOP\r\n")
    assert await reader.readline() == b"b BAD [TOOBIG] imap.litteral_trop_grand\r\n"
    assert await reader.readline() == b"c OK NOOP done\r\n"


async def test_a_message_is_bounded_at_its_edge(site: Site, port: int) -> None:
    reader, writer = await logged_in(port)
    most = SETTINGS.message_octets
    message = b"Subject: x\r\n\r\n" + b"y" * (most - 14)
    writer.write(b"b APPEND INBOX {%d+}\r\n%s\r\n" % (most, message))
    assert (await reader.readline()).startswith(b"b OK [APPENDUID ")
    writer.write(b"c APPEND INBOX {%d+}\r\n%sz\r\nd NOOP\r\n" % (most + 1, message))
    assert await reader.readline() == b"c NO [TOOBIG] refus.taille\r\n"
    assert await reader.readline() == b"d OK NOOP done\r\n"


async def test_more_than_can_be_read_past_ends_the_connection(site: Site, port: int) -> None:
    reader, writer = await logged_in(port)
    writer.write(b"b APPEND INBOX {4294967295+}\r\n")
    assert await reader.read() == b"* BYE [LIMIT] imap.commande_trop_longue\r\n"


async def test_memory_for_messages_on_their_way_is_shared(site: Site) -> None:
    async with serving(site, replace(SETTINGS, octets_in_flight=5_000)) as port:
        first, writing = await logged_in(port)
        second, other = await logged_in(port)
        writing.write(b"b APPEND INBOX {4000}\r\n")
        assert await first.readline() == b"+ OK\r\n"
        other.write(b"b APPEND INBOX {4000}\r\n")
        assert await second.readline() == b"b NO [LIMIT] attente.service\r\n"
        writing.write(b"Subject: x\r\n\r\n" + b"y" * 3_986 + b"\r\n")
        assert (await first.readline()).startswith(b"b OK ")
        other.write(b"c APPEND INBOX {4000}\r\n")
        assert await second.readline() == b"+ OK\r\n"


async def test_connections_of_an_address_and_an_account_are_counted(site: Site) -> None:
    settings = replace(SETTINGS, connections_per_address=2, connections_per_account=1)
    async with serving(site, settings) as port:
        first, writing = await connected(port)
        second, other = await connected(port)
        third, _ = await opened(port)
        assert await third.read() == b"* BYE [LIMIT] imap.connexions\r\n"
        for writer in (writing, other):
            writer.write(LOGS_IN)
            await writer.drain()
        answers = sorted([await first.readline(), await second.readline()])
        assert answers[0] == b"a NO [LIMIT] imap.connexions\r\n"
        assert answers[1].startswith(b"a OK ")
        writing.write(b"b LOGOUT\r\n")
        other.write(b"b LOGOUT\r\n")
        assert (await first.read()).endswith(b"LOGOUT done\r\n")
        assert (await second.read()).endswith(b"LOGOUT done\r\n")
        await logged_in(port)


async def test_an_append_cut_anywhere_leaves_nothing(site: Site, port: int) -> None:
    message = b"Subject: x\r\n\r\ny\r\n"
    command = LOGS_IN + b"b APPEND INBOX (\\Seen) {%d+}\r\n%s\r\n" % (len(message), message)
    start = len(LOGS_IN)
    for cut in (*range(start, len(command) - 1), len(command) - 1):
        reader, writer = await connected(port)
        writer.write(command[:cut])
        writer.write_eof()
        assert b"b OK" not in await reader.read()
    with site.database.read() as view:
        assert mailboxes.find(view, site.account_id, "INBOX").messages == 0
    reader, writer = await connected(port)
    writer.write(command)
    writer.write_eof()
    assert b"b OK [APPENDUID 1790000000 1]" in await reader.read()


async def test_a_large_message_is_streamed_and_arrives_whole(
    site: Site, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "INLINE_OCTETS", 1_000)
    monkeypatch.setattr(fetch, "REMOTE_OCTETS", 65_536)
    body = "".join(f"{number:09d}\r\n" for number in range(60_000))
    raw = plain(1, body=body)
    site.put(raw)
    site.put(plain(2))
    reader, writer = await logged_in(port)
    writer.write(b"b SELECT INBOX\r\nc FETCH 1:2 (UID BODY.PEEK[] BODY.PEEK[TEXT]<7.70000>)\r\n")
    await until(reader, b"b")
    head = await reader.readline()
    assert head == b"* 1 FETCH (UID 1 BODY[] {%d}\r\n" % len(raw)
    assert await reader.readexactly(len(raw)) == raw
    assert await reader.readline() == b" BODY[TEXT]<7> {70000}\r\n"
    assert await reader.readexactly(70_000) == body.encode()[7:70_007]
    assert await reader.readline() == b")\r\n"
    assert (await reader.readline()).startswith(b"* 2 FETCH (UID 2 BODY[] {")
    await until(reader, b"c")


async def test_a_message_that_goes_while_it_is_streamed_ends_the_connection(
    site: Site, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its length was promised: anything else would be read as its content."""
    monkeypatch.setattr(contents, "INLINE_OCTETS", 10)
    site.put(plain(1))

    def gone(*_: object) -> bytes:
        from mailbox_store.errors import MessageNotFound

        raise MessageNotFound(1)

    monkeypatch.setattr(fetch.changes, "read_body", gone)
    reader, writer = await logged_in(port)
    writer.write(b"b SELECT INBOX\r\nc FETCH 1 BODY.PEEK[]\r\n")
    await until(reader, b"b")
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readuntil(b"c OK")
    assert [name for name, _ in site.reported] == ["FETCH"]
    site.reported.clear()


async def test_a_client_that_does_not_read_is_cut_off(
    site: Site, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "WRITE_STALL_SECONDS", 0.05)
    site.put(plain(1, body="x" * 60_000))
    deaf = socket.create_connection(("127.0.0.1", port), timeout=10)
    with deaf:
        deaf.sendall(LOGS_IN + b"b SELECT INBOX\r\n" + b"c FETCH 1 BODY.PEEK[]\r\n" * 2_000)
        other, speaking = await logged_in(port)
        speaking.write(b"b NOOP\r\n")
        assert await other.readline() == b"b OK NOOP done\r\n"
        assert await asyncio.to_thread(_is_reset, deaf)


def _is_reset(channel: socket.socket) -> bool:
    """Waits without reading until the other side has cut the connection."""
    poll = select.poll()
    poll.register(channel, 0)
    return bool(poll.poll(10_000))


async def test_what_nobody_foresaw_is_reported_once_and_told_without_its_text(
    site: Site, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(mailboxes, "find", broken)
    reader, writer = await logged_in(port)
    writer.write(b"b STATUS INBOX (MESSAGES)\r\nc NOOP\r\n")
    assert await reader.readline() == b"b NO [SERVERBUG] erreur.interne\r\n"
    assert await reader.readline() == b"c OK NOOP done\r\n"
    assert [(name, str(error)) for name, error in site.reported] == [("STATUS", "a secret")]
    site.reported.clear()


async def test_a_refusal_of_the_login_is_told_by_its_row(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waits(*_: object) -> object:
        raise Refused(Failure.TOO_MANY_ATTEMPTS, "throttle")

    monkeypatch.setattr(Site, "authenticate", waits)
    async with serving(site) as port:
        reader, writer = await connected(port)
        writer.write(LOGS_IN)
        assert await reader.readline() == b"a NO [LIMIT] attente.tentatives\r\n"


async def test_a_stopping_server_says_so_to_everyone(site: Site) -> None:
    async with serving(site) as port:
        reader, _ = await logged_in(port)
        idler, idling = await logged_in(port)
        idling.write(b"b IDLE\r\n")
        assert await idler.readline() == b"+ idling\r\n"
    assert await reader.read() == b"* BYE [UNAVAILABLE] imap.arret\r\n"
    assert await idler.read() == b"* BYE [UNAVAILABLE] imap.arret\r\n"


async def test_what_another_process_wrote_is_told_once_wake_ups_are_not_trusted(
    site: Site,
) -> None:
    async with serving(site, replace(SETTINGS, trust_seconds=0.0)) as port:
        reader, writer = await logged_in(port)
        writer.write(b"b SELECT INBOX\r\n")
        await until(reader, b"b")
        site.database._announce.clear()  # as when another process writes
        await asyncio.to_thread(site.put, plain(1))
        writer.write(b"c NOOP\r\n")
        assert await until(reader, b"c") == [b"* 1 EXISTS\r\n", b"c OK NOOP done\r\n"]


async def test_a_flag_that_another_process_set_already_is_told_to_who_sets_it(site: Site) -> None:
    await asyncio.to_thread(site.put, plain(1))
    with site.database.read() as view:
        inbox = mailboxes.find(view, site.account_id, "INBOX").mailbox_id

    def set_flagged(tx: Transaction) -> None:
        messages.set_flags(tx, inbox, [1], -1, FLAGGED)

    async with serving(site, replace(SETTINGS, trust_seconds=1e9)) as port:
        reader, writer = await logged_in(port)
        writer.write(b"b SELECT INBOX\r\nc FETCH 1 FLAGS\r\n")
        await until(reader, b"c")
        site.database._announce.clear()  # as when another process writes
        await asyncio.to_thread(site.database.write, set_flagged)
        writer.write(b"d STORE 1 +FLAGS (\\Flagged)\r\n")
        answered = await until(reader, b"d")
        assert answered == [b"* 1 FETCH (UID 1 FLAGS (\\Flagged))\r\n", b"d OK STORE done\r\n"]


async def test_a_quiet_mailbox_is_not_read_again_at_once(
    site: Site, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    highest = syncing.changes.highest_modseq
    monkeypatch.setattr(
        syncing.changes, "highest_modseq", lambda *given: looks.append(1) or highest(*given)
    )
    reader, writer = await logged_in(port)
    writer.write(b"b SELECT INBOX\r\n" + b"c NOOP\r\n" * 50 + b"d NOOP\r\n")
    await until(reader, b"d")
    assert len(looks) < 50
