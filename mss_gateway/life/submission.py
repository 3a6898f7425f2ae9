"""Stage submission: the one door. SMTP, webmail and CLI all come through :func:`accept`.

A ``message_ref`` is born; limits first; then crypto, policy at message, signature and one commit.
When :func:`accept` returns, the message survives a power cut; when it raises, nothing was kept.
"""

from dataclasses import dataclass, replace

from mss_gateway.failures import Failure, Refused
from mss_gateway.life import (
    answering,
    content,
    crypto,
    description,
    forms,
    identities,
    policy,
    retries,
    store,
)
from mss_gateway.life.authn import Admission
from mss_gateway.life.forms import Submission as Submission
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.judgement import Judged
from mss_gateway.life.policy import Envelope
from mss_gateway.message import build, trace
from mss_gateway.message.address import EmailAddress
from mss_gateway.message.dates import date_field
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.observability import log
from policies import decide


@dataclass(frozen=True, slots=True)
class Receipt:
    """The message is ours now: durable, and known by this reference."""

    message_ref: str


def begin(
    gateway: Gateway,
    signed_in: Admission,
    reverse_path: EmailAddress | None,
    declared_size: int | None,
) -> Envelope:
    """At MAIL: who writes, as themselves or as a box that is shared with them; raises Refused."""
    author, actor = identities.writer(gateway, signed_in, reverse_path)
    envelope = Envelope(author, reverse_path, "submission", actor)
    policy.at_sender(gateway, envelope, declared_size)
    return envelope


def accept(gateway: Gateway, submission: Submission) -> Receipt:
    """Take responsibility for a message, or raise Refused with its ``message_ref``.

    What nobody foresaw is Refused(BUG): to be tried again outside, logged and on record inside.
    """
    message_ref, channel = gateway.new_ref(), submission.envelope.channel
    try:
        told = _accept(gateway, submission, message_ref)
    except Refused as refused:
        raise _on_record(gateway, submission, refused, message_ref) from refused.__cause__
    except Exception as error:
        log.bug("submission", error, channel=channel, message_ref=message_ref)
        raise _on_record(gateway, submission, Refused(Failure.BUG), message_ref) from error
    gateway.metrics.accepted.labels(channel).inc()
    gateway.wake()
    return Receipt(told)


def _on_record(
    gateway: Gateway, submission: Submission, refused: Refused, message_ref: str
) -> Refused:
    refused.message_ref = message_ref
    policy.record_refusal(gateway, submission.envelope, "submission", refused)
    return refused


def _accept(gateway: Gateway, submission: Submission, message_ref: str) -> str:
    """The message_ref to tell: of a message that was taken before, the first one."""
    if not submission.recipients:
        raise Refused(Failure.RECIPIENT_UNKNOWN, "no recipient")
    if find_bare_line_ending(submission.raw) is not None:
        raise Refused(Failure.BARE_LINE_ENDING)
    recipients = tuple(dict.fromkeys(str(recipient) for recipient in submission.recipients))
    try:
        author, message = submission.envelope.author, scan(submission.raw)
        path = submission.envelope.reverse_path
        reverse_path = None if path is None else str(path)
        judged = crypto.open_submission(gateway, message, author.address, recipients, reverse_path)
        facts = content.message_facts(gateway, submission.envelope, recipients, judged)
        policy.obey(decide.at_message(facts))
        normal = _normalise(gateway, submission, judged, message_ref)
        wanted = answering.asked(submission.asked, recipients, judged.message.header, path)
        ready = forms.forms(gateway, replace(submission, asked=wanted), judged, normal, message_ref)
        same = None
        if retries.is_named(message):
            same = retries.handed(f"account:{author.account_id}", reverse_path, submission.raw)
        return store.commit(gateway, submission.envelope, facts, ready, same, submission.thread_id)
    except MessageMalformed as malformed:
        raise Refused(malformed.failure, str(malformed)) from None


def _normalise(gateway: Gateway, submission: Submission, judged: Judged, message_ref: str) -> bytes:
    """Header fields as RFC 6409 §8 lets a submission server mend them; the body is untouched."""
    site, author = gateway.config.site, submission.envelope.author
    header = judged.message.root.header
    mended = description.mend(gateway.config, judged, author, message_ref)
    raw = build.remove_fields(judged.message.raw, content.REMOVED_FIELDS | mended.removed)
    raw = build.rewrite_from_display(raw, author.display_name(site.name_separator))
    missing: list[tuple[str, str]] = []
    if header.first("message-id") is None:
        missing.append(("Message-ID", trace.new_message_id(site.domains[0], message_ref)))
    if header.first("date") is None:
        missing.append(("Date", date_field(gateway.now())))
    return build.add_fields(raw, [*missing, *mended.added])
