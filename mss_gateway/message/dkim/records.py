"""The key of a selector as its zone publishes it (RFC 6376 §3.6.1), read and written."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from certs import published as keys
from certs.errors import AlgorithmRefused
from certs.published import Kind, PublishedKey
from mss_gateway.message.dkim.canonical import TagsMalformed, tags
from mss_gateway.message.dkim.results import Reason

MAX_OCTETS: Final = 4_096
"""Largest record read: a key of 8,192 bits has a third of it in base64."""

_STRING: Final = 255
"""Octets of one string of a TXT record (RFC 1035 §3.3.14)."""

_SPACE = re.compile(rb"[\t\r\n ]+")
_KINDS: Final[dict[bytes, Kind]] = {b"rsa": "rsa", b"ed25519": "ed25519"}


class RecordRefused(Exception):
    """No key that this signature may be verified by; ``reason`` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Record:
    """A published key. ``is_strict``: an i= must be of the very domain, not of one below it."""

    key: PublishedKey
    is_strict: bool
    is_testing: bool


def published(spki: bytes) -> str:
    """The TXT record of an RSA key, given as SubjectPublicKeyInfo in DER."""
    return f"v=DKIM1; k=rsa; h=sha256; s=email; p={base64.b64encode(spki).decode('ascii')}"


def zone_value(text: str) -> str:
    """A text as the value of a TXT record in a zone file: strings of 255 octets, in quotes."""
    strings = (text[at : at + _STRING] for at in range(0, len(text), _STRING))
    return " ".join(f'"{one}"' for one in strings)


def read(octets: bytes) -> Record:
    """What a record says; raises :class:`RecordRefused`."""
    if len(octets) > MAX_OCTETS:
        raise RecordRefused(Reason.KEY_REFUSED)
    try:
        found = tags(octets)
    except TagsMalformed:
        raise RecordRefused(Reason.KEY_REFUSED) from None
    # RFC 6376 §3.6.1: v= is recommended, and DKIM1 where it is there
    is_ours = found.get(b"v", b"DKIM1") == b"DKIM1" and b"p" in found
    hashes, services = (_listed(found.get(name, b"")) for name in (b"h", b"s"))
    is_for_us = (not hashes or b"sha256" in hashes) and (
        not services or bool(services & {b"*", b"email"})
    )
    kind = _KINDS.get(found.get(b"k", b"rsa").lower())
    if not is_ours or not is_for_us or kind is None:
        raise RecordRefused(Reason.KEY_REFUSED)
    flags = _listed(found.get(b"t", b""))
    return Record(_key(kind, found[b"p"]), b"s" in flags, b"y" in flags)


def _key(kind: Kind, encoded: bytes) -> PublishedKey:
    joined = _SPACE.sub(b"", encoded)
    if not joined:
        raise RecordRefused(Reason.KEY_REVOKED)
    try:
        return keys.read(kind, base64.b64decode(joined, validate=True))
    except (binascii.Error, AlgorithmRefused):
        raise RecordRefused(Reason.KEY_REFUSED) from None


def _listed(value: bytes) -> frozenset[bytes]:
    return frozenset(one.strip().lower() for one in value.split(b":") if one.strip())
