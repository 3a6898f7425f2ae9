"""Signing in to the whole service over real TLS: tokens, client certificates, shared boxes.

On the product's loop, with clients that we did not write: IMAPClient, imaplib.
"""

import asyncio
import imaplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvloop
from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from certs.certificate import from_pem, to_pem
from certs.issuing.issue import Authority, export_for_client
from certs.keyring import PrivateKey
from mailbox_store.database import Transaction
from mss_gateway import compose
from mss_gateway.compose.service import Service
from mss_gateway.config import Certificates, Config, Identity, Listen, Oauth, State, Tls
from mss_gateway.directory import certificates, members, passwords, people
from mss_gateway.directory.people import NewPerson, Traits
from tests.support import openid
from tests.support.client_certificates import issue, lists

DOCTOR, BOX, PROGRAM = (
    "claire.martin@mss.example",
    "pharmacie@mss.example",
    "laboratoire@mss.example",
)
PASSWORD = "mot de passe"
NOW = datetime.now(UTC).replace(microsecond=0)

STATE = Path("state")


@dataclass(frozen=True, slots=True)
class Place:
    """A prepared state directory: its configuration, its people, and who vouches for whom."""

    config: Config
    own: Authority
    outside: Authority
    folder: Path

    def client(self, certificate_file: Path | None = None) -> ssl.SSLContext:
        """The TLS of a client that knows our authority."""
        context = ssl.create_default_context(cadata=to_pem(self.own.root).decode())
        if certificate_file is not None:
            context.load_cert_chain(certificate_file, certificate_file.with_suffix(".key"))
        return context

    def certificate(self, name: str, *addresses: str, authority: Authority | None = None) -> Path:
        """Key and certificate of a client, in files; its chain is sent along."""
        issuer = authority or self.outside
        key, file = PrivateKey.generate("p256"), self.folder / f"{name}.pem"
        shown = issue(issuer, key, addresses, NOW - timedelta(hours=1))
        export_for_client(key, [shown, *issuer.chain], file.with_suffix(".key"), file)
        return file


@pytest.fixture
def place(tmp_path: Path) -> Place:
    state = tmp_path / STATE
    outside = Authority.create("Autorité d'essai", "p256", NOW - timedelta(days=9), 5)
    for folder in (state / "tls", state / "lists"):
        folder.mkdir(parents=True)
    (state / "jwks.json").write_bytes(openid.key_set(openid.jwk(openid.rsa_key(), "k1")))
    (state / "client-anchors.pem").write_bytes(to_pem(outside.root, outside.issuing))
    for number, der in enumerate(lists(outside, [], NOW - timedelta(hours=1))):
        (state / "lists" / f"{number}.crl").write_bytes(der)
    silent = Listen(
        submission_starttls=0,
        submission_tls=0,
        imap_starttls=_free_port(),
        imap_tls=_free_port(),
        webmail=0,
        metrics=0,
    )
    config = Config(
        state=State(directory=str(STATE)),
        listen=silent,
        tls=Tls(client_anchors="client-anchors.pem", client_lists="lists"),
        certificates=Certificates(key_kind="p256"),
        identity=Identity(password_memory_kib=8, password_rounds=1),
        oauth=Oauth(issuer=openid.ISSUER, audience=openid.AUDIENCE, jwks="jwks.json"),
        base=tmp_path,
    )
    own = _prepare(replace(config, tls=Tls(), oauth=Oauth()), state)
    return Place(config, own, outside, tmp_path)


def _prepare(config: Config, state: Path) -> Authority:
    gateway = compose.build(config)
    try:
        kept = gateway.passwords.hash(PASSWORD)

        def fill(tx: Transaction) -> Authority:
            traits = Traits(given_name="Claire", family_name="Martin", entity="Essais")
            for address, kind in ((DOCTOR, "PER"), (BOX, "ORG"), (PROGRAM, "APP")):
                people.add(tx, NewPerson(address, kind, traits), config.mailboxes)
            doctor, box = people.by_address(tx, DOCTOR), people.by_address(tx, BOX)
            assert doctor is not None
            assert box is not None
            passwords.set_password(tx, doctor.account_id, kept)
            members.grant(tx, box.account_id, doctor.account_id, "lrs")
            authority = certificates.load_authority(tx, gateway.spool)
            assert authority is not None
            return authority

        own = gateway.database.write(fill)
    finally:
        compose.close(gateway)
    key = PrivateKey.generate("p256")
    server = own.issue_server(["localhost"], ["127.0.0.1"], key.public_key, NOW, 9)
    export_for_client(key, [server, *own.chain], state / "tls/server.key", state / "tls/server.pem")
    return own


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def served(place: Place, talk: Callable[[int], None]) -> list[tuple[str, str, str]]:
    """Run the service while ``talk(port)`` runs; actor, object and verdict of each sign-in."""
    failed: list[Exception] = []

    def guarded(port: int) -> None:
        try:
            talk(port)
        except Exception as error:
            failed.append(error)  # the loop is to end before the test does

    async def run() -> list[tuple[str, str, str]]:
        service = Service(place.config)
        await service.start()
        try:
            await asyncio.to_thread(guarded, place.config.listen.imap_tls)
            service.gateway.register.stop()
            service.gateway.database.write(lambda tx: None)
            with service.gateway.database.read() as view:
                rows = view.sql(
                    "SELECT actor, object, verdict FROM audit WHERE act = 'sign-in' ORDER BY seq"
                ).fetchall()
            return [(row[0], row[1], row[2]) for row in rows]
        finally:
            await service.stop()

    records = uvloop.run(run())
    if failed:
        raise failed[0]
    return records


def connected(place: Place, port: int, certificate_file: Path | None = None) -> imaplib.IMAP4_SSL:
    return imaplib.IMAP4_SSL(
        "localhost", port, ssl_context=place.client(certificate_file), timeout=10
    )


def account(place: Place, address: str) -> str:
    gateway = compose.build(place.config)
    try:
        with gateway.database.read() as view:
            found = people.by_address(view, address)
            assert found is not None
            return f"account:{found.account_id}"
    finally:
        compose.close(gateway)


def external(client: imaplib.IMAP4_SSL, authorised: str = "") -> None:
    assert client.authenticate("EXTERNAL", lambda _: authorised.encode())[0] == "OK"


# tokens


def test_imapclient_signs_in_with_a_token_both_ways(place: Place) -> None:
    def shown(**more: object) -> str:
        claimed = openid.claims(DOCTOR, datetime.now(UTC).timestamp(), **more)
        return openid.token(claimed)

    def client(port: int) -> IMAPClient:
        opened = IMAPClient("localhost", port, ssl_context=place.client(), timeout=10)
        assert {b"AUTH=XOAUTH2", b"AUTH=OAUTHBEARER"} <= set(opened.capabilities())
        return opened

    def talk(port: int) -> None:
        for sign_in in (
            lambda one: one.oauthbearer_login(DOCTOR, shown()),
            lambda one: one.oauthbearer_login("", shown()),
            lambda one: one.oauth2_login(DOCTOR, shown()),
            lambda one: one.oauth2_login(BOX, shown()),
        ):
            with client(port) as one:
                sign_in(one)
                assert one.select_folder("INBOX")[b"EXISTS"] == 0
        with client(port) as one:
            for refused in (
                lambda: one.oauthbearer_login(DOCTOR, shown(aud="ailleurs")),
                lambda: one.oauth2_login(DOCTOR, shown(exp=5)),
            ):
                with pytest.raises(LoginError, match="AUTHENTICATIONFAILED"):
                    refused()
            one.oauth2_login(DOCTOR, shown())

    records = served(place, talk)
    doctor, box = account(place, DOCTOR), account(place, BOX)
    assert records == [
        *[(doctor, "imap", "permitted")] * 3,
        (doctor, f"imap as {box}", "permitted"),
        *[("unknown", "imap", "refused")] * 2,
        (doctor, "imap", "permitted"),
    ]


# shared boxes


def test_a_member_opens_a_shared_box_with_plain_and_with_login(place: Place) -> None:
    def talk(port: int) -> None:
        client = IMAPClient("localhost", port, ssl_context=place.client(), timeout=10)
        client.plain_login(DOCTOR, PASSWORD, BOX)
        client.logout()
        by_login = connected(place, port)
        by_login.login(f'"{BOX}*{DOCTOR}"', PASSWORD)  # imaplib does not quote by itself
        by_login.logout()

    box = account(place, BOX)
    assert served(place, talk) == [(account(place, DOCTOR), f"imap as {box}", "permitted")] * 2


# certificates


def test_a_program_signs_in_with_its_certificate(place: Place) -> None:
    file = place.certificate("program", PROGRAM)

    def talk(port: int) -> None:
        client = connected(place, port, file)
        assert "AUTH=EXTERNAL" in client.capabilities
        external(client)
        assert client.select("INBOX") == ("OK", [b"0"])
        client.logout()
        named = connected(place, port, file)
        external(named, PROGRAM)
        named.logout()
        stranger = connected(place, port, file)
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            external(stranger, BOX)
        stranger.login(DOCTOR, PASSWORD)  # a certificate is a way to sign in, not the only one
        stranger.logout()

    program, box, doctor = (account(place, one) for one in (PROGRAM, BOX, DOCTOR))
    assert served(place, talk) == [
        *[(program, "imap", "permitted")] * 2,
        (program, f"imap as {box}", "refused"),
        (doctor, "imap", "permitted"),
    ]


def test_a_certificate_is_shown_over_starttls_too(place: Place) -> None:
    file = place.certificate("program", PROGRAM)

    def talk(_: int) -> None:
        client = imaplib.IMAP4("localhost", place.config.listen.imap_starttls, timeout=10)
        assert not any(word.startswith("AUTH=") for word in client.capabilities)
        client.starttls(place.client(file))
        assert "AUTH=EXTERNAL" in client.capabilities
        assert client.authenticate("EXTERNAL", lambda _: b"")[0] == "OK"
        client.logout()

    assert served(place, talk) == [(account(place, PROGRAM), "imap", "permitted")]


def test_who_shows_no_certificate_is_not_offered_external(place: Place) -> None:
    def talk(port: int) -> None:
        client = connected(place, port)
        assert "AUTH=EXTERNAL" not in client.capabilities
        with pytest.raises(imaplib.IMAP4.error, match="CANNOT"):
            external(client)
        client.login(DOCTOR, PASSWORD)
        client.logout()

    served(place, talk)


def test_a_certificate_of_another_authority_ends_in_the_handshake(place: Place) -> None:
    stranger = Authority.create("Autre autorité", "p256", NOW - timedelta(days=9), 5)
    file = place.certificate("stranger", PROGRAM, authority=stranger)

    def talk(port: int) -> None:
        with pytest.raises((ssl.SSLError, OSError, imaplib.IMAP4.abort)):
            connected(place, port, file)

    assert served(place, talk) == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_taken_back_is_refused_on_a_session_that_resumes(
    place: Place, version: ssl.TLSVersion
) -> None:
    """A resumed handshake shows no certificate again: TLS remembers it, and we look each time."""
    file = place.certificate("program", PROGRAM)

    def talk(port: int) -> None:
        context = place.client(file)
        context.maximum_version = version
        first, session = _external_by_hand(context, port, None)
        assert first.startswith(b"a OK")
        again, resumed = _external_by_hand(context, port, session)
        assert again.startswith(b"a OK")
        shown = from_pem(file.read_bytes())[0]
        taken_back = lists(place.outside, [shown], NOW - timedelta(minutes=30))
        for number, der in enumerate(taken_back):
            (place.config.state_directory / "lists" / f"{number}.crl").write_bytes(der)
        last, _ = _external_by_hand(context, port, resumed)
        assert last.startswith(b"a NO [AUTHENTICATIONFAILED]")

    program = account(place, PROGRAM)
    assert served(place, talk) == [
        *[(program, "imap", "permitted")] * 2,
        ("unknown", "imap", "refused"),
    ]


def _external_by_hand(
    context: ssl.SSLContext, port: int, session: ssl.SSLSession | None
) -> tuple[bytes, ssl.SSLSession | None]:
    """Sign in; the tagged answer and the TLS session. With a session, it is resumed."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as line:
            assert line.session_reused is (session is not None)
            reader = line.makefile("rb")
            assert b"AUTH=EXTERNAL" in reader.readline()
            line.sendall(b"a AUTHENTICATE EXTERNAL =\r\n")
            answer = reader.readline()
            reader.close()
            return answer, line.session
