"""Which professional opened an exchange with which patient, when, and by which message.

The rule itself is ``policies.first_contact``; this module only keeps its outcome, keyed by blind
indexes of the two addresses. The professional's address and name are sealed under the patient's
key when the patient's account is here.
"""

import json
from dataclasses import dataclass

from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountId


@dataclass(frozen=True, slots=True)
class Correspondence:
    """One relation; ``state`` is OPEN or CLOSED (no row means: never written)."""

    professional: str
    display_name: str
    state: str
    opened_ref: str | None
    opened_at: int | None
    changed_ref: str
    changed_at: int


def state(view: View, patient: str, professional: str) -> str | None:
    """OPEN, CLOSED or None, for two addresses in normal form."""
    found = view.sql(
        "SELECT state FROM correspondences WHERE patient_index = ? AND professional_index = ?",
        _key(view, patient, professional),
    ).scalar()
    return None if found is None else str(found)


def record(
    tx: Transaction,
    patient: str,
    patient_account: AccountId,
    professional: str,
    display_name: str,
    new_state: str,
    message_ref: str,
) -> bool:
    """Set the state of a relation as of ``message_ref``; True when it changed.

    The first message that opened it stays on record through closings and re-openings. References
    sort by time of acceptance: a message that a retry delivers late undoes nothing newer.
    """
    key = _key(tx, patient, professional)
    known = tx.sql(
        "SELECT state, changed_ref FROM correspondences"
        " WHERE patient_index = ? AND professional_index = ?",
        key,
    ).first()
    if known is not None and known[1] >= message_ref:
        return False
    if known is not None and known[0] == new_state:
        _touch(tx, key, message_ref)
        return False
    seal = tx.vault.account(tx, patient_account)
    sealed = seal.seal(
        json.dumps({"address": professional, "name": display_name}).encode(), _context(key[1])
    )
    opened = (message_ref, tx.now) if new_state == "OPEN" else (None, None)
    tx.sql(
        "INSERT INTO correspondences (patient_index, professional_index, patient_account, sealed,"
        " state, opened_ref, opened_at, changed_ref, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (patient_index, professional_index) DO UPDATE SET state = excluded.state,"
        " sealed = excluded.sealed,"
        " opened_ref = coalesce(correspondences.opened_ref, excluded.opened_ref),"
        " opened_at = coalesce(correspondences.opened_at, excluded.opened_at),"
        " changed_ref = excluded.changed_ref, changed_at = excluded.changed_at",
        (
            *key,
            patient_account,
            sealed,
            new_state,
            *opened,
            message_ref,
            tx.now,
        ),
    )
    return True


def _touch(tx: Transaction, key: tuple[bytes, bytes], message_ref: str) -> None:
    """Remember the newest message that left the state as it was."""
    tx.sql(
        "UPDATE correspondences SET changed_ref = ?, changed_at = ?"
        " WHERE patient_index = ? AND professional_index = ?",
        (message_ref, tx.now, *key),
    )


def withdraw(tx: Transaction, patient: str, message_ref: str) -> int:
    """Undo what one message alone opened for a patient, because it never arrived: how many.

    A relation that any other message has touched stays: it has a ground of its own.
    """
    rows = tx.sql(
        "DELETE FROM correspondences WHERE patient_index = ? AND state = 'OPEN'"
        " AND opened_ref = ? AND changed_ref = ? RETURNING patient_index",
        (tx.vault.index.of("address", patient), message_ref, message_ref),
    )
    return len(rows.fetchall())


def of_patient(view: View, patient_account: AccountId) -> list[Correspondence]:
    """Every relation of a patient whose account is here, the latest change first."""
    rows = view.sql(
        "SELECT sealed, professional_index, state, opened_ref, opened_at, changed_ref, changed_at"
        " FROM correspondences WHERE patient_account = ?"
        " ORDER BY changed_at DESC, changed_ref DESC",
        (patient_account,),
    ).fetchall()
    seal = view.vault.account(view, patient_account)
    found = []
    for sealed, professional_index, *rest in rows:
        opened = json.loads(seal.open(bytes(sealed), _context(bytes(professional_index))))
        found.append(Correspondence(opened["address"], opened["name"], *rest))
    return found


def _context(professional_index: bytes) -> bytes:
    """What binds a sealed name to its relation: one moved to another row does not open."""
    return b"correspondence " + professional_index


def _key(view: View, patient: str, professional: str) -> tuple[bytes, bytes]:
    index = view.vault.index
    return index.of("address", patient), index.of("address", professional)
