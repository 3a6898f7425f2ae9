"""The benchmark of S/MIME does what it says; its figures are nobody's business here."""

import pytest

from certs.cms.enveloped import open_enveloped
from certs.cms.signed import verify_signed
from tests.bench import cms, cms_failures, cms_memory
from tests.bench.cms_parties import Holder, content, holder

OCTETS = 20_000


@pytest.fixture(scope="module")
def holders() -> dict[str, Holder]:
    return {kind: holder(kind) for kind in ("rsa-2048", "p256")}


def test_every_work_has_its_primitives_beside_it(holders: dict[str, Holder]) -> None:
    found = {case.work: cms.measured(case, 1, 1) for case in cms.cases(holders["p256"], b"abc")}

    assert set(found) == {
        *(f"{verb} {form}" for verb in ("sign", "verify") for form in ("detached", "opaque")),
        *(f"{verb} aes-256-{mode}" for verb in ("seal", "open") for mode in ("gcm", "cbc")),
    }
    assert all(figures["ratio"]["least"] > 0 for figures in found.values())


def test_a_goal_stands_beside_what_was_measured() -> None:
    ten = {"cpu_us": {"median": 330.0}, "raw_key_us": {"median": 300.0}}
    (goal, memory) = cms.goals({("rsa-2048", "10KB", "sign detached"): ten}, 2.0)

    assert goal["at_most"] == 1.25
    assert goal["measured"] == 1.1
    assert memory["measured"] == 2.0


@pytest.mark.parametrize("work", [name for name in cms_memory.WORKS if "streamed" in name])
def test_a_streamed_message_is_ber_with_the_same_content(
    holders: dict[str, Holder], work: str
) -> None:
    who = holders["p256"]

    blob = cms_memory.prepared(who, work, OCTETS)

    assert blob[1] == 0x80
    assert blob.count(b"\x04\x82\x04\x00") == OCTETS // cms_memory.PIECE
    found = (
        verify_signed(blob, None)
        if work.startswith("verify")
        else open_enveloped(blob, [(who.certificate, who.key)])
    )
    assert found.content == content(OCTETS)


def test_memory_is_measured_in_a_process_of_its_own() -> None:
    (row,) = cms_memory.rows(4 << 20, ("sign opaque",))

    assert row["peak_over_message"] >= 2.0  # the message, and what was made of it


def test_each_way_of_failing_answers_the_same(holders: dict[str, Holder]) -> None:
    rows = list(cms_failures.rows(holders, times=2))

    assert len(rows) == 4
    assert all(row["different_answers"] == 1 for row in rows)
    assert all(len(row["median_us"]) >= 2 for row in rows)
