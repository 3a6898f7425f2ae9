"""Who speaks and who is spoken to: parties, their roles, and how an account stands."""

from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """What a mailbox is: PER, ORG and APP of the trust space, a patient's, or the gateway's own."""

    PROFESSIONAL = "professional"
    ORGANISATION = "organisation"
    APPLICATION = "application"
    PATIENT = "patient"
    SYSTEM = "system"

    @property
    def is_professional_side(self) -> bool:
        """True for the mailboxes that may write to a patient first: PER, ORG and APP alike."""
        return self in (Role.PROFESSIONAL, Role.ORGANISATION, Role.APPLICATION)


class Standing(Enum):
    """How an account stands. ``CREATED`` was opened without opposition and never visited yet."""

    CREATED = "created"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    OPPOSED = "opposed"
    CLOSED = "closed"

    @property
    def receives(self) -> bool:
        """True when messages are delivered: a space never visited has a mailbox all the same."""
        return self in (Standing.CREATED, Standing.ACTIVE)


@dataclass(frozen=True, slots=True)
class Party:
    """Someone authenticated. ``addresses`` are theirs to write from, in normal lower-case form."""

    account_id: int
    role: Role
    addresses: frozenset[str]
    standing: Standing
