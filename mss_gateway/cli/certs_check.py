"""`mss certs check`: why a certificate is good or bad, by the code that judges mail."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from certs.certificate import Certificate, is_authority, public_key
from certs.issuing.profiles import kind_of
from certs.status.revocation import Good
from certs.usage import PURPOSES, Purpose, extended_usages, key_usage
from certs.validation import chain
from certs.validation.chain import Examination
from certs.validation.trail import Step
from mailbox_store.database import View
from mss_gateway.cli.answers import Answer, Grid, Json, NotDone, moment
from mss_gateway.cli.certs_desk import USAGES, state_of
from mss_gateway.cli.certs_import import PasswordFile, opened
from mss_gateway.cli.certs_judge import REMEDIES, purposes_of
from mss_gateway.cli.desk import Desk
from mss_gateway.directory import authorities, certificates, people
from mss_gateway.directory.certificates import Held
from mss_gateway.life.gateway import Gateway

For = Literal["signature", "encryption", "client", "server"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at: a certificate, issuers that came along, and the directory's row of it."""

    certificate: Certificate
    issuers: tuple[Certificate, ...]
    held: Held | None


def check(
    desk: Desk,
    what: Annotated[
        str, typer.Argument(metavar="SERIAL|FILE", help="One kept here, or one in a file.")
    ],
    purpose: Annotated[
        For | None, typer.Option("--for", help="What it would be used for; else all it says.")
    ] = None,
    at: Annotated[
        str, typer.Option(metavar="TIME", help="As of then: 2027-03-01, or with T.")
    ] = "",
    password_file: PasswordFile = None,
) -> Answer:
    """Every step of the judgement, and what to do about the one that fails."""
    when = _instant(at)
    with desk.gateway() as gateway, gateway.database.read() as view:
        moment_asked = gateway.now() if when is None else when
        one = _subject(view, gateway, what, password_file)
        wanted = [Purpose(purpose)] if purpose else _purposes(one.certificate)
        source = gateway.revocations(view)
        examined = {
            each: chain.examine(
                one.certificate,
                one.issuers,
                gateway.trust.anchors(view),
                each,
                moment_asked,
                source,
            )
            for each in wanted
        }
        own_words = [] if one.held is None else _of_directory(view, gateway, one.held)
    if not examined:
        raise NotDone("it says that it is for nothing that is known here: say what by --for")
    lines = [_line(each, found, one.certificate) for each, found in examined.items()]
    is_good = all(found.chain is not None for found in examined.values())
    value: dict[str, Json] = {
        "good": is_good,
        "at": moment(moment_asked.timestamp()),
        "purposes": lines,
        "directory": own_words,
    }
    shown = [
        part for each, found in examined.items() for part in _shown(each, found, one.certificate)
    ]
    return Answer(value, (*shown, *own_words), 0 if is_good else 1)


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("--at is a time like 2027-03-01 or 2027-03-01T12:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _subject(view: View, gateway: Gateway, what: str, password_file: Path | None) -> Subject:
    path = Path(what)
    if path.is_file():
        _, found = opened(path.read_bytes(), password_file)
        leaves = [one for one in found if not is_authority(one)]
        first = leaves[0] if leaves else found[0]
        held = certificates.known(view, first)
        issuers = tuple(one for one in found if one != first)
        return Subject(first, (*issuers, *_own(view, gateway)), held)
    held = certificates.find(view, what)
    issuers = tuple(certificates.chain_of(view, held, _own(view, gateway)))
    return Subject(held.certificate, issuers, held)


def _own(view: View, gateway: Gateway) -> tuple[Certificate, ...]:
    """The intermediates of the gateway's own authorities, which every message of ours carries."""
    kept = authorities.load_authorities(view, gateway.spool)
    return tuple(each for one in kept for each in one.chain)


def _purposes(certificate: Certificate) -> list[Purpose]:
    """What a certificate says that it is for, in mail and in TLS."""
    named = extended_usages(certificate)
    found = purposes_of(certificates.usage_of(certificate))
    return [
        *found,
        *(each for each in (Purpose.CLIENT, Purpose.SERVER) if PURPOSES[each].extended in named),
    ]


def _of_directory(view: View, gateway: Gateway, held: Held) -> list[str]:
    """What no path shows: the state here, the holder, a key that somebody else has."""
    person = people.by_account(view, held.account_id)
    lines = [f"Here: {state_of(held, gateway.clock())}, of account {held.account_id}."]
    if held.replaced_by is not None:
        lines.append("A newer one follows it.")
    if not person.standing.receives:
        lines.append(f"Its holder's account is {person.standing.value}.")
    others = [
        account_id
        for account_id in certificates.accounts_with_key(view, held.certificate)
        if account_id != held.account_id
    ]
    if others:
        told = ", ".join(str(account_id) for account_id in others)
        lines.append(f"ALARM: its key stands in certificates of other mailboxes (accounts {told}).")
    return lines


def _detail(step: Step, certificate: Certificate) -> str:
    """What was found; of a step that passed without a word, what the certificate says there."""
    is_own = step.subject == certificate.subject.rfc4514_string()
    if step.detail or not step.passed or not is_own or step.name not in _SAID:
        return step.detail
    return _SAID[step.name](certificate)


def _dates(certificate: Certificate) -> str:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return f"{moment(begin.timestamp())} to {moment(end.timestamp())}"


def _extended(certificate: Certificate) -> str:
    named = extended_usages(certificate)
    known = {rule.extended: purpose.value for purpose, rule in PURPOSES.items()}
    known[PURPOSES[Purpose.SIGNATURE].extended] = "mail"
    return ", ".join(sorted(known.get(each, each.dotted_string) for each in named))


_SAID: dict[str, Callable[[Certificate], str]] = {
    "validity": _dates,
    "purpose": _extended,
    "key_usage": lambda one: USAGES[key_usage(one)],
    "key": lambda one: kind_of(public_key(one)),
}


def _line(purpose: Purpose, found: Examination, certificate: Certificate) -> dict[str, Json]:
    path = found.chain
    return {
        "purpose": purpose.value,
        "good": path is not None,
        "reason": None if found.reason is None else found.reason.value,
        "what_to_do": None if found.reason is None else REMEDIES[found.reason],
        "revocation": None
        if path is None
        else ("good" if isinstance(path.revocation, Good) else "unknown"),
        "policies": [] if path is None else sorted(path.policies),
        "steps": [
            {
                "step": step.name,
                "passed": step.passed,
                "subject": step.subject,
                "detail": _detail(step, certificate),
            }
            for step in found.steps
        ],
    }


def _shown(purpose: Purpose, found: Examination, certificate: Certificate) -> list[str | Grid]:
    rows = tuple(
        (
            "passed" if step.passed else "FAILED",
            step.name.replace("_", " "),
            step.subject or "-",
            _detail(step, certificate) or "-",
        )
        for step in found.steps
    )
    grid = Grid(("", "step", "of", "what was found"), rows)
    if found.reason is not None:
        why = found.reason.value.replace("_", " ")
        return [f"For {purpose.value}:", grid, f"BAD, {why}: {REMEDIES[found.reason]}."]
    assert found.chain is not None
    known = isinstance(found.chain.revocation, Good)
    doubt = (
        "" if known else " It is not known whether somebody took it back: not shown as verified."
    )
    return [f"For {purpose.value}:", grid, f"GOOD.{doubt}"]
