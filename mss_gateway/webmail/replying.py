"""What an answer needs of the message it answers: to whom, under which subject, in which thread."""

from collections.abc import Sequence
from dataclasses import dataclass

from mailbox_store.database import View
from mss_gateway.directory.people import Person
from mss_gateway.life import content
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.part import Message
from mss_gateway.message.words import display_safe
from mss_gateway.texts import Language
from mss_gateway.webmail import contacts, dates
from mss_gateway.webmail.contacts import Contact
from mss_gateway.webmail.pages import sentence
from mss_gateway.webmail.reading import Evidence, shown_title

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
