"""What a professional's message does to exchanges, in the transaction that gives it to the patient.

The rule is ``policies.first_contact``; both operators apply it, each on its own record: with the
delivery into a mailbox here, or with the 250 of the operator who has the patient.
"""

from mailbox_store import correspondences
from mailbox_store.database import Transaction
from mailbox_store.vault import AccountId
from mss_gateway.directory import people
from mss_gateway.life import peers
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.peers import Outside
from mss_gateway.observability import audit
from mss_gateway.queue.spooled import Message
from policies.first_contact import (
    Exchange,
    ReplyToCandidate,
    Writing,
    effects,
    reply_to_mailboxes,
)
from policies.people import Role


def apply(
    gateway: Gateway, tx: Transaction, message: Message, patient: str, account_id: AccountId
) -> None:
    """Open or close what this message opens or closes; ``patient`` in normal form.

    ``account_id``: under whose key the relation is kept, the patient's or, of one elsewhere, the
    gateway's own.
    """
    carried = message.carried
    writing = Writing(
        author_role=Role[carried.author_role],
        author_address=carried.author,
        recipient_role=Role.PATIENT,
        is_automatic=carried.is_automatic,
        closes_by_subject=carried.closes,
        closes_by_field=carried.closes,
        reply_to=reply_to_mailboxes(_candidates(gateway, tx, carried.reply_to)),
        delivered=True,
    )
    for effect in effects(writing):
        changed = correspondences.record(
            tx,
            patient,
            account_id,
            effect.professional_address,
            _name(tx, message, effect.professional_address),
            effect.becomes.name,
            message.message_ref,
        )
        if changed:
            _record(tx, message, account_id, effect.becomes)


def _candidates(
    gateway: Gateway, tx: Transaction, addresses: tuple[str, ...]
) -> list[ReplyToCandidate]:
    """Who Reply-To names: of another operator, any mailbox that is no patient's."""
    found = []
    for address in addresses:
        domain = address.rpartition("@")[2]
        is_trusted = peers.standing_of(gateway, tx, domain) is not Outside.UNKNOWN
        holder = people.by_address(tx, address)
        role = None if holder is None else holder.role
        if not gateway.config.site.serves(domain):
            role = Role.PATIENT if peers.is_patients(gateway, domain) else Role.PROFESSIONAL
        found.append(ReplyToCandidate(address, role, is_trusted))
    return found


def _name(tx: Transaction, message: Message, professional: str) -> str:
    """How the patient is told of a professional: as the directory says, or as they signed."""
    holder = people.by_address(tx, professional)
    if holder is not None:
        return holder.display_name()
    return message.carried.signer if professional == message.carried.author else ""


def _record(tx: Transaction, message: Message, patient: AccountId, becomes: Exchange) -> None:
    audit.record(
        tx,
        actor=f"account:{message.carried.author_account}",
        act="correspondence",
        object=f"account:{patient}",
        verdict=becomes.value,
        message_ref=message.message_ref,
    )
