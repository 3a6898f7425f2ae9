"""Versions of a document: which one stands, and who may replace or take back another's.

domain.md DOC-12, DOC-25 and codes 900 and 901 of DOC-23: only the organisation that wrote or keeps
a document may replace, deprecate or delete it, and only by a newer version of it. A file says
itself whose it is, so what came under a valid signature belongs to the mailbox that signed it.
Nothing is ever overwritten: what is replaced or taken back stays in the record, out of the lists.

Pure. The order in which versions arrive changes nothing: an older one that is late is replaced from
the start, and a claim to replace what is not here yet holds when that comes. What a patient brought
from their own device is outside of all this: it replaces nothing, and nothing replaces it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mss_gateway.dossier.documents import Document, Hidden, State, Way
from mss_gateway.dossier.errors import ImportCode

MAX_REPLACED: Final = 20
"""Documents that one says it replaces, at most: further ones are not looked at."""

_UUID = re.compile(r"\A(?:urn:uuid:)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\Z")
MAILBOX: Final = "mailto:"
"""Before the address of whoever signed the message, among the writers."""


@dataclass(frozen=True, slots=True)
class Version:
    """What tells one version of a document from another, and who answers for it.

    ``names``: its uniqueId and entry UUIDs. ``keepers`` are the organisations of its authors and
    custodian, ``root^extension``; ``writers`` the persons, and the mailbox that signed the message.
    ``number`` is 0 when it has none; ``word`` is then what it has. ``is_proven``: that message's
    signature is valid.
    """

    document_id: str
    unique_id: str
    set_id: str
    number: int
    keepers: frozenset[str]
    replaces: tuple[str, ...] = ()
    state: State = State.CURRENT
    names: frozenset[str] = frozenset()
    writers: frozenset[str] = frozenset()
    is_proven: bool = False
    is_trusted: bool = False
    """Its bringer answers for it without a signature: the operator's own import."""
    is_patients: bool = False
    is_masked: bool = False
    is_hidden: bool = False
    """Its author keeps it from the patient, who did not put it there themselves."""
    word: str = ""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for a document to be taken back, as a submission set and a signature say it."""

    keepers: frozenset[str]
    writers: frozenset[str] = frozenset()
    is_proven: bool = False
    is_trusted: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a new version stands among the others: ids of those it replaces, and of its successor.

    ``is_masked``: the patient keeps one of them from professionals, and so this one.
    """

    replaced: tuple[str, ...] = ()
    successor: str | None = None
    is_masked: bool = False


NOWHERE: Final = Place()
"""Of a document that has to do with no other."""


def version_of(document: Document) -> Version:
    """The version that a document of a record is."""
    origin = document.provenance
    is_proven = origin.signature == "valid"
    mailbox = {MAILBOX + origin.signer_address} if is_proven and origin.signer_address else set()
    number = number_of(document.version)
    return Version(
        document.document_id,
        document.unique_id,
        document.set_id,
        number,
        frozenset(document.keepers),
        document.replaces[:MAX_REPLACED],
        document.state,
        frozenset(filter(None, (document.unique_id, document.entry_uuid))),
        frozenset({*document.writers, *mailbox}),
        is_proven=is_proven,
        is_trusted=document.way is Way.IMPORTED,
        is_patients=document.way is Way.DEPOSITED,
        is_masked=document.is_masked,
        is_hidden=bool(document.hidden_from & Hidden.PATIENT) and not document.is_patients_own,
        word="" if number else document.version.strip(),
    )


def number_of(version: str) -> int:
    """A version number; 0 for what is none."""
    return int(version) if version.isascii() and version.isdecimal() and len(version) < 19 else 0


def entry_name(text: str) -> str:
    """An entry UUID in one form; "" for what is none, such as an id that only its file knows."""
    found = _UUID.match(text.strip().lower())
    return f"urn:uuid:{found[1]}" if found else ""


def is_same(coming: Version, other: Version) -> bool:
    """The same version again, in other bytes: nothing of it is new (domain.md DOC-26)."""
    return (
        bool(coming.unique_id)
        and coming.unique_id == other.unique_id
        and _is_same_number(coming, other)
        and may_act(coming, other)
    )


def may_act(asking: Version | Asking, target: Version) -> bool:
    """Whether ``asking`` may take the place of ``target``, or take it back (DOC-25).

    Organisations decide; where one side names none, the person or the mailbox that wrote. A
    document that came under a valid signature is touched under one of the same mailbox only, or by
    the operator: anybody can write another's organisation into a file.
    """
    if target.is_patients:
        return False
    if target.is_proven and not (asking.is_trusted or _is_same_signer(asking, target)):
        return False
    if asking.keepers and target.keepers:
        return bool(asking.keepers & target.keepers)
    return bool(asking.writers & target.writers)


def objection(coming: Version, standing: Iterable[Version]) -> ImportCode | None:
    """Why ``coming`` may not take its place among those that stand; None when it may.

    AUTHOR_NOT_ALLOWED: what it names as replaced is another's. WRONG_VERSION: that was replaced or
    taken back before, or a version of the same number stands under another id. What others put
    under its set or its own id keeps it out of nothing: both stand.
    """
    known = _related(coming, standing)
    mine = [one for one in known if may_act(coming, one)]
    if any(not _names_any(name, mine) and _names_any(name, known) for name in coming.replaces):
        return ImportCode.AUTHOR_NOT_ALLOWED
    if any(_clashes(coming, one) for one in mine):
        return ImportCode.WRONG_VERSION
    is_late = _successor(coming, known) is not None
    if not is_late and any(_names(coming, one) and one.state is not State.CURRENT for one in mine):
        return ImportCode.WRONG_VERSION
    return None


def place(coming: Version, standing: Iterable[Version]) -> Place:
    """Where ``coming`` stands among the others, once nothing speaks against it."""
    known = _related(coming, standing)
    older = [one for one in known if _takes_place(coming, one) and may_act(coming, one)]
    successor = _successor(coming, known)
    near = older if successor is None else [*older, successor]
    return Place(
        tuple(one.document_id for one in older if one.state is State.CURRENT),
        None if successor is None else successor.document_id,
        any(one.is_masked for one in near),
    )


def objection_to_update(target: Version | None, asking: Asking, status: State) -> ImportCode | None:
    """Why ``asking`` may not give ``target`` a new status; None when they may.

    WRONG_VERSION: there is no such document, or it was replaced or taken back before. To ask again
    for what is so already is no mistake. AUTHOR_NOT_ALLOWED: it is another organisation's.
    """
    if target is None:
        return ImportCode.WRONG_VERSION
    if not may_act(asking, target):
        return ImportCode.AUTHOR_NOT_ALLOWED
    is_possible = target.state is status or status in _NEXT.get(target.state, ())
    return None if is_possible else ImportCode.WRONG_VERSION


_NEXT: Final = {
    State.CURRENT: (State.DEPRECATED, State.WITHDRAWN),
    State.DEPRECATED: (State.CURRENT, State.WITHDRAWN),
}
"""What its author may make of a document; what was replaced or deleted stays so."""


def _related(coming: Version, standing: Iterable[Version]) -> list[Version]:
    if coming.is_patients:
        return []
    return [one for one in standing if not one.is_patients and one is not coming]


def _is_same_signer(asking: Version | Asking, target: Version) -> bool:
    """Both came under a valid signature, of one mailbox."""
    return asking.is_proven and bool(_signers(asking) & _signers(target))


def _signers(one: Version | Asking) -> frozenset[str]:
    # a person of a file is root^extension, whatever the root says: never a mailbox
    return frozenset(each for each in one.writers if each.startswith(MAILBOX) and "^" not in each)


def _is_same_number(one: Version, other: Version) -> bool:
    return (one.number, one.word) == (other.number, other.word)


def _names_any(name: str, versions: Iterable[Version]) -> bool:
    return any(name in one.names for one in versions)


def _clashes(coming: Version, one: Version) -> bool:
    """They cannot both be what they say: one id with two numbers, or one number with two ids."""
    is_same_id = bool(coming.unique_id) and one.unique_id == coming.unique_id
    if is_same_id:
        return not _is_same_number(one, coming)
    is_same_set = bool(coming.set_id) and one.set_id == coming.set_id
    return is_same_set and one.number == coming.number > 0


def _takes_place(newer: Version, older: Version) -> bool:
    is_same_set = bool(newer.set_id) and newer.set_id == older.set_id
    return _names(newer, older) or (is_same_set and older.number < newer.number)


def _names(newer: Version, older: Version) -> bool:
    return bool(older.names.intersection(newer.replaces))


def _successor(coming: Version, known: Iterable[Version]) -> Version | None:
    """The oldest of those that take the place of ``coming`` and might."""
    found = [
        one
        for one in known
        if one.state is not State.WITHDRAWN and _takes_place(one, coming) and may_act(one, coming)
    ]
    return min(found, key=lambda one: one.number) if found else None
