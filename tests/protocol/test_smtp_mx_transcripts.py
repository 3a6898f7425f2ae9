"""Every dialogue of ``tests/transcripts/mx`` against a real gateway, as another operator's server.

A message that a dialogue stores is captured there as ``stored…``; nothing else may be left behind.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from tests.protocol.test_smtp_transcripts import PEOPLE, stored
from tests.support import peer_site, smtp_site, transcript
from tests.support.smtp_site import Site

FOLDER = Path(__file__).parents[1] / "transcripts" / "mx"
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))
THERE = {
    "garnier": peer_site.GARNIER,
    "morel": peer_site.MOREL,
    "remote_patient": peer_site.REMOTE_PATIENT,
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with smtp_site.open_site(tmp_path / "state") as opened:
        yield peer_site.welcoming(opened)


async def play(name: str, site: Site) -> transcript.Transcript:
    """Hold one dialogue; its TLS shows the certificate of the peer's server."""
    dialogue = transcript.load(FOLDER / f"{name}.txt")
    async with peer_site.mx_serving(site) as port:

        async def connect(client: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection("127.0.0.1", port.number)

        tls = peer_site.shown(peer_site.HOST).tls(site)
        await transcript.play(dialogue, connect, PEOPLE | THERE, tls=tls)
    return dialogue


@pytest.mark.parametrize("name", NAMES)
async def test_the_dialogue_is_held_and_leaves_nothing_else_behind(name: str, site: Site) -> None:
    before = site.counts()
    dialogue = await play(name, site)
    after = site.counts()
    assert after["queued_messages"] - before["queued_messages"] == stored(dialogue)
    if not stored(dialogue):
        assert after == before
    assert '"level": "error"' not in site.logged.getvalue()


@pytest.mark.parametrize("name", ["letter_to_a_professional", "starttls_injection"])
def test_the_product_s_loop_holds_them_too(name: str, site: Site) -> None:
    dialogue = uvloop.run(play(name, site))
    assert site.counts()["queued_messages"] == stored(dialogue)
