"""Stage deliver: a queued item → a message in a mailbox here, with what it does to the exchange.

Append, correspondence and audit stand in one commit; it may run twice and adds nothing the second
time. A mailbox whose keys are in its own client gets the message enveloped (stage seal).
"""

from concurrent.futures import Future
from dataclasses import dataclass, replace

from mailbox_store import bodies, deliveries, mailboxes, messages
from mailbox_store.database import Transaction, View
from mailbox_store.messages import Arrival
from mailbox_store.threads import Correspondents
from mailbox_store.vault import ObjectSeal
from mss_gateway.directory import people
from mss_gateway.directory.notice_kinds import Kind
from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import crypto, dossier, exchanges, notices, receipt, report, threads
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from mss_gateway.observability import audit
from mss_gateway.queue import items, leases, spooled
from mss_gateway.queue.carried import evidence as verdict_of
from mss_gateway.queue.leases import Item
from mss_gateway.queue.spooled import Message
from policies.people import Role


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Everything sealed and looked up, so that the transaction only writes."""

    recipient: Person
    inbox: mailboxes.Mailbox
    arrival: Arrival
    is_filed: bool
    """Something of it goes into the recipient's record."""


def deliver(gateway: Gateway, item: Item) -> "Future[bool]":
    """Place an item in its recipient's INBOX; the future tells whether anything was added.

    Raises Refused when the recipient cannot be delivered to: for good, or for now.
    """
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
        message = spooled.read_message(view, spool, item.message_ref)
        if message is None:
            # a message goes with its last item: somebody else has done ours
            return gateway.database.submit(lambda tx: False)
        prepared = _prepare(gateway, view, item, message)
        told = report.on_delivered(gateway, view, item)

    def unit(tx: Transaction) -> bool:
        if not leases.holds(tx, item):
            return False
        appended = deliveries.deliver(
            tx, item.recipient, prepared.inbox.mailbox_id, prepared.arrival
        )
        if appended is not None:
            if prepared.recipient.role is Role.PATIENT:
                patient = prepared.recipient
                exchanges.apply(gateway, tx, message, patient.address, patient.account_id)
                notices.announce(gateway, tx, patient.account_id, Kind.MESSAGE)
            _record(tx, item, prepared.recipient, "delivered")
            report.send(gateway, tx, told)
        if prepared.is_filed:
            items.advance(tx, item, "dossier")
        elif receipt.is_due(prepared.recipient, message.carried):
            items.advance(tx, item, "receipt")
        else:
            items.finish(tx, item)
        return appended is not None

    return gateway.database.submit(unit)


def _prepare(gateway: Gateway, view: View, item: Item, message: Message) -> _Prepared:
    recipient = people.by_address(view, item.recipient)
    if recipient is None or not recipient.standing.receives:
        # of a patient the report says no more than RCPT would (threat T10)
        is_patient = item.recipient.endswith("@" + gateway.config.site.patient_domain)
        gone = Failure.PATIENT_UNREACHABLE if is_patient else Failure.RECIPIENT_UNAVAILABLE
        raise Refused(gone, message_ref=item.message_ref)
    inbox = mailboxes.find(view, recipient.account_id, "INBOX")
    seal = view.vault.account(view, recipient.account_id)
    evidence = verdict_of(message.carried, message.created_at)
    is_filed = dossier.is_due(view, recipient, message.carried)
    if recipient.smime == "client":
        spool = view.vault.account(view, gateway.spool)
        raw = spooled.read_body(view, spool, message)
        is_ours = message.carried.author_role == Role.SYSTEM.name
        raw = crypto.seal_here(gateway, view, recipient, raw, is_ours=is_ours)
        arrival = messages.seal_arrival(
            seal, recipient.account_id, item.message_ref, raw, summarise(scan(raw)), evidence
        )
        arrival = replace(arrival, thread=_thread(view, recipient, message))
        return _Prepared(recipient, inbox, arrival, is_filed)
    shared, object_id = _shared_body(gateway, view, message)
    arrival = Arrival(
        recipient.account_id,
        item.message_ref,
        message.blob_id,
        seal.share(object_id, shared),
        message.size,
        seal.seal(message.summary, messages.summary_context(item.message_ref)),
        seal.seal(evidence, messages.evidence_context(item.message_ref)),
        _thread(view, recipient, message),
    )
    return _Prepared(recipient, inbox, arrival, is_filed)


def _thread(view: View, recipient: Person, message: Message) -> Correspondents | None:
    """With whom a patient exchanges this; nobody else has threads."""
    if recipient.role is not Role.PATIENT:
        return None
    carried = message.carried
    author = threads.Party(carried.author, carried.signer)
    return threads.of_received(
        view, recipient.account_id, carried.author_role, carried.signature, author
    )


def _shared_body(gateway: Gateway, view: View, message: Message) -> tuple[ObjectSeal, bytes]:
    spool = view.vault.account(view, gateway.spool)
    return bodies.open_body(view, spool, message.blob_id, message.object_key)


def _record(tx: Transaction, item: Item, recipient: Person, verdict: str) -> None:
    audit.record(
        tx,
        actor="system",
        act="deliver",
        object=f"account:{recipient.account_id}",
        verdict=verdict,
        message_ref=item.message_ref,
    )
