"""AUTH with everything that may be shown, and a secretary who writes for the box of the practice.

The dialogues of ``tests/transcripts/smtp/signing_in`` on a gateway with an OpenID provider, with
certificates of programs and with a shared box. Clients 7 to 9 show a certificate.
"""

import asyncio
import base64
import json
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvloop

from certs.certificate import to_pem
from certs.issuing.issue import Authority, export_for_client
from certs.keyring import PrivateKey
from mailbox_store import correspondences
from mss_gateway.config import Mailboxes, Oauth
from mss_gateway.directory import app_passwords, certificates, members, people
from mss_gateway.directory.client_trust import ClientTrust
from mss_gateway.directory.keysets import Keys
from mss_gateway.directory.people import NewPerson, Traits
from mss_gateway.directory.revocation_folder import Lists
from mss_gateway.directory.tokens import Expected, Tokens
from mss_gateway.smtp.connection import PATIENCE
from mss_gateway.smtp.lines import COMMAND_OCTETS
from mss_gateway.smtp.server import SubmissionServer
from policies.people import Standing
from tests.support import openid, smtp_site, transcript
from tests.support.client_certificates import issue
from tests.support.smtp_messages import claim
from tests.support.smtp_site import (
    DUBOIS,
    MARTIN,
    NOW,
    PASSWORD,
    PATIENT,
    PHARMACY,
    SECRETARIAT,
    Client,
    Site,
    plain_claim,
    simple,
)

FOLDER = Path(__file__).parents[1] / "transcripts" / "smtp" / "signing_in"
PROGRAM = "laboratoire@mss.example"
WITH_CERTIFICATE = {"8": "program", "9": "program", "7": "stranger"}


class Published:
    """The provider's keys, as they lie."""

    def read(self) -> bytes:
        return openid.key_set(openid.jwk(openid.ec_key(), "e1"))


@dataclass(frozen=True, slots=True)
class Equipped:
    """A site where everything may be shown."""

    site: Site
    authority: Authority

    def server_tls(self) -> ssl.SSLContext:
        """As ``compose`` makes it where certificates of clients are believed."""
        context = self.site.tls()
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(
            cadata=to_pem(*self.authority.chain, self.authority.root).decode()
        )
        return context

    def client_tls(self, certificate: str = "") -> ssl.SSLContext:
        """A client's side, with one of the certificates of programs."""
        context = self.site.trusting()
        if certificate:
            file = self.site.folder / f"{certificate}.pem"
            context.load_cert_chain(file, file.with_suffix(".key"))
        return context

    def share(self, rights: str = members.RIGHTS, person: str = MARTIN) -> None:
        pair = self.site.person(SECRETARIAT).account_id, self.site.person(person).account_id
        self.site.gateway.database.write(lambda tx: members.grant(tx, *pair, rights))

    def app_password(self) -> str:
        account = self.site.person(MARTIN).account_id
        write = self.site.gateway.database.write
        return write(lambda tx: app_passwords.add(tx, account, "Essai"))[1]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        """The port with TLS from the first octet."""
        tls = self.server_tls()
        server = SubmissionServer(self.site.gateway, tls, PATIENCE, time.monotonic)
        try:
            yield await server.listen("127.0.0.1", 0, is_implicit_tls=True)
        finally:
            server.close()
            await server.drain(2.0)


def _fill(site: Site, authority: Authority) -> None:
    program = NewPerson(PROGRAM, "APP", Traits(entity="Laboratoire"))
    write = site.gateway.database.write
    holder = write(lambda tx: people.add(tx, program, Mailboxes()))
    key = PrivateKey.generate("p256")
    own = site.authority()
    write(lambda tx: certificates.issue(tx, own, holder, key, 700))
    since = datetime.fromtimestamp(min(NOW, time.time()), UTC) - timedelta(hours=1)
    for name, addresses in (("program", [PROGRAM]), ("stranger", ["personne@ailleurs.example"])):
        shown = PrivateKey.generate("p256")
        leaf = issue(authority, shown, addresses, since, days=1_500)
        file = site.folder / f"{name}.pem"
        export_for_client(shown, [leaf, *authority.chain], file.with_suffix(".key"), file)


@pytest.fixture
def equipped(tmp_path: Path) -> Iterator[Equipped]:
    with smtp_site.open_site(tmp_path / "state") as site:
        keys = Keys(Published())
        assert keys.refresh()
        since = datetime.fromtimestamp(min(NOW, time.time()), UTC) - timedelta(days=1)
        authority = Authority.create("Automates de test", "p256", since, 6)
        oauth = Oauth(issuer=openid.ISSUER, audience=openid.AUDIENCE, scope="mss.mail")
        gateway = replace(
            site.gateway,
            config=replace(site.gateway.config, oauth=oauth),
            tokens=Tokens(Expected(openid.ISSUER, openid.AUDIENCE), keys),
            client_trust=ClientTrust((authority.root,), authority, Lists(None)),
        )
        found = Equipped(replace(site, gateway=gateway), authority)
        _fill(found.site, authority)
        found.share()
        found.share(person=PROGRAM)
        yield found


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def variables(equipped: Equipped) -> dict[str, str]:
    """Who there is, and everything that somebody shows in the dialogues."""
    site = equipped.site

    def token(address: str = MARTIN, **more: object) -> str:
        claimed = openid.claims(address, site.clock(), **more)
        return openid.token(claimed, openid.ec_key(), "ES256", "e1")

    def bearer(shown: str) -> str:
        return coded(f"n,a={MARTIN},\1auth={shown}\1\1")

    def xoauth2(shown: str, login: str = MARTIN) -> str:
        return coded(f"user={login}\1auth=Bearer {shown}\1\1")

    def told(**words: str) -> str:
        return coded(json.dumps(words, separators=(",", ":")))

    long = xoauth2(token(groups=["x" * 50] * 60))
    assert 2 * COMMAND_OCTETS < len(long) < 16_000
    app, revoked = equipped.app_password(), equipped.app_password()
    account = site.person(MARTIN).account_id
    site.gateway.database.write(lambda tx: app_passwords.revoke(tx, account, 2))
    configuration = f"{openid.ISSUER}/.well-known/openid-configuration"
    return {
        "martin": MARTIN,
        "dubois": DUBOIS,
        "patient": PATIENT,
        "pharmacy": PHARMACY,
        "secretariat": SECRETARIAT,
        "program": PROGRAM,
        "auth": plain_claim(MARTIN),
        "auth_for_box": plain_claim(MARTIN, authorisation=SECRETARIAT),
        "auth_for_pharmacy": plain_claim(MARTIN, authorisation=PHARMACY),
        "login": claim(MARTIN),
        "login_for_box": claim(f"{SECRETARIAT}*{MARTIN}"),
        "password": claim(PASSWORD),
        "as_martin": coded(MARTIN),
        "as_secretariat": coded(SECRETARIAT),
        "bearer": bearer(f"Bearer {token()}"),
        "bearer_expired": bearer(f"Bearer {token(exp=5)}"),
        "bearer_empty": bearer(""),
        "bearer_told": told(
            **{
                "status": "invalid_token",
                "scope": "mss.mail",
                "openid-configuration": configuration,
            }
        ),
        "xoauth2_long": long,
        "xoauth2_of_box": xoauth2(token(), SECRETARIAT),
        "xoauth2_stranger": xoauth2(token("personne@mss.example")),
        "xoauth2_patient": xoauth2(token(PATIENT), PATIENT),
        "xoauth2_not_shared": xoauth2(token(), PHARMACY),
        "xoauth2_told": told(status="401", schemes="bearer", scope="mss.mail"),
        "auth_app_revoked": plain_claim(MARTIN, revoked),
        "app_password": claim(f" {app.upper().replace('-', ' ')}"),
        "octets_2048": "x" * (2_048 - len("NOOP \r\n") + 1),
        "octets_16384": "x" * 16_384,
    }


async def play(equipped: Equipped, name: str) -> transcript.Transcript:
    dialogue = transcript.load(FOLDER / f"{name}.txt")
    async with equipped.serving() as port:

        async def connect(client: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            tls = equipped.client_tls(WITH_CERTIFICATE.get(client, ""))
            return await asyncio.open_connection(
                "127.0.0.1", port, ssl=tls, server_hostname="localhost"
            )

        await transcript.play(dialogue, connect, variables(equipped))
    return dialogue


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.txt")))
def test_the_dialogue_is_held_on_the_product_s_loop(name: str, equipped: Equipped) -> None:
    if name.startswith("fields"):
        site = equipped.site
        config = site.gateway.config
        config = replace(config, submission=replace(config.submission, fields="refuse"))
        equipped = replace(
            equipped, site=replace(site, gateway=replace(site.gateway, config=config))
        )
    dialogue = uvloop.run(play(equipped, name))
    stored = sum("(?P<stored" in step.text for step in dialogue.steps)
    assert equipped.site.counts()["queued_messages"] == stored
    assert '"level": "error"' not in equipped.site.logged.getvalue()


# a secretary's day


@asynccontextmanager
async def signed_in(equipped: Equipped, port: int, box: str = "") -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=equipped.client_tls(), server_hostname="localhost"
    )
    client = Client(reader, writer)
    try:
        assert (await client.reply()).startswith("220")
        await client.say("EHLO client.example")
        answer = await client.say(f"AUTH PLAIN {plain_claim(MARTIN, authorisation=box)}")
        assert answer.startswith("235")
        yield client
    finally:
        writer.close()


async def begin(client: Client, sender: str = SECRETARIAT) -> str:
    return await client.say(f"MAIL FROM:<{sender}>")


async def finish(client: Client, raw: bytes) -> str:
    assert (await client.say(f"RCPT TO:<{PATIENT}>")).startswith("250")
    assert (await client.say("DATA")).startswith("354")
    return await client.throw(raw + b".\r\n")


@pytest.mark.parametrize("box", ["", SECRETARIAT])
async def test_a_secretary_writes_for_the_practice_until_it_is_taken_back(
    equipped: Equipped, box: str
) -> None:
    site = equipped.site
    pair = site.person(SECRETARIAT).account_id, site.person(MARTIN).account_id
    letter = simple(SECRETARIAT)
    async with equipped.serving() as port, signed_in(equipped, port, box) as client:
        assert (await begin(client)).startswith("250")
        assert (await finish(client, letter)).startswith("250")
        # the right to write is taken while she writes: the message she began is refused too
        assert (await begin(client)).startswith("250")
        equipped.share("lrswikxtea")
        assert (await finish(client, letter)).startswith("553 5.7.1 ")
        assert (await begin(client)).startswith("553 5.7.1 ")
        equipped.share("lrp")
        assert (await begin(client)).startswith("250")
        assert (await client.say("RSET")).startswith("250")
        site.gateway.database.write(lambda tx: members.revoke(tx, *pair))
        assert (await begin(client)).startswith("553 5.7.1 ")
        equipped.share()
        site.stand(SECRETARIAT, Standing.SUSPENDED)
        assert not (await begin(client)).startswith("250")
        site.stand(SECRETARIAT, Standing.ACTIVE)
        site.stand(MARTIN, Standing.SUSPENDED)
        assert not (await begin(client)).startswith("250")
        site.stand(MARTIN, Standing.ACTIVE)
        assert (await begin(client)).startswith("250")
    site.work()
    (kept,) = site.kept(PATIENT)
    assert f"From: Cabinet des Essais <{SECRETARIAT}>\r\n".encode() in kept
    assert MARTIN.encode() not in kept
    with site.gateway.database.read() as view:
        rows = view.sql(
            "SELECT actor, object FROM audit WHERE act IN ('sign-in', 'store') ORDER BY seq"
        ).fetchall()
    actor, behalf = f"account:{pair[1]}", f"as account:{pair[0]}"
    assert {row[0] for row in rows} == {actor}
    assert [behalf in row[1] for row in rows] == [bool(box), True]


async def test_the_patient_answers_the_practice_and_not_the_secretary(equipped: Equipped) -> None:
    """First contact is the box's: the exchange is between it and the patient."""
    site = equipped.site
    async with equipped.serving() as port, signed_in(equipped, port) as client:
        assert (await begin(client)).startswith("250")
        assert (await finish(client, simple(SECRETARIAT))).startswith("250")
    site.work()
    with site.gateway.database.read() as view:
        assert correspondences.state(view, PATIENT, SECRETARIAT) == "OPEN"
        assert correspondences.state(view, PATIENT, MARTIN) is None
