"""Writing: a new message to somebody allowed, or an answer; both leave by ``life.submission``."""

from dataclasses import dataclass

from starlette.responses import Response

from mailbox_store import messages
from mailbox_store.changes import Row
from mailbox_store.database import MailboxId
from mailbox_store.flags import ANSWERED
from mss_gateway.failures import Failure, Refused, row
from mss_gateway.life import dossier, policy, submission
from mss_gateway.life.submission import Submission
from mss_gateway.message import trace
from mss_gateway.message.address import EmailAddress, Mailbox, parse_address
from mss_gateway.message.attachments import safe_name
from mss_gateway.message.build import HeaderInjection, Outgoing, OutgoingFile, compose
from mss_gateway.message.part import Message
from mss_gateway.message.sniff import sniff
from mss_gateway.message.summary import Summary
from mss_gateway.message.words import display_safe
from mss_gateway.webmail import contacts, reading, replying
from mss_gateway.webmail.contacts import Contact
from mss_gateway.webmail.pages import sentence
from mss_gateway.webmail.reading import Box, Evidence
from mss_gateway.webmail.visit import Visit, go_to

SUBJECT_LIMIT = 200
TEXT_LIMIT = 100_000

Mistake = tuple[str, str]
"""The id of a field, empty for none, and the key of what is wrong with it."""

_FIELDS = ("destinataires", "objet", "texte", "fichiers")
_AT = {
    Failure.NOT_YET_CONTACTED: "destinataires",
    Failure.EXCHANGE_CLOSED: "destinataires",
    Failure.HEADER_MALFORMED: "objet",
    Failure.MESSAGE_TOO_BIG: "fichiers",
    Failure.FORBIDDEN_TYPE: "fichiers",
}
"""Which field of the form a refusal is about, where it is about one."""


@dataclass(frozen=True, slots=True)
class _Original:
    """The message that is answered."""

    mailbox_id: MailboxId
    row: Row
    evidence: Evidence
    message: Message
    answer: replying.Answer


@dataclass(frozen=True, slots=True)
class _Draft:
    """What was typed, to be shown again when something is wrong."""

    chosen: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    is_quoting: bool = False


def new_page(visit: Visit) -> Response:
    """The form of a new message; ``?a=`` picks a contact."""
    if visit.form.fields:  # what was being written when the session was locked
        return _new_form(visit, _draft(visit))
    return _new_form(visit, _Draft(chosen=(visit.query.get("a", ""),)))


def send_new(visit: Visit) -> Response:
    """Send a new message to the contacts picked."""
    draft = _draft(visit)
    if not draft.chosen:
        return _new_form(visit, draft, ("destinataires", "web.erreur_destinataire"), 422)
    try:
        with visit.gateway.database.read() as view:
            recipients = contacts.named(visit.gateway, view, visit.patient, draft.chosen)
        _send(visit, draft, recipients, draft.subject)
    except Refused as refused:
        return _new_form(visit, draft, _said(refused), row(refused.failure).http)
    return go_to("/messages/envoyes?fait=envoye")


def answer_page(visit: Visit) -> Response:
    """The form of an answer."""
    return _answer_form(visit, _original(visit), _draft(visit))


def send_answer(visit: Visit) -> Response:
    """Send an answer to whom the original allows."""
    original, draft = _original(visit), _draft(visit)
    summary = Summary(original.row.summary)
    recipients = [(contact.name, contact.address) for contact in original.answer.contacts]
    if not recipients:  # the page offers no form then: a forged one gets the rule's own refusal
        recipients = [("", parse_address(original.evidence.signer_address))]
    references = replying.thread(summary.references, summary.in_reply_to, summary.message_id)
    try:
        _send(
            visit,
            draft,
            recipients,
            replying.answer_subject(summary.subject),
            (summary.message_id, references),
            _quoted(original) if draft.is_quoting else "",
        )
    except Refused as refused:
        return _answer_form(visit, original, draft, _said(refused), row(refused.failure).http)
    visit.gateway.database.write(
        lambda tx: messages.set_flags(tx, original.mailbox_id, [original.row.uid], -1, ANSWERED)
    )
    return go_to("/messages/envoyes?fait=envoye")


class _Incomplete(Refused):
    """Something is missing in the form; ``key`` says what."""

    def __init__(self, key: str) -> None:
        super().__init__(Failure.HEADER_MALFORMED)
        self.key = key


def _send(
    visit: Visit,
    draft: _Draft,
    recipients: list[tuple[str, EmailAddress]],
    subject: str,
    parents: tuple[str, tuple[str, ...]] = ("", ()),
    below: str = "",
) -> None:
    """Ask policy as a submission server would, compose, and hand over. Raises Refused."""
    gateway, patient = visit.gateway, visit.patient
    if not draft.text.strip() and not visit.form.files:
        raise _Incomplete("web.erreur_vide")
    if len(draft.text) > TEXT_LIMIT:
        raise _Incomplete("web.erreur_long")
    envelope = contacts.envelope_of(patient)
    policy.at_sender(gateway, envelope, None)
    for position, (_, address) in enumerate(recipients):
        policy.at_recipient(gateway, envelope, address, position)
    site = gateway.config.site
    outgoing = Outgoing(
        author=Mailbox(patient.display_name(site.name_separator), parse_address(patient.address)),
        recipients=tuple(Mailbox(name, address) for name, address in recipients),
        subject=subject,
        text=draft.text + below,
        message_id=trace.new_message_id(site.domains[0], gateway.new_ref()),
        moment=gateway.now(),
        in_reply_to=parents[0] if parents[0] in parents[1] else "",
        references=parents[1],
        files=tuple(
            OutgoingFile(safe_name(file.name) or "document", sniff(file.content), file.content)
            for file in visit.form.files
        ),
    )
    try:
        raw = compose(outgoing)
    except HeaderInjection:
        raise Refused(Failure.HEADER_MALFORMED) from None
    addresses = tuple(address for _, address in recipients)
    submission.accept(gateway, Submission(envelope, addresses, raw))


def _draft(visit: Visit) -> _Draft:
    form = visit.form
    return _Draft(
        tuple(token for token in form.all("destinataire") if token),
        display_safe(form.get("objet"), SUBJECT_LIMIT),
        form.get("texte").replace("\0", ""),
        form.get("citer") == "oui",
    )


def _original(visit: Visit) -> _Original:
    """The message to be answered; raises Refused when it allows no answer."""
    gateway, patient = visit.gateway, visit.patient
    with gateway.database.read() as view:
        mailbox, found = reading.row_of(view, patient, Box.RECEIVED, visit.number("uid"))
        message = dossier.read_message(view, patient, found.message_id)
        evidence = reading.evidence_of(view, patient, found)
        answer = replying.answer_to(gateway, view, patient, evidence, message)
    if answer is None:
        raise Refused(Failure.NOT_ALLOWED)
    return _Original(mailbox.mailbox_id, found, evidence, message, answer)


def _quoted(original: _Original) -> str:
    text = reading.text_of(original.message, original.evidence).plain or ""
    return replying.quoted(text, original.evidence.signer, original.row.internal_date)


def _said(refused: Refused) -> Mistake:
    if isinstance(refused, _Incomplete):
        return "texte", refused.key
    return _AT.get(refused.failure, ""), row(refused.failure).text


def _new_form(
    visit: Visit, draft: _Draft, error: Mistake | None = None, status: int = 200
) -> Response:
    with visit.gateway.database.read() as view:
        known = contacts.of_patient(visit.gateway, view, visit.patient)
    return _form(visit, draft, error, status, known, None)


def _answer_form(
    visit: Visit,
    original: _Original,
    draft: _Draft,
    error: Mistake | None = None,
    status: int = 200,
) -> Response:
    summary = Summary(original.row.summary)
    original_values = {
        "uid": original.row.uid,
        "title": replying.answer_subject(summary.subject),
        "objection": original.answer.objection,
    }
    return _form(visit, draft, error, status, list(original.answer.contacts), original_values)


def _form(
    visit: Visit,
    draft: _Draft,
    error: Mistake | None,
    status: int,
    known: list[Contact],
    original: dict[str, object] | None,
) -> Response:
    mistakes = [] if error is None else [error]
    if error is not None and visit.form.files:  # a browser gives no file back to its form
        mistakes.append(("fichiers", "web.rejoindre_fichiers"))
    shown = ("texte", "fichiers") if original is not None else _FIELDS
    return visit.page(
        "ecrire.html",
        status=status,
        draft=draft,
        errors=[(field if field in shown else "", sentence(key)) for field, key in mistakes],
        allowed=[contact for contact in known if contact.is_open],
        closed=[contact for contact in known if not contact.is_open],
        original=original,
        limit=upload_limit(visit.gateway.config.limits.patient_message_octets),
    )


def upload_limit(message_octets: int) -> int:
    """Octets of a form whose files, in base64, still make a message of ``message_octets``.

    Base64 in lines takes 78/57 of the file (RFC 2045 §6.8); 18/25 leaves room for the rest.
    """
    return message_octets * 18 // 25
