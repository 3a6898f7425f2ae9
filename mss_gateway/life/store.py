"""Stage store: one commit makes message, queue items and audit durable. Only then 250.

The rules at message are asked once more inside the transaction, on the author's standing and the
exchanges as they are at that instant: no race lets a patient's message slip past a closing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from certs.book import Provenance
from mailbox_store import mailboxes, messages
from mailbox_store.bodies import BlobId, SealedBody
from mailbox_store.database import MailboxId, Transaction, View
from mailbox_store.errors import StoreUnavailable
from mailbox_store.flags import SEEN
from mailbox_store.messages import Arrival
from mailbox_store.vault import AccountId, AccountSeal
from mss_gateway.directory import evidence, keybook, people
from mss_gateway.directory.evidence import Evidence, Prepared
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import policy, proof
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.judgement import Introduction
from mss_gateway.life.policy import Envelope
from mss_gateway.observability import audit
from mss_gateway.queue import items
from mss_gateway.queue.items import Carried, Queued
from policies import decide
from policies.facts import MessageFacts
from policies.verdict import Permit, Verdict

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Ready:
    """A message in the form in which it is kept: signed, with its trace, summarised.

    ``proof`` is what a verdict of ours rests on; None where the gateway signed by itself.
    ``introduction`` is what the key book learns from it.
    """

    message_ref: str
    recipients: tuple[str, ...]
    raw: bytes
    summary: bytes
    carried: Carried
    received_at: int
    proof: Evidence | None = None
    introduction: Introduction | None = None


def commit(
    gateway: Gateway, envelope: Envelope, facts: MessageFacts, ready: Iterable[Ready]
) -> None:
    """Store a message, in as many forms as it has, with one queue item per recipient.

    Raises Refused: STORE_UNAVAILABLE when nothing became durable, the sender keeps the message
    and tries again. The author's own copy is that of the first form, or of one for nobody else.
    """
    spool, sealed = _sealed(gateway, ready)
    # the last one is the author's alone, where every other form is to be enveloped
    of_author = sealed[0] if sealed[-1].ready.recipients else sealed[-1]
    with gateway.database.read() as view:
        sent = _sent_copy(view, envelope, of_author)

    def unit(tx: Transaction) -> Verdict:
        author = people.by_account(tx, envelope.author.account_id)
        exchanges = policy.exchange_facts(tx, author, facts.recipients)
        verdict = decide.at_message(replace(facts, author=author.party, exchanges=exchanges))
        if isinstance(verdict, Permit):
            for each in sealed:
                body: BlobId | SealedBody = each.queued.body
                if each.ready.recipients:
                    actor = f"account:{author.account_id}"
                    body = _keep(tx, gateway.spool, spool, each, actor)
                if sent is not None and each is of_author:
                    mailbox_id, arrival = sent
                    messages.append(tx, mailbox_id, replace(arrival, body=body), SEEN, tx.now)
        return verdict

    policy.obey(_written(gateway, unit))


def commit_arrival(gateway: Gateway, ready: Iterable[Ready]) -> None:
    """The same for what came from elsewhere; who may send it was asked before."""
    spool, sealed = _sealed(gateway, ready)

    def unit(tx: Transaction) -> None:
        for each in sealed:
            _keep(tx, gateway.spool, spool, each, "peer")

    _written(gateway, unit)


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A form sealed; its octets in clear are gone, so that many forms need little memory."""

    ready: Ready
    octets: int
    queued: Queued
    evidence: tuple[Prepared, ...]


def _sealed(gateway: Gateway, ready: Iterable[Ready]) -> tuple[AccountSeal, list[_Sealed]]:
    """Every form sealed as soon as it is made; nothing is read meanwhile: making one may sign."""
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
    return spool, [_seal(gateway, spool, each) for each in ready]


def _seal(gateway: Gateway, spool: AccountSeal, ready: Ready) -> _Sealed:
    queued = items.seal_message(spool, ready.message_ref, ready.raw, ready.summary, ready.carried)
    kept = tuple(_evidence(gateway, ready))
    return _Sealed(replace(ready, raw=b""), len(ready.raw), queued, kept)


def _evidence(gateway: Gateway, ready: Ready) -> list[Prepared]:
    """What a verdict rests on, sealed for each recipient who has a mailbox here."""
    kept = ready.proof
    if kept is None:
        return []
    with gateway.database.read() as view:
        exhibits = proof.exhibits(gateway, view, kept)
        holders = [people.by_address(view, recipient) for recipient in ready.recipients]
        return [
            evidence.prepare(
                view, gateway.spool, holder.account_id, ready.message_ref, kept, exhibits
            )
            for holder in holders
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


def _keep(
    tx: Transaction, site: AccountId, spool: AccountSeal, sealed: _Sealed, actor: str
) -> BlobId:
    """One form of a message: body, items, what its verdict rests on, audit."""
    ready = sealed.ready
    blob_id = items.enqueue(tx, spool, sealed.queued, ready.recipients, "deliver")
    for each in sealed.evidence:
        evidence.store(tx, each)
    if ready.introduction is not None:
        _learn(tx, site, ready.introduction)
    _record(tx, actor, sealed)
    return blob_id


def _written(gateway: Gateway, unit: Callable[[Transaction], _T]) -> _T:
    try:
        return gateway.database.write(unit)
    except StoreUnavailable as error:
        raise Refused(Failure.STORE_UNAVAILABLE, type(error).__name__) from error


def _sent_copy(view: View, envelope: Envelope, sealed: _Sealed) -> tuple[MailboxId, Arrival] | None:
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
            items.evidence(ready.carried, ready.received_at),
            messages.evidence_context(ready.message_ref),
        ),
    )
    return mailbox.mailbox_id, arrival


def _record(tx: Transaction, actor: str, sealed: _Sealed) -> None:
    ready = sealed.ready
    audit.record(
        tx,
        actor=actor,
        act="store",
        object=", ".join(
            (
                f"{len(ready.recipients)} recipients",
                f"{sealed.octets} octets",
                *ready.carried.verdict,
            )
        ),
        verdict="accepted",
        message_ref=ready.message_ref,
    )
