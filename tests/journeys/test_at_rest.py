"""Nothing of a message, nor who it concerns, is readable in what the gateway keeps on disk.

The whole state directory is searched, live (with its write-ahead log) and stopped, and the log of
the process, for what was written in every form in which it might have slipped through. The same
search finds all of it in the messages as they were sent: a search that finds nothing proves
nothing by itself.
"""

import base64
import re
import shutil
import time
import zlib
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from mss_gateway.cli import demo_message
from tests.support import demo
from tests.support.demo import Demo
from tests.support.leaks import found, readable
from tests.support.web import Browser

SUBJECT = "Adénopathie cervicale 4711 opérée"
TEXT = "Le prélèvement montre un granulome épithélioïde sans nécrose."
FILE_NAME = "biopsie-cervicale-4711.pdf"
COLLEAGUES_SUBJECT = "Avis sur un dossier du service 8123"
COLLEAGUES_TEXT = "Pouvez-vous relire les lames avant la réunion de jeudi ?"
ANSWER = "Merci docteur, je viendrai à la consultation de vendredi matin."
PATIENT, PATIENT_NAMES = "279035121518989", ("PAT-TROIS", "Dominique Marie-Louise")

NOT_SEARCHED = ("demo.json",)
"""It tells a checker the accounts (house §12)."""

_PRINTED = re.compile(rb"MSS Gateway demo:.*?Stop with Ctrl-C\.", re.DOTALL)
"""The dialogue that the demo prints for its operator, accounts and all: not a log."""


@dataclass(frozen=True, slots=True)
class Left:
    """What was sent, what the search looks for, and what the gateway left on disk."""

    sent: bytes
    probes: dict[str, bytes]
    files: dict[str, bytes]


def _letter() -> bytes:
    """A PDF of its own: the demo's, with another line."""
    return demo_message.letter().replace(b"suivi annuel", b"biopsie 4711")


def _to_the_patient() -> EmailMessage:
    message = EmailMessage()
    message["To"] = f'"{PATIENT_NAMES[1]} {PATIENT_NAMES[0]}" <{PATIENT}@patient.mss.example>'
    message["Subject"] = SUBJECT
    message.set_content(TEXT, cte="quoted-printable")
    message.add_attachment(_letter(), "application", "pdf", filename=FILE_NAME)
    return message


def _to_a_colleague() -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = COLLEAGUES_SUBJECT
    message.set_content(COLLEAGUES_TEXT, cte="base64")
    return message


def _file_and_answer(running: Demo) -> None:
    """The patient reads, keeps the document in the dossier and answers."""
    browser = Browser(running.told["webmail"], running.tls)
    browser.sign_in(running.accounts[PATIENT])
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for page in browser.received():
            if SUBJECT in page.text:
                kept = browser.submit(page, "/dossier", {"categorie": "DOCPAT03"})
                assert kept.status == 200
                answer = browser.get(next(iter(page.links("/repondre"))))
                assert browser.submit(answer, "/repondre", {"texte": ANSWER}).status == 200
                running.wait_for("claire.martin", "4711")
                return
        time.sleep(0.05)
    raise AssertionError("the message did not reach the patient")


def _contents(state: Path, name: str) -> dict[str, bytes]:
    return {
        f"{name}: {path.relative_to(state)}": path.read_bytes()
        for path in state.rglob("*")
        if path.is_file() and path.relative_to(state).parts[0] not in NOT_SEARCHED
    }


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    """A demo that carried the messages and was stopped."""
    folder = tmp_path_factory.mktemp("at-rest")
    running = demo.start(folder / "state")
    sent = [_to_the_patient(), _to_a_colleague()]
    try:
        running.send("claire.martin", PATIENT, sent[0])
        running.send("claire.martin", "sophie.laurent", sent[1])
        running.wait_for("sophie.laurent", "8123")
        _file_and_answer(running)
        shutil.copytree(running.state, folder / "live")
    finally:
        assert running.stop() == 0
    log = running.state.with_suffix(".log").read_bytes()
    files = _contents(folder / "live", "live") | _contents(running.state, "stopped")
    page = _letter()
    start = page.index(b"biopsie 4711")
    probes = {
        "subject": SUBJECT.encode(),
        "text": TEXT.encode(),
        "file name": FILE_NAME.encode(),
        "PDF bytes": page[start - 6 : start + 18],
        "subject between colleagues": COLLEAGUES_SUBJECT.encode(),
        "text between colleagues": COLLEAGUES_TEXT.encode(),
        "INS": PATIENT.encode(),
    }
    probes |= {f"patient's name {name}": name.encode() for name in PATIENT_NAMES}
    probes |= {each["address"]: each["address"].encode() for each in running.told["accounts"]}
    told = (running.state / "demo.json").read_bytes()
    return Left(
        b"".join(each.as_bytes() for each in sent) + told,
        probes,
        files | {"log of the process": _PRINTED.sub(b"", log)},
    )


def test_the_search_finds_everything_in_the_messages_as_sent(left: Left) -> None:
    missed = [name for name, probe in left.probes.items() if not found(probe, left.sent)]
    assert missed == []


def test_the_state_holds_what_a_search_must_look_into(left: Left) -> None:
    names = " ".join(left.files)
    assert "live: store.db-wal" in names and "stopped: store.db" in names
    assert len(left.files["live: store.db"]) + len(left.files["live: store.db-wal"]) > 300_000


def test_nothing_of_a_message_and_no_name_or_address_is_readable_at_rest(left: Left) -> None:
    assert readable({**left.probes, "answer": ANSWER.encode()}, left.files) == []


@pytest.mark.parametrize(
    "form", ["as it is", "utf-16-le", "utf-16-be", "base64", "folded", "deflated"]
)
def test_each_form_is_found(form: str) -> None:
    probe = TEXT.encode()
    within = {
        "as it is": b"...%b..." % probe,
        "utf-16-le": b"\0" + TEXT.encode("utf-16-le"),
        "utf-16-be": TEXT.encode("utf-16-be"),
        "base64": base64.b64encode(b"xy" + probe + b"z"),
        "folded": base64.encodebytes(b"x" + probe * 3).replace(b"\n", b"\r\n"),
        "deflated": b"before" + zlib.compress(b"in a letter: " + probe) + b"behind",
    }
    assert readable({form: probe}, {"file": within[form]})
    assert not readable({form: probe}, {"file": within[form][: len(within[form]) // 4]})
