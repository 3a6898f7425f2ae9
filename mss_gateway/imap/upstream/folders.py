"""Where the folders of a remote account go in ours: names, special uses, what is left out. Pure.

A name of ours is made from the remote one by rules that depend on nothing but that name, so a
second run finds the same place: levels joined by ``/``; composed Unicode (RFC 5198 §3); ``%``,
``*`` and a ``/`` inside a level become their full-width forms, control characters ``_``; what is
longer than our limit is cut and ends in a digest of the whole.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from mailbox_store.names import NAME_LIMIT, SEPARATOR, normal_name
from mss_gateway.imap.grammar import names
from mss_gateway.imap.upstream.responses import Listed

SPECIAL_USES: Final = {
    "\\drafts": "\\Drafts",
    "\\sent": "\\Sent",
    "\\trash": "\\Trash",
    "\\junk": "\\Junk",
    "\\archive": "\\Archive",
}
"""Uses of RFC 6154 §2 that our accounts have a folder for; attributes come in lower case."""

VIRTUAL: Final = frozenset({"\\all", "\\flagged"})
"""Uses of RFC 6154 §2 that show messages of other folders: bringing them would double those."""

NO_MAILBOX: Final = frozenset({"\\noselect", "\\nonexistent"})

WELL_KNOWN: Final = {
    "\\Drafts": ("drafts", "draft", "brouillons", "brouillon"),
    "\\Sent": (
        *("sent", "sent items", "sent messages", "sent-mail", "sent mail", "envoyés", "envoyes"),
        *("éléments envoyés", "messages envoyés", "objets envoyés", "courrier envoyé"),
    ),
    "\\Trash": (
        *("trash", "deleted items", "deleted messages", "corbeille", "poubelle"),
        *("éléments supprimés", "messages supprimés"),
    ),
    "\\Junk": (
        *("junk", "junk e-mail", "junk email", "spam", "indésirables", "indesirables"),
        *("courrier indésirable", "pourriel", "pourriels"),
    ),
    "\\Archive": ("archive", "archives"),
}
"""Names at the top that mean a use where no folder bears its attribute; the first one counts."""

_REPLACED = str.maketrans({"%": "％", "*": "＊", "/": "／"})
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DIGEST_SIGNS = 8


class FolderUnknown(Exception):
    """The remote account has no folder of the name that was given."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the operator said about folders, in names as they are listed; each with what is below.

    ``only`` empty means all. ``renamed`` gives names of ours, in their normal form.
    """

    only: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """The folders of a remote account as its server tells them; ``subscribed`` None: unknown."""

    folders: tuple[Listed, ...]
    subscribed: frozenset[bytes] | None = None
    own_prefixes: tuple[bytes, ...] = (b"",)
    foreign_prefixes: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """A remote folder and its place here.

    ``wire`` is its name for the remote server, ``name`` for people; ``local`` is ours, with
    ``special_use`` when it has to be made. ``is_altered``: our name had to differ.
    """

    wire: bytes
    name: str
    local: str
    special_use: str | None
    is_subscribed: bool
    is_altered: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Every folder to bring, INBOX first, and those left out with the reason."""

    targets: tuple[Target, ...]
    left_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Folder:
    listed: Listed
    name: str
    levels: tuple[str, ...]

    @property
    def path(self) -> str:
        return SEPARATOR.join(self.levels)

    def below(self, name: str) -> tuple[str, ...] | None:
        """The levels of this folder below ``name``, none if it is that one; None elsewhere."""
        for text, separator in ((self.path, SEPARATOR), (self.name, self.listed.delimiter)):
            if _same(text, name):
                return ()
            if separator and text.startswith(name + separator):
                return tuple(level for level in text[len(name) + 1 :].split(separator) if level)
        return None


def plan(listing: Listing, wishes: Wishes, specials: Mapping[str, str]) -> Plan:
    """A place for every folder. ``specials``: our account's folder for each use it has.

    Two remote folders may go into one of ours: a message is known by where it came from. Raises
    ``FolderUnknown`` for a wish that fits nothing.
    """
    # a server may list a folder twice, the second time with all that it knows
    once = {one.name: one for one in listing.folders}
    folders = [_folder(one, listing) for one in once.values()]
    named = (*wishes.only, *wishes.excluded, *(name for name, _ in wishes.renamed))
    for name in named:
        if all(folder.below(name) is None for folder in folders):
            raise FolderUnknown(name)
    wanted: list[_Folder] = []
    left_out: list[tuple[str, str]] = []
    for folder in folders:
        reason = _left_out(folder, listing, wishes)
        if reason is None:
            wanted.append(folder)
        elif reason:
            left_out.append((folder.name, reason))
    uses = _uses(wanted)
    targets = [_target(folder, listing, wishes, specials, uses) for folder in wanted]
    targets.sort(key=lambda one: (one.local != "INBOX", one.local, one.name))
    return Plan(tuple(targets), tuple(sorted(left_out)))


def readable(wire: bytes) -> str:
    """A name on the wire as people read it; a server's own encoding is taken as it comes."""
    try:
        return names.decode(wire)
    except names.NotCanonical:
        return wire.decode("utf-8", "replace")


def acceptable(levels: Iterable[str], base: tuple[str, ...] = ()) -> str:
    """Levels of a remote name, below a name of ours, as one that our store and CREATE take."""
    cleaned = [
        _NOT_IN_NAMES.sub("_", unicodedata.normalize("NFC", level)).translate(_REPLACED)
        for level in levels
    ]
    whole = SEPARATOR.join((*base, *cleaned))
    if len(whole) > NAME_LIMIT:
        digest = hashlib.sha256(whole.encode()).hexdigest()[:_DIGEST_SIGNS]
        whole = f"{whole[: NAME_LIMIT - _DIGEST_SIGNS - 1]}~{digest}"
    return normal_name(whole)


def _folder(listed: Listed, listing: Listing) -> _Folder:
    name = readable(listed.name)
    if _is_inbox(name):
        return _Folder(listed, "INBOX", ("INBOX",))
    inner = name
    for prefix in map(readable, listing.own_prefixes):
        # `INBOX.` before every folder is how some servers write "mine"
        if prefix and name != prefix and name.startswith(prefix):
            inner = name[len(prefix) :]
            break
    delimiter = listed.delimiter
    levels = inner.split(delimiter) if delimiter else [inner]
    return _Folder(listed, name, tuple(level for level in levels if level) or ("_",))


def _left_out(folder: _Folder, listing: Listing, wishes: Wishes) -> str | None:
    """Why a folder is not brought: None when it is, nothing when there is nothing to tell."""
    is_named = any(folder.below(name) is not None for name in wishes.only)
    if folder.listed.attributes & NO_MAILBOX or (wishes.only and not is_named):
        return ""
    if any(folder.below(name) is not None for name in wishes.excluded):
        return ""
    if is_named:
        return None
    if folder.listed.attributes & VIRTUAL:
        return "shows messages of other folders; --folder brings it all the same"
    if any(prefix and folder.listed.name.startswith(prefix) for prefix in listing.foreign_prefixes):
        return "belongs to other people; --folder brings it all the same"
    return None


def _uses(folders: list[_Folder]) -> dict[tuple[str, ...], str]:
    """The one folder of each special use, by its levels: by attribute, else by a known name."""
    found: dict[tuple[str, ...], str] = {}
    for attribute, use in SPECIAL_USES.items():
        bearing = [one for one in folders if attribute in one.listed.attributes]
        known = list(_of_known_name(folders, WELL_KNOWN[use]))
        for one in [*sorted(bearing, key=lambda one: one.levels), *known][:1]:
            found[one.levels] = use
    return found


def _of_known_name(folders: list[_Folder], known: tuple[str, ...]) -> Iterator[_Folder]:
    by_name = {
        unicodedata.normalize("NFC", one.levels[0]).lower(): one
        for one in folders
        if len(one.levels) == 1 and not one.listed.attributes & SPECIAL_USES.keys()
    }
    yield from (by_name[name] for name in known if name in by_name)


def _target(
    folder: _Folder,
    listing: Listing,
    wishes: Wishes,
    specials: Mapping[str, str],
    uses: Mapping[tuple[str, ...], str],
) -> Target:
    local, is_exact = _place(folder, wishes, specials, uses)
    subscribed = listing.subscribed
    is_subscribed = subscribed is None or any(
        folder.listed.name == one or (folder.name == "INBOX" and _is_inbox(readable(one)))
        for one in subscribed
    )
    use = uses.get(folder.levels)
    return Target(folder.listed.name, folder.name, local, use, is_subscribed, not is_exact)


def _place(
    folder: _Folder,
    wishes: Wishes,
    specials: Mapping[str, str],
    uses: Mapping[tuple[str, ...], str],
) -> tuple[str, bool]:
    """Our name for a folder, and whether it is the remote one: as wished, by use, or its own."""
    for name, local in sorted(wishes.renamed, key=lambda pair: -len(pair[0])):
        rest = folder.below(name)
        if rest is not None:
            return _joined(local, rest)
    for depth in range(len(folder.levels), 0, -1):
        use = uses.get(folder.levels[:depth])
        if use is not None and use in specials:
            return _joined(specials[use], folder.levels[depth:])
    local = acceptable(folder.levels)
    return local, local == folder.path


def _joined(base: str, rest: tuple[str, ...]) -> tuple[str, bool]:
    """``rest`` below a name of ours; exact as long as nothing of it was replaced."""
    local = acceptable(rest, (base,))
    return local, local == SEPARATOR.join((base, *rest))


def _is_inbox(name: str) -> bool:
    return name.upper() == "INBOX"


def _same(one: str, other: str) -> bool:
    return one == other or (_is_inbox(one) and _is_inbox(other))
