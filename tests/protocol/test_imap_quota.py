"""A quota at its edge: APPEND and COPY stop there, what frees or only moves does not."""

import asyncio
from dataclasses import replace
from pathlib import Path

from mailbox_store import accounts
from tests.protocol.imap_site import SETTINGS, Site, serving
from tests.support import transcript

DIALOGUE = r"""# RFC 9208 §4.3.1 OVERQUOTA
S: ~\* OK .*~
C: a0 LOGIN claire.martin@mss.example "mot de passe"
S: ~a0 OK .*~
C> a1 APPEND INBOX {2000+}\r\n${long}\r\n
S: ~a1 OK \[APPENDUID .*~
C: a2 GETQUOTA compte
S: * QUOTA compte (STORAGE 2 4)
S: a2 OK GETQUOTA done
C> a3 APPEND INBOX {2097+}\r\n${longer}\r\n
S: a3 NO [OVERQUOTA] imap.boite_pleine
C: a4 STATUS INBOX (MESSAGES UIDNEXT)
S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2)
S: a4 OK STATUS done
# to the last octet
C> a5 APPEND INBOX {2096+}\r\n${exact}\r\n
S: ~a5 OK \[APPENDUID .*~
C: a6 GETQUOTAROOT INBOX
S: * QUOTAROOT INBOX compte
S: * QUOTA compte (STORAGE 4 4)
S: a6 OK GETQUOTAROOT done
C: b1 SELECT INBOX
S* ~\* .*~
S: ~b1 OK .*~
C: b2 COPY 1 Sent
S: b2 NO [OVERQUOTA] imap.boite_pleine
C: b3 STATUS Sent (MESSAGES)
S: * STATUS Sent (MESSAGES 0)
S: b3 OK STATUS done
# nobody is kept from throwing away, whichever way their client does it
C: b4 UID COPY 1 Trash
S: ~b4 OK \[COPYUID .*~
C: b5 UID STORE 1 +FLAGS.SILENT (\Deleted)
S* ~\* .*~
S: ~b5 OK .*~
C: b6 EXPUNGE
S: * 1 EXPUNGE
S: ~b6 OK .*~
C: b7 UID MOVE 2 Sent
S: ~\* OK \[COPYUID .*~
S: ~\* .*EXPUNGE~
S: ~b7 OK .*~
C: b8 UID COPY 99 Sent
S: ~b8 OK .*~
C: b9 SELECT Trash
S* ~\* .*~
S: ~b9 OK .*~
C: c1 STORE 1 +FLAGS.SILENT (\Deleted)
S* ~\* .*~
S: ~c1 OK .*~
C: c2 CLOSE
S: ~c2 OK .*~
C> c3 APPEND INBOX {2000+}\r\n${long}\r\n
S: ~c3 OK \[APPENDUID .*~
"""


def message(octets: int) -> str:
    """A message of so many octets, as a dialogue writes it."""
    return "A: b\\r\\n\\r\\n" + "x" * (octets - 10) + "\\r\\n"


async def test_a_quota_stops_what_adds_at_its_last_octet(site: Site) -> None:
    async with serving(site, replace(SETTINGS, account_octets=4_096)) as port:

        async def connect(client: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection("127.0.0.1", port)

        texts = {"long": message(2_000), "longer": message(2_097), "exact": message(2_096)}
        await transcript.play(transcript.parse(DIALOGUE, Path("quota")), connect, texts)
    with site.database.read() as view:
        assert accounts.quota(view, site.account_id, 4_096).used == 4_096
