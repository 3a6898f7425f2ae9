"""aioimaplib goes through all it can do, over TLS."""

from collections.abc import Awaitable, Callable

import aioimaplib
import pytest

from tests.protocol.imap_programs import Tls, names, served, stored
from tests.protocol.imap_site import LOGIN, PASSWORD, TOKEN, Site, plain

Client = aioimaplib.IMAP4_SSL
Story = Callable[[Client, Site], Awaitable[None]]


async def _ok(response: Awaitable[aioimaplib.Response]) -> list[bytes]:
    """The lines of an answer that must be OK."""
    answered = await response
    assert answered.result == "OK", answered
    return list(answered.lines)


async def _folders(client: Client, site: Site) -> None:
    assert (await _ok(client.namespace()))[0].startswith(b'(("" "/"))')
    assert b"MSS Gateway" in (await _ok(client.id(name="essai")))[0]
    assert client.has_capability("IDLE")
    await _ok(client.create("Projets"))
    await _ok(client.rename("Projets", "Recus"))
    assert {"Recus"} <= names(site)
    listed = await _ok(client.list('""', "*"))
    assert sum(b'"/"' in line for line in listed) == len(names(site))
    await _ok(client.unsubscribe("Recus"))
    assert not any(line.endswith(b"Recus") for line in await _ok(client.lsub('""', "*")))
    await _ok(client.subscribe("Recus"))
    assert any(line.endswith(b"Recus") for line in await _ok(client.lsub('""', "*")))
    assert (await _ok(client.status("Recus", "(MESSAGES)")))[0] == b"Recus (MESSAGES 0)"
    await _ok(client.delete("Recus"))
    assert (await client.select("Recus")).result == "NO"


async def _messages(client: Client, site: Site) -> None:
    await _ok(client.append(plain(4), "INBOX", "(\\Seen)"))
    assert b"4 EXISTS" in await _ok(client.examine("INBOX"))
    await _ok(client.select("INBOX"))
    fetched = await _ok(client.fetch("1", "(UID FLAGS BODY.PEEK[])"))
    assert fetched[0].startswith(b"1 FETCH (UID 1 FLAGS () BODY[] {")
    assert bytes(fetched[1]) == plain(1)
    assert (await _ok(client.store("1", "+FLAGS", "(\\Flagged)")))[0].endswith(
        b"FLAGS (\\Flagged))"
    )
    assert (await _ok(client.search("FLAGGED")))[0] == b"1"
    assert (await _ok(client.uid_search("UNSEEN SUBJECT Resultats")))[0] == b"1 2 3"
    assert (await _ok(client.uid("fetch", "4", "(FLAGS)")))[0] == b"4 FETCH (UID 4 FLAGS (\\Seen))"
    await _ok(client.check())


async def _filing(client: Client, site: Site) -> None:
    await _ok(client.select("INBOX"))
    await _ok(client.copy("1:2", "Sent"))
    await _ok(client.move("3", "Trash"))
    await _ok(client.uid("copy", "1", "Trash"))
    assert set(stored(site, "Trash").flags) == {"<1@mss.example>", "<3@mss.example>"}
    await _ok(client.uid("store", "1:2", "+FLAGS.SILENT", "(\\Deleted)"))
    await _ok(client.uid("expunge", "1"))
    assert await _ok(client.expunge()) == [b"1 EXPUNGE", b"EXPUNGE done"]
    assert stored(site).flags == {}
    await _ok(client.select("Sent"))
    await _ok(client.store("1", "+FLAGS", "(\\Deleted)"))
    await _ok(client.close())
    assert set(stored(site, "Sent").flags) == {"<2@mss.example>"}


async def _condstore(client: Client, site: Site) -> None:
    await _ok(client.enable("CONDSTORE"))
    await _ok(client.select("INBOX"))
    assert b"MODSEQ (" in (await _ok(client.uid("fetch", "1", "(FLAGS MODSEQ)")))[0]
    assert b"MODSEQ (" in (await _ok(client.store("2", "+FLAGS", "(\\Seen)")))[0]


async def _optional(client: Client, site: Site) -> None:
    if client.has_capability("QUOTA"):
        lines = await _ok(client.getquotaroot("INBOX"))
        assert any(b"STORAGE" in line for line in lines)


STORIES: dict[str, Story] = {
    "folders": _folders,
    "messages": _messages,
    "filing": _filing,
    "condstore": _condstore,
    "what is optional": _optional,
}


@pytest.mark.parametrize("story", STORIES)
async def test_aioimaplib(site: Site, tls_pair: Tls, story: str) -> None:
    for number in range(1, 4):
        site.put(plain(number))
    async with served(site, tls_pair) as port:
        client = Client("localhost", port, timeout=20, ssl_context=tls_pair[1])
        await client.wait_hello_from_server()
        await _ok(client.login(LOGIN, PASSWORD))
        await STORIES[story](client, site)
        await _ok(client.noop())
        await _ok(client.logout())


async def test_aioimaplib_signs_in_with_a_token(site: Site, tls_pair: Tls) -> None:
    async with served(site, tls_pair) as port:
        client = Client("localhost", port, timeout=20, ssl_context=tls_pair[1])
        await client.wait_hello_from_server()
        await _ok(client.xoauth2(LOGIN, TOKEN))
        await _ok(client.select("INBOX"))
        await _ok(client.logout())
