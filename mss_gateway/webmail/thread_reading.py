"""Threads as a patient reads them: a list of them, and what was exchanged in one.

A list opens the latest message of each thread that it shows, by its summary, and no other; the page
of a thread reads whole only the messages whose text it shows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mailbox_store import changes, threads
from mailbox_store.changes import Row
from mailbox_store.database import View
from mailbox_store.flags import SEEN
from mailbox_store.mailboxes import Mailbox
from mailbox_store.threads import UNSEEN_COUNTED, Spot, Thread, ThreadId
from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import dossier
from mss_gateway.life.threads import Parties, opened
from mss_gateway.message.summary import Summary
from mss_gateway.webmail import reading
from mss_gateway.webmail.finding import Found
from mss_gateway.webmail.letter import Letter, open_letter
from mss_gateway.webmail.reading import Box, Line

THREADED: Final = (Box.RECEIVED, Box.ARCHIVED)
"""The lists that show threads."""

SHOWN_IN: Final = (Box.SENT, Box.RECEIVED, Box.ARCHIVED)
"""Where the messages of a thread lie, an answer above what it answers in the same second. What is
in the bin is not in it any more."""

PAGE: Final = 20
"""Messages of one page of a thread."""

OPEN_LIMIT: Final = 5
"""Messages of a page of a thread whose text is shown at once: the latest, and unread ones."""

OPEN_OCTETS: Final = 4_000_000
"""Octets of them together, beyond the first; what is longer waits behind its own page."""

_FIGURES: Final = 15
"""Digits of a number in a mark of a page."""


@dataclass(frozen=True, slots=True)
class ThreadLine:
    """One thread of a list, by its latest message; ``unseen`` of this list alone, bounded."""

    thread_id: ThreadId
    name: str
    unseen: int
    latest: Line

    @property
    def is_very_unread(self) -> bool:
        """So many that they are not counted to the end."""
        return self.unseen >= UNSEEN_COUNTED


@dataclass(frozen=True, slots=True)
class ThreadList:
    """One page of a list of threads, the latest first; ``older`` marks where it continues."""

    box: Box
    lines: tuple[ThreadLine, ...]
    older: str
    is_first: bool


@dataclass(frozen=True, slots=True)
class Item:
    """One message of a thread; ``letter`` when its text is shown at once."""

    box: Box
    line: Line
    preview: str
    letter: Letter | None = None

    @property
    def base(self) -> str:
        """The address of its own page."""
        return f"/messages/{self.box.value}/{self.line.uid}"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One page of a thread, the latest message first; ``older`` marks where it continues.

    ``opened`` are the messages behind the letters, ``boxes`` the lists that it has messages in.
    """

    thread_id: ThreadId
    name: str
    parties: Parties
    items: tuple[Item, ...]
    opened: tuple[Found, ...]
    boxes: frozenset[Box]
    older: str
    is_first: bool

    @property
    def address(self) -> str:
        """The one correspondent's address; empty for a group, the service, and who is claimed."""
        if len(self.parties.parties) != 1 or self.parties.is_system or self.parties.is_claimed:
            return ""
        return self.parties.parties[0].address


def list_of(view: View, patient: Person, box: Box, mark: str) -> ThreadList:
    """The page of a list of threads after ``mark``, or its first one; empty without a mailbox."""
    standing = reading.standing_of(view, patient, *SHOWN_IN)
    numbers = _numbers(mark, 2)
    if box not in standing:
        return ThreadList(box, (), "", is_first=True)
    mailbox_id = standing[box].mailbox_id
    before = None if numbers is None else (numbers[0], numbers[1])
    found = threads.listed(view, patient.account_id, mailbox_id, before, reading.PAGE + 1)
    lines = []
    for thread in found[: reading.PAGE]:
        line = _latest(view, patient, standing, thread)
        if line is not None:
            unseen = threads.unseen(view, mailbox_id, thread.thread_id)
            name = _name(opened(thread.correspondents), line)
            lines.append(ThreadLine(thread.thread_id, name, unseen, line))
    last = found[reading.PAGE - 1] if len(found) > reading.PAGE else None
    older = "" if last is None else f"{last.latest_at}-{last.thread_id}"
    return ThreadList(box, tuple(lines), older, is_first=numbers is None)


def exchange_of(
    view: View, patient: Person, thread_id: int, mark: str, *, is_whole: bool = False
) -> Exchange:
    """The page of a thread after ``mark``; ``is_whole`` shows the text of every message of it.

    Raises Refused(MESSAGE_NOT_FOUND) for what is no thread of the patient's, or has no message left
    outside the bin.
    """
    thread = threads.find(view, patient.account_id, thread_id)
    if thread is None:
        raise Refused(Failure.MESSAGE_NOT_FOUND)
    standing = reading.standing_of(view, patient, *SHOWN_IN)
    boxes = list(standing)
    mailbox_ids = [mailbox.mailbox_id for mailbox in standing.values()]
    numbers = _numbers(mark, 3)
    after = None if numbers is None else (numbers[0], numbers[1], numbers[2])
    spots = threads.spots(view, mailbox_ids, thread.thread_id, PAGE + 1, after)
    if not spots and after is None:
        raise Refused(Failure.MESSAGE_NOT_FOUND)
    items, found = _items(view, patient, standing, spots[:PAGE], is_whole=is_whole)
    last = spots[PAGE - 1] if len(spots) > PAGE else None
    parties = opened(thread.correspondents)
    return Exchange(
        thread.thread_id,
        _name(parties, items[0].line) if items else "",
        parties,
        tuple(items),
        tuple(found),
        frozenset(
            box
            for box, mailbox in zip(boxes, mailbox_ids, strict=True)
            if threads.uids_in(view, mailbox, thread.thread_id, 1)
        ),
        "" if last is None else f"{last.internal_date}-{last.rank}-{last.uid}",
        is_first=after is None,
    )


def latest_received(view: View, patient: Person, exchange: Exchange) -> Found | None:
    """The latest message of a thread that came in: the one that an answer would answer."""
    for found in exchange.opened:
        evidence = reading.evidence_of(view, patient, found.row)
        if not reading.is_own(patient, found.box, evidence):
            return found
    standing = reading.standing_of(view, patient, *THREADED)
    places = list(standing.items())
    mailbox_ids = [mailbox.mailbox_id for _, mailbox in places]
    for spot in threads.spots(view, mailbox_ids, exchange.thread_id, 1):
        box, mailbox = places[spot.rank]
        row = changes.find_row(view, patient.account_id, mailbox.mailbox_id, spot.uid)
        if not reading.is_own(patient, box, reading.evidence_of(view, patient, row)):
            message = dossier.read_message(view, patient, row.message_id)
            return Found(box, mailbox, row, message)
    return None


def _items(
    view: View,
    patient: Person,
    standing: dict[Box, Mailbox],
    spots: Iterable[Spot],
    *,
    is_whole: bool,
) -> tuple[list[Item], list[Found]]:
    places = list(standing.items())
    items: list[Item] = []
    opened: list[Found] = []
    octets = 0
    for spot in spots:
        box, mailbox = places[spot.rank]
        line = reading.line_of(view, patient, mailbox, box, spot.uid)
        row = changes.find_row(view, patient.account_id, mailbox.mailbox_id, spot.uid)
        wanted = is_whole or not items or _is_unread(row, line)
        is_room = len(opened) < OPEN_LIMIT and octets + row.size <= OPEN_OCTETS
        letter = None
        if wanted and (is_whole or is_room or not items):
            message = dossier.read_message(view, patient, row.message_id)
            letter = open_letter(view, patient, box, row, message)
            opened.append(Found(box, mailbox, row, message))
            octets += row.size if items else 0
        items.append(Item(box, line, Summary(row.summary).preview or "", letter))
    return items, opened


def _is_unread(row: Row, line: Line) -> bool:
    return not row.flags & SEEN and not line.is_own


def _latest(
    view: View, patient: Person, standing: dict[Box, Mailbox], thread: Thread
) -> Line | None:
    places = list(standing.items())
    mailbox_ids = [mailbox.mailbox_id for _, mailbox in places]
    spots = threads.spots(view, mailbox_ids, thread.thread_id, len(places))
    if not spots:
        return None
    # of one second, what was stored last: an answer must not hide that the exchange was closed
    spot = max(spots, key=lambda one: (one.internal_date, one.message_id))
    box, mailbox = places[spot.rank]
    return reading.line_of(view, patient, mailbox, box, spot.uid)


def _name(parties: Parties, line: Line) -> str:
    """How a thread is called: its correspondents, as the directory or their certificates do."""
    names = [party.name for party in parties.parties if party.name]
    return ", ".join(names[: reading.NAMES_SHOWN]) or line.name


def _numbers(mark: str, count: int) -> tuple[int, ...] | None:
    """The numbers of a page's mark; None for what no page of ours gave out."""
    words = mark.split("-")
    if len(words) != count:
        return None
    if not all(word.isascii() and word.isdigit() and len(word) <= _FIGURES for word in words):
        return None
    return tuple(map(int, words))
