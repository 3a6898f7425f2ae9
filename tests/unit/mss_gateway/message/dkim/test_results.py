"""Every reason has its word, and both are written as RFC 8601 has them."""

import pytest

from mss_gateway.message.authentication import Decryption, Signature, Verdict, fields
from mss_gateway.message.dkim import DkimResult, Reason, clauses
from mss_gateway.message.dkim.results import WORDS

RFC8601 = {"none", "pass", "fail", "policy", "neutral", "temperror", "permerror"}


def test_every_reason_has_a_word_of_the_specification() -> None:
    assert set(WORDS) == set(Reason)
    assert set(WORDS.values()) <= RFC8601
    assert [reason for reason, word in WORDS.items() if word == "pass"] == [Reason.NONE]


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_a_token(reason: Reason) -> None:
    assert reason.value.replace("-", "").isalpha() or reason is Reason.NONE


def test_results_stand_beside_that_of_smime_in_one_field() -> None:
    results = [
        DkimResult("mss.example", "s2026", Reason.NONE),
        DkimResult("peer.example", "k1", Reason.BODY_ALTERED),
    ]
    verdict = Verdict(Signature.ABSENT, Decryption.NOT_ENCRYPTED)
    written = fields(verdict, "mx.mss.example", clauses(results)).replace(b"\r\n ", b" ")
    assert written.startswith(
        b"Authentication-Results: mx.mss.example; smime=none reason=absente;"
        b" dkim=pass header.d=mss.example header.s=s2026;"
        b" dkim=fail reason=body-altered header.d=peer.example header.s=k1\r\n"
    )


def test_without_results_nothing_is_said_of_dkim() -> None:
    verdict = Verdict(Signature.ABSENT, Decryption.NOT_ENCRYPTED)
    assert b"dkim" not in fields(verdict, "mx.mss.example")
    assert b"; dkim=none\r\n" in fields(verdict, "mx.mss.example", clauses([]))
