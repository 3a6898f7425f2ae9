"""A report of another operator that a message of ours did not arrive: what it opened is withdrawn.

Our message to a patient elsewhere opens the exchange in our record when their operator takes it. If
it says later that the message did not arrive after all, the patient never was written to, and an
exchange that no other message has touched was never opened (the rule of the house).

Only the operator that owns the patient's domain may say so, and only of that patient. It says so by
its postmaster: whoever else had a copy of the message knows its reference, and an operator that
lets a professional send with the null reverse-path would let them write such a report as well.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from mailbox_store import correspondences
from mailbox_store.database import Transaction, View
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import content
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.address import EmailAddress
from mss_gateway.message.header import Header, field_text
from mss_gateway.message.part import Message
from mss_gateway.message.status_report import StatusReport, read_status_report
from mss_gateway.message.words import unfold
from mss_gateway.observability import audit
from mss_gateway.queue import waiting
from policies.verdict import Permit, Verdict

RECEIVED: Final = 100
"""Trace lines of a returned header that are looked at: as many hops as a message may have. The
newest one of ours counts: whatever stands below may have been written by the author."""

SERVERS: Final = frozenset({"postmaster", "mailer-daemon"})
"""Local parts of From that no person has (RFC 3461 §6.2 wants the postmaster, many servers write
the other one)."""

_REF: Final = "[0-9a-v]{26}"
_IS_REF = re.compile(_REF)
_TRACE = re.compile(rf"\bby ([A-Za-z0-9.-]{{1,253}}) with [A-Za-z0-9]{{1,20}} id ({_REF})\s*;")


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A message of ours that did not arrive at a patient elsewhere, by their address."""

    patient: str
    message_ref: str


def reported(
    gateway: Gateway,
    view: View,
    reverse_path: EmailAddress | None,
    operator: str,
    message: Message,
) -> tuple[Withdrawal, ...]:
    """What a message handed in by an ``operator`` takes back; () for all that is no report.

    ``message`` as it can be read. Raises Refused(SERVICE_BUSY) for a report that overtakes the
    settling of what it is about: it comes again, and finds it done.
    """
    if reverse_path is not None or not _is_of_server(message):
        return ()
    report = read_status_report(message)
    if report is None:
        return ()
    site, domains = gateway.config.site, gateway.whitelist(view).domains_of(operator)
    refs = _references(report, site.hostname)
    failed = [
        str(address)
        for one in report.recipients
        if one.is_final_failure
        for address in one.addresses
        if address.domain in domains and not site.serves(address.domain)
    ]
    found = tuple(Withdrawal(address, ref) for address in dict.fromkeys(failed) for ref in refs)
    if any(waiting.is_waiting(view, one.message_ref, one.patient) for one in found):
        raise Refused(Failure.SERVICE_BUSY, "a report about what is not settled")
    return found


def apply(tx: Transaction, withdrawals: Iterable[Withdrawal]) -> int:
    """Withdraw, in the transaction that takes the report; how many exchanges."""
    count = 0
    for each in withdrawals:
        withdrawn = correspondences.withdraw(tx, each.patient, each.message_ref)
        if withdrawn:
            audit.record(
                tx,
                actor="peer",
                act="correspondence",
                object="patient elsewhere",
                verdict="withdrawn",
                message_ref=each.message_ref,
            )
        count += withdrawn
    return count


def taking(
    gateway: Gateway,
    reverse_path: EmailAddress | None,
    operator: str,
    message: Message,
    ask: Callable[[Transaction], Verdict] | None,
) -> Callable[[Transaction], Verdict] | None:
    """``ask``, the rules as they are asked at the commit, and with their leave the withdrawals.

    Raises as :func:`reported`.
    """
    with gateway.database.read() as view:
        found = reported(gateway, view, reverse_path, operator, message)
    if not found:
        return ask

    def ask_and_withdraw(tx: Transaction) -> Verdict:
        verdict = Permit(()) if ask is None else ask(tx)
        if isinstance(verdict, Permit):
            apply(tx, found)
        return verdict

    return ask_and_withdraw


def _is_of_server(message: Message) -> bool:
    """Whether From is a server's, and that of one server only."""
    authors = [author.partition("@")[0] for author in content.authors(message.header)]
    return len(authors) == 1 and authors[0].lower() in SERVERS


def _references(report: StatusReport, hostname: str) -> tuple[str, ...]:
    """Our own names of the message: the envelope identifier that it was sent with, our trace."""
    found = [report.envelope_id] if is_reference(report.envelope_id) else []
    traced = None if report.returned is None else _traced(report.returned, hostname)
    return tuple(dict.fromkeys([*found, *([] if traced is None else [traced])]))


def is_reference(envelope_id: str) -> bool:
    """Whether an envelope identifier could be a message's reference; no author may choose one."""
    return _IS_REF.fullmatch(envelope_id) is not None


def _traced(header: Header, hostname: str) -> str | None:
    lines = (unfold(field_text(value)) for value in header.all("received")[:RECEIVED])
    words = (_TRACE.search(" ".join(line.split())) for line in lines)
    ours = (found[2] for found in words if found is not None and found[1] == hostname)
    return next(ours, None)
