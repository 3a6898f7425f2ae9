"""Facts about a message's own content, for the policy: authorship, findings, closing, reply-to."""

from mss_gateway.directory.ins import normal_ins
from mss_gateway.dossier.examination import ExaminationSettings, examine_attachment
from mss_gateway.failures import Failure
from mss_gateway.life import enclosed
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.judgement import Judged
from mss_gateway.life.policy import Envelope, exchange_facts
from mss_gateway.message import attachments, trace
from mss_gateway.message.address import (
    AddressMalformed,
    parse_address,
    parse_author,
    parse_mailboxes,
)
from mss_gateway.message.header import Header, field_text
from mss_gateway.message.part import Message, is_attachment
from policies.facts import ExchangeFacts, Finding, MessageFacts
from policies.first_contact import closes_by_field, closes_by_subject
from policies.people import Role

REMOVED_FIELDS = frozenset(
    {
        "bcc",
        "resent-bcc",
        "return-path",
        "authentication-results",
        "x-mss-signature",
        "x-mss-dechiffrement",
        "x-mss-draft",
    }
)
"""Blind recipients must not travel; the others are the gateway's to write, never a sender's."""


NOBODY = ("",)
"""Stands for an address that no one has: what we cannot read, some reader will, and believe."""


def message_facts(
    gateway: Gateway, envelope: Envelope, recipients: tuple[str, ...], judged: Judged
) -> MessageFacts:
    """What the rules at message look at, exchanges included; the commit reads those again."""
    message, limits = judged.message, gateway.config.limits
    patients = patient_ins(gateway, recipients)
    reverse_path = envelope.reverse_path
    return MessageFacts(
        author=envelope.author.party,
        reverse_path=None if reverse_path is None else str(reverse_path),
        from_field_count=len(message.root.header.all("from")),
        from_addresses=authors(message.header),
        sender_addresses=addresses(message.header, "sender", unreadable=NOBODY),
        recipients=recipients,
        has_patient_recipient=bool(patients),
        exchanges=_exchanges(gateway, envelope, recipients),
        size=len(message.raw),
        size_limit=limits.message_octets,
        size_limit_to_patient=limits.patient_message_octets,
        received_count=trace.count_received(message.header),
        received_limit=trace.HOP_LIMIT,
        has_client_keys=envelope.author.smime == "client",
        signature=judged.status,
        signer_addresses=judged.signer_addresses,
        findings=findings(gateway, message, patients),
    )


def _exchanges(
    gateway: Gateway, envelope: Envelope, recipients: tuple[str, ...]
) -> tuple[ExchangeFacts, ...]:
    if envelope.author.role is not Role.PATIENT:
        return ()
    with gateway.database.read() as view:
        return exchange_facts(view, envelope.author.party, recipients)


def closes(message: Message) -> bool:
    """Whether the message ends the exchange: subject ``[FIN]`` or ``X-MSS-MES: FIN``."""
    header = message.root.header
    return closes_by_subject(header.text("subject") or "") or any(
        closes_by_field(field_text(value)) for value in header.all("x-mss-mes")
    )


def reply_to(message: Message) -> tuple[str, ...]:
    """The addresses of Reply-To, in normal form; empty when the field cannot be read."""
    return addresses(message.header, "reply-to", unreadable=())


def has_xdm(message: Message) -> bool:
    """Whether an attachment is an archive of documents, by its name or by its layout."""
    return bool(enclosed.archives(attachments.attachments(message)))


def author_name(message: Message) -> str:
    """The display name of the author, as the message writes it; an address is no name."""
    try:
        found = [parse_author(field_text(value)) for value in message.header.all("from")]
    except AddressMalformed:
        return ""
    names = [one.display_name for one in found if "@" not in one.display_name]
    return names[0] if len(found) == 1 and names else ""


def authors(header: Header) -> tuple[str, ...]:
    """The author of every From field, as the one parser of addresses reads it; empty if unclear."""
    try:
        return tuple(str(parse_author(field_text(value)).address) for value in header.all("from"))
    except AddressMalformed:
        return ()


def addresses(header: Header, name: str, unreadable: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses of every field of that name; ``unreadable`` when one of them cannot be read."""
    found: list[str] = []
    for value in header.all(name):
        try:
            found += [str(mailbox.address) for mailbox in parse_mailboxes(field_text(value))]
        except AddressMalformed:
            return unreadable
    return tuple(found)


def patient_ins(gateway: Gateway, recipients: tuple[str, ...]) -> frozenset[str]:
    """Of the patients among the recipients."""
    suffix = "@" + gateway.config.site.patient_domain
    found = (
        normal_ins(parse_address(recipient).local)
        for recipient in recipients
        if recipient.endswith(suffix)
    )
    return frozenset(ins for ins in found if ins is not None)


def findings(gateway: Gateway, message: Message, patients: frozenset[str]) -> tuple[Finding, ...]:
    """What is wrong with the attachments: by content for everyone, as documents for patients."""
    settings = ExaminationSettings(gateway.config.identity.accept_test_ins)
    found: list[Finding] = []
    if attachments.forbidden_part(message) is not None:
        found.append(Finding.FORBIDDEN_TYPE)
    if patients:
        # a message forwarded as an attachment brings its own: they reach the patient all the same
        for part in message.root.walk():
            if not is_attachment(part) or part.message is not None:
                continue
            name = attachments.safe_name(part.filename)
            wrong = examine_attachment(name, part.decoded(message.raw), patients, settings)
            found += [_FINDINGS[each.failure] for each in wrong]
    return tuple(dict.fromkeys(found))


_FINDINGS = {
    Failure.XDM_UNREADABLE: Finding.XDM_UNREADABLE,
    Failure.XDM_WRONG_PATIENT: Finding.XDM_WRONG_PATIENT,
    Failure.XDM_HASH_MISMATCH: Finding.XDM_HASH_MISMATCH,
    Failure.XDM_HIDDEN_FROM_PATIENT: Finding.XDM_HIDDEN_FROM_PATIENT,
}
