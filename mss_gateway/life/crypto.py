"""Stage crypto: open and verify what comes in, sign in the author's name, seal for a recipient.

Fails closed: what cannot be verified is not called signed, and what cannot be opened is refused.
The bytes that were signed are never altered.
"""

import contextlib
import hashlib
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from certs import capabilities
from certs.capabilities import Capabilities, Protection
from certs.certificate import Certificate
from certs.cms.drawing import Drawn, draw
from certs.cms.enveloped import enveloped_pieces
from certs.cms.signed import digest_name, make_signed
from certs.errors import AlgorithmRefused, ChainRejected
from certs.keyring import PrivateKey, Signer
from certs.usage import Purpose
from certs.validation.chain import validate
from mailbox_store.database import View
from mss_gateway.directory import certificates, domain_keys, keybook, people
from mss_gateway.directory.cabinet import NoSigner
from mss_gateway.directory.keybook import Best
from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import judgement
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.judgement import Judged
from mss_gateway.life.opening import Opened, open_message
from mss_gateway.message import header_protection, recipient_list, smime
from mss_gateway.message.address import EmailAddress
from mss_gateway.message.authentication import Decryption, Signature
from mss_gateway.message.dates import parse_date
from mss_gateway.message.entities import read_header
from mss_gateway.message.layers import Kind, is_cms, layer
from mss_gateway.message.legacy_display import with_legacy_display
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message
from mss_gateway.message.seven_bit import seven_bit
from policies.facts import SignatureStatus

SIGNING_TIME_SECONDS: Final = 55 * 60
"""How far from the Date of a message its signing time may be."""

TRIED: Final = 5
"""Certificates of one correspondent whose path is looked for before it is given up: each costs
the checking of some signatures."""


def open_submission(
    gateway: Gateway,
    message: Message,
    author: str,
    recipients: tuple[str, ...],
    reverse_path: str | None,
) -> Judged:
    """Verify a submission; open it first with the keys that the gateway holds for the recipients.

    An envelope is taken only when what it holds is signed by its author: whoever submits somebody
    else's ciphertext must not be handed its text, in a copy for another recipient or in Sent.
    Everything else about it is Refused(CANNOT_OPEN), in one line whatever the cause, so that the
    answers tell nothing of the plain text (threat T20).
    """
    now = gateway.now()
    if not is_cms(message.root):
        return Judged(Opened.plain(message), judgement.NOTHING, now)
    with gateway.database.read() as view:
        opened = open_message(message, lambda: _openers(gateway, view, recipients))
        judged = judgement.judge(gateway, view, opened, reverse_path, now)
    # whatever stands around an envelope: what was inside is opened for its own author only
    was_closed = opened.decryption is not Decryption.NOT_ENCRYPTED
    is_own = judged.verdict.signature is Signature.VALID and author in judged.signer_addresses
    if was_closed and not is_own:
        raise Refused(Failure.CANNOT_OPEN)
    if judged.status is SignatureStatus.UNCHECKED:
        raise Refused(Failure.SIGNATURE_UNCHECKED, judged.cause)
    return judged


def sign(
    gateway: Gateway,
    signer: Signer,
    raw: bytes,
    recipients: Iterable[EmailAddress] = (),
    *,
    conceals: bool = False,
) -> bytes:
    """The message as multipart/signed in its author's name (RFC 8551 §3.5.3).

    Its header fields are under the signature too (RFC 9788), with the list of ``recipients`` where
    they are given; bodies become 7-bit, so that no relay has to alter what was signed.
    ``conceals``: it will be enveloped, so the subject outside is a neutral one; the text begins
    with the real one, for programs that read no protected fields (RFC 9788), or all of it is an
    attached message, as the configuration says.
    """
    named = tuple(recipients)
    at = _signing_time(raw, gateway.now())
    settings = gateway.config.certificates
    is_whole = conceals and settings.whole_message
    if conceals and not is_whole:
        subject = read_header(raw)[0].text("subject") or ""
        raw = with_legacy_display(raw, subject)
    raw = seven_bit(raw)
    if named:
        raw = recipient_list.with_list(raw, named, secrets.token_bytes(recipient_list.SALT_OCTETS))
    protected = header_protection.protect(
        raw, for_encryption=conceals, neutral_subject=settings.outer_subject, whole=is_whole
    )
    return smime.signed_entity(
        protected.inner,
        lambda entity: make_signed(entity, signer, at),
        digest_name(signer),
        outer=protected.outer,
    )


def _signing_time(raw: bytes, now: datetime) -> datetime | None:
    """When we sign; None when the author's Date is an hour away from it.

    Thunderbird calls a signature invalid whose time is more than an hour from Date. A clock that is
    wrong, or a message that waited in an outbox, is no fault of the signature: the time stands in
    Received and in the journal (RFC 8551 §2.5.1 only recommends it here).
    """
    known = parse_date(read_header(raw)[0].unfolded("date"))
    if known is None or abs(known[0] - now.timestamp()) > SIGNING_TIME_SECONDS:
        return None
    return now


def signer_of(gateway: Gateway, author: Person) -> Signer:
    """The author's signing key; raises Refused(NO_CERTIFICATE_FOR_AUTHOR), to be tried again."""
    try:
        with gateway.database.read() as view:
            return gateway.cabinet.signer(view, author.account_id, gateway.clock())
    except NoSigner:
        raise Refused(Failure.NO_CERTIFICATE_FOR_AUTHOR) from None


def seal_here(
    gateway: Gateway, view: View, recipient: Person, raw: bytes, *, is_ours: bool = False
) -> bytes:
    """The signed message enveloped for a mailbox here whose keys are in its own client.

    ``is_ours``: the gateway wrote it, a report or an explanation, and signs it now.
    What came enveloped for it stays as it is. Raises Refused(NO_CERTIFICATE_FOR_RECIPIENT): it
    waits in the queue, it never goes in clear.
    """
    kind = _kind(raw)
    if kind in ("enveloped", "auth-enveloped"):
        return raw
    certificate = certificates.for_recipient(view, recipient.account_id, gateway.clock())
    if certificate is None:
        raise Refused(Failure.NO_CERTIFICATE_FOR_RECIPIENT)
    held = certificates.known(view, certificate)
    chain = [] if held is None else certificates.chain_of(view, held, gateway.cabinet.issuers)
    said = keybook.capabilities_of(view, gateway.spool, recipient.address)
    if is_ours and kind is None:
        # what has no room for one layer more is authenticated by its envelope
        with contextlib.suppress(MessageMalformed):
            raw, kind = _signed_by_us(gateway, raw), "signed"
    closing = _closing(gateway, view, certificate, chain, said, is_signed=kind == "signed")
    return _wrapped(
        gateway,
        raw,
        lambda entity: enveloped_pieces(entity, [certificate], closing),
        is_authenticated=closing.is_authenticated,
    )


def _kind(raw: bytes) -> Kind | None:
    """What stands around the whole of a message."""
    found = layer(scan(raw))
    return None if found is None else found.kind


def _signed_by_us(gateway: Gateway, raw: bytes) -> bytes:
    """Raises MessageMalformed when nobody could read the result."""
    signed = sign(gateway, gateway.notary.signer(), raw)
    scan(signed)
    return signed


def seal_for(
    gateway: Gateway, view: View, recipient: str, raw: bytes, drawn: Drawn | None = None
) -> tuple[bytes, Drawn | None]:
    """The message enveloped for a correspondent elsewhere, as the key book knows them.

    The best certificate that is believed today is taken: what a correspondent renewed before its
    time stands behind its successor. What came enveloped goes as it came, and nothing is drawn.
    ``drawn``: what closed this message before; it does so again, to the same octets, while its
    certificate is believed. Raises Refused(NO_CERTIFICATE_FOR_RECIPIENT), as :func:`seal_here`.
    """
    kind = _kind(raw)
    if kind in ("enveloped", "auth-enveloped"):
        return raw, None
    best, closing = _believed(gateway, view, recipient, drawn, is_signed=kind == "signed")
    used = drawn if drawn is not None and drawn.is_for(best.certificate) else None

    def seal(entity: bytes) -> list[bytes]:
        nonlocal used
        used = used or draw([best.certificate], closing, hashlib.sha256(entity).digest())
        return enveloped_pieces(entity, used)

    is_authenticated = closing.is_authenticated if used is None else used.content.is_authenticated
    return _wrapped(gateway, raw, seal, is_authenticated=is_authenticated), used


def _believed(
    gateway: Gateway, view: View, recipient: str, drawn: Drawn | None, *, is_signed: bool
) -> tuple[Best, Protection]:
    """The certificate of what was drawn before, or the best, if it is believed today."""
    now, domain = gateway.clock(), recipient.rpartition("@")[2]
    known = keybook.ranked(view, gateway.spool, recipient, now)
    # whose own certificate nobody here knows is written to by their domain's
    known += keybook.ranked(view, gateway.spool, domain_keys.address_for(domain), now)
    if drawn is not None:
        known.sort(key=lambda one: not drawn.is_for(one.certificate))
    cause = ""
    for one in known[:TRIED]:
        try:
            return one, _closing(
                gateway, view, one.certificate, one.chain, one.capabilities, is_signed=is_signed
            )
        except Refused as refused:
            cause = cause or refused.cause
    raise Refused(Failure.NO_CERTIFICATE_FOR_RECIPIENT, cause)


def _closing(
    gateway: Gateway,
    view: View,
    certificate: Certificate,
    chain: Iterable[Certificate],
    said: Capabilities | None,
    *,
    is_signed: bool,
) -> Protection:
    """The strongest means that the recipient is known to read; CBC only around a signature.

    Raises Refused(NO_CERTIFICATE_FOR_RECIPIENT) for a certificate that is not believed now.
    """
    anchors, revocations = gateway.trust.anchors(view), gateway.revocations(view)
    try:
        validate(certificate, list(chain), anchors, Purpose.ENCRYPTION, gateway.now(), revocations)
        protection = capabilities.choose(certificate, said)
    except (ChainRejected, AlgorithmRefused) as refused:
        raise Refused(Failure.NO_CERTIFICATE_FOR_RECIPIENT, str(refused)) from None
    if is_signed or protection.is_authenticated:
        return protection
    # CBC proves nothing of its content: what nobody signed gets what does
    return replace(capabilities.MODERN, transport=protection.transport)


def _wrapped(
    gateway: Gateway, raw: bytes, seal: Callable[[bytes], list[bytes]], *, is_authenticated: bool
) -> bytes:
    return smime.wrap_enveloped(
        raw,
        seal,
        authenticated=is_authenticated,
        outer_subject=gateway.config.certificates.outer_subject or None,
    )


def _openers(
    gateway: Gateway, view: View, recipients: tuple[str, ...]
) -> list[tuple[Certificate, PrivateKey]]:
    """Every key that the gateway holds for the recipients."""
    holders = (people.by_address(view, recipient) for recipient in recipients)
    return [
        opener
        for holder in holders
        if holder is not None and holder.smime != "client"
        for opener in gateway.cabinet.openers(view, holder.account_id)
    ]
