"""A practice changes operator: its mailbox on Debian's Dovecot becomes one of ours.

The import is killed twice, runs beside a serving gateway, and is compared on both sides by
IMAPClient. ``MSS_IMPORT_MESSAGES`` sets how many messages in 40 folders; 1,000 unless it is said.
"""

import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from imapclient import IMAPClient

from tests.support import dovecot
from tests.support.demo import Demo
from tests.support.dovecot import Dovecot

MESSAGES = int(os.environ.get("MSS_IMPORT_MESSAGES", "1000"))
WHO = "claire.martin"

FOLDERS = {
    "INBOX": "INBOX",
    "Éléments envoyés": "Sent",
    "Brouillons": "Drafts",
    "Corbeille": "Trash",
    "Spam": "Junk",
    "Archives": "Archive",
    "Archives.2019": "Archive/2019",
    "Archives.2019.Été": "Archive/2019/Été",
    "Zut* alors": "Zut＊ alors",
    "Bilans 50%": "Bilans 50％",
    "R&D": "R&D",
    'Guillemets "et" \\': 'Guillemets "et" \\',
    "a{3}": "a{3}",
    "Biologie - 検査": "Biologie - 検査",
    **{f"Suivi.Cabinet {n:02d}": f"Suivi/Cabinet {n:02d}" for n in range(26)},
}
"""Remote name (Dovecot's separator here is a dot) → the name that it must have with us."""

UNSUBSCRIBED = "Suivi.Cabinet 07"

FLAGS = ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$Forwarded", "NonJunk")

State = list[tuple[str, frozenset[bytes], float]]
"""Each message of a folder in the order of its UIDs: digest, flags, moment of arrival."""


def letter(number: int, chance: random.Random) -> bytes:
    """A message that no other one is equal to; most are small, a few have a large attachment."""
    lines = 4_000 if number % 200 == 7 else chance.randrange(2, 60)
    body = "\r\n".join(f"ligne {line} : {chance.random()}" for line in range(lines))
    return (
        f"From: Paul Bernard <paul.bernard@ancien.example>\r\n"
        f"To: Claire Martin <claire.martin@ancien.example>\r\n"
        f"Subject: =?utf-8?Q?suivi_n=C2=B0_{number}?=\r\n"
        f"Date: Mon, 02 Mar 2020 10:00:00 +0100\r\n"
        f"Message-ID: <{number}@ancien.example>\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
        f"\r\nBonjour, voilà * FETCH {{12}}\r\n{body}\r\n"
    ).encode()


@dataclass(frozen=True, slots=True)
class Former:
    """The mailbox at the former operator's."""

    server: Dovecot

    def client(self) -> IMAPClient:
        client = IMAPClient("127.0.0.1", self.server.port, ssl=False, timeout=60)
        client.normalise_times = False
        client.login(dovecot.LOGIN, dovecot.PASSWORD)
        return client

    def fill(self, numbers: range, folders: list[str]) -> None:
        """Append messages with flags and dates of their own, folder after folder."""
        chance = random.Random(numbers.start)
        letters: dict[str, list[dict[str, Any]]] = {name: [] for name in folders}
        for number in numbers:
            zone = timezone(timedelta(minutes=chance.choice((-300, 0, 60, 120, 345))))
            seconds = chance.randrange(1_300_000_000, 1_700_000_000)
            letters[folders[number % len(folders)]].append(
                {
                    "msg": letter(number, chance),
                    "flags": chance.sample(FLAGS, chance.randrange(len(FLAGS))),
                    "date": datetime.fromtimestamp(seconds, zone),
                }
            )
        with self.client() as client:
            for name, of_folder in letters.items():
                client.multiappend(name, of_folder)


@pytest.fixture(scope="module")
def former() -> Iterator[Former]:
    with dovecot.serving() as server:
        opened = Former(server)
        with opened.client() as client:
            for name in FOLDERS:
                if name != "INBOX":
                    client.create_folder(name)
                if name != UNSUBSCRIBED:
                    client.subscribe_folder(name)
        opened.fill(range(MESSAGES), list(FOLDERS))
        yield opened


def everything(client: IMAPClient, names: dict[str, str]) -> dict[str, State]:
    """What a foreign client sees in every folder of ``names``, by the name that it has with us."""
    found: dict[str, State] = {}
    for name, ours in names.items():
        client.select_folder(name, readonly=True)
        uids = client.search()
        state: State = []
        for start in range(0, len(uids), 200):
            answers = client.fetch(
                uids[start : start + 200], ["FLAGS", "INTERNALDATE", "BODY.PEEK[]"]
            )
            for _, one in sorted(answers.items()):
                flags = frozenset(one[b"FLAGS"]) - {b"\\Recent"}
                digest = hashlib.sha256(one[b"BODY[]"]).hexdigest()
                state.append((digest, flags, one[b"INTERNALDATE"].timestamp()))
        found[ours] = state
    return found


@dataclass(frozen=True, slots=True)
class Here:
    """Our gateway, and the command that brings the mailbox."""

    demo: Demo
    words: tuple[str, ...]

    @property
    def imported(self) -> int:
        """How many messages are noted as brought, read beside the running import."""
        with sqlite3.connect(f"file:{self.demo.state / 'store.db'}?mode=ro", uri=True) as store:
            count: int = store.execute("SELECT count(*) FROM imported").fetchone()[0]
        return count

    def begin(self, *more: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "mss_gateway", *self.words, *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def killed_at(self, count: int) -> None:
        """Begin the import, and SIGKILL it once ``count`` messages are here."""
        running = self.begin()
        while self.imported < count and running.poll() is None:
            time.sleep(0.002)
        running.kill()
        out, err = running.communicate()
        assert running.returncode == -signal.SIGKILL, (out, err)

    def ran(self, *more: str) -> dict[str, Any]:
        """The report of a run that ends well."""
        running = self.begin("--json", *more)
        out, err = running.communicate(timeout=600)
        assert (running.returncode, err) == (0, b"")
        told: dict[str, Any] = json.loads(out)
        return told

    def client(self) -> IMAPClient:
        account = self.demo.accounts[WHO]
        client = IMAPClient(
            "localhost", self.demo.told["imap"]["tls"], ssl_context=self.demo.tls, timeout=60
        )
        client.normalise_times = False
        client.login(account["address"], account["password"])
        return client


@pytest.fixture(scope="module")
def here(running: Demo, former: Former, tmp_path_factory: pytest.TempPathFactory) -> Here:
    secret = tmp_path_factory.mktemp("secret") / "password"
    secret.write_text(dovecot.PASSWORD + "\n", encoding="utf-8")
    secret.chmod(0o600)
    words = (
        *("people", "import-mailbox", running.accounts[WHO]["address"]),
        *("--host", "127.0.0.1", "--port", str(former.server.port), "--insecure-loopback"),
        *("--login", dovecot.LOGIN, "--password-file", str(secret)),
        *("--config", running.told["config"]),
    )
    return Here(running, words)


def test_a_mailbox_is_whole_after_an_import_that_was_killed_twice(
    former: Former, here: Here
) -> None:
    told = here.ran("--dry-run")
    assert (told["missing"], told["brought"]) == (MESSAGES, 0)
    assert here.imported == 0

    here.killed_at(MESSAGES // 4)
    first = here.imported
    assert MESSAGES // 4 <= first < MESSAGES
    here.killed_at(MESSAGES * 2 // 3)
    second = here.imported
    assert MESSAGES * 2 // 3 <= second < MESSAGES
    told = here.ran()
    assert (told["missing"], told["brought"]) == (MESSAGES - second, MESSAGES - second)
    assert told["whole"] and told["left_count"] == 0

    with former.client() as there, here.client() as ours:
        wanted = everything(there, FOLDERS)
        found = everything(ours, {name: name for name in FOLDERS.values()})
        assert {name: len(state) for name, state in found.items()} == {
            name: len(state) for name, state in wanted.items()
        }
        assert found == wanted
        digests = Counter(digest for state in found.values() for digest, _, _ in state)
        assert (len(digests), max(digests.values())) == (MESSAGES, 1)
        listed = {name for _, _, name in ours.list_folders()}
        assert set(FOLDERS.values()) <= listed
        subscribed = {name for _, _, name in ours.list_sub_folders()}
        assert set(FOLDERS.values()) - subscribed == {FOLDERS[UNSUBSCRIBED]}


def test_a_second_run_brings_only_what_is_new(former: Former, here: Here) -> None:
    here.ran()
    assert here.ran()["brought"] == 0

    former.fill(range(MESSAGES, MESSAGES + 7), ["INBOX", "Suivi.Cabinet 03"])
    with here.client() as ours:
        # what its owner does with it here is the owner's: it neither comes back nor doubles
        ours.select_folder("R&D")
        ours.delete_messages(ours.search())
        ours.expunge()
    told = here.ran()

    assert (told["missing"], told["brought"]) == (7, 7)
    with former.client() as there, here.client() as ours:
        for name in ("INBOX", "Suivi.Cabinet 03"):
            wanted = everything(there, {name: FOLDERS[name]})
            assert everything(ours, {FOLDERS[name]: FOLDERS[name]}) == wanted
        assert ours.folder_status("R&D", ["MESSAGES"]) == {b"MESSAGES": 0}


def test_the_former_mailbox_was_only_read(former: Former, here: Here) -> None:
    former.fill(range(MESSAGES + 7, MESSAGES + 9), ["INBOX"])
    with former.client() as there:
        before = everything(there, FOLDERS)
    assert here.ran()["brought"] == 2
    with former.client() as there:
        assert everything(there, FOLDERS) == before
        # the first one to select a mailbox is told that these are recent: it still is nobody
        assert there.select_folder("INBOX", readonly=True)[b"RECENT"] >= 2


def test_the_journal_tells_of_it_in_counts(here: Here) -> None:
    rows = json.loads(here.demo.mss("audit", "tail", "-n", "50", "--json").stdout)
    told = [row["verdict"] for row in rows if row["verdict"].startswith("import ")]
    assert any(one.startswith("import begun: 40 folders") for one in told)
    assert any(one.endswith(" messages brought") for one in told)
    assert here.demo.mss("audit", "verify").returncode == 0
    assert here.demo.mss("store", "verify").returncode == 0
