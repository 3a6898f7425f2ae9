"""The selected mailbox as told: numbers never lie, EXPUNGE waits for its moment."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbox_store.changes import Changes
from mailbox_store.database import MailboxId
from mailbox_store.flags import SEEN
from mailbox_store.mailboxes import Mailbox
from mailbox_store.vault import AccountId
from mss_gateway.imap.grammar.sets import NumberSet
from mss_gateway.imap.images import Image, Images, applied
from mss_gateway.imap.selected import NumberAbsent, Selected, Telling

REV1 = Telling()
NOTHING = Changes(0, [], [], [], {})


def image(*uids: int, flags: int = 0, modseq: int = 10) -> Image:
    """A mailbox of these UIDs in memory."""
    count = len(uids)
    columns = (array("Q", uids), array("Q", [flags] * count), array("Q", [modseq] * count))
    return Image(modseq, (uids[-1] if uids else 0) + 1, *columns)


def unloaded(count: int, uidnext: int) -> Selected:
    """A mailbox just selected, of which only the numbers of the mailbox are known."""
    box = Mailbox(MailboxId(1), AccountId(1), "INBOX", None, 7, uidnext, 10, count, 0, 0, 0)
    return Selected(box, {}, False)


def selected(*uids: int, flags: int = 0) -> Selected:
    """A selected mailbox of these UIDs."""
    kept = image(*uids, flags=flags)
    here = unloaded(len(uids), kept.uidnext)
    here.load(kept, NOTHING)
    return here


def changes(
    modseq: int = 11,
    appeared: tuple[tuple[int, int], ...] = (),
    changed: tuple[tuple[int, int], ...] = (),
    expunged: tuple[int, ...] = (),
    keywords: dict[int, str] | None = None,
) -> Changes:
    """What a change feed would give."""
    return Changes(
        modseq,
        [(uid, flags, modseq) for uid, flags in appeared],
        [(uid, flags, modseq) for uid, flags in changed],
        list(expunged),
        keywords or {},
    )


def test_numbers_name_positions_and_uids_only_what_exists() -> None:
    here = selected(2, 5, 9)
    assert here.spans(NumberSet(((1, 1), (3, 0))), False) == [(0, 1), (2, 3)]
    assert here.spans(NumberSet(((3, 8), (10, 99))), True) == [(1, 2)]
    assert here.spans(NumberSet(((0, 99),)), True) == [(2, 3)]
    assert here.uids_of([(0, 1), (2, 3)]) == [2, 9]
    assert (here.position(5), here.position(6)) == (1, None)


@pytest.mark.parametrize("ranges", [((4, 4),), ((1, 4),), ((4, 0),)])
def test_a_number_above_exists_is_absent(ranges: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(NumberAbsent):
        selected(2, 5, 9).spans(NumberSet(ranges), False)


def test_an_empty_mailbox_has_no_numbers_but_any_uid_may_be_named() -> None:
    with pytest.raises(NumberAbsent):
        selected().spans(NumberSet(((1, 0),)), False)
    assert selected().spans(NumberSet(((1, 0),)), True) == []


def test_everything_is_told_once_and_in_order() -> None:
    here = selected(1, 2, 3)
    news = changes(
        appeared=((4, 1),), changed=((1, 4), (3, 32)), expunged=(2,), keywords={32: "Urgent"}
    )
    assert here.absorb(news, may_expunge=True, telling=REV1) == [
        b"* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft Urgent)\r\n"
        b"* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft Urgent \\*)] .\r\n",
        b"* 2 EXPUNGE\r\n",
        b"* 3 EXISTS\r\n",
        b"* 1 FETCH (UID 1 FLAGS (\\Flagged))\r\n",
        b"* 2 FETCH (UID 3 FLAGS (Urgent))\r\n",
    ]
    assert (here.modseq, here.uidnext) == (11, 5)
    assert here.absorb(news, may_expunge=True, telling=REV1) == []


def test_an_expunge_waits_and_the_number_stays_until_then() -> None:
    here = selected(1, 2, 3)
    assert here.absorb(changes(expunged=(1, 3)), may_expunge=False, telling=REV1) == []
    assert here.absorb(changes(12, appeared=((4, 0),)), may_expunge=False, telling=REV1) == [
        b"* 4 EXISTS\r\n"
    ]
    assert here.position(3) == 2
    told = here.absorb(changes(13), may_expunge=True, telling=REV1)
    assert told == [b"* 3 EXPUNGE\r\n", b"* 1 EXPUNGE\r\n"]
    assert list(here.uids) == [2, 4]


def test_a_message_that_came_and_went_between_two_looks_is_never_told() -> None:
    here = selected(1)
    assert here.absorb(changes(expunged=(2,)), may_expunge=True, telling=REV1) == []
    assert here.absorb(changes(12, appeared=((3, 0),)), may_expunge=True, telling=REV1) == [
        b"* 2 EXISTS\r\n"
    ]


def test_an_older_look_does_not_turn_the_feed_back() -> None:
    here = selected(1)
    here.absorb(changes(12), may_expunge=True, telling=REV1)
    here.absorb(changes(11), may_expunge=True, telling=REV1)
    assert here.modseq == 12


@given(st.integers(1, 120), st.data())
def test_numbers_sent_lead_a_client_to_the_same_messages(count: int, drawn: st.DataObject) -> None:
    """A client that removes each number as it is told ends with what the store has."""
    here = selected(*range(1, count + 1))
    client = list(range(1, count + 1))
    gone = drawn.draw(st.sets(st.integers(1, count)))
    for line in here.absorb(changes(expunged=tuple(sorted(gone))), may_expunge=True, telling=REV1):
        del client[int(line.split()[1]) - 1]
    assert client == list(here.uids) == [uid for uid in range(1, count + 1) if uid not in gone]
    assert len(here.told) == len(here.uids)


def test_a_client_of_qresync_is_told_uids_and_modseqs() -> None:
    here = selected(1, 2, 3, 5)
    news = changes(appeared=((6, 0),), changed=((5, 4),), expunged=(1, 2))
    assert here.absorb(news, True, Telling(has_condstore=True, has_qresync=True)) == [
        b"* VANISHED 1:2\r\n",
        b"* 3 EXISTS\r\n",
        b"* 2 FETCH (UID 5 FLAGS (\\Flagged) MODSEQ (11))\r\n",
    ]


def test_flags_that_changed_and_changed_back_have_a_new_modseq() -> None:
    here = selected(1)
    assert here.absorb(changes(changed=((1, 0),)), True, REV1) == []
    assert here.modseqs[0] == 11
    here = selected(1)
    told = here.absorb(changes(changed=((1, 0),)), True, Telling(has_condstore=True))
    assert told == [b"* 1 FETCH (UID 1 FLAGS () MODSEQ (11))\r\n"]


def test_new_messages_are_told_without_the_numbers_of_the_old_ones() -> None:
    here = unloaded(100_000, 200_001)
    news = changes(appeared=((200_001, 0), (200_002, 1)))
    assert not here.needs_numbers(news)
    assert here.absorb(news, True, REV1) == [b"* 100002 EXISTS\r\n"]
    assert here.uidnext == 200_003
    assert here.needs_numbers(changes(12, expunged=(1,)))
    assert here.needs_numbers(changes(12, changed=((1, 1),)))


def test_an_image_newer_than_what_was_told_is_taken_back_to_it() -> None:
    here = unloaded(3, 4)
    newer = image(1, 3, 4, 5, modseq=14)
    since = changes(14, appeared=((4, 0), (5, 0)), expunged=(2,))
    here.load(newer, since)
    assert list(here.uids) == [1, 2, 3]
    told = here.absorb(since, True, REV1)
    assert told == [b"* 2 EXPUNGE\r\n", b"* 4 EXISTS\r\n"]
    assert list(here.uids) == [1, 3, 4, 5]
    assert list(newer.uids) == [1, 3, 4, 5]


def test_flags_changed_since_select_are_told_to_a_client_that_kept_the_old_ones() -> None:
    here = unloaded(2, 3)
    since = changes(14, changed=((2, 4),))
    here.load(image(1, 2, flags=4, modseq=14), since)
    told = here.absorb(since, True, REV1)
    assert told == [b"* 2 FETCH (UID 2 FLAGS (\\Flagged))\r\n"]
    assert here.absorb(since, True, REV1) == []


def test_other_flags_that_may_be_changed_are_told_once() -> None:
    here = selected(1)
    assert here.permit(-1) == []
    (told,) = here.permit(SEEN)
    assert told.endswith(b"* OK [PERMANENTFLAGS (\\Seen)] .\r\n")
    assert here.permit(SEEN) == []
    lines = here.absorb(changes(11, keywords={32: "Urgent"}), True, REV1)
    assert lines == [
        b"* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft Urgent)\r\n"
        b"* OK [PERMANENTFLAGS (\\Seen)] .\r\n"
    ]


def test_who_only_examines_is_told_of_no_flag_they_may_change() -> None:
    box = Mailbox(MailboxId(1), AccountId(1), "INBOX", None, 7, 2, 10, 1, 0, 0, 0)
    here = Selected(box, {}, True, SEEN)
    assert b"PERMANENTFLAGS ()" in here.announced()
    assert here.permit(-1) == []


def test_sessions_share_an_image_until_they_write() -> None:
    kept = image(1, 2, 3)
    one, other = unloaded(3, 4), unloaded(3, 4)
    one.load(kept, NOTHING)
    other.load(kept, NOTHING)
    assert one.uids is other.uids is kept.uids
    one.set_flags(0, 4, 11)
    one.absorb(changes(12, expunged=(2,)), True, REV1)
    assert (list(one.uids), list(other.uids), list(kept.uids)) == ([1, 3], [1, 2, 3], [1, 2, 3])
    assert (one.told[0], other.told[0], kept.flags[0]) == (4, 0, 0)


def test_an_image_moves_on_by_what_changed() -> None:
    old = image(1, 2, 3)
    new = applied(old, changes(12, appeared=((7, 1),), changed=((3, 4),), expunged=(1, 9)))
    assert (list(new.uids), list(new.flags), list(new.modseqs)) == (
        [2, 3, 7],
        [0, 4, 1],
        [10, 12, 12],
    )
    assert (new.modseq, new.uidnext) == (12, 8)
    assert list(old.uids) == [1, 2, 3]
    assert new.first_unseen() == 1


def test_who_has_a_seen_of_their_own_has_an_image_of_their_own() -> None:
    images, viewer = Images(max_messages=5), AccountId(9)
    images._keep(MailboxId(1), image(1, 2))
    images._keep(MailboxId(1), image(1, 2, flags=SEEN), viewer)
    shared, own = images.at(MailboxId(1), 10), images.at(MailboxId(1), 10, viewer)
    assert shared is not None
    assert own is not None
    assert (list(shared.flags), list(own.flags)) == ([0, 0], [SEEN, SEEN])
    images._keep(MailboxId(2), image(1, 2))
    assert images.at(MailboxId(1), 10) is None, "both count against the room there is"


def test_images_are_bounded_and_the_oldest_goes() -> None:
    images = Images(max_messages=5)
    for number in (1, 2, 3):
        images._keep(MailboxId(number), image(1, 2))
    assert images.at(MailboxId(1), 10) is None
    assert images.at(MailboxId(2), 10) is not None
    assert images.at(MailboxId(3), 9) is None
    images._keep(MailboxId(4), image(*range(1, 7)))
    assert images.at(MailboxId(4), 10) is None
    assert images.at(MailboxId(3), 10) is not None
    images._keep(MailboxId(3), image(1, 2, 3, 4, 5, modseq=11))
    assert images.at(MailboxId(2), 10) is None
    assert images.at(MailboxId(3), 11) is not None
