"""What is kept of an exchange: its state as of the newest message."""

import pytest

from mailbox_store import correspondences
from mailbox_store.database import Database
from mailbox_store.vault import AccountId
from tests.unit.mailbox_store.conftest import Clock

PATIENT = "279035121518989@patient.mss.example"
DOCTOR = "claire.martin@mss.example"
OTHER = "paul.bernard@mss.example"


def record(
    database: Database, account: AccountId, state: str, ref: str, professional: str = DOCTOR
) -> bool:
    return database.write(
        lambda tx: correspondences.record(
            tx, PATIENT, account, professional, f"Dr {professional}", state, ref
        )
    )


def state(database: Database, professional: str = DOCTOR, patient: str = PATIENT) -> str | None:
    with database.read() as view:
        return correspondences.state(view, patient, professional)


def test_there_is_no_relation_before_the_first_message(
    database: Database, account: AccountId
) -> None:
    assert state(database) is None
    assert record(database, account, "OPEN", "m1")
    assert state(database) == "OPEN"
    assert state(database, OTHER) is None
    assert state(database, DOCTOR, "1@patient.mss.example") is None
    # the two addresses have their places
    assert state(database, PATIENT, DOCTOR) is None


def test_the_first_message_stays_on_record_through_closing_and_opening_again(
    database: Database, account: AccountId, clock: Clock
) -> None:
    for moment, new, ref in ((10, "OPEN", "m1"), (20, "CLOSED", "m2"), (30, "OPEN", "m3")):
        clock.now = moment
        assert record(database, account, new, ref)
        assert state(database) == new
    with database.read() as view:
        kept = correspondences.of_patient(view, account)
    assert kept == [
        correspondences.Correspondence(DOCTOR, f"Dr {DOCTOR}", "OPEN", "m1", 10, "m3", 30)
    ]


@pytest.mark.parametrize("late", ["m4", "m5"])
def test_a_message_that_comes_late_or_again_undoes_nothing(
    database: Database, account: AccountId, late: str
) -> None:
    record(database, account, "OPEN", "m1")
    record(database, account, "CLOSED", "m5")
    assert not record(database, account, "OPEN", late)
    assert state(database) == "CLOSED"


def test_a_message_that_leaves_the_state_still_counts_as_the_newest(
    database: Database, account: AccountId
) -> None:
    record(database, account, "OPEN", "m1")
    assert not record(database, account, "OPEN", "m7")
    assert not record(database, account, "CLOSED", "m6")
    assert state(database) == "OPEN"
    assert record(database, account, "CLOSED", "m8")


def test_a_relation_that_began_closed_remembers_no_opening(
    database: Database, account: AccountId
) -> None:
    assert record(database, account, "CLOSED", "m1")
    with database.read() as view:
        kept = correspondences.of_patient(view, account)[0]
    assert (kept.opened_ref, kept.opened_at, kept.changed_ref) == (None, None, "m1")
    record(database, account, "OPEN", "m2")
    with database.read() as view:
        assert correspondences.of_patient(view, account)[0].opened_ref == "m2"


def test_a_patient_sees_their_own_relations_the_latest_first(
    database: Database, account: AccountId, other_account: AccountId
) -> None:
    record(database, account, "OPEN", "m1")
    record(database, account, "OPEN", "m2", OTHER)
    with database.read() as view:
        assert [one.professional for one in correspondences.of_patient(view, account)] == [
            OTHER,
            DOCTOR,
        ]
        assert correspondences.of_patient(view, other_account) == []


def test_a_name_does_not_open_in_another_relation(database: Database, account: AccountId) -> None:
    record(database, account, "OPEN", "m1")
    record(database, account, "OPEN", "m2", OTHER)
    database.write(
        lambda tx: tx.sql(
            "UPDATE correspondences SET sealed ="
            " (SELECT sealed FROM correspondences WHERE changed_ref = 'm1')"
        )
    )
    with pytest.raises(Exception, match="not sealed for"), database.read() as view:
        correspondences.of_patient(view, account)


@pytest.mark.parametrize(
    ("history", "withdrawn"),
    [
        ((("OPEN", "m1"),), True),
        ((("OPEN", "m1"), ("OPEN", "m2")), False),
        ((("OPEN", "m1"), ("CLOSED", "m2")), False),
        ((("OPEN", "m0"), ("CLOSED", "m0b"), ("OPEN", "m1")), False),
        ((("CLOSED", "m1"),), False),
        ((("OPEN", "m2"),), False),
        ((), False),
    ],
)
def test_what_a_message_alone_opened_can_be_withdrawn(
    history: tuple[tuple[str, str], ...],
    withdrawn: bool,
    database: Database,
    account: AccountId,
) -> None:
    for new, ref in history:
        record(database, account, new, ref)
    before = state(database)
    assert database.write(lambda tx: correspondences.withdraw(tx, PATIENT, "m1")) == withdrawn
    assert state(database) == (None if withdrawn else before)
    assert database.write(lambda tx: correspondences.withdraw(tx, OTHER, "m1")) == 0
