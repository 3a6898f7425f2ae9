"""`mss serve`: a configuration that cannot be used refuses the start, in one line, with code 3.

Each line names the key at fault (or the line of the file) and says what to do.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.certificate import to_pem
from certs.issuing.issue import Authority, export_for_client
from certs.keyring import PrivateKey
from mss_gateway.cli import serve
from mss_gateway.compose import starting
from mss_gateway.compose.service import Service
from tests.support import served_state
from tests.support.source_tree import ROOT

TODAY = datetime.now(UTC).replace(microsecond=0)


class Started(Exception):
    """What should have been refused was taken."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    async def started(_service: Service) -> None:
        raise Started

    monkeypatch.setattr(serve, "_announce", started)
    served_state.copy_to(tmp_path)
    return tmp_path


def refusal(place: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that the start was refused with."""
    capsys.readouterr()
    assert serve.run(place / "config.toml") == serve.REFUSED == 3
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("{")]
    assert len(lines) == 1, lines
    assert lines[0].startswith("mss: ")
    return lines[0]


def configure(place: Path, more: str) -> None:
    served_state.write(place, more, served_state.free_ports())


def state(place: Path) -> Path:
    return place / "var" / "mss"


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("colour = 1", "colour"),
        ("[listening]", "listening"),
        ("[relay]\nroute = []", "relay.route;known here"),
        ("[whitelist]\nstale = 1", "whitelist.stale;known here"),
        ("[site]\ndomains = 'mss.example'", "site.domains;list of texts"),
        ("[site]\ndomains = []", "site.domains;at least one"),
        ("[site]\ndomains = ['MSS.example']", "site.domains;lower case"),
        ("[site]\npatient_domain = 'mss.example'", "site.patient_domain"),
        ("[state]\ndirectory = ''", "state.directory"),
        ("[tls]\ncertificate = 1", "tls.certificate;str, not int"),
        ("[tls]\nclient_lists = 'lists'", "tls.client_lists;tls.client_anchors"),
        ("[limits]\nrecipients = -1", "limits.recipients;at least 1"),
        ("[limits]\nrecipients = 2001", "limits.recipients;at most"),
        ("[limits]\nfree_octets = 0", "limits.free_octets;at least 1"),
        ("[limits]\nmessage_octets = 1", "limits.patient_message_octets"),
        ("[limits]\naccount_octets = 1", "limits.account_octets"),
        ("[whitelist]\nstale_hours = -1", "whitelist.stale_hours;at least"),
        ("[whitelist]\nalarm_hours = 0", "whitelist.alarm_hours;at least"),
        ("[whitelist]\nalarm_hours = 73", "whitelist.alarm_hours;stale_hours"),
        ("[whitelist]\npatient_label = 'a.b'", "whitelist.patient_label"),
        ("[whitelist]\noperator_element = 'a b'", "whitelist.operator_element"),
        ("[whitelist]\noperators = ['Ville ville.example']", "whitelist.operators;written"),
        ("[whitelist]\noperators = ['Ville:']", "whitelist.operators;written"),
        ("[whitelist]\noperators = ['A: x.example', 'B: x.example']", "whitelist.operators;two"),
        ("[whitelist]\noperators = ['A: X.example']", "whitelist.operators;lower case"),
        ("[relay]\nroutes = ['ville.example']", "relay.routes;host:port"),
        ("[relay]\nroutes = ['ville.example mx.ville.example']", "relay.routes;host:port"),
        ("[relay]\nroutes = ['ville.example mx.ville.example:0']", "relay.routes;host:port"),
        ("[relay]\nroutes = ['Ville.example mx:25']", "relay.routes;lower case"),
        ("[relay]\nroutes = ['* a:25', '* b:25']", "relay.routes;two routes"),
        ("[relay]\nresolvers = ['ns.example']", "relay.resolvers;IP address"),
        ("[relay]\nport = 0", "relay.port"),
        ("[relay]\nconnections_per_destination = 0", "relay.connections_per_destination"),
        ("[relay]\nmessages_per_connection = 0", "relay.messages_per_connection"),
        ("[relay]\ndkim_selector = 'a b'", "relay.dkim_selector"),
        ("[relay]\nverify_dkim = true\ndns = false", "relay.verify_dkim"),
        ("[relay]\ndns = 'yes'", "relay.dns;bool, not str"),
        ("[queue]\nexpiry_hours = 0", "queue.expiry_hours"),
        ("[queue]\nexpiry_hours = 161", "queue.expiry_hours is at most 160"),
        ("[queue]\nnotice_hours = 121", "queue.notice_hours;expiry_hours"),
        ("[submission]\nfields = 'ignore'", "submission.fields;repair, refuse"),
        ("[health]\ndrain_seconds = 0", "health.drain_seconds;at least"),
        ("[health]\ndrain_seconds = 301", "health.drain_seconds;at most"),
        ("[web", "config.toml"),
    ],
)
def test_values_that_cannot_be_used(
    place: Path, capsys: pytest.CaptureFixture[str], more: str, named: str
) -> None:
    configure(place, more)
    line = refusal(place, capsys)
    assert all(part in line for part in named.split(";")), line


def test_an_mx_without_authorities_of_its_peers(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served_state.write(place, "", served_state.free_ports() | {"mx": 2525})
    line = refusal(place, capsys)
    assert "listen.mx" in line
    assert "tls.peer_anchors" in line


def test_one_port_for_two(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ports = served_state.free_ports()
    served_state.write(place, "", ports | {"webmail": ports["metrics"]})
    assert "the same port" in refusal(place, capsys)


def test_a_file_that_is_not_there(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "config.toml").unlink()
    assert "--config" in refusal(place, capsys)


# what the files say


def other_certificate(place: Path) -> None:
    authority = Authority.create("Ailleurs", "p256", TODAY, 1)
    key = PrivateKey.generate("p256")
    made = authority.issue_server(["localhost"], [], key.public_key, TODAY, 30)
    (state(place) / "tls" / "server.pem").write_bytes(to_pem(made))


def leaf_file(place: Path) -> None:
    """Certificates, none of which ends a path."""
    authority = Authority.create("Ailleurs", "p256", TODAY, 1)
    (state(place) / "leaf.pem").write_bytes(to_pem(authority.issuing))


def no_pem(place: Path) -> None:
    (state(place) / "empty.pem").write_text("rien", "ascii")


def nothing(_place: Path) -> None:
    """The file that the configuration names is not there."""


@pytest.mark.parametrize(
    ("spoil", "more", "named"),
    [
        (other_certificate, "", "tls.certificate;tls.key;issue-server"),
        (lambda p: (state(p) / "tls/server.pem").unlink(), "", "tls.certificate;issue-server"),
        (lambda p: (state(p) / "tls/server.key").unlink(), "", "tls.key;issue-server"),
        (lambda p: (state(p) / "tls/server.key").write_text("x"), "", "tls.key;issue-server"),
        (lambda p: (state(p) / "tls/server.key").chmod(0o644), "", "tls.key;644;chmod 600"),
        (lambda p: (state(p) / "root.key").chmod(0o644), "", "state.root_key;644;chmod 600"),
        (lambda p: (state(p) / "root.key").chmod(0o640), "", "state.root_key;chmod 600"),
        (lambda p: (state(p) / "root.key").unlink(), "", "root.key;restore"),
        (lambda p: (state(p) / "root.key").write_text("x"), "", "state.root_key"),
        (lambda p: (state(p) / "pki/anchors.pem").unlink(), "", "certificates.anchors"),
        (lambda p: (state(p) / "pki/anchors.pem").write_text("x"), "", "certificates.anchors"),
        (lambda p: (state(p) / "store.db").write_bytes(b"x" * 4096), "", "state.directory;doctor"),
        (
            lambda p: (p / "file").touch(),
            "[state]\ndirectory = 'file'",
            "state.directory;no folder",
        ),
        (lambda p: (p / "file").touch(), "[state]\ndirectory = 'file/a'", "state.directory|tls"),
        (nothing, "[tls]\npeer_anchors = 'peers.pem'", "tls.peer_anchors;PEM"),
        (no_pem, "[tls]\npeer_anchors = 'empty.pem'", "tls.peer_anchors;PEM"),
        (leaf_file, "[tls]\npeer_anchors = 'leaf.pem'", "tls.peer_anchors;self-signed;root"),
        (nothing, "[tls]\nclient_anchors = 'c.pem'", "tls.client_anchors;PEM"),
        (leaf_file, "[tls]\nclient_anchors = 'leaf.pem'", "tls.client_anchors;self-signed"),
        (nothing, "[whitelist]\nsigner = 'signer.pem'", "whitelist.signer;PEM"),
        (nothing, "[revocation]\nlists = 'lists'", "revocation.lists;make it"),
        (nothing, "[revocation]\nca_file = 'ca.pem'", "revocation.ca_file"),
    ],
)
def test_files_that_do_not_fit(
    place: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], object],
    more: str,
    named: str,
) -> None:
    configure(place, more)
    spoil(place)
    line = refusal(place, capsys)
    for part in named.split(";"):
        assert any(each in line for each in part.split("|")), line


def test_a_state_directory_that_others_own(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # the account of CI may write everywhere: only the kernel's answer can be put in its place
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    line = refusal(place, capsys)
    assert "state.directory" in line
    assert "mode 0700" in line


@pytest.mark.parametrize("key", served_state.PORTS)
def test_a_port_that_is_taken(place: Path, capsys: pytest.CaptureFixture[str], key: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        served_state.write(place, "", served_state.free_ports() | {key: port})
        line = refusal(place, capsys)
    assert f"listen.{key}: port {port} is taken" in line


def test_a_state_that_another_process_serves(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = starting.Lock(state(place))
    try:
        assert "served by another process" in refusal(place, capsys)
    finally:
        lock.release()


def test_a_lock_that_a_killed_process_left_behind_is_nobodys(place: Path) -> None:
    (state(place) / starting.LOCK).touch()
    with pytest.raises(Started):
        serve.run(place / "config.toml")


def test_a_refused_start_leaves_the_state_to_the_next_one(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = {"metrics": other.getsockname()[1]}
        served_state.write(place, "", served_state.free_ports() | taken)
        refusal(place, capsys)
    configure(place, "")
    with pytest.raises(Started):
        serve.run(place / "config.toml")


@pytest.mark.parametrize(
    ("begins", "event"), [(-40, "server certificate has ended"), (9, "is not valid yet")]
)
def test_a_server_certificate_out_of_its_time_is_told_and_served(
    place: Path, capsys: pytest.CaptureFixture[str], begins: int, event: str
) -> None:
    at = TODAY + timedelta(days=begins)
    authority = Authority.create("Ici", "p256", at - timedelta(days=1), 1)
    key = PrivateKey.generate("p256")
    made = authority.issue_server(["localhost"], [], key.public_key, at, 30)
    shutil.rmtree(state(place) / "tls")
    (state(place) / "tls").mkdir()
    files = state(place) / "tls" / "server.key", state(place) / "tls" / "server.pem"
    export_for_client(key, [made], *files)
    with pytest.raises(Started):
        serve.run(place / "config.toml")
    assert event in capsys.readouterr().err


@pytest.mark.parametrize(
    ("written", "instead", "line"),
    [
        ("[identity]", "[relay]\nport = 0\n[identity]", "relay.port is not a port"),
        (
            "[listen]",
            "[listen]\nhost = '192.0.2.1'",
            "listen.host: 192.0.2.1 is no address of this machine: name one, or 0.0.0.0 for all",
        ),
    ],
)
def test_the_process_ends_with_the_code_of_the_system(
    place: Path, written: str, instead: str, line: str
) -> None:
    text = (place / "config.toml").read_text("utf-8")
    (place / "config.toml").write_text(text.replace(written, instead), "utf-8")
    command = [sys.executable, "-m", "mss_gateway", "serve", "--config"]
    ran = subprocess.run(
        [*command, str(place / "config.toml")], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == f"mss: {line}\n"
