"""What was accepted lately: known for seven days, each for its own recipient, then forgotten."""

import pytest

from mailbox_store import acceptances
from mailbox_store.acceptances import KEPT_SECONDS
from mailbox_store.database import Database

NOW = 1_790_000_000


def remember(database: Database, *marks: bytes, ref: str = "un", now: int = NOW) -> None:
    for mark in marks:
        database.write(lambda tx, mark=mark: acceptances.remember(tx, mark, ref, now))  # type: ignore[misc]


def find(database: Database, mark: bytes, now: int = NOW) -> str | None:
    with database.read() as view:
        return acceptances.find(view, mark, now)


@pytest.mark.parametrize(
    ("later", "found"), [(0, "un"), (KEPT_SECONDS - 1, "un"), (KEPT_SECONDS, None)]
)
def test_it_is_known_for_seven_days(later: int, found: str | None, database: Database) -> None:
    remember(database, b"a")
    assert find(database, b"a", NOW + later) == found
    assert find(database, b"b", NOW) is None


def test_what_is_accepted_again_after_that_is_known_anew(database: Database) -> None:
    remember(database, b"a")
    remember(database, b"a", ref="deux", now=NOW + KEPT_SECONDS)
    assert find(database, b"a", NOW + KEPT_SECONDS) == "deux"


def test_the_old_are_swept_a_bounded_number_at_a_time_and_the_others_stay(
    database: Database,
) -> None:
    remember(database, b"a", b"b", b"c")
    remember(database, b"d", now=NOW + 1)
    later = NOW + KEPT_SECONDS

    def sweep(count: int) -> int:
        return database.write(lambda tx: acceptances.sweep(tx, later, count))

    assert [sweep(2), sweep(2), sweep(2)] == [2, 1, 0]
    assert find(database, b"d", later) == "un"
