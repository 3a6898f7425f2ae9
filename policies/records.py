"""Who may read, file and download a document of a medical record.

To whoever may not see it a document does not exist: the reason is that of a document not found.
"""

from collections.abc import Mapping
from types import MappingProxyType

from policies.facts import RecordAction, RecordFacts
from policies.people import Role
from policies.reasons import Reason

HIDDEN_FROM_PATIENT = "INVISIBLE_PATIENT"
"""The confidentiality code of a document that the patient is not shown (CI-SIS JDV_J08)."""

MAY: Mapping[Role, frozenset[RecordAction]] = MappingProxyType(
    {Role.PATIENT: frozenset({RecordAction.READ, RecordAction.FILE, RecordAction.DOWNLOAD})}
)
"""What each role may ask of a record at all; a role or an action that is not listed may not."""


def suspended_actor(facts: RecordFacts) -> Reason | None:
    """The actor's account is in use: it may have been suspended since the session began."""
    return None if facts.actor.standing.receives else Reason.ACCOUNT_SUSPENDED


def unlisted_action(facts: RecordFacts) -> Reason | None:
    """The actor's role is listed in ``MAY`` with this action."""
    is_listed = facts.action in MAY.get(facts.actor.role, frozenset())
    return None if is_listed else Reason.DOCUMENT_NOT_FOUND


def record_of_another(facts: RecordFacts) -> Reason | None:
    """A record is open to the patient it belongs to, and to nobody else."""
    is_owner = facts.actor.account_id == facts.owner_account_id
    return None if is_owner else Reason.DOCUMENT_NOT_FOUND


def hidden_from_patient(facts: RecordFacts) -> Reason | None:
    """A document that its author hid from the patient is not shown to the patient, in any way."""
    is_hidden = facts.actor.role is Role.PATIENT and HIDDEN_FROM_PATIENT in facts.visibility
    return Reason.DOCUMENT_NOT_FOUND if is_hidden else None
