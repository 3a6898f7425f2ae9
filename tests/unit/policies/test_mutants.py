"""Take any one guard of the rule away, and the property of the histories fails."""

import inspect
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from policies import content, first_contact, rules
from tests.unit.policies import mutants, story
from tests.unit.policies.histories import House, RuleBroken
from tests.unit.policies.mutants import MUTANTS, Mutant


def lives_through(mutant: Mutant, histories: int) -> None:
    policies = mutants.load(mutant)

    @settings(
        max_examples=histories,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(story.histories)
    def lives(history: list[story.Event]) -> None:
        House(policies, Counter()).run(history)

    lives()


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_history_finds_the_missing_guard(mutant: Mutant) -> None:
    with pytest.raises(RuleBroken):
        lives_through(mutant, 2_000)


def test_a_copy_without_any_mutation_is_sound() -> None:
    lives_through(Mutant("nothing", "left as it is", "rules", str), 100)


def test_every_guard_has_a_mutant() -> None:
    functions = {
        name
        for name, function in inspect.getmembers(first_contact, inspect.isfunction)
        if function.__module__ == first_contact.__name__
    }
    # What a message may carry is no part of the rule, and is tested with `content`; nor is whether
    # other operators can be written to at all, which is tested with `reach`.
    rows = {
        f"{table}.{rule.name}"
        for table in ("AT_RECIPIENT", "AT_MESSAGE")
        for rule in getattr(rules, table)
        if rule.objection.__module__ != content.__name__ and rule.name != "list_confirmed"
    }

    assert {mutant.guard for mutant in MUTANTS} == functions | rows


def test_the_copy_is_of_every_module_of_the_package() -> None:
    on_disk = {path.stem for path in mutants.FOLDER.glob("*.py")} - {"__init__"}

    assert set(mutants.MODULES) == on_disk
    assert len(mutants.MODULES) == len(on_disk)


def test_a_mutant_leaves_the_real_package_alone() -> None:
    mutated = mutants.load(MUTANTS[0])

    assert mutated.first_contact.closes_by_subject("[FIN]") is False
    assert first_contact.closes_by_subject("[FIN]") is True
    assert mutants.unmutated().first_contact is first_contact
