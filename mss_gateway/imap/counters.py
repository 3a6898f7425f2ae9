"""STATUS items, RFC 9051 §6.3.11: counters of the mailbox, so their cost is not its size.

Only DELETED-STORAGE may read entries, and only where some are flagged \\Deleted (RFC 9208 §4.1.4).
"""

from collections.abc import Callable, Iterable
from typing import Final

from mailbox_store.database import View
from mailbox_store.mailboxes import Mailbox, deleted_octets
from mss_gateway.imap import identifiers

ITEMS: Final[dict[bytes, Callable[[View, Mailbox], int]]] = {
    b"MESSAGES": lambda view, box: box.messages,
    # RFC 3501 only; nothing is ever \Recent here
    b"RECENT": lambda view, box: 0,
    b"UIDNEXT": lambda view, box: box.uidnext,
    b"UIDVALIDITY": lambda view, box: box.uidvalidity,
    b"UNSEEN": lambda view, box: box.unseen,
    b"DELETED": lambda view, box: box.deleted,
    b"DELETED-STORAGE": lambda view, box: deleted_octets(view, box),
    b"SIZE": lambda view, box: box.octets,
    b"HIGHESTMODSEQ": lambda view, box: box.highestmodseq,
}
"""Items that are a number of the mailbox; the two others are told below."""


def values(view: View, box: Mailbox, items: Iterable[bytes], append_limit: int) -> bytes:
    """``item value item value …``; ``append_limit`` is in octets, RFC 7889 §4."""
    return b" ".join(b"%s %s" % (item, _value(view, box, item, append_limit)) for item in items)


def line(printed: bytes, values: bytes) -> bytes:
    """``* STATUS name (item value …)``, RFC 9051 §7.3.4."""
    return b"* STATUS %s (%s)\r\n" % (printed, values)


def _value(view: View, box: Mailbox, item: bytes, append_limit: int) -> bytes:
    if item == b"MAILBOXID":  # RFC 8474 §4.3
        return b"(%s)" % identifiers.mailbox_id(view, box.mailbox_id).encode("ascii")
    if item == b"APPENDLIMIT":
        return b"%d" % append_limit
    return b"%d" % ITEMS[item](view, box)
