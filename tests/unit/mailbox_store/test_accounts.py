"""What an account holds and may hold."""

import pytest

from mailbox_store import accounts, copying, mailboxes, messages
from mailbox_store.accounts import Quota
from mailbox_store.database import Database, Transaction
from mailbox_store.errors import OverQuota
from mailbox_store.flags import DELETED
from mailbox_store.vault import AccountId
from tests.unit.mailbox_store.shelf import append, arrival, box, fresh

DEFAULT = 1_000


def used(database: Database, account: AccountId) -> int:
    with database.read() as view:
        return accounts.quota(view, account, DEFAULT).used


def test_every_place_of_a_message_counts(
    database: Database, account: AccountId, other_account: AccountId
) -> None:
    inbox, archive = box(database, account), box(database, account, "Archive")
    append(database, inbox, raw=b"a" * 10)
    append(database, inbox, raw=b"b" * 200)
    append(database, archive, raw=b"c" * 3)
    append(database, box(database, other_account), raw=b"d" * 5_000)
    assert used(database, account) == 213

    database.write(lambda tx: copying.copy(tx, inbox.mailbox_id, [2], archive))
    assert used(database, account) == 413
    database.write(lambda tx: copying.move(tx, inbox.mailbox_id, [1], archive))
    assert used(database, account) == 413
    database.write(lambda tx: messages.set_flags(tx, inbox.mailbox_id, [2], ~0, DELETED))
    assert used(database, account) == 413
    database.write(lambda tx: messages.expunge(tx, inbox.mailbox_id))
    assert used(database, account) == 213
    database.write(lambda tx: mailboxes.rename(tx, account, "INBOX", "Ancien"))
    assert used(database, account) == 213
    database.write(lambda tx: mailboxes.delete(tx, account, "Archive"))
    assert used(database, account) == 0
    assert used(database, other_account) == 5_000


def test_the_limit_is_the_accounts_own_or_the_default(
    database: Database, account: AccountId, other_account: AccountId
) -> None:
    database.write(lambda tx: accounts.set_quota(tx, account, 7))
    with database.read() as view:
        assert accounts.quota(view, account, DEFAULT) == Quota(0, 7, False)
        assert accounts.quota(view, other_account, DEFAULT) == Quota(0, DEFAULT, True)
    database.write(lambda tx: accounts.set_quota(tx, account, None))
    with database.read() as view:
        assert accounts.quota(view, account, DEFAULT) == Quota(0, DEFAULT, True)


def test_what_fits_to_the_last_octet_is_taken_and_one_more_is_not(
    database: Database, account: AccountId
) -> None:
    inbox = box(database, account)
    append(database, inbox, raw=b"a" * 990)
    with database.read() as view:
        accounts.check_quota(view, account, 0, DEFAULT)
        accounts.check_quota(view, account, 10, DEFAULT)
        with pytest.raises(OverQuota):
            accounts.check_quota(view, account, 11, DEFAULT)
        with pytest.raises(OverQuota):
            accounts.check_quota(view, account, 0, 989)


def test_a_unit_that_goes_over_leaves_nothing(database: Database, account: AccountId) -> None:
    """How COPY asks: place first, look then."""
    inbox = box(database, account)
    made = arrival(database, account, b"a" * 1_001)

    def unit(tx: Transaction) -> None:
        messages.append(tx, inbox.mailbox_id, made, 0, 5)
        accounts.check_quota(tx, account, 0, DEFAULT)

    with pytest.raises(OverQuota):
        database.write(unit)
    assert (fresh(database, inbox).messages, used(database, account)) == (0, 0)


def test_a_quota_is_read_by_an_index_and_not_from_messages(
    database: Database, account: AccountId
) -> None:
    with database.read() as view:
        steps = view.sql(
            "EXPLAIN QUERY PLAN SELECT quota_octets, (SELECT coalesce(sum(octets), 0)"
            " FROM mailboxes WHERE mailboxes.account_id = accounts.account_id)"
            " FROM accounts WHERE account_id = ?",
            (account,),
        ).fetchall()
    plan = " / ".join(str(step[3]) for step in steps)
    assert "SCAN" not in plan
    assert plan.count("SEARCH") == 2


def test_an_account_has_a_kind_while_it_is_there(database: Database, account: AccountId) -> None:
    patient = database.write(lambda tx: accounts.create(tx, "patient"))
    with database.read() as view:
        assert accounts.kind_of(view, patient) == "patient"
        assert accounts.kind_of(view, AccountId(patient + 1)) is None
