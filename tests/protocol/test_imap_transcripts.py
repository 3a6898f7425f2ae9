"""Every dialogue of ``tests/transcripts/imap`` against the real server and store."""

import asyncio
from pathlib import Path

import pytest

from tests.protocol.imap_site import Site, plain
from tests.support import transcript

FOLDER = Path(__file__).parents[1] / "transcripts" / "imap"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.txt")))
async def test_the_dialogue_is_held(name: str, site: Site, port: int) -> None:
    for number in range(1, 4):
        site.put(plain(number))

    async def connect(client: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", port)

    await transcript.play(transcript.load(FOLDER / f"{name}.txt"), connect)
