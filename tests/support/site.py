"""A throw-away gateway with invented people: real store, sealing and certificates, cheap hashes.

``opened(folder)`` wires it through ``compose.build`` in an empty folder. Two professionals, a
pharmacy open to all, two patients with a second factor. Nothing runs by itself: the clock stands
until it is moved, and the queue is worked off by ``run_queue``.
"""

import atexit
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import pyotp

from certs.issuing.issue import Authority
from mailbox_store.database import Transaction
from mss_gateway import compose
from mss_gateway.config import Certificates, Config, Identity, Limits, State, Web
from mss_gateway.config import Site as SiteConfig
from mss_gateway.directory import certificates, passwords, people
from mss_gateway.directory.account_throttle import AccountThrottle
from mss_gateway.directory.people import NewPerson, Person, Traits
from mss_gateway.directory.throttle import Throttle
from mss_gateway.life import policy, submission
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.policy import Envelope
from mss_gateway.life.submission import Submission
from mss_gateway.message.address import Mailbox, parse_address
from mss_gateway.message.build import Outgoing, OutgoingFile
from mss_gateway.message.build import compose as compose_message
from mss_gateway.queue.worker import Worker
from policies.people import Role
from tests.support import people as invented

NOW = 1_795_340_000.0
"""Sunday 22 November 2026, 10:33 in Paris."""

PASSWORD = "quatre mots de passe"  # of everybody


@dataclass(slots=True)
class Clock:
    """A clock that a test moves."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@dataclass(slots=True)
class Site:
    """The gateway and its people."""

    gateway: Gateway
    authority: Authority
    clock: Clock
    worker: Worker
    totp: dict[str, str] = field(default_factory=dict)
    recovery: dict[str, list[str]] = field(default_factory=dict)
    claire: Person = field(init=False)
    paul: Person = field(init=False)
    pharmacy: Person = field(init=False)
    camille: Person = field(init=False)
    noe: Person = field(init=False)

    def add(self, new: NewPerson) -> Person:
        """Open a mailbox with a certificate and the password; a patient gets a second factor."""
        key = certificates.new_key("p256")
        secret = passwords.new_totp_secret()
        password_hash = self.gateway.passwords.hash(PASSWORD)

        def unit(tx: Transaction) -> Person:
            person = people.add(tx, new, self.gateway.config.mailboxes)
            passwords.set_password(tx, person.account_id, password_hash)
            if person.role is Role.PATIENT:
                passwords.set_totp(tx, person.account_id, secret)
                self.totp[person.address] = secret
                self.recovery[person.address] = passwords.new_recovery_codes(tx, person.account_id)
            certificates.issue(tx, self.authority, person, key, 365)
            return person

        return self.gateway.database.write(unit)

    def code(self, person: Person) -> str:
        """A code that was not used yet: time passes, because each works once."""
        self.clock.advance(30)
        return pyotp.TOTP(self.totp[person.address]).at(int(self.clock()))

    def send(self, author: Person, recipient: Person, raw: bytes) -> str:
        """Hand a message in as a submission server would; its message_ref."""
        envelope = Envelope(author, parse_address(author.address), "submission")
        address = parse_address(recipient.address)
        policy.at_sender(self.gateway, envelope, None)
        policy.at_recipient(self.gateway, envelope, address, 0)
        return submission.accept(self.gateway, Submission(envelope, (address,), raw)).message_ref

    def deliver(self, author: Person, recipient: Person, raw: bytes) -> str:
        """Hand in, and work the queue off: delivered, and filed when it is an archive."""
        message_ref = self.send(author, recipient, raw)
        self.run_queue()
        return message_ref

    def run_queue(self) -> None:
        """Run every stage that is due."""
        while self.worker.run_batch():
            pass

    def written(
        self,
        author: Person,
        recipient: Person,
        subject: str,
        text: str = "Bonjour.",
        *,
        files: tuple[OutgoingFile, ...] = (),
        fields: tuple[tuple[str, str], ...] = (),
    ) -> bytes:
        """A message as a mail client would make it, not signed yet."""
        number = self.gateway.new_ref()
        return compose_message(
            Outgoing(
                author=Mailbox(author.display_name(), parse_address(author.address)),
                recipients=(Mailbox("", parse_address(recipient.address)),),
                subject=subject,
                text=text,
                message_id=f"<{number}@client.example>",
                moment=self.gateway.now(),
                files=files,
                extra_fields=fields,
            )
        )


@contextmanager
def opened(folder: Path, *, web: Web | None = None, limits: Limits | None = None) -> Iterator[Site]:
    """A site in an empty folder; everything is closed again at the end.

    The people are made once for the whole run, and their store is copied: three times faster.
    """
    made = _template()
    shutil.copytree(made.folder, folder, dirs_exist_ok=True)
    with _wired(folder, web or Web(), limits or Limits()) as site:
        site.totp.update(made.totp)
        site.recovery.update({address: list(codes) for address, codes in made.recovery.items()})
        site.clock.now = made.now
        with site.gateway.database.read() as view:
            site.claire, site.paul, site.pharmacy, site.camille, site.noe = people.everyone(view)
        yield site


@dataclass(frozen=True, slots=True)
class _Template:
    folder: Path
    totp: dict[str, str]
    recovery: dict[str, list[str]]
    now: float


@cache
def _template() -> _Template:
    folder = Path(tempfile.mkdtemp(prefix="mss-site-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with _wired(folder, Web(), Limits()) as site:
        for new in PEOPLE:
            site.add(new)
        return _Template(folder, site.totp, site.recovery, site.clock.now)


@contextmanager
def _wired(folder: Path, web: Web, limits: Limits) -> Iterator[Site]:
    clock = Clock()
    config = Config(
        site=SiteConfig(operator="Opérateur d'essai"),
        state=State(directory="state"),
        certificates=Certificates(key_kind="p256"),
        identity=Identity(accept_test_ins=True, password_memory_kib=8, password_rounds=1),
        limits=limits,
        web=web,
        base=folder,
    )
    wake = threading.Event()
    gateway = compose.build(config, clock=clock, wake=wake.set)
    gateway = replace(
        gateway,
        account_throttle=AccountThrottle(limits.failed_logins_per_account, 900.0, clock),
        address_throttle=Throttle(limits.failed_logins_per_address, 86_400.0, clock),
    )
    try:
        with gateway.database.read() as view:
            authority = certificates.load_authority(view, gateway.spool)
        assert authority is not None
        yield Site(gateway, authority, clock, Worker(gateway, wake))
    finally:
        compose.close(gateway)


def _professional(order: int) -> NewPerson:
    who = invented.professional(order)
    traits = Traits(who.title, who.given_name, who.family_name, rpps=who.rpps)
    return NewPerson(who.address, "PER", traits)


def _patient(order: int) -> NewPerson:
    who = invented.patient(order)
    traits = Traits(
        given_name=who.given_name,
        family_name=who.birth_name,
        ins=who.ins,
        ins_oid="1.2.250.1.213.1.4.10",
        ins_status="qualifiee",
        sex=who.sex,
        birth_date=who.birth_date,
    )
    return NewPerson(who.address, "PAT", traits, sent_copy="server")


PEOPLE = (
    _professional(0),
    _professional(1),
    NewPerson(
        f"pharmacie@{invented.DOMAIN}",
        "ORG",
        Traits(entity="Pharmacie de la Gare"),
        accepts_patient_initiated=True,
    ),
    _patient(0),
    _patient(1),
)
"""Dr Claire Martin, Dr Paul Bernard, the pharmacy, Camille and Noé, in this order."""
