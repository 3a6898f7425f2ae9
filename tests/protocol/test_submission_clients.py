"""People keep the programs that they send with: swaks, msmtp, curl, nodemailer at the sealed demo.

The demo's own state, served by ``mss serve`` with two sections more: a provider of tokens, and a
limit that a message can pass without being of 40 MB.
"""

import contextlib
import email
import email.policy
import imaplib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from mss_gateway.failures import Failure
from mss_gateway.smtp import replies
from tests.protocol.submission_programs import PROGRAMS, Letter, Place, curl, msmtp, transport
from tests.support import demo, openid
from tests.support.demo import Demo

LIMIT = 1024 * 1024
PDF = b"%PDF-1.4\n" + bytes(range(256)) * 300 + b"\n%%EOF\n"
MARTIN, LAURENT, PETIT, SECRETARIAT = (
    f"{name}@mss.example"
    for name in ("claire.martin", "sophie.laurent", "hugo.petit", "secretariat")
)
PATIENT = "279035121518989@patient.mss.example"
NODEMAILER = Letter("claire.martin", (), b"")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo prepared, stopped, and served again under its longer configuration."""
    prepared = demo.start(tmp_path_factory.mktemp("submission") / "state")
    assert prepared.stop() == 0
    state = prepared.state
    (state / "jwks.json").write_bytes(openid.key_set(openid.jwk(openid.rsa_key(), "k1")))
    config = Path(prepared.told["config"])
    with config.open("a", encoding="utf-8") as file:
        file.write(f"\n[limits]\nmessage_octets = {LIMIT}\npatient_message_octets = {LIMIT}\n")
        file.write(f'\n[oauth]\nissuer = "{openid.ISSUER}"\naudience = "{openid.AUDIENCE}"\n')
        file.write('jwks = "jwks.json"\n')
    words = [sys.executable, "-m", "mss_gateway", "serve", "--config", str(config)]
    with state.with_suffix(".log").open("ab") as log:
        served = subprocess.Popen(words, stdout=log, stderr=log, env={**os.environ})
    again = Demo(state, prepared.told, served)
    try:
        _wait_until_served(again)
        yield again
    finally:
        if served.poll() is None:
            assert again.stop() == 0


def _wait_until_served(served: Demo) -> None:
    """Both ports that the tests use answer; IMAP's is asked by whoever waits for a message."""
    deadline = time.monotonic() + demo.START_SECONDS
    while time.monotonic() < deadline and served.process.poll() is None:
        with contextlib.suppress(OSError), served.submission("claire.martin"):
            return
        time.sleep(0.05)
    served.process.kill()
    served.process.wait()
    raise AssertionError(served.state.with_suffix(".log").read_text(encoding="utf-8")[-3000:])


@pytest.fixture
def place(running: Demo, tmp_path: Path) -> Place:
    return Place(running, tmp_path)


def letter(
    subject: str,
    author: str = MARTIN,
    to: tuple[str, ...] = (LAURENT,),
    attached: tuple[str, bytes] | None = ("bilan.pdf", PDF),
) -> bytes:
    """A message in French, with a file if any; short lines, CRLF."""
    message = EmailMessage(email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = author, ", ".join(to), subject
    message.set_content("Bonjour,\n\n.une ligne qui commence par un point\nL'été arrive.\n")
    if attached is not None:
        name, content = attached
        kind = "pdf" if name.endswith(".pdf") else "octet-stream"
        message.add_attachment(content, maintype="application", subtype=kind, filename=name)
    return message.as_bytes()


def attachments(raw: bytes) -> list[tuple[str | None, bytes]]:
    """Names and octets of the files of a message as it was delivered, its signature left out."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    return [
        (part.get_filename(), part.get_payload(decode=True))
        for part in message.walk()
        if part.get_filename() not in (None, "smime.p7s")
    ]


def text_of(raw: bytes) -> str:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


# --- what arrives --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mechanism", "is_implicit_tls"), [("PLAIN", False), ("LOGIN", True)], ids=["PLAIN", "LOGIN"]
)
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_file_reaches_every_recipient(
    place: Place, program: str, mechanism: str, is_implicit_tls: bool
) -> None:
    subject = f"bilan par {program} {mechanism}"
    to = (LAURENT, PETIT, SECRETARIAT)
    raw = letter(subject, to=to)
    ended = PROGRAMS[program](
        place, Letter("claire.martin", to, raw, mechanism, is_implicit_tls=is_implicit_tls)
    )
    assert ended.code == 0, ended.said
    for who in ("sophie.laurent", "hugo.petit", "secretariat"):
        served = place.demo.wait_for(who, subject)
        assert attachments(served) == [("bilan.pdf", PDF)]
        assert ".une ligne qui commence par un point" in text_of(served)
        assert "L'été arrive." in text_of(served)


def test_what_swaks_composes_arrives(place: Place) -> None:
    (place.folder / "bilan.pdf").write_bytes(PDF)
    more = ("--header", "Subject: compose par swaks", "--body", "Bonjour.", "--attach-type")
    more += ("application/pdf", "--attach-name", "bilan.pdf")
    more += ("--attach", f"@{place.folder / 'bilan.pdf'}")
    ended = PROGRAMS["swaks"](place, Letter("claire.martin", (LAURENT,), b"", more=more))
    assert ended.code == 0, ended.said
    assert attachments(place.demo.wait_for("sophie.laurent", "compose par swaks")) == [
        ("bilan.pdf", PDF)
    ]


def test_what_curl_composes_arrives(place: Place) -> None:
    file = place.folder / "bilan.pdf"
    file.write_bytes(PDF)
    more = ("--header", f"From: <{MARTIN}>", "--header", f"To: <{LAURENT}>", "--header")
    more += ("Subject: compose par curl", "--form", "=Bonjour.;type=text/plain", "--form")
    more += (f"=@{file};type=application/pdf;encoder=base64",)
    ended = curl(place, Letter("claire.martin", (LAURENT,), b"", more=more))
    assert ended.code == 0, ended.said
    assert attachments(place.demo.wait_for("sophie.laurent", "compose par curl")) == [
        ("bilan.pdf", PDF)
    ]


def test_fifty_messages_by_a_pool_arrive_once_each(place: Place) -> None:
    messages = [
        {"from": MARTIN, "to": PETIT, "subject": f"lot {number}.", "text": f"message {number}"}
        for number in range(50)
    ]
    done = transport(place, NODEMAILER, messages, pool=4)
    refs = {one.response.split()[-1] for one in done.sent}
    assert (len(done.sent), len(refs)) == (50, 50)
    assert 1 <= done.signed_in <= 4
    subjects = [f"lot {number}." for number in range(50)]
    with place.demo.imap("hugo.petit") as client:
        deadline = time.monotonic() + 20
        while _found(client, "lot ") < 50 and time.monotonic() < deadline:
            client.noop()
            time.sleep(0.05)
        assert [_found(client, subject) for subject in subjects] == [1] * 50


def _found(client: imaplib.IMAP4_SSL, subject: str) -> int:
    return len(client.search(None, "SUBJECT", f'"{subject}"')[1][0].split())


def test_one_recipient_refused_leaves_the_others_served(place: Place) -> None:
    message = {
        "from": {"name": "Claire Martin", "address": MARTIN},
        "to": [LAURENT, "personne@mss.example"],
        "subject": "pour une seule",
        "text": "Bonjour.",
        "attachments": [{"filename": "bilan.pdf", "content": PDF.decode("latin1")}],
    }
    (sent,) = transport(place, NODEMAILER, [message]).sent
    assert (sent.accepted, sent.rejected) == ([LAURENT], ["personne@mss.example"])
    (refusal,) = sent.refusals
    assert refusal.startswith(replies.line(Failure.RECIPIENT_UNKNOWN).decode())
    place.demo.wait_for("sophie.laurent", "pour une seule")


# --- tokens --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "mechanism"),
    [("nodemailer", "XOAUTH2"), ("curl", "XOAUTH2"), ("curl", "OAUTHBEARER")],
)
def test_a_token_signs_in(place: Place, program: str, mechanism: str) -> None:
    subject = f"par jeton {program} {mechanism}"
    token = openid.token(openid.claims(MARTIN, time.time()))
    raw = letter(subject, attached=None)
    ended = PROGRAMS[program](
        place, Letter("claire.martin", (LAURENT,), raw, mechanism, password=token)
    )
    assert ended.code == 0, ended.said
    place.demo.wait_for("sophie.laurent", subject)


@pytest.mark.parametrize("program", ["nodemailer", "curl"])
def test_a_token_of_somebody_else_does_not(place: Place, program: str) -> None:
    token = openid.token(openid.claims(LAURENT, time.time()))
    ended = PROGRAMS[program](
        place, Letter("hugo.petit", (LAURENT,), letter("x"), "XOAUTH2", password=token)
    )
    assert ended.code != 0
    assert replies.line(Failure.BAD_CREDENTIALS).decode() in ended.said


# --- refusals ------------------------------------------------------------------------------------

WRONG_INS = "279035121518988@patient.mss.example"
EXECUTABLE = b"MZ\x90\0\x03\0\0\0" + bytes(64) + b"PE\0\0"
REFUSALS = {
    Failure.RECIPIENT_UNKNOWN: Letter("claire.martin", ("personne@mss.example",), letter("x")),
    Failure.INS_MALFORMED: Letter("claire.martin", (WRONG_INS,), letter("x", to=(WRONG_INS,))),
    Failure.SENDER_NOT_YOURS: Letter("claire.martin", (LAURENT,), letter("x"), sender=PETIT),
    Failure.FROM_NOT_YOURS: Letter("claire.martin", (LAURENT,), letter("x", author=PETIT)),
    Failure.MESSAGE_TOO_BIG: Letter(
        "claire.martin", (LAURENT,), letter("x", attached=("image.pdf", PDF * 12))
    ),
    Failure.FORBIDDEN_TYPE: Letter(
        "claire.martin", (LAURENT,), letter("x", attached=("bilan.pdf.exe", EXECUTABLE))
    ),
}


@pytest.mark.parametrize("failure", REFUSALS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_refusal_is_shown_with_its_code_and_its_french_line(
    place: Place, program: str, failure: Failure
) -> None:
    ended = PROGRAMS[program](place, REFUSALS[failure])
    assert ended.code != 0
    assert replies.line(failure).decode() in ended.said


@pytest.mark.parametrize(
    ("program", "author"),
    [
        ("swaks", "claire.martin"),
        ("msmtp", "sophie.laurent"),
        ("curl", "hugo.petit"),
        ("nodemailer", "secretariat"),
    ],
)
def test_a_wrong_password_is_shown(place: Place, program: str, author: str) -> None:
    ended = PROGRAMS[program](place, Letter(author, (LAURENT,), letter("x"), password="pas le bon"))
    assert ended.code != 0
    assert replies.line(Failure.BAD_CREDENTIALS).decode() in ended.said


def test_a_size_that_is_said_is_refused_before_the_message(place: Place) -> None:
    too_big = REFUSALS[Failure.MESSAGE_TOO_BIG]
    ended = curl(place, too_big)
    assert f"> MAIL FROM:<{MARTIN}> SIZE={len(too_big.raw)}" in ended.said
    assert "RCPT TO" not in ended.said


# --- reports asked for ---------------------------------------------------------------------------


def test_msmtp_is_told_of_a_delivery_that_it_asked_about(place: Place) -> None:
    more = ("--dsn-notify=success,failure", "--dsn-return=headers")
    raw = b"Message-ID: <msmtp@mss.example>\r\n" + letter("suivi", author=SECRETARIAT)
    ended = msmtp(place, Letter("secretariat", (LAURENT,), raw, more=more))
    assert ended.code == 0, ended.said
    told = _report(place, "secretariat", "<msmtp@mss.example>")
    assert told["Action"] == "delivered"
    assert told["Final-Recipient"] == f"rfc822;{LAURENT}"


def test_nodemailer_is_told_of_a_delivery_under_the_name_that_it_gave(place: Place) -> None:
    message = {
        "from": SECRETARIAT,
        "to": LAURENT,
        "subject": "suivi",
        "text": "Bonjour.",
        "messageId": "<nodemailer@mss.example>",
        "dsn": {"id": "envoi+42", "return": "headers", "notify": "success", "recipient": MARTIN},
    }
    transport(place, Letter("secretariat", (), b""), [message])
    told = _report(place, "secretariat", "<nodemailer@mss.example>")
    assert told["Action"] == "delivered"
    assert told["Original-Envelope-Id"] == "envoi+42"
    assert told["Original-Recipient"] == f"rfc822;{MARTIN}"


def test_who_asks_for_nothing_hears_nothing_of_a_delivery(place: Place) -> None:
    quiet = {"notify": "never", "recipient": LAURENT}
    told = {"notify": "success", "recipient": LAURENT}
    messages = [
        {
            "from": SECRETARIAT,
            "to": LAURENT,
            "text": "Bonjour.",
            "messageId": f"<{name}@mss.example>",
            "dsn": dsn,
        }
        for name, dsn in (("jamais", quiet), ("oui", told))
    ]
    transport(place, Letter("secretariat", (), b""), messages, pool=1)
    _report(place, "secretariat", "<oui@mss.example>")
    with place.demo.imap("secretariat") as client:
        assert client.search(None, "TEXT", '"jamais@mss.example"')[1] == [b""]


def _report(place: Place, who: str, message_id: str) -> dict[str, str]:
    """The fields of the report on the message of this Message-ID, once it is there."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with place.demo.imap(who) as client:
            for number in client.search(None, "FROM", '"postmaster"')[1][0].split():
                fetched = client.fetch(number.decode(), "(BODY.PEEK[])")[1]
                raw = bytes(fetched[0][1])
                if message_id.encode() in raw:
                    return _fields(raw)
        time.sleep(0.05)
    raise AssertionError(f"no report about {message_id}")


def _fields(raw: bytes) -> dict[str, str]:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    found = [
        part for part in message.walk() if part.get_content_type() == "message/delivery-status"
    ]
    assert len(found) == 1
    groups = found[0].get_payload()
    return {name: value.replace("; ", ";") for group in groups for name, value in group.items()}
