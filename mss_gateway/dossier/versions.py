"""Versions of a document: which one stands, and who may replace or take back another's.

domain.md DOC-12, DOC-25 and codes 900 and 901 of DOC-23: only the organisation that wrote or keeps
a document may replace, deprecate or delete it, and only by a newer version of it. Nothing is ever
overwritten: what is replaced or taken back stays in the record, out of the lists.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from mss_gateway.dossier.cda import CdaHeader
from mss_gateway.dossier.errors import ImportCode


@dataclass(frozen=True, slots=True)
class Version:
    """What tells one version of a document from another.

    ``keepers`` are the organisations of its authors and custodian, ``root^extension``; ``number``
    0 when it has none. ``is_current``: neither replaced nor taken back.
    """

    unique_id: str
    set_id: str
    number: int
    keepers: frozenset[str]
    replaces: tuple[str, ...] = ()
    is_current: bool = True


def version_of(header: CdaHeader) -> Version:
    """The version that a CDA says it is."""
    ids = [*header.custodian_ids, *(one for a in header.authors for one in a.organisation_ids)]
    return Version(
        header.unique_id,
        header.set_id,
        int(header.version) if header.version.isascii() and header.version.isdecimal() else 0,
        frozenset(f"{one.root}^{one.value}" for one in ids),
        header.replaces,
    )


def replaced(coming: Version, standing: Iterable[Version]) -> tuple[Version, ...]:
    """Those of the standing versions that ``coming`` takes the place of, allowed or not."""
    return tuple(
        one
        for one in standing
        if one.unique_id in coming.replaces
        or (bool(coming.set_id) and one.set_id == coming.set_id and one.number < coming.number)
    )


def objection(coming: Version, standing: Iterable[Version]) -> ImportCode | None:
    """Why ``coming`` may not take its place among those that stand; None when it may.

    WRONG_VERSION: a version of its set that is as new stands already, under another id; or it says
    that it replaces one that was replaced or taken back before. AUTHOR_NOT_ALLOWED: one that it
    replaces is another organisation's. What it replaces may be unknown here: it came by another
    way, and nothing speaks against the new one.
    """
    known = [one for one in standing if one.unique_id != coming.unique_id]
    same_set = [one for one in known if coming.set_id and one.set_id == coming.set_id]
    if any(not one.keepers & coming.keepers for one in (*replaced(coming, known), *same_set)):
        return ImportCode.AUTHOR_NOT_ALLOWED
    if any(one.number >= coming.number for one in same_set):
        return ImportCode.WRONG_VERSION
    if any(one.unique_id in coming.replaces and not one.is_current for one in known):
        return ImportCode.WRONG_VERSION
    return None


def objection_to_update(
    target: Version | None, asking: frozenset[str], ids: frozenset[str] = frozenset()
) -> ImportCode | None:
    """Why ``asking`` organisations may not deprecate or delete ``target``; None when they may.

    WRONG_VERSION: there is no such document (None), it stands no more, or it is not one of the
    ``ids`` that were asked for. AUTHOR_NOT_ALLOWED: it is another organisation's.
    """
    if target is None or not target.is_current or (ids and target.unique_id not in ids):
        return ImportCode.WRONG_VERSION
    if not target.keepers & asking:
        return ImportCode.AUTHOR_NOT_ALLOWED
    return None
