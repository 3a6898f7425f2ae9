"""Whole conversations, slightly wrong, over a socket: nothing unforeseen, nobody else harmed.

Each case is a transcript's client whose commands are mutants, sent in one piece after a login;
numbers and ``MSS_FUZZ_…`` as in test_imap_grammar_fuzz.py.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

from mailbox_store import integrity
from mailbox_store.integrity import Holders
from tests.protocol import imap_site
from tests.protocol.imap_site import LOGIN, PASSWORD, SETTINGS, Site, plain
from tests.support import imap_seeds
from tests.support.imap_lines import ConnectionEnded, read_response
from tests.support.mutation import fuzz_first, fuzz_seconds, mutant

SECONDS: Final = fuzz_seconds(15)
FIRST: Final = fuzz_first()
CASES_A_SITE: Final = 200
"""Then a new store, so that what was made of one does not slow the others."""

ANSWER_SECONDS: Final = 20.0
LOGS_IN: Final = f'a LOGIN {LOGIN} "{PASSWORD}"\r\n'.encode()
SELECTS: Final = b"s SELECT INBOX\r\n"


def conversation(number: int, seeds: Sequence[bytes]) -> bytes:
    """A login and a dozen commands; most are what they were, so that they come to something."""
    chance = Random(number)
    said = chance.choice(imap_seeds.conversations())
    whole = [*imap_seeds.split_commands(said)]
    start = chance.randrange(len(whole))
    commands = [*whole[start : start + 8], *chance.choices(seeds, k=4)]
    chance.shuffle(commands)
    wrong = [
        mutant(chance.randrange(2**40), [command], 4_000) if chance.random() < 0.3 else command
        for command in commands
    ]
    return LOGS_IN + SELECTS + b"".join(wrong)


async def _hold(port: int, said: bytes) -> bytes:
    """Say all of it and nothing more; what the server answers until it has closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = b""
    try:
        writer.write(said)
        writer.write_eof()
        async with asyncio.timeout(ANSWER_SECONDS):
            while piece := await reader.read(65_536):
                answered += piece
    except ConnectionError:
        pass
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return answered


async def _is_grammatical(answered: bytes) -> None:
    """Every response is one of the grammar, whatever was asked; raises ``ResponseMalformed``."""
    reader = asyncio.StreamReader(limit=len(answered) + 1)
    reader.feed_data(answered)
    reader.feed_eof()
    with contextlib.suppress(ConnectionEnded, asyncio.IncompleteReadError):
        while True:
            await read_response(reader)


async def _some(site: Site, numbers: range, ends: float, seeds: Sequence[bytes]) -> int:
    """Cases with these numbers while there is time; a quiet neighbour is served all along."""
    settings = replace(SETTINGS, message_octets=20_000)
    done = 0
    async with imap_site.serving(site, settings) as port:
        for number in numbers:
            if time.monotonic() > ends:
                break
            said = conversation(number, seeds)
            try:
                await _is_grammatical(await _hold(port, said))
                assert site.reported == []
                assert b"n OK" in await _hold(port, LOGS_IN + b"n NOOP\r\n")
            except BaseException as error:
                error.add_note(f"MSS_FUZZ_FIRST={number}: {said!r}; {site.reported}")
                raise
            done += 1
    return done


def test_conversations_slightly_wrong(tmp_path: Path) -> None:
    seeds = imap_seeds.commands()
    ends, number = time.monotonic() + SECONDS, FIRST
    while time.monotonic() < ends:
        folder = tmp_path / str(number)
        folder.mkdir()
        with imap_site.open_site(folder) as site:
            for message in range(1, 4):
                site.put(plain(message))
            numbers = range(number, number + CASES_A_SITE)
            number += asyncio.run(_some(site, numbers, ends, seeds))
            assert integrity.verify(site.database, [Holders("messages")]).is_whole
    print(f"{number - FIRST} conversations in {SECONDS:g} s")
    assert number - FIRST > SECONDS
