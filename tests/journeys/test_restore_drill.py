"""The drill: a backup taken while people write, the machine lost, everything there again."""

import shutil
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from certs.issuing.issue import export_for_client
from certs.receiver import new_receiver
from mss_gateway.cli import demo_message
from tests.crash.clients import Account, Client
from tests.crash.ledger import Ledger
from tests.support import backups, demo
from tests.support.demo import Demo
from tests.support.web import Browser

PATIENT = "279035121518989"
BEFORE, AFTER = 30, 20


def _wait(what: str, *, until: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def _file_a_document(running: Demo) -> None:
    message = EmailMessage()
    message["Subject"] = "Compte rendu du service"
    message.set_content("En pièce jointe.")
    message.add_attachment(demo_message.letter(), "application", "pdf", filename="cr.pdf")
    running.send("claire.martin", PATIENT, message)
    browser = Browser(running.told["webmail"], running.tls)
    browser.sign_in(running.accounts[PATIENT])

    def filed() -> bool:
        for page in browser.received():
            if "Compte rendu du service" in page.text:
                sent = browser.submit(page, "/dossier", {"categorie": "DOCPAT03"})
                return sent.status == 200
        return False

    _wait("the document is in the record", until=filed)


def _clients(running: Demo, ledger: Ledger, stopping: threading.Event) -> list[threading.Thread]:
    people = [
        Account(each["address"], each["password"])
        for each in running.told["accounts"]
        if each["role"] == "professional" and each["smime"] == "gateway"
    ]
    assert len(people) >= 3
    del people[3:]
    return [
        Client(
            number, running.told, author, tuple(each for each in people if each != author),
            ledger, stopping,
        ).start()
        for number, author in enumerate(people)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drill")


def test_what_was_acknowledged_before_the_backup_is_there_after_the_loss(folder: Path) -> None:
    key, certificate = new_receiver("exercice", datetime.now(UTC), 10)
    export_for_client(key, [certificate], folder / "r.key", folder / "r.pem")
    ledger, stopping = Ledger(folder / "ledger"), threading.Event()
    running = demo.start(folder / "state")
    threads: list[threading.Thread] = []
    try:
        _file_a_document(running)
        threads = _clients(running, ledger, stopping)
        _wait("messages before", until=lambda: len(ledger.acked) >= BEFORE)
        before = dict(ledger.acked)
        made = running.mss("backup", "create", "--to", str(folder / "backup"),
                           "--recipient", str(folder / "r.pem"))  # fmt: skip
        assert made.returncode == 0, made.stderr
        at_end = len(ledger.acked)
        _wait("messages after", until=lambda: len(ledger.acked) >= at_end + AFTER)
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
        assert running.stop() == 0
    assert ledger.refused == []
    original = backups.restored_contents(running.state)
    shutil.move(running.state, folder / "lost")

    listed = running.mss("backup", "verify", str(folder / "backup"), "--key", str(folder / "r.key"))
    assert listed.returncode == 0, listed.stdout
    restored = running.mss("backup", "restore", str(folder / "backup"), "--into",
                           str(running.state), "--key", str(folder / "r.key"))  # fmt: skip
    assert restored.returncode == 0, restored.stderr + restored.stdout

    # every message and document that it holds is, octet for octet, the one of the lost machine
    found = backups.restored_contents(running.state)
    kept = {place: digest for place, digest in found.items() if place[0] != "queued_messages"}
    assert kept == {place: original[place] for place in kept}
    assert {table for table, _, _ in kept} == {"messages", "documents"}

    served = demo.start(running.state)
    try:
        for number, message_id in enumerate(before):
            sent = ledger.sent[message_id]
            for recipient in sent.recipients:
                if number % 5 == 0:
                    _once(served, recipient.partition("@")[0], message_id)
        served.send("claire.martin", "sophie.laurent", _note("Après la reprise"))
        served.wait_for("sophie.laurent", "reprise")
    finally:
        assert served.stop() == 0


def _note(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content("Bonjour.")
    return message


def _once(running: Demo, who: str, message_id: str) -> None:
    """Exactly once in this INBOX, by IMAP; what waited in the queue comes shortly."""
    with running.imap(who) as client:

        def found() -> list[bytes]:
            client.noop()
            answer: list[bytes] = client.search(None, "HEADER", "Message-ID", f'"{message_id}"')[1]
            return answer[0].split()

        _wait(f"{message_id} for {who}", until=found)
        assert len(found()) == 1
