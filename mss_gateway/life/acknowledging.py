"""What a receipt says and how it leaves: from whose mailbox it speaks, signed in their name.

A machine wrote it, so its reverse-path is null and it opens nothing. It gives back of the message
what lets its author know it again, nothing of its content.
"""

from dataclasses import dataclass
from typing import Final

from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountSeal
from mss_gateway import texts
from mss_gateway.directory.people import Person
from mss_gateway.dossier.errors import ImportCode
from mss_gateway.life import crypto
from mss_gateway.life.gateway import Gateway
from mss_gateway.message import mdn, report_form, trace
from mss_gateway.message.address import Mailbox, parse_address
from mss_gateway.message.header import field_text
from mss_gateway.message.mdn import Disposition, ReadReceipt
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message
from mss_gateway.message.report_form import Head, returned_header
from mss_gateway.message.summary import summarise
from mss_gateway.message.words import unfold
from mss_gateway.observability import audit
from mss_gateway.queue import items, spooled
from mss_gateway.queue.carried import Carried, Destined
from mss_gateway.queue.spooled import Queued

AGENT: Final = "MSS Gateway"
"""Of Reporting-UA, after the name of this server (RFC 8098 §3.2.1)."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a message in ``owner``'s mailbox, to whom.

    ``original_recipient`` is what its author called the owner, as a field says it; empty if that is
    not known. ``code`` is why its documents cannot be filed by a program.
    """

    owner: Person
    to: Destined
    message: Message
    disposition: Disposition
    original_recipient: str = ""
    code: ImportCode | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A receipt sealed for the queue; ``verdict`` is its word in the audit; see :func:`send`."""

    spool: AccountSeal
    queued: Queued
    to: Destined
    verdict: str


def receipt(gateway: Gateway, view: View, told: Told) -> Answer:
    """A receipt, for an author who asked for one; raises Refused(NO_CERTIFICATE_FOR_AUTHOR)."""
    made = ReadReceipt(
        _head(gateway, told),
        f"{gateway.config.site.hostname}; {AGENT}",
        parse_address(told.owner.address),
        told.disposition,
        told.original_recipient or _field(told.message, "original-recipient"),
    )
    return _signed(gateway, view, told, mdn.read_receipt(made))


def letter(gateway: Gateway, view: View, told: Told) -> Answer:
    """The same words as an ordinary message, for an author who asked for no receipt.

    Raises Refused(NO_CERTIFICATE_FOR_AUTHOR).
    """
    made = report_form.letter(_head(gateway, told), told.disposition.error)
    return _signed(gateway, view, told, made)


def send(
    gateway: Gateway, tx: Transaction, answer: Answer, owner: Person, message_ref: str
) -> None:
    """Queue a receipt about ``message_ref`` in the transaction that makes it the only one."""
    now = gateway.queue_clock.now()
    items.enqueue(tx, answer.spool, answer.queued, (answer.to,), now=now)
    gateway.metrics.reported.labels(answer.verdict).inc()
    audit.record(
        tx,
        actor=f"account:{owner.account_id}",
        act="report",
        object="receipt",
        verdict=answer.verdict,
        message_ref=message_ref,
    )


def error_of(code: ImportCode) -> str:
    """``code^libellé`` (domain DOC-22), in ASCII."""
    return f"{code.value}^{texts.ascii_line(f'integration.code_{code.value}')}"


def _head(gateway: Gateway, told: Told) -> Head:
    """From is whose mailbox it speaks of (RFC 8098 §3.1)."""
    site = gateway.config.site
    subject, text = _words(told)
    return Head(
        sender=Mailbox(
            told.owner.display_name(site.name_separator), parse_address(told.owner.address)
        ),
        to=parse_address(told.to.address),
        subject=subject,
        text=text,
        message_id=trace.new_message_id(site.domains[0], gateway.new_ref()),
        moment=gateway.now(),
        original=returned_header(told.message.raw),
    )


def _words(told: Told) -> tuple[str, str]:
    """Subject and text.

    Deviates: after ``XDM/1.0/DDM+`` the national form (domain DOC-22) repeats the subject, with a
    name and what was examined; the subject of a receipt may stand outside of every envelope.
    """
    if told.code is not None:
        number = str(told.code.value)
        motive = texts.text(f"integration.code_{number}")
        return (
            texts.text("courriel.integration_ko_objet", code=number),
            texts.text("courriel.integration_ko", motif=motive, code=number),
        )
    if told.disposition.kind == "displayed":
        return texts.text("courriel.lu_objet"), texts.text("courriel.lu")
    return texts.text("courriel.traite_objet"), texts.text("courriel.traite")


def _signed(gateway: Gateway, view: View, told: Told, raw: bytes) -> Answer:
    """Signed in the owner's name, as everything that leaves in it."""
    owner, to = told.owner, told.to
    signer = crypto.signer_of(gateway, owner)
    signed = crypto.sign(gateway, signer, raw, (parse_address(to.address),))
    carried = Carried(
        reverse_path=None,
        author=owner.address,
        author_account=owner.account_id,
        author_role=owner.role.name,
        channel="report",
        signature="valid",
        signer=owner.display_name(gateway.config.site.name_separator),
        signer_fingerprint=signer.fingerprint,
        is_automatic=True,
        closes=False,
        reply_to=(),
        has_xdm=False,
    )
    spool = view.vault.account(view, gateway.spool)
    queued = spooled.seal_message(
        spool, gateway.new_ref(), signed, summarise(scan(signed)), carried
    )
    verdict = told.disposition.kind if told.code is None else str(told.code.value)
    return Answer(spool, queued, to, verdict)


def _field(message: Message, name: str) -> str:
    value = message.header.first(name)
    return "" if value is None else unfold(field_text(value))
