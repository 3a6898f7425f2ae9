"""Stage store: one commit makes message, queue items and audit durable. Only then 250.

The rules at message are asked once more inside the transaction, on the author's standing and the
exchanges as they are at that instant: no race lets a patient's message slip past a closing.
"""

from dataclasses import dataclass, replace

from mailbox_store import mailboxes, messages
from mailbox_store.database import MailboxId, Transaction, View
from mailbox_store.errors import StoreUnavailable
from mailbox_store.flags import SEEN
from mailbox_store.messages import Arrival
from mss_gateway.directory import people
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import policy
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.policy import Envelope
from mss_gateway.observability import audit
from mss_gateway.queue import items
from mss_gateway.queue.items import Carried, Queued, evidence
from policies import decide
from policies.facts import MessageFacts
from policies.verdict import Permit, Verdict


@dataclass(frozen=True, slots=True)
class Ready:
    """A message in the form in which it is kept: signed, with its trace, summarised."""

    message_ref: str
    recipients: tuple[str, ...]
    raw: bytes
    summary: bytes
    carried: Carried
    received_at: int


def commit(gateway: Gateway, envelope: Envelope, facts: MessageFacts, ready: Ready) -> None:
    """Store the message with one queue item per recipient; raises Refused.

    STORE_UNAVAILABLE when nothing became durable: the sender keeps the message and tries again.
    """
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
        queued = items.seal_message(
            spool, ready.message_ref, ready.raw, ready.summary, ready.carried
        )
        sent = _sent_copy(view, envelope, queued, ready)

    def unit(tx: Transaction) -> Verdict:
        author = people.by_account(tx, envelope.author.account_id)
        fresh = replace(
            facts,
            author=author.party,
            exchanges=policy.exchange_facts(tx, author, ready.recipients),
        )
        verdict = decide.at_message(fresh)
        if isinstance(verdict, Permit):
            blob_id = items.enqueue(tx, spool, queued, ready.recipients, "deliver")
            if sent is not None:
                mailbox_id, arrival = sent
                messages.append(tx, mailbox_id, replace(arrival, body=blob_id), SEEN, tx.now)
            _record(tx, author.account_id, ready)
        return verdict

    try:
        verdict = gateway.database.write(unit)
    except StoreUnavailable as error:
        raise Refused(Failure.STORE_UNAVAILABLE, type(error).__name__) from error
    policy.obey(verdict)


def _sent_copy(
    view: View, envelope: Envelope, queued: Queued, ready: Ready
) -> tuple[MailboxId, Arrival] | None:
    """The author's own copy, when the gateway files it (``sent_copy = "server"``)."""
    author = envelope.author
    if author.sent_copy != "server":
        return None
    mailbox = mailboxes.find_special(view, author.account_id, "\\Sent")
    if mailbox is None:
        return None
    seal, body = view.vault.account(view, author.account_id), queued.body
    arrival = Arrival(
        author.account_id,
        ready.message_ref,
        body,
        seal.share(body.object_id, body.seal),
        len(ready.raw),
        seal.seal(ready.summary, messages.summary_context(ready.message_ref)),
        seal.seal(
            evidence(ready.carried, ready.received_at),
            messages.evidence_context(ready.message_ref),
        ),
    )
    return mailbox.mailbox_id, arrival


def _record(tx: Transaction, account_id: int, ready: Ready) -> None:
    audit.record(
        tx,
        actor=f"account:{account_id}",
        act="store",
        object=f"{len(ready.recipients)} recipients, {len(ready.raw)} octets",
        verdict="accepted",
        message_ref=ready.message_ref,
    )
