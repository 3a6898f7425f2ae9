"""Folders that the configuration names in French: made, found by their use, used in both modes."""

import asyncio
import tomllib
from dataclasses import replace
from pathlib import Path

from mss_gateway import config
from mss_gateway.directory import people
from mss_gateway.directory.people import NewPerson
from tests.protocol.imap_site import LOGIN, Site
from tests.support import transcript

PROJECT = Path(__file__).parents[2]
ADDRESS = "nouvelle.venue@mss.example"

DIALOGUE = r"""# RFC 6154 §2 special uses under French names
S: ~\* OK .*~
C: a1 LOGIN nouvelle.venue@mss.example "mot de passe"
S: ~a1 OK .*~
C: a2 LIST "" *
S: * LIST (\HasNoChildren) "/" INBOX
S: * LIST (\Archive \HasNoChildren) "/" Archives
S: * LIST (\Drafts \HasNoChildren) "/" Brouillons
S: * LIST (\Trash \HasNoChildren) "/" Corbeille
S: * LIST (\Sent \HasNoChildren) "/" Envoy&AOk-s
S: * LIST (\Junk \HasNoChildren) "/" Ind&AOk-sirables
S: a2 OK LIST done
C> a3 APPEND Envoy&AOk-s (\\Seen) {12+}\r\nA: b\r\n\r\nok\r\n\r\n
S: ~a3 OK .*~
C: a4 ENABLE IMAP4rev2
S: ~\* ENABLED .*~
S: ~a4 OK .*~
C: a5 LIST (SPECIAL-USE) "" "E*" RETURN (SUBSCRIBED STATUS (MESSAGES UNSEEN))
S: * LIST (\Sent \Subscribed \HasNoChildren) "/" "Envoyés"
S: * STATUS "Envoyés" (MESSAGES 1 UNSEEN 0)
S: a5 OK LIST done
C: a6 SELECT "Envoyés"
S* ~\* .*~
S: ~a6 OK .*~
"""


def french_names() -> str:
    """The example that the commented configuration gives, without its comment signs."""
    lines = (PROJECT / "config.toml").read_text("utf-8").splitlines()
    names = "\n".join(
        line[1:].strip() for line in lines if line.startswith("#   ") and " = " in line
    )
    assert len(tomllib.loads(names)) == 5
    return "[mailboxes]\n" + names


async def test_french_names_of_the_configuration_reach_the_client(
    site: Site, port: int, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(french_names(), encoding="utf-8")
    named = config.load(tmp_path / "config.toml").mailboxes
    new = NewPerson(ADDRESS, "PER")
    person = site.database.write(lambda tx: people.add(tx, new, named))
    site.holders[ADDRESS] = replace(
        site.holders[LOGIN], account_id=person.account_id, person_id=person.account_id
    )

    async def connect(client: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", port)

    await transcript.play(transcript.parse(DIALOGUE, Path("french")), connect)
