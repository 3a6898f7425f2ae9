"""What mail clients may sign in with, as configured: built whole, or refused with its key named."""

import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.certificate import to_pem
from certs.issuing.issue import Authority, export_for_client
from certs.keyring import PrivateKey
from mss_gateway.compose import sign_in
from mss_gateway.compose.tls import asking_tls, server_tls
from mss_gateway.config import Config, ConfigRefused, Oauth, State, Tls
from mss_gateway.directory.client_trust import ClientTrust
from mss_gateway.directory.revocation_folder import Lists
from tests.support import openid

GOOD = openid.key_set(openid.jwk(openid.ec_key(), "e1"))
NOW = datetime.now(UTC)


def config(folder: Path, oauth: Oauth | None = None, tls: Tls | None = None) -> Config:
    return Config(base=folder, state=State("."), oauth=oauth or Oauth(), tls=tls or Tls())


def oauth(jwks: str = "jwks.json", ca_file: str = "") -> Oauth:
    return Oauth(openid.ISSUER, openid.AUDIENCE, jwks, ca_file, "mssante", "openid mss.mail")


def test_by_default_there_are_passwords_and_nothing_else(tmp_path: Path) -> None:
    assert sign_in.tokens(config(tmp_path)) is None
    assert sign_in.client_trust(config(tmp_path), None) is None


def test_keys_of_a_file_are_there_at_once(tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_bytes(GOOD)
    tokens = sign_in.tokens(config(tmp_path, oauth()))
    assert tokens is not None
    assert [key.kid for key in tokens.keys.current] == ["e1"]
    assert tokens.expected.scope == {"openid", "mss.mail"}
    assert (tokens.expected.issuer, tokens.expected.audience) == (openid.ISSUER, openid.AUDIENCE)
    assert tokens.expected.address_claim == "mssante"


@pytest.mark.parametrize("text", [None, b"", b"{}", b"x" * 300_000])
def test_keys_of_a_file_that_cannot_be_used_refuse_the_start(
    tmp_path: Path, text: bytes | None
) -> None:
    if text is not None:
        (tmp_path / "jwks.json").write_bytes(text)
    with pytest.raises(ConfigRefused, match=r"oauth\.jwks .*jwks\.json cannot be used \("):
        sign_in.tokens(config(tmp_path, oauth()))


def test_keys_of_a_server_come_in_the_background(tmp_path: Path) -> None:
    with openid.serving(tmp_path, GOOD) as published:
        built = sign_in.tokens(config(tmp_path, oauth(published.url, "openid-ca.pem")))
        assert built is not None
        assert built.keys.current == ()
        assert published.asked == 0
        built.keys.start()
        end = time.monotonic() + 10
        while not built.keys.current:
            assert time.monotonic() < end
            time.sleep(0.01)
        built.keys.stop()


@pytest.mark.parametrize("text", [None, b"no certificate"])
def test_authorities_of_that_server_that_cannot_be_read_refuse_the_start(
    tmp_path: Path, text: bytes | None
) -> None:
    if text is not None:
        (tmp_path / "ca.pem").write_bytes(text)
    with pytest.raises(ConfigRefused, match=r"oauth\.ca_file .*ca\.pem cannot be used"):
        sign_in.tokens(config(tmp_path, oauth("https://connexion.example/certs", "ca.pem")))


# client certificates


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create("Autorité d'essai", "p256", NOW - timedelta(days=1), 5)


def test_authorities_of_clients_are_read_from_their_file(
    tmp_path: Path, authority: Authority
) -> None:
    (tmp_path / "clients.pem").write_bytes(to_pem(authority.root, authority.issuing))
    trust = sign_in.client_trust(config(tmp_path, tls=Tls(client_anchors="clients.pem")), None)
    assert trust is not None
    assert trust.authorities == (authority.root, authority.issuing)


@pytest.mark.parametrize("kind", ["absent", "empty", "without a root"])
def test_authorities_of_clients_that_cannot_work_refuse_the_start(
    tmp_path: Path, authority: Authority, kind: str
) -> None:
    if kind != "absent":
        text = b"" if kind == "empty" else to_pem(authority.issuing)
        (tmp_path / "clients.pem").write_bytes(text)
    with pytest.raises(ConfigRefused, match=r"tls\.client_anchors .*clients\.pem cannot be used"):
        sign_in.client_trust(config(tmp_path, tls=Tls(client_anchors="clients.pem")), None)


def test_imap_asks_for_a_certificate_only_where_some_are_believed(
    tmp_path: Path, authority: Authority
) -> None:
    key = PrivateKey.generate("p256")
    server = authority.issue_server(["localhost"], [], key.public_key, NOW, 9)
    export_for_client(key, [server], tmp_path / "server.key", tmp_path / "server.pem")
    configured = config(tmp_path, tls=Tls("server.pem", "server.key"))
    trust = ClientTrust((authority.root, authority.issuing), None, Lists(None))
    assert server_tls(configured).verify_mode is ssl.CERT_NONE
    assert asking_tls(configured, None).verify_mode is ssl.CERT_NONE
    asking = asking_tls(configured, trust)
    assert asking.verify_mode is ssl.CERT_OPTIONAL
    assert len(asking.get_ca_certs()) == 2
    assert asking.minimum_version is ssl.TLSVersion.TLSv1_2
