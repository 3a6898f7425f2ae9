"""Where the files of a backup lie, how they are written and found, and who is at work there.

::

    DIR/recipients        for whom: certificates, to read with; never believed when writing
    DIR/units/ab/abcd…    pieces of the store, each under a digest that only the site can compute
    DIR/snapshots/NAME.list, NAME.head
    DIR/keys/NAME.keys    the key table, the root key and the files of the state directory
    DIR/lock              held while somebody writes (alone) or reads

NAME is the moment of a snapshot in UTC. A snapshot exists when its list does: it is written last.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Final

from certs.certificate import Certificate, fingerprint, from_pem, to_pem
from certs.errors import DerMalformed
from mss_gateway.backup import text
from mss_gateway.backup.errors import BackupFailed, BackupRefused, Damaged

RECIPIENTS: Final = "recipients"
DRAFT: Final = ".draft"

_NAME = re.compile(r"\d{8}T\d{6}Z")
_UNIT = re.compile(r"[0-9a-f]{32}")
_FORM: Final = "%Y%m%dT%H%M%SZ"
_PASSED_OVER: Final = ("lost+found",)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a snapshot as its list states it."""

    unit: bytes
    octets: int


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of a backup; ``keys`` is where key tables lie, within it or elsewhere."""

    path: Path
    keys: Path

    @classmethod
    def at(cls, path: Path, keys: Path | None = None) -> "Folder":
        """A folder, with its key tables in ``keys`` or below it."""
        return cls(path, keys or path / "keys")

    @property
    def is_backup(self) -> bool:
        """Whether something was ever backed up here."""
        return (self.path / RECIPIENTS).is_file()

    def unit(self, name: bytes) -> Path:
        """The file of a unit."""
        digits = name.hex()
        return self.path / "units" / digits[:2] / digits

    def list_of(self, snapshot: str) -> Path:
        """The list of a snapshot's files."""
        return self.path / "snapshots" / f"{snapshot}.list"

    def head_of(self, snapshot: str) -> Path:
        """What a snapshot is made of, sealed."""
        return self.path / "snapshots" / f"{snapshot}.head"

    def keys_of(self, snapshot: str) -> Path:
        """The key table of a snapshot."""
        return self.keys / f"{snapshot}.keys"

    def snapshots(self) -> list[str]:
        """Names of snapshots, oldest first."""
        return _named(self.path / "snapshots", ".list")

    def key_tables(self) -> list[str]:
        """Names of the snapshots whose key tables are here, oldest first."""
        return _named(self.keys, ".keys")

    def prepare(self) -> None:
        """Make the folders; BackupRefused when somebody else's files lie there."""
        if not self.is_backup and self.path.exists():
            strange = [each for each in _children(self.path) if each.name not in _KNOWN_FIRST]
            if strange:
                raise BackupRefused(
                    f"{self.path} holds something that is no backup: give an empty folder"
                )
        for folder in (self.path, self.path / "units", self.path / "snapshots", self.keys):
            with telling(folder):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def clear_drafts(self) -> None:
        """Take away what a create that was killed had not named yet. Under the lock only."""
        for folder in (self.path, self.path / "snapshots", self.keys, *self.unit_folders()):
            for draft in folder.glob(f"*{DRAFT}"):
                draft.unlink(missing_ok=True)

    def unit_folders(self) -> list[Path]:
        """The folders that units lie in."""
        return sorted(each for each in _children(self.path / "units") if each.is_dir())

    def entries(self, snapshot: str) -> Iterator[Entry]:
        """The files of a snapshot, in order; raises :class:`Damaged`, at the end when altered."""
        for line in text.lines(self.list_of(snapshot), f"snapshot {snapshot}"):
            unit, _, octets = line.partition(" ")
            try:
                yield Entry(bytes.fromhex(unit), int(octets))
            except ValueError:
                raise Damaged("altered") from None

    def recipients(self) -> tuple[Certificate, ...]:
        """The certificates that were written here; raises :class:`Damaged`."""
        lines = list(text.lines(self.path / RECIPIENTS, RECIPIENTS))
        try:
            return from_pem("\n".join(lines).encode("ascii"))
        except (DerMalformed, UnicodeEncodeError):
            raise Damaged("its certificates cannot be read") from None

    def add_recipients(self, certificates: Iterable[Certificate]) -> None:
        """Write them beside those that are there already."""
        known: list[Certificate] = []
        with contextlib.suppress(Damaged):
            known = list(self.recipients())
        prints = {fingerprint(each) for each in known}
        more = [each for each in certificates if fingerprint(each) not in prints]
        if not more and known:
            return
        with replacing(self.path / RECIPIENTS) as file:
            writing = text.Writing(file, RECIPIENTS)
            for line in to_pem(*known, *more).decode("ascii").splitlines():
                writing.line(line)
            writing.end()


_KNOWN_FIRST = ("lock", "units", "snapshots", "keys", *_PASSED_OVER)
"""What a first create that was killed may have left."""


def name_at(seconds: float, after: str | None) -> str:
    """The name of a snapshot taken then, and later than ``after``, whatever the clock says."""
    moment = datetime.fromtimestamp(int(seconds), UTC)
    if after is not None:
        moment = max(moment, moment_of(after) + timedelta(seconds=1))
    return moment.strftime(_FORM)


def moment_of(name: str) -> datetime:
    """When a snapshot was taken; ValueError when this is no name of one."""
    return datetime.strptime(name, _FORM).replace(tzinfo=UTC)


def _named(folder: Path, suffix: str) -> list[str]:
    found = (each.name.removesuffix(suffix) for each in folder.glob(f"*{suffix}"))
    return sorted(name for name in found if _NAME.fullmatch(name))


def is_unit(name: str) -> bool:
    """Whether a file of this name is a unit."""
    return _UNIT.fullmatch(name) is not None


def _children(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


# --- locks ---------------------------------------------------------------------------------------


@contextmanager
def held(folder: Folder, *, alone: bool) -> Iterator[None]:
    """Be the only one at work, or one of those that read; BackupRefused when somebody else is.

    The lock goes with the process that holds it, however it ends. A medium that cannot be written
    to is read without one.
    """
    path = folder.path / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        if alone:
            raise BackupFailed(error.errno, error.strerror, str(path)) from None
        yield
        return
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupRefused(
                f"{folder.path} is in use by another `mss backup`: try again when it has ended"
            ) from None
        yield
    finally:
        os.close(descriptor)


# --- writing -------------------------------------------------------------------------------------


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Whatever the system refuses is told with the file that it was about."""
    try:
        yield
    except BackupFailed:
        raise
    except OSError as error:
        raise BackupFailed(error.errno, error.strerror, str(path)) from error


@contextmanager
def replacing(path: Path, *, flushes_folder: bool = True) -> Iterator[IO[bytes]]:
    """A file that has its name only once all of it is on the disk; raises :class:`BackupFailed`.

    Without ``flushes_folder`` the name itself is left to a later :func:`flush_folder`.
    """
    draft = path.with_name(path.name + DRAFT)
    try:
        with telling(path):
            # whoever else may write here must not have another file overwritten by a link
            how = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            descriptor = os.open(draft, how, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            if flushes_folder:
                flush_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def write(path: Path, pieces: Iterable[bytes], advance: Callable[[int], None]) -> int:
    """Write a file whole, naming it last; its octets. The folder is flushed by the caller."""
    octets = 0
    with replacing(path, flushes_folder=False) as file:
        for piece in pieces:
            file.write(piece)
            octets += len(piece)
            advance(len(piece))
    return octets


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    with telling(folder):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
