"""Files in clear: every octet of them counts."""

from pathlib import Path

import pytest

from mss_gateway.backup import text
from mss_gateway.backup.errors import Damaged
from tests.support.backups import flip

LINES = ["un", "deux 2", "trois"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with (tmp_path / "f").open("wb") as file:
        writing = text.Writing(file, "essai")
        for line in LINES:
            writing.line(line)
        writing.end()
    return tmp_path / "f"


def test_lines_come_back_and_the_digest_is_the_same(path: Path) -> None:
    assert list(text.lines(path, "essai")) == LINES
    assert path.read_text("ascii").endswith(f"sha256 {text.digest_of(path, 'essai')}\n")


def test_every_octet_counts(path: Path) -> None:
    whole = path.read_bytes()
    for offset in range(len(whole)):
        path.write_bytes(whole)
        flip(path, offset)
        with pytest.raises(Damaged):
            list(text.lines(path, "essai"))


def test_what_is_cut_or_longer_is_damaged(path: Path) -> None:
    whole = path.read_bytes()
    for other in (*(whole[:length] for length in range(len(whole))), whole + b"x", whole + b"x\n"):
        path.write_bytes(other)
        with pytest.raises(Damaged):
            list(text.lines(path, "essai"))


def test_another_file_in_its_place_is_told(path: Path) -> None:
    with pytest.raises(Damaged, match="in its place"):
        list(text.lines(path, "autre"))


def test_a_missing_file_is_damage(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="missing"):
        list(text.lines(tmp_path / "none", "essai"))
