"""Stage crypto: open and verify what comes in, sign in the author's name, seal for a recipient.

Fails closed: what cannot be verified is not called signed, and what cannot be opened is refused.
The bytes that were signed are never altered.
"""

from dataclasses import dataclass

from certs import chain
from certs.certificate import fingerprint
from certs.cms.enveloped import make_enveloped, open_enveloped
from certs.cms.signed import VerifiedContent, make_signed, verify_signed
from certs.errors import AlgorithmRefused, CannotOpen, ChainReason, ChainRejected, SignatureRejected
from certs.keyring import Signer
from certs.usage import Purpose
from mailbox_store.database import View
from mss_gateway.directory import certificates, people
from mss_gateway.directory.certificates import NoSigner
from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life.gateway import Gateway
from mss_gateway.message import smime
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.part import Message
from policies.facts import SignatureStatus


@dataclass(frozen=True, slots=True)
class Opened:
    """A message whose protection was looked at: its readable form and what was established.

    Signer's addresses and fingerprint are empty unless the signature is valid.
    """

    message: Message
    signature: SignatureStatus
    signer_addresses: tuple[str, ...]
    signer_fingerprint: str


def open_submission(
    gateway: Gateway, message: Message, author: str, recipients: tuple[str, ...]
) -> Opened:
    """Verify a submission; open it first with the keys that the gateway holds for the recipients.

    An envelope is taken only when what it holds is signed by its author: whoever submits somebody
    else's ciphertext must not be handed its text, in a copy for another recipient or in Sent.
    Everything else about it is Refused(CANNOT_OPEN), in one line whatever the cause, so that the
    answers tell nothing of the plain text (threat T20). A signature around a content that only
    CMS readers see is refused too (SIGNATURE_REJECTED).
    """
    closed = smime.find_pkcs7(message)
    if closed is None:
        return _verify(gateway, message)
    if closed.kind not in ("enveloped", "auth-enveloped"):
        is_signed = closed.kind == "signed"
        raise Refused(Failure.SIGNATURE_REJECTED if is_signed else Failure.CANNOT_OPEN, closed.kind)
    opened = _opened(gateway, message, recipients, closed.der)
    if opened is None or author not in opened.signer_addresses:
        raise Refused(Failure.CANNOT_OPEN)
    return opened


def _opened(
    gateway: Gateway, message: Message, recipients: tuple[str, ...], der: bytes
) -> Opened | None:
    """What an envelope holds, verified; None for whatever stays closed or cannot be read."""
    entity = _open_for(gateway, recipients, der)
    if entity is None:
        return None
    try:
        opened = scan(smime.replace_content(message.raw, entity))
    except MessageMalformed:
        return None
    if find_bare_line_ending(opened.raw) is not None or smime.find_pkcs7(opened) is not None:
        return None
    return _verify(gateway, opened)


def sign(gateway: Gateway, signer: Signer, raw: bytes) -> bytes:
    """The message as multipart/signed in its author's name (RFC 8551 §3.5.3)."""
    now = gateway.now()
    return smime.wrap_signed(raw, lambda entity: make_signed(entity, signer, now))


def signer_of(gateway: Gateway, author: Person) -> Signer:
    """The author's signing key; raises Refused(NO_CERTIFICATE_FOR_AUTHOR), to be tried again."""
    try:
        with gateway.database.read() as view:
            return gateway.cabinet.signer(view, author.account_id, gateway.clock())
    except NoSigner:
        raise Refused(Failure.NO_CERTIFICATE_FOR_AUTHOR) from None


def seal_for(view: View, recipient: Person, raw: bytes, now: float) -> bytes:
    """The signed message enveloped for a recipient who keeps the key in their own client.

    Raises Refused(NO_CERTIFICATE_FOR_RECIPIENT): it waits in the queue, it never goes in clear.
    """
    certificate = certificates.for_recipient(view, recipient.account_id, now)
    if certificate is None:
        raise Refused(Failure.NO_CERTIFICATE_FOR_RECIPIENT)
    try:
        return smime.wrap_enveloped(raw, lambda entity: make_enveloped(entity, [certificate]))
    except AlgorithmRefused as refused:
        raise Refused(Failure.NO_CERTIFICATE_FOR_RECIPIENT, str(refused)) from None


def _open_for(gateway: Gateway, recipients: tuple[str, ...], der: bytes) -> bytes | None:
    with gateway.database.read() as view:
        for recipient in recipients:
            holder = people.by_address(view, recipient)
            if holder is None or holder.smime == "client":
                continue
            try:
                return open_enveloped(der, gateway.cabinet.openers(view, holder.account_id))
            except CannotOpen:
                continue
    return None


def _verify(gateway: Gateway, message: Message) -> Opened:
    signed = smime.find_signed(message)
    if signed is None:
        return Opened(message, SignatureStatus.ABSENT, (), "")
    try:
        verified = verify_signed(signed.signature, signed.content)
        _check_chain(gateway, verified)
    except (SignatureRejected, ChainRejected):
        return Opened(message, SignatureStatus.INVALID, (), "")
    certificate = verified.signer_certificate
    return Opened(
        message,
        SignatureStatus.VALID,
        tuple(address.lower() for address in verified.addresses),
        fingerprint(certificate),
    )


def _check_chain(gateway: Gateway, verified: VerifiedContent) -> None:
    """The signer leads to an anchor of ours, and was not taken back."""
    chain.validate(
        verified.signer_certificate,
        verified.other_certificates,
        gateway.anchors,
        Purpose.SIGNATURE,
        gateway.now(),
        None,
    )
    serial = f"{verified.signer_certificate.serial_number:x}"
    with gateway.database.read() as view:
        known = view.sql("SELECT state FROM certificates WHERE serial = ?", (serial,)).scalar()
    if known == "revoked":
        raise ChainRejected(ChainReason.REVOKED)
