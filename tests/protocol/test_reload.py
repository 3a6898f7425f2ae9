"""SIGHUP: what may change is taken by what comes next, the rest waits, nonsense changes nothing."""

import signal
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from certs.certificate import from_der
from tests.protocol.test_draining import line, probe, say, signed_in
from tests.support import served_state
from tests.support.served_state import AUTHOR, PASSWORD, Served
from tests.support.source_tree import ROOT

BY_TLS = ("submission_tls", "imap_tls", "webmail")
REFUSED = "mss: not reloaded, the former configuration stays: "


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_state.serving(tmp_path_factory.mktemp("served")) as started:
        yield started


@pytest.fixture
def served(running: Served) -> Iterator[Served]:
    yield running
    reload(running, "")


def reload(served: Served, more: str, ports: dict[str, int] | None = None) -> str:
    """Change the configuration, and say so; what the service says of it."""
    served_state.write(served.folder, more, ports or served.ports)
    before = len(served.said)
    served.signal(signal.SIGHUP)
    served.until(lambda: '"configuration re' in served.said[before:])
    return served.said[before:]


def issue(served: Served) -> None:
    """Another certificate in the place of the one that is served, as an operator does it."""
    folder = served.state / "tls"
    for name in ("server.pem", "server.key"):
        (folder / name).rename(folder / f"former-{name}")
    command = [sys.executable, "-m", "mss_gateway", "certs", "issue-server"]
    command += ["--config", str(served.config_file), "--name", "localhost", "--ip", "127.0.0.1"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)


def shown(served: Served, name: str) -> int:
    """The serial number of the certificate that a listener shows in a new handshake."""
    with line(served, name) as connection:
        der = connection.getpeercert(binary_form=True)
    assert der is not None
    return from_der(der).serial_number


def offered(connection: ssl.SSLSocket) -> bytes:
    """What EHLO says."""
    return say(connection, b"EHLO client.example\r\n", b"250 ")


def test_new_handshakes_show_the_new_certificate_and_old_connections_go_on(served: Served) -> None:
    former = shown(served, "submission_tls")
    with line(served, "submission_tls") as connection:
        signed_in(connection)
        issue(served)
        assert shown(served, "submission_tls") == former, "nothing changes before the signal"
        assert '"count": 0' in reload(served, ""), "no key changed: the files did"
        assert say(connection, b"NOOP\r\n", b"250 ")
    serials = {name: shown(served, name) for name in BY_TLS}
    assert former not in serials.values()
    assert len(set(serials.values())) == 1


def test_limits_change_for_what_comes_next(served: Served) -> None:
    with line(served, "submission_tls") as connection:
        say(connection, b"", b"220 ")
        assert b"SIZE 41943040\r\n" in offered(connection)
        told = reload(served, "[limits]\nmessage_octets = 30000000\n")
        assert '"configuration reloaded"' in told
        assert b"SIZE 30000000\r\n" in offered(connection)
    with line(served, "imap_tls") as connection:
        say(connection, b"", b"* OK")
        say(connection, f"a LOGIN {AUTHOR} {PASSWORD}\r\n".encode(), b"a OK")
        assert b"APPENDLIMIT=30000000" in say(connection, b"b CAPABILITY\r\n", b"b OK")


def test_what_wants_a_restart_is_named_and_keeps_its_value(served: Served) -> None:
    ports = served.ports | {"metrics": served_state.free_ports()["metrics"]}
    more = "[site]\nhostname = 'other.example'\n[limits]\nrecipients = 7\n"
    told = reload(served, more, ports)
    (named,) = [each for each in told.splitlines() if each.startswith("mss: ")]
    assert named.endswith("keep their value: site.hostname, listen.metrics")
    assert probe(served, "/live")[0] == 200
    with line(served, "submission_tls") as connection:
        assert say(connection, b"", b"\r\n").startswith(b"220 localhost ")


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("[limits]\nmessage_octets = 'many'\n", "limits.message_octets"),
        ("[limits]\nmessage_octets = 30000000\n[relay]\nroutes = ['x']\n", "relay.routes"),
        ("[limits]\nmessage_octets = 30000000\n[tls]\nkey = 'none.key'\n", "tls.key"),
    ],
)
def test_a_wrong_file_changes_nothing(served: Served, more: str, named: str) -> None:
    told = reload(served, more)
    (refused,) = [each for each in told.splitlines() if each.startswith("mss: ")]
    assert refused.startswith(REFUSED)
    assert named in refused
    with line(served, "submission_tls") as connection:
        say(connection, b"", b"220 ")
        assert b"SIZE 41943040\r\n" in offered(connection)
    assert probe(served, "/ready")[0] == 200


def test_files_that_do_not_fit_each_other_leave_the_former_ones_served(served: Served) -> None:
    former = shown(served, "imap_tls")
    issue(served)
    folder = served.state / "tls"
    (folder / "server.key").rename(folder / "next-server.key")
    (folder / "former-server.key").rename(folder / "server.key")
    try:
        assert REFUSED in reload(served, "")
        assert {shown(served, name) for name in BY_TLS} == {former}
    finally:
        (folder / "next-server.key").replace(folder / "server.key")


def test_a_scraper_reads_every_metric_with_its_help(served: Served) -> None:
    with line(served, "imap_tls") as connection:
        say(connection, b"", b"* OK")
        url = f"http://127.0.0.1:{served.ports['metrics']}/metrics"
        with urllib.request.urlopen(url, timeout=30) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
    assert all(each.documentation and each.name.startswith("mss_") for each in families)
    samples = {
        (one.name, *sorted(one.labels.items())): one.value
        for each in families
        for one in each.samples
    }
    assert samples["mss_connections", ("protocol", "imap")] == 1
    assert samples["mss_loop_lag_seconds",] >= 0
    assert samples["mss_server_certificate_days",] > 200
    assert samples["mss_whitelist_age_hours",] == -1
    assert samples["mss_threads",] > 4
