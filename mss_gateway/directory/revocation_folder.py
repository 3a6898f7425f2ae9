"""Revocation lists that the operator puts into a folder, for authorities that cannot be asked."""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from certs.errors import DerMalformed
from certs.status.revocation import CrlSource
from mss_gateway.observability import log

LIST_OCTETS: Final = 32 * 1024 * 1024
LISTS: Final = 50
"""Revocation lists read from the folder, and the size of each, at most."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """Lists as they lay in the folder at some moment."""

    seen: tuple[tuple[str, int, int], ...]
    source: CrlSource
    files: Mapping[str, Path]


class Lists:
    """Revocation lists (DER) of a folder; read again when a file of it has changed."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._turn = threading.Lock()
        self._kept = _Folder((), CrlSource(()), {})

    def source(self) -> CrlSource:
        """What the folder says now; a file that is no list is passed over, and logged once."""
        if self._folder is None:
            return self._kept.source
        with self._turn:
            files = self._files(self._folder)
            seen = tuple(entry for _, entry in files)
            if seen != self._kept.seen:
                lists = self._readable([path for path, _ in files])
                digests = {hashlib.sha256(der).hexdigest(): path for path, der in lists}
                self._kept = _Folder(seen, CrlSource([der for _, der in lists]), digests)
            return self._kept.source

    def find(self, digest: str) -> bytes | None:
        """The list of the folder with this SHA-256 in hexadecimal, to be kept as evidence."""
        self.source()
        path = self._kept.files.get(digest)
        try:
            der = b"" if path is None else path.read_bytes()
        except OSError:
            return None
        return der if hashlib.sha256(der).hexdigest() == digest else None

    def _files(self, folder: Path) -> list[tuple[Path, tuple[str, int, int]]]:
        try:
            found = sorted(folder.iterdir())[:LISTS]
            stats = [(path, path.stat()) for path in found if path.is_file()]
        except OSError as error:
            log.note("revocation lists not read", stage="authn", error=type(error).__name__)
            return []
        return [
            (path, (path.name, stat.st_mtime_ns, stat.st_size))
            for path, stat in stats
            if stat.st_size <= LIST_OCTETS
        ]

    def _readable(self, paths: Sequence[Path]) -> list[tuple[Path, bytes]]:
        lists = []
        for path in paths:
            try:
                der = path.read_bytes()
                CrlSource((der,))
            except (OSError, DerMalformed) as error:
                log.note("revocation list not read", stage="authn", error=type(error).__name__)
            else:
                lists.append((path, der))
        return lists
