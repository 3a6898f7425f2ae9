"""Two real operators of one trust space on loopback, each a `mss demo` in a process of its own."""

import json
import smtplib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import structlog
from typer.testing import CliRunner

from mss_gateway.cli.main import application
from tests.support import demo
from tests.support.demo import Demo

T = TypeVar("T")


@dataclass(slots=True)
class Pair:
    """The operators of mss.example and of ville.example; each knows the other."""

    home: Demo
    town: Demo

    def stop_town(self) -> None:
        """The second operator's service ends as an operator ends it."""
        assert self.town.stop() == 0

    def start_town(self) -> None:
        """It is started again, with everything that it had."""
        self.town = demo.start(self.town.state, self.base_port + demo.NEIGHBOUR)

    @property
    def base_port(self) -> int:
        """The first of the first operator's ports."""
        return int(self.home.told["mx"]["starttls"]) - 25

    def stop(self) -> None:
        """Both, and each drained cleanly."""
        running = [one for one in (self.home, self.town) if one.process.poll() is None]
        assert [one.stop() for one in running] == [0] * len(running)


def start(state: Path) -> Pair:
    """Start both, the first one's state in ``state``."""
    base = demo.free_base_port()
    home = demo.start(state, base)
    try:
        town = demo.start(state.with_name(f"{state.name}-ville"), base + demo.NEIGHBOUR)
    except BaseException:
        home.stop()
        raise
    return Pair(home, town)


def desk(operator: Demo, *words: str) -> tuple[int, Any]:
    """A verb of the operator's command line, beside the server: exit code, and its JSON answer.

    Where nothing is answered, the answer is the line on standard error.
    """
    wanted = [*words, "--json", "--config", operator.told["config"]]
    try:
        result = CliRunner().invoke(application(words[0]), wanted)
    finally:
        structlog.reset_defaults()  # the log went to the runner's standard error
    return result.exit_code, json.loads(result.stdout) if result.stdout else result.stderr


def done(operator: Demo, *words: str) -> Any:
    """The answer of a verb that did what was asked."""
    code, answer = desk(operator, *words)
    assert code == 0, answer
    return answer


@contextmanager
def calling(operator: Demo) -> Iterator[smtplib.SMTP]:
    """A session with the MX of an operator, as the server of the other one."""
    there, context = operator.told["mx"], operator.tls
    context.load_cert_chain(there["peer"]["certificate_file"], there["peer"]["key_file"])
    with smtplib.SMTP("localhost", there["starttls"], timeout=30) as client:
        client.starttls(context=context)
        client.ehlo()
        yield client


def letter(subject: str, text: str = "Bonjour, merci de votre avis.") -> EmailMessage:
    """A message without author and recipient yet."""
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content(text)
    return message


def eventually(ask: Callable[[], T | None], seconds: float = 30.0) -> T:
    """The first answer that is true: the queue works behind the 250."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError("it did not come to pass")
