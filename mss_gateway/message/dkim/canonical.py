"""What a signature is computed over: the two forms of a body and of a header (RFC 6376 §3.4)."""

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from dkim import select_headers
from dkim.canonicalization import CanonicalizationPolicy, InvalidCanonicalizationPolicyError
from dkim.util import InvalidTagValueList, parse_tag_value

from mss_gateway.message.header import header_end, parse_header

Field = tuple[bytes, bytes]
"""A field as it stands: its name, and its value with the CRLF that ends it."""

SIGNATURE_FIELD: Final = b"DKIM-Signature"

_RUN = re.compile(rb"[\t ]{2,}|\t")
"""Only what compressing changes: a single space is left alone, and costs nothing."""

_EMPTY_LINES_BACKWARDS = re.compile(rb"(?:\n\r)*+")


class TagsMalformed(ValueError):
    """Not a list of tags (RFC 6376 §3.2), or one tag is there twice."""


def split(raw: bytes) -> tuple[list[Field], bytes]:
    """The fields of a message in order, and its body; raises MessageMalformed."""
    end, body = header_end(raw, 0, len(raw))
    found = []
    for name, start, following in parse_header(raw, 0, end).places():
        colon = start + len(name)
        value = raw[colon + 1 : following]
        found.append((raw[start:colon], value if value.endswith(b"\r\n") else value + b"\r\n"))
    return found, raw[body:]


def tags(octets: bytes) -> dict[bytes, bytes]:
    """A list of tags by name, folds taken out of nothing; raises :class:`TagsMalformed`."""
    try:
        found: dict[bytes, bytes] = parse_tag_value(octets)
    except InvalidTagValueList:
        raise TagsMalformed("not a list of tags") from None
    return found


class Forms:
    """The forms named by a tag c=, ``header/body``, each ``simple`` or ``relaxed``."""

    __slots__ = ("_policy",)

    def __init__(self, named: bytes) -> None:
        try:
            self._policy = CanonicalizationPolicy.from_c_value(named)
        except InvalidCanonicalizationPolicyError:
            raise TagsMalformed("unknown form") from None

    @property
    def has_relaxed_body(self) -> bool:
        """Whether the body is hashed in the form ``relaxed``."""
        return bool(self._policy.body_algorithm.name == b"relaxed")

    def header(self, fields: Sequence[Field], names: Sequence[bytes], signature: Field) -> bytes:
        """The octets that are signed: the fields of those names, in lower case, the last of each
        name first, then the signature itself without its value (RFC 6376 §3.7, §5.4.2)."""
        name, value = signature
        chosen = [*select_headers(fields, names), (name, _without_value(value))]
        *others, (name, value) = self._policy.canonicalize_headers(chosen)
        lines = [b"%b:%b" % field for field in others]
        return b"".join((*lines, name, b":", value.removesuffix(b"\r\n")))


def body_hash(body: bytes, *, is_relaxed: bool) -> bytes:
    """SHA-256 of the body in one of its forms (RFC 6376 §3.4.3, §3.4.4), in linear time."""
    if is_relaxed:
        # searched for first: an envelope has neither, and looking for a run costs ten times that
        if b"\t" in body or b"  " in body:
            body = _RUN.sub(b" ", body)
        body = body.replace(b" \r\n", b"\r\n")
    ending = body[len(body.rstrip(b"\r\n")) :]
    empty = _EMPTY_LINES_BACKWARDS.match(ending[::-1])
    kept = memoryview(body)[: len(body) - (0 if empty is None else empty.end())]
    hashed = hashlib.sha256(kept)
    if kept or not is_relaxed:
        hashed.update(b"\r\n")
    return hashed.digest()


def _without_value(value: bytes) -> bytes:
    """The field with an empty tag b=, the spaces around its value gone (RFC 6376 §3.7)."""
    parts = value.split(b";")
    for number, part in enumerate(parts):
        name, equals, _ = part.partition(b"=")
        if equals and name.strip() == b"b":
            parts[number] = name + equals
    return b";".join(parts)
