"""The relay of the notices as the configuration names it; files that are no good are refused."""

import ssl
from pathlib import Path

import pytest

from mss_gateway.compose import notifying
from mss_gateway.config import Config, ConfigRefused, Notices, State
from tests.support.plain_relay import AUTHOR, settings


def of(folder: Path, notices: Notices) -> Config:
    return Config(state=State(directory="."), notices=notices, base=folder)


def test_in_clear_on_this_machine_there_is_no_tls(tmp_path: Path) -> None:
    relay = notifying.relay_of(of(tmp_path, settings(2525)))
    assert (relay.host, relay.port, relay.tls, relay.context) == ("127.0.0.1", 2525, "none", None)
    assert (relay.login, relay.password, relay.reverse_path) == ("", "", AUTHOR)


def test_tls_verifies_name_and_chain_and_shows_nothing(tmp_path: Path) -> None:
    context = notifying.relay_of(of(tmp_path, settings(tls="starttls"))).context
    assert context is not None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_literal_address_is_reached_without_its_brackets(tmp_path: Path) -> None:
    assert notifying.relay_of(of(tmp_path, settings(host="[::1]"))).host == "::1"


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (b"secret\n", 0o640, "open to others"),
        (b"", 0o600, "not an empty one"),
        (b"\n", 0o600, "not an empty one"),
        (b"a\nb\n", 0o600, "one line"),
        (b"\xff\xfe", 0o600, "not UTF-8"),
        (None, 0o600, "No such file"),
    ],
)
def test_a_password_is_a_line_that_nobody_else_reads(
    tmp_path: Path, text: bytes | None, mode: int, said: str
) -> None:
    if text is not None:
        (tmp_path / "relay.password").write_bytes(text)
        (tmp_path / "relay.password").chmod(mode)
    config = of(tmp_path, settings(login="passerelle", password_file="relay.password"))
    with pytest.raises(ConfigRefused, match=said) as refused:
        notifying.relay_of(config)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_authorities_that_cannot_be_read_are_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_bytes(content)
    config = of(tmp_path, settings(tls="tls", ca_file="ca.pem"))
    with pytest.raises(ConfigRefused, match=r"notices\.ca_file"):
        notifying.relay_of(config)
