"""SORT and THREAD of more messages than are read at once, against the same done by hand."""

import asyncio
import imaplib
import random

import pytest

from mss_gateway.imap.handlers import sort
from tests.protocol.imap_site import LOGIN, NOW, PASSWORD, Site


def letter(number: int, parent: int | None, subject: str) -> bytes:
    """A message that says whom it answers."""
    references = "" if parent is None else f"References: <{parent}@mss.example>\r\n"
    return (
        f"From: A <a{number % 7}@mss.example>\r\nMessage-ID: <{number}@mss.example>\r\n"
        f"{references}Subject: {subject}\r\n\r\nBonjour.\r\n"
    ).encode()


def asked(port: int, *commands: tuple[str, ...]) -> list[str]:
    """The answers to SORT and THREAD of one connection."""
    with imaplib.IMAP4("127.0.0.1", port) as client:
        client.login(LOGIN, PASSWORD)
        client.select("INBOX")
        found: list[str] = []
        for command in commands:
            status, told = client.uid(*command)
            assert status == "OK"
            found.append(told[0].decode())
        return found


async def test_batches_do_not_show(site: Site, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sort, "_BATCH", 7)
    count, odd = 40, random.Random(1)
    subjects = [f"debut {n}" if n < 4 else f"suite {odd.randrange(9)}" for n in range(count)]
    moments = [NOW + odd.randrange(1_000) for _ in range(count)]
    for number in range(count):
        parent = number - 4 if number >= 4 else None
        site.put(letter(number, parent, subjects[number]), moment=moments[number])
    by_subject, by_date, threads = await asyncio.to_thread(
        asked,
        port,
        ("SORT", "(SUBJECT)", "UTF-8", "ALL"),
        ("SORT", "(FROM REVERSE DATE)", "UTF-8", "NOT UID 3:9"),
        ("THREAD", "REFERENCES", "UTF-8", "ALL"),
    )
    numbers = range(count)
    assert by_subject.split() == [
        str(n + 1) for n in sorted(numbers, key=lambda n: (subjects[n], n))
    ]
    assert by_date.split() == [
        str(n + 1)
        for n in sorted(numbers, key=lambda n: (n % 7, -moments[n], n))
        if not 3 <= n + 1 <= 9
    ]
    lines = [" ".join(str(n + 1) for n in range(first, count, 4)) for first in range(4)]
    assert sorted(threads.removeprefix("(").removesuffix(")").split(")(")) == sorted(lines)
