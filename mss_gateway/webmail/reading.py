"""Messages as a patient reads them: lists of a mailbox, one message, its attachments.

Values only; what is shown of a sender is the name that the directory gave when the message came in
(domain CIT-06), what is said of the signature is what was established then.
"""

import json
from dataclasses import dataclass
from enum import Enum

from mailbox_store import changes, mailboxes
from mailbox_store.changes import Row
from mailbox_store.database import MailboxId, View
from mailbox_store.errors import MailboxNotFound
from mailbox_store.flags import SEEN
from mailbox_store.mailboxes import Mailbox
from mss_gateway.directory.people import Person
from mss_gateway.dossier.naming import shown_subject
from mss_gateway.message.address import AddressMalformed, parse_mailboxes
from mss_gateway.message.attachments import BodyText, body_text
from mss_gateway.message.authentication import DECRYPTIONS, SIGNATURES, Decryption, Signature
from mss_gateway.message.header import Header, header_end, parse_header
from mss_gateway.message.legacy_display import is_for_encryption
from mss_gateway.message.part import Message
from mss_gateway.message.summary import Summary
from policies.first_contact import closes_by_subject

PAGE = 25
"""Messages or threads of one page of a list."""

NAMES_SHOWN = 4


class Box(Enum):
    """The lists that a patient has, by their word in a path."""

    RECEIVED = "recus"
    SENT = "envoyes"
    ARCHIVED = "archives"
    BINNED = "corbeille"


SPECIAL_USES = {Box.SENT: "\\Sent", Box.ARCHIVED: "\\Archive", Box.BINNED: "\\Trash"}
"""Which mailbox a list is (RFC 6154 §2); what was received is in INBOX."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was established when the message came in; all empty for what nobody established.

    ``author_account``: the account here that wrote it, 0 for nobody's.
    """

    signature: str = ""
    signer: str = ""
    signer_address: str = ""
    author_role: str = ""
    closes: bool = False
    verdict: tuple[str, ...] = ()
    author_account: int = 0

    @property
    def doubts(self) -> tuple[str, ...]:
        """Sentences, by their key, of what was found wanting when it came in from elsewhere."""
        if len(self.verdict) != 2 or self.is_signed:
            return ()
        signature, decryption = Signature(self.verdict[0]), Decryption(self.verdict[1])
        if decryption in (Decryption.NOT_ENCRYPTED, Decryption.DECRYPTED):
            return (SIGNATURES[signature].text,)
        return (DECRYPTIONS[decryption].text,)

    @property
    def is_signed(self) -> bool:
        """The signature was verified, and its certificate with it."""
        return self.signature == "valid"

    @property
    def is_from_system(self) -> bool:
        """Written by the gateway itself: a delivery report."""
        return self.author_role == "SYSTEM"


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a list. ``is_own``: the patient wrote it; ``name`` is then whom it went to.

    ``is_notice``: a closing without words, shown as a notice (CIT-07).
    """

    uid: int
    name: str
    title: str
    moment: int
    is_unread: bool
    has_attachment: bool
    is_notice: bool
    evidence: Evidence
    is_own: bool


@dataclass(frozen=True, slots=True)
class List:
    """One page of a list, the newest first; ``older`` continues it."""

    box: Box
    lines: tuple[Line, ...]
    messages: int
    unseen: int
    older: int | None
    is_first: bool


def text_of(message: Message, evidence: Evidence) -> BodyText:
    """The text that a page shows; what its author's own program repeated in it is left out."""
    repeats_fields = evidence.is_signed and is_for_encryption(message)
    return body_text(message, repeats_fields=repeats_fields)


def mailbox_of(view: View, patient: Person, box: Box) -> Mailbox:
    """The mailbox behind a list; raises MailboxNotFound of the store where nobody made one yet."""
    if box is Box.RECEIVED:
        return mailboxes.find(view, patient.account_id, "INBOX")
    found = mailboxes.find_special(view, patient.account_id, SPECIAL_USES[box])
    if found is None:
        raise MailboxNotFound(patient.account_id)
    return found


def standing_of(view: View, patient: Person, *boxes: Box) -> dict[Box, Mailbox]:
    """The mailboxes behind these lists, as far as there are any, in this order."""
    found: dict[Box, Mailbox] = {}
    for box in boxes:
        try:
            found[box] = mailbox_of(view, patient, box)
        except MailboxNotFound:
            continue
    return found


def place_of(view: View, patient: Person, message_ref: str, *boxes: Box) -> tuple[Box, int] | None:
    """In which of these lists a message stands, and its UID there; None when in none of them."""
    for box, mailbox in standing_of(view, patient, *boxes).items():
        uid = view.sql(
            "SELECT max(e.uid) FROM messages m JOIN entries e ON e.message_id = m.message_id"
            " WHERE m.account_id = ? AND m.message_ref = ? AND e.mailbox_id = ?",
            (patient.account_id, message_ref, mailbox.mailbox_id),
        ).scalar()
        if uid is not None:
            return box, int(uid)
    return None


def list_of(view: View, patient: Person, box: Box, before: int | None) -> List:
    """The page of a list below UID ``before``, or its first one; empty without a mailbox."""
    mailbox = standing_of(view, patient, box).get(box)
    if mailbox is None:
        return List(box, (), 0, 0, None, is_first=True)
    uids = _latest(view, mailbox.mailbox_id, before, PAGE + 1)
    lines = [line_of(view, patient, mailbox, box, uid) for uid in uids[:PAGE]]
    older = uids[PAGE - 1] if len(uids) > PAGE else None
    return List(box, tuple(lines), mailbox.messages, mailbox.unseen, older, is_first=before is None)


def row_of(view: View, patient: Person, box: Box, uid: int) -> tuple[Mailbox, Row]:
    """One message of a list; raises MessageNotFound of the store."""
    mailbox = mailbox_of(view, patient, box)
    return mailbox, changes.find_row(view, patient.account_id, mailbox.mailbox_id, uid)


def evidence_of(view: View, patient: Person, row: Row) -> Evidence:
    """What was established about a message when it came in."""
    kept = changes.read_evidence(view, patient.account_id, row.message_id)
    if not kept:
        return Evidence()
    fields = json.loads(kept)
    return Evidence(
        fields["signature"],
        fields["signer"],
        fields["signer_address"],
        fields["author_role"],
        fields["closes"],
        tuple(fields.get("verdict", ())),
        fields.get("author_account", 0),
    )


def is_own(patient: Person, box: Box, evidence: Evidence) -> bool:
    """Whether the patient wrote it: as established or, where nothing was, by where it lies."""
    if evidence == Evidence():
        return box is Box.SENT
    return evidence.author_account == patient.account_id


def shown_title(subject: str) -> str:
    """A subject without the mark of an archive; may be empty."""
    return shown_subject(subject)


def recipient_names(header: Header) -> str:
    """The names written in To, never an address; empty when it has none that can be read."""
    try:
        found = parse_mailboxes(header.unfolded("to"))
    except AddressMalformed:
        return ""
    names = [mailbox.display_name for mailbox in found if "@" not in mailbox.display_name]
    return ", ".join([name for name in names if name][:NAMES_SHOWN])


def is_notice(summary: Summary, evidence: Evidence) -> bool:
    """A closing that says nothing else: its whole subject is the mark (CIT-07)."""
    return evidence.closes and closes_by_subject(summary.subject)


def line_of(view: View, patient: Person, mailbox: Mailbox, box: Box, uid: int) -> Line:
    """One message as a list shows it; raises MessageNotFound of the store."""
    row = changes.find_row(view, patient.account_id, mailbox.mailbox_id, uid)
    summary, evidence = Summary(row.summary), evidence_of(view, patient, row)
    name, own = evidence.signer, is_own(patient, box, evidence)
    if own:
        octets = changes.read_body(view, patient.account_id, row.message_id, 0, summary.header_size)
        name = recipient_names(parse_header(octets, 0, header_end(octets, 0, len(octets))[0]))
    return Line(
        uid,
        name,
        shown_title(summary.subject),
        row.internal_date,
        not row.flags & SEEN,
        summary.has_attachment,
        not own and is_notice(summary, evidence),
        evidence,
        own,
    )


def _latest(view: View, mailbox_id: MailboxId, before: int | None, count: int) -> list[int]:
    """The UIDs below ``before``, the highest first: the cost of a page, not of the mailbox."""
    rows = view.sql(
        "SELECT uid FROM entries WHERE mailbox_id = ? AND uid < ? ORDER BY uid DESC LIMIT ?",
        (mailbox_id, before or 1 << 32, count),
    )
    return [int(uid) for (uid,) in rows.fetchall()]
