"""Stage deliver: a queued item → a message in a mailbox here, with what it does to the exchange.

Append, correspondence and audit stand in one commit; it may run twice and adds nothing the second
time. A mailbox whose keys are in its own client gets the message enveloped (stage seal).
"""

from concurrent.futures import Future
from dataclasses import dataclass

from mailbox_store import bodies, correspondences, deliveries, mailboxes, messages
from mailbox_store.database import Transaction, View
from mailbox_store.messages import Arrival
from mailbox_store.vault import ObjectSeal
from mss_gateway.directory import people
from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import crypto
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from mss_gateway.observability import audit
from mss_gateway.queue import items
from mss_gateway.queue.items import Item, Message
from policies.first_contact import (
    Exchange,
    ReplyToCandidate,
    Writing,
    effects,
    reply_to_mailboxes,
)
from policies.people import Role


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Everything sealed and looked up, so that the transaction only writes."""

    recipient: Person
    inbox: mailboxes.Mailbox
    arrival: Arrival


def deliver(gateway: Gateway, item: Item) -> "Future[bool]":
    """Place an item in its recipient's INBOX; the future tells whether anything was added.

    Raises Refused when the recipient cannot be delivered to: for good, or for now.
    """
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
        message = items.read_message(view, spool, item.message_ref)
        if message is None:
            # a message goes with its last item: somebody else has done ours
            return gateway.database.submit(lambda tx: False)
        prepared = _prepare(gateway, view, item, message)

    def unit(tx: Transaction) -> bool:
        if not items.holds(tx, item):
            return False
        appended = deliveries.deliver(
            tx, item.recipient, prepared.inbox.mailbox_id, prepared.arrival
        )
        if appended is not None:
            _apply_effects(gateway, tx, message, prepared.recipient)
            _record(tx, item, prepared.recipient, "delivered")
        if message.carried.has_xdm and prepared.recipient.role is Role.PATIENT:
            items.advance(tx, item, "dossier")
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
    evidence = items.evidence(message.carried, message.created_at)
    if recipient.smime == "client":
        spool = view.vault.account(view, gateway.spool)
        raw = items.read_body(view, spool, message)
        is_ours = message.carried.author_role == Role.SYSTEM.name
        raw = crypto.seal_here(gateway, view, recipient, raw, is_ours=is_ours)
        arrival = messages.seal_arrival(
            seal, recipient.account_id, item.message_ref, raw, summarise(scan(raw)), evidence
        )
        return _Prepared(recipient, inbox, arrival)
    shared, object_id = _shared_body(gateway, view, message)
    arrival = Arrival(
        recipient.account_id,
        item.message_ref,
        message.blob_id,
        seal.share(object_id, shared),
        message.size,
        seal.seal(message.summary, messages.summary_context(item.message_ref)),
        seal.seal(evidence, messages.evidence_context(item.message_ref)),
    )
    return _Prepared(recipient, inbox, arrival)


def _shared_body(gateway: Gateway, view: View, message: Message) -> tuple[ObjectSeal, bytes]:
    spool = view.vault.account(view, gateway.spool)
    return bodies.open_body(view, spool, message.blob_id, message.object_key)


def _apply_effects(gateway: Gateway, tx: Transaction, message: Message, patient: Person) -> None:
    """What this delivery opens or closes, in its own transaction (the rule of the house)."""
    carried = message.carried
    if patient.role is not Role.PATIENT:
        return
    writing = Writing(
        author_role=Role[carried.author_role],
        author_address=carried.author,
        recipient_role=patient.role,
        is_automatic=carried.is_automatic,
        closes_by_subject=carried.closes,
        closes_by_field=carried.closes,
        reply_to=reply_to_mailboxes(_candidates(gateway, tx, carried.reply_to)),
        delivered=True,
    )
    for effect in effects(writing):
        holder = people.by_address(tx, effect.professional_address)
        name = "" if holder is None else holder.display_name()
        changed = correspondences.record(
            tx,
            patient.address,
            patient.account_id,
            effect.professional_address,
            name,
            effect.becomes.name,
            message.message_ref,
        )
        if changed:
            _record_effect(tx, message, patient, effect.becomes)


def _candidates(
    gateway: Gateway, tx: Transaction, addresses: tuple[str, ...]
) -> list[ReplyToCandidate]:
    found = []
    for address in addresses:
        holder = people.by_address(tx, address)
        is_trusted = address.rpartition("@")[2] in gateway.config.site.domains
        found.append(ReplyToCandidate(address, None if holder is None else holder.role, is_trusted))
    return found


def _record(tx: Transaction, item: Item, recipient: Person, verdict: str) -> None:
    audit.record(
        tx,
        actor="system",
        act="deliver",
        object=f"account:{recipient.account_id}",
        verdict=verdict,
        message_ref=item.message_ref,
    )


def _record_effect(tx: Transaction, message: Message, patient: Person, becomes: Exchange) -> None:
    audit.record(
        tx,
        actor=f"account:{message.carried.author_account}",
        act="correspondence",
        object=f"account:{patient.account_id}",
        verdict=becomes.value,
        message_ref=message.message_ref,
    )
