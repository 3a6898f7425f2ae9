"""The mechanisms of AUTHENTICATE: what each asks of the client, and the claim that it gives back.

A mechanism asks through ``challenge`` and gives back what the client claims, unverified (RFC 4422).
The mechanisms with a token have a last word of their own: the client is told in JSON that its token
is not taken, answers with nothing, and only then hears the tagged NO (RFC 7628 §3.2.3).
"""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from mss_gateway.imap.state import Session
from mss_gateway.life.claims import (
    CertificateClaim,
    Claim,
    PasswordClaim,
    Provider,
    TokenClaim,
)

MAX_LINE: Final = 16_384
"""Octets of a response in base64: tokens with many claims take several thousand."""

Challenge = Callable[[bytes], Awaitable[bytes]]
"""Sends a prompt and returns the octets that the client answers.

Raises :class:`Cancelled`, and ``Malformed`` when the answer is no base64.
"""


class Cancelled(Exception):
    """The client sent ``*`` (RFC 9051 §6.2.2)."""


class Unreadable(Exception):
    """Decoded, but not of the form of the mechanism; ``wanted`` names what was expected."""

    def __init__(self, wanted: str = "message") -> None:
        super().__init__(wanted)
        self.wanted = wanted


class NotText(Exception):
    """A login or a password that is no UTF-8: as wrong as a wrong password."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides which mechanisms there are on a connection at this moment."""

    may_log_in: bool
    provider: Provider | None
    certificate: bytes | None


def facts_of(session: Session) -> Facts:
    """The facts of a connection."""
    return Facts(session.may_log_in, session.services.provider, session.wire.peer_certificate)


Exchange = Callable[[Challenge, bytes | None, Facts], Awaitable[Claim]]


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One row: ``refusal`` makes the challenge that precedes the tagged NO, if there is one."""

    exchange: Exchange
    is_offered: Callable[[Facts], bool]
    refusal: Callable[[Provider], dict[str, str]] | None = None

    def last_word(self, facts: Facts) -> bytes:
        """The JSON that a client is told before it hears NO; nothing for most mechanisms."""
        if self.refusal is None or facts.provider is None:
            return b""
        told = {name: value for name, value in self.refusal(facts.provider).items() if value}
        return json.dumps(told, separators=(",", ":")).encode("ascii")


async def plain(challenge: Challenge, initial: bytes | None, _: Facts) -> Claim:
    """PLAIN (RFC 4616 §2): authorisation identity, login and password between NULs."""
    fields = (await _first(challenge, initial)).split(b"\0")
    if len(fields) != 3:
        raise Unreadable
    return password_claim(*fields)


async def oauthbearer(challenge: Challenge, initial: bytes | None, _: Facts) -> Claim:
    """OAUTHBEARER (RFC 7628 §3.1): a GS2 header (RFC 5801 §4) and pairs, one of them the token.

    No channel binding is offered: ``y`` and ``n`` say that none is used.
    """
    header, _separator, pairs = (await _first(challenge, initial)).partition(b"\1")
    match = _GS2_HEADER.fullmatch(header)
    if match is None:
        raise Unreadable("gs2-header")
    authorised = (match[1] or b"").replace(b"=2C", b",").replace(b"=3D", b"=")
    return TokenClaim(_text(authorised), _bearer(_pairs(pairs)))


async def xoauth2(challenge: Challenge, initial: bytes | None, _: Facts) -> Claim:
    """XOAUTH2, no standard, but what mail programs had first: ``user=…`` and the token as pairs."""
    pairs = _pairs(await _first(challenge, initial))
    return TokenClaim(_text(pairs.get(b"user", b"")), _bearer(pairs))


async def external(challenge: Challenge, initial: bytes | None, facts: Facts) -> Claim:
    """EXTERNAL (RFC 4422 §A): who it is was shown by TLS; the authorisation identity is said."""
    assert facts.certificate is not None
    authorised = await _first(challenge, initial)
    if b"\0" in authorised:
        raise Unreadable("authzid")
    return CertificateClaim(_text(authorised), facts.certificate)


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
"""Every mechanism, in the order of the capabilities."""


def offered(facts: Facts) -> list[bytes]:
    """The words ``AUTH=…`` of the capabilities for these facts; none while login is disabled."""
    return [b"AUTH=" + name for name, row in MECHANISMS.items() if row.is_offered(facts)]


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


async def _first(challenge: Challenge, initial: bytes | None) -> bytes:
    return await challenge(b"") if initial is None else initial


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
