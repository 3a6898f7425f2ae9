"""Whom the author wrote to, under the author's signature: docs/decisions/0016.

``X-MSS-Destinataires`` stands inside the signed entity only. It holds a salted digest for each
recipient named in To or Cc; a blind recipient gets a message of their own whose list names them
alone. A message closed again for somebody else still opens and still verifies, and its list tells
that the author did not send it there.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Final

from mss_gateway.message.address import AddressMalformed, EmailAddress, parse_mailboxes
from mss_gateway.message.build import fold_field, remove_fields
from mss_gateway.message.header import Header, field_text
from mss_gateway.message.words import unfold

FIELD: Final = "X-MSS-Destinataires"
SALT_OCTETS: Final = 16
LIMIT: Final = 2_000
"""Digests of one list: 46 kB of the 64 kB that a field may have."""

_VERSION = "v=1"
_DIGEST_OCTETS = 16  # 128 bits: a second address with the same digest is not to be found
_WORD = "[A-Za-z0-9_-]{22}"  # 16 octets in base64url (RFC 4648 §5), without its padding
_VALUE = re.compile(rf"v=1; s=({_WORD}); d=({_WORD}(?:,{_WORD})*)")


def with_list(raw: bytes, recipients: Sequence[EmailAddress], salt: bytes) -> bytes:
    """``raw`` with its list as the first field, in place of any that was there.

    ``salt`` is 16 fresh octets, other ones for each message. Raises ValueError for no recipient
    or more than ``LIMIT``, MessageMalformed for an unreadable header.
    """
    if len(salt) != SALT_OCTETS or not 0 < len(recipients) <= LIMIT:
        raise ValueError("a salt of 16 octets, and 1 to 2,000 recipients")
    digests = sorted({_digest(salt, recipient) for recipient in recipients})
    words = [f"{_VERSION};", f"s={_word(salt)};", f"d={digests[0]}"]
    for digest in digests[1:]:
        words[-1] += ","
        words.append(digest)
    return fold_field(FIELD, words) + remove_fields(raw, [FIELD])


def separate(
    header: Header, recipients: Iterable[EmailAddress]
) -> tuple[tuple[EmailAddress, ...], tuple[EmailAddress, ...]]:
    """The recipients named in To or Cc, and the blind ones: each of these gets its own message.

    A To or Cc that cannot be read names nobody.
    """
    named = named_in(header)
    known = tuple(recipients)
    return (
        tuple([one for one in known if one in named]),
        tuple([one for one in known if one not in named]),
    )


def named_in(header: Header) -> frozenset[EmailAddress]:
    """The addresses in To and Cc."""
    named: set[EmailAddress] = set()
    for field in ("to", "cc"):
        for value in header.all(field):
            try:
                named.update([one.address for one in parse_mailboxes(field_text(value))])
            except AddressMalformed:
                continue
    return frozenset(named)


def check(protected: Header | None, recipient: EmailAddress) -> bool | None:
    """Whether the author signed ``recipient`` among the recipients; None when nothing tells.

    ``protected`` are the fields under a signature that was verified, None where there are none.
    Without a list, a recipient named in the protected To or Cc is confirmed, and any other may be
    a blind one. A list that cannot be read, or two of them, name nobody.
    """
    if protected is None:
        return None
    lists = protected.all(FIELD.lower())
    if not lists:
        return True if recipient in named_in(protected) else None
    value = unfold(field_text(lists[0])) if len(lists) == 1 else ""
    found = _VALUE.fullmatch(re.sub(r",[ \t]+", ",", value))
    if found is None:
        return False
    salt = base64.urlsafe_b64decode(found[1] + "==")
    return _digest(salt, recipient) in found[2].split(",")


def _digest(salt: bytes, recipient: EmailAddress) -> str:
    whole = hashlib.sha256(salt + str(recipient).encode("ascii")).digest()
    return _word(whole[:_DIGEST_OCTETS])


def _word(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode("ascii").rstrip("=")
