"""What was backed up comes back whole, or the place stays empty."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certs.certificate import to_pem
from certs.sealing import RootKey
from mailbox_store.vault import AccountId
from mss_gateway.backup import create, folder, keytable, opening, restore, tables
from mss_gateway.backup.create import Kept
from mss_gateway.backup.errors import BackupFailed, BackupRefused
from mss_gateway.backup.folder import Folder
from tests.support import backups
from tests.support.backups import Backed, receiver
from tests.support.smtp_site import DUBOIS


def kept(backed: Backed) -> dict[tuple[str, int, int], str]:
    with backed.site.gateway.database.read() as view:
        return backups.contents(view)


def dump(state: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with backups.opened(state) as database, database.read() as view:
        names = [row[0] for row in view.sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: sorted(
                (tuple(row) for row in view.sql(f"SELECT * FROM {name}").fetchall()), key=repr
            )
            for name in names
        }


def test_every_message_and_document_is_the_same(backed: Backed, tmp_path: Path) -> None:
    before = kept(backed)
    assert {table for table, _, _ in before} == {"messages", "documents"}
    made = backed.create()
    restored = backed.restore(tmp_path / "in")
    assert backups.restored_contents(tmp_path / "in") == before
    assert (restored.snapshot, restored.key_table) == (made.snapshot, made.snapshot)
    assert restored.messages + restored.documents == len(before)
    assert (restored.closed, restored.unopened, restored.faults) == (0, 0, [])
    assert restored.site == made.site


def test_every_row_key_sequence_and_index_is_the_same(backed: Backed, tmp_path: Path) -> None:
    backed.create()
    backed.restore(tmp_path / "in")
    there, here = dump(backed.state), dump(tmp_path / "in")
    assert here == there
    assert len(there["sqlite_sequence"]) > 3
    schema = "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2"
    with backups.opened(tmp_path / "in") as database, database.read() as view:
        made = view.sql(schema).fetchall()
    with backed.site.gateway.database.read() as view:
        assert made == view.sql(schema).fetchall()


def test_files_of_the_state_directory_come_back_for_their_owner_only(
    backed: Backed, tmp_path: Path
) -> None:
    (backed.state / "tls").mkdir()
    (backed.state / "tls" / "server.key").write_bytes(b"-----BEGIN PRIVATE KEY-----\n" * 90_000)
    (backed.state / "empty").touch()
    (backed.state / "link").symlink_to(backed.state / "tls" / "server.key")
    backed.create()
    backed.restore(tmp_path / "in")
    for path in backed.state.rglob("*"):
        name = path.relative_to(backed.state)
        if path.is_file() and not name.name.startswith("store.db"):
            assert (tmp_path / "in" / name).read_bytes() == path.read_bytes()
    assert (tmp_path / "in" / "config.toml").read_text() == "# settings\n"
    for path in (tmp_path / "in", *(tmp_path / "in").rglob("*")):
        assert not path.stat().st_mode & 0o077, path


def test_the_older_of_two_comes_back_as_it_was(backed: Backed, tmp_path: Path) -> None:
    before = kept(backed)
    first = backed.create()
    backed.send(4)
    backed.site.gateway.database.write(lambda tx: tx.sql("DELETE FROM personal_seen"))
    second = backed.create()
    backed.restore(tmp_path / "older", first.snapshot)
    backed.restore(tmp_path / "newer")
    assert backups.restored_contents(tmp_path / "older") == before
    assert backups.restored_contents(tmp_path / "newer") == kept(backed)
    assert second.snapshot > first.snapshot


def test_data_without_its_key_table_says_so_and_does_nothing(
    backed: Backed, tmp_path: Path
) -> None:
    made = backed.create()
    backed.place.keys_of(made.snapshot).unlink()
    with pytest.raises(BackupRefused, match=r"its key table is not .* nothing was restored"):
        backed.restore(tmp_path / "in")
    assert not (tmp_path / "in").exists()


def test_an_earlier_key_table_does_not_serve_later_data(backed: Backed, tmp_path: Path) -> None:
    backed.create()
    second = backed.create()
    backed.place.keys_of(second.snapshot).unlink()
    with pytest.raises(BackupRefused, match="key table is not"):
        backed.restore(tmp_path / "in")


def erase(backed: Backed, address: str) -> AccountId:
    """What the law's erasure does to keys."""
    account_id = backed.site.person(address).account_id
    backed.site.gateway.database.write(
        lambda tx: tx.sql("UPDATE accounts SET wrapped_key = NULL WHERE account_id = ?",
                          (account_id,))
    )  # fmt: skip
    return account_id


def test_who_was_erased_since_does_not_come_back(backed: Backed, tmp_path: Path) -> None:
    before = kept(backed)
    first = backed.create()
    erased = erase(backed, DUBOIS)
    second = backed.create()
    restored = backed.restore(tmp_path / "in", first.snapshot)
    assert (restored.snapshot, restored.key_table) == (first.snapshot, second.snapshot)
    assert restored.closed == 1
    lost = [key for key in before if key[1] == erased]
    assert restored.unopened == len(lost) > 0
    with backups.opened(tmp_path / "in") as database, database.read() as view:
        with pytest.raises(KeyError):
            view.vault.account(view, erased)


def test_once_key_tables_have_ended_nothing_opens_what_was_erased(
    backed: Backed, tmp_path: Path
) -> None:
    first = backed.create()
    erase(backed, DUBOIS)
    backed.now += 36 * backups.DAY
    second = backed.create()
    assert backed.place.key_tables() == [second.snapshot]
    with pytest.raises(BackupRefused, match="no key table"):
        backed.restore(tmp_path / "in", first.snapshot, first.snapshot)
    assert backed.restore(tmp_path / "in", first.snapshot).closed == 1


def test_the_key_table_of_then_can_be_asked_for(backed: Backed, tmp_path: Path) -> None:
    before = kept(backed)
    first = backed.create()
    erase(backed, DUBOIS)
    backed.create()
    restored = backed.restore(tmp_path / "in", first.snapshot, first.snapshot)
    assert restored.closed == 0
    assert backups.restored_contents(tmp_path / "in") == before


def test_the_restored_site_goes_on_in_the_same_backup(backed: Backed, tmp_path: Path) -> None:
    first = backed.create()
    backed.restore(tmp_path / "in")
    beside = replace(
        backed.source().beside,
        state=tmp_path / "in",
        root_key=tmp_path / "in" / "root.key",
        left_out=tuple((tmp_path / "in").glob("store.db*")),
    )
    with backups.opened(tmp_path / "in") as database:
        source = create.Source(database, beside, "0")
        second = create.create(
            source, backed.place, [backed.certificate], backed.now, Kept(), lambda _: None
        )
    assert second.snapshot > first.snapshot
    assert (second.site, second.written_units, second.units) == (first.site, 0, first.units)
    assert backed.verify().is_whole


# refused, and the place stays empty


def empty(into: Path) -> bool:
    return not into.exists() or not list(into.iterdir())


def test_nothing_is_ever_overwritten(backed: Backed, tmp_path: Path) -> None:
    backed.create()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "something").touch()
    with pytest.raises(BackupRefused, match="not empty"):
        backed.restore(tmp_path / "in")
    with pytest.raises(BackupRefused, match="not a folder"):
        backed.restore(tmp_path / "in" / "something")
    assert [each.name for each in (tmp_path / "in").iterdir()] == ["something"]


def test_what_a_killed_restore_left_goes_with_the_next(backed: Backed, tmp_path: Path) -> None:
    backed.create()
    (tmp_path / "in" / restore.RESTORING).mkdir(parents=True)
    (tmp_path / "in" / restore.RESTORING / "store.db").write_bytes(b"half")
    backed.restore(tmp_path / "in")
    assert not (tmp_path / "in" / restore.RESTORING).exists()
    assert backups.restored_contents(tmp_path / "in") == kept(backed)


@pytest.mark.parametrize("part", ["unit", "head", "list", "keys"])
def test_damage_is_told_and_nothing_is_restored(part: str, backed: Backed, tmp_path: Path) -> None:
    made = backed.create()
    entries = list(backed.place.entries(made.snapshot))
    path = {
        "unit": backed.place.unit(entries[len(entries) // 2].unit),
        "head": backed.place.head_of(made.snapshot),
        "list": backed.place.list_of(made.snapshot),
        "keys": backed.place.keys_of(made.snapshot),
    }[part]
    backups.flip(path, path.stat().st_size - 40)
    with pytest.raises(BackupRefused, match="nothing was restored"):
        backed.restore(tmp_path / "in")
    assert empty(tmp_path / "in")


def test_a_missing_unit_is_told_and_nothing_is_restored(backed: Backed, tmp_path: Path) -> None:
    made = backed.create()
    backed.place.unit(next(backed.place.entries(made.snapshot)).unit).unlink()
    with pytest.raises(BackupRefused, match="missing"):
        backed.restore(tmp_path / "in")
    assert empty(tmp_path / "in")


def test_somebody_else_s_key_opens_nothing(backed: Backed, tmp_path: Path) -> None:
    backed.create()
    backed.key = receiver("somebody else")[0]
    with pytest.raises(BackupRefused, match="none of a recipient"):
        backed.restore(tmp_path / "in")
    assert empty(tmp_path / "in")


def test_a_key_of_a_later_backup_does_not_open_the_earlier(backed: Backed, tmp_path: Path) -> None:
    first = backed.create()
    backed.key, backed.certificate = receiver("second")
    backed.create()
    with pytest.raises(BackupRefused, match="no recipient's"):
        backed.restore(tmp_path / "in", first.snapshot)
    assert empty(tmp_path / "in")


def test_a_key_table_of_another_site_is_refused(backed: Backed, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    RootKey.create(other)
    source = backed.source()
    theirs = replace(source, beside=replace(source.beside, root_key=other))
    elsewhere = Folder.at(tmp_path / "elsewhere")
    made = backed.create()
    stranger = create.create(
        theirs, elsewhere, [backed.certificate], backed.now, Kept(), lambda _: None
    )
    assert made.snapshot == stranger.snapshot
    assert made.site != stranger.site
    shutil.copy(elsewhere.keys_of(made.snapshot), backed.place.keys_of(made.snapshot))
    assert [each.what for each in backed.verify().complaints] == [
        "the snapshot beside it was not made with this root key"
    ]
    with pytest.raises(BackupRefused, match="nothing was restored"):
        backed.restore(tmp_path / "in")
    assert empty(tmp_path / "in")


def test_keys_that_do_not_fit_the_data_are_refused(
    backed: Backed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backed.create()
    original = keytable.read

    def otherwise(path: Path, snapshot: str, key_of: Any, into: keytable.Reading) -> Any:
        key = into.key
        into.key = lambda column, number, wrapped: key(
            column, number, wrapped[:-1] + bytes([wrapped[-1] ^ 1])
        )
        return original(path, snapshot, key_of, into)

    monkeypatch.setattr(keytable, "read", otherwise)
    with pytest.raises(BackupRefused, match="do not open the data"):
        backed.restore(tmp_path / "in")
    assert empty(tmp_path / "in")


def test_a_later_release_s_form_is_refused(
    backed: Backed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mss_gateway.backup.create.FORMAT", 2)
    backed.create()
    with pytest.raises(BackupRefused, match="later release"):
        backed.restore(tmp_path / "in")
    assert empty(tmp_path / "in")


@pytest.mark.parametrize("name", ["/etc/passwd", "../up", "store.db", "root.key", ""])
def test_a_file_with_a_name_from_elsewhere_is_refused(
    name: str, backed: Backed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keytable.Beside, "files", lambda self: iter([(name, self.config_file)]))
    backed.create()
    with pytest.raises(BackupRefused, match="it holds a file"):
        backed.restore(tmp_path / "in")
    assert empty(tmp_path / "in")


@pytest.mark.parametrize(
    "change",
    [
        lambda head, there: head["definitions"].append(f"ATTACH DATABASE '{there}' AS other"),
        lambda head, there: head["definitions"].insert(0, f"VACUUM INTO '{there}'"),
        lambda head, there: head["definitions"].insert(0, "PRAGMA writable_schema = 1"),
        lambda head, there: head["settings"].update({"temp_store_directory = 'x'; --": 1}),
    ],
    ids=["attach", "vacuum", "pragma", "setting"],
)
def test_a_forged_head_runs_nothing(
    change: Callable[[dict[str, Any], Path], None],
    backed: Backed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For whom a backup is stands beside it: anybody can make one that the key opens."""
    backed.create()
    there, known = tmp_path / "elsewhere.db", opening.head

    def forged(*asked: Any) -> dict[str, Any]:
        head = known(*asked)
        change(head, there)
        return head

    monkeypatch.setattr(opening, "head", forged)
    with pytest.raises(BackupRefused, match="no schema"):
        backed.restore(tmp_path / "in")
    assert empty(tmp_path / "in") and not there.exists()


def test_a_link_in_the_place_of_a_draft_is_not_followed(backed: Backed, tmp_path: Path) -> None:
    """The folder of a backup may be somebody else's to write to."""
    backed.create()
    victim = tmp_path / "victim"
    victim.write_text("as it was", encoding="utf-8")
    target = backed.place.path / "recipients"
    target.unlink()
    draft = target.with_name(target.name + folder.DRAFT)
    draft.symlink_to(victim)
    with pytest.raises(BackupFailed), folder.replacing(target) as file:
        file.write(b"overwritten")
    assert victim.read_text(encoding="utf-8") == "as it was"


def test_no_room_is_told_before_anything_is_written(
    backed: Backed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backed.create()
    monkeypatch.setattr(restore.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(BackupRefused, match="less room"):
        backed.restore(tmp_path / "in")
    assert empty(tmp_path / "in")


def test_a_disk_that_fills_leaves_the_place_empty(
    backed: Backed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backed.create()

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(restore, "_fill", full)
    with pytest.raises(BackupFailed, match="disk is full"):
        backed.restore(tmp_path / "in")
    assert empty(tmp_path / "in")


def test_an_empty_folder_holds_no_snapshot(tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="no snapshot"):
        restore.choose(Folder.at(tmp_path), "", "")


def test_a_snapshot_that_is_not_there_is_told(backed: Backed) -> None:
    backed.create()
    with pytest.raises(BackupRefused, match="no snapshot 20260101T000000Z"):
        restore.choose(backed.place, "20260101T000000Z", "")


def test_the_certificate_may_be_in_the_key_s_own_file(backed: Backed, tmp_path: Path) -> None:
    backed.create()
    (backed.place.path / folder.RECIPIENTS).write_bytes(b"damaged")
    with pytest.raises(BackupRefused, match="put the certificate"):
        backed.opener()
    by = opening.opener(backed.place, backed.key, to_pem(backed.certificate))
    chosen = restore.choose(backed.place, "", "")
    restored = restore.restore(backed.place, chosen, tmp_path / "in", by, lambda _: None)
    assert restored.messages >= 4


def test_keys_are_of_tables_that_are_known() -> None:
    assert json.dumps([each.table for each in tables.KEYS]) == (
        '["slot_keys", "index_keys", "accounts"]'
    )
