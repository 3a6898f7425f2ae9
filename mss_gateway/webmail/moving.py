"""Messages archived, binned, restored and deleted for good, singly or a thread at a time.

They are moves between mailboxes of the store, as a mail program would make them: what is filed in
the record stays there. Nothing goes for good but from the bin. What somebody moved meanwhile in
another window is passed over.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final

from mailbox_store import copying, mailboxes, messages, threads
from mailbox_store.changes import find_row
from mailbox_store.database import Transaction, View
from mailbox_store.errors import MailboxExists, MessageNotFound
from mailbox_store.flags import EVERY_FLAG, SEEN
from mailbox_store.mailboxes import Mailbox
from mss_gateway.directory.people import Person
from mss_gateway.life.gateway import Gateway
from mss_gateway.webmail import reading
from mss_gateway.webmail.reading import SPECIAL_USES, Box
from mss_gateway.webmail.thread_reading import SHOWN_IN

BATCH: Final = 500
"""Messages moved or removed in one transaction: others write in between."""


class Act(Enum):
    """What is done to messages, by its word in a form."""

    ARCHIVE = "archiver"
    UNARCHIVE = "desarchiver"
    BIN = "jeter"
    RESTORE = "restaurer"
    DELETE = "supprimer"
    UNREAD = "non-lu"


_ACTS: Final = {
    Box.RECEIVED: (Act.ARCHIVE, Act.BIN, Act.UNREAD),
    Box.SENT: (Act.BIN,),
    Box.ARCHIVED: (Act.UNARCHIVE, Act.BIN, Act.UNREAD),
    Box.BINNED: (Act.RESTORE, Act.DELETE),
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was picked in a list: messages of it by UID, threads by number."""

    uids: tuple[int, ...] = ()
    threads: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.uids or self.threads)


def acts_in(box: Box) -> tuple[Act, ...]:
    """What may be done to what is in a list."""
    return _ACTS[box]


def shown_in(view: View, patient: Person, *boxes: Box) -> dict[Box, int]:
    """Where these lists end as they are now: below each number is what whoever looks can see."""
    return {box: each.uidnext for box, each in reading.standing_of(view, patient, *boxes).items()}


def perform(
    gateway: Gateway,
    patient: Person,
    box: Box,
    act: Act,
    chosen: Chosen,
    shown: Mapping[Box, int] | None = None,
) -> int:
    """Do it, to each chosen message or thread that is there still; to how many messages.

    Of a thread, only what was there when it was ``shown`` (:func:`shown_in`); but it is marked as
    unread by whatever is its latest message.
    """
    done = gateway.database.write(
        lambda tx: _upon(gateway, tx, patient, act, box, list(chosen.uids))
    )
    for thread_id in chosen.threads:
        for lying_in in _boxes(box, act):
            end = (shown or {}).get(lying_in, 0)
            done += _upon_thread(gateway, patient, lying_in, act, thread_id, end)
    return done


def is_left(gateway: Gateway, patient: Person, box: Box, act: Act, chosen: Chosen) -> bool:
    """Whether a chosen thread still has messages where the act takes them from."""
    with gateway.database.read() as view:
        standing = reading.standing_of(view, patient, *_boxes(box, act))
        return any(
            threads.find(view, patient.account_id, number) is not None
            and _uids(view, mailbox, number, mailbox.uidnext, 1)
            for number in chosen.threads
            for mailbox in standing.values()
        )


def empty(gateway: Gateway, patient: Person, end: int) -> int:
    """Delete for good what is in the bin below the UID ``end``, in batches; how many."""
    total = 0
    while done := gateway.database.write(partial(_empty, patient=patient, end=end)):
        total += done
    return total


def _boxes(box: Box, act: Act) -> tuple[Box, ...]:
    """Where the messages of a thread are that an act means: the bin takes all of an exchange."""
    return SHOWN_IN if act is Act.BIN else (box,)


def _upon_thread(
    gateway: Gateway, patient: Person, box: Box, act: Act, thread_id: int, end: int
) -> int:
    def batch(tx: Transaction) -> int:
        mailbox = reading.standing_of(tx, patient, box).get(box)
        thread = threads.find(tx, patient.account_id, thread_id)
        if mailbox is None or thread is None:
            return 0
        if act is Act.UNREAD:
            uids = [
                spot.uid for spot in threads.spots(tx, [mailbox.mailbox_id], thread.thread_id, 1)
            ]
        else:
            uids = _uids(tx, mailbox, thread.thread_id, end, BATCH)
        return _upon(gateway, tx, patient, act, box, uids)

    total = done = gateway.database.write(batch)
    while done == BATCH and act is not Act.UNREAD:
        done = gateway.database.write(batch)
        total += done
    return total


def _uids(view: View, mailbox: Mailbox, thread_id: int, end: int, count: int) -> list[int]:
    """UIDs below ``end`` of a thread's messages in a mailbox, ``count`` at most."""
    rows = view.sql(
        "SELECT uid FROM entries INDEXED BY ix_entries_thread"
        " WHERE mailbox_id = ? AND thread_id = ? AND uid < ? LIMIT ?",
        (mailbox.mailbox_id, thread_id, end, count),
    )
    return [row[0] for row in rows.fetchall()]


def _upon(
    gateway: Gateway, tx: Transaction, patient: Person, act: Act, box: Box, uids: Sequence[int]
) -> int:
    source = reading.standing_of(tx, patient, box).get(box)
    if source is None or not uids:
        return 0
    concerned = threads.among(tx, source.mailbox_id, uids)
    if act is Act.UNREAD:
        messages.set_flags(tx, source.mailbox_id, uids, EVERY_FLAG & ~SEEN, 0)
        return _held(tx, source, uids)
    if act is Act.DELETE:
        done = _remove(tx, source, uids)
    else:
        done = 0
        for target, those in _targets(gateway, tx, patient, act, source, box, uids):
            done += len(copying.move(tx, source.mailbox_id, those, target))
    standing = reading.standing_of(tx, patient, *SHOWN_IN)
    threads.date_anew(tx, [each.mailbox_id for each in standing.values()], concerned)
    return done


def _targets(
    gateway: Gateway,
    tx: Transaction,
    patient: Person,
    act: Act,
    source: Mailbox,
    box: Box,
    uids: Sequence[int],
) -> Iterable[tuple[Mailbox, Sequence[int]]]:
    """Where each message goes; what is restored goes back to what was received, or was sent."""
    if act is Act.RESTORE:
        own, others = _sorted_out(tx, patient, source, box, uids)
        sent = _made(gateway, tx, patient, Box.SENT) if own else None
        return [
            *([(sent, own)] if sent is not None else []),
            (mailboxes.find(tx, patient.account_id, "INBOX"), others),
        ]
    if act is Act.UNARCHIVE:
        return [(mailboxes.find(tx, patient.account_id, "INBOX"), uids)]
    target = Box.ARCHIVED if act is Act.ARCHIVE else Box.BINNED
    return [(_made(gateway, tx, patient, target), uids)]


def _sorted_out(
    tx: Transaction, patient: Person, source: Mailbox, box: Box, uids: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Which of them the patient wrote, and which came in; what is gone is in neither."""
    own: list[int] = []
    others: list[int] = []
    for uid in uids:
        try:
            row = find_row(tx, patient.account_id, source.mailbox_id, uid)
        except MessageNotFound:
            continue
        is_own = reading.is_own(patient, box, reading.evidence_of(tx, patient, row))
        (own if is_own else others).append(uid)
    return own, others


def _made(gateway: Gateway, tx: Transaction, patient: Person, box: Box) -> Mailbox:
    """The mailbox of a list, made when there is none; beside what has its name already."""
    found = reading.standing_of(tx, patient, box).get(box)
    names = gateway.config.mailboxes
    name = {Box.SENT: names.sent, Box.ARCHIVED: names.archive, Box.BINNED: names.trash}[box]
    number = 1
    while found is None:
        try:
            called = name if number == 1 else f"{name} {number}"
            found = mailboxes.create(tx, patient.account_id, called, SPECIAL_USES[box])
        except MailboxExists:
            number += 1
    return found


def _empty(tx: Transaction, patient: Person, end: int) -> int:
    binned = reading.standing_of(tx, patient, Box.BINNED).get(Box.BINNED)
    if binned is None:
        return 0
    rows = tx.sql(
        "SELECT uid FROM entries WHERE mailbox_id = ? AND uid < ? LIMIT ?",
        (binned.mailbox_id, end, BATCH),
    )
    return _remove(tx, binned, [row[0] for row in rows.fetchall()])


def _held(tx: Transaction, source: Mailbox, uids: Sequence[int]) -> int:
    """How many of them are there; one that was unread already is as it was asked to be."""
    found = tx.sql(
        "SELECT count(*) FROM entries WHERE mailbox_id = ?"
        " AND uid IN (SELECT value FROM json_each(?))",
        (source.mailbox_id, json.dumps(list(uids))),
    )
    return int(found.scalar_one())


def _remove(tx: Transaction, source: Mailbox, uids: Sequence[int]) -> int:
    before = mailboxes.by_id(tx, source.mailbox_id).messages
    messages.remove(tx, source.mailbox_id, uids)
    return before - mailboxes.by_id(tx, source.mailbox_id).messages
