"""Files in clear, line by line: which files a snapshot is made of, and for whom it is.

The first line says what the file is, the last one is the SHA-256 of everything before it.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from mss_gateway.backup.errors import Damaged

FORMAT: Final = "mss-backup 1"
_LAST: Final = "sha256 "
LONGEST_LINE: Final = 4096


class Writing:
    """Writes the lines of one file, in order."""

    def __init__(self, file: IO[bytes], title: str) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.line(f"{FORMAT} {title}")

    def line(self, text: str) -> None:
        """One more."""
        encoded = f"{text}\n".encode("ascii")
        self._digest.update(encoded)
        self._file.write(encoded)

    def end(self) -> str:
        """The last line; the digest."""
        digest = self._digest.hexdigest()
        self._file.write(f"{_LAST}{digest}\n".encode("ascii"))
        return digest


def lines(path: Path, title: str) -> Iterator[str]:
    """Every line but the first and the last; raises :class:`Damaged`, at the end when altered."""
    digest = hashlib.sha256()
    read = _read(path)
    for number, line in enumerate(read):
        if line.startswith(_LAST):
            if line != f"{_LAST}{digest.hexdigest()}" or next(read, None) is not None:
                break
            return
        digest.update(f"{line}\n".encode("latin-1"))
        if number:
            yield line
        elif line != f"{FORMAT} {title}":
            raise Damaged("another file of a backup stands in its place, or it is altered")
    raise Damaged("altered or cut short")


def digest_of(path: Path, title: str) -> str:
    """The digest of a file that is whole, in hexadecimal; raises :class:`Damaged`."""
    digest = hashlib.sha256(f"{FORMAT} {title}\n".encode("latin-1"))
    for line in lines(path, title):
        digest.update(f"{line}\n".encode("latin-1"))
    return digest.hexdigest()


def _read(path: Path) -> Iterator[str]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise Damaged("missing") from None
    with file:
        while line := file.readline(LONGEST_LINE):
            if not line.endswith(b"\n"):
                raise Damaged("altered or cut short")
            yield line[:-1].decode("latin-1")
