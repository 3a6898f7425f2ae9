# ruff: noqa: E501 - a table reads as a table
"""THE error vocabulary: every way in which the outside is told "no", in one table.

Leaves raise their own exceptions or return a reason; a stage turns that into one ``Failure`` here,
and ``smtp/replies.py``, ``imap/responses.py``, ``webmail/app.py`` and ``message/dsn.py`` only print
the row. The public line never holds a cause, a path, a rule or a name; the cause goes to the log.

Codes: RFC 5321 §4.2.3 (SMTP), RFC 3463 §3 (enhanced), RFC 5530 §3 (IMAP), RFC 9110 §15 (HTTP).
"""

from dataclasses import dataclass
from enum import Enum


class Failure(Enum):
    """What the outside is told. A member without a row, or a row without a member, fails a test."""

    # who is speaking
    BAD_CREDENTIALS = "bad_credentials"
    TLS_REQUIRED = "tls_required"
    AUTH_REQUIRED = "auth_required"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    ACCOUNT_SUSPENDED = "account_suspended"
    # the rule of the house
    NOT_YET_CONTACTED = "not_yet_contacted"
    EXCHANGE_CLOSED = "exchange_closed"
    PATIENT_TO_PATIENT = "patient_to_patient"
    # addresses
    SENDER_NOT_YOURS = "sender_not_yours"
    FROM_NOT_YOURS = "from_not_yours"
    FROM_MALFORMED = "from_malformed"
    ADDRESS_MALFORMED = "address_malformed"
    INS_MALFORMED = "ins_malformed"
    PATIENT_UNREACHABLE = "patient_unreachable"
    RECIPIENT_UNKNOWN = "recipient_unknown"
    RECIPIENT_UNAVAILABLE = "recipient_unavailable"
    DOMAIN_OUTSIDE = "domain_outside"
    TOO_MANY_RECIPIENTS = "too_many_recipients"
    # the message
    MESSAGE_TOO_BIG = "message_too_big"
    MESSAGE_TOO_BIG_FOR_PATIENT = "message_too_big_for_patient"
    BARE_LINE_ENDING = "bare_line_ending"
    HEADER_MALFORMED = "header_malformed"
    MIME_TOO_DEEP = "mime_too_deep"
    MIME_TOO_MANY_PARTS = "mime_too_many_parts"
    MAIL_LOOP = "mail_loop"
    FORBIDDEN_TYPE = "forbidden_type"
    SIGNATURE_REJECTED = "signature_rejected"
    SIGNATURE_REQUIRED = "signature_required"
    SIGNATURE_UNCHECKED = "signature_unchecked"
    CANNOT_OPEN = "cannot_open"
    NO_CERTIFICATE_FOR_RECIPIENT = "no_certificate_for_recipient"
    NO_CERTIFICATE_FOR_AUTHOR = "no_certificate_for_author"
    # documents
    XDM_UNREADABLE = "xdm_unreadable"
    XDM_WRONG_PATIENT = "xdm_wrong_patient"
    XDM_HASH_MISMATCH = "xdm_hash_mismatch"
    XDM_HIDDEN_FROM_PATIENT = "xdm_hidden_from_patient"
    FIELDS_DIFFER = "fields_differ"
    DOCUMENT_NOT_FOUND = "document_not_found"
    DOCUMENT_OF_ANOTHER = "document_of_another"
    DOCUMENT_CHANGED = "document_changed"
    DOCUMENT_NOT_TAKEN = "document_not_taken"
    # other operators
    PEER_UNPROVED = "peer_unproved"
    PEER_UNCHECKED = "peer_unchecked"
    PEER_OUTSIDE = "peer_outside"
    SENDER_NOT_OF_PEER = "sender_not_of_peer"
    FROM_NOT_OF_PEER = "from_not_of_peer"
    PEER_UNREACHABLE = "peer_unreachable"
    PEER_REFUSED = "peer_refused"
    DROPPED = "dropped"
    PEER_DEFERS = "peer_defers"
    DESTINATION_UNPROVED = "destination_unproved"
    DESTINATION_UNKNOWN = "destination_unknown"
    DESTINATION_TAKES_NONE = "destination_takes_none"
    WHITELIST_STALE = "whitelist_stale"
    OWN_CERTIFICATE = "own_certificate"
    # store and service
    MAILBOX_NOT_FOUND = "mailbox_not_found"
    MAILBOX_EXISTS = "mailbox_exists"
    MAILBOX_READ_ONLY = "mailbox_read_only"
    MAILBOX_FULL = "mailbox_full"
    MESSAGE_NOT_FOUND = "message_not_found"
    DRAFT_CHANGED = "draft_changed"
    DRAFTS_FULL = "drafts_full"
    NOT_ALLOWED = "not_allowed"
    FORM_EXPIRED = "form_expired"
    SERVICE_BUSY = "service_busy"
    DISK_FULL = "disk_full"
    STORE_UNAVAILABLE = "store_unavailable"
    BUG = "bug"


@dataclass(frozen=True, slots=True)
class Row:
    """One printed form per protocol of one failure; ``text`` is a key of ``texts/fr.toml``."""

    smtp: int
    enhanced: str
    imap: str
    http: int
    retry: bool
    text: str


# fmt: off
_TABLE: dict[Failure, Row] = {
    Failure.BAD_CREDENTIALS: Row(535, "5.7.8", "AUTHENTICATIONFAILED", 401, False, "refus.identifiants"),
    Failure.TLS_REQUIRED: Row(530, "5.7.0", "PRIVACYREQUIRED", 403, False, "refus.tls"),
    Failure.AUTH_REQUIRED: Row(530, "5.7.0", "AUTHENTICATIONFAILED", 401, False, "refus.authentification"),
    Failure.TOO_MANY_ATTEMPTS: Row(454, "4.7.0", "LIMIT", 429, True, "attente.tentatives"),
    Failure.ACCOUNT_SUSPENDED: Row(535, "5.7.8", "AUTHENTICATIONFAILED", 401, False, "refus.identifiants"),
    Failure.NOT_YET_CONTACTED: Row(550, "5.7.1", "NOPERM", 403, False, "refus.premier_contact"),
    Failure.EXCHANGE_CLOSED: Row(550, "5.7.1", "NOPERM", 403, False, "refus.echange_clos"),
    Failure.PATIENT_TO_PATIENT: Row(550, "5.7.1", "NOPERM", 403, False, "refus.entre_usagers"),
    Failure.SENDER_NOT_YOURS: Row(553, "5.7.1", "NOPERM", 403, False, "refus.expediteur"),
    Failure.FROM_NOT_YOURS: Row(550, "5.7.1", "NOPERM", 403, False, "refus.auteur"),
    Failure.FROM_MALFORMED: Row(550, "5.6.0", "CANNOT", 422, False, "refus.auteur_invalide"),
    Failure.ADDRESS_MALFORMED: Row(553, "5.1.3", "CANNOT", 422, False, "refus.adresse"),
    Failure.INS_MALFORMED: Row(553, "5.1.3", "CANNOT", 422, False, "refus.ins"),
    Failure.PATIENT_UNREACHABLE: Row(550, "5.7.1", "NONEXISTENT", 404, False, "refus.usager_indisponible"),
    Failure.RECIPIENT_UNKNOWN: Row(550, "5.1.1", "NONEXISTENT", 404, False, "refus.destinataire_inconnu"),
    Failure.RECIPIENT_UNAVAILABLE: Row(550, "5.2.1", "NONEXISTENT", 404, False, "refus.destinataire_indisponible"),
    Failure.DOMAIN_OUTSIDE: Row(550, "5.7.1", "NOPERM", 403, False, "refus.domaine"),
    Failure.TOO_MANY_RECIPIENTS: Row(452, "4.5.3", "LIMIT", 422, True, "refus.trop_de_destinataires"),
    Failure.MESSAGE_TOO_BIG: Row(552, "5.3.4", "TOOBIG", 413, False, "refus.taille"),
    Failure.MESSAGE_TOO_BIG_FOR_PATIENT: Row(552, "5.3.4", "TOOBIG", 413, False, "refus.taille_usager"),
    Failure.BARE_LINE_ENDING: Row(550, "5.5.2", "CANNOT", 422, False, "refus.fins_de_ligne"),
    Failure.HEADER_MALFORMED: Row(550, "5.6.0", "CANNOT", 422, False, "refus.entete"),
    Failure.MIME_TOO_DEEP: Row(552, "5.6.0", "CANNOT", 422, False, "refus.structure"),
    Failure.MIME_TOO_MANY_PARTS: Row(552, "5.6.0", "CANNOT", 422, False, "refus.structure"),
    Failure.MAIL_LOOP: Row(554, "5.4.6", "CANNOT", 422, False, "refus.boucle"),
    Failure.FORBIDDEN_TYPE: Row(554, "5.7.1", "CANNOT", 422, False, "refus.type_interdit"),
    Failure.SIGNATURE_REJECTED: Row(554, "5.7.7", "CANNOT", 422, False, "refus.signature"),
    Failure.SIGNATURE_REQUIRED: Row(554, "5.7.7", "CANNOT", 422, False, "refus.signature_absente"),
    Failure.SIGNATURE_UNCHECKED: Row(451, "4.7.5", "CANNOT", 409, True, "attente.signature"),
    Failure.CANNOT_OPEN: Row(554, "5.7.5", "CANNOT", 422, False, "refus.dechiffrement"),
    Failure.NO_CERTIFICATE_FOR_RECIPIENT: Row(451, "4.7.5", "CANNOT", 409, True, "attente.certificat"),
    Failure.NO_CERTIFICATE_FOR_AUTHOR: Row(451, "4.7.5", "CANNOT", 409, True, "attente.certificat_auteur"),
    Failure.XDM_UNREADABLE: Row(554, "5.6.0", "CANNOT", 422, False, "refus.xdm_illisible"),
    Failure.XDM_WRONG_PATIENT: Row(554, "5.6.0", "CANNOT", 422, False, "refus.xdm_autre_patient"),
    Failure.XDM_HASH_MISMATCH: Row(554, "5.6.0", "CANNOT", 422, False, "refus.xdm_empreinte"),
    Failure.XDM_HIDDEN_FROM_PATIENT: Row(554, "5.7.1", "CANNOT", 403, False, "refus.xdm_invisible"),
    Failure.FIELDS_DIFFER: Row(554, "5.6.0", "CANNOT", 422, False, "refus.champs_mss"),
    Failure.DOCUMENT_NOT_FOUND: Row(550, "5.1.1", "NONEXISTENT", 404, False, "refus.document_absent"),
    Failure.DOCUMENT_OF_ANOTHER: Row(550, "5.7.1", "NOPERM", 403, False, "refus.document_autrui"),
    Failure.DOCUMENT_CHANGED: Row(451, "4.3.0", "INUSE", 409, True, "attente.document_modifie"),
    Failure.DOCUMENT_NOT_TAKEN: Row(550, "5.7.0", "CANNOT", 415, False, "refus.document_type"),
    Failure.PEER_UNPROVED: Row(550, "5.7.1", "PRIVACYREQUIRED", 403, False, "refus.pair_sans_preuve"),
    Failure.PEER_UNCHECKED: Row(451, "4.7.5", "UNAVAILABLE", 503, True, "attente.pair_revocation"),
    Failure.PEER_OUTSIDE: Row(550, "5.7.1", "NOPERM", 403, False, "refus.pair_hors_liste"),
    Failure.SENDER_NOT_OF_PEER: Row(553, "5.7.1", "NOPERM", 403, False, "refus.pair_expediteur"),
    Failure.FROM_NOT_OF_PEER: Row(550, "5.7.1", "NOPERM", 403, False, "refus.pair_auteur"),
    Failure.PEER_UNREACHABLE: Row(451, "4.4.1", "UNAVAILABLE", 503, True, "attente.operateur"),
    Failure.WHITELIST_STALE: Row(451, "4.3.5", "UNAVAILABLE", 503, True, "attente.liste_blanche"),
    Failure.OWN_CERTIFICATE: Row(451, "4.7.5", "UNAVAILABLE", 503, True, "attente.certificat_serveur"),
    Failure.DROPPED: Row(554, "5.3.0", "CANNOT", 422, False, "refus.retire"),
    Failure.PEER_REFUSED: Row(554, "5.3.0", "CANNOT", 422, False, "refus.operateur"),
    Failure.PEER_DEFERS: Row(451, "4.3.0", "UNAVAILABLE", 503, True, "attente.operateur_differe"),
    Failure.DESTINATION_UNPROVED: Row(454, "4.7.5", "UNAVAILABLE", 503, True, "attente.operateur_prouve"),
    Failure.DESTINATION_UNKNOWN: Row(550, "5.1.2", "NONEXISTENT", 404, False, "refus.operateur_inconnu"),
    Failure.DESTINATION_TAKES_NONE: Row(556, "5.1.10", "NONEXISTENT", 404, False, "refus.operateur_sans_courrier"),
    Failure.MAILBOX_NOT_FOUND: Row(550, "5.1.1", "NONEXISTENT", 404, False, "refus.dossier_absent"),
    Failure.MAILBOX_EXISTS: Row(550, "5.7.1", "ALREADYEXISTS", 409, False, "refus.dossier_existe"),
    Failure.MAILBOX_READ_ONLY: Row(550, "5.7.1", "NOPERM", 403, False, "refus.lecture_seule"),
    Failure.MAILBOX_FULL: Row(452, "4.2.2", "OVERQUOTA", 507, True, "attente.quota"),
    Failure.MESSAGE_NOT_FOUND: Row(550, "5.1.1", "NONEXISTENT", 404, False, "refus.message_absent"),
    Failure.DRAFT_CHANGED: Row(451, "4.3.0", "INUSE", 409, True, "attente.brouillon_modifie"),
    Failure.DRAFTS_FULL: Row(452, "4.2.2", "OVERQUOTA", 507, True, "attente.brouillons"),
    Failure.NOT_ALLOWED: Row(550, "5.7.1", "NOPERM", 403, False, "refus.interdit"),
    Failure.FORM_EXPIRED: Row(550, "5.7.1", "NOPERM", 403, False, "refus.formulaire"),
    Failure.SERVICE_BUSY: Row(451, "4.3.1", "LIMIT", 503, True, "attente.service"),
    Failure.DISK_FULL: Row(452, "4.3.1", "UNAVAILABLE", 503, True, "attente.espace"),
    Failure.STORE_UNAVAILABLE: Row(451, "4.3.0", "UNAVAILABLE", 503, True, "attente.service"),
    Failure.BUG: Row(451, "4.3.0", "SERVERBUG", 500, True, "erreur.interne"),
}
# fmt: on


def row(failure: Failure) -> Row:
    """The printed forms of ``failure``; every member has one (tests/house)."""
    return _TABLE[failure]


class Refused(Exception):
    """A stage says no. ``cause`` is for the log only and never reaches the wire."""

    def __init__(self, failure: Failure, cause: str = "", message_ref: str | None = None) -> None:
        super().__init__(failure.value)
        self.failure = failure
        self.cause = cause
        self.message_ref = message_ref
