"""Is a backup whole? Every file of it read, with the key every frame opened; nothing is mended."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mss_gateway.backup import container, keytable, opening, retention, text
from mss_gateway.backup.container import Kind
from mss_gateway.backup.errors import BackupRefused, Damaged
from mss_gateway.backup.folder import Folder
from mss_gateway.backup.opening import Opener
from mss_gateway.backup.retention import Seen

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Complaint:
    """A file, by its place in the backup, and what is wrong with it."""

    file: str
    what: str


@dataclass(slots=True)
class Report:
    """What was looked at and what was found. ``opened``: with a recipient's key."""

    opened: bool
    snapshots: list[str] = field(default_factory=list)
    without_keys: list[str] = field(default_factory=list)
    units: int = 0
    octets: int = 0
    complaints: list[Complaint] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether everything is as it was written."""
        return not self.complaints


def verify(place: Folder, by: Opener | None, advance: Advance) -> Report:
    """Look at every file of every snapshot, each once; ``advance`` is told octets as they pass.

    Without a key this finds what chance altered, cut, exchanged or lost; with it, everything.
    """
    report = Report(by is not None)
    work = _Work(place, by, report, advance)
    work.look("recipients", work.recipients)
    names = place.snapshots()
    kept = place.key_tables()
    report.snapshots = names
    report.without_keys = [name for name in names if not [each for each in kept if each >= name]]
    with retention.seen() as seen:
        for name in names:
            work.snapshot(name, seen)
    for name in kept:
        work.look(_shown(place, place.keys_of(name)), lambda name=name: work.keys(name))  # type: ignore[misc]
    return report


def _shown(place: Folder, path: Path) -> str:
    return str(path.relative_to(place.path) if path.is_relative_to(place.path) else path)


@dataclass(slots=True)
class _Work:
    place: Folder
    by: Opener | None
    report: Report
    advance: Advance

    def look(self, shown: str, at: Callable[[], None]) -> None:
        """Do one thing; what is damaged becomes a complaint."""
        try:
            at()
        except (Damaged, BackupRefused) as error:
            self.report.complaints.append(Complaint(shown, str(error)))

    def recipients(self) -> None:
        """The certificates that the backup is read with."""
        self.place.recipients()

    def snapshot(self, name: str, seen: Seen) -> None:
        """The list, the head and every unit that no earlier snapshot has."""
        self.look(f"snapshots/{name}.list", lambda: self._units(name, seen))
        self.look(f"snapshots/{name}.head", lambda: self._head(name))

    def _units(self, name: str, seen: Seen) -> None:
        for entry in self.place.entries(name):
            if seen.add(entry.unit):
                shown = _shown(self.place, self.place.unit(entry.unit))
                self.look(shown, lambda unit=entry.unit: self._unit(unit))  # type: ignore[misc]
                self.report.units += 1
                self.report.octets += entry.octets
                self.advance(entry.octets)

    def _unit(self, name: bytes) -> None:
        if self.by is None:
            container.check(self.place.unit(name), Kind.UNIT, name)
        else:
            opening.unit(self.place, name, self.by)

    def _head(self, name: str) -> None:
        if self.by is None:
            container.check(self.place.head_of(name), Kind.HEAD, name.encode())
            return
        head = opening.head(self.place, name, self.by)
        if head["list"] != text.digest_of(self.place.list_of(name), f"snapshot {name}"):
            raise Damaged("the list of its files is another one")
        if sum(each["units"] for each in head["tables"]) != sum(
            1 for _ in self.place.entries(name)
        ):
            raise Damaged("the list of its files is of another length")

    def keys(self, name: str) -> None:
        """A key table, and that the snapshot beside it is by the same site."""
        if self.by is None:
            container.check(self.place.keys_of(name), Kind.KEYS, name.encode())
            return
        roots: list[bytes] = []
        reading = keytable.Reading(root=roots.append)
        about = keytable.read(self.place.keys_of(name), name, self.by.key_of, reading)
        if about.get("snapshot") != name or not roots:
            raise Damaged("it is not the key table of this snapshot")
        if name in self.report.snapshots:
            prove_mark(opening.head(self.place, name, self.by), roots[0])


def prove_mark(head: dict[str, object], root_key: bytes) -> None:
    """That the holder of this root key made this snapshot; raises Damaged."""
    secret = keytable.secret_of(root_key)
    expected = keytable.mark(secret, str(head["snapshot"]), str(head["list"]))
    if head["mark"] != expected:
        raise Damaged("the snapshot beside it was not made with this root key")
