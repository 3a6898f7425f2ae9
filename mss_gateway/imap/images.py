"""Mailboxes in memory, shared by the sessions that select them: UIDs, flags and MODSEQs.

An image is never altered: what changed since makes a new one, at the cost of the changes and of a
copy of the arrays. So the first command after SELECT reads a mailbox of 100,000 messages once per
process and not once per session, and 1,000 idle sessions on it hold one copy.
"""

import threading
from array import array
from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from mailbox_store import changes
from mailbox_store.changes import Changes
from mailbox_store.database import MailboxId, View
from mailbox_store.errors import MailboxNotFound
from mailbox_store.flags import SEEN
from mailbox_store.vault import AccountId

MAX_MESSAGES: Final = 4_000_000
"""Messages in all images together: 24 octets each, so 96 MB at most."""

_MANY: Final = 2_000
"""With more changes than that, reading the mailbox again is cheaper than applying them."""


@dataclass(frozen=True, slots=True)
class Image:
    """A mailbox at ``modseq``: three parallel arrays in UID order, shared and never altered."""

    modseq: int
    uidnext: int
    uids: "array[int]"
    flags: "array[int]"
    modseqs: "array[int]"

    def first_unseen(self) -> int | None:
        """The sequence number of the first message without \\Seen."""
        return next((at for at, flags in enumerate(self.flags, 1) if not flags & SEEN), None)


_Key = tuple[MailboxId, AccountId | None]


class Images:
    """The images of one server; any thread may ask.

    ``viewer``: somebody whose \\Seen is their own has an image of their own.
    """

    def __init__(self, max_messages: int = MAX_MESSAGES) -> None:
        self._left = max_messages
        self._kept: OrderedDict[_Key, Image] = OrderedDict()
        self._lock = threading.Lock()

    def current(self, view: View, mailbox_id: MailboxId, viewer: AccountId | None = None) -> Image:
        """The mailbox as it stands in ``view``; raises ``MailboxNotFound``."""
        with self._lock:
            known = self._kept.get((mailbox_id, viewer))
        image = None if known is None else _advanced(view, mailbox_id, known, viewer)
        if image is None:
            snapshot = changes.snapshot(view, mailbox_id, viewer)
            image = Image(
                snapshot.mailbox.highestmodseq,
                snapshot.mailbox.uidnext,
                snapshot.uids,
                snapshot.flags,
                snapshot.modseqs,
            )
        if image is not known:
            self._keep(mailbox_id, image, viewer)
        return image

    def at(
        self, mailbox_id: MailboxId, modseq: int, viewer: AccountId | None = None
    ) -> Image | None:
        """The image if one is kept that stands exactly there."""
        with self._lock:
            known = self._kept.get((mailbox_id, viewer))
        return known if known is not None and known.modseq == modseq else None

    def _keep(self, mailbox_id: MailboxId, image: Image, viewer: AccountId | None = None) -> None:
        key = (mailbox_id, viewer)
        with self._lock:
            known = self._kept.pop(key, None)
            if known is not None:
                self._left += len(known.uids)
                if known.modseq > image.modseq:
                    image = known
            if len(image.uids) > self._left + sum(len(one.uids) for one in self._kept.values()):
                return  # larger than all the room there is
            self._kept[key] = image
            self._left -= len(image.uids)
            while self._left < 0:
                _, oldest = self._kept.popitem(last=False)
                self._left += len(oldest.uids)


def _advanced(
    view: View, mailbox_id: MailboxId, image: Image, viewer: AccountId | None
) -> Image | None:
    """``image`` with what happened since; None when it is better read again."""
    highest = changes.highest_modseq(view, mailbox_id)
    if highest is None:
        raise MailboxNotFound(mailbox_id)
    if highest == image.modseq:
        return image
    if highest < image.modseq:
        return None  # a view older than the image
    found = changes.changes_since(view, mailbox_id, image.modseq, image.uidnext, viewer)
    count = len(found.appeared) + len(found.changed) + len(found.expunged)
    return None if count > _MANY else applied(image, found)


def applied(image: Image, found: Changes) -> Image:
    """A new image: ``found`` are the changes since ``image``."""
    uids, flags, modseqs = image.uids[:], image.flags[:], image.modseqs[:]
    for uid, value, modseq in found.changed:
        at = bisect_left(uids, uid)
        if at < len(uids) and uids[at] == uid:
            flags[at], modseqs[at] = value, modseq
    for uid in found.expunged:
        at = bisect_left(uids, uid)
        if at < len(uids) and uids[at] == uid:
            del uids[at], flags[at], modseqs[at]
    uidnext = image.uidnext
    for uid, value, modseq in found.appeared:
        uids.append(uid)
        flags.append(value)
        modseqs.append(modseq)
        uidnext = uid + 1
    return Image(found.highestmodseq, uidnext, uids, flags, modseqs)
