"""People keep the mail client that they have: mbsync and imapflow at the sealed demo."""

import asyncio
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

from tests.protocol.test_imap_mbsync import SETTINGS, Maildir
from tests.support.demo import Demo
from tests.support.imapflow import drive, require_node
from tests.support.running import must_run


def _note(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content("Bonjour, merci de votre avis sur l'été.")
    return message


def test_mbsync_keeps_a_copy_of_what_arrives(
    running: Demo, require_program: Callable[[str], str], tmp_path: Path
) -> None:
    account = running.accounts["sophie.laurent"]
    running.send("claire.martin", "sophie.laurent", _note("avis à garder"))
    served = running.wait_for("sophie.laurent", "avis")
    near = Maildir(tmp_path / "near")
    near.folder.mkdir()
    settings = tmp_path / "mbsyncrc"
    settings.write_text(
        SETTINGS.format(
            port=running.told["imap"]["tls"],
            login=account["address"],
            password=account["password"],
            kind="IMAPS",
            ca=running.told["ca_file"],
            folder=tmp_path,
        )
    )
    settings.chmod(0o600)
    sync = (require_program("mbsync"), "--config", str(settings), "both")

    asyncio.run(must_run(*sync))

    name, path = next(iter(near.files("INBOX").items()))
    body = served.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
    assert path.read_bytes().partition(b"\n\n")[2] == body

    near.mark("INBOX", name, "FS")
    asyncio.run(must_run(*sync))

    with running.imap("sophie.laurent") as client:
        assert client.search(None, "FLAGGED SEEN")[1] == [b"1"]


def test_imapflow_is_told_of_a_message_and_comes_back(running: Demo) -> None:
    account = running.accounts["hugo.petit"]
    told = {
        "port": running.told["imap"]["tls"],
        "ca": running.told["ca_file"],
        "login": account["address"],
        "password": account["password"],
        "subject": "avis pour Hugo",
    }

    def send() -> None:
        running.send("claire.martin", "hugo.petit", _note("avis pour Hugo"))
        running.wait_for("hugo.petit", "avis pour Hugo")

    def send_again() -> None:
        running.send("claire.martin", "hugo.petit", _note("avis pour Hugo, suite"))
        running.wait_for("hugo.petit", "suite")

    deeds = {"send": send, "send again": send_again}
    seen = asyncio.run(drive(require_node(), "watch.mjs", told, deeds))

    assert "QRESYNC" in seen["enabled"]
    assert ["Sent", "\\Sent"] in seen["folders"]
    assert (seen["came"], seen["subject"], seen["type"]) == (
        1,
        "avis pour Hugo",
        "multipart/signed",
    )
    assert "merci de votre avis sur l'été" in seen["body"].encode("latin1").decode("utf-8")
    assert seen["resynchronised"] == {"changes": [1], "more": 2}
    assert (seen["found"], seen["left"]) == (2, [])
    assert seen["complaints"] == []
