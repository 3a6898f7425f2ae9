"""One signature for what leaves: relaxed/relaxed, rsa-sha256, and no room to add a field."""

import base64
import re
from collections import Counter
from collections.abc import Callable
from typing import Final

from mss_gateway.message.build import fold_field
from mss_gateway.message.dkim.canonical import SIGNATURE_FIELD, Forms, body_hash, split

SIGNED_FIELDS: Final = (
    *("from", "subject", "date", "to", "cc"),
    *("content-type", "message-id", "mime-version"),
)
"""Signed once more than they are there: another one of that name breaks the signature (T17)."""

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_ZONE_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
"""A selector or a domain in lower case (RFC 6376 §3.1): labels of at most 63 characters."""

MAX_NAME: Final = 253
"""Characters of a name in the DNS (RFC 1035 §2.3.4), its last dot left out."""

_FORMS: Final = Forms(b"relaxed/relaxed")
_CHUNK: Final = 72


def is_zone_name(text: str) -> bool:
    """Whether a zone can have it, as a domain or as a selector; only lower case is."""
    return len(text) <= MAX_NAME and _ZONE_NAME.fullmatch(text) is not None


def sign(raw: bytes, domain: str, selector: str, sign: Callable[[bytes], bytes], at: int) -> bytes:
    """The DKIM-Signature field to put before ``raw``, ending in CRLF (RFC 6376 §3.5).

    ``sign`` is RSASSA-PKCS1-v1_5 with SHA-256 over the octets it is given; ``at`` are unix seconds.
    The same arguments give the same octets. No l=: the whole body is signed. Raises ValueError for
    a domain or a selector that no zone can have, MessageMalformed for an unreadable header.
    """
    for name in (domain, selector):
        if not is_zone_name(name):
            raise ValueError("neither a domain nor a selector in lower case")
    fields, body = split(raw)
    present = Counter(name.lower().decode("ascii") for name, _ in fields)
    names = [name for name in SIGNED_FIELDS for _ in range(present[name] + 1)]
    hashed = base64.b64encode(body_hash(body, is_relaxed=True)).decode("ascii")
    words = [
        *("v=1;", "a=rsa-sha256;", "c=relaxed/relaxed;"),
        *(f"d={domain};", f"s={selector};", f"t={at};"),
        *_listed(names),
        f"bh={hashed};",
    ]
    unsigned = _field([*words, "b="]).partition(b":")[2]
    signed = _FORMS.header(
        fields, [name.encode("ascii") for name in names], (SIGNATURE_FIELD, unsigned)
    )
    value = "b=" + base64.b64encode(sign(signed)).decode("ascii")
    chunks = [value[at : at + _CHUNK] for at in range(0, len(value), _CHUNK)]
    return _field([*words, *chunks])


def _listed(names: list[str]) -> list[str]:
    """The tag h= as words between which a line may be folded."""
    first, *others = [f"{name}:" for name in names]
    listed = [f"h={first}", *others]
    listed[-1] = listed[-1].removesuffix(":") + ";"
    return listed


def _field(words: list[str]) -> bytes:
    return fold_field(SIGNATURE_FIELD.decode("ascii"), words)
