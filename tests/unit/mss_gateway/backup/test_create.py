"""Snapshots: what they hold, what they write, and what happens when they are cut."""

import errno
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from certs.errors import AlgorithmRefused, CertificateNotFound
from certs.issuing.issue import Authority
from mailbox_store.database import Transaction
from mss_gateway.backup import container, create, cutting, folder, keytable, opening, tables, units
from mss_gateway.backup.create import Kept
from mss_gateway.backup.errors import BackupFailed, BackupRefused
from tests.support import backups
from tests.support.backups import DAY, NOW, Backed, receiver


def units_of(backed: Backed) -> set[Path]:
    return {path for path in (backed.place.path / "units").rglob("*") if path.is_file()}


def rows_of(backed: Backed, snapshot: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the data part, by table."""
    by = backed.opener()
    head = opening.head(backed.place, snapshot, by)
    entries = backed.place.entries(snapshot)
    return {
        each["name"]: [
            row
            for _ in range(each["units"])
            for row in cutting.decode(
                opening.unit(backed.place, next(entries).unit, by), len(each["columns"])
            )
        ]
        for each in head["tables"]
    }


def test_every_row_of_every_table_is_in_it_but_the_keys(backed: Backed) -> None:
    found = rows_of(backed, backed.create().snapshot)
    with backed.site.gateway.database.read() as view:
        names = {row[0] for row in view.sql("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert set(found) == names - {"sqlite_stat1"}
        for name in names - {each.table for each in tables.KEYS}:
            kept = [tuple(row) for row in view.sql(f"SELECT * FROM {name}").fetchall()]
            assert sorted(found[name], key=repr) == sorted(kept, key=repr), name
        slots = view.sql("SELECT slot, version FROM slot_keys ORDER BY slot").fetchall()
    assert [row[:2] for row in found["slot_keys"]] == slots
    assert {row[2] for row in found["slot_keys"]} == {b""}
    assert len(found["messages"]) >= 4
    assert len(found["documents"]) == 1


def test_no_wrapped_key_and_no_root_key_is_in_the_data_part(backed: Backed) -> None:
    made = backed.create()
    with backed.site.gateway.database.read() as view:
        wrapped = {
            bytes(row[0])
            for each in tables.KEYS
            for row in view.sql(f"SELECT {each.column} FROM {each.table}").fetchall()
            if row[0] is not None
        }
    assert len(wrapped) > 1024 + len(tables.KEYS)
    by = backed.opener()
    whole = b"".join(
        opening.unit(backed.place, entry.unit, by)
        for entry in backed.place.entries(made.snapshot)
    ) + json.dumps(opening.head(backed.place, made.snapshot, by)).encode()  # fmt: skip
    assert [key for key in wrapped if key in whole] == []
    assert backed.source().beside.root_key.read_bytes().strip()[-64:] not in whole
    held: list[bytes] = []
    reading = keytable.Reading(key=lambda column, number, key: held.append(key))
    keytable.read(backed.place.keys_of(made.snapshot), made.snapshot, by.key_of, reading)
    assert set(held) == wrapped


def test_a_column_that_looks_like_a_key_is_in_one_of_the_two_lists(backed: Backed) -> None:
    """Whoever adds one decides: into the key table, or sealed under a key that is there."""
    known = {(each.table, each.column) for each in tables.KEYS} | set(tables.SEALED_BELOW)
    with backed.site.gateway.database.read() as view:
        columns = view.sql(
            "SELECT m.name, c.name, c.type FROM sqlite_master m, pragma_table_info(m.name) c"
            " WHERE m.type = 'table'"
        ).fetchall()
    looking = {
        (table, column)
        for table, column, kind in columns
        if kind.upper() == "BLOB" and any(word in column for word in ("key", "wrap", "secret"))
    }
    assert looking - known == set()
    assert {(each.table, each.column) for each in tables.KEYS} <= looking


def test_names_of_files_say_nothing_of_what_is_in_them(backed: Backed) -> None:
    backed.create()
    names = {path.name for path in backed.place.path.rglob("*")}
    assert all(
        folder.is_unit(name)
        or name in ("lock", "recipients", "units", "snapshots", "keys")
        or (name[:2].isalnum() and len(name) == 2)
        or name.partition(".")[0].removesuffix("Z").replace("T", "").isdigit()
        for name in names
    )  # fmt: skip


def test_a_second_snapshot_of_the_same_store_writes_no_unit(backed: Backed) -> None:
    first = backed.create()
    before = units_of(backed)
    second = backed.create()
    assert (second.written_units, second.written_octets) == (0, 0)
    assert (second.units, second.rows, second.bodies) == (first.units, first.rows, first.bodies)
    assert units_of(backed) == before


def test_ten_more_messages_write_little(backed: Backed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "BODIES_OCTETS", 100_000)
    monkeypatch.setattr(cutting, "ROWS_OCTETS", 10_000)
    backed.send(120, octets=20_000)
    first = backed.create()
    backed.send(10, octets=2_000)
    second = backed.create()
    assert first.written_octets > 2_500_000
    # two copies of each message; the rest is what usual units cost that ten messages touch
    assert 2 * 10 * 2_000 < second.written_octets < 700_000


def test_bodies_that_are_there_already_are_not_read_again(
    backed: Backed, monkeypatch: pytest.MonkeyPatch
) -> None:
    backed.create()
    read: list[object] = []
    monkeypatch.setattr(units, "_chunks", lambda view, group: read.append(group))
    backed.create()
    assert read == []


def test_what_is_written_meanwhile_waits_for_the_next_one(
    backed: Backed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A message comes in the middle: the snapshot is of one moment, and nobody was kept waiting."""
    original = create._passed

    def meanwhile(view: Any, put: units.Units) -> dict[str, Any]:
        view.sql("SELECT count(*) FROM messages").scalar_one()  # from here on, one moment
        backed.send(2)
        return original(view, put)

    database = backed.site.gateway.database
    with database.read() as view:
        before = backups.contents(view)
    monkeypatch.setattr(create, "_passed", meanwhile)
    backed.create()
    monkeypatch.undo()
    backed.restore(tmp_path / "in")
    assert backups.restored_contents(tmp_path / "in") == before
    with database.read() as view:
        assert len(backups.contents(view)) == len(before) + 2


def test_a_body_that_goes_while_it_is_carried_is_left_to_the_snapshot(
    backed: Backed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    original = create._batches

    def meanwhile(database: Any) -> Any:
        for batch in original(database):
            database.write(lambda tx: tx.sql("DELETE FROM blob_chunks WHERE chunk_id = 1 << 16"))
            yield batch

    monkeypatch.setattr(cutting, "BODIES_OCTETS", 1_000)
    monkeypatch.setattr(create, "_batches", meanwhile)
    made = backed.create()
    assert made.missing == 1
    restored = backed.restore(tmp_path / "in")
    assert restored.faults == ["incomplete 1"]


def test_another_recipient_begins_anew_and_both_can_read(backed: Backed, tmp_path: Path) -> None:
    first = backed.create()
    other_key, other = receiver("second")
    second = backed.create(Kept(), other)
    assert second.written_units == first.written_units
    for key in (backed.key, other_key):
        backed.key = key
        assert backed.restore(tmp_path / str(id(key)), second.snapshot).snapshot == second.snapshot


def test_a_recipient_is_needed(backed: Backed) -> None:
    with pytest.raises(CertificateNotFound):
        create.create(backed.source(), backed.place, [], backed.now, Kept(), lambda _: None)
    assert not backed.place.path.exists()


def test_a_recipient_that_cannot_receive_is_refused(backed: Backed) -> None:

    moment = datetime.fromtimestamp(NOW, UTC)
    signer = Authority.create("Signe seulement", "ed25519", moment, 1).root
    with pytest.raises(AlgorithmRefused):
        create.create(backed.source(), backed.place, [signer], NOW, Kept(), lambda _: None)
    assert not backed.place.path.exists()


def test_somebody_else_s_folder_is_left_alone(backed: Backed) -> None:
    backed.place.path.mkdir()
    (backed.place.path / "thesis.txt").write_text("x")
    with pytest.raises(BackupRefused, match="no backup"):
        backed.create()
    assert [each.name for each in backed.place.path.iterdir()] == ["thesis.txt"]


def test_two_at_once_are_one_and_a_refusal(backed: Backed) -> None:
    backed.create()
    with (
        folder.held(backed.place, alone=True),
        pytest.raises(BackupRefused, match="in use by another"),
    ):
        backed.create()
    with (
        folder.held(backed.place, alone=False),
        pytest.raises(BackupRefused, match="in use by another"),
    ):
        backed.create()
    assert len(backed.place.snapshots()) == 1


def test_two_readers_may_read(backed: Backed) -> None:
    backed.create()
    with folder.held(backed.place, alone=False):
        with folder.held(backed.place, alone=False):
            pass


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the code that follows runs."""


@pytest.mark.parametrize("after", [0, 1, 5, 12, 1_000])
def test_a_create_that_is_killed_leaves_the_earlier_ones_whole_and_the_next_cleans_up(
    after: int, backed: Backed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    backed.create()
    with backed.site.gateway.database.read() as view:
        first = backups.contents(view)
    backed.send(5, octets=3_000)
    monkeypatch.setattr(cutting, "ROWS_OCTETS", 2_000)
    written = [0]
    original = folder.write

    def cut(path: Path, pieces: Any, advance: Any) -> int:
        written[0] += 1
        if written[0] > after or (after == 1_000 and path.suffix == ".head"):
            path.with_name(path.name + folder.DRAFT).write_bytes(b"half of it")
            raise Killed
        return original(path, pieces, advance)

    monkeypatch.setattr(folder, "write", cut)
    with pytest.raises(Killed):
        backed.create()
    monkeypatch.setattr(folder, "write", original)
    assert len(backed.place.snapshots()) == 1
    assert backed.verify().is_whole
    backed.restore(tmp_path / "first")
    assert backups.restored_contents(tmp_path / "first") == first

    backed.create()
    assert not list(backed.place.path.rglob(f"*{folder.DRAFT}"))
    listed = {
        entry.unit.hex()
        for name in backed.place.snapshots()
        for entry in backed.place.entries(name)
    }
    assert {path.name for path in units_of(backed)} == listed
    assert backed.verify().is_whole


def test_a_full_disk_is_told_and_takes_nothing_from_what_was_there(
    backed: Backed, monkeypatch: pytest.MonkeyPatch
) -> None:
    backed.create()
    before = units_of(backed)
    backed.send(5, octets=3_000)
    monkeypatch.setattr(cutting, "ROWS_OCTETS", 2_000)
    room = [3]
    original = folder.os.fsync

    def fsync(descriptor: int) -> None:
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        original(descriptor)

    monkeypatch.setattr(folder.os, "fsync", fsync)
    with pytest.raises(BackupFailed) as caught:
        backed.create()
    monkeypatch.undo()
    assert caught.value.errno == errno.ENOSPC
    assert str(backed.place.path) in str(caught.value.filename)
    assert units_of(backed) == before
    assert len(backed.place.snapshots()) == 1
    assert backed.verify().is_whole


def test_a_unit_that_was_cut_is_written_again(backed: Backed) -> None:
    backed.create()
    damaged = sorted(units_of(backed))[0]
    damaged.write_bytes(damaged.read_bytes()[:-40])
    assert not backed.verify().is_whole
    assert backed.create().written_units == 1
    assert backed.verify().is_whole


# what stays


def test_only_so_many_snapshots_stay(backed: Backed) -> None:
    first = backed.create()
    backed.send(1)
    second, third = backed.create(), None
    backed.send(1)
    third = backed.create(Kept(snapshots=2))
    assert third.removed == (first.snapshot,)
    assert backed.place.snapshots() == [second.snapshot, third.snapshot]
    assert backed.place.key_tables() == [second.snapshot, third.snapshot]
    listed = {
        entry.unit.hex()
        for name in backed.place.snapshots()
        for entry in backed.place.entries(name)
    }
    assert {path.name for path in units_of(backed)} == listed
    assert backed.verify().is_whole


def test_key_tables_end_sooner_and_the_newest_never(backed: Backed) -> None:
    first = backed.create()
    backed.now += 36 * DAY
    second = backed.create(Kept(key_days=35))
    assert second.removed_key_tables == (first.snapshot,)
    backed.now += 400 * DAY
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keytable, "frames", lambda *_: iter([b"a{}"]))
        third = backed.create(Kept(key_days=35))
    assert backed.place.key_tables() == [third.snapshot]
    assert backed.place.snapshots() == [first.snapshot, second.snapshot, third.snapshot]


def test_a_damaged_list_keeps_units_from_being_swept(backed: Backed) -> None:
    first = backed.create()
    backed.site.gateway.database.write(_forget_messages)
    backups.flip(backed.place.list_of(first.snapshot), 60)
    before = units_of(backed)
    backed.create()
    assert before <= units_of(backed)


def _forget_messages(tx: Transaction) -> None:
    tx.sql("DELETE FROM deliveries")


def test_names_only_grow_whatever_the_clock_says(backed: Backed) -> None:
    first = backed.create()
    backed.now -= 400 * DAY
    second = backed.create()
    assert second.snapshot > first.snapshot
    assert folder.moment_of(second.snapshot) > folder.moment_of(first.snapshot)


def test_key_tables_may_lie_elsewhere(backed: Backed, tmp_path: Path) -> None:
    backed.place = folder.Folder.at(backed.place.path, tmp_path / "apart")
    made = backed.create()
    assert not (backed.place.path / "keys").exists()
    assert [each.name for each in (tmp_path / "apart").iterdir()] == [f"{made.snapshot}.keys"]
    assert backed.restore(tmp_path / "in").messages >= 4


def test_a_backup_within_the_state_directory_does_not_hold_itself(
    backed: Backed, tmp_path: Path
) -> None:
    backed.place = folder.Folder.at(backed.state / "backup")
    backed.create()
    backed.create()
    backed.restore(tmp_path / "in")
    assert not (tmp_path / "in" / "backup").exists()


def test_a_table_of_a_kind_unknown_is_refused_rather_than_left_out(backed: Backed) -> None:
    backed.site.gateway.database.write(
        lambda tx: tx.sql("CREATE VIRTUAL TABLE strange USING fts5(words)")
    )
    with pytest.raises(BackupRefused, match="strange"):
        backed.create()


def test_a_unit_opens_only_where_it_belongs(backed: Backed) -> None:
    made = backed.create()
    entries = list(backed.place.entries(made.snapshot))
    first, second = (backed.place.unit(entry.unit) for entry in entries[:2])
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    assert len(backed.verify(with_key=False).complaints) == 1
    first.write_bytes(kept)
    assert backed.verify().is_whole


def test_memory_does_not_grow_with_the_store(
    backed: Backed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No unit holds more than four times what is usual and a row, however much there is."""
    largest: list[int] = []
    original = container.written

    def measured(kind: Any, name: bytes, lock: Any, frames: Any) -> Any:
        def each() -> Any:
            for frame in frames:
                largest.append(len(frame))
                yield frame

        return original(kind, name, lock, each())

    monkeypatch.setattr(container, "written", measured)
    monkeypatch.setattr(cutting, "BODIES_OCTETS", 100_000)
    monkeypatch.setattr(cutting, "ROWS_OCTETS", 10_000)
    backed.send(60, octets=20_000)
    backed.create()
    assert sum(largest) > 1_200_000
    assert max(largest) < 4 * 100_000 + 70_000


def test_the_store_is_as_it_was(backed: Backed) -> None:
    path = backed.state / "store.db"
    with closing(sqlite3.connect(path)) as store:
        before = "\n".join(store.iterdump())
    backed.create()
    with closing(sqlite3.connect(path)) as store:
        assert "\n".join(store.iterdump()) == before
