"""Stage store: one commit makes message, queue items and audit durable. Only then 250.

The rules at message are asked once more inside the transaction, on the author's standing and the
exchanges as they are at that instant: no race lets a patient's message slip past a closing.
"""

from dataclasses import dataclass, replace

from mailbox_store.database import Transaction
from mailbox_store.errors import StoreUnavailable
from mss_gateway.directory import people
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import policy
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.policy import Envelope
from mss_gateway.observability import audit
from mss_gateway.queue import items
from mss_gateway.queue.items import Carried
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


def commit(gateway: Gateway, envelope: Envelope, facts: MessageFacts, ready: Ready) -> None:
    """Store the message with one queue item per recipient; raises Refused.

    STORE_UNAVAILABLE when nothing became durable: the sender keeps the message and tries again.
    """
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
    queued = items.seal_message(spool, ready.message_ref, ready.raw, ready.summary, ready.carried)

    def unit(tx: Transaction) -> Verdict:
        author = people.by_account(tx, envelope.author.account_id)
        fresh = replace(
            facts,
            author=author.party,
            exchanges=policy.exchange_facts(tx, author, ready.recipients),
        )
        verdict = decide.at_message(fresh)
        if isinstance(verdict, Permit):
            items.enqueue(tx, spool, queued, ready.recipients, "deliver")
            audit.record(
                tx,
                actor=f"account:{author.account_id}",
                act="store",
                object=f"{len(ready.recipients)} recipients, {len(ready.raw)} octets",
                verdict="accepted",
                message_ref=ready.message_ref,
            )
        return verdict

    try:
        verdict = gateway.database.write(unit)
    except StoreUnavailable as error:
        raise Refused(Failure.STORE_UNAVAILABLE, type(error).__name__) from error
    policy.settle(gateway, verdict, envelope, ready.message_ref)
