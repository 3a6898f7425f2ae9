"""A doctor who keeps the keys in his own program writes: required, verified, never added."""

import json
import smtplib
import subprocess
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support.demo import Demo


def _entity(subject: str, text: str) -> bytes:
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content(text)
    raw = message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
    return raw.partition(b"\r\n")[2]  # the Content fields and the body


def _signed(
    openssl: str, running: Demo, folder: Path, subject: str, *options: str, text: str = "Bonjour."
) -> bytes:
    """What Dr Bernard's program sends, made by openssl with his own key."""
    bernard = running.accounts["paul.bernard"]
    (folder / "entity").write_bytes(_entity(subject, text))
    keys = ["-signer", bernard["certificate_file"], "-inkey", bernard["key_file"]]
    made = subprocess.run(
        [openssl, "cms", "-sign", "-in", folder / "entity", *keys, "-md", "sha256", *options],
        capture_output=True,
        check=True,
    )
    return made.stdout.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _message(running: Demo, to: str, subject: str, entity: bytes) -> bytes:
    author, recipient = running.accounts["paul.bernard"], running.accounts[to]
    fields = f"From: {author['address']}\r\nTo: {recipient['address']}\r\nSubject: {subject}\r\n"
    return fields.encode() + entity


def _submit(running: Demo, to: str, raw: bytes) -> str:
    author, recipient = running.accounts["paul.bernard"], running.accounts[to]
    with running.submission("paul.bernard") as client:
        client.mail(author["address"])
        client.rcpt(recipient["address"])
        code, line = client.data(raw)
    if code != 250:
        raise smtplib.SMTPDataError(code, line)
    return line.decode().split()[-1]


@pytest.mark.parametrize("options", [(), ("-nodetach",)], ids=["detached", "opaque"])
def test_his_signature_reaches_the_reader_and_is_proved_years_later(
    running: Demo,
    require_program: Callable[[str], str],
    tmp_path: Path,
    options: tuple[str, ...],
) -> None:
    openssl = require_program("openssl")
    subject = f"avis signe {len(options)}"
    entity = _signed(openssl, running, tmp_path, subject, *options)
    ref = _submit(running, "sophie.laurent", _message(running, "sophie.laurent", subject, entity))
    raw = running.wait_for("sophie.laurent", subject)
    assert raw.count(b"multipart/signed") == 1
    (tmp_path / "m.eml").write_bytes(raw)
    # his program sends no issuers: whoever verifies has them, as the gateway does
    own = Path(running.accounts["paul.bernard"]["certificate_file"]).read_bytes()
    (tmp_path / "ca.pem").write_bytes(Path(running.told["ca_file"]).read_bytes() + own)
    known = ("-CAfile", tmp_path / "ca.pem")
    verified = subprocess.run(
        [openssl, "cms", "-verify", "-in", tmp_path / "m.eml", *known],
        capture_output=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stderr
    assert b"Bonjour." in verified.stdout
    again = running.mss("message", "verify", ref)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "La signature est valide" in again.stdout
    why = running.mss("certs", "why", str(tmp_path / "m.eml"), "--to", "sophie.laurent@mss.example")
    assert why.returncode == 0 and "Signature: valide" in why.stdout, why.stdout + why.stderr


def test_what_he_does_not_sign_is_refused_with_what_to_do(running: Demo) -> None:
    raw = _message(running, "sophie.laurent", "avis nu", _entity("avis nu", "Bonjour."))
    with pytest.raises(smtplib.SMTPDataError) as refused:
        _submit(running, "sophie.laurent", raw)
    assert refused.value.smtp_code == 554
    assert b"5.7.7" in refused.value.smtp_error and b"Signez-le" in refused.value.smtp_error


def test_what_was_altered_after_he_signed_is_refused(
    running: Demo, require_program: Callable[[str], str], tmp_path: Path
) -> None:
    openssl = require_program("openssl")
    entity = _signed(openssl, running, tmp_path, "avis altere").replace(b"Bonjour.", b"Bonsoir.")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        _submit(
            running, "sophie.laurent", _message(running, "sophie.laurent", "avis altere", entity)
        )
    assert b"5.7.7" in refused.value.smtp_error


@pytest.mark.parametrize("cipher", ["-aes-256-cbc", "-aes-256-gcm"])
def test_what_he_signs_and_encrypts_is_opened_for_its_reader(
    running: Demo, require_program: Callable[[str], str], tmp_path: Path, cipher: str
) -> None:
    openssl = require_program("openssl")
    listed = running.mss("certs", "list", "--address", "sophie.laurent@mss.example", "--json")
    serial = json.loads(listed.stdout)[0]["serial"]
    exported = running.mss("certs", "show", serial, "--json")
    (tmp_path / "to.pem").write_text(json.loads(exported.stdout)["pem"])
    subject = f"avis clos {cipher[-3:]}"
    signed = tmp_path / "signed"
    signed.write_bytes(_signed(openssl, running, tmp_path, subject, text="Confidence."))
    closed = subprocess.run(
        [openssl, "cms", "-encrypt", "-binary", "-in", signed, cipher, tmp_path / "to.pem"],
        capture_output=True,
        check=True,
    ).stdout.replace(b"\r\n", b"\n")
    sent = _message(running, "sophie.laurent", subject, closed.replace(b"\n", b"\r\n"))
    assert b"Confidence" not in sent
    _submit(running, "sophie.laurent", sent)
    raw = running.wait_for("sophie.laurent", subject)
    assert b"Confidence." in raw and b"multipart/signed" in raw
