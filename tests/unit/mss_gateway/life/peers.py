"""Another operator: its authority, its authors, its revocation lists, and what they send here."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from certs.capabilities import CLASSIC, Protection
from certs.certificate import Certificate, fingerprint
from certs.cms.enveloped import make_enveloped
from certs.cms.signed import make_signed
from certs.issuing.issue import Authority
from certs.keyring import PrivateKey, Signer
from certs.status.revocation import Revocation as Line
from certs.status.revocation import RevocationReason
from certs.usage import Purpose, Usage
from mailbox_store import changes, mailboxes
from mailbox_store.messages import MessageId
from mss_gateway.cli.desk import Desk
from mss_gateway.compose import believing
from mss_gateway.config import Revocation
from mss_gateway.directory import trust
from mss_gateway.directory.revocation import Kept
from mss_gateway.life import arrival, proof
from mss_gateway.life.arrival import Arrival
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.proof import Again
from mss_gateway.message import smime
from mss_gateway.message.address import parse_address
from mss_gateway.message.authentication import Decryption, Signature, read
from mss_gateway.message.parse import scan
from mss_gateway.queue.worker import Worker
from policies.people import Role
from policies.verdict import Permit
from tests.support.smtp_site import DUBOIS, NOW, Site

AUTHOR = "luc.garnier@ailleurs.example"
COLLEAGUE = "anne.morel@ailleurs.example"
DAY = 86_400
FOLDER = "listes"
BEGINNING = datetime.fromtimestamp(NOW, UTC) - timedelta(days=10)


OPERATOR = "Autre opérateur"


def authority() -> Authority:
    """The other operator's own, of ten years."""
    return _authority(OPERATOR)


def signer(address: str = AUTHOR, usage: Usage = Usage.BOTH, issuer: str = OPERATOR) -> Signer:
    """An author there, always the same one; the certificate lasts 400 days."""
    return _signer(address, usage, issuer)


@cache
def _authority(name: str) -> Authority:
    return Authority.create(name, "p256", BEGINNING, 10)


@cache
def _signer(address: str, usage: Usage, issuer: str) -> Signer:
    key, by = PrivateKey.generate("p256"), _authority(issuer)
    made = by.issue_mailbox(address, "Luc Garnier", key.public_key, usage, BEGINNING, 400)
    return Signer(key, made, by.chain)


def letter(author: str = AUTHOR, to: str = DUBOIS, text: str = "Bonjour.") -> bytes:
    """A small message, not signed."""
    return f"From: <{author}>\r\nTo: <{to}>\r\nSubject: Essai\r\n\r\n{text}\r\n".encode()


def sign(raw: bytes, by: Signer, at: datetime = BEGINNING) -> bytes:
    """Clear-signed."""
    return smime.wrap_signed(raw, lambda entity: make_signed(entity, by, at))


def seal(raw: bytes, certificate: Certificate, protection: Protection = CLASSIC) -> bytes:
    """Enveloped."""
    return smime.wrap_enveloped(
        raw,
        lambda entity: make_enveloped(entity, [certificate], protection),
        authenticated=protection.is_authenticated,
    )


@dataclass(frozen=True, slots=True)
class Peer:
    """A site that believes the other operator's authority, and has a folder of its lists."""

    site: Site

    @property
    def gateway(self) -> Gateway:
        return self.site.gateway

    @property
    def folder(self) -> Path:
        return self.gateway.config.in_state(FOLDER)

    def publish(self, *revoked: Certificate, since: timedelta = timedelta(), days: int = 7) -> None:
        """Put fresh lists into the folder; ``revoked`` were taken back ``since`` ago."""
        publish(self.gateway, *revoked, since=since, days=days)

    def take(self, raw: bytes, *recipients: str, path: str | None = AUTHOR) -> str:
        """What the other operator's server hands over; its reference."""
        reverse_path = None if path is None else parse_address(path)
        to = tuple(map(parse_address, recipients or (DUBOIS,)))
        sent = Arrival(reverse_path, to, raw, Role.PROFESSIONAL)
        receipt = arrival.accept(self.gateway, sent, lambda _judged, _recipients: Permit(()))
        self.site.work()
        return receipt.message_ref

    def send(self, *recipients: str, text: str = "Bonjour.") -> str:
        """A message of the author there, signed now."""
        raw = sign(letter(text=text), signer(), self.gateway.now())
        return self.take(raw, *recipients)

    def words(self, address: str = DUBOIS) -> tuple[Signature, Decryption]:
        """What is written on the newest message of somebody."""
        found = read(scan(self.site.kept(address)[-1]).root.header)
        assert found is not None
        return found

    def message_id(self, address: str, message_ref: str) -> MessageId:
        """The copy that somebody has."""
        return message_id(self.site, address, message_ref)

    def again(self, message_ref: str, address: str = DUBOIS) -> Again:
        """The verdict of somebody's copy, reached again now."""
        return again(self.site, message_ref, address)

    def believe(self, operator: str) -> None:
        """The operator adds the authority of another one still; of that there are no lists."""
        believe(self.gateway, _authority(operator).root)

    def disbelieve(self) -> None:
        """The operator removes the authority."""
        digits = fingerprint(authority().root)
        self.gateway.database.write(
            lambda tx: trust.remove(tx, Purpose.SIGNATURE, digits, "operator")
        )


def message_id(site: Site, address: str, message_ref: str) -> MessageId:
    """The copy that somebody has in INBOX."""
    holder = site.person(address)
    with site.gateway.database.read() as view:
        inbox = mailboxes.find(view, holder.account_id, "INBOX")
        rows = changes.rows(view, holder.account_id, inbox.mailbox_id, 1, 2**31)
        (found,) = [row.message_id for row in rows if row.message_ref == message_ref]
    return found


def again(site: Site, message_ref: str, address: str = DUBOIS) -> Again:
    """The verdict of somebody's copy, reached again now."""
    holder, copy = site.person(address), message_id(site, address, message_ref)
    with site.gateway.database.read() as view:
        return proof.again(site.gateway, view, holder.account_id, copy, message_ref)


def connected(site: Site) -> Peer:
    """The site with the other operator's authority believed, and fresh lists in the folder."""
    gateway = reading_lists(site.gateway)
    believe(gateway, authority().root)
    publish(gateway)
    return Peer(replace(site, gateway=gateway, worker=Worker(gateway, site.worker._wake)))


def reading_lists(gateway: Gateway) -> Gateway:
    """The same with a folder of lists, empty at first."""
    config = replace(gateway.config, revocation=Revocation(lists=FOLDER))
    spool = gateway.spool
    lists, kept, own = believing.lists(config), Kept(spool), believing.Own(spool)
    config.in_state(FOLDER).mkdir()
    known = believing.revocations(lists, kept, own)
    return replace(gateway, config=config, lists=lists, revocations=known)


def publish(
    gateway: Gateway, *revoked: Certificate, since: timedelta = timedelta(), days: int = 7
) -> None:
    """Put fresh lists of the other operator into the folder."""
    now, folder, made = gateway.now(), gateway.config.in_state(FOLDER), authority()
    lines = [
        Line(one.serial_number, now - since, RevocationReason.KEY_COMPROMISE) for one in revoked
    ]
    until = now + timedelta(days=days)
    (folder / "emission.crl").write_bytes(made.crl(lines, now, until))
    (folder / "racine.crl").write_bytes(made.root_crl([], now, until))


def believe(gateway: Gateway, root: Certificate) -> None:
    """The operator adds an authority, in two steps."""
    gateway.database.write(lambda tx: trust.propose(tx, Purpose.SIGNATURE, root, "operator"))
    gateway.database.write(
        lambda tx: trust.activate(tx, Purpose.SIGNATURE, fingerprint(root), "operator")
    )


@dataclass(frozen=True, slots=True)
class SiteDesk(Desk):
    """The operator's desk at a site whose clock a test moves."""

    site: Site

    @contextmanager
    def gateway(self, *, makes_store: bool = False) -> Iterator[Gateway]:
        """The site's own gateway."""
        yield self.site.gateway
