"""What a message claims about its protection and its author, judged before any cryptography.

The attacks of EFAIL and of "Johnny, you are fired" (threats T21, T23) live in shapes that readers
take for another: this is the one place that says what a shape is. Nothing here proves anything; it
says what a signature would have to cover, and whose it would have to be.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from mss_gateway.message.address import (
    AddressMalformed,
    EmailAddress,
    Mailbox,
    parse_author,
)
from mss_gateway.message.header import Header, field_text
from mss_gateway.message.layers import is_cms, layer
from mss_gateway.message.part import Message


class Shape(Enum):
    """Where CMS stands in a message."""

    PLAIN = "plain"
    """Nowhere, or in an enclosed message, which is somebody's attachment."""
    DETACHED = "detached"
    OPAQUE = "opaque"
    ENVELOPED = "enveloped"
    AUTH_ENVELOPED = "auth-enveloped"
    CERTS_ONLY = "certs-only"
    PARTIAL = "partial"
    """In a part beside others: whatever it proves, it does not prove the message."""
    BROKEN = "broken"
    """At the root, in a form that readers would take in different ways, or none at all."""


class Doubt(Enum):
    """Why nobody can say who a message claims to be from."""

    NO_AUTHOR = "no_author"
    SEVERAL_AUTHORS = "several_authors"
    SENDER_UNREADABLE = "sender_unreadable"
    NAME_IS_AN_ADDRESS = "name_is_an_address"
    """The name shown holds an address that is not the author's."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A message's shape, and whom it claims as author (From) and sender (Sender).

    ``names`` are the addresses that a signature must be good for, all of them; empty, like
    ``author``, when there are doubts.
    """

    shape: Shape
    author: EmailAddress | None
    names: frozenset[EmailAddress]
    doubts: frozenset[Doubt]


_AT = frozenset("@\uff20\ufe6b")
_SHAPES = {
    "enveloped": Shape.ENVELOPED,
    "auth-enveloped": Shape.AUTH_ENVELOPED,
    "certs-only": Shape.CERTS_ONLY,
    "other": Shape.BROKEN,
}


def judge(message: Message) -> Claim:
    """The claim of ``message`` as it stands; judge the opened form for what is inside."""
    doubts: set[Doubt] = set()
    author = _only(message.header, "from", doubts)
    sender = _only(message.header, "sender", doubts)
    for mailbox in (author, sender):
        if mailbox is not None and _misleads(mailbox):
            doubts.add(Doubt.NAME_IS_AN_ADDRESS)
    known = () if doubts else (author, sender)
    return Claim(
        shape_of(message),
        None if author is None or doubts else author.address,
        frozenset(one.address for one in known if one is not None),
        frozenset(doubts),
    )


def shape_of(message: Message) -> Shape:
    """Where CMS stands in ``message``."""
    found = layer(message)
    if found is None:
        if is_cms(message.root):
            return Shape.BROKEN
        below = message.root.walk(into_messages=False)
        return Shape.PARTIAL if any(is_cms(part) for part in below) else Shape.PLAIN
    if found.is_mislabelled:
        return Shape.BROKEN
    if found.kind == "signed":
        return Shape.OPAQUE if found.content is None else Shape.DETACHED
    return _SHAPES[found.kind]


def is_signed_by(claim: Claim, addresses: Collection[str]) -> bool:
    """Whether a valid signature of a certificate for ``addresses`` is the claimed author's.

    From and Sender must both stand in the certificate (RFC 8550 §3), compared in the one normal
    form; an address of the certificate that has none is nobody's.
    """
    if not claim.names:
        return False
    certified = {address.lower() for address in addresses}
    return all(str(name) in certified for name in claim.names)


def _only(header: Header, name: str, doubts: set[Doubt]) -> Mailbox | None:
    values = header.all(name)
    if not values and name == "sender":
        return None
    try:
        if len(values) == 1:
            return parse_author(field_text(values[0]))
    except AddressMalformed:
        pass
    if name == "sender":
        doubts.add(Doubt.SENDER_UNREADABLE)
    else:
        doubts.add(Doubt.SEVERAL_AUTHORS if len(values) > 1 else Doubt.NO_AUTHOR)
    return None


def _misleads(mailbox: Mailbox) -> bool:
    """Whether the name holds an address, and another one than its own."""
    words = (word.strip("<>()[]\"',;:.") for word in mailbox.display_name.lower().split())
    own = str(mailbox.address)
    return any(word != own and not _AT.isdisjoint(word) for word in words)
