from dataclasses import replace

from policies import decide, rules
from policies.facts import SenderFacts
from policies.people import Standing
from policies.reasons import Reason
from policies.rules import Rule
from policies.verdict import Asked, Defer, Permit, Refuse
from tests.unit.policies.samples import (
    ARRIVING,
    ARRIVING_BY_PATIENT,
    BERNARD,
    BY_PATIENT,
    BY_PROFESSIONAL,
    OWN_DOCUMENT,
    PEER,
    PROFESSIONAL,
    SENDER,
    TO_PATIENT,
    TO_PROFESSIONAL,
)


def objecting(name: str, reason: Reason | None) -> Rule[SenderFacts]:
    return Rule(name, lambda facts: reason, Reason.MAIL_LOOP, "nowhere", "An invented rule.")


def test_an_empty_table_refuses() -> None:
    assert decide.decide((), SENDER) == Refuse(Reason.NOT_ALLOWED, ())


def test_the_first_objection_answers_and_all_rules_are_asked_in_order() -> None:
    table = (
        objecting("silent", None),
        objecting("first", Reason.MAIL_LOOP),
        objecting("second", Reason.FORBIDDEN_TYPE),
    )

    verdict = decide.decide(table, SENDER)

    assert verdict == Refuse(
        Reason.MAIL_LOOP,
        (
            Asked("silent", None),
            Asked("first", Reason.MAIL_LOOP),
            Asked("second", Reason.FORBIDDEN_TYPE),
        ),
    )


def test_a_temporary_objection_defers_when_it_is_the_first() -> None:
    later = objecting("later", Reason.TOO_MANY_RECIPIENTS)
    never = objecting("never", Reason.MAIL_LOOP)

    assert isinstance(decide.decide((later, never), SENDER), Defer)
    assert isinstance(decide.decide((never, later), SENDER), Refuse)


def test_each_moment_asks_its_own_table() -> None:
    asked = {
        decide.at_peer(PEER): rules.AT_PEER,
        decide.at_sender(SENDER): rules.AT_SENDER,
        decide.at_recipient(TO_PATIENT): rules.AT_RECIPIENT,
        decide.at_recipient(TO_PROFESSIONAL): rules.AT_RECIPIENT,
        decide.at_message(BY_PROFESSIONAL): rules.AT_MESSAGE,
        decide.at_message(BY_PATIENT): rules.AT_MESSAGE,
        decide.at_arrival(ARRIVING): rules.AT_ARRIVAL,
        decide.at_arrival(ARRIVING_BY_PATIENT): rules.AT_ARRIVAL,
        decide.at_read(OWN_DOCUMENT): rules.AT_READ,
    }

    for verdict, table in asked.items():
        assert verdict == Permit(tuple(Asked(rule.name, None) for rule in table))


def test_a_refusal_has_the_trail_of_the_whole_table() -> None:
    author = replace(PROFESSIONAL, standing=Standing.SUSPENDED)

    verdict = decide.at_sender(replace(SENDER, author=author, reverse_path=BERNARD))

    assert verdict == Refuse(
        Reason.ACCOUNT_SUSPENDED,
        (
            Asked("author_in_use", Reason.ACCOUNT_SUSPENDED),
            Asked("reverse_path_is_own", Reason.SENDER_NOT_YOURS),
            Asked("declared_size", None),
        ),
    )
