"""Passwords that were right a moment ago: for how long, for whom, and what ends it."""

import pytest

from mailbox_store.vault import AccountId
from mss_gateway.directory import remembered
from mss_gateway.directory.remembered import LONGEST_SECONDS, Remembered
from tests.unit.mss_gateway.directory.conftest import Clock

ONE, TWO, THREE = AccountId(1), AccountId(2), AccountId(3)
HASH = "$argon2id$v=19$m=8,t=1,p=1$c2Vs$aGFjaGU"


@pytest.fixture
def kept(clock: Clock) -> Remembered:
    return Remembered(clock=clock)


def test_what_was_right_is_known_and_nothing_else(kept: Remembered) -> None:
    assert not kept.knows(ONE, HASH, "soleil")
    kept.keep(ONE, HASH, "soleil")
    assert kept.knows(ONE, HASH, "soleil")
    for password in ("", "Soleil", "soleil ", "soleil\0", "lune", "\ud800"):
        assert not kept.knows(ONE, HASH, password)
    assert not kept.knows(TWO, HASH, "soleil")


def test_asking_in_vain_forgets_nothing(kept: Remembered) -> None:
    kept.keep(ONE, HASH, "soleil")
    assert not kept.knows(ONE, HASH, "lune")
    assert kept.knows(ONE, HASH, "soleil")


def test_another_hash_ends_it_at_once(kept: Remembered) -> None:
    kept.keep(ONE, HASH, "soleil")
    assert not kept.knows(ONE, HASH + "x", "soleil")
    # where the hash ends and the password begins is no matter of taste
    kept.keep(ONE, HASH, "xsoleil")
    assert not kept.knows(ONE, HASH + "x", "soleil")


def test_it_ends_after_its_seconds_however_often_it_is_asked_for(
    kept: Remembered, clock: Clock
) -> None:
    kept.keep(ONE, HASH, "soleil")
    for _ in range(LONGEST_SECONDS - 1):
        clock.now += 1
        assert kept.knows(ONE, HASH, "soleil")
    clock.now += 1
    assert not kept.knows(ONE, HASH, "soleil")


def test_a_later_hash_begins_anew(kept: Remembered, clock: Clock) -> None:
    kept.keep(ONE, HASH, "soleil")
    clock.now += LONGEST_SECONDS - 1
    kept.keep(ONE, HASH, "soleil")
    clock.now += 1
    assert kept.knows(ONE, HASH, "soleil")


@pytest.mark.parametrize(("asked", "lasts"), [(1, 1), (300, 300), (301, 300), (86_400, 300)])
def test_no_configuration_makes_it_last_longer(asked: int, lasts: int, clock: Clock) -> None:
    kept = Remembered(asked, clock)
    kept.keep(ONE, HASH, "soleil")
    clock.now += lasts - 0.5
    assert kept.knows(ONE, HASH, "soleil")
    clock.now += 0.5
    assert not kept.knows(ONE, HASH, "soleil")


def test_zero_seconds_remember_nothing(clock: Clock) -> None:
    kept = Remembered(0, clock)
    kept.keep(ONE, HASH, "soleil")
    assert not kept.knows(ONE, HASH, "soleil")


def test_past_the_limit_the_one_asked_for_longest_ago_goes(
    kept: Remembered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "ACCOUNTS_LIMIT", 2)
    kept.keep(ONE, HASH, "un")
    kept.keep(TWO, HASH, "deux")
    assert kept.knows(ONE, HASH, "un")
    kept.keep(THREE, HASH, "trois")
    assert kept.knows(ONE, HASH, "un")
    assert kept.knows(THREE, HASH, "trois")
    assert not kept.knows(TWO, HASH, "deux")


def test_an_account_takes_one_place(kept: Remembered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "ACCOUNTS_LIMIT", 2)
    kept.keep(ONE, HASH, "un")
    for password in ("deux", "trois", "quatre"):
        kept.keep(TWO, HASH, password)
    assert kept.knows(ONE, HASH, "un")
    assert kept.knows(TWO, HASH, "quatre")
    assert not kept.knows(TWO, HASH, "trois")


def test_what_is_kept_is_no_password_and_no_other_process_has_its_key(clock: Clock) -> None:
    one, two = Remembered(clock=clock), Remembered(clock=clock)
    for each in (one, two):
        each.keep(ONE, HASH, "soleil")
    digests = {each._entries[ONE][0] for each in (one, two)}
    assert len(digests) == 2
    assert all(len(digest) == 32 and b"soleil" not in digest for digest in digests)
