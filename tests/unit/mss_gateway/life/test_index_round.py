"""The round that both indexes make: every stretch once, whatever comes and goes meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailbox_store.database import Database, View
from mailbox_store.segments import IndexChanged
from mailbox_store.vault import AccountId
from mss_gateway.life import index_round
from mss_gateway.life.index_round import each_stretch, in_rounds, try_to, within
from tests.support import site as sites


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with sites.opened(tmp_path) as opened:
        yield opened.gateway.database


@dataclass(frozen=True)
class Piece:
    """A stretch up to ``last``, or something of a ``size``."""

    last: int = 0
    size: int = 0


class Ground:
    """An index in memory."""

    def __init__(self, held: dict[int, list[int]]) -> None:
        self.held = held

    def next_account(self, _view: View, after: AccountId, /) -> AccountId | None:
        return AccountId(min((each for each in self.held if each > after), default=0)) or None

    def stretches(self, _view: View, account_id: AccountId, /) -> list[Piece]:
        return [Piece(last) for last in self.held.get(account_id, [])]


def test_what_was_not_done_is_looked_up_again(database: Database) -> None:
    ground, seen = Ground({3: [5, 9], 7: [4]}), list[tuple[int, int]]()

    def handle(account_id: AccountId, stretch: Piece) -> bool:
        seen.append((account_id, stretch.last))
        if seen[-1] == (3, 5) and len(ground.held[3]) == 2:
            ground.held[3] = [9]  # another process has merged them
            return False
        return True

    each_stretch(database, ground, handle)
    assert seen == [(3, 5), (3, 9), (7, 4)]


@pytest.mark.parametrize(
    ("sizes", "most", "kept"),
    [([], 100, 0), ([5, 5], 100, 2), ([5, 6], 100, 1), ([11, 1], 100, 1), ([99, 99], 5, 2)],
)
def test_a_batch_stays_within_its_octets(sizes: list[int], most: int, kept: int) -> None:
    assert len(within([Piece(size=each) for each in sizes], 10, most)) == kept


def test_rounds_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_round, "ROUNDS", 3)
    left, rests = [True, True, False, True], list[int]()
    in_rounds(lambda: left.pop(0), lambda: rests.append(1))
    assert (left, len(rests)) == ([True], 2)
    in_rounds(lambda: True, lambda: rests.append(1))
    assert len(rests) == 5


def test_work_that_another_process_did_is_not_an_error(database: Database) -> None:
    def done_elsewhere(_tx: object) -> None:
        raise IndexChanged("meanwhile")

    assert try_to(database, lambda _tx: None)
    assert not try_to(database, done_elsewhere)
