from mss_gateway.failures import Failure, row
from policies import rules
from policies.reasons import Reason


def test_every_reason_bears_the_name_of_a_failure() -> None:
    assert {reason.name for reason in Reason} <= {failure.name for failure in Failure}


def test_a_reason_is_temporary_exactly_when_its_failure_may_be_retried() -> None:
    retried = {reason for reason in Reason if row(Failure[reason.name]).retry}

    assert {reason for reason in Reason if reason.is_temporary} == retried
    assert retried == {
        Reason.TOO_MANY_RECIPIENTS,
        Reason.WHITELIST_STALE,
        Reason.PEER_UNCHECKED,
    }


def test_every_reason_is_given_by_a_rule_or_by_an_empty_table() -> None:
    given = {line.reason for line in rules.listing()}

    assert given == set(Reason) - {Reason.NOT_ALLOWED}
