"""A small real gateway: real store and sealing, cheap Argon2, a throw-away authority, people.

``open_site`` copies a state directory that is made once a session, so that each test has a fresh
gateway for a few milliseconds. The queue has no thread here: ``Site.work`` runs what is due.
"""

import asyncio
import atexit
import base64
import contextlib
import io
import shutil
import ssl
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

from certs import anchors
from certs.certificate import Certificate, to_pem
from certs.issuing.issue import Authority, export_for_client
from certs.keyring import PrivateKey, Signer
from certs.sealing import RootKey, Sealing
from certs.usage import Purpose
from mailbox_store import changes, mailboxes
from mailbox_store.database import Database, Transaction
from mss_gateway.bridge import Bridge
from mss_gateway.compose import believing
from mss_gateway.config import Certificates, Config, Identity, Limits, State
from mss_gateway.directory import certificates, passwords, people
from mss_gateway.directory.account_throttle import AccountThrottle
from mss_gateway.directory.certificates import Cabinet
from mss_gateway.directory.notary import Notary
from mss_gateway.directory.passwords import Passwords
from mss_gateway.directory.people import NewPerson, Person, Traits
from mss_gateway.directory.remembered import Remembered
from mss_gateway.directory.revocation import Kept
from mss_gateway.directory.throttle import Throttle
from mss_gateway.directory.trust import Trust
from mss_gateway.dossier.render import Renderer
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.policy import Envelope
from mss_gateway.life.submission import Submission
from mss_gateway.message.address import parse_address
from mss_gateway.observability import log, metrics
from mss_gateway.observability.register import Register
from mss_gateway.observability.sparing import Sparing
from mss_gateway.queue import spooled
from mss_gateway.queue.clock import QueueClock
from mss_gateway.queue.worker import Worker
from mss_gateway.smtp.connection import PATIENCE, Patience
from mss_gateway.smtp.server import SubmissionServer
from policies.people import Standing
from tests.support.people import DOMAIN, PAT_TROIS, patient, professional

NOW = 1_790_000_000.0
PASSWORD = "mot de passe de test"

MARTIN = professional(0).address
BERNARD = professional(1).address
"""Keeps his keys in his own client."""
DUBOIS = professional(2).address
"""Wants the gateway to file what she sends (``sent_copy = "server"``)."""
SECRETARIAT = f"secretariat@{DOMAIN}"
PHARMACY = f"pharmacie@{DOMAIN}"
POSTMASTER = f"postmaster@{DOMAIN}"

PATIENT = PAT_TROIS.address
OTHER_PATIENT = patient(0).address
UNVISITED = patient(1).address
"""A space that exists and was never visited: it receives."""
OPPOSED, CLOSED, SUSPENDED = (patient(order).address for order in (2, 3, 4))
NO_SUCH_PATIENT = patient(5).address

OPENS_ENVELOPES = (BERNARD, DUBOIS, PATIENT)
"""Have RSA keys, which envelopes want; the others sign faster with elliptic curves."""

LIMITS = Limits(
    message_octets=60_000,
    patient_message_octets=40_000,
    recipients=5,
    bodies_in_flight_octets=1_000_000,
    connections_per_address=8,
)

TABLES = (
    "queued_messages",
    "queue_items",
    "blobs",
    "blob_chunks",
    "messages",
    "entries",
    "deliveries",
    "correspondences",
)
"""Where a refused message could have left something half-done."""


@dataclass(slots=True)
class Clock:
    """Time that passes when a test says so."""

    seconds: float = NOW

    def __call__(self) -> float:
        """Unix seconds; two milliseconds later each time, so that references have an order."""
        self.seconds += 0.002
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds


@dataclass(frozen=True, slots=True)
class Site:
    """A gateway with its people; nothing listens yet."""

    gateway: Gateway
    clock: Clock
    folder: Path
    logged: io.StringIO
    worker: Worker = field(repr=False)

    def person(self, address: str) -> Person:
        """The holder of an address."""
        with self.gateway.database.read() as view:
            found = people.by_address(view, address)
        assert found is not None
        return found

    def stand(self, address: str, standing: Standing) -> None:
        """Suspend, close or reactivate somebody."""
        account_id = self.person(address).account_id
        self.gateway.database.write(lambda tx: people.set_standing(tx, account_id, standing))

    def execute(self, statement: str, parameters: tuple[object, ...] = ()) -> None:
        """Do to the store what no code of ours does."""

        def work(tx: Transaction) -> None:
            tx.sql(statement, parameters)

        self.gateway.database.write(work)

    def submission(
        self, author: str, recipients: tuple[str, ...], raw: bytes, channel: str = "submission"
    ) -> Submission:
        """A submission as a session would build it."""
        holder = self.person(author)
        envelope = Envelope(holder, parse_address(author), channel)
        return Submission(envelope, tuple(parse_address(one) for one in recipients), raw)

    def work(self) -> int:
        """Run the stages of what is due until nothing is; how many items were run."""
        total = 0
        while count := self.worker.run_batch():
            total += count
        return total

    def kept(self, address: str, name: str = "INBOX") -> list[bytes]:
        """The messages of a mailbox, oldest first, whole."""
        holder = self.person(address)
        with self.gateway.database.read() as view:
            mailbox = mailboxes.find(view, holder.account_id, name)
            return [
                changes.read_body(view, holder.account_id, row.message_id)
                for row in changes.rows(view, holder.account_id, mailbox.mailbox_id, 1, 2**31)
            ]

    def counts(self) -> dict[str, int]:
        """Rows of every table that a message touches."""
        with self.gateway.database.read() as view:
            return {
                name: int(view.sql(f"SELECT count(*) FROM {name}").scalar_one()) for name in TABLES
            }

    def acts(self, act: str) -> list[str]:
        """The verdicts of the audit rows of one act, oldest first."""
        with self.gateway.database.read() as view:
            rows = view.sql("SELECT verdict FROM audit WHERE act = ? ORDER BY seq", (act,))
            return [row[0] for row in rows]

    def client_signer(self, address: str) -> Signer:
        """The signer that somebody has in their own client."""
        key = PrivateKey.load_pem(self.folder / f"{address}.key")
        with self.gateway.database.read() as view:
            held = certificates.of_account(view, self.person(address).account_id)[0]
        return Signer(key, held.certificate, self.authority().chain)

    def authority(self) -> Authority:
        """The throw-away authority."""
        with self.gateway.database.read() as view:
            authority = certificates.load_authority(view, self.gateway.spool)
        assert authority is not None
        return authority

    def certificate(self, address: str) -> Certificate:
        """The newest certificate of somebody."""
        with self.gateway.database.read() as view:
            return certificates.of_account(view, self.person(address).account_id)[0].certificate

    def tls(self) -> ssl.SSLContext:
        """The server's side of TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        return context

    def trusting(self) -> ssl.SSLContext:
        """A client's side of TLS."""
        return ssl.create_default_context(cafile=str(self.folder / "anchors-tls.pem"))


def _people() -> list[NewPerson]:
    found = []
    kinds = (("gateway", "client"), ("client", "client"), ("gateway", "server"))
    for order, (smime, copy) in enumerate(kinds):
        who = professional(order)
        traits = Traits(who.title, who.given_name, who.family_name, rpps=who.rpps)
        found.append(NewPerson(who.address, "PER", traits, smime=smime, sent_copy=copy))
    found.append(NewPerson(SECRETARIAT, "ORG", Traits(entity="Cabinet des Essais")))
    pharmacy = Traits(entity="Pharmacie des Essais")
    found.append(NewPerson(PHARMACY, "ORG", pharmacy, accepts_patient_initiated=True))
    found.append(NewPerson(POSTMASTER, "ORG", Traits(entity="Exploitation")))
    standings = {
        PATIENT: Standing.ACTIVE,
        OTHER_PATIENT: Standing.ACTIVE,
        UNVISITED: Standing.CREATED,
        OPPOSED: Standing.OPPOSED,
        CLOSED: Standing.CLOSED,
        SUSPENDED: Standing.SUSPENDED,
    }
    for address, standing in standings.items():
        traits = Traits(given_name="Camille", family_name="Exemple")
        found.append(NewPerson(address, "PAT", traits, sent_copy="server", standing=standing))
    return found


def make_template(folder: Path) -> None:
    """Everything that costs time: keys, schema, authority, people with certificates."""
    folder.mkdir(parents=True)
    root = RootKey.create(folder / "root.key")
    database = Database.open(f"sqlite:///{folder / 'store.db'}", Sealing(root), clock=lambda: NOW)
    try:
        _fill(folder, database)
    finally:
        database.close()


def _fill(folder: Path, database: Database) -> None:
    moment = datetime.fromtimestamp(NOW, UTC)
    spool = database.write(spooled.spool_account)
    authority = Authority.create("Operateur de test", "p256", moment, 5)
    (folder / "anchors.pem").write_bytes(to_pem(authority.root))
    database.write(lambda tx: certificates.keep_authority(tx, spool, authority))
    key = PrivateKey.generate("p256")
    # a client's TLS looks at the real clock
    today = datetime.now(UTC)
    real = Authority.create("TLS de test", "p256", today, 1)
    server = real.issue_server(["localhost"], ["127.0.0.1"], key.public_key, today, 30)
    export_for_client(key, [server, *real.chain], folder / "server.key", folder / "server.pem")
    (folder / "anchors-tls.pem").write_bytes(to_pem(real.root))
    password = Passwords(8, 1).hash(PASSWORD)
    for new in _people():
        own = PrivateKey.generate("rsa-2048" if new.address in OPENS_ENVELOPES else "p256")
        database.write(partial(_add, new=new, authority=authority, key=own, password=password))
        if new.smime == "client":
            export_for_client(own, [], folder / f"{new.address}.key", folder / f"{new.address}.pem")


def _add(
    tx: Transaction, *, new: NewPerson, authority: Authority, key: PrivateKey, password: str
) -> None:
    person = people.add(tx, new, Config().mailboxes)
    passwords.set_password(tx, person.account_id, password)
    certificates.issue(tx, authority, person, key, 700)


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="mss-site-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_template(folder / "state")
    return folder / "state"


@contextmanager
def open_site(folder: Path, limits: Limits = LIMITS) -> Iterator[Site]:
    """A fresh gateway in ``folder``, closed at the end."""
    shutil.copytree(_template(), folder, dirs_exist_ok=True)
    clock, logged = Clock(), io.StringIO()
    log.configure(logged)
    config = Config(
        base=folder.parent,
        state=State(directory=folder.name),
        certificates=Certificates(key_kind="p256"),
        limits=limits,
        identity=Identity(accept_test_ins=True, password_memory_kib=8, password_rounds=1),
    )
    sealing = Sealing(RootKey.load(folder / "root.key"))
    database = Database.open(f"sqlite:///{folder / 'store.db'}", sealing, clock=clock)
    with contextlib.ExitStack() as opened:
        opened.callback(database.close)
        gateway = _wire(config, database, clock)
        opened.callback(gateway.renderer.close)
        opened.callback(gateway.bridge.close)
        site = Site(gateway, clock, folder, logged, Worker(gateway, threading.Event()))
        yield site
        check_nothing_is_told(site)


def check_nothing_is_told(site: Site) -> None:
    """Logs and metrics name nobody and quote nothing, whatever happened (house, habit 9)."""
    told = (site.logged.getvalue() + site.gateway.metrics.render().decode()).lower()
    with site.gateway.database.read() as view:
        for person in people.everyone(view):
            for secret in (person.address, person.address.partition("@")[0]):
                assert secret not in told, f"told: {secret}"
            assert person.traits.family_name.lower() not in told or not person.traits.family_name
    for secret in (PASSWORD, "bonjour", "essai", DOMAIN, "secret"):
        assert secret not in told, f"told: {secret}"


def _wire(config: Config, database: Database, clock: Clock) -> Gateway:
    spool = database.write(spooled.spool_account)
    with database.read() as view:
        authority = certificates.load_authority(view, spool)
    assert authority is not None
    path = config.in_state("anchors.pem")
    limits, lists = config.limits, believing.lists(config)
    with database.read() as view:
        queue_clock = QueueClock(view, clock, clock)
    kept, own = Kept(spool), believing.Own(spool)
    return Gateway(
        config=config,
        database=database,
        bridge=Bridge(4),
        passwords=Passwords(8, 1),
        account_throttle=AccountThrottle(limits.failed_logins_per_account, 900.0, clock),
        address_throttle=Throttle(limits.failed_logins_per_address, 86_400.0, clock),
        cabinet=Cabinet(authority.chain),
        trust=Trust(anchors.load({Purpose.SIGNATURE: [path], Purpose.ENCRYPTION: [path]})),
        revocations=believing.revocations(lists, kept, own),
        lists=lists,
        kept=kept,
        own=own.certificates,
        notary=Notary(
            authority,
            f"postmaster@{config.site.domains[0]}",
            config.site.operator,
            clock,
        ),
        metrics=metrics.build(),
        renderer=Renderer(),
        spool=spool,
        clock=clock,
        wake=lambda: None,
        remembered=Remembered(clock=clock),
        register=Register(database),
        sparing=Sparing(),
        queue_clock=queue_clock,
        whitelist=believing.whitelist(config),
    )


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a server listens."""

    server: SubmissionServer
    starttls: int
    tls: int


@asynccontextmanager
async def serving(
    site: Site, patience: Patience = PATIENCE, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[Ports]:
    """Both submission ports on loopback; nothing is held any more at the end."""
    server = SubmissionServer(site.gateway, site.tls(), patience, clock)
    everything = server.budget.free
    try:
        yield Ports(
            server,
            await server.listen("127.0.0.1", 0, is_implicit_tls=False),
            await server.listen("127.0.0.1", 0, is_implicit_tls=True),
        )
    finally:
        server.close()
        await server.drain(2.0)
    assert server.budget.free == everything
    assert site.gateway.metrics.connections.labels("submission")._value.get() == 0


@dataclass(frozen=True, slots=True)
class Client:
    """Speaks SMTP as slowly, as fast or as wrongly as a test wants."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def reply(self) -> str:
        """The server's next reply; its lines joined by a line feed, without CRLF."""
        lines: list[str] = []
        while True:
            line = (await asyncio.wait_for(self.reader.readline(), 20)).decode("ascii")
            if not line.endswith("\r\n"):
                raise ConnectionError(f"cut after {lines} {line!r}")
            lines.append(line[:-2])
            if line[3:4] != "-":
                return "\n".join(lines)

    async def say(self, line: str) -> str:
        """Send a line and CRLF; the reply."""
        return await self.throw(line.encode("ascii") + b"\r\n")

    async def throw(self, octets: bytes) -> str:
        """Send octets as they are; the reply."""
        self.writer.write(octets)
        return await self.reply()

    async def sign_in(self, address: str = MARTIN) -> None:
        """EHLO and AUTH."""
        assert (await self.say("EHLO client.example")).startswith("250-")
        assert (await self.say(f"AUTH PLAIN {plain_claim(address)}")).startswith("235 ")

    async def begin(self, sender: str, *recipients: str) -> None:
        """MAIL, RCPT and DATA, all accepted."""
        assert (await self.say(f"MAIL FROM:<{sender}>")).startswith("250 ")
        for recipient in recipients:
            assert (await self.say(f"RCPT TO:<{recipient}>")).startswith("250 ")
        assert (await self.say("DATA")).startswith("354 ")

    async def submit(self, raw: bytes, sender: str = MARTIN, *recipients: str) -> str:
        """A whole transaction; the last reply."""
        await self.begin(sender, *(recipients or (DUBOIS,)))
        return await self.throw(raw.replace(b"\r\n.", b"\r\n..") + b".\r\n")

    async def rest(self) -> bytes:
        """What the server still says before it closes."""
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.read(), 20)
        return b""

    async def close(self) -> None:
        """Leave."""
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


@asynccontextmanager
async def client(port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Client]:
    """A connection, its greeting not read yet."""
    name = None if tls is None else "localhost"
    streams = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name)
    connected = Client(*streams)
    try:
        yield connected
    finally:
        await connected.close()


@asynccontextmanager
async def signed_in(site: Site, ports: Ports, address: str = MARTIN) -> AsyncIterator[Client]:
    """A session on the TLS port, past AUTH."""
    async with client(ports.tls, site.trusting()) as connected:
        assert (await connected.reply()).startswith("220 ")
        await connected.sign_in(address)
        yield connected


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens elsewhere; fails after twenty seconds."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - the other side has no event to wait for
            await asyncio.sleep(0.002)


def plain_claim(address: str, password: str = PASSWORD, authorisation: str = "") -> str:
    """The initial response of AUTH PLAIN."""
    return base64.b64encode(f"{authorisation}\0{address}\0{password}".encode()).decode("ascii")


def simple(
    author: str = MARTIN, fields: str = "", body: str = "Bonjour.", subject: str = "Essai"
) -> bytes:
    """A small message; ``fields`` are whole lines with CRLF."""
    return (
        f"From: <{author}>\r\nTo: <{DUBOIS}>\r\nSubject: {subject}\r\n{fields}\r\n{body}\r\n"
    ).encode()


def attached(
    name: str, content: bytes, author: str = MARTIN, media_type: str = "application/octet-stream"
) -> bytes:
    """A message with one attachment in base64."""
    lines = base64.encodebytes(content).replace(b"\n", b"\r\n")
    head = (
        f"From: <{author}>\r\nSubject: Essai\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="limite"\r\n\r\n'
        "--limite\r\nContent-Type: text/plain\r\n\r\nCi-joint.\r\n"
        f'--limite\r\nContent-Type: {media_type}; name="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n'
    )
    return head.encode() + lines + b"--limite--\r\n"
