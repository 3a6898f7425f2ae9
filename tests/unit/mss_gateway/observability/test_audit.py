"""The audit's chain: what was done stays told, and where it was tampered with is seen.

Reliability T50: edit, delete, truncate, reorder, insert, fork.
"""

import hashlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from mailbox_store.database import Database, Transaction
from mss_gateway.observability import audit
from mss_gateway.observability.audit import ACTS, GENESIS, Broken, Head

COLUMNS = "seq, at, actor, act, object, verdict, message_ref, hash"

OTHER_PROCESS = """
import sys
from mailbox_store.database import Database
from mss_gateway.observability import audit
from tests.support.nulls import NullSealing
database = Database.open(sys.argv[1], NullSealing())
for n in range(40):
    database.write(lambda tx: audit.record(tx, actor="operator", act="people", verdict=f"{n}"))
database.close()
"""


def act(database: Database, count: int = 1, **fields: Any) -> None:
    def work(tx: Transaction) -> None:
        for n in range(count):
            audit.record(tx, **{"actor": "account:1", "act": "store", "verdict": f"v{n}", **fields})

    database.write(work)


def sql(database: Database, statement: str, parameters: Sequence[object] = ()) -> None:
    def work(tx: Transaction) -> None:
        tx.sql(statement, parameters)

    database.write(work)


def verify(database: Database, kept: Head | None = None) -> tuple[int, Broken | None]:
    with database.read() as view:
        return audit.verify(view, kept)


def head(database: Database) -> Head:
    with database.read() as view:
        return audit.head(view)


def rows(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as view:
        return [tuple(row) for row in view.sql(f"SELECT {COLUMNS} FROM audit ORDER BY seq")]


def forge(previous: bytes, row: Sequence[object]) -> bytes:
    """The hash as anybody can compute it who can read this page: there is no secret in it."""
    canonical = json.dumps(list(row), separators=(",", ":")).encode()
    return hashlib.sha256(previous + canonical).digest()


# recording


def test_an_act_says_who_what_on_what_and_with_which_verdict(database: Database) -> None:
    act(database, object="document:7", message_ref="ref1")
    with database.read() as view:
        (row,) = audit.tail(view, 5)
    assert (row.seq, row.actor, row.act, row.object) == (1, "account:1", "store", "document:7")
    assert (row.verdict, row.message_ref) == ("v0", "ref1")
    assert len(row.hash) == 32


@pytest.mark.parametrize("name", ACTS)
def test_every_act_of_the_list_is_recorded(database: Database, name: str) -> None:
    act(database, act=name)
    assert verify(database) == (1, None)


@pytest.mark.parametrize("name", ["", "Store", "stor", "store "])
def test_an_act_without_a_name_is_refused(database: Database, name: str) -> None:
    with pytest.raises(ValueError, match="unknown act"):
        act(database, act=name)
    assert verify(database) == (0, None)


@pytest.mark.parametrize("actor", ["account:1", "account:99", "operator", "system", "unknown"])
def test_an_actor_is_a_number_or_a_role(database: Database, actor: str) -> None:
    act(database, actor=actor)
    assert verify(database) == (1, None)


@pytest.mark.parametrize(
    "actor",
    ["", "account:", "account:x", "account:1 ", "claire.martin@mss.example", "279035121518989"],
)
def test_an_actor_that_names_somebody_is_refused_and_not_repeated(
    database: Database, actor: str
) -> None:
    with pytest.raises(ValueError, match="an actor is") as caught:
        act(database, actor=actor)
    if "@" in actor:
        assert actor not in str(caught.value)
    assert verify(database) == (0, None)


def test_a_unit_that_is_rolled_back_leaves_no_gap(database: Database) -> None:
    def rolled_back(tx: Transaction) -> None:
        audit.record(tx, actor="system", act="store", verdict="lost")
        raise LookupError

    act(database)
    with pytest.raises(LookupError):
        database.write(rolled_back)
    act(database)
    assert [row[0] for row in rows(database)] == [1, 2]
    assert verify(database) == (2, None)


def test_the_life_of_a_message_is_told_in_order(database: Database) -> None:
    for name, ref in (("submission", "a"), ("store", "b"), ("store", "a"), ("deliver", "a")):
        act(database, act=name, message_ref=ref)
    with database.read() as view:
        assert [row.act for row in audit.of_message(view, "a")] == [
            "submission",
            "store",
            "deliver",
        ]
        assert audit.of_message(view, "c") == []


@pytest.mark.parametrize(
    ("count", "expected"), [(0, []), (1, [4]), (3, [2, 3, 4]), (9, [1, 2, 3, 4])]
)
def test_the_tail_ends_with_the_newest(database: Database, count: int, expected: list[int]) -> None:
    act(database, 4)
    with database.read() as view:
        assert [row.seq for row in audit.tail(view, count)] == expected


def test_two_processes_extend_one_chain(database: Database, url: str) -> None:
    other = subprocess.Popen([sys.executable, "-c", OTHER_PROCESS, url])
    for _ in range(40):
        act(database)
    while other.poll() is None:
        act(database)
    assert other.returncode == 0
    written = rows(database)
    assert sum(row[2] == "operator" for row in written) == 40
    assert verify(database) == (len(written), None)


# the chain


def test_the_hash_is_as_it_is_written_down(database: Database) -> None:
    act(database, 2, object="é", message_ref="ref1")
    previous = GENESIS
    for *row, kept in rows(database):
        previous = hashlib.sha256(
            previous + json.dumps(row, ensure_ascii=True, separators=(",", ":")).encode()
        ).digest()
        assert kept == previous
    assert head(database) == Head(2, previous)


def test_an_empty_chain_holds(database: Database) -> None:
    assert verify(database) == (0, None)
    assert head(database) == Head(0, GENESIS)
    assert verify(database, head(database)) == (0, None)


@pytest.mark.parametrize(
    "change",
    [
        "at = at + 1",
        "actor = 'account:2'",
        "act = 'read'",
        "object = 'x'",
        "verdict = 'refused'",
        "verdict = ''",
        "message_ref = 'other'",
        "message_ref = NULL",
        "hash = zeroblob(32)",
        "hash = x''",
        "hash = 5",
        "object = x'ff'",
        "actor = 7",
        "at = 'then'",
        "at = 1.5",
    ],
)
@pytest.mark.parametrize("seq", [1, 5, 9])
def test_an_edit_is_seen_at_its_place(database: Database, seq: int, change: str) -> None:
    act(database, 9, object="o", message_ref="ref1")
    sql(database, f"UPDATE audit SET {change} WHERE seq = ?", (seq,))
    count, broken = verify(database)
    assert broken is not None
    assert (count, broken.seq) == (seq - 1, seq)


@pytest.mark.parametrize("seq", [1, 5, 8])
def test_a_deletion_is_seen_at_its_place(database: Database, seq: int) -> None:
    act(database, 9)
    sql(database, "DELETE FROM audit WHERE seq = ?", (seq,))
    assert verify(database) == (seq - 1, Broken(seq, "a row is missing here"))


def test_a_deletion_whose_gap_was_closed_is_seen(database: Database) -> None:
    act(database, 9)
    sql(database, "DELETE FROM audit WHERE seq = 5")
    for seq in range(6, 10):
        sql(database, "UPDATE audit SET seq = ? WHERE seq = ?", (seq - 1, seq))
    count, broken = verify(database)
    assert broken is not None
    assert (count, broken.seq) == (4, 5)


@pytest.mark.parametrize(("first", "second"), [(1, 2), (3, 7), (8, 9)])
def test_a_change_of_order_is_seen_at_the_first_moved(
    database: Database, first: int, second: int
) -> None:
    act(database, 9)
    for old, new in ((first, 100), (second, first), (100, second)):
        sql(database, "UPDATE audit SET seq = ? WHERE seq = ?", (new, old))
    count, broken = verify(database)
    assert broken is not None
    assert (count, broken.seq) == (first - 1, first)


@pytest.mark.parametrize("has_right_hash", [False, True])
def test_an_insertion_is_seen(database: Database, has_right_hash: bool) -> None:
    act(database, 9)
    for seq in range(9, 4, -1):
        sql(database, "UPDATE audit SET seq = ? WHERE seq = ?", (seq + 1, seq))
    row = (5, 0, "system", "read", "", "permitted", None)
    forged = forge(rows(database)[3][7], row) if has_right_hash else bytes(32)
    sql(database, f"INSERT INTO audit ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?)", (*row, forged))
    count, broken = verify(database)
    assert broken is not None
    # with a hash of its own that fits, it is its successor that does not
    assert (count, broken.seq) == ((5, 6) if has_right_hash else (4, 5))


@pytest.mark.parametrize("kept_seq", [7, 9])
def test_a_missing_end_is_seen_by_a_kept_head_only(database: Database, kept_seq: int) -> None:
    act(database, kept_seq)
    kept = head(database)
    act(database, 9 - kept_seq)
    sql(database, "DELETE FROM audit WHERE seq > 6")
    assert verify(database) == (6, None)
    assert verify(database, kept) == (6, Broken(7, "the end is missing: a later head was kept"))
    # and not what was cut off after the head that was kept
    act(database, 3)
    other = head(database)
    act(database, 2)
    sql(database, "DELETE FROM audit WHERE seq > 9")
    assert verify(database, other) == (9, None)


def test_a_history_written_anew_is_seen_by_a_kept_head_only(database: Database) -> None:
    act(database, 6)
    before, kept = rows(database), head(database)
    act(database, 3)
    previous = before[2][7]
    for *row, _ in rows(database)[3:]:
        row[5] = "permitted"
        previous = forge(previous, row)
        sql(
            database,
            "UPDATE audit SET verdict = ?, hash = ? WHERE seq = ?",
            ("permitted", previous, row[0]),
        )
    assert verify(database) == (9, None)
    assert verify(database, kept) == (5, Broken(6, "this is not the chain whose head was kept"))
    assert verify(database, Head(2, before[1][7])) == (9, None)


def test_the_table_refuses_two_rows_of_one_number(database: Database) -> None:
    act(database)
    with pytest.raises(Exception, match="UNIQUE") as caught:
        sql(database, f"INSERT INTO audit ({COLUMNS}) SELECT {COLUMNS} FROM audit")
    cause: BaseException = getattr(caught.value, "orig", None) or caught.value
    assert isinstance(cause, sqlite3.IntegrityError)


@pytest.mark.parametrize("seq", [1, 2500, 5000])
def test_a_long_chain_tells_the_place_as_well(database: Database, seq: int) -> None:
    def many(tx: Transaction) -> None:
        for n in range(5000):
            audit.record(tx, actor="system", act="deliver", verdict=f"v{n}")

    database.write(many)
    assert verify(database) == (5000, None)
    sql(database, "UPDATE audit SET verdict = 'other' WHERE seq = ?", (seq,))
    count, broken = verify(database)
    assert broken is not None
    assert (count, broken.seq) == (seq - 1, seq)
