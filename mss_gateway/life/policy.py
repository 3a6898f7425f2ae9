"""Stage policy: gather the facts of a moment, ask ``policies``, and turn an objection into Refused.

The rules live in ``policies``; here is only where their facts come from.
"""

from dataclasses import dataclass

from mailbox_store import accounts, correspondences
from mailbox_store.database import View
from mss_gateway.directory import domain_keys, people
from mss_gateway.directory.ins import normal_ins
from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import identities, peers, room
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.peers import Outside
from mss_gateway.message.address import EmailAddress
from mss_gateway.observability import audit
from policies import decide
from policies.facts import Exchange, ExchangeFacts, RecipientFacts, SenderFacts
from policies.people import Party, Role
from policies.verdict import Permit, Verdict


@dataclass(frozen=True, slots=True)
class Writer:
    """Who names recipients, as the rules see them; several patients where several are named.

    ``may_relay``: what they write may leave for another operator.
    """

    party: Party
    reverse_path: str | None
    may_relay: bool = True


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who writes through which channel, and with which reverse-path, while recipients come in.

    ``actor`` is who signed in, where they write in the name of a box that is shared with them; the
    ``author`` is the box then.
    """

    author: Person
    reverse_path: EmailAddress | None
    channel: str
    actor: Person | None = None

    @property
    def writer(self) -> Writer:
        """The author as the rules see them, with the reverse-path."""
        path = None if self.reverse_path is None else str(self.reverse_path)
        return Writer(self.author.party, path)


def at_sender(gateway: Gateway, envelope: Envelope, declared_size: int | None) -> None:
    """At MAIL, or when a form is sent; raises Refused.

    The author's standing is read afresh: an account may be suspended during a session. So is what
    lets an actor write for a box.
    """
    room.demand(gateway, envelope.channel)
    with gateway.database.read() as view:
        author = identities.party(view, envelope.author, envelope.actor)
    reverse_path, limit = envelope.writer.reverse_path, gateway.config.limits.message_octets
    facts = SenderFacts(author, reverse_path, declared_size, limit)
    _settle(gateway, decide.at_sender(facts), envelope)


def at_recipient(
    gateway: Gateway, envelope: Envelope, recipient: EmailAddress, so_far: int
) -> None:
    """At RCPT: one answer per recipient; raises Refused."""
    with gateway.database.read() as view:
        facts = recipient_facts(gateway, view, envelope.writer, recipient, so_far)
        is_full = has_no_room(gateway, view, recipient)
    _settle(gateway, decide.at_recipient(facts), envelope)
    if is_full:
        refused = Refused(Failure.MAILBOX_FULL)
        record_refusal(gateway, envelope, "policy", refused)
        raise refused


def has_no_room(gateway: Gateway, view: View, recipient: EmailAddress) -> bool:
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
    gateway: Gateway, view: View, writer: Writer, recipient: EmailAddress, so_far: int
) -> RecipientFacts:
    """What the house knows of a recipient. The same look-ups whoever it is (threat T10)."""
    site = gateway.config.site
    holder = people.by_address(view, str(recipient))
    if domain_keys.is_domain_key(str(recipient)):
        holder = None  # who opens for everybody of a domain reads nothing
    is_patient_domain = peers.is_patients(gateway, recipient.domain)
    standing = peers.standing_of(gateway, view, recipient.domain)
    return RecipientFacts(
        author=writer.party,
        reverse_path=writer.reverse_path,
        recipient=str(recipient),
        recipient_is_patient_domain=is_patient_domain,
        ins_is_well_formed=not is_patient_domain or normal_ins(recipient.local) is not None,
        recipient_role=None if holder is None else holder.role,
        recipient_standing=None if holder is None else holder.standing,
        domain_is_ours=site.serves(recipient.domain),
        domain_is_trusted=standing is not Outside.UNKNOWN,
        list_is_stale=standing is Outside.STALE,
        may_relay=writer.may_relay,
        exchange=exchange(view, writer.party, str(recipient)),
        recipient_accepts_patient_initiated=holder is not None and holder.accepts_patient_initiated,
        recipients_so_far=so_far,
        recipient_limit=gateway.config.limits.recipients,
    )


def exchange(view: View, author: Party, recipient: str) -> Exchange:
    """What stands between a patient author and a professional mailbox; NONE for other authors."""
    found = exchange_facts(view, author, (recipient,))
    return found[0].exchange if found else Exchange.NONE


def exchange_facts(
    view: View, author: Party, recipients: tuple[str, ...]
) -> tuple[ExchangeFacts, ...]:
    """What stands between each patient named as the author and each recipient; () for others.

    Read in the transaction that commits, too.
    """
    found = []
    for recipient in recipients if author.role is Role.PATIENT else ():
        holder = people.by_address(view, recipient)
        for patient in sorted(author.addresses):
            state = correspondences.state(view, patient, recipient)
            found.append(
                ExchangeFacts(
                    recipient,
                    None if holder is None else holder.role,
                    Exchange.NONE if state is None else Exchange[state],
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
    gateway.metrics.refused.labels(refused.failure.value, envelope.channel).inc()
    actor, behalf = identities.on_record(envelope.author, envelope.actor)
    put_on_record(gateway, refused, actor=actor, act=act, about=f"{envelope.channel}{behalf}")


def put_on_record(gateway: Gateway, refused: Refused, *, actor: str, act: str, about: str) -> None:
    """A row of the journal, for whichever channel; nobody waits for that commit."""
    failure, message_ref = refused.failure, refused.message_ref
    gateway.database.submit(
        lambda tx: audit.record(
            tx,
            actor=actor,
            act=act,
            object=about,
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
