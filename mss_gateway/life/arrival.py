"""A message from another operator: opened and verified before 250, and delivered whatever came.

Whoever may read it gets what can be read, with what was found written on it. What is sealed for us
and does not open, or is signed and proves nothing, is delivered as an explanation with the original
attached, and is never filed (house, decision 15); only a patient is not sent a riddle: the sender
is told at once. A mailbox whose keys are in its own client gets the message as it came.

The peer's standing is not judged here: whoever listens hands in the rules.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from mailbox_store.database import Transaction, View
from mss_gateway import texts
from mss_gateway.directory import domain_keys, people
from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import content, judgement, opening, peers, policy, retries, store, withdrawals
from mss_gateway.life.forms import FORMS_OCTETS
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.judgement import Judged
from mss_gateway.life.store import Ready
from mss_gateway.life.submission import Receipt
from mss_gateway.message import dsn, recipient_list, trace
from mss_gateway.message.address import EmailAddress, Mailbox, parse_address
from mss_gateway.message.authentication import (
    DECRYPTIONS,
    SIGNATURES,
    Decryption,
    Signature,
    fields,
    strip,
)
from mss_gateway.message.explanation import Explanation, explain
from mss_gateway.message.layers import layer
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.part import Message
from mss_gateway.message.summary import summarise
from mss_gateway.observability import log
from mss_gateway.queue.carried import Asked, Carried
from policies.people import Role
from policies.verdict import Verdict

READABLE: Final = frozenset(
    {Signature.VALID, Signature.ABSENT, Signature.PARTIAL, Signature.REVOCATION_UNKNOWN}
)
"""What is shown, each with its word on it; any other signature is explained."""

OPENED: Final = frozenset({Decryption.NOT_ENCRYPTED, Decryption.DECRYPTED})


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a peer handed in: envelope and raw message with CRLF.

    ``author_role`` is what the peer's operator is entitled to write as. Recipients are mailboxes
    here, each accepted at RCPT. ``operator`` is whom the peer speaks for, ``host`` its name.
    ``asked`` by address, ``envelope_id``, ``returns``, ``requires_tls`` and ``is_utf8``: as in a
    Submission. ``results``: what else Authentication-Results says of it, for information.
    """

    reverse_path: EmailAddress | None
    recipients: tuple[EmailAddress, ...]
    raw: bytes
    author_role: Role
    operator: str = ""
    host: str = ""
    asked: Mapping[str, Asked] = field(default_factory=dict)
    envelope_id: str = ""
    returns: str = ""
    requires_tls: bool = False
    is_utf8: bool = False
    results: Sequence[Sequence[str]] = ()

    def __post_init__(self) -> None:
        if self.author_role is Role.SYSTEM:
            raise ValueError("what comes from elsewhere was not written by this gateway")


Rules = Callable[[Judged, tuple[EmailAddress, ...]], Verdict]
"""What the listener has to say of an opened message for these recipients."""


class Form(Enum):
    """In which form a message is delivered."""

    AS_IT_CAME = "as it came"
    """For a mailbox whose keys are in its own client."""
    READABLE = "readable"
    EXPLAINED = "explained"


@dataclass(frozen=True, slots=True)
class _Copy:
    """One form of the message, for those who get it in this form."""

    recipients: tuple[EmailAddress, ...]
    judged: Judged
    form: Form


def accept(
    gateway: Gateway,
    arrival: Arrival,
    rules: Rules,
    again: Callable[[Transaction], Verdict] | None = None,
) -> Receipt:
    """Take responsibility for a message, in one commit for all its recipients; raises Refused.

    Refused are what is no message at all, what the rules object to, and what stays closed for a
    patient. ``again`` asks the rules in the transaction that commits. A retry of what was accepted
    before gets the first receipt.
    """
    message_ref = gateway.new_ref()
    try:
        if find_bare_line_ending(arrival.raw) is not None:
            raise Refused(Failure.BARE_LINE_ENDING)
        copies = copies_of(gateway, arrival)
        for each in copies:
            policy.obey(rules(each.judged, each.recipients))
        if len(copies) > 1 and len(copies) * len(arrival.raw) > FORMS_OCTETS:
            raise Refused(Failure.MESSAGE_TOO_BIG, "forms of one message")
        ready = (
            _ready(gateway, arrival, each, message_ref if number == 0 else gateway.new_ref())
            for number, each in enumerate(copies)
        )
        again = withdrawals.taking(
            gateway, arrival.reverse_path, arrival.operator, copies[0].judged.message, again
        )
        told = store.commit_arrival(gateway, ready, handed(arrival), again)
    except MessageMalformed as malformed:
        raise Refused(malformed.failure, str(malformed), message_ref) from None
    except Refused as refused:
        refused.message_ref = message_ref
        raise
    except Exception as error:
        log.bug("arrival", error, channel="mx", message_ref=message_ref)
        raise Refused(Failure.BUG, message_ref=message_ref) from error
    gateway.metrics.accepted.labels("mx").inc()
    gateway.wake()
    return Receipt(told)


def handed(arrival: Arrival) -> retries.Handed | None:
    """What a retry of it is known by; None where nobody is known to have handed it over."""
    if not arrival.operator:
        return None
    path = None if arrival.reverse_path is None else str(arrival.reverse_path)
    return retries.handed(source_of(arrival.operator), path, arrival.raw)


def source_of(operator: str) -> str:
    """An operator as ``retries`` names who hands over."""
    return f"operator:{operator}"


def copies_of(gateway: Gateway, arrival: Arrival) -> tuple[_Copy, ...]:
    """Every form in which the message is delivered; recipients of one form share it.

    Raises Refused(CANNOT_OPEN) when it stays closed for a patient; MessageMalformed.
    """
    message, merged = scan(arrival.raw), dict[tuple[object, ...], _Copy]()
    with gateway.database.read() as view:
        unsealed = _judged_for_all(gateway, view, arrival, message)
        for recipient in dict.fromkeys(arrival.recipients):
            each = _copy_for(gateway, view, arrival, message, recipient, unsealed)
            shown = each.judged.message.raw if each.form is Form.READABLE else b""
            key = (each.form, *judgement.words(each.judged), shown)
            same = merged.get(key)
            known = () if same is None else same.recipients
            merged[key] = replace(each, recipients=known + each.recipients)
    return tuple(merged.values())


def _judged_for_all(
    gateway: Gateway, view: View, arrival: Arrival, message: Message
) -> Judged | None:
    """What may be said of a message that is closed for nobody; None when there is an envelope."""
    is_closed = False

    def nobody_s() -> tuple[()]:
        nonlocal is_closed
        is_closed = True
        return ()

    opened = opening.open_message(message, nobody_s)
    if is_closed:
        return None
    path = None if arrival.reverse_path is None else str(arrival.reverse_path)
    return judgement.judge(gateway, view, opened, path, gateway.now())


def judge_for(
    gateway: Gateway, view: View, message: Message, recipient: Person, reverse_path: str | None
) -> Judged:
    """What one recipient's keys open, or those of their domain, and what may be said of it."""
    account_id = recipient.account_id
    opened = opening.open_message(message, lambda: gateway.cabinet.openers(view, account_id))
    if opened.decryption is Decryption.NO_KEY:
        by_domain = _for_domain(gateway, view, message, recipient, reverse_path)
        if by_domain is not None:
            return by_domain
    judged = judgement.judge(gateway, view, opened, reverse_path, gateway.now())
    return _addressed(judged, recipient)


def _addressed(judged: Judged, recipient: Person) -> Judged:
    """The same, unless its author signed it for others only."""
    is_addressed = recipient_list.check(judged.opened.protected, parse_address(recipient.address))
    is_signed = judged.verdict.signature in (Signature.VALID, Signature.REVOCATION_UNKNOWN)
    return _of_another(judged) if is_signed and is_addressed is False else judged


def _of_another(judged: Judged) -> Judged:
    """It was written to somebody else."""
    word = Signature.OTHER_RECIPIENT
    refused = replace(judged.verdict, signature=word, signer="", serial="", issuer="")
    return replace(judged, verdict=refused, cause="recipient_is_other", signer_name="")


def _copy_for(
    gateway: Gateway,
    view: View,
    arrival: Arrival,
    message: Message,
    recipient: EmailAddress,
    unsealed: Judged | None,
) -> _Copy:
    holder = people.by_address(view, str(recipient))
    if holder is None:
        raise Refused(Failure.RECIPIENT_UNKNOWN)
    path = None if arrival.reverse_path is None else str(arrival.reverse_path)
    if holder.smime == "client":
        by_domain = None
        if unsealed is None:
            by_domain = _for_domain(gateway, view, message, holder, path)
        if by_domain is None:
            return _for_client(gateway, message, recipient)
        judged = by_domain
    elif unsealed is None:
        judged = judge_for(gateway, view, message, holder, path)
    else:
        judged = _addressed(unsealed, holder)
    verdict = judged.verdict
    if verdict.decryption in OPENED and verdict.signature in READABLE:
        return _Copy((recipient,), judged, Form.READABLE)
    if holder.role is Role.PATIENT and verdict.decryption not in OPENED:
        raise Refused(Failure.CANNOT_OPEN)
    return _Copy((recipient,), judged, Form.EXPLAINED)


def _for_domain(
    gateway: Gateway, view: View, message: Message, holder: Person, path: str | None
) -> Judged | None:
    """A message closed to the domain, for somebody of it; None when its key does not open it.

    Whoever comes by such a ciphertext could have it opened for themselves by sending it on: it is
    shown only to those whom its author, by a signature, wrote to.
    """
    keys = domain_keys.openers(view, gateway.cabinet, holder.address)
    opened = opening.open_message(message, lambda: keys)
    if opened.decryption is not Decryption.DECRYPTED:
        return None
    judged = judgement.judge(gateway, view, opened, path, gateway.now())
    if judged.verdict.signature in (Signature.VALID, Signature.REVOCATION_UNKNOWN):
        named = recipient_list.check(opened.protected, parse_address(holder.address))
        if named:
            return judged
    # nor do the rules look at it: their answer would tell whoever sends it on what is inside
    closed = opening.Opened(message, Signature.OTHER_RECIPIENT, Decryption.DECRYPTED)
    return _of_another(Judged(closed, judged.verdict, judged.at))


def _for_client(gateway: Gateway, message: Message, recipient: EmailAddress) -> _Copy:
    """For keys in a client: as it came.

    What nobody signed may not be sealed in our name as if it were said by us: it is attached.
    """
    unopened = Judged(opening.Opened.plain(message), judgement.NOTHING, gateway.now())
    found = layer(message)
    is_plain = found is None or found.kind == "certs-only"
    return _Copy((recipient,), unopened, Form.EXPLAINED if is_plain else Form.AS_IT_CAME)


def _form(gateway: Gateway, arrival: Arrival, copy: _Copy) -> bytes:
    """The message as it is delivered, without the trace of its arrival."""
    match copy.form:
        case Form.AS_IT_CAME:
            return strip(arrival.raw)
        case Form.READABLE:
            stamped = fields(copy.judged.verdict, gateway.config.site.hostname, arrival.results)
            return stamped + strip(copy.judged.message.raw)
        case Form.EXPLAINED:
            return _explained(gateway, arrival, copy)


def told(signature: Signature, decryption: Decryption) -> str:
    """The one word that an explanation says; which key, padding or block failed is not in it."""
    return decryption.value if decryption not in OPENED else signature.value


def _explained(gateway: Gateway, arrival: Arrival, copy: _Copy) -> bytes:
    site, verdict = gateway.config.site, copy.judged.verdict
    is_closed = verdict.decryption not in OPENED
    code = told(verdict.signature, verdict.decryption)
    row = DECRYPTIONS[verdict.decryption] if is_closed else SIGNATURES[verdict.signature]
    return explain(
        arrival.raw,
        Explanation(
            Mailbox(site.operator, parse_address(f"postmaster@{site.domains[0]}")),
            copy.recipients[0] if len(copy.recipients) == 1 else None,
            texts.text("courriel.illisible_objet"),
            (texts.text(row.text), texts.text("courriel.illisible", code=code)),
            trace.new_message_id(site.domains[0], gateway.new_ref()),
            copy.judged.at,
            fields(verdict, site.hostname, arrival.results),
        ),
    )


def _ready(gateway: Gateway, arrival: Arrival, copy: _Copy, message_ref: str) -> Ready:
    site, judged = gateway.config.site, copy.judged
    path = "" if arrival.reverse_path is None else str(arrival.reverse_path)
    received = trace.received_line(
        by=site.hostname,
        # RFC 3848 §2, RFC 6531 §4.3
        protocol="UTF8SMTPS" if arrival.is_utf8 else "ESMTPS",
        message_ref=message_ref,
        moment=gateway.now(),
        peer=arrival.host,
    )
    raw = b"".join((f"Return-Path: <{path}>\r\n".encode(), received, _form(gateway, arrival, copy)))
    is_judged = copy.form is not Form.AS_IT_CAME
    return Ready(
        message_ref,
        tuple(map(str, copy.recipients)),
        raw,
        summarise(scan(raw)),
        _carried(gateway, arrival, copy),
        int(gateway.clock()),
        judgement.evidence_of(judged) if is_judged else None,
        judgement.introduction_of(judged),
        arrival.asked,
    )


def _carried(gateway: Gateway, arrival: Arrival, copy: _Copy) -> Carried:
    """What the queue must know. Nobody's name opens or closes an exchange by a mere claim: a
    message that is not signed counts for other operators' authors only, for whom their own vouches.
    """
    site, judged = gateway.config.site, copy.judged
    is_explained = copy.form is Form.EXPLAINED
    is_believed = judged.verdict.signature is Signature.VALID and not is_explained
    author = judged.verdict.signer or _claimed_author(arrival, judged)
    is_ours = author.rpartition("@")[2] in (*site.domains, site.patient_domain)
    counts = is_believed or not (is_explained or is_ours)
    name = judged.signer_name or content.author_name(judged.message)
    return Carried(
        reverse_path=None if arrival.reverse_path is None else str(arrival.reverse_path),
        author=author,
        author_account=0,
        author_role=(Role.SYSTEM if is_explained else _role(gateway, arrival, author)).name,
        channel="mx",
        signature="valid" if is_believed else "absent",
        signer=site.operator if is_explained else name,
        signer_fingerprint=judged.signer_fingerprint,
        is_automatic=not counts or dsn.is_automatic(judged.message, arrival.reverse_path),
        closes=counts and content.closes(judged.message),
        reply_to=content.reply_to(judged.message) if counts else (),
        has_xdm=is_believed and content.has_xdm(judged.message),
        verdict=() if copy.form is Form.AS_IT_CAME else judgement.words(judged),
        envelope_id=arrival.envelope_id,
        returns=arrival.returns,
        requires_tls=arrival.requires_tls,
        peer=arrival.operator,
    )


def _role(gateway: Gateway, arrival: Arrival, author: str) -> Role:
    """A patient's message opens no exchange, whoever the operator says hands it over."""
    is_patient = peers.is_patients(gateway, author.rpartition("@")[2])
    return Role.PATIENT if is_patient else arrival.author_role


def _claimed_author(arrival: Arrival, judged: Judged) -> str:
    """For the operator's eyes and for answers: nobody vouches for it."""
    found = content.authors(judged.message.header)
    if len(found) == 1:
        return found[0]
    return "" if arrival.reverse_path is None else str(arrival.reverse_path)
