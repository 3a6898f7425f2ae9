"""IMAPClient goes through all it can do, over TLS; what is optional, where it is advertised."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from imapclient import IMAPClient
from imapclient.imapclient import SENT, TRASH

from tests.protocol.imap_programs import Tls, names, served, stored
from tests.protocol.imap_site import LOGIN, PASSWORD, TOKEN, Site, plain

Story = Callable[[IMAPClient, Site], None]


def _folders(client: IMAPClient, site: Site) -> None:
    assert client.namespace().personal == (("", "/"),)
    assert client.id_({"name": "essai"}) == ((b"name", b"MSS Gateway"),)
    assert {name for _, _, name in client.list_folders()} == names(site)
    client.create_folder("Projets/Été")
    assert client.folder_exists("Projets/Été")
    client.rename_folder("Projets/Été", "Projets/Hiver & neige")
    assert "Projets/Hiver & neige" in names(site)
    assert [name for _, _, name in client.list_folders("Projets/", "%")] == [
        "Projets/Hiver & neige"
    ]
    client.subscribe_folder("Projets/Hiver & neige")
    assert "Projets/Hiver & neige" in {name for _, _, name in client.list_sub_folders()}
    client.unsubscribe_folder("Projets/Hiver & neige")
    assert "Projets/Hiver & neige" not in {name for _, _, name in client.list_sub_folders()}
    client.delete_folder("Projets/Hiver & neige")
    assert not client.folder_exists("Projets/Hiver & neige")
    assert client.find_special_folder(SENT) == "Sent"
    assert client.find_special_folder(TRASH) == "Trash"


def _messages(client: IMAPClient, site: Site) -> None:
    moment = datetime(2026, 9, 1, 10, 0, tzinfo=UTC)
    client.append("INBOX", plain(5), (b"\\Seen", b"Urgent"), moment)
    assert stored(site).flags["<5@mss.example>"] == {"\\Seen", "Urgent"}
    opened = client.select_folder("INBOX")
    assert (opened[b"EXISTS"], opened[b"UIDNEXT"]) == (4, 5)
    fetched = client.fetch([1, 4], ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY[]"])
    assert fetched[1][b"BODY[]"] == plain(1)
    assert fetched[4][b"ENVELOPE"].subject == b"Resultats 5"
    assert fetched[4][b"RFC822.SIZE"] == len(plain(5))
    assert fetched[4][b"INTERNALDATE"].astimezone(UTC).replace(tzinfo=UTC) == moment
    structure = client.fetch(
        1, ["BODYSTRUCTURE", "BODY[HEADER.FIELDS (SUBJECT)]", "BODY[TEXT]<0.3>"]
    )
    assert structure[1][b"BODYSTRUCTURE"][:2] == (b"text", b"plain")
    assert structure[1][b"BODY[HEADER.FIELDS (SUBJECT)]"] == b"Subject: Resultats 1\r\n\r\n"
    assert structure[1][b"BODY[TEXT]<0>"] == b"Bon"
    assert client.add_flags(2, [b"\\Flagged", b"$Label"])[2] == (b"\\Flagged", b"$Label")
    assert client.remove_flags(2, b"\\Flagged")[2] == (b"$Label",)
    assert client.set_flags(2, [b"\\Answered"])[2] == (b"\\Answered",)
    assert client.get_flags([2, 4]) == {2: (b"\\Answered",), 4: (b"\\Seen", b"Urgent")}
    assert client.folder_status("INBOX", ["MESSAGES", "UNSEEN"]) == {b"MESSAGES": 4, b"UNSEEN": 2}


def _searches(client: IMAPClient, site: Site) -> None:
    site.put(
        plain(6, subject="Résultats de l'Été").replace(
            b"\r\n\r\n", b"\r\nMIME-Version: 1.0\r\n\r\n"
        )
    )
    client.select_folder("INBOX", readonly=True)
    assert client.search() == [1, 2, 3, 4]
    assert client.search(["SUBJECT", "l'été"], "UTF-8") == [4]
    assert client.search(["TEXT", 'é"\\'], "UTF-8") == []
    assert client.search(["NOT", ["OR", ["SUBJECT", "Resultats 1"], ["UID", "3"]]]) == [2, 4]
    assert client.search(["SENTSINCE", date(2026, 9, 22), "SMALLER", 5_000]) == [1, 2, 3, 4]
    assert client.search("KEYWORD Urgent UNSEEN") == []
    assert client.search(["BODY", "Bonjour", "UID", "2:*"]) == [2, 3, 4]
    if client.has_capability("SORT"):
        assert client.sort(["REVERSE SUBJECT"], ["UID", "1:3"]) == [3, 2, 1]
        assert client.sort("ARRIVAL", charset="UTF-8") == [1, 2, 3, 4]
    for algorithm in ("REFERENCES", "ORDEREDSUBJECT"):
        if client.has_capability(f"THREAD={algorithm}"):
            threads = client.thread(algorithm, ["UID", "1:3"])
            assert sorted(threads) == [(1,), (2,), (3,)]


def _filing(client: IMAPClient, site: Site) -> None:
    client.select_folder("INBOX")
    client.copy([1, 2], "Sent")
    client.move([2], "Trash")
    assert set(stored(site, "Trash").flags) == {"<2@mss.example>"}
    client.delete_messages([1])
    client.uid_expunge([3])
    assert client.search() == [1, 3]
    client.uid_expunge([1])
    client.delete_messages([3])
    assert client.expunge() == (b"EXPUNGE done", [(1, b"EXPUNGE")])
    assert stored(site).flags == {}
    client.select_folder("Sent")
    client.delete_messages([1])
    client.unselect_folder()
    assert len(stored(site, "Sent").flags) == 2
    client.select_folder("Sent")
    client.close_folder()
    assert set(stored(site, "Sent").flags) == {"<2@mss.example>"}


def _idling(client: IMAPClient, site: Site) -> None:
    client.select_folder("INBOX")
    client.idle()
    site.put(plain(7))
    assert client.idle_check(timeout=10) == [(4, b"EXISTS")]
    assert client.idle_done()[0].upper().startswith(b"IDLE")
    assert client.noop()[1] == []


def _condstore(client: IMAPClient, site: Site) -> None:
    assert b"CONDSTORE" in client.enable("CONDSTORE")
    highest = client.select_folder("INBOX")[b"HIGHESTMODSEQ"]
    assert client.fetch([1, 2, 3], ["FLAGS"], [f"CHANGEDSINCE {highest}"]) == {}
    client.add_flags(2, b"\\Flagged", silent=True)
    newer = client.fetch([1, 2, 3], ["FLAGS"], [f"CHANGEDSINCE {highest}"])
    assert list(newer) == [2]
    assert newer[2][b"MODSEQ"][0] > highest
    found = client.search(["MODSEQ", str(highest + 1)])
    assert (list(found), found.modseq) == ([2], newer[2][b"MODSEQ"][0])


def _optional(client: IMAPClient, site: Site) -> None:
    if client.has_capability("MULTIAPPEND"):
        client.multiappend("Sent", [plain(8), {"msg": plain(9), "flags": (b"\\Seen",)}])
        assert set(stored(site, "Sent").flags) == {"<8@mss.example>", "<9@mss.example>"}
    if client.has_capability("QUOTA"):
        mailbox, quotas = client.get_quota_root("INBOX")
        assert mailbox.mailbox == "INBOX"
        assert all(quota.usage <= quota.limit for quota in quotas)
    if client.has_capability("ACL"):
        assert client.getacl("INBOX")


STORIES: dict[str, Story] = {
    "folders": _folders,
    "messages": _messages,
    "searches": _searches,
    "filing": _filing,
    "idling": _idling,
    "condstore": _condstore,
    "what is optional": _optional,
}


@pytest.mark.parametrize("story", STORIES)
async def test_imapclient(site: Site, tls_pair: Tls, story: str) -> None:
    for number in range(1, 4):
        site.put(plain(number))

    def tell(port: int) -> None:
        with IMAPClient("localhost", port, ssl_context=tls_pair[1], timeout=30) as client:
            client.login(LOGIN, PASSWORD)
            STORIES[story](client, site)

    async with served(site, tls_pair) as port:
        await asyncio.to_thread(tell, port)


@pytest.mark.parametrize("mechanism", ["PLAIN", "XOAUTH2", "OAUTHBEARER"])
async def test_imapclient_signs_in_with(site: Site, tls_pair: Tls, mechanism: str) -> None:
    def sign_in(port: int, context: ssl.SSLContext) -> None:
        with IMAPClient("localhost", port, ssl=False, timeout=30) as client:
            client.starttls(context)
            assert client.has_capability(f"AUTH={mechanism}")
            if mechanism == "PLAIN":
                client.plain_login(LOGIN, PASSWORD)
            elif mechanism == "XOAUTH2":
                client.oauth2_login(LOGIN, TOKEN)
            else:
                client.oauthbearer_login(LOGIN, TOKEN)
            assert client.folder_exists("INBOX")

    async with served(site, tls_pair, is_implicit_tls=False) as port:
        await asyncio.to_thread(sign_in, port, tls_pair[1])
