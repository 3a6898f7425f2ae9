"""A form of a message that was sent in: kept as a draft, or handed over to ``life.submission``.

What is sent stays exactly one message: the same form sent twice is told by its identity and by
what it says, and of two at the same time the second waits for the first. What bears the identity of
a message that left and says something else is never taken for it. The draft goes, and what was sent
is put on record, in the transaction right after the one that accepts the message: a crash in
between may leave the draft, but never loses the message; sending that draft again finds it sent.
"""

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from mailbox_store import messages, threads
from mailbox_store.database import Transaction
from mailbox_store.errors import StoreUnavailable
from mailbox_store.flags import ANSWERED
from mss_gateway.dossier.sealed import digest_of
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import drafts, enclosing, policy, submission
from mss_gateway.life.submission import Submission
from mss_gateway.message.address import EmailAddress, Mailbox
from mss_gateway.message.build import HeaderInjection, Outgoing, OutgoingFile, compose
from mss_gateway.message.parse import scan
from mss_gateway.observability import log
from mss_gateway.webmail import contacts, drafting, reading, replying, saying
from mss_gateway.webmail.contacts import Contact
from mss_gateway.webmail.drafting import TEXT_LIMIT, Sheet, Typed
from mss_gateway.webmail.forms import FILES_LIMIT
from mss_gateway.webmail.saying import Said
from mss_gateway.webmail.visit import Visit

_TURNS: Final = tuple(threading.Lock() for _ in range(64))
"""Who saves or sends the same draft takes turns; two others may share one."""


class Incomplete(Refused):
    """Something is missing in a form, or too much in it: ``field`` is where, ``key`` says what."""

    def __init__(self, field: str, key: str, failure: Failure = Failure.HEADER_MALFORMED) -> None:
        super().__init__(failure)
        self.field, self.key = field, key


def upload_limit(message_octets: int) -> int:
    """Octets of a form whose files, in base64, still make a message of ``message_octets``.

    Base64 in lines takes 78/57 of the file (RFC 2045 §6.8); 18/25 leaves room for the rest.
    """
    return message_octets * 18 // 25


def keep(visit: Visit, sheet: Sheet, typed: Typed, files: Sequence[OutgoingFile]) -> int:
    """Save what was typed as a draft, with ``files``; the UID where it stands now.

    Raises Refused: DRAFT_CHANGED when another window's version stands in its place; Incomplete for
    what is too long, too many or too big; what the rules say of a recipient who never was one.
    """
    gateway, patient = visit.gateway, visit.patient
    check_room(visit, files)
    if len(typed.text) > TEXT_LIMIT:
        raise Incomplete("texte", "web.erreur_long")
    recipients = _kept_recipients(visit, sheet, typed)
    seen = None if sheet.draft is None else sheet.draft.uid
    with _turn(sheet):
        if seen is None and standing(visit, sheet) is not None:
            raise Refused(Failure.DRAFT_CHANGED)
        written = sheet
        if is_sent(visit, sheet):  # what left is out of reach; this is the draft of another message
            written = replace(sheet, identity=drafting.identity_of(gateway, ""))
        made = drafting.outgoing(gateway, patient, written, typed, recipients, files)
        raw = _composed(drafting.as_draft(made, written, typed))
        return drafts.save(gateway, patient, raw, seen)


def send(visit: Visit, sheet: Sheet, typed: Typed, files: Sequence[OutgoingFile]) -> bool:
    """Ask policy as a submission server would, compose, and hand over.

    False, and nothing was sent, when something else left under this identity before. Raises
    Refused: DRAFT_CHANGED when another version of the draft stands than the one that was shown;
    Incomplete; what the rules say.
    """
    gateway, patient, original = visit.gateway, visit.patient, sheet.original
    if original is None and not typed.chosen:
        raise Incomplete("destinataires", "web.erreur_destinataire")
    recipients = _recipients(visit, sheet, typed)
    if not typed.text.strip() and not files:
        raise Incomplete("texte", "web.erreur_vide")
    if len(typed.text) > TEXT_LIMIT:
        raise Incomplete("texte", "web.erreur_long")
    check_room(visit, files)
    envelope = contacts.envelope_of(patient)
    policy.at_sender(gateway, envelope, None)
    for position, (_, address) in enumerate(recipients):
        policy.at_recipient(gateway, envelope, address, position)
    if original is not None and typed.is_quoting:
        typed = replace(typed, text=typed.text + _quoted(original))
    mailboxes = [Mailbox(name, address) for name, address in recipients]
    raw = _composed(drafting.outgoing(gateway, patient, sheet, typed, mailboxes, files))
    addresses = tuple(address for _, address in recipients)
    thread_id = None
    with gateway.database.read() as view:
        if original is not None:
            thread_id = threads.of_message(view, patient.account_id, original.row.message_id)
    digests = [digest_of(file.content) for file in files]
    seen = None if sheet.draft is None else sheet.draft.uid
    with _turn(sheet):
        if standing(visit, sheet) not in (None, seen):
            raise Refused(Failure.DRAFT_CHANGED)
        ref, left = "", _left(visit, sheet)
        if left and saying.said_in(scan(raw)) not in left:
            return False
        if not left:
            handed = Submission(envelope, addresses, raw, thread_id=thread_id)
            ref = submission.accept(gateway, handed).message_ref
        _settle(visit, sheet, digests, ref)
    return True


def left_already(
    visit: Visit, sheet: Sheet, typed: Typed, files: Sequence[OutgoingFile], kept: Sequence[str]
) -> bool:
    """Whether just this was sent, of a draft that is gone; ``kept``: digests of its files."""
    left = _left(visit, sheet)
    if not left:
        return False
    try:
        recipients = _recipients(visit, sheet, typed)
        if sheet.original is not None and typed.is_quoting:
            typed = replace(typed, text=typed.text + _quoted(sheet.original))
        named = [Mailbox(name, address) for name, address in recipients]
        made = drafting.outgoing(visit.gateway, visit.patient, sheet, typed, named, files)
        return saying.said_in(scan(_composed(made)), kept) in left
    except Refused:
        return False  # it cannot be said any more, so it is not known to be the same


def standing(visit: Visit, sheet: Sheet) -> int | None:
    """Where the draft with the identity of a form stands, whoever saved it."""
    with visit.gateway.database.read() as view:
        return drafts.find_again(view, visit.patient, sheet.message_id)


def is_sent(visit: Visit, sheet: Sheet) -> bool:
    """Whether something was sent under the identity of the form, whatever it said."""
    with visit.gateway.database.read() as view:
        return drafts.was_sent(view, visit.patient, sheet.message_id)


def check_room(visit: Visit, files: Sequence[OutgoingFile]) -> None:
    """Raise Incomplete unless the files, few enough and small enough, make one message."""
    if len(files) > FILES_LIMIT:
        raise Incomplete("fichiers", "brouillon.trop_de_fichiers", Failure.MESSAGE_TOO_BIG)
    if sum(len(file.content) for file in files) > room_of(visit):
        raise Incomplete("fichiers", "brouillon.trop_lourd", Failure.MESSAGE_TOO_BIG)


def room_of(visit: Visit) -> int:
    """Octets of files that one message may bring."""
    return upload_limit(visit.gateway.config.limits.patient_message_octets)


def _settle(visit: Visit, sheet: Sheet, digests: Sequence[str], ref: str) -> None:
    """The message is out of our hands: its draft goes, the original is marked, documents noted.

    Nothing that fails here may look as if the message had not been sent.
    """
    patient, original = visit.patient, sheet.original
    uid = None if sheet.draft is None else sheet.draft.uid

    def unit(tx: Transaction) -> None:
        if uid is not None:
            drafts.forget(tx, patient, uid)
        if ref:
            enclosing.note_sent(tx, patient, digests, ref)
        if original is not None:
            messages.set_flags(tx, original.mailbox_id, [original.row.uid], -1, ANSWERED)

    try:
        visit.gateway.database.write(unit)
    except StoreUnavailable as error:
        log.note("draft not settled", failure=type(error).__name__, message_ref=ref)


def _left(visit: Visit, sheet: Sheet) -> list[Said]:
    """What was said in each message that left under the identity of the form."""
    with visit.gateway.database.read() as view:
        copies = drafts.sent_copies(view, visit.patient, sheet.message_id)
    return [saying.said_in(message) for message in copies]


def _recipients(visit: Visit, sheet: Sheet, typed: Typed) -> list[tuple[str, EmailAddress]]:
    """Name and address of everyone it is for; the rules are asked afterwards. Raises Refused."""
    if sheet.original is not None:
        return sheet.original.recipients(to_all=typed.to_all)
    written = {contact.token: contact for contact in _written(sheet)}
    found: list[tuple[str, EmailAddress]] = []
    with visit.gateway.database.read() as view:
        unknown = [token for token in typed.chosen if token not in written]
        named = contacts.named(visit.gateway, view, visit.patient, unknown)
    chosen = [written[token] for token in dict.fromkeys(typed.chosen) if token in written]
    found += [(contact.name, contact.address) for contact in chosen]
    return found + named


def _kept_recipients(visit: Visit, sheet: Sheet, typed: Typed) -> list[Mailbox]:
    """Whom a draft is for: also those to whom it cannot be sent any more.

    Somebody who is no contact and not in the draft either is refused by the rule itself.
    """
    found = _recipients(visit, sheet, typed)
    if sheet.original is None:
        with visit.gateway.database.read() as view:
            known = contacts.of_patient(visit.gateway, view, visit.patient)
        familiar = {contact.address for contact in (*known, *_written(sheet))}
        envelope = contacts.envelope_of(visit.patient)
        for position, (_, address) in enumerate(found):
            if address not in familiar:
                policy.at_recipient(visit.gateway, envelope, address, position)
    return [Mailbox(name, address) for name, address in found]


def _written(sheet: Sheet) -> tuple[Contact, ...]:
    return () if sheet.draft is None else sheet.draft.contacts


def _composed(made: Outgoing) -> bytes:
    try:
        return compose(made)
    except HeaderInjection:
        raise Refused(Failure.HEADER_MALFORMED) from None


def _quoted(original: replying.Original) -> str:
    text = reading.text_of(original.message, original.evidence).plain or ""
    return replying.quoted(text, original.evidence.signer, original.row.internal_date)


def _turn(sheet: Sheet) -> threading.Lock:
    return _TURNS[hash(sheet.identity) % len(_TURNS)]
