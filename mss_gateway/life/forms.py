"""In how many forms a submission is stored: one for all who may see the same, signed once each.

What the gateway signs lists its recipients under the signature (docs/decisions/0016), so a blind
one has a form that names nobody else. Recipients whose copy will be enveloped have a form whose
subject is under the signature only (RFC 9788); their own program shows it from the text, where it
reads no protected fields. What its author signed is never altered.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from mailbox_store.database import View
from mailbox_store.threads import ThreadId
from mss_gateway.directory import people
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import content, crypto, judgement
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.judgement import Judged
from mss_gateway.life.policy import Envelope
from mss_gateway.life.store import Ready
from mss_gateway.message import dsn, recipient_list, trace
from mss_gateway.message.address import EmailAddress
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from mss_gateway.queue.carried import Asked, Carried
from policies.facts import SignatureStatus

PROTOCOLS = {"submission": "ESMTPSA", "webmail": "HTTPS", "cli": "local"}
"""Channel → the word of the Received field (RFC 3848 §2 for mail)."""

FORMS_OCTETS: Final = 128 * 1024 * 1024
"""All forms of one message together, such as one for each blind recipient: they are committed at
once, sealed, in memory."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What came through a channel: envelope, raw message with CRLF, and who sent it.

    ``asked`` by address, ``envelope_id`` and ``returns``: what the author wants to hear
    (RFC 3461 §4); ``requires_tls``: RFC 8689 §2. ``is_utf8``: SMTPUTF8 was said at MAIL.
    ``thread_id``: the author's own thread that an answer from the webmail continues.
    """

    envelope: Envelope
    recipients: tuple[EmailAddress, ...]
    raw: bytes
    asked: Mapping[str, Asked] = field(default_factory=dict)
    envelope_id: str = ""
    returns: str = ""
    requires_tls: bool = False
    is_utf8: bool = False
    thread_id: ThreadId | None = None

    @property
    def protocol(self) -> str:
        """What Received says of how it came in (RFC 3848 §2, RFC 6531 §4.3)."""
        return "UTF8SMTPSA" if self.is_utf8 else PROTOCOLS[self.envelope.channel]


@dataclass(frozen=True, slots=True)
class _Group:
    """Recipients who get the same octets; ``conceals``: enveloped, so their subject is inside."""

    recipients: tuple[EmailAddress, ...]
    conceals: bool


def forms(
    gateway: Gateway, submission: Submission, judged: Judged, normal: bytes, message_ref: str
) -> Iterator[Ready]:
    """Every form of a submission whose header is ``normal``, made one after the other.

    The first has the ``message_ref``. A form without recipients is the author's own copy, where no
    other is in clear. Raises Refused(MESSAGE_TOO_BIG) for forms that are too many.
    """
    recipients = tuple(dict.fromkeys(submission.recipients))
    if judged.status is not SignatureStatus.ABSENT:
        proof = judgement.evidence_of(judged)
        carried = _carried(gateway, submission, judged, judged.signer_fingerprint)
        carried = replace(carried, verdict=judgement.words(judged))
        form = _form(gateway, submission, message_ref, recipients, normal, carried)
        introduction = judgement.introduction_of(judged)
        yield replace(form, proof=proof, introduction=introduction)
        return
    author = submission.envelope.author
    signer = crypto.signer_of(gateway, author)
    carried = _carried(gateway, submission, judged, signer.fingerprint)
    with gateway.database.read() as view:
        groups = _groups(gateway, view, judged, recipients)
    for number, group in enumerate(groups):
        ref = message_ref if number == 0 else gateway.new_ref()
        signed = crypto.sign(gateway, signer, normal, group.recipients, conceals=group.conceals)
        if len(groups) * len(signed) > FORMS_OCTETS and len(groups) > 1:
            raise Refused(Failure.MESSAGE_TOO_BIG, "forms of one message")
        yield _form(gateway, submission, ref, group.recipients, signed, carried)
    if groups[0].conceals and author.sent_copy == "server":
        signed = crypto.sign(gateway, signer, normal, recipients)
        yield _form(gateway, submission, message_ref, (), signed, carried)


def _groups(
    gateway: Gateway, view: View, judged: Judged, recipients: tuple[EmailAddress, ...]
) -> list[_Group]:
    """Those in To and Cc together, each blind one alone; what stays in clear here comes first."""
    named, blind = recipient_list.separate(judged.message.root.header, recipients)
    enveloped = {each for each in recipients if _is_enveloped(gateway, view, each)}
    found = [
        _Group(tuple([each for each in named if (each in enveloped) is conceals]), conceals)
        for conceals in (False, True)
    ]
    found += [_Group((each,), each in enveloped) for each in blind]
    return sorted((each for each in found if each.recipients), key=lambda group: group.conceals)


def _is_enveloped(gateway: Gateway, view: View, recipient: EmailAddress) -> bool:
    """Whether the copy leaves sealed: for a mailbox with keys in its own client, or elsewhere."""
    if not gateway.config.certificates.outer_subject:
        return False  # the operator conceals nothing
    holder = people.by_address(view, str(recipient))
    return holder is None or holder.smime == "client"


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
        protocol=submission.protocol,
        message_ref=message_ref,
        moment=gateway.now(),
    )
    raw = b"Return-Path: <%b>\r\n" % (carried.reverse_path or "").encode() + received + signed
    named = tuple(map(str, recipients))
    moment = int(gateway.clock())
    return Ready(
        message_ref, named, raw, summarise(scan(raw)), carried, moment, asked=submission.asked
    )


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
        envelope_id=submission.envelope_id,
        returns=submission.returns,
        requires_tls=submission.requires_tls,
    )
