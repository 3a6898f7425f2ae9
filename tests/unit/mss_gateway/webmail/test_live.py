"""Live update: what an open page is told, who may listen, and what ends it."""

import asyncio
import json
import socket
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from starlette.applications import Starlette

from mss_gateway.webmail import event_stream, live, sessions
from mss_gateway.webmail.event_stream import CLOSING, EventStream
from mss_gateway.webmail.listener import Listener
from mss_gateway.webmail.live import ACCOUNT_STREAMS, OVER, Live, Stream
from mss_gateway.webmail.reading import Box, mailbox_of
from mss_gateway.webmail.sessions import SESSION_COOKIE, Session
from tests.support.asgi import Browser
from tests.support.site import Site
from tests.support.webmail import pdf

T = TypeVar("T")
PATH = "/en-direct"


def session_of(site: Site, browser: Browser) -> Session:
    with site.gateway.database.read() as view:
        found = sessions.find(
            view, browser.cookies[SESSION_COOKIE], site.clock(), site.gateway.config.web
        )
    assert found is not None
    return found


class Page:
    """An open page: what it was sent, and what it does."""

    def __init__(self, site: Site, live: Live, browser: Browser, *, takes: bool = True) -> None:
        self.session = session_of(site, browser)
        with site.gateway.database.read() as view:
            inbox = mailbox_of(view, site.camille, Box.RECEIVED).mailbox_id
        self.answer = EventStream(live, self.session, inbox)
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.content = bytearray()
        self.is_complete = False
        self.takes = takes
        self.left = asyncio.Event()
        self.closing = asyncio.Event()
        scope: dict[str, Any] = {"type": "http", "extensions": {CLOSING: self.closing}}
        self.task = asyncio.create_task(self.answer(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if not self.takes and "body" in message:
            await asyncio.Event().wait()
        self.status = message.get("status", self.status)
        self.headers = dict(message.get("headers", self.headers))
        self.content += message.get("body", b"")
        self.is_complete = "body" in message and not message.get("more_body", False)

    @property
    def told(self) -> list[dict[str, int]]:
        """The numbers, in the order in which they came."""
        events = self.content.decode().split("\n\n")
        return [json.loads(one[6:]) for one in events if one.startswith("data: ")]

    async def is_told(self, **numbers: int) -> None:
        """Wait until these are the latest numbers."""
        await until(lambda: bool(self.told) and self.told[-1].items() >= numbers.items())


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it, generously."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - a condition on what was sent
            await asyncio.sleep(0.01)


def run(story: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(story)


@pytest.fixture(autouse=True)
def _in_no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.02)


def commit(site: Site) -> None:
    """What another process may do: a COMMIT of which nobody is told."""
    site.deliver(site.claire, site.camille, site.written(site.claire, site.camille, "Suite"))


def test_the_first_event_is_the_state_and_there_is_no_content(
    camille: Browser, first_message: str
) -> None:
    answer = camille.get(PATH)
    assert answer.status == 200
    assert answer.header("content-type") == "text/event-stream; charset=utf-8"
    assert answer.header("cache-control") == "no-store"
    assert answer.text == 'data: {"messages": 1, "documents": 0}\n\n'


def test_a_message_and_a_document_are_told_as_numbers(
    site: Site, camille: Browser, first_message: str
) -> None:
    async def story() -> Page:
        page = Page(site, Live(site.gateway), camille)
        await page.is_told(messages=1, documents=0)
        await asyncio.to_thread(commit, site)
        await page.is_told(messages=2, documents=0)
        await asyncio.to_thread(
            camille.post, "/dossier/ajouter", {}, files=(("Ordonnance.pdf", pdf()),)
        )
        await page.is_told(messages=2, documents=1)
        page.left.set()
        await page.task
        return page

    camille.get("/dossier/ajouter")
    page = run(story())
    assert b"Ordonnance" not in page.content and b"MARTIN" not in page.content


def test_nothing_is_looked_up_while_nothing_is_written(
    site: Site, camille: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    seen = live._seen

    def counted(*asked: Any) -> Any:
        looks.append(1)
        return seen(*asked)

    monkeypatch.setattr(live, "_seen", counted)

    async def story() -> None:
        page = Page(site, Live(site.gateway), camille)
        await page.is_told(messages=0)
        asked = site.gateway.database.version
        versions: list[int] = []

        def version() -> int:
            versions.append(1)
            return asked()

        monkeypatch.setattr(site.gateway.database, "version", version)
        before = len(looks)
        await until(lambda: len(versions) > 10)
        assert len(looks) == before
        page.left.set()
        await page.task

    run(story())


def test_listening_keeps_no_session_awake(site: Site, camille: Browser) -> None:
    web = site.gateway.config.web
    before = session_of(site, camille).seen_at
    site.clock.advance(web.idle_minutes * 60 - 60)
    assert camille.get(PATH).status == 200
    assert session_of(site, camille).seen_at == before

    async def story() -> Page:
        page = Page(site, Live(site.gateway), camille)
        await page.is_told(messages=0)
        site.clock.advance(60)  # no commit says that it is locked now
        await page.task
        return page

    page = run(story())
    assert page.content.endswith(OVER) and page.is_complete
    assert camille.get(PATH).location.startswith("/deverrouiller")


@pytest.mark.parametrize("how", ["signed out", "ended elsewhere", "suspended"])
def test_a_session_that_ends_ends_what_is_told(site: Site, camille: Browser, how: str) -> None:
    async def story() -> Page:
        page = Page(site, Live(site.gateway), camille)
        await page.is_told(messages=0)
        if how == "signed out":
            await asyncio.to_thread(camille.post, "/deconnexion")
        elif how == "ended elsewhere":
            site.gateway.database.write(lambda tx: sessions.end(tx, page.session))
        else:
            account_id = site.camille.account_id
            site.gateway.database.write(lambda tx: sessions.end_all(tx, account_id))
        await page.task
        return page

    page = run(story())
    assert page.content.endswith(OVER) and page.is_complete


def test_the_oldest_of_an_account_gives_way(site: Site, camille: Browser) -> None:
    async def story() -> None:
        told = Live(site.gateway)
        pages = [Page(site, told, camille)]
        for _ in range(ACCOUNT_STREAMS - 1):
            await pages[-1].is_told(messages=0)
            pages.append(Page(site, told, camille))
        await pages[-1].is_told(messages=0)
        assert told.count == ACCOUNT_STREAMS
        assert not any(page.is_complete for page in pages)
        pages.append(Page(site, told, camille))
        await pages[0].task
        assert pages[0].content.endswith(OVER)
        assert told.count == ACCOUNT_STREAMS
        for page in pages[1:]:
            await page.is_told(messages=0)
            page.left.set()
            await page.task
        assert told.count == 0

    run(story())


def test_too_many_are_told_when_to_come_back(
    site: Site, camille: Browser, noe: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "STREAMS", 1)

    async def story() -> tuple[Page, Page]:
        told = Live(site.gateway)
        first = Page(site, told, camille)
        await first.is_told(messages=0)
        second = Page(site, told, noe)
        await second.task
        first.left.set()
        await first.task
        return first, second

    first, second = run(story())
    assert first.status == 200
    assert second.status == 503 and second.is_complete and not second.content
    assert int(second.headers[b"retry-after"]) >= 1


def test_a_server_that_stops_ends_it_without_telling_the_page_to_stop_asking(
    site: Site, camille: Browser
) -> None:
    async def story() -> Page:
        page = Page(site, Live(site.gateway), camille)
        await page.is_told(messages=0)
        page.closing.set()
        await page.task
        return page

    page = run(story())
    assert page.is_complete and OVER not in page.content


def test_who_takes_nothing_is_dropped(
    site: Site, camille: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "TAKING_SECONDS", 0.05)

    async def story() -> Page:
        told = Live(site.gateway)
        page = Page(site, told, camille, takes=False)
        await page.task
        assert told.count == 0
        return page

    assert not run(story()).is_complete


def test_silence_is_broken_by_beats(
    site: Site, camille: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "BEAT_SECONDS", 0.02)

    async def story() -> None:
        page = Page(site, Live(site.gateway), camille)
        await until(lambda: page.content.count(b":\n\n") >= 2)
        page.left.set()
        await page.task

    run(story())


def test_a_store_that_cannot_be_read_is_looked_at_again(
    site: Site, camille: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TROUBLE_SECONDS", 0.01)
    failures, seen = [OSError()], live._seen

    def failing(*asked: Any) -> Any:
        if failures:
            raise failures.pop()
        return seen(*asked)

    monkeypatch.setattr(live, "_seen", failing)

    async def story() -> None:
        watch = Live(site.gateway)
        pages = [Page(site, watch, camille)]
        await pages[0].is_told(messages=0)
        failures.append(OSError())
        pages.append(Page(site, watch, camille))  # and nothing is written in between
        await pages[1].is_told(messages=0)
        for page in pages:
            page.left.set()
            await page.task

    run(story())
    assert not failures


def test_a_listener_that_closes_waits_for_no_open_page(
    site: Site, app: Starlette, camille: Browser
) -> None:
    async def story() -> bytes:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        listener = Listener(app, "127.0.0.1", port, tls=None, drain_seconds=3600.0)
        await listener.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            cookie = f"{SESSION_COOKIE}={camille.cookies[SESSION_COOKIE]}"
            asked = f"GET {PATH} HTTP/1.1\r\nHost: messagerie.example\r\nCookie: {cookie}\r\n\r\n"
            writer.write(asked.encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 200 " in head and b"text/event-stream" in head
            first = await reader.readuntil(b"\n\n")
            assert listener.connections == 1
            listener.close()
            async with asyncio.timeout(60):
                rest = await reader.read()
                await listener.closed()
            return first + rest
        finally:
            writer.close()
            await writer.wait_closed()

    content = run(story())
    assert b'data: {"messages": 0, "documents": 0}' in content
    assert content.endswith(b"0\r\n\r\n")  # whole: nothing was cut


def test_a_slow_page_is_told_the_last_numbers_only(site: Site, camille: Browser) -> None:
    async def story() -> None:
        stream = Stream(session_of(site, camille), site.camille.account_id)  # type: ignore[arg-type]
        for number in range(1_000):
            stream.tell(live.Told(number, 0))
        assert await stream.due() == live.Told(999, 0).event()
        stream.tell(live.Told(999, 0))
        stream.end()
        assert await stream.due() == OVER

    run(story())


def test_who_asks_for_the_head_alone_is_not_kept(camille: Browser) -> None:
    answer = camille.request("HEAD", PATH)
    assert (answer.status, answer.content) == (200, b"")
    assert answer.header("content-type") == "text/event-stream; charset=utf-8"


def test_a_stranger_is_told_nothing(app: Starlette) -> None:
    answer = Browser(app).get(PATH)
    assert (answer.status, answer.location) == (303, "/connexion")
