"""The zip of an export: entries as they were given, their digests, nothing that needs seeking."""

import hashlib
import io
import secrets
import subprocess
import zipfile
from pathlib import Path

import pytest

from mss_gateway.life.export_package import DIGESTS, Gathered, Package
from tests.support.programs import require_program

NOW = 1_795_340_000
ENTRIES = {
    "documents/a.pdf": secrets.token_bytes(100_000),
    "documents/b.txt": b"texte\r\n" * 50_000,
    "messages/recus/1.eml": b"",
}


class Pipe(io.RawIOBase):
    """A target that can only be written to."""

    def __init__(self) -> None:
        super().__init__()
        self.held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, octets: bytes) -> int:  # type: ignore[override]
        self.held += octets
        return len(octets)


def packed() -> bytes:
    target = Pipe()
    with Package(target) as package:  # type: ignore[arg-type]
        for path, content in ENTRIES.items():
            assert package.put(path, content, NOW) == hashlib.sha256(content).hexdigest()
        with package.open("espace.json", NOW) as entry:
            entry.write(b"{")
            entry.write(b"}")
        package.end(NOW)
    return bytes(target.held)


def test_entries_come_back_with_their_digests_and_the_digests_come_last() -> None:
    with zipfile.ZipFile(io.BytesIO(packed())) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == [*ENTRIES, "espace.json", DIGESTS]
        assert {name: archive.read(name) for name in ENTRIES} == ENTRIES
        assert archive.read("espace.json") == b"{}"
        kinds = {one.filename: one.compress_type for one in archive.infolist()}
        lines = archive.read(DIGESTS).decode().splitlines()
    assert kinds["documents/a.pdf"] == zipfile.ZIP_STORED
    assert kinds["documents/b.txt"] == zipfile.ZIP_DEFLATED
    assert [line.split("  ")[1] for line in lines] == names[:-1]


def test_other_programs_find_nothing_wrong(tmp_path: Path) -> None:
    unzip, sha256sum = require_program("unzip"), require_program("sha256sum")
    (tmp_path / "copie.zip").write_bytes(packed())
    subprocess.run([unzip, "-tq", "copie.zip"], cwd=tmp_path, check=True)
    subprocess.run([unzip, "-q", "copie.zip"], cwd=tmp_path, check=True)
    checked = subprocess.run(
        [sha256sum, "--strict", "-c", DIGESTS], cwd=tmp_path, check=True, capture_output=True
    )
    assert checked.stdout.count(b": OK") == len(ENTRIES) + 1


def test_more_entries_than_a_zip_of_old_could_count() -> None:
    target = Pipe()
    with Package(target) as package:  # type: ignore[arg-type]
        for number in range(65_536):
            package.put(f"{number}.jpg", b"", NOW)
        package.end(NOW)
    with zipfile.ZipFile(io.BytesIO(target.held)) as archive:
        assert len(archive.namelist()) == 65_537


def test_one_that_is_given_up_writes_no_directory() -> None:
    target = Pipe()

    def give_up() -> None:
        with Package(target) as package:  # type: ignore[arg-type]
            package.put("a", b"a", NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        give_up()
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(target.held))


@pytest.mark.parametrize("count", [0, 1, 40_000])
def test_lines_that_are_gathered_come_back_in_pieces(count: int) -> None:
    gathered = Gathered()
    for number in range(count):
        gathered.add(f"ligne {number}\n".encode())
    pieces = list(gathered.pieces())
    assert b"".join(pieces) == b"".join(f"ligne {number}\n".encode() for number in range(count))
    assert all(len(piece) <= 65_536 for piece in pieces)
