"""`mss policy`: why somebody may or may not write to somebody, and the tables of rules."""

from typing import Annotated

import typer

from mailbox_store.database import View
from mss_gateway import texts
from mss_gateway.cli.answers import Answer, Grid, Json, listing
from mss_gateway.cli.desk import Desk, address_of, person_of
from mss_gateway.directory.operators import Operator
from mss_gateway.failures import Failure, row
from mss_gateway.life import policy, reception
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.policy import Writer
from mss_gateway.life.reception import Visit
from mss_gateway.message.address import parse_address
from policies import decide, rules
from policies.facts import RecipientFacts
from policies.verdict import Defer, Permit, Refuse, Verdict


def why(
    desk: Desk,
    author: Annotated[str, typer.Option("--from", help="Who writes: address or INS.")],
    recipient: Annotated[str, typer.Option("--to", help="To whom: address or INS.")],
) -> Answer:
    """The verdict at recipient, with every rule asked."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        to = parse_address(address_of(recipient, gateway.config))
        writer = _writer(gateway, view, author)
        facts = policy.recipient_facts(gateway, view, writer, to, 0)
    return _answer(facts, decide.at_recipient(facts))


def _writer(gateway: Gateway, view: View, author: str) -> Writer:
    """Somebody here; or somebody elsewhere, as if their operator's server called; else NotDone."""
    address = parse_address(address_of(author, gateway.config))
    known = gateway.whitelist(view)
    name = known.operator_of(address.domain)
    if name is not None and not gateway.config.site.serves(address.domain):
        operator = Operator(name, known.domains_of(name))
        return reception.writer_of(gateway, Visit(operator, "", address))
    person = person_of(view, author, gateway.config)
    return policy.Envelope(person, parse_address(person.address), "cli").writer


def show(desk: Desk) -> Answer:
    """Every rule of every moment, in the order asked."""
    rows = [
        {
            "moment": line.moment.value,
            "rule": line.name,
            "reason": line.reason.value,
            "reference": line.reference,
            "sentence": line.sentence,
        }
        for line in rules.listing()
    ]
    columns = {
        "moment": "moment",
        "rule": "rule",
        "sentence": "what must hold",
        "reason": "otherwise",
        "reference": "where it is written",
    }
    return listing(rows, columns, "No rule.")


def _answer(facts: RecipientFacts, verdict: Verdict) -> Answer:
    known = {rule.name: rule for rule in rules.AT_RECIPIENT}
    asked: list[dict[str, Json]] = [
        {
            "rule": name,
            "objection": None if objection is None else objection.value,
            "sentence": known[name].sentence,
            "reference": known[name].reference,
        }
        for name, objection in verdict.trail
    ]
    word, reason = _worded(verdict)
    told = None if reason is None else texts.text(row(Failure[reason.upper()]).text)
    value: dict[str, Json] = {
        "from": facts.reverse_path,
        "to": facts.recipient,
        "verdict": word,
        "reason": reason,
        "told": told,
        "exchange": facts.exchange.name.lower(),
        "rules": asked,
    }
    shown: list[str | Grid] = [
        f"{facts.reverse_path} → {facts.recipient}: {word}" + (f" ({reason})." if reason else "."),
        *([f"The exchange is {value['exchange']}."] if facts.exchange.name != "NONE" else []),
        *([f"What the author is told: {told}"] if told else []),
        Grid(
            ("rule", "says", "what must hold", "where it is written"),
            tuple(
                (
                    str(line["rule"]),
                    str(line["objection"] or "nothing to object"),
                    str(line["sentence"]),
                    str(line["reference"]),
                )
                for line in asked
            ),
        ),
    ]
    return Answer(value, tuple(shown), 0 if reason is None else 1)


def _worded(verdict: Verdict) -> tuple[str, str | None]:
    match verdict:
        case Permit():
            return "permitted", None
        case Refuse(reason):
            return "refused", reason.value
        case Defer(reason):
            return "not now", reason.value
