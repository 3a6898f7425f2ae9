"""Layers of CMS around a whole entity, told from what is only attached: RFC 8551 §3.2 and §3.9.

CMS counts only as the whole of a message: deeper it is an attachment, never opened (T21, T23).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from mss_gateway.failures import Failure
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message, Part, is_signature

Kind = Literal["signed", "enveloped", "auth-enveloped", "certs-only", "other"]

LAYERS: Final = 4
"""Signed, enveloped, signed again (RFC 2634 §1.1), and one to spare."""

_OID_WINDOW = 32  # a SEQUENCE with the longest length form comes before the content type
_OIDS: dict[bytes, Kind] = {
    bytes.fromhex("06092a864886f70d010702"): "signed",
    bytes.fromhex("06092a864886f70d010703"): "enveloped",
    bytes.fromhex("060b2a864886f70d0109100117"): "auth-enveloped",
}
_CLAIMS: dict[str, frozenset[Kind]] = {
    "signed-data": frozenset({"signed"}),
    "enveloped-data": frozenset({"enveloped"}),
    "authenveloped-data": frozenset({"auth-enveloped"}),
    "certs-only": frozenset({"certs-only"}),
    "signed-receipt": frozenset({"signed"}),
    "compressed-data": frozenset({"other"}),
}
"""What each ``smime-type`` must turn out to be (RFC 8551 §3.2.2), names in lower case."""

_PKCS7 = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_PROTOCOLS = ("application/pkcs7-signature", "application/x-pkcs7-signature")
_SUFFIXES = (".p7m", ".p7c", ".p7z")


@dataclass(frozen=True, slots=True)
class SignedEntity:
    """A multipart/signed taken apart: the exact bytes that were signed, the DER signature."""

    content: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Pkcs7:
    """An application/pkcs7-mime at the root: what its own content type says it is, its DER."""

    kind: Kind
    der: bytes


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of CMS around a whole entity.

    ``content`` is what a detached signature is about, None where the DER holds it. ``claimed`` is
    the smime-type in lower case, empty where none is given; ``micalg`` as the sender wrote it.
    """

    kind: Kind
    der: bytes
    content: bytes | None = None
    claimed: str = ""
    micalg: str = ""

    @property
    def is_mislabelled(self) -> bool:
        """Whether the smime-type says another thing than the DER: readers would differ."""
        return bool(self.claimed) and self.kind not in _CLAIMS.get(self.claimed, frozenset())


def layer(message: Message) -> Layer | None:
    """The CMS around the whole of ``message``; None when its root is anything else."""
    signed = find_signed(message)
    if signed is not None:
        micalg = message.root.parameter("micalg").lower()
        return Layer("signed", signed.signature, signed.content, micalg=micalg)
    if not _is_pkcs7(message.root):
        return None
    found = _pkcs7_of(message)
    claimed = message.root.parameter("smime-type").lower()
    is_book = claimed == "certs-only" or message.root.filename.lower().endswith(".p7c")
    kind: Kind = "certs-only" if found.kind == "signed" and is_book else found.kind
    return Layer(kind, found.der, claimed=claimed)


def layers(message: Message, peel: Callable[[Layer], bytes | None]) -> Iterator[Layer]:
    """Each layer of CMS from the outside in: a triple wrap gives three (RFC 2634 §1.1).

    ``peel`` gets a layer and returns the entity inside, or None for what stays closed, which is
    the last then. Only what is the whole of an entity is a layer. Raises MessageMalformed when
    what is inside cannot be read, and when there are more than ``LAYERS``.
    """
    for _ in range(LAYERS):
        found = layer(message)
        if found is None:
            return
        yield found
        entity = peel(found)
        if entity is None:
            return
        message = scan(entity)
    if layer(message) is not None:
        raise MessageMalformed(Failure.MIME_TOO_DEEP, "too many layers of CMS")


def find_signed(message: Message) -> SignedEntity | None:
    """The signed entity of a message whose root is multipart/signed by CMS; None for any other.

    Exactly two parts, the second being the signature (RFC 1847 §2.1).
    """
    root = message.root
    if (
        root.media_type != "multipart/signed"
        or root.parameter("protocol").lower() not in _PROTOCOLS
        or len(root.children) != 2
        or not is_signature(root.children[1])
    ):
        return None
    content, signature = root.children
    return SignedEntity(
        message.raw[content.header_start : content.body_end], signature.decoded(message.raw)
    )


def is_bare(message: Message, found: Layer) -> bool:
    """Whether a multipart/signed holds nothing beside what is signed and the signature.

    No octets that are not text before it, a signature in strict base64, and nothing after the
    closing delimiter: what an altered envelope leaves there was signed by nobody. True for every
    other layer, which is all of its entity.
    """
    if found.content is None:
        return True
    root, raw = message.root, message.raw
    content, signature = root.children
    delimiter = b"\r\n--" + root.parameter("boundary").encode("utf-8", "replace") + b"--"
    return (
        _TEXT.fullmatch(raw[root.header_start : content.header_start]) is not None
        and _TEXT.fullmatch(raw[content.body_end : signature.body_start]) is not None
        and signature.encoding == "base64"
        and _is_base64(bytes(signature.body(raw)))
        and raw[signature.body_end :].rstrip(b" \t\r\n") == delimiter
    )


_TEXT: Final = re.compile(rb"[\t\r\n -~]*")
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\r\n"


def _is_base64(body: bytes) -> bool:
    """Lines of the alphabet, then at most two signs of padding: nothing that a decoder skips."""
    padding = body.translate(None, _ALPHABET)
    return padding in (b"", b"=", b"==") and body.rstrip(b"\r\n").endswith(padding)


def find_pkcs7(message: Message) -> Pkcs7 | None:
    """The CMS content of a message whose root is application/pkcs7-mime; None for any other.

    The kind is what the DER says, not what ``smime-type`` claims (RFC 8551 §3.2.2). A root that
    is application/octet-stream named ``smime.p7m`` is one too (RFC 8551 §3.9).
    """
    return _pkcs7_of(message) if _is_pkcs7(message.root) else None


def is_cms(part: Part) -> bool:
    """Whether a part, wherever it stands, is CMS by what it says of itself."""
    return (
        _is_pkcs7(part)
        or is_signature(part)
        or (
            part.media_type == "multipart/signed"
            and part.parameter("protocol").lower() in _PROTOCOLS
        )
    )


def _is_pkcs7(part: Part) -> bool:
    return part.media_type in _PKCS7 or (
        part.media_type == "application/octet-stream" and part.filename.lower().endswith(_SUFFIXES)
    )


def _pkcs7_of(message: Message) -> Pkcs7:
    der = message.root.decoded(message.raw)
    found: dict[int, Kind] = {der.find(oid, 0, _OID_WINDOW): kind for oid, kind in _OIDS.items()}
    found.pop(-1, None)
    return Pkcs7(found[min(found)] if found else "other", der)
