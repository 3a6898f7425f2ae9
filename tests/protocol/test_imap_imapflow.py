"""imapflow, the client of Node.js: lists, reads, searches, files, idles, resynchronises."""

from pathlib import Path
from typing import Any

import pytest

from mailbox_store import flags
from tests.protocol.imap_programs import Tls, alter, served
from tests.protocol.imap_site import LOGIN, PASSWORD, Site, plain
from tests.support.imapflow import Deeds, drive, require_node

LETTER = b"""From: Claire Martin <claire.martin@mss.example>\r
To: Paul Bernard <paul.bernard@mss.example>\r
Subject: =?utf-8?q?R=C3=A9sultats_de_l'=C3=89t=C3=A9?=\r
Date: Tue, 22 Sep 2026 10:00:00 +0200\r
Message-ID: <1@mss.example>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: quoted-printable\r
\r
Bonjour, voici l'=C3=A9t=C3=A9.\r
--b\r
Content-Type: application/pdf; name=bilan.pdf\r
Content-Transfer-Encoding: base64\r
Content-Disposition: attachment; filename=bilan.pdf\r
\r
JVBERi0xLjQK\r
--b--\r
"""


def _deeds(site: Site) -> Deeds:
    """What others do while imapflow idles, and while it is away."""

    def days() -> None:
        site.put(plain(7))
        alter(site, "INBOX", 2, add=flags.DRAFT)
        alter(site, "INBOX", 1, is_removed=True)

    return {
        "put": lambda: site.put(plain(6)),
        "flag": lambda: alter(site, "INBOX", 2, add=flags.FLAGGED),
        "expunge": lambda: alter(site, "INBOX", 5, is_removed=True),
        "days": days,
    }


@pytest.mark.parametrize("rev", [1, 2])
async def test_imapflow_goes_through_its_day(
    site: Site, tls_pair: Tls, tls_certificate: Path, rev: int
) -> None:
    node = require_node()
    site.put(LETTER)
    for number in (2, 3, 4):
        site.put(plain(number))
    async with served(site, tls_pair) as port:
        told = {
            "port": port,
            "ca": str(tls_certificate),
            "login": LOGIN,
            "password": PASSWORD,
            "message": plain(5).decode(),
            "rev": rev,
        }
        seen = await drive(node, "session.mjs", told, _deeds(site))
    _judge_what_it_read(seen)
    _judge_what_it_did(seen)
    assert seen["complaints"] == []
    assert ("IMAP4REV2" in seen["enabled"]) == (rev == 2)


def _judge_what_it_read(seen: dict[str, Any]) -> None:
    assert "QRESYNC" in seen["enabled"]
    assert ["INBOX", "\\Inbox", 4, 4] in seen["folders"]
    assert {"Sent": "\\Sent", "Trash": "\\Trash"}.items() <= {
        box[0]: box[1] for box in seen["folders"]
    }.items()
    assert (seen["status"]["messages"], seen["status"]["uidNext"]) == (4, 5)
    assert seen["status"]["highestModseq"] >= 4
    assert seen["opened"] == [4, 5, True]
    assert seen["envelope"] == [
        "Résultats de l'Été",
        "claire.martin@mss.example",
        "<1@mss.example>",
    ]
    assert seen["parts"] == [["1", "text/plain", None], ["2", "application/pdf", "attachment"]]
    assert seen["source"] == LETTER.decode()
    assert [line[:2] for line in seen["list"]] == [[uid, []] for uid in (1, 2, 3, 4)]
    assert seen["list"][1][2:] == ["Resultats 2", len(plain(2)), "Subject: Resultats 2"]
    assert seen["part"] == ["application/pdf", "bilan.pdf", "%PDF-1.4\n"]
    assert seen["many"]["2"] == "%PDF-1.4\n"
    whole = {"min": 1, "max": 4, "count": 4}
    assert seen["search"] == [[1], [1, 2, 3, 4], [1, 2], [1, 2, 3, 4], [3], whole]


def _judge_what_it_did(seen: dict[str, Any]) -> None:
    assert seen["appended"] == ["INBOX", 5, 5]
    assert seen["flags"] == [["Urgent"], ["\\Answered"]]
    assert seen["uids"] == [{"2": 1}, {"3": 1}]
    assert seen["deleted"] is True
    assert seen["left"] == [1, 2, 5]
    assert seen["exists"] == {"path": "INBOX", "count": 4, "prevCount": 3}
    assert seen["flagged"] == [2, ["Urgent", "\\Flagged"]]
    gone = {"path": "INBOX", "uid": 5, "vanished": True, "earlier": False}
    assert seen["expunged"] == gone
    after = seen["resynchronised"]
    assert (after["changes"], after["exists"]) == (
        [[2, ["Urgent", "\\Draft", "\\Flagged"]], [7, []]],
        3,
    )
    # the highest MODSEQ it knew was that of a FETCH before UID 5 went: it may be told of it again
    assert [1, True, True] in after["vanished"]
    assert {tuple(each) for each in after["vanished"]} <= {(1, True, True), (5, True, True)}
    assert seen["newer"] == [2, 7]
    assert "Projets/Hiver 🌨" not in seen["folders at last"]
    assert {"INBOX", "Sent", "Trash", "Projets"} <= set(seen["folders at last"])
