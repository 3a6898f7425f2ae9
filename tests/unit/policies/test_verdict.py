import pytest

from policies.reasons import Reason
from policies.verdict import Asked, Defer, Permit, Refuse, Verdict

TRAIL = (Asked("a_rule", None),)


@pytest.mark.parametrize(
    "verdict",
    [
        Permit(TRAIL),
        Refuse(Reason.NOT_ALLOWED, TRAIL),
        Defer(Reason.TOO_MANY_RECIPIENTS, TRAIL),
    ],
)
def test_a_verdict_tested_for_truth_raises_instead_of_permitting(verdict: Verdict) -> None:
    with pytest.raises(TypeError, match="no truth value"):
        bool(verdict)


def test_equal_answers_with_equal_trails_are_equal() -> None:
    assert Refuse(Reason.MAIL_LOOP, TRAIL) == Refuse(Reason.MAIL_LOOP, TRAIL)
    assert Refuse(Reason.MAIL_LOOP, TRAIL) != Refuse(Reason.MAIL_LOOP, ())
    assert Refuse(Reason.MAIL_LOOP, TRAIL) != Defer(Reason.MAIL_LOOP, TRAIL)
