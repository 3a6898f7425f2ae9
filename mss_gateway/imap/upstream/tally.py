"""What became of every folder and message of an import, for the bar, the report and the audit."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

State = Literal["to do", "done", "stopped", "failed"]


@dataclass(slots=True)
class FolderTally:
    """One remote folder: of ``there`` messages, ``missing`` were not here when the run began.

    The sets hold UIDs, so that work begun again after a lost connection counts nothing twice.
    """

    name: str
    local: str
    is_altered: bool = False
    state: State = "to do"
    why: str = ""
    there: int = 0
    missing: int = 0
    brought: int = 0
    octets: int = 0
    mended: int = 0
    wrapped: int = 0
    undated: int = 0
    keywords_dropped: int = 0
    deleted: set[int] = field(default_factory=set)
    too_large: set[int] = field(default_factory=set)
    unreadable: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)

    def left(self) -> Iterator[tuple[int, str]]:
        """UID and reason of each message that is not here and was not meant to stay there."""
        for uids, why in (
            (self.too_large, "larger than limits.message_octets"),
            (self.unreadable, "the remote server does not give it"),
            (self.gone, "asked for and not given; perhaps expunged meanwhile"),
        ):
            yield from ((uid, why) for uid in sorted(uids))

    def settle(self, uids: Iterable[int]) -> None:
        """These are here now, whatever went wrong with them before a connection was lost."""
        uids = frozenset(uids)
        for one in (self.too_large, self.unreadable, self.gone):
            one.difference_update(uids)

    def fail(self, state: State, why: str) -> None:
        """Nothing more of this folder comes in this run."""
        self.state, self.why = state, why


@dataclass(slots=True)
class Tally:
    """Every folder of the plan in order, and those that were left out with the reason."""

    folders: list[FolderTally] = field(default_factory=list)
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def missing(self) -> int:
        """Messages that this run set out to bring."""
        return sum(one.missing for one in self.folders)

    @property
    def brought(self) -> int:
        """Messages committed so far."""
        return sum(one.brought for one in self.folders)

    @property
    def octets(self) -> int:
        """Their octets as stored."""
        return sum(one.octets for one in self.folders)

    @property
    def finished(self) -> int:
        """Folders that nothing more is expected of."""
        return sum(one.state != "to do" for one in self.folders)

    @property
    def is_whole(self) -> bool:
        """Whether everything that was meant to come is here."""
        return all(one.state == "done" and not any(one.left()) for one in self.folders)
