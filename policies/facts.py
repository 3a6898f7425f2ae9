"""What a rule may look at: frozen values, one per moment, gathered by whoever asks.

Addresses are strings in their one normal form, lower-case; sizes are octets. A fact that could not
be gathered is given as unknown (None, ``NONE``, ``UNCHECKED``), and unknown is refused.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from policies.people import Party, Role, Standing


class Exchange(Enum):
    """What stands between one patient and one professional mailbox."""

    NONE = "none"
    OPEN = "open"
    CLOSED = "closed"


class SignatureStatus(Enum):
    """What verification said of the message as submitted, before the gateway signs."""

    ABSENT = "absent"
    VALID = "valid"
    INVALID = "invalid"
    UNCHECKED = "unchecked"


class Finding(Enum):
    """What an inspection of the content found; an empty tuple is a message without fault."""

    FORBIDDEN_TYPE = "forbidden_type"
    XDM_UNREADABLE = "xdm_unreadable"
    XDM_WRONG_PATIENT = "xdm_wrong_patient"
    XDM_HASH_MISMATCH = "xdm_hash_mismatch"
    XDM_HIDDEN_FROM_PATIENT = "xdm_hidden_from_patient"


class PeerProof(Enum):
    """What the certificate of another operator's server proves at this moment."""

    ABSENT = "absent"
    REJECTED = "rejected"
    UNCHECKED = "unchecked"
    """Everything but its revocation, of which nothing is known."""
    BELIEVED = "believed"


class RecordAction(Enum):
    """What is asked of a document of a medical record."""

    LIST = "list"
    READ = "read"
    DOWNLOAD = "download"
    FILE = "file"
    """Put a document into the record."""
    EDIT = "edit"
    """Change the title, the date or the category."""
    MASK = "mask"
    """Keep it from professionals, or show it to them again."""
    REMOVE = "remove"
    JOURNAL = "journal"
    """Read who did what in the record."""
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class SenderFacts:
    """At MAIL, or when a form is sent. ``declared_size`` is None when the client declared none."""

    author: Party
    reverse_path: str | None
    declared_size: int | None
    size_limit: int


@dataclass(frozen=True, slots=True)
class RecipientFacts:
    """At RCPT: one recipient, and what the house knows of them.

    ``recipient_role`` and ``recipient_standing`` are None for an address nobody holds.
    ``exchange`` means something for a patient author only. ``recipients_so_far`` counts those
    already accepted in this transaction. ``may_relay``: the author's messages may leave for another
    operator, which one from another operator never does. ``list_is_stale``: nobody has confirmed
    for too long who belongs to the trust space.
    """

    author: Party
    reverse_path: str | None
    recipient: str
    recipient_is_patient_domain: bool
    ins_is_well_formed: bool
    recipient_role: Role | None
    recipient_standing: Standing | None
    domain_is_ours: bool
    domain_is_trusted: bool
    exchange: Exchange
    recipient_accepts_patient_initiated: bool
    recipients_so_far: int
    recipient_limit: int
    may_relay: bool = False
    list_is_stale: bool = False


@dataclass(frozen=True, slots=True)
class ExchangeFacts:
    """For one recipient of a patient's message: the state as it is at the commit."""

    recipient: str
    recipient_role: Role | None
    exchange: Exchange
    recipient_accepts_patient_initiated: bool


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """At the commit: the whole message and every recipient accepted so far.

    ``from_field_count`` counts From fields, ``from_addresses`` the addresses of all of them;
    ``sender_addresses`` those of all Sender fields (empty when there is none).
    ``recipients`` are all of the envelope's; for a patient author each needs its own entry in
    ``exchanges``, read in the transaction that commits. ``has_client_keys``: the author signs in
    their own client. ``signer_addresses`` are the addresses in the signers' certificates.
    """

    author: Party
    reverse_path: str | None
    from_field_count: int
    from_addresses: tuple[str, ...]
    sender_addresses: tuple[str, ...]
    recipients: tuple[str, ...]
    has_patient_recipient: bool
    exchanges: tuple[ExchangeFacts, ...]
    size: int
    size_limit: int
    size_limit_to_patient: int
    received_count: int
    received_limit: int
    has_client_keys: bool
    signature: SignatureStatus
    signer_addresses: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class PeerFacts:
    """At MAIL of another operator's server.

    ``operator_domains`` are all domains of the operator that the certificate speaks for, as the
    white list groups them; none when it speaks for nobody there.
    """

    proof: PeerProof
    list_is_stale: bool
    operator_domains: frozenset[str]
    reverse_path: str | None
    declared_size: int | None
    size_limit: int


@dataclass(frozen=True, slots=True)
class ArrivalFacts:
    """At the commit of what another operator's server handed over.

    The author of ``message`` is a patient when From or the reverse-path is of a patients' domain;
    ``exchanges`` then holds one entry per patient named there and recipient. Its From and Sender
    are those outside; ``inside_addresses`` are those of From and Sender as they were found inside
    of an envelope or a signature. ``has_own_trace``: a Received field is ours. ``is_report``:
    nobody sat down to write it, and nobody is to be answered.
    """

    message: MessageFacts
    operator_domains: frozenset[str]
    inside_addresses: tuple[str, ...]
    has_own_trace: bool
    is_report: bool


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """At reading: who asks what of a document in whose record, or of the record itself.

    ``visibility`` holds the confidentiality codes of the document, as the CI-SIS writes them;
    ``is_actors_own``: the actor put it there; ``is_self_described``: it is a CDA, which says itself
    what it is, when, and what it is called.
    """

    actor: Party
    owner_account_id: int
    action: RecordAction
    visibility: frozenset[str] = frozenset()
    is_actors_own: bool = False
    is_self_described: bool = False


FromAuthor: TypeAlias = SenderFacts | RecipientFacts | MessageFacts
