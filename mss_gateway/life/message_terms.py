"""What the text index is told of one message: the terms of its three parts, read from the store."""

from collections.abc import Callable, Mapping

from mailbox_store import accounts, changes, indexable
from mailbox_store.database import Database
from mailbox_store.errors import MessageNotFound
from mailbox_store.messages import MessageId
from mailbox_store.segment_draft import Pace
from mailbox_store.segments import Part
from mailbox_store.vault import AccountId
from mss_gateway.life import message_words
from mss_gateway.life.index_round import has_key
from mss_gateway.message import terms
from mss_gateway.message.summary import Summary
from mss_gateway.message.terms import Terms
from mss_gateway.message.text import READ_OCTETS, header_of
from mss_gateway.observability import log
from policies.people import Role

_PATIENT = Role.PATIENT.name.lower()
"""The kind of the accounts whose messages are searched in the webmail."""


def known(
    database: Database, account_id: AccountId, message_id: MessageId, pace: Pace
) -> Mapping[Part, Terms | None] | None:
    """What the index is told of a message; None when it is gone, or its account's key is.

    None for a part, or for all: the message is read by whoever searches.
    """
    try:
        with database.read() as view:
            if not has_key(view, account_id):
                return None
            summary = Summary(indexable.read_summary(view, account_id, message_id))
            raw = changes.read_body(view, account_id, message_id, 0, READ_OCTETS)
            evidence = None
            if accounts.kind_of(view, account_id) == _PATIENT:
                evidence = changes.read_evidence(view, account_id, message_id)
    except MessageNotFound:
        return None
    except Exception as error:
        return _unknown(error)
    told: dict[Part, Terms | None] = {}
    tellers: dict[Part, Callable[[], Terms | None]] = {
        Part.FIELDS: lambda: terms.of_fields(summary),
        Part.HEADER: lambda: terms.of_header(header_of(raw[: summary.header_size])),
        Part.BODY: lambda: _of_body(summary, evidence, raw),
    }
    for part, tell in tellers.items():
        pace()
        try:
            told[part] = tell()
        except Exception as error:
            return _unknown(error)
    return told


def _of_body(summary: Summary, evidence: bytes | None, raw: bytes) -> Terms | None:
    """The words as they stand; of a patient's message (it has evidence) also those of its page."""
    found = terms.of_body(raw)
    if found is not None and evidence is not None:
        found[terms.WORDS] = message_words.terms(message_words.said(summary, evidence, raw))
    return found


def _unknown(error: Exception) -> Mapping[Part, Terms | None]:
    """A message that is read by whoever searches, and who meets the same error there."""
    log.bug("index", error, stage="index")
    return dict.fromkeys(Part)
