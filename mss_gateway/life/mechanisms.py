"""The mechanisms of SASL that mail programs sign in with: what each one says, and what it claims.

The same for submission and IMAP (RFC 4422): in each of these mechanisms the client speaks first and
once, so that a mechanism is a function from that one message to a claim, not verified yet. How
prompts and answers travel is the protocol's matter. The mechanisms with a token have a last word:
the client is told in JSON that its token is not taken, answers with nothing, and only then hears
that it failed (RFC 7628 §3.2.3).
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mss_gateway.config import Config
from mss_gateway.life.claims import (
    CertificateClaim,
    Claim,
    PasswordClaim,
    Provider,
    TokenClaim,
)

MAX_LINE: Final = 16_384
"""Octets of a message in base64: tokens with many claims take several thousand.

RFC 4954 §4 found 12,288 sufficient.
"""


class Unreadable(Exception):
    """A message that is not of the form of its mechanism; ``wanted`` names what was expected."""

    def __init__(self, wanted: str = "message") -> None:
        super().__init__(wanted)
        self.wanted = wanted


class NotText(Exception):
    """A login or a password that is no UTF-8: as wrong as a wrong password."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides which mechanisms there are on a connection at this moment.

    ``certificate``: the DER of what the client showed in the TLS handshake.
    """

    may_log_in: bool
    provider: Provider | None
    certificate: bytes | None


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One row: ``refusal`` makes the challenge that precedes the failure, if there is one."""

    read: Callable[[bytes, Facts], Claim]
    is_offered: Callable[[Facts], bool]
    refusal: Callable[[Provider], dict[str, str]] | None = None

    def last_word(self, facts: Facts) -> bytes:
        """The JSON that a client is told before it hears no; nothing for most mechanisms."""
        if self.refusal is None or facts.provider is None:
            return b""
        told = {name: value for name, value in self.refusal(facts.provider).items() if value}
        return json.dumps(told, separators=(",", ":")).encode("ascii")


def provider_of(config: Config) -> Provider | None:
    """The OpenID provider whose tokens the configuration believes; None without one."""
    oauth = config.oauth
    return Provider(oauth.issuer, oauth.scope) if oauth.issuer else None


def plain(message: bytes, _: Facts) -> Claim:
    """PLAIN (RFC 4616 §2): authorisation identity, login and password between NULs."""
    fields = message.split(b"\0")
    if len(fields) != 3:
        raise Unreadable
    return password_claim(*fields)


def oauthbearer(message: bytes, _: Facts) -> Claim:
    """OAUTHBEARER (RFC 7628 §3.1): a GS2 header (RFC 5801 §4) and pairs, one of them the token.

    No channel binding is offered: ``y`` and ``n`` say that none is used.
    """
    header, _separator, pairs = message.partition(b"\1")
    match = _GS2_HEADER.fullmatch(header)
    if match is None:
        raise Unreadable("gs2-header")
    authorised = (match[1] or b"").replace(b"=2C", b",").replace(b"=3D", b"=")
    return TokenClaim(_text(authorised), _bearer(_pairs(pairs)))


def xoauth2(message: bytes, _: Facts) -> Claim:
    """XOAUTH2, no standard, but what mail programs had first: ``user=…`` and the token as pairs."""
    pairs = _pairs(message)
    return TokenClaim(_text(pairs.get(b"user", b"")), _bearer(pairs))


def external(message: bytes, facts: Facts) -> Claim:
    """EXTERNAL (RFC 4422 §A): who it is was shown by TLS; the authorisation identity is said."""
    assert facts.certificate is not None
    if b"\0" in message:
        raise Unreadable("authzid")
    return CertificateClaim(_text(message), facts.certificate)


def _with_tokens(facts: Facts) -> bool:
    return facts.may_log_in and facts.provider is not None


def _oauthbearer_refusal(provider: Provider) -> dict[str, str]:
    """RFC 7628 §3.2.2; a client that knows no provider yet asks with an empty token for this."""
    return {
        "status": "invalid_token",
        "scope": provider.scope,
        "openid-configuration": f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration",
    }


def _xoauth2_refusal(provider: Provider) -> dict[str, str]:
    return {"status": "401", "schemes": "bearer", "scope": provider.scope}


MECHANISMS: Final[dict[bytes, Mechanism]] = {
    b"PLAIN": Mechanism(plain, lambda facts: facts.may_log_in),
    b"XOAUTH2": Mechanism(xoauth2, _with_tokens, _xoauth2_refusal),
    b"OAUTHBEARER": Mechanism(oauthbearer, _with_tokens, _oauthbearer_refusal),
    b"EXTERNAL": Mechanism(
        external, lambda facts: facts.may_log_in and facts.certificate is not None
    ),
}
"""Every mechanism, in the order in which they are offered."""


def offered(facts: Facts) -> list[bytes]:
    """The names of those that can be used now; none while nobody may log in."""
    return [name for name, row in MECHANISMS.items() if row.is_offered(facts)]


def password_claim(authorised: bytes, login: bytes, password: bytes) -> PasswordClaim:
    """What PLAIN and LOGIN claim; raises :class:`NotText`.

    LOGIN and many mail programs have no authorisation identity: ``box*person`` as a login, two
    addresses with an asterisk between them, stands for one.
    """
    try:
        box, name, secret = (octets.decode("utf-8") for octets in (authorised, login, password))
    except UnicodeDecodeError:
        raise NotText from None
    match = None if box else _ON_BEHALF.fullmatch(name)
    if match is not None:
        box, name = match.groups()
    return PasswordClaim(box, name, secret)


_GS2_HEADER = re.compile(rb"[ny],(?:a=((?:[^,=\0]|=2C|=3D)+))?,")
_ON_BEHALF = re.compile(r"([^@]+@[^@*]+)\*([^@]+@[^@*]+)")
_TOKEN = re.compile(r"(?:bearer +([A-Za-z0-9._~+/-]+=*))?", re.IGNORECASE)
"""RFC 6750 §2.1; the scheme is compared without case. Nothing at all: what is wanted here?"""


def _pairs(octets: bytes) -> dict[bytes, bytes]:
    """``key=value`` pairs, each ended by ^A, and one ^A more at the end (RFC 7628 §3.1)."""
    parts = octets.split(b"\1")
    if len(parts) < 2 or any(parts[-2:]):
        raise Unreadable("kvsep")
    found: dict[bytes, bytes] = {}
    for pair in parts[:-2]:
        key, separator, value = pair.partition(b"=")
        if not separator or key in found:
            raise Unreadable("kvpair")
        found[key] = value
    return found


def _bearer(pairs: dict[bytes, bytes]) -> str:
    match = _TOKEN.fullmatch(_text(pairs[b"auth"])) if b"auth" in pairs else None
    if match is None:
        raise Unreadable("auth")
    return match[1] or ""


def _text(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("utf-8") from None
