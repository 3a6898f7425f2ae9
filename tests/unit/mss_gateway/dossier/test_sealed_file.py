"""Sealed files: what comes out is what went in, and nothing else opens."""

import os
import secrets
from pathlib import Path

import pytest

from mss_gateway.dossier import sealed_file
from mss_gateway.dossier.sealed_file import (
    FRAME_OCTETS,
    SealedFileDamaged,
    Writing,
    frames,
    is_whole,
    sealed_octets,
)

NAME = bytes(range(16))
SIZES = (0, 1, 65_536, 65_537, FRAME_OCTETS - 1, FRAME_OCTETS, FRAME_OCTETS + 1, 2 * FRAME_OCTETS)


def written(path: Path, content: bytes, key: bytes, piece: int = 100_000) -> int:
    """Write in pieces; the length that is told."""
    with Writing(path, NAME, key) as target:
        for start in range(0, len(content), piece):
            target.write(content[start : start + piece])
        return target.end()


@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_comes_back_in_pieces_of_a_frame(size: int, tmp_path: Path) -> None:
    path, key, content = tmp_path / "a", sealed_file.new_key(), secrets.token_bytes(size)

    assert written(path, content, key) == size

    pieces = list(frames(path, NAME, key, size))
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= FRAME_OCTETS
    assert path.stat().st_size == sealed_octets(size)
    assert is_whole(path, size)
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_frames_do_not_depend_on_how_it_was_written(tmp_path: Path) -> None:
    key, content = sealed_file.new_key(), secrets.token_bytes(3 * FRAME_OCTETS + 5)
    written(tmp_path / "a", content, key, piece=7_000)
    written(tmp_path / "b", content, key, piece=len(content))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_no_octet_stands_there_in_clear(tmp_path: Path) -> None:
    content = b"CANARI" * 400_000
    written(tmp_path / "a", content, sealed_file.new_key())
    assert b"CANARI" not in (tmp_path / "a").read_bytes()


def _flip(path: Path) -> None:
    sealed = bytearray(path.read_bytes())
    sealed[len(sealed) // 2] ^= 1
    path.write_bytes(sealed)


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def _cut_a_frame(path: Path) -> None:
    os.truncate(path, sealed_octets(FRAME_OCTETS))


def _lengthen(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def _swap_frames(path: Path) -> None:
    sealed, length = path.read_bytes(), sealed_octets(FRAME_OCTETS)
    path.write_bytes(sealed[length : 2 * length] + sealed[:length] + sealed[2 * length :])


@pytest.mark.parametrize("harm", [_flip, _cut, _cut_a_frame, _lengthen, _swap_frames, Path.unlink])
def test_what_was_altered_does_not_pass(harm: object, tmp_path: Path) -> None:
    path, key, size = tmp_path / "a", sealed_file.new_key(), 2 * FRAME_OCTETS + 7
    written(path, secrets.token_bytes(size), key)
    harm(path)  # type: ignore[operator]
    with pytest.raises(SealedFileDamaged):
        list(frames(path, NAME, key, size))


def test_a_file_that_is_said_to_be_shorter_does_not_open(tmp_path: Path) -> None:
    path, key = tmp_path / "a", sealed_file.new_key()
    written(path, secrets.token_bytes(2 * FRAME_OCTETS), key)
    with pytest.raises(SealedFileDamaged):
        list(frames(path, NAME, key, FRAME_OCTETS))
    assert not is_whole(path, FRAME_OCTETS)


@pytest.mark.parametrize(("name", "fresh"), [(bytes(16), False), (NAME, True)])
def test_another_name_or_key_opens_nothing(name: bytes, fresh: bool, tmp_path: Path) -> None:
    path, key = tmp_path / "a", sealed_file.new_key()
    written(path, b"a", key)
    with pytest.raises(SealedFileDamaged):
        list(frames(path, name, sealed_file.new_key() if fresh else key, 1))


def test_a_file_is_written_once(tmp_path: Path) -> None:
    written(tmp_path / "a", b"a", sealed_file.new_key())
    with pytest.raises(FileExistsError):
        Writing(tmp_path / "a", NAME, sealed_file.new_key())


def test_whoever_watches_is_asked_before_each_frame(tmp_path: Path) -> None:
    asked: list[int] = []

    def before(octets: int) -> None:
        asked.append(octets)
        if len(asked) == 2:
            raise OSError("enough")

    with (
        Writing(tmp_path / "a", NAME, sealed_file.new_key(), before) as target,
        pytest.raises(OSError, match="enough"),
    ):
        target.write(bytes(5 * FRAME_OCTETS))
    assert asked == [sealed_octets(FRAME_OCTETS)] * 2
    assert (tmp_path / "a").stat().st_size == sealed_octets(FRAME_OCTETS)


def test_the_disk_is_waited_for_now_and_then_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[str] = []
    monkeypatch.setattr(sealed_file, "SYNCED_FRAMES", 2)
    monkeypatch.setattr(os, "fdatasync", lambda _: waited.append("now"))
    monkeypatch.setattr(os, "fsync", lambda _: waited.append("end"))
    written(tmp_path / "a", bytes(4 * FRAME_OCTETS + 1), sealed_file.new_key())
    assert waited == ["now", "now", "end"]
