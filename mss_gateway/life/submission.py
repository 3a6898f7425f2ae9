"""Stage submission: the one door. SMTP, webmail and CLI all come through :func:`accept`.

A ``message_ref`` is born; limits first; then crypto, policy at message, signature and one commit.
When :func:`accept` returns, the message survives a power cut; when it raises, nothing was kept.
"""

from dataclasses import dataclass

from mss_gateway.failures import Failure, Refused
from mss_gateway.life import content, crypto, forms, policy, store
from mss_gateway.life.forms import Submission as Submission
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.judgement import Judged
from mss_gateway.message import build, trace
from mss_gateway.message.dates import date_field
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.observability import log
from policies import decide
from policies.people import Role


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
        normal = _normalise(gateway, submission, judged, message_ref)
        ready = forms.forms(gateway, submission, judged, normal, message_ref)
        store.commit(gateway, submission.envelope, facts, ready)
    except MessageMalformed as malformed:
        raise Refused(malformed.failure, str(malformed)) from None


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
