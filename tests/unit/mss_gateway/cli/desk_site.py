"""What the tests of the command line share: `mss` on one site, and messages to look at."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner, Result

from mss_gateway import compose, config
from mss_gateway.directory import people
from mss_gateway.life import policy, submission
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.submission import Submission
from mss_gateway.message.address import Mailbox, parse_address
from mss_gateway.message.build import Outgoing, OutgoingFile
from mss_gateway.message.build import compose as compose_message
from mss_gateway.queue.worker import Worker
from tests.support.people import InventedPatient, InventedProfessional, patient, professional

DOCTOR: InventedProfessional = professional(0)
PATIENT: InventedPatient = patient(0)
PHARMACY = "pharmacie@mss.example"
SUBJECT = "Compte rendu confidentiel"

SETTINGS = """\
[state]
directory = "state"
[certificates]
key_kind = "p256"
[identity]
password_memory_kib = 64
password_rounds = 1
"""


@dataclass(frozen=True, slots=True)
class Mss:
    """The command line on one site."""

    folder: Path
    app: typer.Typer

    @property
    def config_file(self) -> Path:
        return self.folder / "config.toml"

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(self.app, [*words, "--config", str(self.config_file)])

    def alone(self, *words: str) -> Result:
        """A verb that takes no configuration."""
        return CliRunner().invoke(self.app, list(words))

    def told(self, *words: str, code: int = 0) -> Any:
        """The JSON answer of a verb that ends with this exit code."""
        result = self(*words, "--json")
        assert (result.exit_code, result.stderr) == (code, "")
        return json.loads(result.stdout)

    def refused(self, *words: str, code: int = 1) -> str:
        """The one line on standard error of a verb that answers nothing."""
        result = self(*words)
        assert (result.exit_code, result.stdout) == (code, "")
        assert result.stderr.startswith("mss: ")
        assert result.stderr.count("\n") == 1
        return result.stderr

    @contextmanager
    def gateway(self) -> Iterator[Gateway]:
        opened = compose.build(config.load(self.config_file))
        try:
            yield opened
        finally:
            compose.close(opened)

    def acts(self) -> list[tuple[str, str, str]]:
        """Act, object and verdict of every audit row of the operator."""
        rows = self.told("audit", "tail", "-n", "500")
        return [
            (row["act"], row["object"], row["verdict"])
            for row in rows
            if row["actor"] == "operator"
        ]


def add_patient(one: InventedPatient) -> tuple[str, ...]:
    return (
        *("people", "add", "--type", "PAT", "--ins", one.ins, "--sex", one.sex),
        *("--given-name", one.given_name, "--family-name", one.birth_name),
        *("--birth-date", one.birth_date),
    )


def raw_message(author: str, recipient: str, *files: OutgoingFile) -> bytes:
    """A small message with the files attached."""
    return compose_message(
        Outgoing(
            author=Mailbox("Claire Martin", parse_address(author)),
            recipients=(Mailbox("", parse_address(recipient)),),
            subject=SUBJECT,
            text="Bonjour, vos résultats sont bons.",
            message_id="<1@mss.example>",
            moment=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
            files=files,
        )
    )


def submit(gateway: Gateway, author: str, recipient: str, raw: bytes, *others: str) -> str:
    """Send as the webmail and the submission port do; the message_ref."""
    with gateway.database.read() as view:
        person = people.by_address(view, author)
    assert person is not None
    envelope = policy.Envelope(person, parse_address(author), "submission")
    to = tuple(parse_address(one) for one in (recipient, *others))
    for number, one in enumerate(to):
        policy.at_recipient(gateway, envelope, one, number)
    return submission.accept(gateway, Submission(envelope, to, raw)).message_ref


def work(gateway: Gateway) -> None:
    """What the queue's worker does, until nothing is due."""
    worker = Worker(gateway, threading.Event())
    while worker.run_batch():
        pass
