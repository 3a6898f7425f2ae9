"""Opening a message: its layers of CMS taken off one by one, and what each of them proves.

Bytes and keys in; whom to believe is :mod:`mss_gateway.life.judgement`'s to say. Only
CMS around the whole of a message counts, deeper it is an attachment (T21). The author's signature
is the one nearest to the text: one around an envelope says nothing about what is inside. What an
envelope without proof of integrity holds (CBC) is taken only when a signature inside covers all of
it (T20).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from certs.certificate import Certificate
from certs.cms.certs_only import read_certs_only
from certs.cms.detaching import detached
from certs.cms.enveloped import open_enveloped
from certs.cms.signed import VerifiedContent, verify_signed
from certs.errors import CannotOpen, DerMalformed, OpenReason, SignatureReason, SignatureRejected
from certs.keyring import PrivateKey
from mss_gateway.message import header_protection, smime
from mss_gateway.message.authentication import Decryption, Signature
from mss_gateway.message.entities import split
from mss_gateway.message.header import Header
from mss_gateway.message.header_protection import Unprotected
from mss_gateway.message.layers import LAYERS, Layer, is_bare, is_cms, layer
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.part import Message, Part

Keys = Callable[[], Sequence[tuple[Certificate, PrivateKey]]]
"""Every key that may open an envelope; asked for only where there is one."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What came out, before anybody is believed.

    ``message`` is what can be read, with the protected fields of its header where there are any: a
    multipart/signed stays as it is, for a reader's own program to verify; what stays closed stays
    as it came. ``verified`` is the signature that covers all of what can be read, None when there
    is no such one, and ``signature`` then says why. ``around`` are the signatures outside of an
    envelope, innermost last: each must be believed too. ``protected``
    are the fields of its header that are inside, ``from_differs``: outside stands another
    author than the protected one. ``algorithm`` is that of the last envelope.
    """

    message: Message
    signature: Signature
    decryption: Decryption
    verified: VerifiedContent | None = None
    around: tuple[VerifiedContent, ...] = ()
    protected: Header | None = None
    from_differs: bool = False
    algorithm: str = ""

    @classmethod
    def plain(cls, message: Message) -> "Opened":
        """A message without any layer."""
        return cls(message, Signature.ABSENT, Decryption.NOT_ENCRYPTED)


@dataclass(slots=True)
class _Course:
    """What was found so far, from the outside in."""

    verified: VerifiedContent | None = None
    around: list[VerifiedContent] = field(default_factory=list)
    rejected: Signature | None = None
    decryption: Decryption = Decryption.NOT_ENCRYPTED
    algorithm: str = ""
    is_proven: bool = True
    was_unproven: bool = False
    """Something of it came out of an envelope that proves nothing (CBC): from then on every failure
    is the same one, or its words would tell what came out (T20)."""
    is_strict: bool = True
    """Inside an envelope that proves nothing, nothing stands beside what is signed."""
    is_closed: bool = False


def open_message(message: Message, keys: Keys) -> Opened:
    """Take off every layer that can be taken off; what cannot is a word of the result, no error.

    Every failure of an envelope takes the same way to the same result, whatever secret it depended
    on. Costs one verification or decryption a layer.
    """
    course = _Course()
    entity: bytes | None = None
    current = message
    for _ in range(LAYERS):
        found = layer(current)
        if found is None:
            break
        inside = _take_off(course, found, keys)
        if inside is None:
            break
        try:
            within = scan(inside)
        except MessageMalformed:
            return _closed(message, course)
        if course.was_unproven:
            course.is_strict = course.is_strict and is_bare(current, found)
        if found.kind == "signed" and layer(within) is None:
            # around the text: a multipart/signed stays as it is, an opaque one becomes one
            entity = entity if found.content is not None else _clear_signed(course, found, inside)
            break
        entity, current = inside, within
    else:
        if layer(current) is not None:
            return _closed(message, course)
    return _result(message, course, entity)


def _take_off(course: _Course, found: Layer, keys: Keys) -> bytes | None:
    """The entity inside a layer; None when it stays as it is, and ``course`` says why."""
    if found.kind == "signed" and not found.is_mislabelled:
        return _signed(course, found)
    if found.kind in ("enveloped", "auth-enveloped") and not found.is_mislabelled:
        return _enveloped(course, found, keys)
    if found.kind == "certs-only" and _is_honest(found):
        return None
    course.is_closed = True
    if found.kind in ("signed", "certs-only"):
        course.rejected = Signature.INVALID
    else:
        course.decryption = Decryption.IMPOSSIBLE
    return None


def _is_honest(found: Layer) -> bool:
    """Whether what calls itself certificates alone is that: some reader would show a text in it."""
    try:
        read_certs_only(found.der)
    except DerMalformed:
        return False
    return not found.is_mislabelled


def _clear_signed(course: _Course, found: Layer, inside: bytes) -> bytes:
    """The same signature beside its content, which every program can read then."""
    assert course.verified is not None
    micalg = course.verified.algorithms[1]
    return smime.signed_entity(inside, lambda _: detached(found.der), micalg)


def _signed(course: _Course, found: Layer) -> bytes | None:
    if course.verified is not None:
        course.around.append(course.verified)
        course.verified = None
    try:
        course.verified = verify_signed(found.der, found.content)
    except SignatureRejected as rejected:
        course.rejected = course.rejected or SIGNATURES[rejected.reason]
        course.is_closed = course.is_closed or found.content is None
        return found.content
    if found.content is None and find_bare_line_ending(course.verified.content) is not None:
        # signed as it is, but no message may become of it (RFC 8551 §3.1.1)
        course.rejected, course.is_closed = Signature.INVALID, True
        return None
    return course.verified.content


def _enveloped(course: _Course, found: Layer, keys: Keys) -> bytes | None:
    if course.verified is not None:
        course.around.append(course.verified)
        course.verified = None
    try:
        opening = open_enveloped(found.der, keys())
    except CannotOpen as closed:
        if closed.reason is OpenReason.ALTERED and found.kind == "enveloped":
            # CBC: a padding at fault goes the way of a content at fault, and says the same
            course.decryption, course.is_proven = Decryption.DECRYPTED, False
            course.was_unproven = True
            return b""
        course.decryption = DECRYPTIONS[closed.reason]
        course.is_closed = True
        return None
    course.decryption, course.algorithm = Decryption.DECRYPTED, opening.algorithm
    course.is_proven = opening.is_authenticated
    course.was_unproven = course.was_unproven or not opening.is_authenticated
    if find_bare_line_ending(opening.content) is None:
        return opening.content
    if course.is_proven:
        course.decryption, course.is_closed = Decryption.IMPOSSIBLE, True
        return None
    return b""


def _result(message: Message, course: _Course, entity: bytes | None) -> Opened:
    is_covered = course.verified is not None and course.rejected is None
    if course.was_unproven and not (is_covered and course.is_strict):
        # nothing of the plain text goes on unless a signature inside covers all of it
        return _closed(message, course)
    if course.is_closed:
        return _closed(message, course)
    try:
        shown = _shown(message, course, entity)
        readable = message if shown is None else scan(shown.raw)
    except MessageMalformed:
        return _closed(message, course)
    verified = None if course.rejected is not None else course.verified
    signature = Signature.VALID if verified is not None else course.rejected or _unsigned(readable)
    return Opened(
        readable,
        signature,
        course.decryption,
        verified,
        tuple(course.around),
        None if shown is None else shown.protected,
        shown is not None and shown.from_differs,
        course.algorithm,
    )


def _shown(message: Message, course: _Course, entity: bytes | None) -> Unprotected | None:
    """The readable form with the author's own header fields; None for a message as it came."""
    if entity is not None:
        return header_protection.opened(message.raw, entity)
    if course.verified is None or not header_protection.is_protected(course.verified.content):
        return None
    return header_protection.opened(message.raw, split(message.raw)[1], course.verified.content)


def _closed(message: Message, course: _Course) -> Opened:
    """The message as it came: nothing of what is inside may be read."""
    if course.was_unproven:
        return Opened(message, Signature.UNCHECKED, Decryption.NOT_PROVEN)
    decryption = course.decryption
    if decryption is Decryption.DECRYPTED:
        decryption = Decryption.IMPOSSIBLE
    signature = course.rejected or Signature.UNCHECKED
    return Opened(message, signature, decryption, algorithm=course.algorithm)


def _unsigned(message: Message) -> Signature:
    """Why nothing is verified: there is no signature, or only one around a part (T21, T23)."""
    if layer(message) is not None:  # certificates alone: every other layer was taken off, or closed
        return Signature.ABSENT
    return Signature.PARTIAL if any(map(is_cms, _own_parts(message.root))) else Signature.ABSENT


def _own_parts(part: Part) -> list[Part]:
    """The parts of a message, those of messages attached to it left out."""
    inner = [each for child in part.children for each in _own_parts(child)]
    return [part, *([] if part.message is not None else inner)]


SIGNATURES: Final[dict[SignatureReason, Signature]] = {
    SignatureReason.SEVERAL_SIGNERS: Signature.SEVERAL_SIGNERS,
    SignatureReason.ALGORITHM_REFUSED: Signature.WEAK,
    SignatureReason.KEY_TOO_WEAK: Signature.WEAK,
    SignatureReason.TOO_BIG: Signature.UNCHECKED,
    **{
        reason: Signature.INVALID
        for reason in SignatureReason
        if reason.name not in ("SEVERAL_SIGNERS", "ALGORITHM_REFUSED", "KEY_TOO_WEAK", "TOO_BIG")
    },
}
"""Why signed-data proves nothing → the word for it."""

DECRYPTIONS: Final[dict[OpenReason, Decryption]] = {
    OpenReason.MALFORMED: Decryption.IMPOSSIBLE,
    OpenReason.TOO_BIG: Decryption.IMPOSSIBLE,
    OpenReason.NOT_ENVELOPED_DATA: Decryption.IMPOSSIBLE,
    OpenReason.ALGORITHM_REFUSED: Decryption.WEAK,
    OpenReason.NOT_FOR_US: Decryption.NO_KEY,
    OpenReason.ALTERED: Decryption.ALTERED,
}
"""Why an envelope stays closed → the word for it."""
