"""Stage submission: the one door. SMTP, webmail and CLI all come through :func:`accept`.

A ``message_ref`` is born; limits first; then crypto, policy at message, signature and one commit.
When :func:`accept` returns, the message survives a power cut; when it raises, nothing was kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from mss_gateway.failures import Failure, Refused
from mss_gateway.life import content, crypto, judgement, policy, store
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.judgement import Judged
from mss_gateway.life.policy import Envelope
from mss_gateway.life.store import Ready
from mss_gateway.message import build, dsn, recipient_list, trace
from mss_gateway.message.address import EmailAddress
from mss_gateway.message.dates import date_field
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.summary import summarise
from mss_gateway.observability import log
from mss_gateway.queue.items import Carried
from policies import decide
from policies.facts import SignatureStatus
from policies.people import Role

PROTOCOLS = {"submission": "ESMTPSA", "webmail": "HTTPS", "cli": "local"}
"""Channel → the word of the Received field (RFC 3848 §2 for mail)."""

FORMS_OCTETS: Final = 128 * 1024 * 1024
"""All forms of one message together, such as one for each blind recipient: they are committed at
once, sealed, in memory."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What came through a channel: envelope, raw message with CRLF, and who sent it."""

    envelope: Envelope
    recipients: tuple[EmailAddress, ...]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """The message is ours now: durable, and known by this reference."""

    message_ref: str


def accept(gateway: Gateway, submission: Submission) -> Receipt:
    """Take responsibility for a message, or raise Refused with its ``message_ref``.

    What nobody foresaw is Refused(BUG): to be tried again outside, logged and on record inside.
    """
    message_ref, channel = gateway.new_ref(), submission.envelope.channel
    try:
        _accept(gateway, submission, message_ref)
    except Refused as refused:
        raise _on_record(gateway, submission, refused, message_ref) from refused.__cause__
    except Exception as error:
        log.bug("submission", error, channel=channel, message_ref=message_ref)
        raise _on_record(gateway, submission, Refused(Failure.BUG), message_ref) from error
    gateway.metrics.accepted.labels(channel).inc()
    gateway.wake()
    return Receipt(message_ref)


def _on_record(
    gateway: Gateway, submission: Submission, refused: Refused, message_ref: str
) -> Refused:
    refused.message_ref = message_ref
    policy.record_refusal(gateway, submission.envelope, "submission", refused)
    return refused


def _accept(gateway: Gateway, submission: Submission, message_ref: str) -> None:
    if not submission.recipients:
        raise Refused(Failure.RECIPIENT_UNKNOWN, "no recipient")
    if find_bare_line_ending(submission.raw) is not None:
        raise Refused(Failure.BARE_LINE_ENDING)
    recipients = tuple(dict.fromkeys(str(recipient) for recipient in submission.recipients))
    try:
        author = submission.envelope.author.address
        path = submission.envelope.reverse_path
        judged = crypto.open_submission(
            gateway, scan(submission.raw), author, recipients, None if path is None else str(path)
        )
        facts = content.message_facts(gateway, submission.envelope, recipients, judged)
        policy.obey(decide.at_message(facts))
        ready = _forms(gateway, submission, judged, message_ref)
        store.commit(gateway, submission.envelope, facts, ready)
    except MessageMalformed as malformed:
        raise Refused(malformed.failure, str(malformed)) from None


def _forms(
    gateway: Gateway, submission: Submission, judged: Judged, message_ref: str
) -> Iterator[Ready]:
    """The message as it will be stored: once for all, or once more for each blind recipient.

    What the gateway signs lists its recipients under the signature (docs/decisions/0016), so a
    blind one has a form that names nobody else. What its author signed is never altered.
    """
    normal = _normalise(gateway, submission, judged, message_ref)
    recipients = tuple(dict.fromkeys(submission.recipients))
    if judged.status is not SignatureStatus.ABSENT:
        proof = judgement.evidence_of(judged)
        carried = _carried(gateway, submission, judged, judged.signer_fingerprint)
        carried = replace(carried, verdict=judgement.words(judged))
        form = _form(gateway, submission, message_ref, recipients, normal, carried)
        introduction = judgement.introduction_of(judged)
        yield replace(form, proof=proof, introduction=introduction)
        return
    signer = crypto.signer_of(gateway, submission.envelope.author)
    carried = _carried(gateway, submission, judged, signer.fingerprint)
    named, blind = recipient_list.separate(judged.message.root.header, recipients)
    groups = [each for each in (named, *((one,) for one in blind)) if each]
    for number, group in enumerate(groups):
        ref = message_ref if number == 0 else gateway.new_ref()
        signed = crypto.sign(gateway, signer, normal, group)
        if len(groups) * len(signed) > FORMS_OCTETS and len(groups) > 1:
            raise Refused(Failure.MESSAGE_TOO_BIG, "forms for blind recipients")
        yield _form(gateway, submission, ref, group, signed, carried)


def _form(
    gateway: Gateway,
    submission: Submission,
    message_ref: str,
    recipients: tuple[EmailAddress, ...],
    signed: bytes,
    carried: Carried,
) -> Ready:
    received = trace.received_line(
        by=gateway.config.site.hostname,
        protocol=PROTOCOLS[submission.envelope.channel],
        message_ref=message_ref,
        moment=gateway.now(),
    )
    raw = b"Return-Path: <%b>\r\n" % (carried.reverse_path or "").encode() + received + signed
    named = tuple(map(str, recipients))
    moment = int(gateway.clock())
    return Ready(message_ref, named, raw, summarise(scan(raw)), carried, moment)


def _carried(
    gateway: Gateway, submission: Submission, judged: Judged, print_of_signer: str
) -> Carried:
    """What the queue must know of a message; its signature is valid, or it would not be here."""
    author, envelope = submission.envelope.author, submission.envelope
    return Carried(
        reverse_path=None if envelope.reverse_path is None else str(envelope.reverse_path),
        author=author.address,
        author_account=author.account_id,
        author_role=author.role.name,
        channel=envelope.channel,
        signature="valid",
        signer=author.display_name(gateway.config.site.name_separator),
        signer_fingerprint=print_of_signer,
        is_automatic=dsn.is_automatic(judged.message, envelope.reverse_path),
        closes=content.closes(judged.message),
        reply_to=content.reply_to(judged.message),
        has_xdm=content.has_xdm(judged.message),
    )


def _normalise(gateway: Gateway, submission: Submission, judged: Judged, message_ref: str) -> bytes:
    """Header fields as RFC 6409 §8 lets a submission server mend them; the body is untouched."""
    site, author = gateway.config.site, submission.envelope.author
    header = judged.message.root.header
    raw = build.remove_fields(judged.message.raw, content.REMOVED_FIELDS)
    raw = build.rewrite_from_display(raw, author.display_name(site.name_separator))
    missing: list[tuple[str, str]] = []
    if header.first("message-id") is None:
        missing.append(("Message-ID", trace.new_message_id(site.domains[0], message_ref)))
    if header.first("date") is None:
        missing.append(("Date", date_field(gateway.now())))
    if header.first("x-mss-nil") is None and author.role is not Role.PATIENT:
        missing.append(("X-MSS-NIL", site.product_number))
    return build.add_fields(raw, missing)
