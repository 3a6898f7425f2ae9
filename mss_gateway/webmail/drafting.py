"""What a form of a message holds, and the same as a draft: values only, nothing is written here.

Every form has an identity, the Message-ID of what will be sent: it is made with the page, its
drafts bear it, and so does the message. By it a form that is sent twice is sent once, and another
window's version of a draft is found.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from mailbox_store.database import View
from mss_gateway.directory.people import Person
from mss_gateway.life import drafts
from mss_gateway.life.drafts import Draft
from mss_gateway.life.gateway import Gateway
from mss_gateway.message import trace
from mss_gateway.message.address import AddressMalformed, Mailbox, parse_address, parse_mailboxes
from mss_gateway.message.attachments import Attachment, attachments, body_text, safe_name
from mss_gateway.message.build import Outgoing, OutgoingFile
from mss_gateway.message.header import field_text
from mss_gateway.message.part import Message
from mss_gateway.message.sniff import sniff
from mss_gateway.message.summary import Summary
from mss_gateway.message.words import display_safe
from mss_gateway.webmail import contacts, replying
from mss_gateway.webmail.contacts import Contact
from mss_gateway.webmail.forms import Form, SentFile
from mss_gateway.webmail.replying import REFERENCE_OCTETS, Original

SUBJECT_LIMIT: Final = 200
TEXT_LIMIT: Final = 100_000
"""Characters of a subject, and of a text."""

RECIPIENTS_LIMIT: Final = 100
"""Recipients of a draft who are looked at; whoever writes from a mail program may name more."""

FIELD: Final = "X-MSS-Draft"
"""Of a draft alone, never of what is sent: which message it answers, and whether it quotes it."""

_NOTE = re.compile(r"answers=([A-Za-z0-9-]{1,64}); quotes=(yes|no)")
_IDENTITY = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,128}@[A-Za-z0-9.-]{1,120}")
_IDENTIFIER = re.compile(r"<[^<>\s]+>")
_BREAK = re.compile(r"<\s*(?:br|/p|/div|/li|/h[1-6]|/tr)\b[^<>]*>", re.IGNORECASE)
_UNSEEN = re.compile(r"<(style|script|head|title)\b.*?(</\1\s*>|\Z)|<!--.*?(-->|\Z)", re.I | re.S)
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody typed and ticked. ``taken_out``: which of the draft's files, from 0."""

    chosen: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    is_quoting: bool = False
    to_all: bool = False
    taken_out: frozenset[int] = frozenset()

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to keep."""
        return not (self.chosen or self.subject.strip() or self.text.strip())

    def says_the_same(self, other: "Typed", *, is_answer: bool) -> bool:
        """Whether another window's version differs in nothing that could be lost.

        The form of an answer names neither recipients nor subject.
        """
        if self.taken_out or _lines(self.text) != _lines(other.text):
            return False
        if is_answer:
            return self.to_all == other.to_all
        return self.subject == other.subject and set(self.chosen) == set(other.chosen)


@dataclass(frozen=True, slots=True)
class Opened:
    """A draft to be written on. ``contacts``: whom it is for, permitted or not (any more)."""

    uid: int
    saved_at: int
    typed: Typed
    contacts: tuple[Contact, ...]
    files: tuple[Attachment, ...]
    in_reply_to: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is written on: a new message, an answer to ``original``, or a draft of either."""

    identity: str
    original: Original | None = None
    draft: Opened | None = None

    @property
    def action(self) -> str:
        """Where its form is sent."""
        if self.draft is not None:
            return f"/messages/brouillons/{self.draft.uid}"
        if self.original is not None:
            return f"/messages/{self.original.place}/repondre"
        return "/messages/nouveau"

    @property
    def message_id(self) -> str:
        """The Message-ID of its drafts and of what is sent."""
        return f"<{self.identity}>"


def identity_of(gateway: Gateway, given: str) -> str:
    """The identity that a form brought back, or a new one where it brings none that could be."""
    if _IDENTITY.fullmatch(given):
        return given
    return trace.new_message_id(gateway.config.site.domains[0], gateway.new_ref())[1:-1]


def typed_in(form: Form) -> Typed:
    """What a form brought."""
    taken_out = (one for one in form.all("retirer") if one.isascii() and one.isdigit())
    return Typed(
        tuple(token for token in form.all("destinataire") if token),
        display_safe(form.get("objet"), SUBJECT_LIMIT),
        form.get("texte").replace("\0", ""),
        form.get("citer") == "oui",
        form.get("a_tous") == "oui",
        frozenset(int(one) for one in taken_out if len(one) <= 3),
    )


def sheet_of(gateway: Gateway, patient: Person, uid: int) -> Sheet:
    """The draft at a UID to be written on; raises MessageNotFound of the store."""
    with gateway.database.read() as view:
        return opened(gateway, view, patient, drafts.find(view, patient, uid))


def opened(gateway: Gateway, view: View, patient: Person, draft: Draft) -> Sheet:
    """A draft as a sheet, whoever made it: this webmail or a mail program."""
    message = draft.message
    header = message.header
    note = _NOTE.fullmatch(header.unfolded(FIELD.lower()))
    original = None
    if note is not None:
        original = replying.original_of(gateway, view, patient, note[1])
    known = tuple(_contact(gateway, view, patient, each) for each in _named(message))
    reached = {contact.address for contact in original.answer.contacts} if original else set()
    typed = Typed(
        tuple(contact.token for contact in known),
        display_safe(header.text("subject"), SUBJECT_LIMIT),
        _text(message),
        note is not None and note[2] == "yes",
        bool(reached) and any(contact.address not in reached for contact in known),
    )
    summary_id = draft.message_id[1:-1] if draft.message_id else ""
    parents = _IDENTIFIER.findall(header.unfolded("in-reply-to"))
    references = _IDENTIFIER.findall(header.unfolded("references"))
    return Sheet(
        identity_of(gateway, summary_id),
        original,
        Opened(
            draft.uid,
            draft.saved_at,
            typed,
            known,
            attachments(message),
            parents[0] if parents and len(parents[0]) <= REFERENCE_OCTETS else "",
            tuple(one for one in references if len(one) <= REFERENCE_OCTETS),
        ),
    )


def kept_files(sheet: Sheet, typed: Typed) -> list[OutgoingFile]:
    """The files of the draft, without those that are taken out."""
    if sheet.draft is None:
        return []
    return [
        outgoing_file(each.claimed_name, each.content())
        for position, each in enumerate(sheet.draft.files)
        if position not in typed.taken_out
    ]


def kept_digests(form: Form, typed: Typed) -> list[str]:
    """The digests of the files that the form showed of its draft, but for those taken out."""
    digests = form.get("garde").split()
    return [one for position, one in enumerate(digests) if position not in typed.taken_out]


def given_files(files: Sequence[SentFile]) -> list[OutgoingFile]:
    """The files that a browser sent."""
    return [outgoing_file(file.name, file.content) for file in files]


def outgoing_file(name: str, content: bytes) -> OutgoingFile:
    """A file under a name that is safe, with the type that its bytes show."""
    return OutgoingFile(safe_name(name) or "document", sniff(content), content)


def outgoing(
    gateway: Gateway,
    patient: Person,
    sheet: Sheet,
    typed: Typed,
    recipients: Sequence[Mailbox],
    files: Sequence[OutgoingFile],
) -> Outgoing:
    """What is written as a message; a draft of it is told from it by :func:`as_draft`."""
    site, original = gateway.config.site, sheet.original
    parent, references = _parents(sheet)
    return Outgoing(
        author=Mailbox(patient.display_name(site.name_separator), parse_address(patient.address)),
        recipients=tuple(recipients),
        subject=typed.subject if original is None else original.title,
        text=typed.text,
        message_id=sheet.message_id,
        moment=gateway.now(),
        in_reply_to=parent,
        references=references,
        files=tuple(files),
    )


def as_draft(made: Outgoing, sheet: Sheet, typed: Typed) -> Outgoing:
    """The same with what only a draft says."""
    if sheet.original is None:
        return made
    quotes = "yes" if typed.is_quoting else "no"
    note = f"answers={sheet.original.row.message_ref}; quotes={quotes}"
    return replace(made, extra_fields=((FIELD, note),))


def _parents(sheet: Sheet) -> tuple[str, tuple[str, ...]]:
    """In-Reply-To and References (RFC 5322 §3.6.4)."""
    if sheet.original is not None:
        summary = Summary(sheet.original.row.summary)
        references = replying.thread(summary.references, summary.in_reply_to, summary.message_id)
        return summary.message_id if summary.message_id in references else "", references
    if sheet.draft is not None:
        return sheet.draft.in_reply_to, sheet.draft.references
    return "", ()


def _contact(gateway: Gateway, view: View, patient: Person, named: Mailbox) -> Contact:
    contact = contacts.contact_for(gateway, view, patient, str(named.address))
    is_name = "@" not in named.display_name
    return replace(contact, name=contact.name or (named.display_name if is_name else ""))


def _named(message: Message) -> list[Mailbox]:
    """Whom a draft is for, each once; what cannot be read names nobody."""
    found: dict[str, Mailbox] = {}
    for name in ("to", "cc", "bcc"):
        for value in message.header.all(name):
            try:
                for each in parse_mailboxes(field_text(value)):
                    found.setdefault(str(each.address), each)
            except AddressMalformed:
                continue
    return list(found.values())[:RECIPIENTS_LIMIT]


def _text(message: Message) -> str:
    """The text of a draft; of one that a mail program laid out, what it says."""
    shown = body_text(message)
    if shown.plain is not None:
        return _lines(shown.plain)
    if shown.html is None:
        return ""
    bare = _BREAK.sub("\n", _UNSEEN.sub(" ", " ".join(shown.html.split())))
    return html.unescape(_TAG.sub("", bare)).strip()


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
