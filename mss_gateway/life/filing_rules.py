"""The patient's own rule at work: attachments that are filed as their message is.

Only what a correspondent wrote under a valid signature: the rest waits for the patient's click, as
everything does by default. The stage that asks may run twice; a document is filed once.
"""

from collections.abc import Iterator
from typing import Final

from mailbox_store.database import View
from mss_gateway.directory.people import Person
from mss_gateway.dossier import catalogue, filing_rules, intake
from mss_gateway.dossier.documents import Category
from mss_gateway.dossier.filing import PlainFile
from mss_gateway.dossier.filing_rules import Rule
from mss_gateway.dossier.sealed import digest_of
from mss_gateway.life import enclosed, proposals
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.attachments import Attachment, attachments
from mss_gateway.message.part import Message
from mss_gateway.message.sniff import sniff
from mss_gateway.queue.carried import Carried
from policies.people import Role

MAX_FILED: Final = 20
"""Attachments of one message that a rule files; of a message with more, the first."""

AUTHORS: Final = frozenset({Role.PROFESSIONAL.name, Role.ORGANISATION.name, Role.APPLICATION.name})
"""Who writes to patients; nothing that the gateway or a patient wrote is filed by a rule."""


def rule_for(view: View, patient: Person, carried: Carried) -> Rule | None:
    """The rule that files the attachments of a message, None when none does."""
    is_candidate = (
        patient.role is Role.PATIENT
        and carried.author_role in AUTHORS
        and carried.signature == "valid"
        and not carried.is_automatic
    )
    return filing_rules.applies(view, patient.account_id, carried.author) if is_candidate else None


def chosen(gateway: Gateway, view: View, patient: Person, message: Message) -> list[Attachment]:
    """The attachments that a rule files: of a type and a size that a record takes, and new.

    What the patient removed once is not brought back; the PDF copies beside an archive are what
    the archive holds (domain.md DOC-04).
    """
    found = list(attachments(message))
    packed = enclosed.archives(found)
    kept: list[Attachment] = []
    for one in found:
        if len(kept) == MAX_FILED:
            break
        if one in packed or enclosed.is_copy(one, packed):
            continue
        if _is_taken(gateway, view, patient, one):
            kept.append(one)
    return kept


def described(
    gateway: Gateway, found: list[Attachment], category: Category | None, subject: str, dated: int
) -> Iterator[tuple[Attachment, PlainFile]]:
    """Each with the title, date and category under which it is filed.

    Its text may be read by a sub-process: hold nothing open meanwhile.
    """
    for one in found:
        name = one.claimed_name or "document"
        file = proposals.described(
            gateway, name, one.content(), category, subject=subject, dated=dated
        )
        yield one, file


def _is_taken(gateway: Gateway, view: View, patient: Person, one: Attachment) -> bool:
    limits = gateway.config.dossier
    if one.part.message is not None or _is_inline_picture(one):
        return False
    if not 0 < one.size <= limits.deposit_octets + 2:  # what base64 rounds up
        return False
    content = one.content()
    return intake.objection(
        limits, sniff(content), len(content)
    ) is None and not catalogue.was_removed(view, patient.account_id, digest_of(content))


def _is_inline_picture(one: Attachment) -> bool:
    """A logo that the text of the message shows, not something sent along."""
    return (
        one.part.disposition != "attachment"
        and one.part.header.first("content-id") is not None
        and one.claimed_type.startswith("image/")
    )
