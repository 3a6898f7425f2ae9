"""Two professionals with ordinary mail clients: submission → signed → delivered → IMAP."""

import asyncio
import email
import email.policy
import subprocess
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import aioimaplib

from tests.support.demo import Demo


def _note(subject: str, text: str = "Bonjour, merci de votre avis.") -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content(text)
    return message


def test_a_message_arrives_signed_by_its_author(
    running: Demo, require_program: Callable[[str], str], tmp_path: Path
) -> None:
    openssl = require_program("openssl")

    running.send("claire.martin", "sophie.laurent", _note("avis un"))

    raw = running.wait_for("sophie.laurent", "avis un")
    (tmp_path / "m.eml").write_bytes(raw)
    verified = subprocess.run(
        [
            openssl,
            "cms",
            "-verify",
            "-in",
            tmp_path / "m.eml",
            "-CAfile",
            running.told["ca_file"],
            "-signer",
            tmp_path / "signer.pem",
        ],
        capture_output=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stderr
    assert b"merci de votre avis" in verified.stdout
    named = subprocess.run(
        [openssl, "x509", "-in", tmp_path / "signer.pem", "-noout", "-email"],
        capture_output=True,
        check=True,
    )
    assert named.stdout.strip().decode() == running.accounts["claire.martin"]["address"]


def test_the_display_name_comes_from_the_directory(running: Demo) -> None:
    message = _note("avis deux")
    message["From"] = f'"Le Grand Chef" <{running.accounts["claire.martin"]["address"]}>'

    running.send("claire.martin", "sophie.laurent", message)

    raw = running.wait_for("sophie.laurent", "avis deux")
    arrived = email.message_from_bytes(raw, policy=email.policy.default)
    assert arrived["From"].addresses[0].display_name == "Dr Claire MARTIN"


def test_a_mailbox_with_keys_in_its_client_gets_signed_and_enveloped_mail(
    running: Demo, require_program: Callable[[str], str], tmp_path: Path
) -> None:
    openssl = require_program("openssl")
    bernard = running.accounts["paul.bernard"]
    assert bernard["smime"] == "client"

    running.send("claire.martin", "paul.bernard", _note("avis trois", "Secret médical."))

    raw = running.wait_for("paul.bernard", "Message de sant")
    assert b"Secret" not in raw
    (tmp_path / "m.eml").write_bytes(raw)
    opened = tmp_path / "opened.eml"
    subprocess.run(
        [
            openssl,
            "cms",
            "-decrypt",
            "-in",
            tmp_path / "m.eml",
            "-out",
            opened,
            "-recip",
            bernard["certificate_file"],
            "-inkey",
            bernard["key_file"],
        ],
        check=True,
    )
    verified = subprocess.run(
        [openssl, "cms", "-verify", "-in", opened, "-CAfile", running.told["ca_file"]],
        capture_output=True,
        check=True,
    )
    assert "Secret médical" in email.message_from_bytes(verified.stdout).get_payload(
        decode=True
    ).decode("utf-8")


def test_idle_announces_an_arrival(running: Demo) -> None:
    account = running.accounts["hugo.petit"]

    async def story() -> list[bytes]:
        client = aioimaplib.IMAP4_SSL(
            host="localhost", port=running.told["imap"]["tls"], ssl_context=running.tls
        )
        await client.wait_hello_from_server()
        await client.login(account["address"], account["password"])
        await client.select("INBOX")
        waiting = await client.idle_start(timeout=30)
        sent = asyncio.to_thread(running.send, "claire.martin", "hugo.petit", _note("avis quatre"))
        pushed, _ = await asyncio.gather(client.wait_server_push(), sent)
        client.idle_done()
        await asyncio.wait_for(waiting, 10)
        await client.logout()
        return list(pushed)

    assert any(line.endswith(b"EXISTS") for line in asyncio.run(story()))


def test_a_sent_copy_that_the_client_files_is_there_once(running: Demo) -> None:
    message = _note("avis cinq")

    running.send("claire.martin", "sophie.laurent", message)
    with running.imap("claire.martin", "Sent") as client:
        client.append("Sent", "\\Seen", None, message.as_bytes().replace(b"\n", b"\r\n"))
        client.noop()
        found = client.search(None, "SUBJECT", '"avis cinq"')[1][0].split()

    assert len(found) == 1


def test_the_operator_sees_the_life_of_the_message(running: Demo) -> None:
    ref = running.send("claire.martin", "sophie.laurent", _note("avis six"))
    running.wait_for("sophie.laurent", "avis six")

    told = running.mss("message", "show", ref)

    assert told.returncode == 0, told.stderr
    assert "store" in told.stdout
    assert "deliver" in told.stdout
    assert "avis six" not in told.stdout
    assert running.mss("audit", "verify").returncode == 0
