"""A delivery happens once."""

import pytest

from mailbox_store import deliveries
from mailbox_store.database import Database, Transaction
from mailbox_store.vault import AccountId
from tests.unit.mailbox_store.shelf import arrival, box, uids

PATIENT = "279035121518989@patient.mss.example"


def test_a_message_is_delivered_to_a_recipient_once(database: Database, account: AccountId) -> None:
    inbox = box(database, account)
    made = arrival(database, account, ref="ref-a")
    first = database.write(lambda tx: deliveries.deliver(tx, PATIENT, inbox.mailbox_id, made))
    again = database.write(lambda tx: deliveries.deliver(tx, PATIENT, inbox.mailbox_id, made))
    assert first is not None
    assert first.uid == 1
    assert again is None
    assert uids(database, inbox.mailbox_id) == [1]
    with database.read() as view:
        found = deliveries.find(view, "ref-a", PATIENT)
        assert found == deliveries.Delivery(inbox.mailbox_id, 1, 1_790_000_000)
        assert deliveries.find(view, "ref-b", PATIENT) is None
        assert deliveries.find(view, "ref-a", "someone@mss.example") is None


def test_each_recipient_has_a_delivery_of_their_own(database: Database, account: AccountId) -> None:
    inbox = box(database, account)
    for recipient in ("a@mss.example", "b@mss.example"):
        made = arrival(database, account, ref="ref-a")
        assert database.write(
            lambda tx, recipient=recipient, made=made: deliveries.deliver(  # type: ignore[misc]
                tx, recipient, inbox.mailbox_id, made
            )
        )
    assert uids(database, inbox.mailbox_id) == [1, 2]


def test_a_delivery_that_was_rolled_back_is_made_again(
    database: Database, account: AccountId
) -> None:
    inbox = box(database, account)
    made = arrival(database, account, ref="ref-a")

    def interrupted(tx: Transaction) -> None:
        deliveries.deliver(tx, PATIENT, inbox.mailbox_id, made)
        raise LookupError

    with pytest.raises(LookupError):
        database.write(interrupted)
    assert database.write(lambda tx: deliveries.deliver(tx, PATIENT, inbox.mailbox_id, made))
    assert uids(database, inbox.mailbox_id) == [1]
