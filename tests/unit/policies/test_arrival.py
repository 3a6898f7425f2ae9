"""What another operator's server may hand over: each objection at its edges."""

from dataclasses import replace

import pytest

from policies import arrival
from policies.facts import Exchange, PeerProof
from policies.reasons import Reason
from tests.unit.policies.samples import (
    ARRIVING,
    ARRIVING_BY_PATIENT,
    ELSEWHERE,
    LEO,
    MARTIN,
    OPEN_TO_MARTIN,
    PEER,
)


@pytest.mark.parametrize(
    ("proof", "unproved", "unchecked"),
    [
        (PeerProof.ABSENT, Reason.PEER_UNPROVED, None),
        (PeerProof.REJECTED, Reason.PEER_UNPROVED, None),
        (PeerProof.UNCHECKED, None, Reason.PEER_UNCHECKED),
        (PeerProof.BELIEVED, None, None),
    ],
)
def test_only_a_certificate_that_is_believed_today_speaks(
    proof: PeerProof, unproved: Reason | None, unchecked: Reason | None
) -> None:
    facts = replace(PEER, proof=proof)
    assert arrival.unproved(facts) is unproved
    assert arrival.unchecked(facts) is unchecked


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (None, None),
        (ELSEWHERE, None),
        (LEO, None),
        ("luc@x.ville.test", Reason.SENDER_NOT_OF_PEER),
        ("luc@ville.test.example", Reason.SENDER_NOT_OF_PEER),
        ("luc@xville.test", Reason.SENDER_NOT_OF_PEER),
        (MARTIN, Reason.SENDER_NOT_OF_PEER),
        ("", Reason.SENDER_NOT_OF_PEER),
    ],
)
def test_a_reverse_path_has_exactly_one_of_the_domains(
    path: str | None, reason: Reason | None
) -> None:
    assert arrival.foreign_reverse_path(replace(PEER, reverse_path=path)) is reason


def test_without_an_operator_no_reverse_path_is_its_own() -> None:
    nobody = replace(PEER, operator_domains=frozenset())
    assert arrival.outside(nobody) is Reason.PEER_OUTSIDE
    assert arrival.outside(PEER) is None
    assert arrival.foreign_reverse_path(nobody) is Reason.SENDER_NOT_OF_PEER


@pytest.mark.parametrize(("size", "reason"), [(None, None), (100, None), (101, True)])
def test_a_declared_size_at_its_edge(size: int | None, reason: bool | None) -> None:
    told = arrival.declared_too_big(replace(PEER, declared_size=size))
    assert told is (Reason.MESSAGE_TOO_BIG if reason else None)


def test_whoever_is_named_outside_or_inside_is_the_operator_s() -> None:
    for place in ("from_addresses", "sender_addresses"):
        message = replace(ARRIVING.message, **{place: (ELSEWHERE, MARTIN)})
        facts = replace(ARRIVING, message=message)
        asked = arrival.foreign_from if place == "from_addresses" else arrival.foreign_sender_field
        assert asked(facts) is Reason.FROM_NOT_OF_PEER
        assert asked(ARRIVING) is None
    hidden = replace(ARRIVING, inside_addresses=(ELSEWHERE, ""))
    assert arrival.foreign_from(hidden) is Reason.FROM_NOT_OF_PEER


@pytest.mark.parametrize(
    ("state", "is_report", "reason"),
    [
        (Exchange.OPEN, False, None),
        (Exchange.CLOSED, False, Reason.EXCHANGE_CLOSED),
        (Exchange.CLOSED, True, None),
    ],
)
def test_a_report_may_follow_the_end_of_an_exchange(
    state: Exchange, is_report: bool, reason: Reason | None
) -> None:
    exchanges = (replace(OPEN_TO_MARTIN, exchange=state),)
    message = replace(ARRIVING_BY_PATIENT.message, exchanges=exchanges)
    facts = replace(ARRIVING_BY_PATIENT, message=message, is_report=is_report)
    assert arrival.exchange_closed(facts) is reason


def test_what_was_here_before_is_stopped() -> None:
    assert arrival.own_trace(replace(ARRIVING, has_own_trace=True)) is Reason.MAIL_LOOP
    assert arrival.own_trace(ARRIVING) is None


def test_a_fresh_list_is_wanted() -> None:
    assert arrival.stale_list(replace(PEER, list_is_stale=True)) is Reason.WHITELIST_STALE
    assert arrival.stale_list(PEER) is None
