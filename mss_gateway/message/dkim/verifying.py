"""Signatures of what comes in, each judged in the order of what it costs (RFC 6376 §6.1).

A signature that leaves room to add to the message is told as such and never as a pass: with l=, or
where a field that a person reads is there more often than it was signed (threat T17).
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from certs.errors import SignatureRejected
from mss_gateway.message.dkim import records
from mss_gateway.message.dkim.canonical import (
    SIGNATURE_FIELD,
    Field,
    Forms,
    TagsMalformed,
    body_hash,
    split,
    tags,
)
from mss_gateway.message.dkim.records import RecordRefused
from mss_gateway.message.dkim.results import DkimResult, Reason
from mss_gateway.message.dkim.signing import SIGNED_FIELDS, is_zone_name
from mss_gateway.message.limits import MessageMalformed

MAX_SIGNATURES: Final = 5
"""Signatures looked at, and keys looked up: the first ones, which are the last hops'."""

MAX_FIELD: Final = 16 * 1024
"""Octets of a signature field; an honest one has less than two thousand."""

MAX_NAMES: Final = 200
"""Names in h=; an honest signature has some thirty."""

MIN_BITS: Final = 1024
"""Of an RSA key: RFC 8301 §3.2 lets nobody count a signature by a shorter one as valid."""

LEEWAY: Final = 300
"""Seconds by which clocks may differ."""

READ_FIELDS: Final = (b"from", b"subject", b"date", b"to")
"""Fields that say what a person reads; none may be there without being signed.

Of the others that we sign none may be there twice and signed once. A Content-Type alone is let be:
OpenDKIM as it is installed does not sign it, nor do the largest operators (RFC 6376 §5.4.1).
"""

_ALGORITHMS: Final = {b"rsa-sha256": "rsa", b"ed25519-sha256": "ed25519"}
_REQUIRED: Final = (b"v", b"a", b"b", b"bh", b"d", b"h", b"s")
_SPACE = re.compile(rb"[\t\r\n ]+")
_SECONDS = re.compile(rb"[0-9]{1,12}", re.ASCII)

Lookup = Callable[[str], bytes | None]
"""The TXT record of a name, its strings joined; None without one. May raise KeyUnavailable."""


class KeyUnavailable(Exception):
    """The zone could not be asked now."""


class _Judged(Exception):
    """The reason why the signature is no pass."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Signature:
    """The tags of a signature, as far as they must be there, decoded."""

    domain: str
    selector: str
    kind: str
    forms: Forms
    names: tuple[bytes, ...]
    body_hash: bytes
    value: bytes
    tags: dict[bytes, bytes]
    field: Field


@dataclass(frozen=True, slots=True)
class _Letter:
    """The message: its fields, how often each name is there, and its body in either form."""

    fields: list[Field]
    present: Counter[bytes]
    hashed: Callable[[bool], bytes]


def verify(raw: bytes, lookup: Lookup, at: int) -> list[DkimResult]:
    """A result for each of the first signatures on ``raw``, in order; none without a signature.

    ``at`` are unix seconds. For information: nothing may be permitted because of a pass. A message
    whose header cannot be read has no results.
    """
    try:
        fields, body = split(raw)
    except MessageMalformed:
        return []
    present = Counter(name.lower() for name, _ in fields)
    hashed = cache(lambda is_relaxed: body_hash(body, is_relaxed=is_relaxed))
    letter = _Letter(fields, present, hashed)
    asked = cache(lookup)
    return [_result(letter, field, asked, at) for field in _looked_at(fields)]


def key_names(raw: bytes) -> list[str]:
    """Where the keys of the signatures that :func:`verify` would look at are published."""
    try:
        fields, _ = split(raw)
    except MessageMalformed:
        return []
    names: dict[str, None] = {}
    for field in _looked_at(fields):
        try:
            names[_key_name(_read(field))] = None
        except _Judged:
            continue
    return list(names)


def _looked_at(fields: list[Field]) -> list[Field]:
    wanted = SIGNATURE_FIELD.lower()
    return [field for field in fields if field[0].lower() == wanted][:MAX_SIGNATURES]


def _key_name(signature: _Signature) -> str:
    """RFC 6376 §3.6.2.1."""
    return f"{signature.selector}._domainkey.{signature.domain}"


def _result(letter: _Letter, field: Field, lookup: Lookup, at: int) -> DkimResult:
    try:
        signature = _read(field)
    except _Judged as judged:
        return DkimResult("", "", judged.reason)
    mark = hashlib.sha256(signature.domain.encode() + b"\0" + signature.value).digest()
    reason = Reason.NONE
    try:
        _judge(letter, signature, lookup, at)
    except _Judged as judged:
        reason = judged.reason
    return DkimResult(signature.domain, signature.selector, reason, mark)


def _judge(letter: _Letter, signature: _Signature, lookup: Lookup, at: int) -> None:
    """Raise what speaks against it; what costs nothing is asked first."""
    _check_identity(signature)
    _check_times(signature.tags, at)
    if b"l" in signature.tags:
        raise _Judged(Reason.BODY_IN_PART)
    _check_names(letter, signature)
    record = _record(signature, lookup)
    hashed = letter.hashed(signature.forms.has_relaxed_body)
    if not hmac.compare_digest(hashed, signature.body_hash):
        raise _Judged(Reason.BODY_ALTERED)
    octets = signature.forms.header(letter.fields, signature.names, signature.field)
    if signature.kind == "ed25519":  # RFC 8463 §3: Ed25519 signs the digest
        octets = hashlib.sha256(octets).digest()
    try:
        record.key.verify(signature.value, octets)
    except SignatureRejected:
        raise _Judged(Reason.SIGNATURE_WRONG) from None
    if record.is_testing:  # RFC 6376 §3.6.1: treated as if it were not signed
        raise _Judged(Reason.TESTING)


def _read(field: Field) -> _Signature:
    """The tags of a signature field; raises _Judged."""
    name, value = field
    malformed = _Judged(Reason.MALFORMED)
    if len(value) > MAX_FIELD:
        raise malformed
    try:
        found = tags(value)
        forms = Forms(found.get(b"c", b"simple/simple"))
    except TagsMalformed:
        raise malformed from None
    if any(tag not in found for tag in _REQUIRED) or found[b"v"] != b"1":
        raise malformed
    if found.get(b"q", b"dns/txt") != b"dns/txt":
        raise malformed
    names = tuple(one.strip().lower() for one in found[b"h"].split(b":"))
    if len(names) > MAX_NAMES:
        raise malformed
    return _Signature(
        _zone_name(found[b"d"]),
        _zone_name(found[b"s"]),
        _ALGORITHMS.get(found[b"a"], ""),
        forms,
        names,
        _decoded(found[b"bh"]),
        _decoded(found[b"b"]),
        found,
        (name, value),
    )


def _zone_name(value: bytes) -> str:
    name = value.decode("ascii", "replace").lower()
    if not is_zone_name(name):
        raise _Judged(Reason.MALFORMED)
    return name


def _decoded(value: bytes) -> bytes:
    try:
        return base64.b64decode(_SPACE.sub(b"", value), validate=True)
    except binascii.Error:
        raise _Judged(Reason.MALFORMED) from None


def _identity_domain(signature: _Signature) -> str:
    """The domain of i=, which is d= where it is not said (RFC 6376 §3.5)."""
    identity = signature.tags.get(b"i", b"@" + signature.domain.encode())
    return identity.decode("ascii", "replace").rpartition("@")[2].lower()


def _check_identity(signature: _Signature) -> None:
    if not signature.kind:
        raise _Judged(Reason.ALGORITHM_REFUSED)
    domain = _identity_domain(signature)
    if domain != signature.domain and not domain.endswith(f".{signature.domain}"):
        raise _Judged(Reason.WRONG_IDENTITY)


def _check_times(found: dict[bytes, bytes], at: int) -> None:
    made, end = (_seconds(found.get(tag)) for tag in (b"t", b"x"))
    if made is not None and end is not None and end < made:
        raise _Judged(Reason.MALFORMED)
    if made is not None and made > at + LEEWAY:
        raise _Judged(Reason.NOT_YET)
    if end is not None and end < at - LEEWAY:
        raise _Judged(Reason.EXPIRED)


def _seconds(value: bytes | None) -> int | None:
    if value is None:
        return None
    if _SECONDS.fullmatch(value) is None:
        raise _Judged(Reason.MALFORMED)
    return int(value)


def _check_names(letter: _Letter, signature: _Signature) -> None:
    signed = Counter(signature.names)
    if not signed[b"from"]:
        raise _Judged(Reason.FROM_UNSIGNED)
    for name in (one.encode("ascii") for one in SIGNED_FIELDS):
        allowed = signed[name] if name in READ_FIELDS else max(signed[name], 1)
        if letter.present[name] > allowed:
            raise _Judged(Reason.FIELD_UNSIGNED)


def _record(signature: _Signature, lookup: Lookup) -> records.Record:
    try:
        octets = lookup(_key_name(signature))
        if octets is None:
            raise _Judged(Reason.KEY_MISSING)
        record = records.read(octets)
    except KeyUnavailable:
        raise _Judged(Reason.KEY_UNAVAILABLE) from None
    except RecordRefused as refused:
        raise _Judged(refused.reason) from None
    if record.key.kind != signature.kind:
        raise _Judged(Reason.KEY_REFUSED)
    if record.key.kind == "rsa" and record.key.bits < MIN_BITS:
        raise _Judged(Reason.KEY_TOO_SHORT)
    if record.is_strict and _identity_domain(signature) != signature.domain:
        raise _Judged(Reason.WRONG_IDENTITY)
    return record
