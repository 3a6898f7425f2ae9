"""Stage report: what became of an item, told to its author as far as they asked (RFC 3461 §4.1).

A report has the null reverse-path, holds no content of the message, and is itself queued in the
transaction that ends or delays the item: it cannot be lost. There is one for each recipient.
Nothing is reported about a report; one that cannot be delivered is dropped, on record.
"""

from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from mailbox_store import bodies
from mailbox_store.database import Transaction, View
from mailbox_store.errors import StoreUnavailable
from mailbox_store.vault import AccountSeal
from mss_gateway import texts
from mss_gateway.failures import Failure, row
from mss_gateway.life import answering, crypto, peers, retries
from mss_gateway.life.gateway import Gateway
from mss_gateway.message import dsn, trace
from mss_gateway.message.address import Mailbox, parse_address
from mss_gateway.message.dsn import NO_REPLY, Action, RecipientReport, RemoteReply
from mss_gateway.message.limits import LIMITS
from mss_gateway.message.parse import scan
from mss_gateway.message.report_form import Head, returned_header
from mss_gateway.message.summary import summarise
from mss_gateway.observability import audit, log
from mss_gateway.queue import desk, items, leases, spooled
from mss_gateway.queue.carried import Asked, Carried, Destined
from mss_gateway.queue.leases import Item
from mss_gateway.queue.spooled import Message, Queued
from policies.people import Role

WORDS: Final[dict[Action, str]] = {
    "failed": "FAILURE",
    "delayed": "DELAY",
    "delivered": "SUCCESS",
    "relayed": "SUCCESS",
}
"""What is told → the word of NOTIFY that asks for it."""

UNASKED: Final = frozenset({"failed", "delayed"})
"""What is told to an author who said nothing: delays are ours to decide (RFC 3461 §4.1)."""

TRANSPORT: Final = frozenset({"deliver", "relay"})
"""Stages of a message on its way; once it is delivered, "not delivered" would be a lie."""

_LATE: Final = "4.4.7"
"""RFC 3463 §3.5: the time runs out."""

_SAID: Final = {
    "5.1.1": Failure.RECIPIENT_UNKNOWN,
    "5.2.1": Failure.RECIPIENT_UNAVAILABLE,
    "5.2.3": Failure.MESSAGE_TOO_BIG,
    "5.3.4": Failure.MESSAGE_TOO_BIG,
}
"""What another server may say (RFC 3463 §3) that an author can do something about."""

_SUBJECTS: Final[dict[Action, str]] = {
    "failed": "courriel.non_remis_objet",
    "delayed": "courriel.retarde_objet",
    "delivered": "courriel.remis_objet",
    "relayed": "courriel.transmis_objet",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item: why it failed or waits, what another server said, until when."""

    action: Action
    failure: Failure | None = None
    reply: RemoteReply = NO_REPLY
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A report ready to be queued: sealed, and whom it goes to; see :func:`send`."""

    spool: AccountSeal
    queued: Queued
    to: Destined
    action: Action
    message_ref: str


def wants(asked: Asked, action: Action) -> bool:
    """Whether the author of an item wants to hear this of it (RFC 3461 §4.1)."""
    if not asked.notify:
        return action in UNASKED
    return "NEVER" not in asked.notify and WORDS[action] in asked.notify


def give_up(gateway: Gateway, item: Item, failure: Failure, reply: str = "") -> "Future[None]":
    """End an item that failed for good, and report to whoever is behind the reverse-path.

    ``reply`` is what another server answered, ``[server ]code[ enhanced]…``; where none is given,
    what was kept with the item counts.
    """
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
        if item.stage == "relay" and not reply:
            reply = desk.reply_of(view, spool, item.item_id)
        outcome = Outcome("failed", failure, dsn.parse_reply(reply))
        report = about(gateway, view, item, outcome)

    def unit(tx: Transaction) -> None:
        if leases.holds(tx, item):
            _end(gateway, tx, item, failure, report)

    return gateway.database.submit(unit)


def drop(gateway: Gateway, tx: Transaction, item: Item) -> None:
    """The same in a transaction of the operator's: what is on record as dropped is never delivered.

    The report is made while everybody waits: for an act by hand only.
    """
    report = about(gateway, tx, item, Outcome("failed", Failure.DROPPED))
    _end(gateway, tx, item, Failure.DROPPED, report)


def _end(
    gateway: Gateway, tx: Transaction, item: Item, failure: Failure, report: Report | None
) -> None:
    send(gateway, tx, report)
    _record(tx, item.message_ref, failure.value)
    if item.stage in TRANSPORT:
        # the author may hand it in again
        retries.given_up(tx, gateway, item.message_ref, item.recipient)
    items.finish(tx, item)


def delayed(gateway: Gateway, item: Item, expires_at: int) -> "Future[None]":
    """Tell an author, once, that an item is late; it goes on until ``expires_at`` (queue time)."""
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
        left = timedelta(seconds=expires_at - gateway.queue_clock.now())
        failure = _FAILURES.get(item.last_failure or "")
        reply = dsn.parse_reply(desk.reply_of(view, spool, item.item_id))
        outcome = Outcome("delayed", failure, reply, gateway.now() + left)
        report = _if_it_can(gateway, view, item, outcome)

    def unit(tx: Transaction) -> None:
        if items.noticed(tx, item, expires_at):
            send(gateway, tx, report)

    return gateway.database.submit(unit)


def on_delivered(gateway: Gateway, view: View, item: Item) -> Report | None:
    """The report of a delivery here, if its author asked for one; to be sent where it is written.

    Costs nothing where nobody asked.
    """
    return _if_it_can(gateway, view, item, Outcome("delivered"))


def on_relayed(gateway: Gateway, view: View, item: Item, reply: str) -> Report | None:
    """The same where a server took it that passes no requests on (RFC 3461 §5.2.2).

    A server that announced DSN was handed the request, and tells by itself.
    """
    return _if_it_can(gateway, view, item, Outcome("relayed", reply=dsn.parse_reply(reply)))


def _if_it_can(gateway: Gateway, view: View, item: Item, outcome: Outcome) -> Report | None:
    """What is told of a message that has arrived, or goes on: passed over if it cannot be made.

    It would hold the message up, or have it sent once more. What failed is never passed over.
    """
    try:
        return about(gateway, view, item, outcome)
    except StoreUnavailable:
        raise
    except Exception as error:
        log.bug("report", error, stage=item.stage, message_ref=item.message_ref)
        gateway.metrics.unreported.labels("passed_over").inc()
        return None


def about(gateway: Gateway, view: View, item: Item, outcome: Outcome) -> Report | None:
    """The report of an outcome, sealed; None when nobody wants to hear it, or nobody may."""
    if item.stage not in TRANSPORT or not wants(item.asked, outcome.action):
        return None
    spool = gateway.database.vault.account(view, gateway.spool)
    message = spooled.read_message(view, spool, item.message_ref)
    if message is None:
        return None
    to = answering.behind(gateway, view, message.carried)
    if to is None:
        return None
    raw = bodies.read(view, spool, message.blob_id, message.object_key, 0, LIMITS.header_octets)
    ref = gateway.new_ref()
    told = _written(gateway, item, message, raw, outcome, to, ref)
    if to.stage == "relay":
        # what leaves is signed: the other side takes nobody's word for who wrote it
        told = crypto.sign(gateway, gateway.notary.signer(), told, (parse_address(to.address),))
    queued = spooled.seal_message(
        spool, ref, told, summarise(scan(told)), _carried(gateway, message)
    )
    return Report(spool, queued, to, outcome.action, item.message_ref)


def send(gateway: Gateway, tx: Transaction, report: Report | None) -> None:
    """Queue a report in the transaction of what it tells; nothing for None."""
    if report is None:
        return
    now = gateway.queue_clock.now()
    items.enqueue(tx, report.spool, report.queued, (report.to,), now=now)
    gateway.metrics.reported.labels(report.action).inc()
    if report.action != "failed":
        # a failure is on record whether anybody hears of it or not
        _record(tx, report.message_ref, report.action)


def _written(
    gateway: Gateway,
    item: Item,
    message: Message,
    raw: bytes,
    outcome: Outcome,
    to: Destined,
    ref: str,
) -> bytes:
    site = gateway.config.site
    head = Head(
        sender=Mailbox(site.operator, parse_address(f"postmaster@{site.domains[0]}")),
        to=parse_address(to.address),
        subject=texts.text(_SUBJECTS[outcome.action]),
        text=_text(gateway, item, outcome),
        message_id=trace.new_message_id(site.domains[0], ref),
        moment=gateway.now(),
        original=returned_header(raw),
    )
    return dsn.delivery_report(
        dsn.DeliveryReport(
            head=head,
            reporting_server=site.hostname,
            arrived_at=datetime.fromtimestamp(message.created_at, UTC),
            recipients=(_of_recipient(item, outcome, head.moment),),
            envelope_id=message.carried.envelope_id,
        )
    )


def _of_recipient(item: Item, outcome: Outcome, now: datetime) -> RecipientReport:
    reply = outcome.reply
    return RecipientReport(
        recipient=parse_address(item.recipient),
        action=outcome.action,
        status=_status(outcome),
        diagnostic=_diagnostic(item, outcome),
        original=item.asked.original,
        remote=reply.server,
        attempted_at=now,
        log_id=item.message_ref,
        until=outcome.until,
    )


def _status(outcome: Outcome) -> str:
    """Of the class that the action has, whoever gave the detail (RFC 3464 §2.3.4)."""
    if outcome.action in ("delivered", "relayed"):
        return "2.0.0"
    given = outcome.reply.enhanced
    if not given and outcome.failure is not None:
        given = row(outcome.failure).enhanced
    if outcome.action == "failed":
        return "5" + (given or "5.0.0")[1:]
    return given if given.startswith("4.") else _LATE


def _diagnostic(item: Item, outcome: Outcome) -> str:
    """The code of whoever said no, and our reference: nobody knows what a remote text quotes."""
    reply, failure = outcome.reply, outcome.failure
    if reply.code:
        words = [str(reply.code), reply.enhanced]
    elif failure is not None:
        words = [str(row(failure).smtp), row(failure).enhanced]
    else:
        return ""
    return " ".join([*[word for word in words if word], item.message_ref])


def _text(gateway: Gateway, item: Item, outcome: Outcome) -> str:
    """What happened and what to do, in French."""
    match outcome.action:
        case "failed":
            is_patient = peers.is_patients(gateway, item.recipient.rpartition("@")[2])
            return texts.text("courriel.non_remis", motif=_motive(outcome, is_patient=is_patient))
        case "delayed":
            return texts.text("courriel.retarde")
        case "delivered":
            return texts.text("courriel.remis")
        case "relayed":
            return texts.text("courriel.transmis")


def _motive(outcome: Outcome, *, is_patient: bool) -> str:
    """Why, in French. Whoever waited in vain for the time to run out is promised no other try.

    Of a patient elsewhere no more is said than of one here (threat T10).
    """
    failure = outcome.failure
    if failure is Failure.PEER_REFUSED:
        failure = _SAID.get(outcome.reply.enhanced, failure)
        if is_patient and failure is not Failure.MESSAGE_TOO_BIG:
            failure = Failure.PATIENT_UNREACHABLE
    if failure is None or row(failure).retry:
        failure = Failure.RECIPIENT_UNAVAILABLE
    return texts.text(row(failure).text)


def _carried(gateway: Gateway, message: Message) -> Carried:
    site = gateway.config.site
    return Carried(
        reverse_path=None,
        author=f"postmaster@{site.domains[0]}",
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
        requires_tls=message.carried.requires_tls,
    )


def _record(tx: Transaction, message_ref: str, verdict: str) -> None:
    audit.record(
        tx,
        actor="system",
        act="report",
        object="one recipient",
        verdict=verdict,
        message_ref=message_ref,
    )


_FAILURES: Final = {failure.value: failure for failure in Failure}
