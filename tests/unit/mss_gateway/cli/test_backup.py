"""`mss backup`: made, listed, proved and brought back by its verbs, with their exit codes."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.issuing.issue import export_for_client
from certs.receiver import new_receiver
from mss_gateway import config
from tests.support.backups import flip
from tests.unit.mss_gateway.cli.desk_site import Mss


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    """A recipient's certificate and key, in files."""
    key, certificate = new_receiver("sauvegarde", datetime(2026, 11, 22, tzinfo=UTC), 10)
    paths = tmp_path / "sauvegarde.pem", tmp_path / "sauvegarde.key"
    export_for_client(key, [certificate], paths[1], paths[0])
    return str(paths[0]), str(paths[1])


def test_a_site_is_brought_back_and_works(mss: Mss, pair: tuple[str, str], tmp_path: Path) -> None:
    to = str(tmp_path / "backup")
    made = mss.told("backup", "create", "--to", to, "--recipient", pair[0])
    (line,) = mss.told("backup", "list", to)
    assert line["snapshot"] == made["snapshot"]
    assert line["units"] == made["units"] == made["written_units"]
    assert (line["key_table"], line["restorable"]) == (True, True)
    told = mss.told("backup", "verify", to, "--key", pair[1])
    assert (told["whole"], told["opened"], told["damaged"]) == (True, True, [])

    again = Mss(tmp_path / "again", mss.app)
    again.folder.mkdir()
    (again.folder / "config.toml").write_text(mss.config_file.read_text())
    restored = again.told(
        "backup", "restore", to, "--into", str(again.folder / "state"), "--key", pair[1]
    )
    assert restored["whole"] is True
    assert restored["site"] == made["site"]
    assert again.told("people", "list") == mss.told("people", "list")
    assert again.told("store", "verify", "--open")["bodies"] == restored["bodies"]
    assert again.told("audit", "verify") is not None


def test_it_is_on_record(mss: Mss, pair: tuple[str, str], tmp_path: Path) -> None:
    made = mss.told("backup", "create", "--to", str(tmp_path / "b"), "--recipient", pair[0])
    (row,) = mss.told("audit", "tail", "-n", "1")
    assert (row["actor"], row["act"], row["verdict"]) == ("operator", "backup", "made")
    assert row["object"] == f"snapshot:{made['snapshot']} site:{made['site']}"


def test_without_a_recipient_a_pair_is_made_and_its_key_is_to_be_moved_away(
    mss: Mss, tmp_path: Path
) -> None:
    to = str(tmp_path / "backup")
    result = mss("backup", "create", "--to", to)
    assert result.exit_code == 0
    own = config.load(mss.config_file).state_directory / "backup"
    assert f"still here, in {own / 'recipient.key'}" in result.stdout
    assert (own / "recipient.key").stat().st_mode & 0o777 == 0o600
    restored = mss.told("backup", "restore", to, "--into", str(tmp_path / "here"))
    assert restored["whole"] is True
    assert not (tmp_path / "here" / "backup" / "recipient.key").exists()
    assert (tmp_path / "here" / "backup" / "recipient.pem").exists()

    moved = tmp_path / "offline.key"
    (own / "recipient.key").rename(moved)
    result = mss("backup", "create", "--to", to)
    assert "still here" not in result.stdout
    result = mss("backup", "restore", to, "--into", str(tmp_path / "there"))
    assert result.exit_code == 2
    assert "--key" in result.stderr
    words = ("--into", str(tmp_path / "there"), "--key", str(moved))
    assert mss.told("backup", "restore", to, *words)["whole"] is True


def test_damage_is_named_and_ends_with_one(mss: Mss, pair: tuple[str, str], tmp_path: Path) -> None:
    to = tmp_path / "backup"
    mss.told("backup", "create", "--to", str(to), "--recipient", pair[0])
    damaged = next(path for path in sorted((to / "units").rglob("*")) if path.is_file())
    flip(damaged, -50)
    for words in ((), ("--key", pair[1])):
        told = mss.told("backup", "verify", str(to), *words, code=1)
        assert [each["file"] for each in told["damaged"]] == [str(damaged.relative_to(to))]
    assert "is damaged" in mss("backup", "verify", str(to)).stdout
    line = mss.refused("backup", "restore", str(to), "--into", str(tmp_path / "in"),
                       "--key", pair[1])  # fmt: skip
    assert "nothing was restored" in line


def test_data_without_its_key_table_says_so(
    mss: Mss, pair: tuple[str, str], tmp_path: Path
) -> None:
    to, apart = str(tmp_path / "backup"), str(tmp_path / "apart")
    mss.told("backup", "create", "--to", to, "--recipient", pair[0], "--keys-in", apart)
    assert mss.told("backup", "list", to)[0]["restorable"] is False
    assert mss.told("backup", "verify", to)["without_key_table"] != []
    words = ("--into", str(tmp_path / "in"), "--key", pair[1])
    assert "its key table is not" in mss.refused("backup", "restore", to, *words)
    assert mss.told("backup", "restore", to, *words, "--keys-in", apart)["whole"] is True


@pytest.mark.parametrize("verb", ["list", "verify", "restore"])
def test_what_is_no_backup_is_told(verb: str, mss: Mss, tmp_path: Path) -> None:
    words = ("--into", str(tmp_path / "in")) if verb == "restore" else ()
    for where in (tmp_path / "nothing", mss.folder):
        assert "holds no backup" in mss.refused("backup", verb, str(where), *words)


def test_what_is_no_certificate_and_no_key_is_told(
    mss: Mss, pair: tuple[str, str], tmp_path: Path
) -> None:
    to = str(tmp_path / "backup")
    line = mss.refused("backup", "create", "--to", to, "--recipient", pair[1])
    assert "no certificate" in line
    mss.told("backup", "create", "--to", to, "--recipient", pair[0])
    assert "private key" in mss.refused("backup", "verify", to, "--key", pair[0])


def test_a_medium_that_cannot_be_written_is_the_system_s(mss: Mss, pair: tuple[str, str]) -> None:
    line = mss.refused("backup", "create", "--to", "/proc/backup", "--recipient", pair[0], code=3)
    assert "/proc/backup" in line


def test_a_site_with_nothing_has_nothing_to_back_up(fresh: Mss, tmp_path: Path) -> None:
    assert "nothing is kept" in fresh.refused("backup", "create", "--to", str(tmp_path / "b"))
    assert not (tmp_path / "b").exists()


def test_only_so_many_stay(mss: Mss, pair: tuple[str, str], tmp_path: Path) -> None:
    to = str(tmp_path / "backup")
    words = ("backup", "create", "--to", to, "--recipient", pair[0], "--keep", "2")
    made = [mss.told(*words) for _ in range(3)]
    assert made[2]["removed"] == [made[0]["snapshot"]]
    kept = [line["snapshot"] for line in mss.told("backup", "list", to)]
    assert kept == [each["snapshot"] for each in made[1:]]


def test_the_answer_names_nobody(mss: Mss, pair: tuple[str, str], tmp_path: Path) -> None:
    told = mss.told("backup", "create", "--to", str(tmp_path / "b"), "--recipient", pair[0])
    assert "@" not in json.dumps(told)
