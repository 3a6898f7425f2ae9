"""Programs that people send mail with: swaks, msmtp, curl, nodemailer; each with its own manners.

A :class:`Letter` is handed in and each program is told of it in its own words; what comes back is
its exit code and everything that it said.
"""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.support.demo import Demo
from tests.support.programs import require_program
from tests.support.source_tree import ROOT

NODEMAILER: Final = ROOT / "tests" / "protocol" / "nodemailer"
SECONDS: Final = 90


@dataclass(frozen=True)
class Letter:
    """Who signs in, how, and what is sent. ``author`` is a short name of the demo's.

    ``sender`` and ``password`` are the author's when empty; ``raw`` has CRLF.
    """

    author: str
    recipients: tuple[str, ...]
    raw: bytes
    mechanism: str = "PLAIN"
    is_implicit_tls: bool = False
    sender: str = ""
    password: str = ""
    more: tuple[str, ...] = ()
    """Words of the program's own."""


@dataclass(frozen=True)
class Place:
    """A served demo, and a folder for files."""

    demo: Demo
    folder: Path

    def port(self, letter: Letter) -> int:
        """Where the letter goes in."""
        doors = self.demo.told["submission"]
        return int(doors["tls" if letter.is_implicit_tls else "starttls"])

    @property
    def ca(self) -> str:
        """The file of the authority that vouches for the server."""
        return str(self.demo.told["ca_file"])

    def login(self, letter: Letter) -> tuple[str, str]:
        """Address and password."""
        account = self.demo.accounts[letter.author]
        return account["address"], letter.password or account["password"]

    def sender(self, letter: Letter) -> str:
        """The reverse-path."""
        return letter.sender or self.login(letter)[0]

    def written(self, letter: Letter) -> str:
        """The message in a file."""
        file = self.folder / "message.eml"
        file.write_bytes(letter.raw)
        return str(file)


@dataclass(frozen=True)
class Ended:
    """How a program ended, and what it said on either stream."""

    code: int
    said: str


def _run(words: list[str], content: bytes = b"", **more: str) -> Ended:
    done = subprocess.run(
        words,
        input=content,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS,
        env={**os.environ, "LC_ALL": "C.UTF-8", **more},
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode("utf-8", "replace"))


def swaks(place: Place, letter: Letter) -> Ended:
    """The message from a file."""
    program = require_program("swaks")
    login, password = place.login(letter)
    secured = "--tls-on-connect" if letter.is_implicit_tls else "--tls"
    words = [program, "--server", "localhost", "--port", str(place.port(letter)), secured]
    words += ["--tls-verify", "--tls-ca-path", place.ca]
    words += ["--auth", letter.mechanism, "--auth-user", login, "--auth-password", password]
    words += ["--from", place.sender(letter), "--to", ",".join(letter.recipients), *letter.more]
    return _run(words if letter.more else [*words, "--data", f"@{place.written(letter)}"])


def msmtp(place: Place, letter: Letter) -> Ended:
    """The message on standard input, as from a program that knows sendmail."""
    program = require_program("msmtp")
    login, password = place.login(letter)
    words = [program, "--host=localhost", f"--port={place.port(letter)}", "--tls=on"]
    words += [f"--tls-starttls={'off' if letter.is_implicit_tls else 'on'}"]
    words += [f"--tls-trust-file={place.ca}", f"--auth={letter.mechanism.lower()}"]
    words += [f"--user={login}", "--passwordeval=printenv MSMTP_PASSWORD"]
    words += [f"--from={place.sender(letter)}", *letter.more, "--", *letter.recipients]
    return _run(words, letter.raw.replace(b"\r\n", b"\n"), MSMTP_PASSWORD=password)


def curl(place: Place, letter: Letter) -> Ended:
    """The message uploaded from a file, so that its size is said to the server."""
    program = require_program("curl")
    login, password = place.login(letter)
    scheme = "smtps" if letter.is_implicit_tls else "smtp"
    bearer = letter.mechanism in ("XOAUTH2", "OAUTHBEARER")
    means = ["--oauth2-bearer", password] if bearer else []
    words = [program, "--silent", "--verbose", "--ssl-reqd", "--cacert", place.ca]
    words += ["--url", f"{scheme}://localhost:{place.port(letter)}/curl.example"]
    words += ["--user", login if bearer else f"{login}:{password}", *means]
    words += ["--login-options", f"AUTH={letter.mechanism}", "--mail-from", place.sender(letter)]
    words += [word for one in letter.recipients for word in ("--mail-rcpt", one)]
    words += letter.more
    return _run(words if letter.more else [*words, "--upload-file", place.written(letter)])


def nodemailer(place: Place, letter: Letter) -> Ended:
    """The message as it is, in an envelope of its own."""
    envelope = {"from": place.sender(letter), "to": list(letter.recipients)}
    return _run_node(place, letter, [{"envelope": envelope, "raw": letter.raw.decode()}])


def _run_node(place: Place, letter: Letter, messages: list[dict[str, Any]], pool: int = 0) -> Ended:
    if not (NODEMAILER / "node_modules" / "nodemailer").is_dir():
        require_program("nodemailer, by: npm ci --prefix tests/protocol/nodemailer")
    login, password = place.login(letter)
    auth = {"user": login, "pass": password}
    if letter.mechanism == "XOAUTH2":
        auth = {"type": "OAuth2", "user": login, "accessToken": password}
    told = {
        "port": place.port(letter),
        "secure": letter.is_implicit_tls,
        "ca": place.ca,
        "auth": auth,
        "method": letter.mechanism,
        "pool": pool,
        "messages": messages,
    }
    script = str(NODEMAILER / "send.mjs")
    return _run([require_program("node"), script], json.dumps(told).encode())


@dataclass(frozen=True)
class Sent:
    """What nodemailer tells of a message: whom the server took, whom not and why."""

    accepted: list[str]
    rejected: list[str]
    refusals: list[str]
    response: str


@dataclass(frozen=True)
class Transport:
    """What one transport of nodemailer did."""

    signed_in: int
    sent: list[Sent] = field(default_factory=list)


def transport(
    place: Place, letter: Letter, messages: list[dict[str, Any]], pool: int = 0
) -> Transport:
    """Messages that nodemailer composes, by one transport; none may be refused whole."""
    ended = _run_node(place, letter, messages, pool)
    assert ended.code == 0, ended.said
    told = json.loads(ended.said)
    return Transport(told["signedIn"], [Sent(**one) for one in told["sent"]])


Program = Callable[[Place, Letter], Ended]
PROGRAMS: Final[Mapping[str, Program]] = {
    "swaks": swaks,
    "msmtp": msmtp,
    "curl": curl,
    "nodemailer": nodemailer,
}
