"""`mss certs import`: a certificate from elsewhere, with its key or for a key that is kept here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from certs import pkcs12
from certs.certificate import Certificate, addresses, from_der, from_pem, is_authority
from certs.cms.certs_only import read_certs_only
from certs.errors import DerMalformed
from certs.issuing.issue import export_for_client
from certs.keyring import PrivateKey
from mailbox_store.database import Transaction, View
from mss_gateway.cli.answers import Answer, NotDone, moment, sheet
from mss_gateway.cli.certs_desk import (
    certificate_line,
    named,
    password_in,
    record,
    refuse_shared,
)
from mss_gateway.cli.certs_judge import Accepted, accept
from mss_gateway.cli.desk import Desk, address_of, person_of
from mss_gateway.directory import certificates, enrolment, people
from mss_gateway.directory.certificates import Held
from mss_gateway.directory.enrolment import Waiting
from mss_gateway.directory.people import Person
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.address import AddressMalformed, parse_address

PasswordFile = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Its first line is the file's password."),
]


@dataclass(frozen=True, slots=True)
class Brought:
    """What a file holds, and the request of ours that it answers, if it does."""

    certificate: Certificate
    issuers: tuple[Certificate, ...]
    key: PrivateKey | None
    answers: Waiting | None


def bring(
    desk: Desk,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, help="PKCS #12, PKCS #7, PEM or DER."
        ),
    ],
    who: Annotated[
        str, typer.Option("--address", help="Whose it is, when it names several mailboxes.")
    ] = "",
    password_file: PasswordFile = None,
    force: Annotated[
        bool, typer.Option("--force", help="Though it has ended or was revoked: to read old mail.")
    ] = False,
) -> Answer:
    """Take in a certificate from elsewhere."""
    if file.stat().st_size > pkcs12.MAX_OCTETS:
        raise NotDone(f"the file has more than {pkcs12.MAX_OCTETS} octets: is it the right one?")
    key, found = opened(file.read_bytes(), password_file)
    with desk.gateway() as gateway:
        with gateway.database.read() as view:
            brought = _matched(view, key, found)
            if brought.answers is not None and brought.answers.is_for_server:
                return _for_server(gateway, brought, force=force)
            person = _holder(view, gateway, brought, who)
            _refuse_misfit(person, brought)
            usage = certificates.usage_of(brought.certificate)
            accepted = accept(
                gateway, view, brought.certificate, brought.issuers, usage, force=force
            )
        held = gateway.database.write(lambda tx: _keep(tx, person, brought, accepted))
        value = certificate_line(held, person.address, gateway.clock())
    remarks = [*accepted.remarks]
    if key is not None and person.smime == "client":
        remarks.append("The key was not kept: this holder's keys are in their own client.")
    return Answer({**value, "remarks": remarks}, (*sheet(value).shown, *remarks))


def opened(
    source: bytes, password_file: Path | None = None
) -> tuple[PrivateKey | None, tuple[Certificate, ...]]:
    """The key, if there is one, and the certificates of a file, the key's own first.

    Asks for a password on the terminal where one is needed. Raises NotDone, Pkcs12Refused.
    """
    if b"PRIVATE KEY-----" in source:
        raise NotDone(
            "the file holds a private key in PEM: make a PKCS #12 file of both (`openssl pkcs12"
            " -export`) and import that"
        )
    if b"-----BEGIN" in source:
        try:
            return None, from_pem(source)
        except DerMalformed:
            raise NotDone("no certificate in this PEM file") from None
    for read in (lambda der: (from_der(der),), read_certs_only):
        try:
            return None, read(source)
        except DerMalformed:
            continue
    if source[:1] != b"\x30":
        raise NotDone("neither a certificate nor a PKCS #12 file")
    bundle = pkcs12.read(source, _password(password_file))
    return bundle.key, (bundle.certificate, *bundle.issuers)


def _password(file: Path | None) -> str:
    if file is not None:
        return password_in(file)
    answer: str = typer.prompt(
        "Password of the file", default="", show_default=False, hide_input=True, err=True
    )
    return answer


def _matched(view: View, key: PrivateKey | None, found: tuple[Certificate, ...]) -> Brought:
    """Which certificate is meant: the key's own, the answer to a request, the one that issues none.

    Raises NotDone when that is several or nobody.
    """
    if key is not None:
        return Brought(found[0], found[1:], key, None)
    for one in found:
        if (answered := enrolment.answered_by(view, one)) is not None:
            waiting, kept = answered
            return Brought(one, _without(found, one), kept, waiting)
    leaves = [one for one in found if not is_authority(one)]
    if len(leaves) != 1:
        what = "only authorities" if not leaves else "several holders' certificates"
        raise NotDone(f"the file holds {what}: one holder's with its issuers is wanted")
    return Brought(leaves[0], _without(found, leaves[0]), None, None)


def _without(found: tuple[Certificate, ...], one: Certificate) -> tuple[Certificate, ...]:
    return tuple(each for each in found if each != one)


def _holder(view: View, gateway: Gateway, brought: Brought, who: str) -> Person:
    """Whose it is: who asked, or is said, or is named by it; raises NotDone."""
    wanted = address_of(who, gateway.config) if who else ""
    if brought.answers is not None:
        person = people.by_account(view, brought.answers.account_id)
        if wanted not in ("", person.address):
            raise NotDone(
                f"it answers the request of another mailbox (account {person.account_id})"
            )
        return person
    if wanted:
        return person_of(view, who, gateway.config)
    known = (people.by_address(view, name) for name in named_addresses(brought.certificate))
    found = [one for one in known if one is not None]
    if not found:
        raise NotDone(
            "it names no mailbox of this gateway (rfc822Name): ask its issuer for one that does"
        )
    if len(found) > 1:
        raise NotDone("it names several mailboxes of this gateway: say which by --address")
    return found[0]


def named_addresses(certificate: Certificate) -> list[str]:
    """The addresses that a certificate names, in normal form; what is none is passed over."""
    found: dict[str, None] = {}
    for written in addresses(certificate):
        try:
            found[str(parse_address(written))] = None
        except AddressMalformed:
            continue
    return list(found)


def _refuse_misfit(person: Person, brought: Brought) -> None:
    """What no --force helps against; raises NotDone."""
    if person.address not in named_addresses(brought.certificate):
        raise NotDone(
            "it does not name this mailbox's address (rfc822Name): ask its issuer for one that does"
        )
    if not certificates.usage_of(brought.certificate):
        raise NotDone(
            "it is not for mail: ask its issuer for one with emailProtection, and a key usage for"
            " signing or encryption"
        )
    if brought.key is None and person.smime != "client":
        raise NotDone(
            "its key is not here: import a PKCS #12 file that holds it, or ask with `mss certs"
            " request` and import the answer"
        )


def _keep(tx: Transaction, person: Person, brought: Brought, accepted: Accepted) -> Held:
    refuse_shared(tx, brought.certificate, person)
    held = certificates.adopt(tx, person, brought.certificate, brought.key, accepted.issuers)
    if brought.answers is not None:
        enrolment.forget(tx, brought.answers.request_id)
    record(tx, named(held), "imported")
    return certificates.revoke(tx, held.fingerprint) if accepted.is_revoked else held


def _for_server(gateway: Gateway, brought: Brought, *, force: bool) -> Answer:
    """The listeners' new key and certificate; the former files stay beside them."""
    assert brought.key is not None
    assert brought.answers is not None
    key, request_id = brought.key, brought.answers.request_id
    settings, certificate = gateway.config, brought.certificate
    if certificate.not_valid_after_utc <= gateway.now() and not force:
        raise NotDone("the certificate has ended already")
    paths = (settings.in_state(settings.tls.key), settings.in_state(settings.tls.certificate))

    def unit(tx: Transaction) -> None:
        enrolment.forget(tx, request_id)
        record(tx, f"server certificate:{certificate.serial_number:x}", "imported")
        drafts = [path.with_name(f"{path.name}.draft") for path in paths]
        for path, draft in zip(paths, drafts, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft.unlink(missing_ok=True)
        export_for_client(key, (certificate, *brought.issuers), drafts[0], drafts[1])
        for path, draft in zip(paths, drafts, strict=True):
            if path.exists():
                path.replace(path.with_name(f"{path.name}.former"))
            draft.replace(path)

    gateway.database.write(unit)
    value = {
        "serial": f"{certificate.serial_number:x}",
        "not_after": moment(certificate.not_valid_after_utc.timestamp()),
        "key_file": str(paths[0]),
        "certificate_file": str(paths[1]),
    }
    after = "Former files end in .former. The listeners take the new ones with the next start."
    return Answer(value, (*sheet(value).shown, after))
