"""The selected mailbox as told: numbers never lie, EXPUNGE waits for its moment."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbox_store.changes import Changes, Snapshot
from mailbox_store.database import MailboxId
from mailbox_store.mailboxes import Mailbox
from mailbox_store.vault import AccountId
from mss_gateway.imap.grammar.sets import NumberSet
from mss_gateway.imap.selected import NumberAbsent, Selected


def selected(*uids: int, flags: int = 0) -> Selected:
    """A selected mailbox of these UIDs."""
    uidnext = (uids[-1] if uids else 0) + 1
    box = Mailbox(MailboxId(1), AccountId(1), "INBOX", None, 7, uidnext, 10, 0, 0, 0, True)
    told = array("Q", [flags] * len(uids))
    return Selected(Snapshot(box, array("Q", uids), told, array("Q"), {}), False)


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
    assert here.absorb(news, may_expunge=True) == [
        b"* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft Urgent)\r\n"
        b"* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft Urgent \\*)] .\r\n",
        b"* 2 EXPUNGE\r\n",
        b"* 3 EXISTS\r\n",
        b"* 1 FETCH (UID 1 FLAGS (\\Flagged))\r\n",
        b"* 2 FETCH (UID 3 FLAGS (Urgent))\r\n",
    ]
    assert (here.modseq, here.uidnext) == (11, 5)
    assert here.absorb(news, may_expunge=True) == []


def test_an_expunge_waits_and_the_number_stays_until_then() -> None:
    here = selected(1, 2, 3)
    assert here.absorb(changes(expunged=(1, 3)), may_expunge=False) == []
    assert here.absorb(changes(12, appeared=((4, 0),)), may_expunge=False) == [b"* 4 EXISTS\r\n"]
    assert here.position(3) == 2
    assert here.absorb(changes(13), may_expunge=True) == [b"* 3 EXPUNGE\r\n", b"* 1 EXPUNGE\r\n"]
    assert list(here.uids) == [2, 4]


def test_a_message_that_came_and_went_between_two_looks_is_never_told() -> None:
    here = selected(1)
    assert here.absorb(changes(expunged=(2,)), may_expunge=True) == []
    assert here.absorb(changes(12, appeared=((3, 0),)), may_expunge=True) == [b"* 2 EXISTS\r\n"]


def test_an_older_look_does_not_turn_the_feed_back() -> None:
    here = selected(1)
    here.absorb(changes(12), may_expunge=True)
    here.absorb(changes(11), may_expunge=True)
    assert here.modseq == 12


@given(st.integers(1, 120), st.data())
def test_numbers_sent_lead_a_client_to_the_same_messages(count: int, drawn: st.DataObject) -> None:
    """A client that removes each number as it is told ends with what the store has."""
    here = selected(*range(1, count + 1))
    client = list(range(1, count + 1))
    gone = drawn.draw(st.sets(st.integers(1, count)))
    for line in here.absorb(changes(expunged=tuple(sorted(gone))), may_expunge=True):
        del client[int(line.split()[1]) - 1]
    assert client == list(here.uids) == [uid for uid in range(1, count + 1) if uid not in gone]
    assert len(here.told) == len(here.uids)
