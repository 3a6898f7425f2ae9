"""`mss certs renew`: the next certificates of mailboxes, before the present ones end."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Annotated

import typer

from certs.issuing.issue import Authority, OutsideRealm
from certs.issuing.profiles import Publishing
from certs.keyring import PrivateKey
from certs.usage import Usage
from mailbox_store.database import Transaction, View
from mss_gateway.cli import errors
from mss_gateway.cli.answers import Answer, Grid, Json, NotDone, moment
from mss_gateway.cli.certs_desk import record, watched
from mss_gateway.cli.desk import Desk, authority_of, person_of
from mss_gateway.config import Config
from mss_gateway.directory import certificates, people, renewal
from mss_gateway.directory.people import Person
from mss_gateway.directory.renewal import DAY, Due, Rules
from mss_gateway.life.gateway import Gateway

WITHIN_DAYS = 60
BATCH = 32
"""Mailboxes whose keys are drawn together: an RSA key takes up to a second."""

FOREVER_DAYS = 100 * 365
"""A lead within which every certificate ends: what --all renews."""


Keys = Mapping[Usage, PrivateKey]


@dataclass(frozen=True, slots=True)
class Work:
    """One mailbox to renew: its holder, what is due."""

    person: Person
    due: Due


def renew(
    desk: Desk,
    who: Annotated[
        list[str] | None, typer.Argument(metavar="[ADDRESS]...", help="Only these, due or not.")
    ] = None,
    within: Annotated[
        int, typer.Option(min=1, max=3650, help="What ends within so many days.")
    ] = WITHIN_DAYS,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Every mailbox, due or not: after authority-init --replace."),
    ] = False,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="New messages use them now, not in a day.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what is due.")] = False,
) -> Answer:
    """Draw new keys and issue, mailbox after mailbox; what was done stays done when cut."""
    if who and everything:
        raise typer.BadParameter("say either addresses or --all")
    with desk.gateway() as gateway:
        authority = authority_of(gateway)
        lead_days = FOREVER_DAYS if who or everything else within
        rules = _rules(gateway.config, lead_days, authority.publishing)
        with gateway.database.read() as view:
            works = _works(view, gateway, rules, who or [])
        if at_once:
            works = [replace(work, due=replace(work.due, use_from=_now(gateway))) for work in works]
        if dry_run:
            return _told([_planned(work) for work in works], [], dry_run=True)
        lines: list[dict[str, Json]] = []
        refused: list[dict[str, Json]] = []
        for work, keys in watched(_with_keys(works, rules), len(works), "mailboxes"):
            try:
                lines += _renewed(gateway, authority, rules, work, keys)
            except ValueError as error:
                # the others go on
                why = errors.explain(error)[1] if isinstance(error, OutsideRealm) else str(error)
                refused.append({"account": work.person.account_id, "why": why})
    return _told(lines, refused, dry_run=False)


def _with_keys(works: Sequence[Work], rules: Rules) -> Iterator[tuple[Work, Keys]]:
    """Each with the keys that it needs, drawn some ahead on every core."""
    left = iter(works)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while batch := list(islice(left, BATCH)):
            drawn = pool.map(lambda work: renewal.new_keys(work.due, rules), batch)
            yield from zip(batch, drawn, strict=True)


def _rules(settings: Config, lead_days: int, publishing: Publishing) -> Rules:
    made = settings.certificates
    return Rules(lead_days, made.mailbox_days, made.key_kind, made.separate_keys, publishing)


def _now(gateway: Gateway) -> int:
    return int(gateway.clock())


def _works(view: View, gateway: Gateway, rules: Rules, who: Sequence[str]) -> list[Work]:
    """What is to be done; NotDone for an address whose certificates are not renewed here."""
    now = _now(gateway)
    until = now + (rules.lead_days + 1) * DAY
    if not who:
        found = renewal.plan(certificates.everything(view), now, rules.lead_days, until)
        works = [Work(people.by_account(view, due.account_id), due) for due in found]
        return [work for work in works if _is_ours(work.person)]
    works = []
    for one in who:
        person = person_of(view, one, gateway.config)
        held = certificates.of_account(view, person.account_id)
        due = renewal.plan(held, now, rules.lead_days, until)
        if not due or not _is_ours(person):
            raise NotDone(
                f"account {person.account_id} has no certificate that is renewed here: its key is"
                " elsewhere, another issuer made it, or it was revoked; `mss certs issue` makes one"
            )
        works.append(Work(person, due[0]))
    return works


def _is_ours(person: Person) -> bool:
    return person.smime != "client" and person.standing.receives


def _renewed(
    gateway: Gateway, authority: Authority, rules: Rules, work: Work, keys: Keys
) -> list[dict[str, Json]]:
    def unit(tx: Transaction) -> list[dict[str, Json]]:
        made = renewal.renew(tx, authority, work.person, work.due, keys, rules)
        record(tx, f"account:{work.person.account_id}", "renewal asked")
        return [
            {
                "account": held.account_id,
                "address": work.person.address,
                "serial": held.serial,
                "not_after": moment(held.not_after),
                "use_from": moment(held.use_from),
            }
            for held in made
        ]

    return gateway.database.write(unit)


def _planned(work: Work) -> dict[str, Json]:
    return {
        "account": work.person.account_id,
        "address": work.person.address,
        "serial": None,
        "not_after": None,
        "use_from": moment(work.due.use_from),
    }


def _told(lines: list[dict[str, Json]], refused: list[dict[str, Json]], *, dry_run: bool) -> Answer:
    value: dict[str, Json] = {"dry_run": dry_run, "renewed": lines, "refused": refused}
    if not lines and not refused:
        return Answer(value, ("Nothing ends so soon.",))
    would = "would be renewed" if dry_run else "made"
    shown: list[str | Grid] = [f"{len(lines)} {would}, {len(refused)} refused."]
    if lines:
        rows = tuple(
            (str(one["address"]), str(one["serial"] or "-"), str(one["not_after"] or "-"),
             str(one["use_from"]))
            for one in lines
        )  # fmt: skip
        shown.append(Grid(("address", "serial", "not after", "in use from"), rows))
    if refused:
        why = tuple((str(one["account"]), str(one["why"])) for one in refused)
        shown.append(Grid(("account", "refused because"), why))
    return Answer(value, tuple(shown), 1 if refused else 0)
