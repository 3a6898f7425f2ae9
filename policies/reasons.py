"""Why something is refused: a closed list.

Each member bears the name of the row of the outside's error vocabulary that prints it, so that a
stage translates by name and never by judgement.
"""

from enum import Enum


class Reason(Enum):
    """Why a rule objects. Several causes share one member where telling them apart would tell
    a stranger that someone exists (``PATIENT_UNREACHABLE``, ``NOT_YET_CONTACTED``)."""

    # who is speaking
    ACCOUNT_SUSPENDED = "account_suspended"
    SENDER_NOT_YOURS = "sender_not_yours"
    FROM_NOT_YOURS = "from_not_yours"
    FROM_MALFORMED = "from_malformed"
    # the rule of the house
    NOT_YET_CONTACTED = "not_yet_contacted"
    EXCHANGE_CLOSED = "exchange_closed"
    PATIENT_TO_PATIENT = "patient_to_patient"
    # another operator's server
    PEER_UNPROVED = "peer_unproved"
    PEER_UNCHECKED = "peer_unchecked"
    PEER_OUTSIDE = "peer_outside"
    SENDER_NOT_OF_PEER = "sender_not_of_peer"
    FROM_NOT_OF_PEER = "from_not_of_peer"
    # to whom
    DOMAIN_OUTSIDE = "domain_outside"
    WHITELIST_STALE = "whitelist_stale"
    INS_MALFORMED = "ins_malformed"
    PATIENT_UNREACHABLE = "patient_unreachable"
    RECIPIENT_UNKNOWN = "recipient_unknown"
    RECIPIENT_UNAVAILABLE = "recipient_unavailable"
    TOO_MANY_RECIPIENTS = "too_many_recipients"
    # what
    MESSAGE_TOO_BIG = "message_too_big"
    MESSAGE_TOO_BIG_FOR_PATIENT = "message_too_big_for_patient"
    MAIL_LOOP = "mail_loop"
    SIGNATURE_REQUIRED = "signature_required"
    SIGNATURE_REJECTED = "signature_rejected"
    FORBIDDEN_TYPE = "forbidden_type"
    XDM_UNREADABLE = "xdm_unreadable"
    XDM_WRONG_PATIENT = "xdm_wrong_patient"
    XDM_HASH_MISMATCH = "xdm_hash_mismatch"
    XDM_HIDDEN_FROM_PATIENT = "xdm_hidden_from_patient"
    # the record
    DOCUMENT_NOT_FOUND = "document_not_found"
    DOCUMENT_OF_ANOTHER = "document_of_another"
    # nobody asked: an empty table
    NOT_ALLOWED = "not_allowed"

    @property
    def is_temporary(self) -> bool:
        """True when the same request may be granted later without anything being changed.

        The limit of recipients: the rest go in a next transaction (RFC 5321 §4.5.3.1.10); a
        white list that nobody has confirmed for too long; and a revocation that is not known now.
        """
        return self in (
            Reason.TOO_MANY_RECIPIENTS,
            Reason.WHITELIST_STALE,
            Reason.PEER_UNCHECKED,
        )
