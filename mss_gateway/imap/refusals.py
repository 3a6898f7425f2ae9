"""What the store, the stages and the limits raise, as tagged replies: one translation for all."""

from typing import Final

from mailbox_store import errors
from mss_gateway.failures import Failure, Refused
from mss_gateway.imap.contents import Undecodable
from mss_gateway.imap.finding import SearchTooBroad
from mss_gateway.imap.responses import Reply, Say, Status, refused
from mss_gateway.imap.selected import MessagesGone, NumberAbsent

_FAILURES: Final[dict[type[Exception], Failure]] = {
    errors.MailboxNotFound: Failure.MAILBOX_NOT_FOUND,
    errors.MailboxExists: Failure.MAILBOX_EXISTS,
    errors.MessageNotFound: Failure.MESSAGE_NOT_FOUND,
    errors.StoreUnavailable: Failure.STORE_UNAVAILABLE,
    errors.StoreFailed: Failure.STORE_UNAVAILABLE,
}

_OWN: Final[dict[type[Exception], tuple[Status, bytes, str]]] = {
    errors.MailboxHasChildren: (Status.NO, b"HASCHILDREN", "imap.dossier_a_des_enfants"),
    errors.MailboxProtected: (Status.NO, b"CANNOT", "imap.dossier_protege"),
    errors.MailboxNameRefused: (Status.NO, b"CANNOT", "imap.dossier_nom_refuse"),
    errors.TooManyMailboxes: (Status.NO, b"LIMIT", "imap.dossiers_trop_nombreux"),
    errors.SpecialUseTaken: (Status.NO, b"USEATTR", "imap.usage_refuse"),
    errors.OverQuota: (Status.NO, b"OVERQUOTA", "imap.boite_pleine"),
    errors.TooManyKeywords: (Status.NO, b"LIMIT", "imap.mots_cles"),
    Undecodable: (Status.NO, b"UNKNOWN-CTE", "imap.contenu_indecodable"),
    SearchTooBroad: (Status.NO, b"LIMIT", "imap.recherche_trop_large"),
    MessagesGone: (Status.NO, b"EXPUNGEISSUED", "imap.messages_disparus"),
    NumberAbsent: (Status.BAD, b"", "imap.numero_absent"),
}


def reply_for(say: Say, error: Exception) -> Reply | None:
    """The reply that ``error`` deserves; None for what nobody foresaw."""
    if isinstance(error, Refused):
        return refused(say, error.failure, error.message_ref)
    failure = _FAILURES.get(type(error))
    if failure is not None:
        return refused(say, failure)
    own = _OWN.get(type(error))
    return None if own is None else Reply(own[0], say(own[2]), own[1])
