"""What an archive says of the relations between documents: which replace which, which are copies.

METADATA.XML names documents by ids. A UUID is known everywhere and kept; any other id
(``Document01``) means something within its own file only, and is read there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mailbox_store.database import View
from mss_gateway.dossier import companions, rim
from mss_gateway.dossier.companions import Companion, SealedCompanion
from mss_gateway.dossier.documents import State, Way
from mss_gateway.dossier.participants import NATIONAL_PEOPLE
from mss_gateway.dossier.rim import EntryAuthor
from mss_gateway.dossier.succession import Update
from mss_gateway.dossier.versions import MAILBOX, Asking, entry_name
from mss_gateway.dossier.xdm import Archive, ArchivedDocument
from mss_gateway.message.sniff import PDF, sniff

STATES: Final = {
    rim.APPROVED: State.CURRENT,
    rim.DEPRECATED: State.DEPRECATED,
    rim.DELETED: State.WITHDRAWN,
}
"""Availability of IHE → what it is here."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A document of an archive, its entry UUID and the names of what it replaces.

    ``copies``: the same document in another form, beside it in the archive.
    """

    item: ArchivedDocument
    entry_uuid: str
    replaces: tuple[str, ...]
    state: State
    copies: tuple[bytes, ...] = ()


def documents(archive: Archive) -> tuple[Entered, ...]:
    """The documents of an archive without their copies: what others are copies of comes first."""
    by_id = {one.entry.entry_uuid: one for one in archive.documents}
    copied: dict[str, list[bytes]] = {}
    for copy in _copies(archive):
        copied.setdefault(_original(copy, by_id), []).append(copy.content)
    copies = {one.path for one in _copies(archive)}
    found = [
        Entered(
            one,
            entry_name(one.entry.entry_uuid),
            tuple(filter(None, (_name(target, by_id) for target in one.entry.replaces))),
            STATES.get(one.entry.availability, State.CURRENT),
            tuple(copied.get(one.entry.entry_uuid, ())),
        )
        for one in archive.documents
        if one.path not in copies
    ]
    return tuple(sorted(found, key=lambda one: sniff(one.item.content) == PDF))


def companions_of(view: View, account_id: int, archive: Archive) -> tuple[SealedCompanion, ...]:
    """What goes with the documents of an archive, sealed; of absurd numbers and sizes the first."""
    kept = [
        Companion(one.path, one.entry.mime_type, one.content)
        for one in (*archive.companions, *_copies(archive))
        if len(one.content) <= companions.MAX_OCTETS
    ]
    return tuple(companions.seal(view, account_id, one) for one in kept[: companions.MAX_COUNT])


def updates(archive: Archive, asking: Asking) -> tuple[Update, ...]:
    """What the archive asks to be deprecated or deleted."""
    by_id = {one.entry.entry_uuid: one for one in archive.documents}
    return tuple(
        Update(_name(one.target, by_id) or one.target, STATES.get(one.status), asking)
        for one in archive.updates
    )


def asking(archive: Archive, signature: str, signer_address: str, way: Way) -> Asking:
    """Who sends the archive, as its submission sets and the message's signature say."""
    authors = [author for one in archive.submission_sets for author in one.authors]
    is_proven = signature == "valid"
    mailbox = [MAILBOX + signer_address] if is_proven and signer_address else []
    return Asking(
        frozenset(institutions(authors)),
        frozenset([*persons(authors), *mailbox]),
        is_proven,
        is_trusted=way is Way.IMPORTED,
    )


def institutions(authors: Iterable[EntryAuthor]) -> tuple[str, ...]:
    """The organisations of authors that have an identifier, ``root^extension``.

    HL7 v2 XON: ``Clinique^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1999999999``.
    """
    found = (_identified(one, 5, 9, "") for author in authors for one in author.institutions)
    return tuple(dict.fromkeys(filter(None, found)))


def persons(authors: Iterable[EntryAuthor]) -> tuple[str, ...]:
    """The authors themselves, ``root^extension``; HL7 v2 XCN, nationally numbered by default."""
    found = (_identified(author.person, 8, 0, NATIONAL_PEOPLE) for author in authors)
    return tuple(dict.fromkeys(filter(None, found)))


def _identified(text: str, authority: int, identifier: int, otherwise: str) -> str:
    parts = [part.strip() for part in text.split("^")] + [""] * (identifier + authority + 1)
    assigned = parts[authority].split("&")
    root = assigned[1].strip() if len(assigned) > 1 else otherwise
    return f"{root}^{parts[identifier]}" if root and parts[identifier] else ""


def _copies(archive: Archive) -> list[ArchivedDocument]:
    """PDF made of another document of the same archive (domain.md DOC-04)."""
    by_id = {one.entry.entry_uuid: one for one in archive.documents}
    return [one for one in archive.documents if sniff(one.content) == PDF and _original(one, by_id)]


def _original(copy: ArchivedDocument, by_id: dict[str, ArchivedDocument]) -> str:
    """The id of what a copy shows, "" when that is not here, or is a PDF itself."""
    found = (one for one in copy.entry.transforms if one in by_id)
    return next((one for one in found if sniff(by_id[one].content) != PDF), "")


def _name(target: str, by_id: dict[str, ArchivedDocument]) -> str:
    """A target by a name that lasts; "" where only its own file would know it."""
    here = by_id.get(target)
    return entry_name(target) or (here.entry.unique_id if here is not None else "")
