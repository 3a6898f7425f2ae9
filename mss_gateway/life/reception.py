"""What another operator's server may do, at MAIL, at RCPT and with a message: facts, then rules.

Its certificate is judged again at every MAIL: a connection may be kept, or resumed, for longer than
the certificate is good. What it then speaks for is the operator of the white list, and no more. A
list that comes in force before the end of the message is asked once more there.
"""

from dataclasses import dataclass, replace

from certs.certificate import Certificate, from_der_again, host_names
from certs.errors import ChainReason, ChainRejected, DerMalformed
from certs.usage import Purpose
from mailbox_store.database import Transaction, View
from mss_gateway.directory import operators
from mss_gateway.directory.operators import Operator
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import arrival, content, peers, policy, retries, room
from mss_gateway.life.arrival import Arrival
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.judgement import Judged
from mss_gateway.life.submission import Receipt
from mss_gateway.message import trace
from mss_gateway.message.address import EmailAddress
from mss_gateway.message.header import Header, header_end, parse_header
from mss_gateway.message.part import Message
from mss_gateway.message.report_parts import find_report
from mss_gateway.observability import audit
from policies import decide
from policies.facts import ArrivalFacts, MessageFacts, PeerFacts, PeerProof, SignatureStatus
from policies.people import Party, Role, Standing
from policies.reasons import Reason
from policies.verdict import Permit, Verdict

_ENDED = frozenset({Reason.EXCHANGE_CLOSED, Reason.NOT_YET_CONTACTED})
"""What a patient hears who may not write any more: the exchange was closed, or taken back."""

_REPORTS = ("disposition-notification", "delivery-status")


@dataclass(frozen=True, slots=True)
class Visit:
    """Another operator's server handing over one message: whom it speaks for, from where.

    ``host`` is the name in its certificate, which (DER) is what was ``shown``. ``list_id`` is the
    white list by which it was judged; 0 is none, and is judged again.
    """

    operator: Operator
    host: str
    reverse_path: EmailAddress | None
    shown: bytes | None = None
    list_id: int = 0

    @property
    def path(self) -> str | None:
        """The reverse-path as the rules want it."""
        return None if self.reverse_path is None else str(self.reverse_path)


def at_peer(
    gateway: Gateway,
    shown: bytes | None,
    reverse_path: EmailAddress | None,
    declared_size: int | None,
) -> Visit:
    """At MAIL: is the server whose certificate (DER) was ``shown`` welcome? Raises Refused."""
    room.demand(gateway, "mx")
    return _judged(gateway, shown, reverse_path, declared_size)


def _judged(
    gateway: Gateway,
    shown: bytes | None,
    reverse_path: EmailAddress | None,
    declared_size: int | None,
    message_ref: str | None = None,
) -> Visit:
    with gateway.database.read() as view:
        certificate, proof = _proof(gateway, view, shown)
        known = gateway.whitelist(view)
    found = None if certificate is None else operators.operator_of(known, certificate)
    operator = _without_ours(gateway, found or Operator("", frozenset()))
    path = None if reverse_path is None else str(reverse_path)
    facts = PeerFacts(
        proof,
        known.is_stale(gateway.clock(), gateway.config.whitelist.stale_hours),
        operator.domains,
        path,
        declared_size,
        gateway.config.limits.message_octets,
    )
    # a name that nobody believes is not written down
    name = operator.name if proof is PeerProof.BELIEVED else ""
    _settle(gateway, decide.at_peer(facts), name, message_ref)
    assert certificate is not None, "a server without a certificate is refused"
    host = _host(operator, certificate)
    return Visit(operator, host, reverse_path, shown, known.whitelist_id)


def _still_welcome(gateway: Gateway, visit: Visit) -> Visit:
    """The visit as the list in force has it: the same, unless that is not the one of MAIL.

    The body of a large message takes minutes, and a domain may be taken off meanwhile.
    """
    with gateway.database.read() as view:
        list_id = gateway.whitelist(view).whitelist_id
    if list_id == visit.list_id:
        return visit
    return _judged(gateway, visit.shown, visit.reverse_path, None, gateway.new_ref())


def _proof(
    gateway: Gateway, view: View, shown: bytes | None
) -> tuple[Certificate | None, PeerProof]:
    if shown is None:
        return None, PeerProof.ABSENT
    if gateway.peer_trust is None:
        return None, PeerProof.REJECTED
    try:
        certificate = from_der_again(shown)
        gateway.peer_trust.check(view, certificate, Purpose.CLIENT, gateway.now())
    except DerMalformed:
        return None, PeerProof.REJECTED
    except ChainRejected as rejected:
        is_unknown = rejected.reason is ChainReason.REVOCATION_UNKNOWN
        return certificate, PeerProof.UNCHECKED if is_unknown else PeerProof.REJECTED
    return certificate, PeerProof.BELIEVED


def _without_ours(gateway: Gateway, operator: Operator) -> Operator:
    """Nobody else speaks for our domains, whatever a list says."""
    site = gateway.config.site
    return Operator(operator.name, operator.domains - {*site.domains, site.patient_domain})


def _host(operator: Operator, certificate: Certificate) -> str:
    """The name that made the certificate the operator's."""
    names = [name.lower().rstrip(".") for name in host_names(certificate)]
    own = (
        name
        for name in names
        if any(name == one or name.endswith(f".{one}") for one in operator.domains)
    )
    # a list may put one of our domains under another operator: that host is of none of theirs
    return next(own, names[0])


def at_recipient(gateway: Gateway, visit: Visit, recipient: EmailAddress, so_far: int) -> bool:
    """At RCPT: one answer per recipient; raises Refused. Nothing is ever relayed for a peer.

    True when nobody else may be named beside this recipient: an exchange has ended, and only the
    octets will tell whether this is the retry of a message that came in before. A new one would be
    refused as a whole (:func:`accept` asks the rules of the exchange again), and with it others'.
    """
    writer = writer_of(gateway, visit)
    with gateway.database.read() as view:
        facts = policy.recipient_facts(gateway, view, writer, recipient, so_far)
        is_full = policy.has_no_room(gateway, view, recipient)
        verdict = decide.at_recipient(facts)
        may_be_again = _may_be_again(gateway, view, visit, verdict, recipient)
    if may_be_again and so_far:
        raise _on_record(gateway, Refused(Failure.TOO_MANY_RECIPIENTS), visit.operator.name)
    if not may_be_again:
        _settle(gateway, verdict, visit.operator.name)
    if is_full and not may_be_again:
        raise _on_record(gateway, Refused(Failure.MAILBOX_FULL), visit.operator.name)
    return may_be_again


def _may_be_again(
    gateway: Gateway, view: View, visit: Visit, verdict: Verdict, recipient: EmailAddress
) -> bool:
    """Whether what a patient may not write any more may be what they wrote while they might."""
    if isinstance(verdict, Permit) or verdict.reason not in _ENDED or visit.path is None:
        return False
    source = arrival.source_of(visit.operator.name)
    return retries.wrote_lately(view, gateway, source, visit.path, str(recipient))


def writer_of(gateway: Gateway, visit: Visit) -> policy.Writer:
    """Who names recipients, as the rules see them."""
    author = _author(gateway, visit, _patients(gateway, visit.path))
    return policy.Writer(author, visit.path, may_relay=False)


def _patients(gateway: Gateway, *addresses: str | None) -> tuple[str, ...]:
    """Those of patients, each once."""
    return tuple(
        dict.fromkeys(
            one
            for one in addresses
            if one is not None and peers.is_patients(gateway, one.rpartition("@")[2])
        )
    )


def _author(gateway: Gateway, visit: Visit, patients: tuple[str, ...]) -> Party:
    """Who writes, as far as the operator vouches: a patient where a patient is named."""
    if patients:
        return Party(0, Role.PATIENT, frozenset(patients), Standing.ACTIVE)
    own = {f"postmaster@{domain}" for domain in visit.operator.domains}
    addresses = frozenset(own if visit.path is None else {visit.path})
    return Party(0, Role.PROFESSIONAL, addresses, Standing.ACTIVE)


class Hearing:
    """The rules for one message: asked of each form of it when it was opened, and once more in the
    transaction that commits, on the exchanges as they are then."""

    def __init__(self, gateway: Gateway, visit: Visit, raw: bytes) -> None:
        self._gateway = gateway
        self._visit = visit
        self._raw = raw
        self._asked: list[ArrivalFacts] = []

    def of_form(self, judged: Judged, recipients: tuple[EmailAddress, ...]) -> Verdict:
        """What the rules say of an opened message for these recipients."""
        end, _ = header_end(self._raw, 0, len(self._raw))
        outer = parse_header(self._raw, 0, end)
        with self._gateway.database.read() as view:
            facts = _arrival_facts(self._gateway, view, self._visit, outer, judged, recipients)
        self._asked.append(facts)
        return decide.at_arrival(facts)

    def again(self, tx: Transaction) -> Verdict:
        """At the commit: the first verdict that is no permission, else the last."""
        verdict = None
        for facts in self._asked:
            message = facts.message
            exchanges = policy.exchange_facts(tx, message.author, message.recipients)
            message = replace(message, exchanges=exchanges)
            verdict = decide.at_arrival(replace(facts, message=message))
            if not isinstance(verdict, Permit):
                return verdict
        assert verdict is not None, "every form was asked about"
        return verdict


def _arrival_facts(
    gateway: Gateway,
    view: View,
    visit: Visit,
    outer: Header,
    judged: Judged,
    recipients: tuple[EmailAddress, ...],
) -> ArrivalFacts:
    message, limits = judged.message, gateway.config.limits
    to = tuple(map(str, recipients))
    ins = content.patient_ins(gateway, to)
    named, inside = content.authors(outer), content.authors(message.header)
    author = _author(gateway, visit, _patients(gateway, visit.path, *named, *inside))
    facts = MessageFacts(
        author=author,
        reverse_path=visit.path,
        from_field_count=len(outer.all("from")),
        from_addresses=named,
        sender_addresses=_senders(outer),
        recipients=to,
        has_patient_recipient=bool(ins),
        exchanges=policy.exchange_facts(view, author, to),
        size=len(message.raw),
        size_limit=limits.message_octets,
        size_limit_to_patient=limits.patient_message_octets,
        received_count=trace.count_received(outer),
        received_limit=trace.HOP_LIMIT,
        has_client_keys=False,
        signature=SignatureStatus.ABSENT,
        signer_addresses=(),
        findings=content.findings(gateway, message, ins),
    )
    return ArrivalFacts(
        facts,
        visit.operator.domains,
        (*inside, *_senders(message.header)),
        trace.is_own(outer, gateway.config.site.hostname),
        visit.reverse_path is None and _is_report(message),
    )


def _senders(header: Header) -> tuple[str, ...]:
    return content.addresses(header, "sender", unreadable=content.NOBODY)


def _is_report(message: Message) -> bool:
    """Whether it can be read as one: what only calls itself so is a letter like another."""
    return any(find_report(message, kind) is not None for kind in _REPORTS)


def accept(gateway: Gateway, visit: Visit, arriving: Arrival) -> Receipt:
    """Take responsibility for what this server hands over; raises Refused with a message_ref."""
    visit = _still_welcome(gateway, visit)
    arriving = replace(arriving, operator=visit.operator.name, host=visit.host)
    hearing = Hearing(gateway, visit, arriving.raw)
    try:
        return arrival.accept(gateway, arriving, hearing.of_form, hearing.again)
    except Refused as refused:
        first = _told_before(gateway, arriving)
        if first is not None:
            return first
        raise _on_record(gateway, refused, visit.operator.name) from refused.__cause__


def _told_before(gateway: Gateway, arriving: Arrival) -> Receipt | None:
    """The receipt of a message that each of its recipients has, whatever the rules say by now."""
    to = tuple(map(str, arriving.recipients))
    with gateway.database.read() as view:
        message_ref = retries.told(view, gateway, arrival.handed(arriving), to)
    if message_ref is None:
        return None
    gateway.metrics.collapsed.labels("mx").inc()
    gateway.database.write(
        lambda tx: audit.record(
            tx,
            actor="peer",
            act="store",
            object=f"{len(to)} recipients",
            verdict="retry collapsed",
            message_ref=message_ref,
        )
    )
    return Receipt(message_ref)


def _settle(
    gateway: Gateway, verdict: Verdict, operator: str, message_ref: str | None = None
) -> None:
    try:
        policy.obey(verdict)
    except Refused as refused:
        refused.message_ref = message_ref
        raise _on_record(gateway, refused, operator) from None


def _on_record(gateway: Gateway, refused: Refused, operator: str) -> Refused:
    """Count a refusal and put it on record; nobody waits for that commit.

    Of those who prove nothing, ``operator`` empty, one row a minute says how many they were.
    """
    gateway.metrics.refused.labels(refused.failure.value, "mx").inc()
    count = 1 if operator else gateway.sparing.due(refused.failure.value)
    if count:
        about = f"mx {operator}".rstrip() if count == 1 else f"mx, {count} times"
        policy.put_on_record(gateway, refused, actor="peer", act="policy", about=about)
    return refused
