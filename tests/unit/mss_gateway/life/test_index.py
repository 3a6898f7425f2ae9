"""The index after crashes, with other processes beside it, and after messages went."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from certs.sealing import RootKey, Sealing
from mailbox_store import accounts, changes, mailboxes, segment_plan, segments
from mailbox_store.database import Database, Transaction
from mailbox_store.errors import BlobAltered
from mailbox_store.segment_format import EDGE
from mailbox_store.segments import Part, Stretch
from mailbox_store.vault import AccountId
from mss_gateway.life import index
from mss_gateway.message.terms import BODY, NAMES
from tests.protocol.imap_site import Site, open_site
from tests.support.nulls import NullSealing
from tests.unit.mss_gateway.imap.search_site import Shelf, new_shelf


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as opened:
        yield opened


@pytest.fixture
def shelf(site: Site) -> Shelf:
    return new_shelf(site)


class Killed(BaseException):
    """As when the process ends here."""


def no_pace() -> None:
    """Work at once."""


def letter(number: int) -> bytes:
    head = f"From: Zoé <zoe@mss.example>\r\nSubject: Bilan {number}\r\nX-N: n{number}\r\n\r\n"
    return f"{head}Corps du mot{number} et de tous.\r\n".encode()


def index_all(database: Database, *, is_thorough: bool = False) -> None:
    while (done := index.index_batch(database, no_pace)).messages:
        for account_id in done.accounts:
            index.tidy(database, account_id, no_pace, is_thorough=is_thorough)


def known(database: Database, account_id: AccountId, part: Part) -> Counter[int]:
    """How often the index of an account knows each message."""
    seen: Counter[int] = Counter()
    with database.read() as view:
        for stretch in segments.stretches(view, account_id):
            seen.update(segments.open_segment(view, account_id, stretch, part).message_ids)
    return seen


def stored(database: Database, account_id: AccountId) -> set[int]:
    with database.read() as view:
        rows = view.sql("SELECT message_id FROM messages WHERE account_id = ?", (account_id,))
        return {row[0] for row in rows.fetchall()}


def expect_whole(database: Database, account_id: AccountId) -> None:
    """Nothing twice, nothing missing; what went since may still be known."""
    for part in Part:
        seen = known(database, account_id, part)
        assert set(seen) >= stored(database, account_id)
        assert set(seen.values()) <= {1}


def stretches(shelf: Shelf) -> list[Stretch]:
    with shelf.database.read() as view:
        return segments.stretches(view, shelf.account_id)


def holding(shelf: Shelf, part: Part, section: str, term: bytes) -> list[int]:
    """The messages that hold the term, over all stretches."""
    found: list[int] = []
    with shelf.database.read() as view:
        for stretch in segments.stretches(view, shelf.account_id):
            segment = segments.open_segment(view, shelf.account_id, stretch, part)
            named = segment.section(section)
            if named is not None:
                ordinals = sorted(named.holding(EDGE + term + EDGE))
                found += [segment.message_ids[each] for each in ordinals]
    return found


def test_each_part_knows_each_message_by_its_own_words(shelf: Shelf) -> None:
    shelf.put(letter(at) for at in range(5))
    index_all(shelf.database)
    ids = sorted(stored(shelf.database, shelf.account_id))
    for at, message_id in enumerate(ids):
        assert holding(shelf, Part.BODY, BODY, b"mot%d" % at) == [message_id]
        assert holding(shelf, Part.HEADER, "x-n", b"n%d" % at) == [message_id]
        assert holding(shelf, Part.FIELDS, "subject", b"bilan %d" % at) == [message_id]
    assert holding(shelf, Part.BODY, BODY, b"tous.") == ids
    assert holding(shelf, Part.HEADER, NAMES, b"x-n:") == ids


def test_merged_stretches_know_what_each_of_them_knew(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(5):
        shelf.put([letter(at)])
        index.index_batch(shelf.database, no_pace)
    shelf.expunge([3])
    monkeypatch.setattr(segment_plan, "FAN", 5)
    index.tidy(shelf.database, shelf.account_id, no_pace, is_thorough=False)
    (stretch,) = stretches(shelf)
    assert (stretch.level, stretch.messages) == (1, 4)
    expect_whole(shelf.database, shelf.account_id)
    for at, places in ((0, [0]), (2, []), (4, [3])):
        ids = sorted(stored(shelf.database, shelf.account_id))
        expected = [ids[place] for place in places]
        assert holding(shelf, Part.BODY, BODY, b"mot%d" % at) == expected
        assert holding(shelf, Part.HEADER, "x-n", b"n%d" % at) == expected
        assert holding(shelf, Part.FIELDS, "subject", b"bilan %d" % at) == expected


def test_single_messages_become_few_stretches(shelf: Shelf) -> None:
    for at in range(2 * segment_plan.FAN + 3):
        shelf.put([letter(at)])
        index_all(shelf.database)
    assert [(each.level, each.messages) for each in stretches(shelf)] == [
        (1, segment_plan.FAN),
        (1, segment_plan.FAN),
        (0, 1),
        (0, 1),
        (0, 1),
    ]
    expect_whole(shelf.database, shelf.account_id)


def test_a_batch_is_of_all_accounts_and_bounded(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = new_shelf(site), new_shelf(site)
    for at in range(4):
        one.put([letter(at)])
        other.put([letter(at)])
    monkeypatch.setattr(index, "BATCH_MESSAGES", 5)
    done = index.index_batch(site.database, no_pace)
    assert done == index.Indexed(5, frozenset({one.account_id, other.account_id}))
    assert (len(known(site.database, one.account_id, Part.BODY)), len(stretches(other))) == (3, 1)
    monkeypatch.setattr(index, "BATCH_OCTETS", len(letter(1)) * 2)
    assert index.index_batch(site.database, no_pace).messages == 2
    monkeypatch.setattr(index, "BATCH_OCTETS", 1)
    assert index.index_batch(site.database, no_pace).messages == 1
    assert index.index_batch(site.database, no_pace) == index.Indexed(0, frozenset())
    expect_whole(site.database, one.account_id)


# crashes


def _killed_at(moment: int) -> Callable[[], None]:
    left = moment

    def pace() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed

    return pace


def test_a_kill_at_any_moment_loses_nothing_and_does_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_plan, "FAN", 3)
    monkeypatch.setattr(index, "BATCH_MESSAGES", 2)
    with open_site(tmp_path) as site:
        shelf = new_shelf(site)
        shelf.put(letter(at) for at in range(11))
        account_id = shelf.account_id
    kills = 0
    while True:
        # each time a store that is opened anew, killed one step later than the last one
        database = Database.open(f"sqlite:///{tmp_path / 'store.sqlite'}", NullSealing())
        try:
            pace = _killed_at(kills)
            while index.index_batch(database, pace).messages:
                index.tidy(database, account_id, pace, is_thorough=False)
            index.tidy(database, account_id, pace, is_thorough=False)
            break
        except Killed:
            kills += 1
            for part in Part:
                assert set(known(database, account_id, part).values()) <= {1}
        finally:
            database.close()
    assert kills > 5
    database = Database.open(f"sqlite:///{tmp_path / 'store.sqlite'}", NullSealing())
    expect_whole(database, account_id)
    with database.read() as view:
        assert segments.lag(view) == 0
    database.close()


@pytest.mark.parametrize("statement", ["advance", "add"])
def test_a_transaction_that_fails_leaves_the_index_as_it_was(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    shelf.put([letter(1)])
    done = getattr(segments, statement)

    def failing(*given: object) -> None:
        done(*given)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(segments, statement, failing)
        with pytest.raises(Killed):
            index.index_batch(shelf.database, no_pace)
    assert stretches(shelf) == []
    index_all(shelf.database)
    expect_whole(shelf.database, shelf.account_id)


def test_two_that_index_at_once_do_not_do_it_twice(shelf: Shelf) -> None:
    shelf.put(letter(at) for at in range(40))
    gate = threading.Barrier(3)

    def work() -> None:
        gate.wait()
        index_all(shelf.database)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect_whole(shelf.database, shelf.account_id)


def test_who_comes_second_writes_nothing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.put([letter(1)])
    met = False

    def meanwhile() -> None:
        nonlocal met
        if not met:
            met = True
            index_all(shelf.database)

    assert index.index_batch(shelf.database, meanwhile).messages == 1
    assert len(stretches(shelf)) == 1
    monkeypatch.setattr(segment_plan, "FAN", 2)
    shelf.put([letter(2)])
    index.index_batch(shelf.database, no_pace)
    met = False

    def merging() -> None:
        nonlocal met
        if not met:
            met = True
            index.tidy(shelf.database, shelf.account_id, no_pace, is_thorough=False)

    index.tidy(shelf.database, shelf.account_id, merging, is_thorough=False)
    assert len(stretches(shelf)) == 1
    expect_whole(shelf.database, shelf.account_id)


# what is gone


def test_a_message_that_goes_while_its_batch_is_made_is_passed_over(shelf: Shelf) -> None:
    shelf.put([letter(1), letter(2)])
    first = True

    def pace() -> None:
        nonlocal first
        if first:
            first = False
            shelf.expunge([2])

    index.index_batch(shelf.database, pace)
    assert known(shelf.database, shelf.account_id, Part.BODY) == Counter(
        stored(shelf.database, shelf.account_id)
    )


def test_an_account_of_which_nothing_is_left_in_a_batch_has_no_stretch(site: Site) -> None:
    one, other = new_shelf(site), new_shelf(site)
    one.put([letter(1)])
    other.put([letter(2)])
    index.index_batch(site.database, lambda: other.expunge([1]))
    assert (len(stretches(one)), len(stretches(other))) == (1, 0)
    with site.database.read() as view:
        assert segments.lag(view) == 0


def test_words_of_what_is_gone_rest_only_while_it_is_a_quarter(shelf: Shelf) -> None:
    shelf.put(letter(at) for at in range(8))
    index_all(shelf.database)
    shelf.expunge([1, 2])
    index.tidy(shelf.database, shelf.account_id, no_pace, is_thorough=True)
    assert len(holding(shelf, Part.BODY, BODY, b"mot0")) == 1
    shelf.expunge([3])
    index.tidy(shelf.database, shelf.account_id, no_pace, is_thorough=False)
    assert len(holding(shelf, Part.BODY, BODY, b"mot0")) == 1
    index.tidy(shelf.database, shelf.account_id, no_pace, is_thorough=True)
    for at in range(8):
        assert len(holding(shelf, Part.BODY, BODY, b"mot%d" % at)) == (at > 2)
    assert set(known(shelf.database, shelf.account_id, Part.FIELDS)) == stored(
        shelf.database, shelf.account_id
    )


def test_a_stretch_of_which_everything_is_gone_goes(shelf: Shelf) -> None:
    shelf.put([letter(1)])
    index_all(shelf.database)
    shelf.expunge([1])
    index.tidy(shelf.database, shelf.account_id, no_pace, is_thorough=True)
    assert stretches(shelf) == []


def test_an_account_without_a_key_has_no_index(shelf: Shelf) -> None:
    shelf.put([letter(1)])
    index_all(shelf.database)
    shelf.put([letter(2)])

    def erase(tx: Transaction) -> None:
        tx.sql("UPDATE accounts SET wrapped_key = NULL WHERE account_id = ?", (shelf.account_id,))

    shelf.database.write(erase)
    shelf.database.vault.forget(shelf.account_id)
    index_all(shelf.database)
    index.tidy(shelf.database, shelf.account_id, no_pace, is_thorough=True)
    assert stretches(shelf) == []
    with shelf.database.read() as view:
        assert segments.lag(view) == 0


# what does not open


def _damage(shelf: Shelf, part: Part) -> int:
    damaged = stretches(shelf)[0].pieces[part].segment_id

    def unit(tx: Transaction) -> None:
        tx.sql("UPDATE search_segments SET sealed = x'01' WHERE segment_id = ?", (damaged,))

    shelf.database.write(unit)
    return damaged


@pytest.mark.parametrize("part", Part)
def test_what_does_not_open_is_found_marked_and_made_again(shelf: Shelf, part: Part) -> None:
    shelf.put(letter(at) for at in range(3))
    index_all(shelf.database)
    damaged = _damage(shelf, part)
    assert index.verify(shelf.database) == [damaged]
    assert stretches(shelf)[0].is_damaged
    assert index.verify(shelf.database) == [damaged]
    index.tidy(shelf.database, shelf.account_id, no_pace, is_thorough=False)
    assert index.verify(shelf.database) == []
    expect_whole(shelf.database, shelf.account_id)


def test_what_does_not_open_is_made_again_before_it_is_merged(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(2):
        shelf.put([letter(at)])
        index.index_batch(shelf.database, no_pace)
    _damage(shelf, Part.HEADER)
    monkeypatch.setattr(segment_plan, "FAN", 2)
    index.tidy(shelf.database, shelf.account_id, no_pace, is_thorough=False)
    assert len(stretches(shelf)) == 1
    expect_whole(shelf.database, shelf.account_id)


def test_a_message_that_cannot_be_read_is_doubtful_and_delays_nobody(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.put(letter(at) for at in range(3))
    read_body, (_, broken, _) = changes.read_body, sorted(stored(shelf.database, shelf.account_id))

    def reading(view, account_id, message_id, *span):  # type: ignore[no-untyped-def]
        if message_id == broken:
            raise BlobAltered("a chunk is missing")
        return read_body(view, account_id, message_id, *span)

    monkeypatch.setattr(changes, "read_body", reading)
    index_all(shelf.database)
    (stretch,) = stretches(shelf)
    with shelf.database.read() as view:
        for part in Part:
            segment = segments.open_segment(view, shelf.account_id, stretch, part)
            assert [segment.message_ids[each] for each in segment.doubtful] == [broken]


def test_the_whole_index_can_be_made_again_and_goes_on(site: Site) -> None:
    one, other = new_shelf(site), new_shelf(site)
    one.put(letter(at) for at in range(5))
    index_all(site.database)
    other.put([letter(7)])
    index_all(site.database)
    one.put([letter(8)])
    before = {each.pieces[Part.BODY].segment_id for each in [*stretches(one), *stretches(other)]}
    told: list[int] = []
    index.renew(site.database, told.append)
    assert (told, sum(told)) == ([5, 1, 1], 7)
    after = {each.pieces[Part.BODY].segment_id for each in [*stretches(one), *stretches(other)]}
    assert not before & after
    for shelf in (one, other):
        expect_whole(site.database, shelf.account_id)


# at rest


def test_no_word_of_a_message_is_readable_in_the_files(tmp_path: Path) -> None:
    database = Database.open(
        f"sqlite:///{tmp_path / 'store.db'}", Sealing(RootKey(b"k" * 32)), clock=lambda: 1.0
    )
    site = Site(database, None, {}, [])  # type: ignore[arg-type]  # nothing is served
    shelf = Shelf(site, database.write(_box))
    shelf.put(_telling(at) for at in range(40))
    index_all(database)
    shelf.put([_telling(99)])
    index_all(database)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {"store.db", "store.db-wal"} <= set(files)
    with database.read() as view:
        assert segments.totals(view).octets > 3_000
    database.close()
    files["stopped"] = (tmp_path / "store.db").read_bytes()
    for word in ("adénopathie39", "cervicale", "résultats 7", "zoe@mss.example", "x-rareté"):
        assert word in _telling(39).decode().lower() + _telling(7).decode().lower()
        for name, content in files.items():
            for form in (word.encode(), word.title().encode(), word.encode("utf-16-le")):
                assert form not in content, (word, name)


def _telling(number: int) -> bytes:
    head = f"From: Zoé <zoe@mss.example>\r\nSubject: Résultats {number}\r\nX-Note: x-rareté\r\n"
    return f"{head}\r\nUne adénopathie{number} cervicale.\r\n".encode()


def _box(tx: Transaction) -> mailboxes.Mailbox:
    return mailboxes.create(tx, accounts.create(tx, "professional"), "INBOX")
