"""One sealed file: it opens whole, in its place, for its recipient, or not at all."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from mss_gateway.backup import container
from mss_gateway.backup.container import Kind, Lock
from mss_gateway.backup.errors import BackupRefused, Damaged
from mss_gateway.backup.opening import Opener
from tests.support.backups import flip, receiver

NAME = b"0123456789abcdef"
FRAMES = [b"un", b"", b"x" * 200_000, b"fin"]

KEY, CERTIFICATE = receiver()
BY = Opener([(CERTIFICATE, KEY)])


@pytest.fixture(scope="module")
def lock() -> Lock:
    return container.new_lock([CERTIFICATE])


def write(path: Path, lock: Lock, frames: Iterable[bytes], name: bytes = NAME) -> Path:
    path.write_bytes(b"".join(container.written(Kind.UNIT, name, lock, frames)))
    return path


def read(path: Path, kind: Kind = Kind.UNIT, name: bytes = NAME) -> list[bytes]:
    return list(container.frames(path, kind, name, BY.key_of))


@pytest.mark.parametrize("frames", [FRAMES, [b""], [b"x" * 65_536], [b"x" * 65_537]])
def test_frames_come_back_as_they_were(frames: list[bytes], lock: Lock, tmp_path: Path) -> None:
    path = write(tmp_path / "f", lock, frames)
    container.check(path, Kind.UNIT, NAME)
    assert container.looks_whole(path, Kind.UNIT, NAME)
    assert read(path) == frames


def test_nothing_of_the_content_is_readable(lock: Lock, tmp_path: Path) -> None:
    content = b"Adenopathie cervicale"
    assert content not in write(tmp_path / "f", lock, [content]).read_bytes()


def test_two_locks_have_two_keys() -> None:
    first, second = container.new_lock([CERTIFICATE]), container.new_lock([CERTIFICATE])
    assert first.key != second.key
    assert BY.key_of(first.envelope) == first.key


def test_every_octet_counts_with_and_without_the_key(lock: Lock, tmp_path: Path) -> None:
    path = write(tmp_path / "f", lock, [b"un", b"deux"])
    whole = path.read_bytes()
    for offset in range(len(whole)):
        path.write_bytes(whole)
        flip(path, offset)
        with pytest.raises(Damaged):
            container.check(path, Kind.UNIT, NAME)
        if offset % 5 == 0 or offset >= len(whole) - 60:
            with pytest.raises((Damaged, BackupRefused)):
                read(path)


def test_every_length_but_its_own_is_cut_or_longer(lock: Lock, tmp_path: Path) -> None:
    path = write(tmp_path / "f", lock, [b"un"])
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(Damaged):
            container.check(path, Kind.UNIT, NAME)
        assert not container.looks_whole(path, Kind.UNIT, NAME)
    path.write_bytes(whole + b"\0")
    with pytest.raises(Damaged):
        container.check(path, Kind.UNIT, NAME)
    assert not container.looks_whole(path, Kind.UNIT, NAME)


def rebuilt(whole: bytes, order: Iterable[int]) -> bytes:
    """The same file with its frames in another order, and a digest that fits."""
    head = 29 + int.from_bytes(whole[25:29], "big")
    frames, at = [], head
    while at < len(whole) - 32:
        end = at + 4 + int.from_bytes(whole[at : at + 4], "big")
        frames.append(whole[at:end])
        at = end
    made = whole[:head] + b"".join(frames[each] for each in order)
    return made + hashlib.sha256(made).digest()


@pytest.mark.parametrize("order", [(0, 1), (1, 0, 2), (0, 1, 1, 2), (1, 2), (2,), (0, 2)])
def test_frames_moved_cut_or_repeated_do_not_open(
    order: tuple[int, ...], lock: Lock, tmp_path: Path
) -> None:
    path = write(tmp_path / "f", lock, [b"un", b"deux", b"trois"])
    whole = path.read_bytes()
    assert rebuilt(whole, (0, 1, 2)) == whole
    path.write_bytes(rebuilt(whole, order))
    container.check(path, Kind.UNIT, NAME)  # nobody without the key could tell
    with pytest.raises(Damaged, match="does not open"):
        read(path)


def test_another_file_in_its_place_is_told(lock: Lock, tmp_path: Path) -> None:
    path = write(tmp_path / "f", lock, FRAMES, b"another name....")
    for attempt in (
        lambda: container.check(path, Kind.UNIT, NAME),
        lambda: container.check(path, Kind.KEYS, b"another name...."),
        lambda: read(path),
        lambda: read(path, Kind.HEAD, b"another name...."),
    ):
        with pytest.raises(Damaged, match="in its place"):
            attempt()


def test_a_renamed_frame_does_not_open_even_when_the_header_is_made_to_fit(
    lock: Lock, tmp_path: Path
) -> None:
    whole = write(tmp_path / "f", lock, [b"un"], b"another name....").read_bytes()
    forged = rebuilt(whole[:9] + NAME + whole[25:], (0,))
    (tmp_path / "f").write_bytes(forged)
    container.check(tmp_path / "f", Kind.UNIT, NAME)
    with pytest.raises(Damaged, match="does not open"):
        read(tmp_path / "f")


def test_a_missing_file_is_damage(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="missing"):
        container.check(tmp_path / "none", Kind.UNIT, NAME)
    with pytest.raises(Damaged, match="missing"):
        read(tmp_path / "none")
    assert not container.looks_whole(tmp_path / "none", Kind.UNIT, NAME)


def test_a_name_has_its_length(lock: Lock) -> None:
    with pytest.raises(ValueError, match="16 octets"):
        list(container.written(Kind.UNIT, b"short", lock, [b""]))
