"""No sequence of events lets a patient's message reach a professional who has not opened."""

from collections import Counter

from hypothesis import HealthCheck, given, settings

from tests.unit.policies import mutants, story
from tests.unit.policies.histories import House

HISTORIES = 2_000


def test_no_history_lets_a_patient_reach_a_professional_who_has_not_opened() -> None:
    policies = mutants.unmutated()
    tally: Counter[str] = Counter()

    @settings(
        max_examples=HISTORIES + 20,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(story.histories)
    def lives(history: list[story.Event]) -> None:
        House(policies, tally).run(history)

    lives()

    # The counters say that the histories went where the rule is at stake.
    assert tally["histories"] >= HISTORIES
    assert tally["OPEN"] >= 0.30 * tally["histories"]
    assert tally["CLOSED"] >= 0.30 * tally["histories"]
    assert tally["a patient's message delivered"] >= 0.10 * tally["histories"]
    assert tally["a patient refused at RCPT"] >= 0.30 * tally["histories"]
    assert tally["a patient refused only at the commit: NOT_YET_CONTACTED"] >= 10
    assert tally["a patient refused only at the commit: EXCHANGE_CLOSED"] >= 10
    assert tally["a patient refused only at the commit: ACCOUNT_SUSPENDED"] >= 10
    assert tally["a patient refused only at the commit: FROM_NOT_YOURS"] >= 10
