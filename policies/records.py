"""Who may do what in a medical record, and with which of its documents.

To whoever may not see it a document does not exist: the reason is that of a document not found.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from policies.facts import RecordAction, RecordFacts
from policies.people import Role
from policies.reasons import Reason

HIDDEN_FROM_PATIENT = "INVISIBLE_PATIENT"
"""The confidentiality code of a document that the patient is not shown (CI-SIS JDV_J08)."""


class Condition(Enum):
    """With which documents something is allowed."""

    ANY = "any document"
    OWN = "a document that the actor put there"
    OWN_WORDS = "a document that the actor put there, and that does not describe itself"


RIGHTS: Mapping[Role, Mapping[RecordAction, Condition]] = MappingProxyType(
    {
        Role.PATIENT: MappingProxyType(
            {
                RecordAction.LIST: Condition.ANY,
                RecordAction.READ: Condition.ANY,
                RecordAction.DOWNLOAD: Condition.ANY,
                RecordAction.FILE: Condition.ANY,
                RecordAction.EDIT: Condition.OWN_WORDS,
                RecordAction.MASK: Condition.ANY,
                RecordAction.REMOVE: Condition.OWN,
                RecordAction.JOURNAL: Condition.ANY,
                RecordAction.EXPORT: Condition.ANY,
            }
        )
    }
)
"""What each role may ask of a record; a role or an action that is not listed may not."""


def suspended_actor(facts: RecordFacts) -> Reason | None:
    """The actor's account is in use: it may have been suspended since the session began."""
    return None if facts.actor.standing.receives else Reason.ACCOUNT_SUSPENDED


def unlisted_action(facts: RecordFacts) -> Reason | None:
    """The actor's role is listed in ``RIGHTS`` with this action."""
    return None if _condition(facts) is not None else Reason.DOCUMENT_NOT_FOUND


def record_of_another(facts: RecordFacts) -> Reason | None:
    """A record is open to the patient it belongs to, and to nobody else."""
    is_owner = facts.actor.account_id == facts.owner_account_id
    return None if is_owner else Reason.DOCUMENT_NOT_FOUND


def hidden_from_patient(facts: RecordFacts) -> Reason | None:
    """A document that its author hid from the patient is not shown to the patient, in any way."""
    is_hidden = facts.actor.role is Role.PATIENT and HIDDEN_FROM_PATIENT in facts.visibility
    return Reason.DOCUMENT_NOT_FOUND if is_hidden else None


def document_of_another(facts: RecordFacts) -> Reason | None:
    """What is allowed with one's own documents only is asked of such a one."""
    condition = _condition(facts)
    is_met = condition in (None, Condition.ANY) or (
        facts.is_actors_own and not (condition is Condition.OWN_WORDS and facts.is_self_described)
    )
    return None if is_met else Reason.DOCUMENT_OF_ANOTHER


def _condition(facts: RecordFacts) -> Condition | None:
    return RIGHTS.get(facts.actor.role, {}).get(facts.action)
