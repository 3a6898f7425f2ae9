"""Trust anchors that the operator adds while the gateway runs, beside those of the configuration.

Two steps, so that nobody is believed by one slip: :func:`propose` keeps the certificate and shows
its fingerprint; :func:`activate` takes the fingerprint again, as the authority itself publishes
it. A removed anchor stays on record and is believed no more, from the next message on, in every
process. In clear: authorities are public.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text

from certs.anchors import Anchors
from certs.certificate import Certificate, fingerprint, from_der, is_authority, to_der
from certs.usage import Purpose
from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata

trust_anchors = Table(
    "trust_anchors",
    metadata,
    Column("anchor_id", Integer, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("der", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("proposed_at", Integer, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("activated_at", Integer),
    Column("activated_by", Text),
    Column("removed_at", Integer),
    Column("removed_by", Text),
    Index(None, "state"),
    sqlite_autoincrement=True,
)

ANCHORS: Final = 200
"""Anchors proposed and active at most, over all purposes: path building looks at each."""


class AnchorRefused(Exception):
    """What was asked of an anchor cannot be done; the text says why."""


class AnchorState(Enum):
    """Where an anchor of the database stands."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class KeptAnchor:
    """An anchor of the database; times in unix seconds, ``…_by`` actors as in the audit."""

    anchor_id: int
    purpose: Purpose
    fingerprint: str
    certificate: Certificate
    state: AnchorState
    proposed_at: int
    proposed_by: str
    activated_at: int | None
    activated_by: str | None
    removed_at: int | None
    removed_by: str | None


_COLUMNS = (
    "anchor_id, purpose, fingerprint, der, state, proposed_at, proposed_by, activated_at,"
    " activated_by, removed_at, removed_by"
)


class Trust:
    """The anchors of the moment: those of the configuration's files and the active ones kept.

    Remembers what it read until the operator changes it: asking costs one small statement.
    """

    def __init__(self, of_files: Anchors) -> None:
        self._of_files = of_files
        self._turn = threading.Lock()
        self._seen: tuple[int, ...] = ()
        self._anchors = of_files

    def anchors(self, view: View) -> Anchors:
        """Who is believed for what, as ``view`` sees it."""
        rows = view.sql(
            "SELECT anchor_id FROM trust_anchors WHERE state = 'active' ORDER BY anchor_id"
        )
        seen = tuple(row[0] for row in rows.fetchall())
        with self._turn:
            if seen != self._seen:
                self._anchors = _joined(self._of_files, active(view))
                self._seen = seen
            return self._anchors


def propose(tx: Transaction, purpose: Purpose, certificate: Certificate, who: str) -> KeptAnchor:
    """First step: keep an authority's certificate for a purpose; nothing is believed yet.

    Raises :class:`AnchorRefused` when it is no authority, has ended, is proposed or active for that
    purpose already, or when there are :data:`ANCHORS`.
    """
    if not is_authority(certificate):
        raise AnchorRefused("not an authority's certificate (basicConstraints)")
    if certificate.not_valid_after_utc <= datetime.fromtimestamp(tx.now, UTC):
        raise AnchorRefused("the certificate's validity has ended")
    digits = fingerprint(certificate)
    if (former := _standing(tx, purpose, digits)) is not None:
        raise AnchorRefused(f"{former.state.value} for this purpose already")
    count = tx.sql("SELECT count(*) FROM trust_anchors WHERE state <> 'removed'").scalar_one()
    if count >= ANCHORS:
        raise AnchorRefused(f"there are {ANCHORS} anchors: remove one first")
    anchor_id = tx.sql(
        "INSERT INTO trust_anchors (purpose, fingerprint, der, state, proposed_at, proposed_by)"
        " VALUES (?, ?, ?, 'proposed', ?, ?) RETURNING anchor_id",
        (purpose.value, digits, to_der(certificate), tx.now, who),
    ).scalar_one()
    return _of_id(tx, anchor_id)


def activate(tx: Transaction, purpose: Purpose, digits: str, who: str) -> KeptAnchor:
    """Second step: believe a proposed authority; ``digits`` is its whole SHA-256 fingerprint.

    Colons, spaces and capitals do not count; a part of it is not enough. Raises AnchorRefused.
    """
    former = _standing(tx, purpose, _plain(digits))
    if former is None or former.state is not AnchorState.PROPOSED:
        raise AnchorRefused("no authority with this fingerprint is proposed for this purpose")
    return _move(tx, former, AnchorState.ACTIVE, who)


def remove(tx: Transaction, purpose: Purpose, digits: str, who: str) -> KeptAnchor:
    """Believe an authority no more, or take a proposal back; ``digits`` as :func:`activate`.

    What the configuration's files name is not here, and is removed there. Raises AnchorRefused.
    """
    former = _standing(tx, purpose, _plain(digits))
    if former is None:
        raise AnchorRefused("no authority with this fingerprint is kept for this purpose")
    return _move(tx, former, AnchorState.REMOVED, who)


def listing(view: View) -> list[KeptAnchor]:
    """Every anchor ever proposed, in order."""
    return _read(view.sql(f"SELECT {_COLUMNS} FROM trust_anchors ORDER BY anchor_id"))


def active(view: View) -> list[KeptAnchor]:
    """Those that are believed now."""
    return _read(
        view.sql(f"SELECT {_COLUMNS} FROM trust_anchors WHERE state = 'active' ORDER BY anchor_id")
    )


def _standing(view: View, purpose: Purpose, digits: str) -> KeptAnchor | None:
    found = _read(
        view.sql(
            f"SELECT {_COLUMNS} FROM trust_anchors WHERE state <> 'removed' AND purpose = ?"
            " AND fingerprint = ?",
            (purpose.value, digits),
        )
    )
    return found[0] if found else None


def _move(tx: Transaction, former: KeptAnchor, state: AnchorState, who: str) -> KeptAnchor:
    verb = "activated" if state is AnchorState.ACTIVE else "removed"
    tx.sql(
        f"UPDATE trust_anchors SET state = ?, {verb}_at = ?, {verb}_by = ? WHERE anchor_id = ?",
        (state.value, tx.now, who, former.anchor_id),
    )
    return _of_id(tx, former.anchor_id)


def _of_id(view: View, anchor_id: int) -> KeptAnchor:
    return _read(
        view.sql(f"SELECT {_COLUMNS} FROM trust_anchors WHERE anchor_id = ?", (anchor_id,))
    )[0]


def _read(rows: Any) -> list[KeptAnchor]:
    return [
        KeptAnchor(
            row[0],
            Purpose(row[1]),
            row[2],
            from_der(bytes(row[3])),
            AnchorState(row[4]),
            *row[5:],
        )
        for row in rows.fetchall()
    ]


def _joined(of_files: Anchors, kept: Sequence[KeptAnchor]) -> Anchors:
    """Each authority once per purpose, those of the files first."""
    return Anchors(
        {
            purpose: tuple(
                dict.fromkeys(
                    [
                        *of_files.of(purpose),
                        *(one.certificate for one in kept if one.purpose is purpose),
                    ]
                )
            )
            for purpose in Purpose
        }
    )


def _plain(digits: str) -> str:
    return digits.replace(":", "").replace(" ", "").lower()
