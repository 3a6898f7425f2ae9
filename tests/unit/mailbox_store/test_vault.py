"""Whose sealer is found, and when it is remembered."""

from pathlib import Path

import pytest

from certs.errors import CannotOpen
from certs.sealing import RootKey, Sealing
from mailbox_store import accounts, vault
from mailbox_store.database import Database, Transaction
from mailbox_store.vault import SLOTS, AccountId, Vault
from tests.support.nulls import NullSealing


def test_a_first_start_makes_every_slot_key_and_a_second_makes_none(url: str) -> None:
    first = Database.open(url, NullSealing())
    with first.read() as view:
        keys = view.sql("SELECT slot, version, wrapped FROM slot_keys ORDER BY slot").fetchall()
    first.close()
    assert [row[0] for row in keys] == list(range(SLOTS))
    second = Database.open(url, NullSealing())
    with second.read() as view:
        again = view.sql("SELECT slot, version, wrapped FROM slot_keys ORDER BY slot").fetchall()
        assert view.sql("SELECT count(*) FROM index_keys").scalar_one() == 1
    second.close()
    assert again == keys


def test_the_index_is_not_known_before_the_store_is_open() -> None:
    with pytest.raises(RuntimeError):
        _ = Vault(NullSealing()).index


def test_there_is_no_sealer_without_an_account(database: Database) -> None:
    with pytest.raises(KeyError), database.read() as view:
        view.vault.account(view, AccountId(99))


def test_an_account_whose_key_was_destroyed_opens_nothing(
    database: Database, account: AccountId
) -> None:
    with database.read() as view:
        view.vault.account(view, account)
    database.write(
        lambda tx: tx.sql("UPDATE accounts SET wrapped_key = NULL WHERE account_id = ?", (account,))
    )
    with database.read() as view:
        assert view.vault.account(view, account)  # remembered, until it is forgotten
        view.vault.forget(account)
        with pytest.raises(KeyError):
            view.vault.account(view, account)
    database.vault.forget(account)  # twice does no harm


def test_a_number_given_again_after_a_rollback_has_a_key_of_its_own(tmp_path: Path) -> None:
    sealing = Sealing(RootKey.create(tmp_path / "root.key"))
    database = Database.open(f"sqlite:///{tmp_path / 'store.db'}", sealing)
    lost: list[tuple[AccountId, bytes]] = []

    def rolled_back(tx: Transaction) -> None:
        account_id = accounts.create(tx, "patient")
        lost.append((account_id, tx.vault.account(tx, account_id).seal(b"lost", b"")))
        raise LookupError

    with pytest.raises(LookupError):
        database.write(rolled_back)
    account_id = database.write(lambda tx: accounts.create(tx, "patient"))
    assert account_id == lost[0][0]
    with database.read() as view:
        seal = view.vault.account(view, account_id)
        with pytest.raises(CannotOpen):
            seal.open(lost[0][1], b"")
        kept = seal.seal(b"kept", b"")
    database.close()
    reopened = Database.open(
        f"sqlite:///{tmp_path / 'store.db'}", Sealing(RootKey.load(tmp_path / "root.key"))
    )
    with reopened.read() as view:
        assert reopened.vault.account(view, account_id).open(kept, b"") == b"kept"
    reopened.close()


def test_a_sealer_is_remembered_by_views_only(database: Database, account: AccountId) -> None:
    database.vault.forget(account)
    first, second = (database.write(lambda tx: tx.vault.account(tx, account)) for _ in range(2))
    assert first is not second
    with database.read() as view:
        third, fourth = (view.vault.account(view, account) for _ in range(2))
    assert third is fourth


def test_no_more_sealers_are_remembered_than_the_limit(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault, "REMEMBERED_ACCOUNTS", 2)
    made = [database.write(lambda tx: accounts.create(tx, "patient")) for _ in range(3)]
    with database.read() as view:
        first = view.vault.account(view, made[0])
        view.vault.account(view, made[1])
        assert view.vault.account(view, made[0]) is first
        view.vault.account(view, made[2])
        assert view.vault.account(view, made[0]) is not first


def test_accounts_of_a_kind_are_listed_oldest_first(database: Database) -> None:
    made = [
        database.write(lambda tx, kind=kind: accounts.create(tx, kind))  # type: ignore[misc]
        for kind in ("spool", "patient", "spool")
    ]
    with database.read() as view:
        found = accounts.of_kind(view, "spool")
        assert accounts.of_kind(view, "organisation") == []
    assert [one.account_id for one in found] == [made[0], made[2]]
    assert {one.created_at for one in found} == {1_790_000_000}
