"""`mss whitelist`: the list of the domains of the trust space, brought in, checked and shown."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from mailbox_store.database import Transaction
from mss_gateway.cli.answers import Answer, Json, NotDone, moment, sheet
from mss_gateway.cli.desk import OPERATOR, Desk
from mss_gateway.config import Whitelist as Settings
from mss_gateway.directory import whitelist
from mss_gateway.directory.whitelist import Brought, Candidate, Difference, Rules, Whitelist
from mss_gateway.directory.whitelist_xml import (
    DOCUMENT_OCTETS,
    PassedOver,
    WhitelistRefused,
    normal_domain,
)
from mss_gateway.message.address import AddressMalformed
from mss_gateway.observability import audit

SHOWN = 20
"""Lines of one kind that people see; --json has them all."""

File = Annotated[Path, typer.Argument(metavar="FILE", help="The list, in XML.")]


def bring(
    desk: Desk,
    file: File,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Also a list older than the one in force, or that drops half."
        ),
    ] = False,
) -> Answer:
    """Put a list in force."""
    document = _read(file)
    settings = desk.config()
    rules = whitelist.rules_of(settings)
    with desk.gateway() as gateway, _told(file):
        candidate = whitelist.examine(document, rules, gateway.now())

        def unit(tx: Transaction) -> Brought:
            brought = whitelist.bring(tx, candidate, rules, force=force)
            _record(tx, candidate, brought, force=force)
            return brought

        brought = gateway.database.write(unit)
    value = {
        "whitelist": brought.whitelist_id,
        "new": brought.is_new,
        **_facts(candidate),
        **_changes(brought.difference),
    }
    verdict = "in force now" if brought.is_new else "in force already; its date is confirmed"
    return _answer(value, verdict, brought.difference, candidate.parsed.passed_over)


def verify(desk: Desk, file: File) -> Answer:
    """Say whether a list is good; nothing is kept."""
    rules = whitelist.rules_of(desk.config())
    candidate = _examined(file, rules)
    return _answer(_facts(candidate), "good", None, candidate.parsed.passed_over)


def difference(desk: Desk, file: File) -> Answer:
    """What would change if this list were put in force."""
    rules = whitelist.rules_of(desk.config())
    candidate = _examined(file, rules)
    with desk.gateway() as gateway, gateway.database.read() as view:
        active = whitelist.load(view, rules)
    found = whitelist.diff(active.domains, candidate.domains)
    value = {"whitelist": active.whitelist_id or None, **_facts(candidate), **_changes(found)}
    return _answer(value, "not in force yet", found, candidate.parsed.passed_over)


def show(
    desk: Desk,
    domain: Annotated[
        str, typer.Option(metavar="DOMAIN", help="Whether this domain is in it, and whose it is.")
    ] = "",
) -> Answer:
    """The list in force."""
    settings = desk.config()
    rules = whitelist.rules_of(settings)
    with desk.gateway() as gateway, gateway.database.read() as view:
        active = whitelist.load(view, rules)
        now = gateway.clock()
    if not active.whitelist_id:
        raise NotDone("no white list was brought in yet: `mss whitelist import FILE`")
    if domain:
        return _one_domain(active, domain)
    value = _standing(active, now, settings.whitelist)
    grouped = {name: sorted(domains) for name, domains in sorted(active.operators.items())}
    lines = [f"{name}: {' '.join(domains)}" for name, domains in grouped.items()]
    shown = sheet(value).shown
    return Answer({**value, "by_operator": grouped}, (*shown, *_cut("operator", lines)))


def _one_domain(active: Whitelist, domain: str) -> Answer:
    try:
        name = normal_domain(domain.strip())
    except AddressMalformed:
        raise typer.BadParameter("not the name of a domain", param_hint="--domain") from None
    operator = active.operator_of(name)
    if operator is None:
        raise NotDone(f"{name} is not in the white list: nothing comes from it or goes to it")
    others = sorted(active.domains_of(operator) - {name})
    return sheet({"domain": name, "operator": operator, "other_domains": others})


def _standing(active: Whitelist, now: float, settings: Settings) -> dict[str, Json]:
    age = active.age(now)
    return {
        "whitelist": active.whitelist_id,
        "domains": len(active.domains),
        "operators": len(active.operators),
        "state": whitelist.freshness(active, now, settings).value,
        "age_hours": None if age is None else int(age // whitelist.HOUR),
        "imported_at": moment(active.imported_at),
        "confirmed_at": moment(active.confirmed_at),
        "issued_at": moment(active.issued_at),
        "signer": active.signer,
    }


def _read(file: Path) -> bytes:
    """The octets of a file, one more than a list may have at most."""
    if not file.is_file():
        raise typer.BadParameter(f"{file} is no file", param_hint="FILE")
    with file.open("rb") as opened:
        return opened.read(DOCUMENT_OCTETS + 1)


def _examined(file: Path, rules: Rules) -> Candidate:
    document = _read(file)
    with _told(file):
        return whitelist.examine(document, rules, datetime.now(UTC))


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """A refusal as one line that names the file."""
    try:
        yield
    except WhitelistRefused as error:
        raise NotDone(f"{file}: {error}") from None


def _record(tx: Transaction, candidate: Candidate, brought: Brought, *, force: bool) -> None:
    found = brought.difference
    counts = f"+{len(found.added)} -{len(found.removed)} ~{len(found.moved)}"
    verdict = f"brought {counts}" if brought.is_new else "confirmed"
    audit.record(
        tx,
        actor=OPERATOR,
        act="policy",
        object=f"whitelist:{candidate.digest}",
        verdict=f"{verdict} forced" if force else verdict,
    )


def _facts(candidate: Candidate) -> dict[str, Json]:
    return {
        "domains": len(candidate.domains),
        "operators": len(set(candidate.domains.values())),
        "issued_at": moment(candidate.parsed.issued_at),
        "signer": candidate.signer,
        "passed_over": [
            {"line": each.line, "name": each.name} for each in candidate.parsed.passed_over
        ],
    }


def _changes(found: Difference) -> dict[str, Json]:
    return {
        "added": found.added,
        "removed": found.removed,
        "moved": [{"domain": one, "from": old, "to": new} for one, old, new in found.moved],
    }


def _answer(
    value: dict[str, Json],
    verdict: str,
    found: Difference | None,
    passed_over: Sequence[PassedOver],
) -> Answer:
    """Numbers in the sheet; what they count below it, as far as people read."""
    counted: dict[str, Json] = {
        key: len(one) if isinstance(one, list | tuple) else one for key, one in value.items()
    }
    lines: list[str] = []
    if found is not None:
        lines += _cut("added", [f"+ {one}" for one in found.added])
        lines += _cut("removed", [f"- {one}" for one in found.removed])
        lines += _cut("moved", [f"~ {one}: {old} -> {new}" for one, old, new in found.moved])
    lines += _cut(
        "passed over",
        [f"line {each.line}: {each.name or '(empty)'} is no domain" for each in passed_over],
    )
    return Answer(value, (*sheet({"list": verdict, **counted}).shown, *lines))


def _cut(what: str, lines: Sequence[str]) -> list[str]:
    """The first lines, and how many more there are."""
    more = len(lines) - SHOWN
    return [
        *lines[:SHOWN],
        *([f"… and {more} more {what}; --json has them all"] if more > 0 else []),
    ]
