"""THE tables of rights, RFC 4314: what each letter allows, and what each command needs.

Nothing here looks anything up: whose rights count on which mailbox is ``access``'s matter.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from mailbox_store.flags import DELETED, EVERY_FLAG, SEEN
from mss_gateway.directory import members

EVERYTHING: Final = members.RIGHTS
"""Every right, in the order in which rights are kept and told."""

ALLOWS: Final = {
    "l": "see the mailbox in LIST and LSUB, subscribe to it",
    "r": "open it, read it, ask its STATUS",
    "s": r"set and clear \Seen",
    "w": r"set and clear flags other than \Seen and \Deleted",
    "i": "put messages into it: APPEND, COPY, MOVE",
    "p": "send in the name of the box: by submission, where the membership's own letter decides",
    "k": "make mailboxes below it",
    "x": "delete and rename it",
    "t": r"set and clear \Deleted",
    "e": "expunge",
    "a": "read and change its rights",
}
"""RFC 4314 §2.1."""

OBSOLETE: Final = {"c": "kx", "d": "te"}
"""Letters of RFC 2086, and what each stands for here: the first choice of RFC 4314 §2.1.1."""

OTHER_FLAGS: Final = ~(SEEN | DELETED)
"""What ``w`` is for: system flags and keywords alike."""


class RightUnknown(ValueError):
    """A letter that is no right: the command is malformed, RFC 4314 §3.1."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What one command needs of a member. ``here``: of the selected mailbox; ``named``: of the one
    it names (of the target, where it has a source too); ``parent``: of the mailbox above a new
    name. All letters of these are needed, one of those in ``any_here`` and ``any_named``. ``each``:
    a mailbox without is passed over. ``uses``: without it the command does less, and says OK.
    """

    here: str = ""
    named: str = ""
    parent: str = ""
    any_here: str = ""
    any_named: str = ""
    each: str = ""
    uses: str = ""


_NOTHING: Final = Needs()

NEEDS: Final = {
    # about no mailbox
    "CAPABILITY": _NOTHING,
    "NOOP": _NOTHING,
    "LOGOUT": _NOTHING,
    "ID": _NOTHING,
    "STARTTLS": _NOTHING,
    "AUTHENTICATE": _NOTHING,
    "LOGIN": _NOTHING,
    "ENABLE": _NOTHING,
    "NAMESPACE": _NOTHING,
    # about the account as a whole
    "GETQUOTA": _NOTHING,
    "GETQUOTAROOT": _NOTHING,
    "SETQUOTA": _NOTHING,
    # what is told meanwhile needs ``r``, as does whatever is told after any command
    "IDLE": Needs(uses="r"),
    "SELECT": Needs(named="r"),
    "EXAMINE": Needs(named="r"),
    "STATUS": Needs(named="r"),
    "CREATE": Needs(parent="k"),
    "DELETE": Needs(named="x"),
    "RENAME": Needs(named="x", parent="k"),
    "SUBSCRIBE": Needs(named="l"),
    "UNSUBSCRIBE": _NOTHING,
    "LIST": Needs(each="l", uses="r"),
    "LSUB": Needs(each="l"),
    "APPEND": Needs(named="i", uses="swt"),
    "CHECK": _NOTHING,
    "UNSELECT": _NOTHING,
    "CLOSE": Needs(uses="e"),
    "EXPUNGE": Needs(here="re"),
    "SEARCH": Needs(here="r"),
    "SORT": Needs(here="r"),
    "THREAD": Needs(here="r"),
    "FETCH": Needs(here="r", uses="s"),
    "STORE": Needs(here="r", any_here="swt"),
    "COPY": Needs(here="r", named="i", uses="swt"),
    "MOVE": Needs(here="rte", named="i", uses="swt"),
    "SETACL": Needs(named="a"),
    "DELETEACL": Needs(named="a"),
    "GETACL": Needs(named="a"),
    "LISTRIGHTS": Needs(named="a"),
    "MYRIGHTS": Needs(any_named="lrikxa"),
}
"""RFC 4314 §4, by command; a UID form needs what its command needs. The owner has all rights."""


def needs_of(command: str) -> Needs:
    """What a command of this name needs."""
    return NEEDS[command.removeprefix("UID ")]


def normal(letters: str) -> str:
    """Rights as they are kept: obsolete letters replaced, each once, in their order.

    The empty text is no right at all. Raises :class:`RightUnknown`; capitals are unknown too.
    """
    given = set("".join(OBSOLETE.get(letter, letter) for letter in letters))
    if not given <= set(EVERYTHING):
        raise RightUnknown
    return "".join(letter for letter in EVERYTHING if letter in given)


def printed(letters: str) -> bytes:
    """Rights as clients are told them, the obsolete letters among them: RFC 4314 §2.1.1."""
    old = [letter for letter, new in OBSOLETE.items() if not set(new).isdisjoint(letters)]
    return "".join([letters, *old]).encode("ascii") or b'""'


def changeable(letters: str) -> int:
    """The mask of the flags that these rights let somebody change."""
    if letters == EVERYTHING:
        return EVERY_FLAG
    return (
        (SEEN if "s" in letters else 0)
        | (DELETED if "t" in letters else 0)
        | (OTHER_FLAGS if "w" in letters else 0)
    )


def is_writing(letters: str) -> bool:
    """Whether a mailbox is opened READ-WRITE: RFC 4314 §5.2.

    Deviates: where \\Seen is one's own, ``s`` alone would open it READ-ONLY. Mail programs then
    refuse to open it other than with EXAMINE, and could not mark a message as read.
    """
    return not set(letters).isdisjoint("iswte")


def has_all(letters: str, wanted: Collection[str]) -> bool:
    """Whether ``letters`` hold every right of ``wanted``."""
    return set(wanted) <= set(letters)


def has_any(letters: str, wanted: Collection[str]) -> bool:
    """Whether ``letters`` hold one of ``wanted``, or none is wanted."""
    return not wanted or not set(wanted).isdisjoint(letters)
