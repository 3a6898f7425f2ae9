"""COPY and MOVE of very many messages: in bounded units, and nothing half done."""

import asyncio

import pytest

from mailbox_store import mailboxes
from mss_gateway.imap.handlers import selected
from tests.protocol.imap_site import LOGIN, PASSWORD, Site, plain


async def answered(port: int, command: bytes) -> list[bytes]:
    """The lines that answer a command in INBOX."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f'a LOGIN {LOGIN} "{PASSWORD}"\r\nb SELECT INBOX\r\n'.encode())
    await reader.readuntil(b"b OK")
    await reader.readline()
    writer.write(b"c " + command + b"\r\n")
    lines = [await reader.readline()]
    while not lines[-1].startswith(b"c "):
        lines.append(await reader.readline())
    writer.close()
    return lines


def counted(site: Site) -> tuple[int, int]:
    """How many messages INBOX and Trash hold."""
    with site.database.read() as view:
        boxes = [mailboxes.find(view, site.account_id, name) for name in ("INBOX", "Trash")]
    return boxes[0].messages, boxes[1].messages


async def test_a_move_goes_in_units_and_tells_the_uids_of_each(
    site: Site, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selected, "MOVED_AT_ONCE", 2)
    for number in range(5):
        site.put(plain(number))
    lines = await answered(port, b"MOVE 1:5 Trash")
    assert [line.split(b"[")[1] for line in lines if b"COPYUID" in line] == [
        b"COPYUID 1790000002 1:2 1:2] .\r\n",
        b"COPYUID 1790000002 3:4 3:4] .\r\n",
        b"COPYUID 1790000002 5 5] .\r\n",
    ]
    assert lines[-1] == b"c OK MOVE done\r\n"
    assert sum(b"EXPUNGE" in line for line in lines) == 5
    assert counted(site) == (0, 5)


async def test_an_expunge_goes_in_units(
    site: Site, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selected, "EXPUNGED_AT_ONCE", 2)
    for number in range(5):
        site.put(plain(number), flags=8)
    lines = await answered(port, b"EXPUNGE")
    assert sum(b"EXPUNGE\r\n" in line and line.startswith(b"*") for line in lines) == 5
    assert counted(site) == (0, 0)


@pytest.mark.parametrize(("most", "answer"), [(5, b"c OK [COPYUID"), (4, b"c NO [LIMIT]")])
async def test_a_copy_is_whole_and_bounded_at_its_edge(
    site: Site, port: int, monkeypatch: pytest.MonkeyPatch, most: int, answer: bytes
) -> None:
    monkeypatch.setattr(selected, "COPIED_AT_MOST", most)
    for number in range(5):
        site.put(plain(number))
    lines = await answered(port, b"COPY 1:5 Trash")
    assert lines[-1].startswith(answer)
    assert counted(site)[1] == (5 if most == 5 else 0)
