"""The rule of the house: a professional must have written to the patient first.

Between one patient and one professional mailbox stands an ``Exchange``. What a professional's
message does to it when it is delivered::

    NONE    -- message --> OPEN          OPEN   -- closing message --> CLOSED
    CLOSED  -- message --> OPEN          NONE   -- closing message --> CLOSED

A patient's message changes nothing: it is let through while the exchange is OPEN, or while it is
NONE and the mailbox is an organisation's that takes a patient's first word (a pharmacy). Neither
does what nobody sat down to write (a report, an automatic reply), nor what did not arrive.

A closing message closes its author's own mailbox and grants nothing, not even by Reply-To. A
``Reply-To`` grants the mailboxes it names and not the author, whose exchange stays as it was.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from policies.facts import Exchange, ExchangeFacts, MessageFacts, RecipientFacts
from policies.people import Role
from policies.reasons import Reason

__all__ = [
    "Effect",
    "Exchange",
    "ReplyToCandidate",
    "Writing",
    "closes_by_field",
    "closes_by_subject",
    "effects",
    "is_automatic",
    "may_write",
    "reply_to_mailboxes",
    "takes_first_word",
]


@dataclass(frozen=True, slots=True)
class Writing:
    """One message to one recipient, as delivery sees it.

    ``author_role`` is the authenticated party's. ``author_address`` is the professional mailbox in
    From, which ``identity`` has found to be the author's own. ``reply_to`` is what
    ``reply_to_mailboxes`` let through. ``delivered`` is True in the transaction that puts the
    message into the recipient's mailbox, and at no other time.
    """

    author_role: Role
    author_address: str
    recipient_role: Role
    is_automatic: bool
    closes_by_subject: bool
    closes_by_field: bool
    reply_to: tuple[str, ...]
    delivered: bool


class Effect(NamedTuple):
    """The exchange between the recipient and this professional mailbox becomes that."""

    professional_address: str
    becomes: Exchange


@dataclass(frozen=True, slots=True)
class ReplyToCandidate:
    """An address found in Reply-To; ``role`` is None when the directory does not know it."""

    address: str
    role: Role | None
    domain_is_trusted: bool


# What a message is


def closes_by_subject(decoded_subject: str) -> bool:
    """True when the subject, decoded as RFC 2047 §6.1 says, is the five characters ``[FIN]``.

    White space around them does not count; case does, and so does any other character.
    """
    return decoded_subject.strip() == "[FIN]"


def closes_by_field(value: str) -> bool:
    """True when the value of one ``X-MSS-MES`` field is the three capitals ``FIN``.

    White space around them does not count. Of several fields one is enough.
    """
    return value.strip() == "FIN"


def is_automatic(
    reverse_path: str | None,
    auto_submitted: str | None,
    precedence: str | None,
    is_report: bool,
) -> bool:
    """True when nobody sat down to write the message: it opens nothing, and closes nothing.

    ``auto_submitted`` and ``precedence`` are the values of these fields, None when absent
    (RFC 3834 §5, RFC 3834 §3.1.8); ``is_report`` is True for any multipart/report, delivery report
    (RFC 3464 §2) or receipt (RFC 8098 §3). An Auto-Submitted that cannot be read as ``no`` counts
    as automatic.
    """
    keyword = "no" if auto_submitted is None else auto_submitted.partition(";")[0]
    return (
        reverse_path is None
        or keyword.strip().lower() != "no"
        or (precedence or "").strip().lower() in ("bulk", "junk", "list")
        or is_report
    )


def reply_to_mailboxes(candidates: Iterable[ReplyToCandidate]) -> tuple[str, ...]:
    """The addresses of Reply-To that can be granted: known professional mailboxes of the space.

    The rest is ignored, a patient's address first of all; each address is returned once, in order.
    """
    granted = (
        candidate.address
        for candidate in candidates
        if candidate.domain_is_trusted
        and candidate.role is not None
        and candidate.role.is_professional_side
    )
    return tuple(dict.fromkeys(granted))


# What a delivery does


def effects(writing: Writing) -> tuple[Effect, ...]:
    """What this delivery does to the exchanges of its recipient, whatever they were before.

    An exchange that is not named stays as it is. To be applied in the transaction of the delivery
    and once: a delivery that runs a second time delivers nothing, and so has no effect.
    """
    if not _counts(writing):
        return ()
    if _closes(writing):
        return (Effect(writing.author_address, Exchange.CLOSED),)
    return tuple(Effect(address, Exchange.OPEN) for address in _granted(writing))


def _counts(writing: Writing) -> bool:
    return (
        writing.author_role.is_professional_side
        and writing.recipient_role is Role.PATIENT
        and not writing.is_automatic
        and writing.delivered
    )


def _closes(writing: Writing) -> bool:
    return writing.closes_by_subject or writing.closes_by_field


def _granted(writing: Writing) -> tuple[str, ...]:
    return writing.reply_to or (writing.author_address,)


# What a patient may do


def takes_first_word(role: Role | None, is_flagged: bool) -> bool:
    """True for an organisation's mailbox flagged to be written to first: a pharmacy's.

    The flag means nothing on any other mailbox.
    """
    return is_flagged and role is Role.ORGANISATION


def may_write(exchange: Exchange, accepts_patient_initiated: bool) -> bool:
    """True when a patient may write; for showing what is possible, before anything is decided.

    ``accepts_patient_initiated`` is the answer of ``takes_first_word``. It stands in for a first
    message of the professional's, and never undoes a closing.
    """
    return not (_is_unopened(exchange, accepts_patient_initiated) or _is_closed(exchange))


def patient_to_patient(facts: RecipientFacts) -> Reason | None:
    """A patient does not write to a patient, nor to an address where a patient might be.

    Decided from the address, so that the answer does not tell whether anybody is there.
    """
    is_patient = facts.recipient_is_patient_domain or facts.recipient_role is Role.PATIENT
    return Reason.PATIENT_TO_PATIENT if _is_by_patient(facts) and is_patient else None


def not_yet_contacted(facts: RecipientFacts) -> Reason | None:
    """A patient writes to whoever wrote first; an address that nobody holds never did."""
    is_flagged = facts.recipient_accepts_patient_initiated
    first_word = takes_first_word(facts.recipient_role, is_flagged)
    is_refused = _is_by_patient(facts) and _is_unopened(facts.exchange, first_word)
    return Reason.NOT_YET_CONTACTED if is_refused else None


def exchange_closed(facts: RecipientFacts) -> Reason | None:
    """A patient does not write to a professional who ended the exchange."""
    is_refused = _is_by_patient(facts) and _is_closed(facts.exchange)
    return Reason.EXCHANGE_CLOSED if is_refused else None


# The same once more at the commit, because the exchange may have changed since


def patient_to_patient_at_commit(facts: MessageFacts) -> Reason | None:
    """As ``patient_to_patient``, for the message as a whole."""
    is_refused = _is_by_patient(facts) and facts.has_patient_recipient
    return Reason.PATIENT_TO_PATIENT if is_refused else None


def exchange_forgotten(facts: MessageFacts) -> Reason | None:
    """Every recipient of a patient's message is covered; one that is not was never contacted."""
    covered = {exchange.recipient for exchange in facts.exchanges}
    is_complete = bool(facts.recipients) and covered.issuperset(facts.recipients)
    return Reason.NOT_YET_CONTACTED if _is_by_patient(facts) and not is_complete else None


def not_yet_contacted_at_commit(facts: MessageFacts) -> Reason | None:
    """As ``not_yet_contacted``, for every recipient: one that was not contacted stops the whole."""
    is_refused = _is_by_patient(facts) and any(map(_is_unopened_at_commit, facts.exchanges))
    return Reason.NOT_YET_CONTACTED if is_refused else None


def exchange_closed_at_commit(facts: MessageFacts) -> Reason | None:
    """As ``exchange_closed``, for every recipient: one that was closed stops the whole."""
    is_refused = _is_by_patient(facts) and any(_is_closed(e.exchange) for e in facts.exchanges)
    return Reason.EXCHANGE_CLOSED if is_refused else None


def _is_by_patient(facts: RecipientFacts | MessageFacts) -> bool:
    return facts.author.role is Role.PATIENT


def _is_unopened(exchange: Exchange, accepts_patient_initiated: bool) -> bool:
    return exchange is Exchange.NONE and not accepts_patient_initiated


def _is_unopened_at_commit(facts: ExchangeFacts) -> bool:
    is_flagged = facts.recipient_accepts_patient_initiated
    return _is_unopened(facts.exchange, takes_first_word(facts.recipient_role, is_flagged))


def _is_closed(exchange: Exchange) -> bool:
    return exchange is Exchange.CLOSED
