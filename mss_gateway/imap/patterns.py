"""LIST patterns against mailbox names, RFC 9051 §6.3.9: ``*`` anything, ``%`` one level."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mailbox_store.mailboxes import Mailbox
from mailbox_store.names import SEPARATOR


@dataclass(frozen=True, slots=True)
class Match:
    """A name that matches; ``mailbox`` is None for a level that only has inferiors."""

    name: str
    mailbox: Mailbox | None
    has_children: bool


def matches(pattern: str, name: str) -> bool:
    """Whether ``name`` is of ``pattern``; INBOX in any case.

    Positions reached so far are followed together: time is the product of both lengths, whatever
    the wildcards are.
    """
    if name == "INBOX":
        pattern = pattern.upper()
    reached = {0}
    for sign in pattern:
        if sign == "*":
            reached = set(range(min(reached), len(name) + 1))
        elif sign == "%":
            reached = {end for start in reached for end in _within_level(name, start)}
        else:
            reached = {at + 1 for at in reached if name.startswith(sign, at)}
        if not reached:
            return False
    return len(name) in reached


def _within_level(name: str, start: int) -> range:
    separator = name.find(SEPARATOR, start)
    return range(start, (len(name) if separator < 0 else separator) + 1)


def listed(boxes: Iterable[Mailbox], pattern: str) -> Iterator[Match]:
    """Mailboxes that match, and levels that match without being a mailbox."""
    known = {box.name: box for box in boxes}
    parents = {superior for name in known for superior in _superiors(name)}
    for name in sorted(known.keys() | parents, key=lambda name: (name != "INBOX", name)):
        if matches(pattern, name):
            yield Match(name, known.get(name), name in parents)


def _superiors(name: str) -> Iterator[str]:
    at = name.find(SEPARATOR)
    while at >= 0:
        yield name[:at]
        at = name.find(SEPARATOR, at + 1)
