"""Stage submission: the one door. SMTP, webmail and CLI all come through :func:`accept`.

A ``message_ref`` is born; limits first; then crypto, policy at message, signature and one commit.
When :func:`accept` returns, the message survives a power cut; when it raises, nothing was kept.
"""

from dataclasses import dataclass

from mss_gateway.failures import Failure, Refused
from mss_gateway.life import content, crypto, policy, store
from mss_gateway.life.crypto import Opened
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.policy import Envelope
from mss_gateway.message import build, dsn, trace
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
        opened = crypto.open_submission(gateway, scan(submission.raw), author, recipients)
        facts = content.message_facts(gateway, submission.envelope, recipients, opened)
        policy.obey(decide.at_message(facts))
        raw, carried = _sign(gateway, submission, opened, message_ref)
        summary = summarise(scan(raw))
    except MessageMalformed as malformed:
        raise Refused(malformed.failure, str(malformed)) from None
    store.commit(
        gateway,
        submission.envelope,
        facts,
        store.Ready(message_ref, recipients, raw, summary, carried, int(gateway.clock())),
    )


def _sign(
    gateway: Gateway, submission: Submission, opened: Opened, message_ref: str
) -> tuple[bytes, Carried]:
    """The message as it will be stored, and what the queue must know of it."""
    author, envelope = submission.envelope.author, submission.envelope
    raw = _normalise(gateway, submission, opened, message_ref)
    print_of_signer = opened.signer_fingerprint
    if opened.signature is SignatureStatus.ABSENT:
        signer = crypto.signer_of(gateway, author)
        raw = crypto.sign(gateway, signer, raw)
        print_of_signer = signer.fingerprint
    reverse_path = "" if envelope.reverse_path is None else str(envelope.reverse_path)
    received = trace.received_line(
        by=gateway.config.site.hostname,
        protocol=PROTOCOLS[envelope.channel],
        message_ref=message_ref,
        moment=gateway.now(),
    )
    raw = b"Return-Path: <" + reverse_path.encode() + b">\r\n" + received + raw
    return raw, Carried(
        reverse_path=reverse_path or None,
        author=author.address,
        author_account=author.account_id,
        author_role=author.role.name,
        channel=envelope.channel,
        signature="valid",
        signer=author.display_name(gateway.config.site.name_separator),
        signer_fingerprint=print_of_signer,
        is_automatic=dsn.is_automatic(opened.message, envelope.reverse_path),
        closes=content.closes(opened.message),
        reply_to=content.reply_to(opened.message),
        has_xdm=content.has_xdm(opened.message),
    )


def _normalise(gateway: Gateway, submission: Submission, opened: Opened, message_ref: str) -> bytes:
    """Header fields as RFC 6409 §8 lets a submission server mend them; the body is untouched."""
    site, author = gateway.config.site, submission.envelope.author
    header = opened.message.root.header
    raw = build.remove_fields(opened.message.raw, content.REMOVED_FIELDS)
    raw = build.rewrite_from_display(raw, author.display_name(site.name_separator))
    missing: list[tuple[str, str]] = []
    if header.first("message-id") is None:
        missing.append(("Message-ID", trace.new_message_id(site.domains[0], message_ref)))
    if header.first("date") is None:
        missing.append(("Date", date_field(gateway.now())))
    if header.first("x-mss-nil") is None and author.role is not Role.PATIENT:
        missing.append(("X-MSS-NIL", site.product_number))
    return build.add_fields(raw, missing)
