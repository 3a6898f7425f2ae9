"""What an answer needs of the message it answers: to whom, under which subject, in which thread.

A patient's answer asks for no read receipt: the rule gives that question to professionals, whom
the patient answers without being asked (domain OP-24).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mailbox_store.changes import Row
from mailbox_store.database import MailboxId, View
from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import content, dossier, peers
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.address import (
    AddressMalformed,
    EmailAddress,
    Mailbox,
    parse_address,
    parse_mailboxes,
)
from mss_gateway.message.header import field_text
from mss_gateway.message.part import Message
from mss_gateway.message.summary import Summary
from mss_gateway.message.words import display_safe
from mss_gateway.texts import Language
from mss_gateway.webmail import contacts, dates, reading
from mss_gateway.webmail.contacts import Contact
from mss_gateway.webmail.pages import sentence
from mss_gateway.webmail.reading import Box, Evidence, shown_title

ANSWERED_IN = ("recus", "archives")
"""The lists whose messages are answered, by their word in a path."""

EVERYONE_LIMIT = 100
"""Recipients of an original who are looked at for an answer to all."""

REFERENCES_LIMIT = 40
"""Message-IDs of a thread that are kept: the first, and the latest (RFC 5322 §3.6.4)."""

QUOTED_LIMIT = 20_000
"""Characters of a quoted message."""

REFERENCE_OCTETS = 900
"""A Message-ID longer than that fits no line (RFC 5322 §2.1.1) and is left out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """To whom an answer may go. ``objection`` is a key of ``fr.toml``, empty when it may."""

    contacts: tuple[Contact, ...]
    objection: str


@dataclass(frozen=True, slots=True)
class Original:
    """The message that is answered. ``place`` is its list and UID, as a path has them.

    ``others``: whom the original named beside its author, each once, without the patient.
    """

    place: str
    mailbox_id: MailboxId
    row: Row
    evidence: Evidence
    message: Message
    answer: Answer
    others: tuple[Contact, ...]

    @property
    def title(self) -> str:
        """The subject of an answer."""
        return answer_subject(Summary(self.row.summary).subject)

    @property
    def may_be_to_all(self) -> bool:
        """Whether an answer to all would reach anybody whom one to the author does not."""
        return bool(self.answer.contacts) and any(other.is_open for other in self.others)

    @property
    def left_out(self) -> tuple[Contact, ...]:
        """Who receives no answer, whatever is chosen, and why."""
        return tuple(other for other in self.others if not other.is_open)

    def recipients(self, *, to_all: bool) -> list[tuple[str, EmailAddress]]:
        """Name and address of whom an answer goes to; its author where nobody may be answered.

        A form is not offered then: whoever forges one gets the refusal of the rule itself.
        """
        chosen = list(self.answer.contacts)
        if to_all and chosen:
            chosen += [other for other in self.others if other.is_open]
        if not chosen:
            return [(self.evidence.signer, parse_address(self.evidence.signer_address))]
        return [(contact.name, contact.address) for contact in chosen]


def find_original(gateway: Gateway, patient: Person, box: str, uid: int) -> Original:
    """The message to be answered; raises Refused: MESSAGE_NOT_FOUND for a list whose messages are
    not answered, NOT_ALLOWED for a message that nobody sat down to write.
    """
    known = next((one for one in Box if one.value == box and box in ANSWERED_IN), None)
    if known is None:
        raise Refused(Failure.MESSAGE_NOT_FOUND)
    with gateway.database.read() as view:
        found = _original(gateway, view, patient, known, uid)
    if found is None:
        raise Refused(Failure.NOT_ALLOWED)
    return found


def original_of(gateway: Gateway, view: View, patient: Person, message_ref: str) -> Original | None:
    """The message with this reference, wherever it may be answered; None when it stands nowhere."""
    answered = (box for box in Box if box.value in ANSWERED_IN)
    place = reading.place_of(view, patient, message_ref, *answered)
    return None if place is None else _original(gateway, view, patient, *place)


def _original(gateway: Gateway, view: View, patient: Person, box: Box, uid: int) -> Original | None:
    mailbox, row = reading.row_of(view, patient, box, uid)
    message = dossier.read_message(view, patient, row.message_id)
    evidence = reading.evidence_of(view, patient, row)
    answer = answer_to(gateway, view, patient, evidence, message)
    if answer is None:
        return None
    taken = {str(contact.address) for contact in answer.contacts}
    taken |= {patient.address, evidence.signer_address}
    others = tuple(_others(gateway, view, patient, message, taken))
    place = f"{box.value}/{row.uid}"
    return Original(place, mailbox.mailbox_id, row, evidence, message, answer, others)


def _others(
    gateway: Gateway, view: View, patient: Person, message: Message, taken: set[str]
) -> Iterator[Contact]:
    """Whom To and Cc name and an answer to the author does not reach.

    A professional is called as the directory calls them, or as the message does; a patient is told
    to another one without a name.
    """
    for named in _named(message)[:EVERYONE_LIMIT]:
        address = str(named.address)
        if address in taken:
            continue
        taken.add(address)
        contact = contacts.contact_for(gateway, view, patient, address)
        if peers.is_patients(gateway, named.address.domain):
            yield replace(contact, name=sentence("brouillon.autre_usager"))
        else:
            is_name = "@" not in named.display_name
            yield replace(contact, name=contact.name or (named.display_name if is_name else ""))


def _named(message: Message) -> list[Mailbox]:
    found: list[Mailbox] = []
    for name in ("to", "cc"):
        for value in message.header.all(name):
            try:
                found += parse_mailboxes(field_text(value))
            except AddressMalformed:
                continue  # what cannot be read names nobody
    return found


def answer_to(
    gateway: Gateway, view: View, patient: Person, evidence: Evidence, message: Message
) -> Answer | None:
    """Whom an answer goes to: those of Reply-To who may be written to, else the author (CIT-10).

    None for what nobody sat down to write.
    """
    if evidence.is_from_system or not evidence.signer_address:
        return None
    for address_list in (content.reply_to(message), (evidence.signer_address,)):
        asked = [contacts.contact_for(gateway, view, patient, one) for one in address_list]
        allowed = tuple(contact for contact in asked if contact.is_open)
        if allowed:
            return Answer(allowed, "")
    return Answer((), asked[-1].objection)


def answer_subject(subject: str) -> str:
    """« Re: … », once."""
    title = shown_title(subject)
    return title if title.lower().startswith("re:") else f"Re: {title}".strip()


def thread(
    references: Sequence[str], in_reply_to: Sequence[str], message_id: str
) -> tuple[str, ...]:
    """The References of an answer (RFC 5322 §3.6.4), bounded."""
    parents = list(references) or list(in_reply_to)[:1]
    kept = [one for one in (*parents, message_id) if one and len(one) <= REFERENCE_OCTETS]
    if len(kept) > REFERENCES_LIMIT:
        kept = kept[:1] + kept[-(REFERENCES_LIMIT - 1) :]
    return tuple(kept)


def quoted(text: str, name: str, moment: int) -> str:
    """The original below an answer, each line marked; in French, as its reader is."""
    head = sentence(
        "web.citation",
        language=Language.FRENCH,
        nom=display_safe(name),
        jour=dates.day(moment, Language.FRENCH),
    )
    lines = text[:QUOTED_LIMIT].replace("\r\n", "\n").split("\n")
    return "\n\n" + head + "\n" + "\n".join(f"> {line}".rstrip() for line in lines)
