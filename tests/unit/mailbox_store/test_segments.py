"""The index of an account as rows: sealed to their place, replaced whole, marked when damaged."""

import pytest

from mailbox_store import accounts, segments
from mailbox_store.database import Database
from mailbox_store.segment_draft import Draft
from mailbox_store.segment_format import EDGE
from mailbox_store.segments import IndexChanged, Part, SealedStretch, SegmentDamaged, Stretch
from mailbox_store.vault import AccountId


def sealed(
    database: Database, account: AccountId, message_ids: list[int], level: int = 0
) -> SealedStretch:
    """Every message holds a term that is its number."""
    drafts = {part: Draft() for part in Part}
    for part, draft in drafts.items():
        for message_id in message_ids:
            draft.add(message_id, {part.name: {b"%d" % message_id}})
    with database.read() as view:
        seal = view.vault.account(view, account)
    plain = {part: draft.encode() for part, draft in drafts.items()}
    return segments.seal_stretch(seal, message_ids, level, plain)


def add(database: Database, account: AccountId, message_ids: list[int], level: int = 0) -> None:
    made = sealed(database, account, message_ids, level)
    database.write(lambda tx: segments.add(tx, account, made))


def listed(database: Database, account: AccountId) -> list[Stretch]:
    with database.read() as view:
        return segments.stretches(view, account)


def holding(database: Database, account: AccountId, stretch: Stretch, part: Part) -> list[int]:
    """The messages that the segment knows by their number."""
    with database.read() as view:
        segment = segments.open_segment(view, account, stretch, part)
    section = segment.section(part.name)
    assert section is not None
    known = segment.message_ids
    return [each for each in known if section.holding(EDGE + b"%d" % each + EDGE)]


def test_a_stretch_says_in_each_part_what_it_was_told(
    database: Database, account: AccountId
) -> None:
    add(database, account, [7, 9, 12], level=2)
    (stretch,) = listed(database, account)
    assert (stretch.first, stretch.last, stretch.messages, stretch.level) == (7, 12, 3, 2)
    assert not stretch.is_damaged
    assert stretch.octets == sum(piece.octets for piece in stretch.pieces.values()) > 100
    for part in Part:
        assert holding(database, account, stretch, part) == [7, 9, 12]


def test_stretches_come_in_the_order_of_their_messages(
    database: Database, account: AccountId, other_account: AccountId
) -> None:
    for message_ids in ([30, 31], [10], [20, 25]):
        add(database, account, message_ids)
    add(database, other_account, [11])
    assert [each.first for each in listed(database, account)] == [10, 20, 30]
    with database.read() as view:
        assert segments.next_account(view, AccountId(0)) == account
        assert segments.next_account(view, account) == other_account
        assert segments.next_account(view, other_account) is None


def test_the_index_moves_on_once_from_where_it_stood(database: Database) -> None:
    database.write(lambda tx: segments.advance(tx, 0, 40))
    with pytest.raises(IndexChanged):
        database.write(lambda tx: segments.advance(tx, 0, 50))
    with database.read() as view:
        assert segments.progress(view) == 40


def test_neighbours_are_replaced_whole_or_not_at_all(
    database: Database, account: AccountId
) -> None:
    for message_ids in ([1], [2], [3]):
        add(database, account, message_ids)
    old = listed(database, account)
    new = sealed(database, account, [1, 2], 1)
    database.write(lambda tx: segments.replace(tx, account, old[:2], new))
    assert [(each.first, each.last) for each in listed(database, account)] == [(1, 2), (3, 3)]
    again = sealed(database, account, [2, 3], 1)
    with pytest.raises(IndexChanged):
        database.write(lambda tx: segments.replace(tx, account, old[1:], again))
    assert [(each.first, each.last) for each in listed(database, account)] == [(1, 2), (3, 3)]
    database.write(lambda tx: segments.replace(tx, account, old[2:], None))
    assert [each.first for each in listed(database, account)] == [1]


def test_another_account_replaces_nothing_here(
    database: Database, account: AccountId, other_account: AccountId
) -> None:
    add(database, account, [1])
    with pytest.raises(IndexChanged):
        database.write(
            lambda tx: segments.replace(tx, other_account, listed(database, account), None)
        )
    assert len(listed(database, account)) == 1


def test_a_segment_opens_only_at_its_place(database: Database, account: AccountId) -> None:
    add(database, account, [1, 2])
    add(database, account, [3, 4])
    database.write(
        lambda tx: (
            tx.sql(
                "UPDATE search_segments SET sealed = (SELECT sealed FROM search_segments o"
                " WHERE o.tier = search_segments.tier AND o.first_message = 1)"
                " WHERE first_message = 3"
            )
            and None
        )
    )
    one, other = listed(database, account)
    for part in Part:
        assert holding(database, account, one, part) == [1, 2]
        with pytest.raises(SegmentDamaged):
            holding(database, account, other, part)


def test_a_segment_opens_only_for_its_part(database: Database, account: AccountId) -> None:
    add(database, account, [1])
    database.write(
        lambda tx: tx.sql("UPDATE search_segments SET tier = 32 - tier WHERE tier <> 16") and None
    )
    (stretch,) = listed(database, account)
    assert holding(database, account, stretch, Part.HEADER) == [1]
    with pytest.raises(SegmentDamaged):
        holding(database, account, stretch, Part.BODY)


@pytest.mark.parametrize("value", ["x''", "x'00'", "'text'", "sealed || x'00'"])
def test_whatever_stands_in_the_row_is_damage_and_no_error(
    database: Database, account: AccountId, value: str
) -> None:
    add(database, account, [1])
    database.write(lambda tx: tx.sql(f"UPDATE search_segments SET sealed = {value}") and None)
    (stretch,) = listed(database, account)
    for part, piece in stretch.pieces.items():
        with pytest.raises(SegmentDamaged) as damage, database.read() as view:
            segments.open_segment(view, account, stretch, part)
        assert damage.value.segment_id == piece.segment_id


def test_a_segment_of_fewer_messages_than_its_row_says_is_damage(
    database: Database, account: AccountId
) -> None:
    add(database, account, [1, 2])
    database.write(lambda tx: tx.sql("UPDATE search_segments SET messages = 3") and None)
    (stretch,) = listed(database, account)
    with pytest.raises(SegmentDamaged):
        holding(database, account, stretch, Part.BODY)


def test_a_marked_segment_is_not_opened_and_its_stretch_keeps_its_level(
    database: Database, account: AccountId
) -> None:
    add(database, account, [1, 2], level=3)
    (stretch,) = listed(database, account)
    marked = stretch.pieces[Part.HEADER].segment_id
    database.write(lambda tx: segments.mark_damaged(tx, marked))
    (stretch,) = listed(database, account)
    assert (stretch.is_damaged, stretch.level) == (True, 3)
    assert [part for part in Part if stretch.pieces[part].is_damaged] == [Part.HEADER]
    assert holding(database, account, stretch, Part.BODY) == [1, 2]
    with pytest.raises(SegmentDamaged):
        holding(database, account, stretch, Part.HEADER)
    with database.read() as view:
        assert segments.totals(view).damaged == 1


def test_a_missing_segment_is_damage(database: Database, account: AccountId) -> None:
    add(database, account, [1])
    database.write(lambda tx: tx.sql("DELETE FROM search_segments WHERE tier = 0") and None)
    (stretch,) = listed(database, account)
    assert stretch.is_damaged
    with pytest.raises(SegmentDamaged):
        holding(database, account, stretch, Part.FIELDS)


def test_a_stretch_that_was_replaced_since_it_was_listed_says_so(
    database: Database, account: AccountId
) -> None:
    add(database, account, [1])
    (stretch,) = listed(database, account)
    database.write(lambda tx: segments.replace(tx, account, [stretch], None))
    with pytest.raises(IndexChanged):
        holding(database, account, stretch, Part.BODY)


def test_the_index_of_an_account_can_be_forgotten_alone(
    database: Database, account: AccountId, other_account: AccountId
) -> None:
    add(database, account, [1])
    add(database, other_account, [2])
    database.write(lambda tx: segments.forget(tx, account))
    assert listed(database, account) == []
    assert len(listed(database, other_account)) == 1


def test_the_totals_count_segments_octets_and_lag(database: Database, account: AccountId) -> None:
    with database.read() as view:
        assert segments.totals(view) == segments.Totals(0, 0, 0, 0)
    add(database, account, [1, 2])
    with database.read() as view:
        totals = segments.totals(view)
    assert totals == segments.Totals(3, listed(database, account)[0].octets, 0, 0)


def test_accounts_have_an_index_only_once_something_is_in_it(database: Database) -> None:
    database.write(lambda tx: accounts.create(tx, "professional"))
    with database.read() as view:
        assert segments.next_account(view, AccountId(0)) is None
