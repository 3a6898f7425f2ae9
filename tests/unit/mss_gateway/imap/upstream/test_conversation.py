"""Connecting and signing in: verified TLS or no connection, and nobody waits for ever."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from certs.certificate import to_pem
from certs.issuing.issue import Authority, export_for_client
from certs.keyring import PrivateKey
from mss_gateway.imap.upstream.conversation import Account
from mss_gateway.imap.upstream.errors import RemoteLost, RemoteRefused
from mss_gateway.imap.upstream.remote import Remote
from tests.support import foreign_imap
from tests.support.foreign_imap import LOGIN, PASSWORD, Folder, ForeignServer, letters


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A context of a server called localhost, and the authority that a client must believe."""
    folder = tmp_path_factory.mktemp("tls")
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    authority = Authority.create("Ancien opérateur", "p256", now, 1)
    key = PrivateKey.generate("p256")
    made = authority.issue_server(["localhost"], [], key.public_key, now, 1)
    export_for_client(key, (made, *authority.chain), folder / "key.pem", folder / "chain.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    root = folder / "root.pem"
    root.write_bytes(to_pem(authority.root))
    return context, root


def account(former: ForeignServer, tls: ssl.SSLContext | None = None, **more: Any) -> Account:
    return Account("localhost", former.port, LOGIN, PASSWORD, tls, **more)


async def folders_of(wanted: Account) -> list[bytes]:
    """What the login sees, over a whole conversation."""
    remote = await Remote.open(wanted)
    try:
        return [one.name for one in await remote.folders()]
    finally:
        await remote.close()


@pytest.fixture
def secured(trusted: tuple[ssl.SSLContext, Path]) -> ForeignServer:
    return ForeignServer({b"INBOX": Folder(letters(1))}, tls=trusted[0])


@pytest.mark.parametrize("is_starttls", [False, True])
async def test_tls_before_or_after_the_greeting(
    secured: ForeignServer, trusted: tuple[ssl.SSLContext, Path], is_starttls: bool
) -> None:
    secured.is_starttls = is_starttls
    with foreign_imap.serving(secured):
        tls = ssl.create_default_context(cafile=str(trusted[1]))
        assert await folders_of(account(secured, tls, is_starttls=is_starttls)) == [b"INBOX"]
    assert (secured.commands[0] == "STARTTLS") == is_starttls


@pytest.mark.parametrize("is_starttls", [False, True])
async def test_an_authority_that_nobody_knows_is_not_believed(
    secured: ForeignServer, is_starttls: bool
) -> None:
    secured.is_starttls = is_starttls
    with foreign_imap.serving(secured):
        tls = ssl.create_default_context()
        with pytest.raises(RemoteRefused, match="--ca-file"):
            await Remote.open(account(secured, tls, is_starttls=is_starttls))
    assert not any(PASSWORD in one for one in secured.commands)


async def test_a_certificate_for_another_name_is_not_believed(
    secured: ForeignServer, trusted: tuple[ssl.SSLContext, Path]
) -> None:
    with foreign_imap.serving(secured):
        tls = ssl.create_default_context(cafile=str(trusted[1]))
        elsewhere = replace(account(secured, tls), host="127.0.0.1")
        with pytest.raises(RemoteRefused, match="--host"):
            await Remote.open(elsewhere)


async def test_a_server_without_starttls_gets_no_password(former: ForeignServer) -> None:
    tls = ssl.create_default_context()
    with pytest.raises(RemoteRefused, match="STARTTLS"):
        await Remote.open(account(former, tls, is_starttls=True))
    assert former.commands == ["STARTTLS"]


@pytest.mark.parametrize("slipped", ["* CAPABILITY IMAP4rev1 AUTH=PLAIN", "* CAPA{3}"])
async def test_what_is_slipped_in_before_tls_ends_it(
    secured: ForeignServer, trusted: tuple[ssl.SSLContext, Path], slipped: str
) -> None:
    def slip(session: Any, command: str, words: str) -> bool:
        if command != "STARTTLS":
            return False
        session.say(f"{session.tag} OK go\r\n{slipped}")
        return True

    secured.is_starttls = True
    secured.faults.append(slip)
    with foreign_imap.serving(secured):
        tls = ssl.create_default_context(cafile=str(trusted[1]))
        with pytest.raises(RemoteRefused, match="in clear"):
            await Remote.open(account(secured, tls, is_starttls=True))
    assert secured.commands == ["STARTTLS"]


async def test_without_tls_it_goes_to_this_machine_only() -> None:
    with pytest.raises(RemoteRefused, match="without TLS"):
        await Remote.open(Account("imap.ancien.example", 143, LOGIN, PASSWORD, tls=None))


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("localhost", True), ("127.0.0.1", True), ("::1", True), ("127.evil.example", False)],
)
def test_loopback_is_known_by_its_address(host: str, is_loopback: bool) -> None:
    assert Account(host, 143, "a", "b", None).is_loopback == is_loopback


@pytest.mark.parametrize(
    ("capabilities", "verb"),
    [("IMAP4rev1", "LOGIN"), ("IMAP4rev1 AUTH=PLAIN SASL-IR", "AUTHENTICATE")],
)
async def test_a_password_of_any_letters_signs_in(
    former: ForeignServer, capabilities: str, verb: str
) -> None:
    former.capabilities = capabilities
    assert len(await folders_of(account(former))) == 2
    assert len(former.said(verb)) == 1


async def test_a_wrong_password_is_told_in_the_servers_words(former: ForeignServer) -> None:
    with pytest.raises(RemoteRefused, match="AUTHENTICATIONFAILED") as refused:
        await Remote.open(replace(account(former), password="faux"))
    assert "faux" not in str(refused.value)


async def test_a_server_that_takes_no_password_is_not_given_one(former: ForeignServer) -> None:
    former.capabilities = "IMAP4rev1 LOGINDISABLED"
    with pytest.raises(RemoteRefused, match="no password"):
        await Remote.open(account(former))
    assert former.said("LOGIN") == []


@pytest.mark.parametrize(
    "greeting", ["* BYE full", "* PREAUTH somebody", "* NO", "+ OK", "HTTP/1.1 400 no", "\0" * 9]
)
async def test_a_greeting_that_is_none_is_no_connection(
    former: ForeignServer, greeting: str
) -> None:
    former.greeting = greeting
    with pytest.raises(RemoteLost):
        await Remote.open(account(former, patience=0.5))
    assert former.said("LOGIN") == []


async def test_nobody_at_that_port(former: ForeignServer) -> None:
    with pytest.raises(RemoteLost, match="no connection"):
        await Remote.open(replace(account(former), port=1))


def test_an_account_shows_no_password(former: ForeignServer) -> None:
    assert "mot" not in repr(account(former))


def test_a_source_is_the_same_however_it_is_written() -> None:
    one = Account("IMAP.Ancien.example", 993, "lucie", "a", None)
    other = Account("imap.ancien.example", 993, "lucie", "b", None)
    assert one.source(b"inbox") == other.source(b"INBOX")
    assert one.source(b"a") != one.source(b"A")
