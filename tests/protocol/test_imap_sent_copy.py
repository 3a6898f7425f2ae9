"""``sent_copy = "server"``: a client may append the copy that the gateway filed already."""

import asyncio
import itertools

import pytest

from mailbox_store import mailboxes, messages
from mailbox_store.database import Transaction
from mss_gateway.imap.handlers import append
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from tests.protocol.imap_site import FILED_LOGIN, PASSWORD, Site

FILED = b"Message-ID: <un@mss.example>\r\nX: the gateway signed it\r\n\r\n"
OWN = b"Message-ID: <un@mss.example>\r\n\r\n"
_REFS = itertools.count(1)


def file_copy(site: Site, raw: bytes, evidence: bytes) -> None:
    """A message in Sent; what the gateway files itself comes with evidence."""
    account_id = site.holders[FILED_LOGIN].account_id
    with site.database.read() as view:
        seal = view.vault.account(view, account_id)
    ref = f"filed{next(_REFS)}"
    made = messages.seal_arrival(seal, account_id, ref, raw, summarise(scan(raw)), evidence)

    def work(tx: Transaction) -> None:
        sent = mailboxes.find(tx, account_id, "Sent")
        messages.append(tx, sent.mailbox_id, made, 0, tx.now)

    site.database.write(work)


async def appended(port: int, *raws: bytes) -> bytes:
    """The tagged answer to one APPEND of these messages."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f'a LOGIN {FILED_LOGIN} "{PASSWORD}"\r\nb APPEND Sent'.encode())
    for raw in raws:
        writer.write(b" {%d+}\r\n%s" % (len(raw), raw))
    writer.write(b"\r\n")
    while not (line := await reader.readline()).startswith(b"b "):
        assert line, "the connection ended"
    writer.close()
    return line


async def test_the_copy_that_the_gateway_filed_is_the_client_s_copy(site: Site, port: int) -> None:
    file_copy(site, FILED, b"evidence")
    assert b"APPENDUID 1790000001 1]" in await appended(port, OWN)
    assert b"APPENDUID 1790000001 1]" in await appended(port, OWN)


async def test_what_somebody_else_filed_is_another_message(site: Site, port: int) -> None:
    file_copy(site, FILED, b"")
    assert b"APPENDUID 1790000001 2]" in await appended(port, OWN)


async def test_an_old_copy_is_not_taken_for_the_new_one(
    site: Site, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_copy(site, FILED, b"evidence")
    monkeypatch.setattr(append, "RECENT_SECONDS", -1)
    assert b"APPENDUID 1790000001 2]" in await appended(port, OWN)


async def test_uids_are_told_in_the_order_of_the_messages(site: Site, port: int) -> None:
    file_copy(site, FILED, b"evidence")
    new = b"Message-ID: <deux@mss.example>\r\n\r\n"
    assert b"APPENDUID 1790000001 2,1,3]" in await appended(port, new, OWN, b"X: y\r\n\r\n")
