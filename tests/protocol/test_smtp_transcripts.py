"""Every dialogue of ``tests/transcripts/smtp`` against a real gateway.

A message that a dialogue stores is captured there as ``stored…``; nothing else may be left behind:
no row in the queue, no body, no delivery, no correspondence.
"""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from policies.people import Standing
from tests.support import smtp_site, transcript
from tests.support.people import professional
from tests.support.smtp_messages import claim, refused_messages
from tests.support.smtp_site import PASSWORD, Ports, Site, plain_claim

FOLDER = Path(__file__).parents[1] / "transcripts" / "smtp"
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))
PEOPLE = {
    "martin": smtp_site.MARTIN,
    "bernard": smtp_site.BERNARD,
    "dubois": smtp_site.DUBOIS,
    "secretariat": smtp_site.SECRETARIAT,
    "patient": smtp_site.PATIENT,
    "other_patient": smtp_site.OTHER_PATIENT,
    "unvisited": smtp_site.UNVISITED,
    "opposed": smtp_site.OPPOSED,
    "closed": smtp_site.CLOSED,
    "suspended": smtp_site.SUSPENDED,
    "unknown": smtp_site.NO_SUCH_PATIENT,
}
CLAIMS = {
    "auth": plain_claim(smtp_site.MARTIN),
    "auth_bernard": plain_claim(smtp_site.BERNARD),
    "auth_patient": plain_claim(smtp_site.PATIENT),
    "auth_suspended": plain_claim(smtp_site.SECRETARIAT),
    "auth_as_other": plain_claim(smtp_site.MARTIN, authorisation=smtp_site.BERNARD),
    "auth_as_oneself": plain_claim(smtp_site.MARTIN, authorisation=smtp_site.MARTIN),
    "wrong": plain_claim(smtp_site.MARTIN, "autre chose"),
    "nobody": plain_claim(professional(7).address),
    "login": claim(smtp_site.MARTIN),
    "password": claim(PASSWORD),
}


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Made once: every site has the same people and keys."""
    with smtp_site.open_site(tmp_path_factory.mktemp("messages") / "state") as opened:
        return {name: raw.decode() for name, raw in refused_messages(opened).items()}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with smtp_site.open_site(tmp_path / "state") as opened:
        yield opened


async def play(
    name: str, site: Site, ports: Ports, messages: dict[str, str]
) -> transcript.Transcript:
    """Hold one dialogue: on the STARTTLS port when its name says so, else on the TLS port."""
    begins_plain = name.startswith("starttls")

    async def connect(client: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if begins_plain:
            return await asyncio.open_connection("127.0.0.1", ports.starttls)
        return await asyncio.open_connection(
            "127.0.0.1", ports.tls, ssl=site.trusting(), server_hostname="localhost"
        )

    dialogue = transcript.load(FOLDER / f"{name}.txt")
    tls: ssl.SSLContext | None = site.trusting() if begins_plain else None
    await transcript.play(dialogue, connect, PEOPLE | CLAIMS | messages, tls=tls)
    return dialogue


def stored(dialogue: transcript.Transcript) -> int:
    """How many messages the dialogue says are taken."""
    return sum("(?P<stored" in step.text for step in dialogue.steps)


@pytest.mark.parametrize("name", NAMES)
async def test_the_dialogue_is_held_and_leaves_nothing_else_behind(
    name: str, site: Site, messages: dict[str, str]
) -> None:
    if name == "auth_refused_alike":
        site.stand(smtp_site.SECRETARIAT, Standing.SUSPENDED)
    before = site.counts()
    async with smtp_site.serving(site) as ports:
        dialogue = await play(name, site, ports, messages)
    after = site.counts()
    assert after["queued_messages"] - before["queued_messages"] == stored(dialogue)
    if not stored(dialogue):
        assert after == before
    assert '"level": "error"' not in site.logged.getvalue()


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("starttls")])
def test_the_product_s_loop_holds_the_dialogues_of_starttls_too(
    name: str, site: Site, messages: dict[str, str]
) -> None:
    """uvloop has its own transports and its own TLS; the product runs on it."""

    async def talk() -> transcript.Transcript:
        async with smtp_site.serving(site) as ports:
            return await play(name, site, ports, messages)

    dialogue = uvloop.run(talk())
    assert site.counts()["queued_messages"] == stored(dialogue)
