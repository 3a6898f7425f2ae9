"""Stage store: one commit makes message, queue items and audit durable. Only then 250.

The rules at message are asked once more inside the transaction, on the author's standing and the
exchanges as they are at that instant: no race lets a patient's message slip past a closing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from certs.book import Provenance
from mailbox_store import mailboxes, messages
from mailbox_store.bodies import BlobId, SealedBody
from mailbox_store.database import MailboxId, Transaction, View
from mailbox_store.errors import StoreUnavailable
from mailbox_store.flags import SEEN
from mailbox_store.messages import Arrival
from mailbox_store.threads import ThreadId
from mailbox_store.vault import AccountId, AccountSeal
from mss_gateway.directory import evidence, keybook, people
from mss_gateway.directory.evidence import Evidence, Prepared
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import identities, policy, proof, retries, threads
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.judgement import Introduction
from mss_gateway.life.policy import Envelope
from mss_gateway.life.retries import Handed, Kept
from mss_gateway.observability import audit
from mss_gateway.queue import items, spooled
from mss_gateway.queue.carried import NOTHING_ASKED, Asked, Carried, Destined
from mss_gateway.queue.carried import evidence as verdict_of
from mss_gateway.queue.spooled import Queued
from policies import decide
from policies.facts import MessageFacts
from policies.verdict import Permit, Verdict

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Ready:
    """A message in the form in which it is kept: signed, with its trace, summarised.

    ``proof`` is what a verdict of ours rests on; None where the gateway signed by itself.
    ``introduction`` is what the key book learns from it. ``asked``: what the author wants to hear
    of a recipient, by address.
    """

    message_ref: str
    recipients: tuple[str, ...]
    raw: bytes
    summary: bytes
    carried: Carried
    received_at: int
    proof: Evidence | None = None
    introduction: Introduction | None = None
    asked: Mapping[str, Asked] = field(default_factory=dict)


def commit(
    gateway: Gateway,
    envelope: Envelope,
    facts: MessageFacts,
    ready: Iterable[Ready],
    same: Handed | None = None,
    thread_id: ThreadId | None = None,
) -> str:
    """Store a message, in as many forms as it has, with one queue item per recipient.

    The message_ref that the sender is told: ``same`` makes a retry known, of which nothing is
    stored. Raises Refused: STORE_UNAVAILABLE when nothing became durable, the sender keeps the
    message and tries again. The author's own copy is that of the first form, or of one for nobody
    else; ``thread_id``: the thread that it continues.
    """
    spool, sealed = _sealed(gateway, ready)
    # the last one is the author's alone, where every other form is to be enveloped
    of_author = sealed[0] if sealed[-1].ready.recipients else sealed[-1]
    with gateway.database.read() as view:
        sent = _sent_copy(view, envelope, of_author, facts.recipients, thread_id)

    def unit(tx: Transaction) -> tuple[Verdict, Kept | None]:
        author = identities.party(tx, envelope.author, envelope.actor)
        exchanges = policy.exchange_facts(tx, envelope.author.party, facts.recipients)
        verdict = decide.at_message(replace(facts, author=author, exchanges=exchanges))
        if not isinstance(verdict, Permit):
            return verdict, None
        actor, _ = identities.on_record(envelope.author, envelope.actor)
        kept = _new(tx, gateway, same, sealed, actor)
        for each, recipients in zip(sealed, kept.recipients, strict=True):
            body: BlobId | SealedBody = each.queued.body
            if recipients:
                body = _keep(tx, gateway, spool, each, actor, recipients)
            if sent is not None and each is of_author and not kept.is_retry:
                mailbox_id, arrival = sent
                messages.append(tx, mailbox_id, replace(arrival, body=body), SEEN, tx.now)
        return verdict, kept

    return _settled(gateway, _written(gateway, unit), envelope.channel)


def commit_arrival(
    gateway: Gateway,
    ready: Iterable[Ready],
    same: Handed | None = None,
    ask: Callable[[Transaction], Verdict] | None = None,
) -> str:
    """The same for what came from elsewhere. ``ask``: the rules, on what stands at the commit."""
    spool, sealed = _sealed(gateway, ready)
    actor = "peer"

    def unit(tx: Transaction) -> tuple[Verdict, Kept | None]:
        verdict = Permit(()) if ask is None else ask(tx)
        if not isinstance(verdict, Permit):
            return verdict, None
        kept = _new(tx, gateway, same, sealed, actor)
        for each, recipients in zip(sealed, kept.recipients, strict=True):
            if recipients:
                _keep(tx, gateway, spool, each, actor, recipients)
        return verdict, kept

    return _settled(gateway, _written(gateway, unit), "mx")


def _new(
    tx: Transaction, gateway: Gateway, same: Handed | None, sealed: list["_Sealed"], actor: str
) -> Kept:
    """For whom the message is new; the others have it, and that is put on record."""
    named = [(each.ready.message_ref, each.ready.recipients) for each in sealed]
    kept = retries.sort_out(tx, gateway, same, named)
    if kept.collapsed:
        audit.record(
            tx,
            actor=actor,
            act="store",
            object=f"{kept.collapsed} recipients",
            verdict="retry collapsed",
            message_ref=kept.message_ref,
        )
    return kept


def _settled(gateway: Gateway, outcome: tuple[Verdict, Kept | None], channel: str) -> str:
    """The message_ref to tell; raises Refused."""
    verdict, kept = outcome
    policy.obey(verdict)
    assert kept is not None, "permitted, so it was sorted out"
    if kept.is_retry:
        gateway.metrics.collapsed.labels(channel).inc()
    return kept.message_ref


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A form sealed; its octets in clear are gone, so that many forms need little memory."""

    ready: Ready
    octets: int
    queued: Queued
    evidence: tuple[tuple[str, Prepared], ...]


def _sealed(gateway: Gateway, ready: Iterable[Ready]) -> tuple[AccountSeal, list[_Sealed]]:
    """Every form sealed as soon as it is made; nothing is read meanwhile: making one may sign."""
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
    return spool, [_seal(gateway, spool, each) for each in ready]


def _seal(gateway: Gateway, spool: AccountSeal, ready: Ready) -> _Sealed:
    queued = spooled.seal_message(spool, ready.message_ref, ready.raw, ready.summary, ready.carried)
    kept = tuple(_evidence(gateway, ready))
    return _Sealed(replace(ready, raw=b""), len(ready.raw), queued, kept)


def _evidence(gateway: Gateway, ready: Ready) -> list[tuple[str, Prepared]]:
    """What a verdict rests on, sealed for each recipient who has a mailbox here."""
    kept = ready.proof
    if kept is None:
        return []
    with gateway.database.read() as view:
        exhibits = proof.exhibits(gateway, view, kept)
        holders = [(one, people.by_address(view, one)) for one in ready.recipients]
        return [
            (
                one,
                evidence.prepare(
                    view, gateway.spool, holder.account_id, ready.message_ref, kept, exhibits
                ),
            )
            for one, holder in holders
            if holder is not None
        ]


def _learn(tx: Transaction, site: AccountId, known: Introduction) -> None:
    """The key book: to whom and how this author may be answered."""
    keybook.learn(
        tx,
        site,
        known.address,
        known.certificate,
        known.capabilities,
        Provenance.SIGNED_MESSAGE,
        chain=known.issuers,
        said_at=known.said_at,
    )


def stage_for(gateway: Gateway, recipient: str) -> str:
    """What comes first for a recipient: delivery here, or relaying to another operator."""
    return "deliver" if gateway.config.site.serves(recipient) else "relay"


def _keep(
    tx: Transaction,
    gateway: Gateway,
    spool: AccountSeal,
    sealed: _Sealed,
    actor: str,
    recipients: tuple[str, ...],
) -> BlobId:
    """One form of a message for some of its recipients: body, items, evidence, audit."""
    ready = sealed.ready
    destined = [
        Destined(one, stage_for(gateway, one), ready.asked.get(one, NOTHING_ASKED))
        for one in recipients
    ]
    blob_id = items.enqueue(
        tx,
        spool,
        sealed.queued,
        destined,
        gateway.config.queue.notice_hours * 3600,
        gateway.queue_clock.now(),
    )
    for one, each in sealed.evidence:
        if one in recipients:
            evidence.store(tx, each)
    if ready.introduction is not None:
        _learn(tx, gateway.spool, ready.introduction)
    _record(tx, actor, sealed, len(recipients))
    return blob_id


def _written(gateway: Gateway, unit: Callable[[Transaction], _T]) -> _T:
    try:
        return gateway.database.write(unit)
    except StoreUnavailable as error:
        raise Refused(Failure.STORE_UNAVAILABLE, type(error).__name__) from error


def _sent_copy(
    view: View,
    envelope: Envelope,
    sealed: _Sealed,
    recipients: tuple[str, ...],
    thread_id: ThreadId | None,
) -> tuple[MailboxId, Arrival] | None:
    """The author's own copy, when the gateway files it (``sent_copy = "server"``)."""
    author = envelope.author
    if author.sent_copy != "server":
        return None
    mailbox = mailboxes.find_special(view, author.account_id, "\\Sent")
    if mailbox is None:
        return None
    ready, body = sealed.ready, sealed.queued.body
    seal = view.vault.account(view, author.account_id)
    arrival = Arrival(
        author.account_id,
        ready.message_ref,
        body,
        seal.share(body.object_id, body.seal),
        sealed.octets,
        seal.seal(ready.summary, messages.summary_context(ready.message_ref)),
        seal.seal(
            verdict_of(ready.carried, ready.received_at),
            messages.evidence_context(ready.message_ref),
        ),
    )
    return mailbox.mailbox_id, threads.sent_copy(view, author, arrival, recipients, thread_id)


def _record(tx: Transaction, actor: str, sealed: _Sealed, count: int) -> None:
    ready = sealed.ready
    author = f"account:{ready.carried.author_account}"
    is_other = actor.startswith("account:") and actor != author  # in the name of a shared box
    audit.record(
        tx,
        actor=actor,
        act="store",
        object=", ".join(
            (
                f"{count} recipients",
                f"{sealed.octets} octets",
                *([f"as {author}"] if is_other else []),
                *ready.carried.verdict,
            )
        ),
        verdict="accepted",
        message_ref=ready.message_ref,
    )
