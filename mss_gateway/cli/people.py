"""`mss people`: open, list, show, suspend, reactivate, reset access."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from mailbox_store.database import Transaction
from mss_gateway.cli import access
from mss_gateway.cli.access import Access, Opened
from mss_gateway.cli.answers import Answer, Grid, Json, NotDone, listing, moment, sheet
from mss_gateway.cli.certs import certificate_line, checked_folder
from mss_gateway.cli.desk import OPERATOR, Desk, authority_of, person_of
from mss_gateway.config import Config
from mss_gateway.directory import certificates, importing, passwords, people
from mss_gateway.directory.people import Person
from mss_gateway.observability import audit
from mss_gateway.webmail import sessions
from policies.people import Standing

BoxType = Literal["PER", "ORG", "APP", "CAB", "PAT"]
Smime = Literal["gateway", "client"]
SentCopy = Literal["client", "server"]
Who = Annotated[str, typer.Argument(metavar="ADDRESS", help="The holder's address or INS.")]


def add(
    desk: Desk,
    address: Annotated[str, typer.Option(help="The address; not for a patient.")] = "",
    box_type: Annotated[BoxType, typer.Option("--type", help="What the mailbox is.")] = "PER",
    title: Annotated[str, typer.Option(help="Dr, Pr…")] = "",
    given_name: Annotated[str, typer.Option(help="Given name.")] = "",
    family_name: Annotated[str, typer.Option(help="Family name; a patient's birth name.")] = "",
    entity: Annotated[str, typer.Option(help="Structure or service, as others see it.")] = "",
    rpps: Annotated[str, typer.Option(help="RPPS number, 11 digits.")] = "",
    structure: Annotated[str, typer.Option(help="National number of the structure.")] = "",
    profession: Annotated[str, typer.Option(help="Profession.")] = "",
    ins: Annotated[str, typer.Option(help="A patient's INS, 15 characters.")] = "",
    birth_date: Annotated[str, typer.Option(help="A patient's: YYYY-MM-DD.")] = "",
    sex: Annotated[str, typer.Option(help="A patient's: M or F.")] = "",
    smime: Annotated[Smime, typer.Option(help="Who keeps the private key.")] = "gateway",
    sent_copy: Annotated[
        SentCopy | None, typer.Option(help="Who files a copy of what is sent.")
    ] = None,
    accepts_patient_initiated: Annotated[
        bool, typer.Option("--accepts-patient-initiated", help="Patients may write first.")
    ] = False,
    unlisted: Annotated[bool, typer.Option("--unlisted", help="Not in the directory.")] = False,
    key_out: Annotated[
        Path | None, typer.Option(help="Folder for a client-held key and certificate.")
    ] = None,
) -> Answer:
    """Open one mailbox with everything it needs."""
    fields = {
        "type": box_type,
        "address": address,
        "title": title,
        "given_name": given_name,
        "family_name": family_name,
        "entity": entity,
        "rpps": rpps,
        "structure": structure,
        "profession": profession,
        "ins": ins,
        "birth_date": birth_date,
        "sex": sex,
        "smime": smime,
        "sent_copy": sent_copy or "",
        "accepts_patient_initiated": "yes" if accepts_patient_initiated else "",
        "unlisted": "yes" if unlisted else "",
    }
    folder = checked_folder(key_out, smime)
    new = importing.new_person(fields, desk.config())
    with desk.gateway(makes_store=True) as gateway:
        authority = authority_of(gateway)
        prepared = access.prepare(gateway, new)
        opened = gateway.database.write(
            lambda tx: access.open_mailbox(tx, gateway, authority, prepared, folder)
        )
    return _opened(opened, desk.config(), importing.doubts(new))


def list_all(
    desk: Desk,
    box_type: Annotated[BoxType | None, typer.Option("--type", help="Only this type.")] = None,
) -> Answer:
    """Every holder, oldest first."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        rows = [
            person_line(person, gateway.config)
            for person in people.everyone(view)
            if box_type is None or person.box_type == box_type
        ]
    columns = {
        "account": "account",
        "type": "type",
        "address": "address",
        "display_name": "name",
        "standing": "standing",
        "smime": "keys",
    }
    return listing(rows, columns, "No one yet: `mss people add` opens a mailbox.")


def show(desk: Desk, who: Who) -> Answer:
    """One holder, whole."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        person = person_of(view, who, gateway.config)
        line = person_line(person, gateway.config)
        held = certificates.of_account(view, person.account_id)
        lines = [certificate_line(each, person.address, gateway.clock()) for each in held]
        access_line: dict[str, Json] = {
            "has_password": passwords.password_hash(view, person.account_id) is not None,
            "has_second_factor": passwords.has_totp(view, person.account_id),
        }
    traits: dict[str, Json] = dict(asdict(person.traits))
    known = {name: value for name, value in traits.items() if value}
    shown = sheet({**line, **known, **access_line}).shown
    cells = tuple((str(one["serial"]), str(one["state"]), str(one["not_after"])) for one in lines)
    grid = Grid(("certificate", "state", "not after"), cells)
    value = {**line, "traits": traits, **access_line, "certificates": lines}
    return Answer(value, (*shown, grid if cells else "No certificate."))


def suspend(desk: Desk, who: Who) -> Answer:
    """No sign-in, nothing delivered."""
    return _set_standing(desk, who, Standing.SUSPENDED, "suspended")


def reactivate(desk: Desk, who: Who) -> Answer:
    """Sign-in and delivery again."""
    return _set_standing(desk, who, Standing.ACTIVE, "reactivated")


def reset_access(
    desk: Desk,
    who: Who,
    identity_checked: Annotated[
        bool, typer.Option("--identity-checked", help="You have checked who is asking.")
    ] = False,
) -> Answer:
    """New means of access for somebody who lost theirs."""
    if not identity_checked:
        raise typer.BadParameter(
            "check who is asking, then say --identity-checked: it goes on record"
        )
    with desk.gateway() as gateway:
        with gateway.database.read() as view:
            person = person_of(view, who, gateway.config)
        granted = access.reset(gateway, person)
        handed = access.handed_over(granted, person, gateway.config.site.operator)
    value = {"account": person.account_id, "address": person.address, **handed}
    return Answer(value, ("New means of access, shown once:", *_access_shown(value, granted)))


def person_line(person: Person, settings: Config) -> dict[str, Json]:
    """A holder as one line of an answer."""
    return {
        "account": person.account_id,
        "type": person.box_type,
        "address": person.address,
        "display_name": person.display_name(settings.site.name_separator),
        "standing": person.standing.value,
        "smime": person.smime,
        "sent_copy": person.sent_copy,
        "accepts_patient_initiated": person.accepts_patient_initiated,
        "unlisted": person.is_unlisted,
        "created_at": moment(person.created_at),
    }


def _set_standing(desk: Desk, who: str, standing: Standing, verdict: str) -> Answer:
    with desk.gateway() as gateway:

        def unit(tx: Transaction) -> Person:
            person = person_of(tx, who, gateway.config)
            if person.standing in (Standing.CLOSED, Standing.OPPOSED):
                raise NotDone(f"the account is {person.standing.value}, and stays so")
            if person.standing is not standing:
                people.set_standing(tx, person.account_id, standing)
                sessions.end_all(tx, person.account_id)
                audit.record(
                    tx,
                    actor=OPERATOR,
                    act="people",
                    object=f"account:{person.account_id}",
                    verdict=verdict,
                )
            return people.by_account(tx, person.account_id)

        person = gateway.database.write(unit)
        line = person_line(person, gateway.config)
    return Answer(line, (f"{person.address} is {person.standing.value}.",))


def _opened(opened: Opened, settings: Config, doubts: tuple[str, ...]) -> Answer:
    person, files = opened.person, opened.files
    value: dict[str, Json] = {
        **person_line(person, settings),
        **access.handed_over(opened.access, person, settings.site.operator),
        "certificate": opened.held.serial,
        "not_after": moment(opened.held.not_after),
        "key_file": None if files is None else str(files.key),
        "certificate_file": None if files is None else str(files.certificate),
        "doubts": list(doubts),
    }
    shown: list[str | Grid] = [
        f"{value['display_name']} <{person.address}>: the mailbox is open (account"
        f" {person.account_id}, certificate {opened.held.serial} until {value['not_after']}).",
        *(f"Look again: {doubt}." for doubt in doubts),
    ]
    if files is not None:
        shown.append(
            f"Key and certificate, for the holder's client: {files.key}, {files.certificate}"
        )
    return Answer(
        value, (*shown, "Means of access, shown once:", *_access_shown(value, opened.access))
    )


def _access_shown(value: Mapping[str, Json], granted: Access) -> tuple[Grid, ...]:
    rows = [("address", str(value["address"])), ("password", granted.password)]
    if granted.totp_secret:
        rows += [("TOTP secret", granted.totp_secret), ("otpauth", str(value["otpauth"]))]
        rows += [("recovery code", code) for code in granted.recovery_codes]
    return (Grid(("", ""), tuple(rows)),)
