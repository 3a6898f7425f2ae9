"""Stage policy: gather the facts of a moment, ask ``policies``, and turn an objection into Refused.

The rules live in ``policies``; here is only where their facts come from.
"""

from dataclasses import dataclass

from mailbox_store import accounts, correspondences
from mailbox_store.database import View
from mss_gateway.directory import people
from mss_gateway.directory.ins import normal_ins
from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.address import EmailAddress
from mss_gateway.observability import audit
from policies import decide
from policies.facts import Exchange, ExchangeFacts, RecipientFacts, SenderFacts
from policies.people import Role
from policies.verdict import Permit, Verdict


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who writes through which channel, and with which reverse-path, while recipients come in."""

    author: Person
    reverse_path: EmailAddress | None
    channel: str


def at_sender(gateway: Gateway, envelope: Envelope, declared_size: int | None) -> None:
    """At MAIL, or when a form is sent; raises Refused.

    The author's standing is read afresh: an account may be suspended during a session.
    """
    with gateway.database.read() as view:
        author = people.by_account(view, envelope.author.account_id)
    reverse_path = envelope.reverse_path
    facts = SenderFacts(
        author.party,
        None if reverse_path is None else str(reverse_path),
        declared_size,
        gateway.config.limits.message_octets,
    )
    _settle(gateway, decide.at_sender(facts), envelope)


def at_recipient(
    gateway: Gateway, envelope: Envelope, recipient: EmailAddress, so_far: int
) -> None:
    """At RCPT: one answer per recipient; raises Refused."""
    with gateway.database.read() as view:
        facts = recipient_facts(gateway, view, envelope, recipient, so_far)
        is_full = _is_full(gateway, view, recipient)
    _settle(gateway, decide.at_recipient(facts), envelope)
    if is_full:
        refused = Refused(Failure.MAILBOX_FULL)
        record_refusal(gateway, envelope, "policy", refused)
        raise refused


def _is_full(gateway: Gateway, view: View, recipient: EmailAddress) -> bool:
    """Whether nothing more fits into a professional's account; no rule, only a lack of room.

    Never of a patient: "try later" would tell that the space exists (threat T10). What was accepted
    is delivered whatever the quota says.
    """
    if recipient.domain == gateway.config.site.patient_domain:
        return False
    holder = people.by_address(view, str(recipient))
    if holder is None or holder.role is Role.PATIENT:
        return False
    default = gateway.config.limits.account_octets
    return not accounts.quota(view, holder.account_id, default).has_room_for(1)


def recipient_facts(
    gateway: Gateway, view: View, envelope: Envelope, recipient: EmailAddress, so_far: int
) -> RecipientFacts:
    """What the house knows of a recipient. The same look-ups whoever it is (threat T10)."""
    site = gateway.config.site
    holder = people.by_address(view, str(recipient))
    is_patient_domain = recipient.domain == site.patient_domain
    reverse_path = envelope.reverse_path
    return RecipientFacts(
        author=envelope.author.party,
        reverse_path=None if reverse_path is None else str(reverse_path),
        recipient=str(recipient),
        recipient_is_patient_domain=is_patient_domain,
        ins_is_well_formed=not is_patient_domain or normal_ins(recipient.local) is not None,
        recipient_role=None if holder is None else holder.role,
        recipient_standing=None if holder is None else holder.standing,
        domain_is_ours=is_patient_domain or recipient.domain in site.domains,
        domain_is_trusted=is_patient_domain or recipient.domain in site.domains,
        exchange=exchange(view, envelope.author, str(recipient)),
        recipient_accepts_patient_initiated=holder is not None and holder.accepts_patient_initiated,
        recipients_so_far=so_far,
        recipient_limit=gateway.config.limits.recipients,
    )


def exchange(view: View, author: Person, recipient: str) -> Exchange:
    """What stands between a patient author and a professional mailbox; NONE for other authors."""
    if author.role is not Role.PATIENT:
        return Exchange.NONE
    state = correspondences.state(view, author.address, recipient)
    return Exchange.NONE if state is None else Exchange[state]


def exchange_facts(
    view: View, author: Person, recipients: tuple[str, ...]
) -> tuple[ExchangeFacts, ...]:
    """The same for every recipient of a patient's message, read in the committing transaction."""
    if author.role is not Role.PATIENT:
        return ()
    found = []
    for recipient in recipients:
        holder = people.by_address(view, recipient)
        found.append(
            ExchangeFacts(
                recipient,
                None if holder is None else holder.role,
                exchange(view, author, recipient),
                holder is not None and holder.accepts_patient_initiated,
            )
        )
    return tuple(found)


def obey(verdict: Verdict) -> None:
    """Return when permitted; otherwise raise Refused with the failure of the first objection."""
    if not isinstance(verdict, Permit):
        raise Refused(Failure[verdict.reason.name])


def record_refusal(gateway: Gateway, envelope: Envelope, act: str, refused: Refused) -> None:
    """Count a refusal and put it on record; nobody waits for that commit."""
    failure, message_ref = refused.failure, refused.message_ref
    gateway.metrics.refused.labels(failure.value, envelope.channel).inc()
    actor = f"account:{envelope.author.account_id}"
    gateway.database.submit(
        lambda tx: audit.record(
            tx,
            actor=actor,
            act=act,
            object=envelope.channel,
            verdict=failure.value,
            message_ref=message_ref,
        )
    )


def _settle(gateway: Gateway, verdict: Verdict, envelope: Envelope) -> None:
    try:
        obey(verdict)
    except Refused as refused:
        record_refusal(gateway, envelope, "policy", refused)
        raise
