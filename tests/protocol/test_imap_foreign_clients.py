"""Clients that we did not write: the standard library's imaplib, and aioimaplib."""

import asyncio
import imaplib
import ssl

import aioimaplib
import pytest
import uvloop

from mss_gateway.imap.wire import Wire
from tests.protocol.imap_site import LOGIN, PASSWORD, Site, plain, serving, with_tls

Tls = tuple[ssl.SSLContext, ssl.SSLContext]


def _a_session_with_imaplib(port: int, context: ssl.SSLContext) -> None:
    client = imaplib.IMAP4("127.0.0.1", port, timeout=10)
    assert "LOGINDISABLED" in client.capabilities
    client.starttls(context)
    assert "AUTH=PLAIN" in client.capabilities
    client.authenticate("PLAIN", lambda _: f"\0{LOGIN}\0{PASSWORD}".encode())
    status, boxes = client.list()
    assert (status, len(boxes)) == ("OK", 3)
    assert client.select("INBOX") == ("OK", [b"2"])
    assert client.response("UIDVALIDITY")[1] == [b"1790000000"]
    assert client.search(None, "SUBJECT", '"Resultats 2"') == ("OK", [b"2"])
    _, fetched = client.fetch("1", "(UID BODY[])")
    assert isinstance(fetched[0], tuple)
    assert fetched[0][1] == plain(1)
    assert client.append("Sent", "(\\Seen)", None, plain(3))[0] == "OK"
    assert client.uid("COPY", "1:2", "Trash")[0] == "OK"
    assert client.store("1", "+FLAGS", "(\\Deleted)")[0] == "OK"
    assert client.expunge() == ("OK", [b"1"])
    assert client.status("Sent", "(MESSAGES)") == ("OK", [b"Sent (MESSAGES 1)"])
    assert client.close()[0] == "OK"
    assert client.logout()[0] == "BYE"


async def test_imaplib_works_over_starttls(site: Site, tls_pair: Tls) -> None:
    site.put(plain(1))
    site.put(plain(2))
    server, client = tls_pair
    async with serving(site, with_tls(server)) as port:
        await asyncio.to_thread(_a_session_with_imaplib, port, client)


async def test_aioimaplib_is_told_of_a_message_while_it_idles(site: Site, port: int) -> None:
    client = aioimaplib.IMAP4("127.0.0.1", port, timeout=10)
    await client.wait_hello_from_server()
    assert (await client.login(LOGIN, PASSWORD)).result == "OK"
    await client.select("INBOX")
    idle = await client.idle_start(timeout=10)
    await asyncio.to_thread(site.put, plain(1))
    assert await client.wait_server_push(timeout=10) == [b"1 EXISTS"]
    client.idle_done()
    await asyncio.wait_for(idle, 10)
    fetched = await client.uid("fetch", "1", "(FLAGS BODY.PEEK[HEADER])")
    assert fetched.result == "OK"
    assert fetched.lines[1].startswith(b"From: Claire Martin")
    assert (await client.uid("move", "1", "Trash")).result == "OK"
    assert (await client.uid_search("ALL")).lines[0] == b""
    assert (await client.logout()).result == "OK"


def test_the_product_s_loop_serves_tls_on_both_kinds_of_port(site: Site, tls_pair: Tls) -> None:
    """uvloop has its own transports and its own TLS; the product runs on it."""
    server, client = tls_pair
    site.put(plain(1))

    async def talk() -> None:
        async with serving(site, with_tls(server)) as port:
            await asyncio.to_thread(_select_with_starttls, port, client)
        async with serving(site, with_tls(server), is_implicit_tls=True) as port:
            await asyncio.to_thread(_select_with_tls, port, client)

    uvloop.run(talk())


def _select_with_starttls(port: int, context: ssl.SSLContext) -> None:
    client = imaplib.IMAP4("127.0.0.1", port, timeout=10)
    client.starttls(context)
    _select(client)


def _select_with_tls(port: int, context: ssl.SSLContext) -> None:
    _select(imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=context, timeout=10))


def _select(client: imaplib.IMAP4) -> None:
    client.login(LOGIN, PASSWORD)
    assert client.select("INBOX") == ("OK", [b"1"])
    assert client.logout()[0] == "BYE"


def test_tls_is_uvloop_s_own_on_both_kinds_of_port(
    site: Site, tls_pair: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """asyncio's TLS takes ten times the memory of an idle connection, house decision 11."""
    server, client = tls_pair
    kinds: set[str] = set()
    write = Wire.write

    def noting(self: Wire, octets: bytes) -> None:
        if self.has_tls:
            kinds.add(type(self._transport).__module__)
        write(self, octets)

    monkeypatch.setattr(Wire, "write", noting)

    async def talk() -> None:
        async with serving(site, with_tls(server)) as port:
            await asyncio.to_thread(_log_in_and_out, port, client, True)
        async with serving(site, with_tls(server), is_implicit_tls=True) as port:
            await asyncio.to_thread(_log_in_and_out, port, client, False)

    uvloop.run(talk())
    assert kinds == {"uvloop.loop"}


def _log_in_and_out(port: int, context: ssl.SSLContext, is_starttls: bool) -> None:
    if is_starttls:
        client = imaplib.IMAP4("127.0.0.1", port, timeout=10)
        client.starttls(context)
    else:
        client = imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=context, timeout=10)
    client.login(LOGIN, PASSWORD)
    client.logout()
