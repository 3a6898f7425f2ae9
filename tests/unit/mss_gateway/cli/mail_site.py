"""Messages in files and in mailboxes, for the verbs that judge them again or beforehand."""

from datetime import timedelta
from functools import cache
from pathlib import Path

from certs.capabilities import MODERN, Protection
from certs.certificate import Certificate
from certs.cms.enveloped import make_enveloped
from certs.cms.signed import make_signed
from certs.keyring import PrivateKey, Signer
from certs.status.revocation import Revocation, RevocationReason
from certs.usage import Purpose, Usage
from mailbox_store import changes, mailboxes
from mss_gateway.directory import certificates, people
from mss_gateway.life import arrival
from mss_gateway.life.arrival import Arrival
from mss_gateway.message import smime
from mss_gateway.message.address import parse_address
from policies.people import Role
from policies.verdict import Permit
from tests.unit.mss_gateway.cli import foreign
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, Mss, raw_message, work

AUTHOR = "luc.garnier@ailleurs.example"
FOLDER = "listes"
PURPOSE = Purpose.SIGNATURE.value


@cache
def author() -> Signer:
    """An author of another operator, who signs and can be encrypted to."""
    key = PrivateKey.generate("p256")
    made = foreign.certificate(key, AUTHOR, Usage.BOTH)
    return Signer(key, made, foreign.authority().chain)


def letter(author: str = AUTHOR, to: str = DOCTOR.address) -> bytes:
    return raw_message(author, to)


def sign(raw: bytes, by: Signer, *, opaque: bool = False) -> bytes:
    def made(entity: bytes) -> bytes:
        return make_signed(entity, by, foreign.today(), detached=not opaque)

    return smime.wrap_signed(raw, made, opaque=opaque)


def seal(raw: bytes, certificate: Certificate, protection: Protection = MODERN) -> bytes:
    return smime.wrap_enveloped(
        raw,
        lambda entity: make_enveloped(entity, [certificate], protection),
        authenticated=protection.is_authenticated,
    )


def certificate_of(mss: Mss, address: str = DOCTOR.address) -> Certificate:
    with mss.gateway() as gateway, gateway.database.read() as view:
        person = people.by_address(view, address)
        assert person is not None
        return certificates.of_account(view, person.account_id)[0].certificate


def signer_of(mss: Mss, address: str = DOCTOR.address) -> Signer:
    """As the gateway signs for somebody."""
    with mss.gateway() as gateway, gateway.database.read() as view:
        person = people.by_address(view, address)
        assert person is not None
        return gateway.cabinet.signer(view, person.account_id, gateway.clock())


def publish(mss: Mss, *revoked: Certificate) -> None:
    """The other operator's lists in a folder of the configuration; revoked an hour ago."""
    folder = mss.folder / "state" / FOLDER
    if not folder.is_dir():
        folder.mkdir()
        with mss.config_file.open("a", encoding="utf-8") as file:
            file.write(f'[revocation]\nlists = "{FOLDER}"\n')
    now, issuer = foreign.today(), foreign.authority()
    lines = [
        Revocation(one.serial_number, now - timedelta(hours=1), RevocationReason.KEY_COMPROMISE)
        for one in revoked
    ]
    until = now + timedelta(days=7)
    (folder / "emission.crl").write_bytes(issuer.crl(lines, now, until))
    (folder / "racine.crl").write_bytes(issuer.root_crl([], now, until))


def believe(mss: Mss) -> str:
    """The other operator's authority, for signatures; the fingerprint of its root."""
    return foreign.believe(mss, purpose="mail")


def arrive(mss: Mss, raw: bytes, *recipients: str) -> str:
    """Handed over by the other operator's server, and delivered; the reference."""
    to = tuple(map(parse_address, recipients or (DOCTOR.address,)))
    sent = Arrival(parse_address(AUTHOR), to, raw, Role.PROFESSIONAL)
    with mss.gateway() as gateway:
        receipt = arrival.accept(gateway, sent, lambda _judged, _recipients: Permit(()))
        work(gateway)
    return receipt.message_ref


def kept(mss: Mss, address: str = DOCTOR.address) -> bytes:
    """The newest message of somebody's INBOX."""
    with mss.gateway() as gateway, gateway.database.read() as view:
        person = people.by_address(view, address)
        assert person is not None
        inbox = mailboxes.find(view, person.account_id, "INBOX")
        *_, row = changes.rows(view, person.account_id, inbox.mailbox_id, 1, 2**31)
        return changes.read_body(view, person.account_id, row.message_id)


def in_file(mss: Mss, raw: bytes, name: str = "message.eml") -> str:
    """As the operator has it."""
    path: Path = mss.folder / name
    path.write_bytes(raw)
    return str(path)
