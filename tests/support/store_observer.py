"""Reads the change feed after every COMMIT and holds it against the whole mailbox.

UIDs only grow and never return, MODSEQ only grows, and what the feed tells is the difference
between two snapshots: nothing less, nothing more.
"""

import queue
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field

from mailbox_store import changes, mailboxes
from mailbox_store.database import Database, MailboxId, View
from mailbox_store.errors import MailboxNotFound
from tests.support.imap_witness import Contradiction, need


@dataclass(slots=True)
class _Known:
    """A mailbox after the last look: flags and MODSEQ by UID."""

    modseq: int = 0
    uidnext: int = 1
    messages: dict[int, tuple[int, int]] = field(default_factory=dict)


@dataclass(slots=True)
class Observer:
    """What was seen, and how often; ``looks`` proves that something was looked at."""

    database: Database
    looks: int = 0
    failure: BaseException | None = None
    _known: dict[MailboxId, _Known] = field(default_factory=dict)
    _touched: "queue.SimpleQueue[frozenset[MailboxId] | None]" = field(
        default_factory=queue.SimpleQueue
    )

    def announce(self, touched: Iterable[MailboxId]) -> None:
        """A listener of ``Database.on_commit``."""
        self._touched.put(frozenset(touched))

    def stop(self) -> None:
        """Look at what is left, then end."""
        self._touched.put(None)

    def run(self) -> None:
        """Until ``stop``; the first contradiction is kept, and nothing is looked at after it."""
        while (touched := self._touched.get()) is not None:
            if self.failure is None:
                try:
                    self._look(touched)
                except BaseException as error:
                    self.failure = error

    def _look(self, touched: frozenset[MailboxId]) -> None:
        with self.database.read() as view:
            for mailbox_id in touched:
                self.looks += 1
                try:
                    self._compare(view, mailbox_id)
                except MailboxNotFound:
                    self._known.pop(mailbox_id, None)

    def _compare(self, view: View, mailbox_id: MailboxId) -> None:
        box = mailboxes.by_id(view, mailbox_id)
        known = self._known.get(mailbox_id)
        snapshot = changes.snapshot(view, mailbox_id)
        now = {
            uid: (flags, modseq)
            for uid, flags, modseq in zip(
                snapshot.uids, snapshot.flags, snapshot.modseqs, strict=True
            )
        }
        if known is not None:
            need(box.highestmodseq >= known.modseq, "HIGHESTMODSEQ fell", box, known.modseq)
            need(box.uidnext >= known.uidnext, "UIDNEXT fell", box, known.uidnext)
            feed = changes.changes_since(view, mailbox_id, known.modseq, known.uidnext)
            need(_applied(known, feed) == now, "the feed is not the difference", known, feed, now)
        need(all(modseq <= box.highestmodseq for _, modseq in now.values()), "MODSEQ", box, now)
        need(all(uid < box.uidnext for uid in now), "UIDNEXT is not above all", box, now)
        self._known[mailbox_id] = _Known(box.highestmodseq, box.uidnext, now)


def _applied(known: _Known, feed: changes.Changes) -> dict[int, tuple[int, int]]:
    """What the mailbox must be now; raises ``Contradiction`` on what cannot have happened."""
    messages = dict(known.messages)
    for uid in feed.expunged:
        need(uid in messages, "expunged, and never there", uid, known)
        del messages[uid]
    for uid, flags, modseq in feed.changed:
        need(uid in messages, "changed, and never there", uid, known)
        need(modseq > known.modseq, "a change without a new MODSEQ", uid, modseq, known)
        messages[uid] = flags, modseq
    for uid, flags, modseq in feed.appeared:
        need(uid >= known.uidnext, "an old UID came back", uid, known)
        need(modseq > known.modseq, "a message without a new MODSEQ", uid, modseq, known)
        messages[uid] = flags, modseq
    return messages


@contextmanager
def observing(database: Database) -> Generator[Observer, None, None]:
    """Look at every change of this process while inside; raises what did not add up."""
    observer = Observer(database)
    thread = threading.Thread(target=observer.run, name="store-observer")
    database.on_commit(observer.announce)
    thread.start()
    try:
        yield observer
    finally:
        observer.stop()
        thread.join()
    if observer.failure is not None:
        raise Contradiction("seen in the store") from observer.failure
