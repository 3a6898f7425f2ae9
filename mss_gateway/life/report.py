"""Stage report: what became of an item that could not be delivered, told to its author.

A report has the null reverse-path, holds no content of the message, and is itself queued in the
transaction that ends the item: it cannot be lost, and there is one per recipient (RFC 3464).
Nothing is reported about a report.
"""

from concurrent.futures import Future

from mailbox_store.database import Transaction
from mailbox_store.vault import AccountSeal
from mss_gateway import texts
from mss_gateway.directory import people
from mss_gateway.failures import Failure, row
from mss_gateway.life.gateway import Gateway
from mss_gateway.message import dsn, trace
from mss_gateway.message.address import Mailbox, parse_address
from mss_gateway.message.header import header_end, parse_header
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from mss_gateway.observability import audit
from mss_gateway.queue import items
from mss_gateway.queue.items import Carried, Item, Message, Queued
from policies.people import Role

_RETURNED = frozenset(
    {"return-path", "received", "date", "from", "sender", "to", "cc", "message-id"}
)
"""Fields of the message that a report repeats; a subject or a list of documents is content."""

_IDENTIFIER_OCTETS = 900
"""A Message-ID above this cannot be repeated in a line of its own (RFC 5322 §2.1.1)."""


def give_up(gateway: Gateway, item: Item, failure: Failure) -> "Future[None]":
    """End an item that failed for good, and report to whoever is behind the reverse-path."""
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
        message = items.read_message(view, spool, item.message_ref)
        report = None
        if message is not None and message.carried.reverse_path is not None:
            fields = items.read_body(view, spool, message)
            report = _compose(gateway, spool, item, message, fields, failure)

    def unit(tx: Transaction) -> None:
        if not items.holds(tx, item):
            return
        if report is not None and message is not None:
            recipient = message.carried.reverse_path
            assert recipient is not None
            if people.by_address(tx, recipient) is not None:
                items.enqueue(tx, spool, report, (recipient,), "deliver")
        audit.record(
            tx,
            actor="system",
            act="report",
            object="one recipient",
            verdict=failure.value,
            message_ref=item.message_ref,
        )
        items.finish(tx, item)

    return gateway.database.submit(unit)


def _compose(
    gateway: Gateway,
    spool: AccountSeal,
    item: Item,
    message: Message,
    raw: bytes,
    failure: Failure,
) -> Queued:
    site = gateway.config.site
    assert message.carried.reverse_path is not None
    report_ref = gateway.new_ref()
    sender = f"postmaster@{site.domains[0]}"
    report = dsn.delivery_report(
        dsn.DeliveryReport(
            reporting_server=site.hostname,
            sender=Mailbox(site.operator, parse_address(sender)),
            to=parse_address(message.carried.reverse_path),
            subject=texts.text("courriel.non_remis_objet"),
            text=texts.text("courriel.non_remis", motif=_motive(failure)),
            message_id=trace.new_message_id(site.domains[0], report_ref),
            moment=gateway.now(),
            recipients=(
                dsn.RecipientReport(
                    parse_address(item.recipient),
                    "failed",
                    row(failure).enhanced,
                    f"{row(failure).smtp} {row(failure).enhanced} {item.message_ref}",
                ),
            ),
            original=_returned_header(raw),
        )
    )
    carried = Carried(
        reverse_path=None,
        author=sender,
        author_account=0,
        author_role=Role.SYSTEM.name,
        channel="report",
        signature="absent",
        signer=site.operator,
        signer_fingerprint="",
        is_automatic=True,
        closes=False,
        reply_to=(),
        has_xdm=False,
    )
    return items.seal_message(spool, report_ref, report, summarise(scan(report)), carried)


def _motive(failure: Failure) -> str:
    """Why, in French. Whoever waited in vain for the time to run out is promised no other try."""
    told = Failure.RECIPIENT_UNAVAILABLE if row(failure).retry else failure
    return texts.text(row(told).text)


def _returned_header(raw: bytes) -> bytes:
    """What a report repeats of the message: enough to know it again, nothing of its content."""
    fields_end, body_start = header_end(raw, 0, len(raw))
    kept = [
        raw[start:end]
        for name, start, end in parse_header(raw, 0, fields_end).places()
        if name in _RETURNED and (name != "message-id" or end - start < _IDENTIFIER_OCTETS)
    ]
    return b"".join((*kept, raw[fields_end:body_start]))
