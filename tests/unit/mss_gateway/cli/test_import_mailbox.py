"""`mss people import-mailbox`: what it takes, what it says, and how it ends."""

import json
import os
import pty
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mailbox_store import accounts, mailboxes
from mailbox_store.database import Transaction
from mss_gateway.cli import import_report
from mss_gateway.directory import people
from mss_gateway.imap.upstream.tally import FolderTally, Tally
from tests.support import foreign_imap
from tests.support.foreign_imap import LOGIN, PASSWORD, Folder, ForeignServer, letters
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, PATIENT, PHARMACY, Mss

VERB = ("people", "import-mailbox")


@pytest.fixture
def former() -> Iterator[ForeignServer]:
    folders = {b"INBOX": Folder(letters(3)), b"Zut* alors": Folder(letters(2), 2)}
    with foreign_imap.serving(ForeignServer(folders)) as serving:
        yield serving


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\r\n", encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture
def words(former: ForeignServer, secret: Path) -> tuple[str, ...]:
    """The command line of a doctor's import from a server on loopback."""
    return (
        *(*VERB, DOCTOR.address, "--host", "127.0.0.1", "--port", str(former.port)),
        *("--insecure-loopback", "--login", LOGIN, "--password-file", str(secret)),
    )


def test_everything_comes_and_is_told(mss: Mss, words: tuple[str, ...]) -> None:
    told = mss.told(*words)
    assert (told["brought"], told["missing"], told["whole"], told["error"]) == (5, 5, True, None)
    assert [(one["folder"], one["here"], one["brought"]) for one in told["folders"]] == [
        ("INBOX", "INBOX", 3),
        ("Zut* alors", "Zut＊ alors", 2),
    ]
    assert told["folders"][1]["name_altered"] is True
    assert mss.told(*words)["brought"] == 0
    with mss.gateway() as gateway, gateway.database.read() as view:
        person = people.by_address(view, DOCTOR.address)
        assert person is not None
        assert mailboxes.find(view, person.account_id, "INBOX").messages == 3


def test_the_same_for_people(mss: Mss, words: tuple[str, ...]) -> None:
    result = mss(*words)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "5 of 5 messages brought, 0.0 MB, from 2 folders." in result.stdout
    assert "1 folders have another name here" in result.stdout


def test_a_dry_run_tells_and_brings_nothing(mss: Mss, words: tuple[str, ...]) -> None:
    acts = mss.acts()
    told = mss.told(*words, "--dry-run")
    assert (told["dry_run"], told["missing"], told["brought"]) == (True, 5, 0)
    assert "5 messages would come from 2 folders." in mss(*words, "--dry-run").stdout
    assert mss.acts() == acts


def test_begin_and_end_are_acts_without_a_name(mss: Mss, words: tuple[str, ...]) -> None:
    mss.told(*words)
    (_, _, begun), (_, about, ended) = mss.acts()[-2:]
    assert begun == "import begun: 2 folders, 5 messages to bring"
    assert ended == "import ended: 2 of 2 folders, 5 messages brought"
    assert about.startswith("account:")


def test_folders_are_chosen_left_and_renamed(mss: Mss, words: tuple[str, ...]) -> None:
    told = mss.told(*words, "--exclude", "INBOX", "--map", "Zut* alors=Reprise/Zut")
    assert [(one["here"], one["brought"]) for one in told["folders"]] == [("Reprise/Zut", 2)]
    assert mss.told(*words, "--folder", "INBOX")["brought"] == 3


@pytest.mark.parametrize("pair", ["x", "=x", "INBOX=", "INBOX=a%", "INBOX=a//b", "INBOX=*"])
def test_a_place_that_is_none_is_wrong_usage(mss: Mss, words: tuple[str, ...], pair: str) -> None:
    result = mss(*words, "--map", pair)
    assert (result.exit_code, result.stdout) == (2, "")


def test_an_unknown_folder_is_refused(mss: Mss, words: tuple[str, ...]) -> None:
    assert "no remote folder Zit" in mss.refused(*words, "--folder", "Zit")


def test_messages_that_stay_behind_are_listed_and_make_the_exit_code_1(
    mss: Mss, former: ForeignServer, words: tuple[str, ...]
) -> None:
    former.folders[b"INBOX"].messages[2].size = 41 * 1024 * 1024
    told = mss.told(*words, code=1)
    assert told["left"] == [
        {"folder": "INBOX", "uid": 2, "why": "larger than limits.message_octets"}
    ]
    assert (told["left_count"], told["whole"], told["brought"]) == (1, False, 4)
    assert "1 messages are not here" in mss(*words).stdout


def test_a_folder_numbered_anew_is_explained(
    mss: Mss, former: ForeignServer, words: tuple[str, ...]
) -> None:
    mss.told(*words)
    former.folders[b"INBOX"].uidvalidity += 1
    result = mss(*words)
    assert result.exit_code == 1
    assert "UIDVALIDITY changed" in result.stdout
    assert mss.told(*words, "--again")["brought"] == 3


def test_a_server_that_goes_for_good_ends_with_3_and_the_report(
    mss: Mss, former: ForeignServer, words: tuple[str, ...]
) -> None:
    former.greeting = "* BYE full"
    result = mss(*words, "--json")
    assert result.exit_code == 3
    assert "run the same command again: it goes on where it stopped" in result.stderr
    assert '"error": "127.0.0.1: it greets with BYE: full"' in result.stdout


def test_a_mailbox_that_is_full_ends_with_1_and_the_report(
    mss: Mss, former: ForeignServer, words: tuple[str, ...]
) -> None:
    with mss.gateway() as gateway:

        def limited(tx: Transaction) -> None:
            person = people.by_address(tx, DOCTOR.address)
            assert person is not None
            octets = sum(len(one.raw) for one in former.folders[b"INBOX"].messages.values())
            accounts.set_quota(tx, person.account_id, octets)

        gateway.database.write(limited)
    result = mss(*words, "--json")
    assert result.exit_code == 1
    assert "`mss people quota`" in result.stderr
    told = json.loads(result.stdout)
    assert [(one["brought"], one["state"]) for one in told["folders"]] == [
        (3, "done"),
        (0, "to do"),
    ]


def test_a_wrong_password_is_refused_in_one_line_without_it(
    mss: Mss, words: tuple[str, ...], secret: Path
) -> None:
    secret.write_text("faux", encoding="utf-8")
    line = mss.refused(*words)
    assert "AUTHENTICATIONFAILED" in line
    assert "faux" not in line


@pytest.mark.parametrize(
    ("octets", "mode", "says"),
    [
        (b"secret", 0o640, "chmod 600"),
        (b"secret", 0o604, "chmod 600"),
        (b"", 0o600, "not an empty one"),
        (b"\n", 0o600, "not an empty one"),
        (b"a\nb\n", 0o600, "one line"),
        (b"\xff", 0o600, "UTF-8"),
    ],
)
def test_a_password_file_is_a_secret_of_one_line(
    mss: Mss, words: tuple[str, ...], secret: Path, octets: bytes, mode: int, says: str
) -> None:
    secret.write_bytes(octets)
    secret.chmod(mode)
    assert says in mss.refused(*words)


def test_a_password_file_that_is_not_there(mss: Mss, words: tuple[str, ...]) -> None:
    assert "nowhere" in mss.refused(*words[:-1], "nowhere", code=3)


def test_without_a_terminal_a_password_file_is_needed(
    mss: Mss, former: ForeignServer, words: tuple[str, ...]
) -> None:
    result = mss(*words[:-2])
    assert result.exit_code == 2
    assert "--password-file" in result.stderr
    assert former.connections == 0


def test_on_a_terminal_the_password_is_asked_for_and_not_shown(
    mss: Mss, words: tuple[str, ...]
) -> None:
    ours, theirs = pty.openpty()
    command = [*words[:-2], "--config", str(mss.config_file)]
    with subprocess.Popen(
        [sys.executable, "-m", "mss_gateway", *command],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
    ) as running:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # which is how a terminal ends
            while part := os.read(ours, 10_000):
                shown += part
                if shown.endswith(b"Password there: "):
                    os.write(ours, PASSWORD.encode() + b"\n")
        out, _ = running.communicate(timeout=60)
    os.close(ours)
    assert running.returncode == 0, shown
    assert b"5 of 5 messages brought" in out
    assert "mot" not in shown.decode("utf-8", "replace")
    assert b"/2" in shown


def test_an_interrupted_import_says_how_to_go_on(
    mss: Mss, former: ForeignServer, words: tuple[str, ...]
) -> None:
    former.faults.append(lambda session, command, given: command == "UID FETCH")
    with subprocess.Popen(
        [sys.executable, "-m", "mss_gateway", *words, "--config", str(mss.config_file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        while not former.said("UID FETCH"):
            assert running.poll() is None
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=120)
    assert (running.returncode, out[:9]) == (1, b"0 of 5 me"), err
    assert b"interrupted; run the same command again" in err
    assert mss.acts()[-1][2] == "import stopped: 0 of 2 folders, 0 messages brought"


def test_tls_is_verified_with_the_file_that_is_named(
    mss: Mss, words: tuple[str, ...], former: ForeignServer, secret: Path
) -> None:
    state = mss.folder / "state"
    mss.told("certs", "issue-server", "--name", "localhost")
    former.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    former.tls.load_cert_chain(state / "tls" / "server.pem", state / "tls" / "server.key")
    safe = (
        *(*VERB, DOCTOR.address, "--host", "localhost", "--port", str(former.port)),
        *("--login", LOGIN, "--password-file", str(secret)),
    )
    assert "--ca-file" in mss.refused(*safe)
    assert mss.told(*safe, "--ca-file", str(state / "pki" / "anchors.pem"))["brought"] == 5
    former.is_starttls = True
    anchors = str(state / "pki" / "anchors.pem")
    assert mss.told(*safe, "--starttls", "--ca-file", anchors)["brought"] == 0


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--starttls",), 2),
        (("--ca-file", "x.pem"), 2),
        (("--host", "imap.ancien.example"), 1),
        (("--host", "a b"), 2),
        (("--port", "0"), 2),
        (("--since", "hier"), 2),
        (("--login", ""), 1),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_sent(
    mss: Mss, former: ForeignServer, words: tuple[str, ...], more: tuple[str, ...], code: int
) -> None:
    result = mss(*words, *more)
    assert (result.exit_code, result.stdout, former.connections) == (code, "", 0)


@pytest.mark.parametrize("written", [None, b"no certificate"])
def test_a_file_of_authorities_is_one(
    mss: Mss, words: tuple[str, ...], tmp_path: Path, written: bytes | None
) -> None:
    path = tmp_path / "ca.pem"
    if written is not None:
        path.write_bytes(written)
    safe = [one for one in words if one != "--insecure-loopback"]
    assert str(path) in mss.refused(*safe, "--ca-file", str(path))


@pytest.mark.parametrize("who", [PATIENT.ins, "personne@mss.example"])
def test_only_a_professional_or_a_service_of_ours_receives(
    mss: Mss, former: ForeignServer, words: tuple[str, ...], who: str
) -> None:
    mss.refused(*VERB, who, *words[3:])
    assert former.connections == 0


def test_a_service_receives(mss: Mss, words: tuple[str, ...]) -> None:
    assert mss.told(*VERB, PHARMACY, *words[3:])["brought"] == 5


def test_two_people_may_bring_the_same_mailbox(mss: Mss, words: tuple[str, ...]) -> None:
    assert mss.told(*words)["brought"] == 5
    assert mss.told(*VERB, PHARMACY, *words[3:])["brought"] == 5


def test_what_came_is_sealed(mss: Mss, former: ForeignServer, words: tuple[str, ...]) -> None:
    former.folders[b"Diabetologie"] = Folder(letters(1), 3)
    former.folders[b"INBOX"].messages[1].flags = "Diabete"
    mss.told(*words)
    kept = b"".join(
        one.read_bytes() for one in (mss.folder / "state").iterdir() if one.name.startswith("store")
    )
    for secret in (b"Diabetologie", b"Diabete", b"texte 1", b"ancien.example", LOGIN.encode()):
        assert secret not in kept


def test_the_bar_moves_with_the_tally(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes it for a terminal
    shown: list[dict[str, Any]] = []
    original = import_report.Progress.update

    def update(self: Any, task: Any, **fields: Any) -> None:
        shown.append(fields)
        original(self, task, **fields)

    monkeypatch.setattr(import_report.Progress, "update", update)
    tally = Tally([FolderTally("Diabète", "x", missing=9), FolderTally("b", "b", state="done")])
    with import_report.bar(tally) as moved:
        tally.folders[0].brought, tally.folders[0].octets = 4, 3_000_000
        moved()
    assert (shown[0]["total"], shown[0]["completed"]) == (9, 4)
    assert (shown[0]["folders"], shown[0]["octets"]) == ("folder 1/2", "3 MB")
    assert "Diabète" not in str(shown)
