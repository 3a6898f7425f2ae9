"""SEARCH over a socket, with and without the index, and for a client that does not wait for it."""

import asyncio
import ssl
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mailbox_store.segments import SegmentDamaged
from mss_gateway.imap import finding, lookup
from mss_gateway.imap.searching import Cost
from mss_gateway.life import index
from tests.protocol import imap_site
from tests.protocol.imap_site import LOGIN, PASSWORD, Site, open_site, plain, with_tls

KEYS = (
    "ALL",
    "BODY bonjour",
    'TEXT "subject: bilan 7"',
    "SUBJECT {8+}\r\nbilan 12",
    'FROM "claire martin"',
    'NOT HEADER Message-ID "3@"',
    'HEADER To ""',
    "OR BODY mot5 SUBJECT 11",
    "BODY mot2 NOT (BODY mot25)",
    "SENTON 22-Sep-2026 UNSEEN BODY mot1",
    "BODY absent",
    "CHARSET UTF-8 BODY {5+}\r\nété",
)


@asynccontextmanager
async def selected(
    port: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection with INBOX selected."""
    reader, writer = await asyncio.open_connection("localhost", port, ssl=tls)
    try:
        writer.write(f'a LOGIN {LOGIN} "{PASSWORD}"\r\nb SELECT INBOX\r\n'.encode())
        while not (await reader.readline()).startswith(b"b OK"):
            pass
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def answers(port: int) -> list[bytes]:
    """What SEARCH says to each of the keys."""
    said: list[bytes] = []
    async with selected(port) as (reader, writer):
        for key in KEYS:
            writer.write(b"c SEARCH " + key.encode() + b"\r\n")
            said.append(await reader.readline())
            assert (await reader.readline()).startswith(b"c OK"), key
    return said


def index_all(site: Site) -> None:
    """As the indexer does."""
    while index.index_batch(site.database, lambda: None).messages:
        pass


@pytest.fixture(autouse=True)
def _looks_up_however_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "WORTH", dict.fromkeys(Cost, 1 << 40))


async def test_the_answers_are_the_same_before_while_and_after_messages_are_indexed(
    site: Site, port: int
) -> None:
    for number in range(15):
        site.put(plain(number, "Bilan", f"Bonjour mot{number} d'été"))
    before = await answers(port)
    index_all(site)
    for number in range(15, 30):
        site.put(plain(number, "Bilan", f"Bonjour mot{number} d'été"))
    during = await answers(port)
    index_all(site)
    assert await answers(port) == during
    assert before[1] == b"* SEARCH " + b" ".join(b"%d" % at for at in range(1, 16)) + b"\r\n"
    assert during[1] == b"* SEARCH " + b" ".join(b"%d" % at for at in range(1, 31)) + b"\r\n"
    assert during[3] == b"* SEARCH 13\r\n"
    assert before[-1] == before[1]


async def test_a_damaged_index_is_reported_once_and_the_answer_is_right(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    # a site of its own: what is reported in the other one fails the test
    with open_site(tmp_path_factory.mktemp("damaged")) as site:
        for number in range(15):
            site.put(plain(number, "Bilan", f"Bonjour mot{number}"))
        index_all(site)
        async with imap_site.serving(site) as port:
            whole = await answers(port)
            site.database.write(
                lambda tx: tx.sql("UPDATE search_segments SET sealed = x'00'") and None
            )
            assert await answers(port) == whole
            assert await answers(port) == whole
        assert {type(error) for _, error in site.reported} == {SegmentDamaged}
        assert len(site.reported) == 3


async def test_a_client_that_closes_during_a_search_ends_it(
    site: Site, tls_pair: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    tested, looked = finding._tested, threading.Semaphore(0)

    def slowly(*given):  # type: ignore[no-untyped-def]
        looked.release()
        time.sleep(0.01)
        return tested(*given)

    monkeypatch.setattr(finding, "_tested", slowly)
    monkeypatch.setattr(finding, "SLICE_SECONDS", 0.0)
    for number in range(200):
        site.put(plain(number))
    tls = with_tls(tls_pair[0])
    async with (
        imap_site.serving(site, tls, is_implicit_tls=True) as port,
        selected(port, tls_pair[1]) as (_, writer),
    ):
        writer.write(b"c SEARCH BODY absent\r\n")
        await asyncio.to_thread(looked.acquire)
        writer.transport.abort()
        last = -1
        while last != looked._value:
            last = looked._value
            await asyncio.sleep(0.2)
        assert last < 150
