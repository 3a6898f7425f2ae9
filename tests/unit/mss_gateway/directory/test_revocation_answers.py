"""Answers kept: the last good one, whole, sealed, and never an older one in its place."""

import hashlib
import os
from dataclasses import replace

import pytest

from mailbox_store.database import Database, Transaction
from mailbox_store.vault import AccountId
from mss_gateway.directory import revocation_answers
from mss_gateway.directory.revocation_answers import (
    ERROR_OCTETS,
    PIECE_OCTETS,
    PIECES_AT_ONCE,
    AnswerMissing,
    AnswerOlder,
    KeptAnswer,
    Received,
    Record,
    confirm,
    fail,
    forget,
    keep,
    sweep,
)
from mss_gateway.queue import spooled
from tests.unit.mss_gateway.directory.conftest import NOW, Clock

FIRST = Received("crl", "crl http://a/", "issuer 1", b"first", NOW - 60, NOW + 3_600)
NEWER = replace(FIRST, der=b"newer", this_update=NOW, next_update=NOW + 7_200)


@pytest.fixture
def site(database: Database) -> AccountId:
    return database.write(spooled.spool_account)


def record(database: Database, name: str = FIRST.name) -> Record | None:
    with database.read() as view:
        return revocation_answers.records(view, [name]).get(name)


def about(database: Database, subject: str = FIRST.about) -> list[KeptAnswer]:
    with database.read() as view:
        return revocation_answers.about(view, subject)


def load(database: Database, site: AccountId, der: bytes) -> bytes:
    with database.read() as view:
        return revocation_answers.load(view, site, hashlib.sha256(der).digest())


def pieces(database: Database) -> int:
    with database.read() as view:
        count: int = view.sql("SELECT count(*) FROM revocation_pieces").scalar_one()
        return count


def test_an_answer_is_kept_and_found_by_whom_it_is_about(
    database: Database, site: AccountId
) -> None:
    assert record(database) is None
    kept = replace(FIRST, etag='"1"', last_modified="yesterday")
    assert keep(database, site, kept, NOW + 100)
    digest = hashlib.sha256(b"first").digest()
    assert record(database) == Record(
        *("crl", digest, NOW - 60, NOW + 3_600, NOW, '"1"', "yesterday", NOW, NOW + 100, 0, "")
    )
    assert about(database) == [KeptAnswer("crl", digest, NOW - 60, NOW + 3_600)]
    assert about(database, "issuer 2") == []
    assert load(database, site, b"first") == b"first"


@pytest.mark.parametrize(
    "octets",
    [1, PIECE_OCTETS, PIECE_OCTETS + 1, PIECES_AT_ONCE * PIECE_OCTETS + 1],
)
def test_a_large_one_lies_in_pieces_written_a_few_at_a_time(
    database: Database, site: AccountId, octets: int
) -> None:
    der, before = os.urandom(octets), database.commits
    keep(database, site, replace(FIRST, der=der), NOW)
    assert pieces(database) == -(-octets // PIECE_OCTETS)
    assert database.commits - before == 1 + -(-octets // (PIECE_OCTETS * PIECES_AT_ONCE))
    assert load(database, site, der) == der


def test_what_is_on_disk_is_sealed(database: Database, site: AccountId) -> None:
    keep(database, site, FIRST, NOW)
    with database.read() as view:
        sealed = bytes(view.sql("SELECT sealed FROM revocation_pieces").scalar_one())
        row = view.sql("SELECT * FROM revocation_answers").one()
    assert sealed != FIRST.der
    assert not any(FIRST.name in str(value) or FIRST.about in str(value) for value in row)


def test_a_newer_one_takes_its_place_and_the_former_goes(
    database: Database, site: AccountId
) -> None:
    keep(database, site, FIRST, NOW)
    assert keep(database, site, NEWER, NOW)
    assert [each.this_update for each in about(database)] == [NOW]
    assert (load(database, site, b"newer"), pieces(database)) == (b"newer", 1)
    with pytest.raises(AnswerMissing):
        load(database, site, b"first")


@pytest.mark.parametrize(
    ("this_update", "next_update", "is_taken"),
    [
        (NOW - 1, NOW + 9_999, False),
        (NOW, NOW + 7_199, False),
        (NOW, NOW + 7_200, True),
        (NOW, NOW + 7_201, True),
        (NOW + 1, NOW + 60, True),
    ],
)
def test_time_never_goes_back(
    database: Database, site: AccountId, this_update: int, next_update: int, is_taken: bool
) -> None:
    keep(database, site, NEWER, NOW)
    other = replace(FIRST, der=b"other", this_update=this_update, next_update=next_update)
    if is_taken:
        assert keep(database, site, other, NOW)
    else:
        with pytest.raises(AnswerOlder):
            keep(database, site, other, NOW)
    assert load(database, site, b"other" if is_taken else b"newer")
    assert pieces(database) == 1


def test_the_same_again_is_not_written_again(
    database: Database, site: AccountId, clock: Clock
) -> None:
    keep(database, site, FIRST, NOW)
    clock.now += 50
    before = database.commits
    assert not keep(database, site, FIRST, NOW + 200)
    assert database.commits == before + 1
    found = record(database)
    assert found is not None
    assert (found.fetched_at, found.due_at) == (NOW + 50, NOW + 200)


def test_an_answer_that_two_sources_gave_stays_until_neither_needs_it(
    database: Database, site: AccountId
) -> None:
    keep(database, site, FIRST, NOW)
    keep(database, site, replace(FIRST, name="crl http://b/"), NOW)
    assert (pieces(database), len(about(database))) == (1, 1)
    keep(database, site, NEWER, NOW)
    assert load(database, site, b"first") == b"first"
    keep(database, site, replace(NEWER, name="crl http://b/"), NOW)
    with pytest.raises(AnswerMissing):
        load(database, site, b"first")


def test_a_crash_before_the_end_leaves_the_one_before(
    database: Database, site: AccountId, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(database, site, FIRST, NOW)

    def crash(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(revocation_answers, "_turn", crash)
        with pytest.raises(KeyboardInterrupt):
            keep(database, site, NEWER, NOW)
    assert (load(database, site, b"first"), pieces(database)) == (b"first", 2)
    assert [each.this_update for each in about(database)] == [NOW - 60]
    assert database.write(sweep) == 1
    assert pieces(database) == 1
    assert keep(database, site, NEWER, NOW)


def test_an_answer_whose_pieces_went_meanwhile_is_not_kept(
    database: Database, site: AccountId, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = revocation_answers._put

    def swept(tx: Transaction, *arguments: object) -> None:
        put(tx, *arguments)  # type: ignore[arg-type]
        tx.sql("DELETE FROM revocation_pieces")

    monkeypatch.setattr(revocation_answers, "_put", swept)
    with pytest.raises(AnswerMissing):
        keep(database, site, FIRST, NOW)
    assert about(database) == []


def test_an_answer_that_was_altered_is_missing(database: Database, site: AccountId) -> None:
    der = os.urandom(2 * PIECE_OCTETS)
    keep(database, site, replace(FIRST, der=der), NOW)
    database.write(lambda tx: tx.sql("DELETE FROM revocation_pieces WHERE number = 1") and None)
    with pytest.raises(AnswerMissing):
        load(database, site, der)


def test_a_failure_leaves_what_is_kept_and_is_counted(
    database: Database, site: AccountId, clock: Clock
) -> None:
    keep(database, site, FIRST, NOW)
    clock.now += 10
    for number in (1, 2):
        database.write(lambda tx: fail(tx, "crl", FIRST.name, "", "e" * 200, NOW + 99))
        found = record(database)
        assert found is not None
        assert (found.failures, found.last_error) == (number, "e" * ERROR_OCTETS)
        assert (found.fetched_at, found.tried_at, found.due_at) == (NOW, NOW + 10, NOW + 99)
    assert len(about(database)) == 1
    keep(database, site, NEWER, NOW)
    found = record(database)
    assert found is not None
    assert (found.failures, found.last_error) == (0, "")


def test_a_source_that_never_answered_has_a_record_too(database: Database) -> None:
    database.write(lambda tx: fail(tx, "ocsp", "ocsp x", "certificate x", "unreachable", NOW + 9))
    found = record(database, "ocsp x")
    assert found is not None
    assert (found.digest, found.failures, found.is_fresh(NOW)) == (None, 1, False)
    assert about(database, "certificate x") == []


def test_a_copy_that_is_current_is_confirmed(
    database: Database, site: AccountId, clock: Clock
) -> None:
    keep(database, site, FIRST, NOW)
    database.write(lambda tx: fail(tx, "crl", FIRST.name, "", "unreachable", NOW))
    clock.now += 30
    database.write(lambda tx: confirm(tx, FIRST.name, NOW + 77, '"2"', "today"))
    found = record(database)
    assert found is not None
    assert (found.fetched_at, found.due_at, found.failures) == (NOW + 30, NOW + 77, 0)
    assert (found.etag, found.last_modified, found.last_error) == ('"2"', "today", "")


def test_who_is_not_needed_is_forgotten_when_the_answer_has_ended(
    database: Database, site: AccountId, clock: Clock
) -> None:
    keep(database, site, FIRST, NOW)
    database.write(lambda tx: fail(tx, "ocsp", "ocsp x", "certificate x", "unreachable", NOW))
    assert database.write(lambda tx: forget(tx, {"ocsp x"})) == 0
    assert database.write(lambda tx: forget(tx, {FIRST.name})) == 1
    clock.now = FIRST.next_update
    assert database.write(lambda tx: forget(tx, ())) == 0
    clock.now += 1
    assert database.write(lambda tx: forget(tx, ())) == 1
    assert database.write(sweep) == 1
    assert pieces(database) == 0


@pytest.mark.parametrize(("at", "is_fresh"), [(NOW + 3_600, True), (NOW + 3_601, False)])
def test_an_answer_is_fresh_until_next_update(
    database: Database, site: AccountId, at: int, is_fresh: bool
) -> None:
    keep(database, site, FIRST, NOW)
    found = record(database)
    assert found is not None
    assert found.is_fresh(at) is is_fresh


def test_many_sources_are_looked_up_together(database: Database) -> None:
    names = [f"ocsp {number}" for number in range(1_100)]

    def unit(tx: Transaction) -> None:
        for name in names:
            fail(tx, "ocsp", name, name, "unreachable", NOW)

    database.write(unit)
    with database.read() as view:
        assert set(revocation_answers.records(view, [*names, "other"])) == set(names)
        assert revocation_answers.records(view, []) == {}
