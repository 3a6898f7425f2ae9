"""Which names LIST and LSUB answer with, and their lines: RFC 9051 §6.3.9, RFC 3501 §6.3.9."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from mailbox_store.mailboxes import Mailbox
from mailbox_store.names import SEPARATOR
from mss_gateway.imap.grammar.listing import ListRequest, Returned, Selection
from mss_gateway.imap.patterns import Patterns, canonical, matches


@dataclass(frozen=True, slots=True)
class Listed:
    """One response: ``mailbox`` is None for a name that is none.

    ``is_selected``: it meets the selection options itself; otherwise it is told for what is below.
    ``below`` are the criteria of CHILDINFO that a name below it meets.
    """

    name: str
    mailbox: Mailbox | None
    attributes: tuple[bytes, ...]
    is_selected: bool = True
    below: tuple[bytes, ...] = ()


_CRITERIA = (Selection.SUBSCRIBED, Selection.SPECIAL_USE)
"""Selection options that a name meets or not; the others say how to look."""


def listed(request: ListRequest, boxes: Iterable[Mailbox], subscribed: Set[str]) -> list[Listed]:
    """The answers to LIST, INBOX first, then by name, each name once.

    ``subscribed`` may be left empty unless ``wants_subscriptions``.
    """
    known = {box.name: box for box in boxes}
    parents = _superiors(known)
    criteria = tuple(one for one in _CRITERIA if one in request.selection)
    chosen = _chosen(known, subscribed, criteria)
    spread = _Spread.of(chosen, canonical(request.reference, request.patterns))
    is_recursive = Selection.RECURSIVEMATCH in request.selection
    found = []
    for name in spread.matched:
        # a level above what is chosen is told where what is chosen does not tell it
        if not (name in chosen or (name in spread.outside and (is_recursive or not criteria))):
            continue
        attributes = _attributes(request, name, known.get(name), name in parents, subscribed)
        words = tuple(one.value for one in criteria) if is_recursive else ()
        below = words if name in spread.above else ()
        found.append(Listed(name, known.get(name), tuple(attributes), name in chosen, below))
    return found


def subscribed_only(request: ListRequest, subscribed: Set[str]) -> list[Listed]:
    """The answers to LSUB: a level above subscribed names is \\Noselect, for ``%`` alone."""
    patterns = canonical(request.reference, request.patterns)
    spread = _Spread.of(subscribed, patterns)
    has_levels = any("%" in text for text in patterns.texts)
    return [
        Listed(name, None, () if name in subscribed else (b"\\Noselect",))
        for name in spread.matched
        if name in subscribed or (has_levels and name in spread.outside)
    ]


def wants_subscriptions(request: ListRequest) -> bool:
    """Whether the answers depend on what is subscribed."""
    return Selection.SUBSCRIBED in request.selection or Returned.SUBSCRIBED in request.returned


def line(kind: bytes, one: Listed, printed: bytes, old_name: bytes | None = None) -> bytes:
    """``* LIST (attributes) "/" name``, RFC 9051 §7.3.1, with its extended items; LSUB alike."""
    items = []
    if one.below:
        criteria = b" ".join(b'"%s"' % word for word in one.below)
        items.append(b'"CHILDINFO" (%s)' % criteria)
    if old_name is not None:
        items.append(b'"OLDNAME" (%s)' % old_name)
    extended = b" (%s)" % b" ".join(items) if items else b""
    return b'* %s (%s) "/" %s%s\r\n' % (kind, b" ".join(one.attributes), printed, extended)


@dataclass(frozen=True, slots=True)
class _Spread:
    """Chosen names and their superiors, told apart by the patterns.

    ``matched`` is in the order of the answer. ``above`` are superiors of chosen names, ``outside``
    those of chosen names that do not match themselves.
    """

    matched: Sequence[str]
    above: Set[str]
    outside: Set[str]

    @classmethod
    def of(cls, chosen: Set[str], patterns: Patterns) -> "_Spread":
        above = _superiors(chosen)
        matched = {name for name in chosen | above if matches(patterns, name)}
        outside = _superiors(chosen - matched)
        return cls(sorted(matched, key=lambda name: (name != "INBOX", name)), above, outside)


def _chosen(
    known: dict[str, Mailbox], subscribed: Set[str], criteria: tuple[Selection, ...]
) -> set[str]:
    chosen = set(subscribed) if Selection.SUBSCRIBED in criteria else set(known)
    if Selection.SPECIAL_USE in criteria:
        chosen &= {name for name, box in known.items() if box.special_use is not None}
    return chosen


def _attributes(
    request: ListRequest, name: str, box: Mailbox | None, is_parent: bool, subscribed: Set[str]
) -> Iterator[bytes]:
    """Special uses and children are told whether or not they were asked for."""
    if box is None:
        yield b"\\NonExistent" if request.is_extended else b"\\Noselect"
    else:
        yield from (use.encode("ascii") for use in box.special_uses)
    if wants_subscriptions(request) and name in subscribed:
        yield b"\\Subscribed"
    yield b"\\HasChildren" if is_parent else b"\\HasNoChildren"


def _superiors(names: Iterable[str]) -> set[str]:
    """Every level above a name; one that is known is not climbed again."""
    found: set[str] = set()
    for name in names:
        at = name.rfind(SEPARATOR)
        while at > 0 and name[:at] not in found:
            found.add(name[:at])
            at = name.rfind(SEPARATOR, 0, at)
    return found
