"""Messages that wait: whole when they are read back, sealed on the disk."""

import dataclasses
import json
from pathlib import Path

import pytest

from certs.sealing import RootKey, Sealing
from mailbox_store.database import Database
from mailbox_store.vault import AccountId, AccountSeal
from mss_gateway.queue import carried as carrying
from mss_gateway.queue import items, spooled
from mss_gateway.queue.carried import Carried, Destined
from tests.unit.mss_gateway.queue.conftest import (
    CARRIED,
    NOW,
    REPORT,
    count,
    put,
    sealed,
)

A, B = "a@mss.example", "b@mss.example"


@pytest.mark.parametrize("carried", [CARRIED, REPORT])
def test_a_queued_message_is_read_back_whole(
    database: Database, spool: AccountSeal, carried: Carried
) -> None:
    queued = sealed(spool, raw=b"x" * 70_000, carried=carried)
    database.write(lambda tx: items.enqueue(tx, spool, queued, [Destined(A)]))
    with database.read() as view:
        message = spooled.read_message(view, spool, "ref1")
        assert message is not None
        assert (message.carried, message.summary) == (carried, b"summary")
        assert (message.size, message.created_at) == (70_000, NOW)
        assert spooled.read_body(view, spool, message) == b"x" * 70_000
        assert spooled.read_message(view, spool, "ref2") is None


def test_the_spool_is_made_once(database: Database, spool_account: AccountId) -> None:
    assert database.write(spooled.spool_account) == spool_account
    assert count(database, "accounts") == 1


def test_evidence_says_what_was_established_and_nothing_of_the_content() -> None:
    kept = json.loads(carrying.evidence(CARRIED, NOW))
    assert kept["signature"] == "valid"
    assert kept["signer_address"] == CARRIED.author
    assert kept["received_at"] == NOW
    assert not {"summary", "subject"} & kept.keys()


def test_everything_carried_survives_sealing(database: Database, spool: AccountSeal) -> None:
    put(database, spool, A)
    with database.read() as view:
        message = spooled.read_message(view, spool, "ref1")
    assert message is not None
    assert dataclasses.asdict(message.carried) == dataclasses.asdict(CARRIED)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE queued_messages SET sealed = summary, summary = sealed",
        "UPDATE queued_messages SET summary = (SELECT recipient FROM queue_items)",
        "UPDATE queued_messages SET sealed = (SELECT sealed FROM queued_messages"
        " WHERE message_ref = 'ref2') WHERE message_ref = 'ref1'",
    ],
)
def test_a_sealed_value_does_not_open_elsewhere(
    database: Database, spool: AccountSeal, statement: str
) -> None:
    put(database, spool, A)
    put(database, spool, A, ref="ref2")
    database.write(lambda tx: tx.sql(statement) and None)
    with pytest.raises(Exception, match="not sealed for"), database.read() as view:
        spooled.read_message(view, spool, "ref1")


def test_nobody_is_named_on_the_disk(tmp_path: Path) -> None:
    sealing = Sealing(RootKey.create(tmp_path / "root.key"))
    database = Database.open(f"sqlite:///{tmp_path / 'sealed.db'}", sealing)
    account = database.write(spooled.spool_account)
    with database.read() as view:
        spool = view.vault.account(view, account)
    put(database, spool, "279035121518989@patient.mss.example")
    content = b"".join(path.read_bytes() for path in tmp_path.glob("sealed.db*"))
    database.close()
    for secret in (b"279035121518989", b"claire.martin", b"MARTIN", b"secretariat", b"Subject"):
        assert secret not in content
