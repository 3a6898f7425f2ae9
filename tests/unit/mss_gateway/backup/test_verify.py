"""Whatever happens to a file of a backup, verify names that file."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mss_gateway.backup import container
from mss_gateway.backup.errors import Damaged
from mss_gateway.backup.folder import Folder
from tests.support import backups
from tests.support.backups import Backed, flip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backed]:
    """Two snapshots that share most of their files."""
    with backups.backed(tmp_path_factory.mktemp("made")) as backed:
        backed.create()
        backed.send(2)
        backed.create()
        yield backed


@pytest.fixture
def twice(made: Backed, tmp_path: Path) -> Backed:
    """A copy of them to damage."""
    shutil.copytree(made.place.path, tmp_path / "backup")
    return replace(made, place=Folder.at(tmp_path / "backup"))


def named(backed: Backed, path: Path, *, with_key: bool) -> bool:
    """Whether verify complains, and of this file."""
    files = {each.file for each in backed.verify(with_key=with_key).complaints}
    return str(path.relative_to(backed.place.path)) in files


@pytest.mark.parametrize("with_key", [False, True])
def test_a_backup_as_it_was_written_is_whole(with_key: bool, twice: Backed) -> None:
    report = twice.verify(with_key=with_key)
    assert report.is_whole
    assert report.opened is with_key
    assert len(report.snapshots) == 2
    assert report.without_keys == []
    assert report.units == len(list((twice.place.path / "units").rglob("??*"))) - len(
        list((twice.place.path / "units").iterdir())
    )
    assert report.octets > 50_000


def test_one_octet_of_any_file_is_found(twice: Backed) -> None:
    """At several offsets of every file, without the key; with it where a digest could be forged."""
    files = twice.files()
    assert len(files) > 20
    for number, path in enumerate(files):
        whole = path.read_bytes()
        for offset in (0, len(whole) // 3, len(whole) // 2, len(whole) - 33, len(whole) - 1):
            flip(path, offset)
            if number % 8 == 0 or path.parent.name in ("keys", "snapshots"):
                assert named(twice, path, with_key=False), (path, offset)
            else:
                assert _unit_is_damaged(path), (path, offset)
            path.write_bytes(whole)
    assert twice.verify().is_whole


def _unit_is_damaged(path: Path) -> bool:
    """What verify asks of each unit, for this one alone: a whole walk for each octet is long."""
    try:
        container.check(path, container.Kind.UNIT, bytes.fromhex(path.name))
    except (Damaged, ValueError):
        return True
    return path.name == "recipients"


@pytest.mark.parametrize("where", ["units", "snapshots", "keys"])
@pytest.mark.parametrize("with_key", [False, True])
def test_a_missing_file_is_found(where: str, with_key: bool, twice: Backed) -> None:
    for path in [each for each in twice.files() if where in each.parts][:6]:
        whole = path.read_bytes()
        path.unlink()
        report = twice.verify(with_key=with_key)
        if path.suffix == ".keys" and path.name.startswith(report.snapshots[0]):
            assert report.is_whole  # the later key table serves both
        elif path.suffix == ".keys":
            assert report.without_keys == [report.snapshots[1]]
        elif path.suffix == ".list":
            assert len(report.snapshots) == 1  # what is not listed is no snapshot
        else:
            assert [each.what for each in report.complaints][:1] == ["missing"], path
        path.write_bytes(whole)


@pytest.mark.parametrize("with_key", [False, True])
def test_a_file_cut_short_is_found(with_key: bool, twice: Backed) -> None:
    for path in twice.files()[::5]:
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        assert named(twice, path, with_key=with_key), path
        path.write_bytes(whole)


@pytest.mark.parametrize("suffix", [".head", ".keys", ".list"])
@pytest.mark.parametrize("with_key", [False, True])
def test_files_exchanged_between_snapshots_are_found(
    suffix: str, with_key: bool, twice: Backed
) -> None:
    first, second = (each for each in twice.files() if each.suffix == suffix)
    older, newer = first.read_bytes(), second.read_bytes()
    first.write_bytes(newer)
    second.write_bytes(older)
    assert named(twice, first, with_key=with_key)
    assert named(twice, second, with_key=with_key)


def test_a_list_forged_with_a_digest_that_fits_is_found_with_the_key(twice: Backed) -> None:
    name = twice.place.snapshots()[1]
    path = twice.place.list_of(name)
    lines = path.read_text("ascii").splitlines(keepends=True)[:-1]
    forged = "".join([lines[0], *lines[2:]])
    path.write_text(f"{forged}sha256 {hashlib.sha256(forged.encode()).hexdigest()}\n", "ascii")
    assert twice.verify(with_key=False).is_whole
    (complaint,) = twice.verify().complaints
    assert (complaint.file, complaint.what) == (
        f"snapshots/{name}.head",
        "the list of its files is another one",
    )


def test_nothing_is_mended_or_written(twice: Backed) -> None:
    backups.flip(twice.files()[3], 100)
    before = {path: path.read_bytes() for path in twice.files()}
    twice.verify()
    twice.verify(with_key=False)
    assert {path: path.read_bytes() for path in twice.files()} == before
