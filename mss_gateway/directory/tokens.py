"""Access tokens of an OpenID provider: whose they are, or why they are not believed.

A token is a signed JWT (RFC 7519, RFC 9068) that the provider gave to somebody's mail program. It
is believed for its signature, under a key that the provider publishes, and for what it claims:
issuer, audience, time, scope. Nothing is asked of anybody while somebody signs in.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError

from mss_gateway.directory.keysets import ALGORITHMS, Keys, VerifyingKey
from mss_gateway.message.address import AddressMalformed, parse_address

TOKEN_OCTETS: Final = 12 * 1024
"""Longest token looked at: what fits a SASL response of 16 KiB after base64."""

LEEWAY_SECONDS: Final = 60.0
"""How far the provider's clock and ours may be apart."""

TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt", "application/jwt"})
"""Header ``typ`` of what may be an access token, in lower case (RFC 9068 §2.1); many leave it out.

A logout token, a proof of possession and the like name another type: they are no sign-in.
"""


class TokenFault(Enum):
    """Why a token is not believed; for the log, never for the wire."""

    MALFORMED = "token malformed"
    ALGORITHM = "token algorithm not allowed"
    UNKNOWN_KEY = "token signed with an unknown key"
    SIGNATURE = "token signature wrong"
    ISSUER = "token of another issuer"
    AUDIENCE = "token for another audience"
    TIME_MISSING = "token without an end"
    EXPIRED = "token expired"
    NOT_YET = "token not valid yet"
    SCOPE = "token without the scope"
    ADDRESS = "token without a usable address"


PASSING: Final = frozenset({TokenFault.UNKNOWN_KEY, TokenFault.EXPIRED, TokenFault.NOT_YET})
"""What happens to honest mail programs: tokens last minutes, keys change, clocks differ."""


class TokenRefused(Exception):
    """The token is not believed; ``fault`` says why."""

    def __init__(self, fault: TokenFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must claim. ``scope``: words that it must all hold, none when empty."""

    issuer: str
    audience: str
    address_claim: str = "email"
    scope: frozenset[str] = frozenset()


class _Algorithms(jws.JWSRegistry):
    """The signatures that we believe; the library's own registry also knows others."""

    max_signature_length = 2_048
    max_header_length = 4_096  # some providers put certificates there

    def __init__(self) -> None:
        super().__init__(strict_check_header=False)  # a provider may add fields of its own

    def get_alg(self, name: str) -> Any:
        if not isinstance(name, str) or name not in _ALLOWED:
            raise UnsupportedAlgorithmError(None)
        return self.algorithms[name]


_ALLOWED: Final = frozenset[str]().union(*ALGORITHMS.values())
_REGISTRY: Final = _Algorithms()

_FAR: Final = 1e15
"""Seconds that no date has; whatever is not below it is no date."""

_MALFORMED: Final = (JoseError, ValueError, TypeError, AttributeError, KeyError)
"""What the library raises on what is no token."""


class Tokens:
    """Judges tokens: the keys of one provider, and what its tokens must claim."""

    __slots__ = ("expected", "keys")

    def __init__(self, expected: Expected, keys: Keys) -> None:
        self.expected = expected
        self.keys = keys

    def address_of(self, token: str, now: float) -> str:
        """Whose token it is: an address in normal form. Raises :class:`TokenRefused`.

        An unknown key is refused, and asked for in the background; ``now`` in unix seconds.
        """
        try:
            claims = _verified(token, self.keys.current)
        except TokenRefused as refused:
            if refused.fault is TokenFault.UNKNOWN_KEY:
                self.keys.want()
            raise
        check(claims, self.expected, now)
        return _address(claims, self.expected.address_claim)


def check(claims: Mapping[str, Any], expected: Expected, now: float) -> None:
    """Whether the claims of a verified token are those expected; raises :class:`TokenRefused`."""
    if claims.get("iss") != expected.issuer:
        raise TokenRefused(TokenFault.ISSUER)
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if expected.audience not in named:
        raise TokenRefused(TokenFault.AUDIENCE)
    ends, begins, issued = (_moment(claims, name) for name in ("exp", "nbf", "iat"))
    if ends is None:
        raise TokenRefused(TokenFault.TIME_MISSING)
    if now >= ends + LEEWAY_SECONDS:
        raise TokenRefused(TokenFault.EXPIRED)
    if any(at is not None and at > now + LEEWAY_SECONDS for at in (begins, issued)):
        raise TokenRefused(TokenFault.NOT_YET)
    scope = claims.get("scope", "")
    if not isinstance(scope, str) or not expected.scope <= set(scope.split()):
        raise TokenRefused(TokenFault.SCOPE)


def _verified(token: str, keys: tuple[VerifyingKey, ...]) -> dict[str, Any]:
    """The claims, once the signature is right; nothing of them is read before that."""
    if len(token) > TOKEN_OCTETS or not token.isascii():
        raise TokenRefused(TokenFault.MALFORMED)
    try:
        signed = jws.extract_compact(token.encode("ascii"), registry=_REGISTRY)
        header = signed.headers()
        named, kid, algorithm = header.get("typ", "jwt"), header.get("kid"), header["alg"]
    except _MALFORMED:
        raise TokenRefused(TokenFault.MALFORMED) from None
    if "crit" in header or not isinstance(named, str) or named.lower() not in TYPES:
        raise TokenRefused(TokenFault.MALFORMED)
    if not isinstance(algorithm, str) or algorithm not in _ALLOWED:
        raise TokenRefused(TokenFault.ALGORITHM)
    fitting = [key for key in keys if algorithm in key.algorithms and kid in (None, key.kid)]
    if not fitting:
        raise TokenRefused(TokenFault.UNKNOWN_KEY)
    if not any(_is_signed_by(signed, key) for key in fitting):
        raise TokenRefused(TokenFault.SIGNATURE)
    try:
        claims = json.loads(signed.payload or b"")
    except (ValueError, RecursionError):
        raise TokenRefused(TokenFault.MALFORMED) from None
    if not isinstance(claims, dict):
        raise TokenRefused(TokenFault.MALFORMED)
    return claims


def _is_signed_by(signed: jws.CompactSignature, key: VerifyingKey) -> bool:
    try:
        return jws.validate_compact(signed, key.key, registry=_REGISTRY)
    except _MALFORMED:
        return False


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate, RFC 7519 §2; one that is no number is no token."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _FAR:
        raise TokenRefused(TokenFault.MALFORMED)
    return float(value)


def _address(claims: Mapping[str, Any], name: str) -> str:
    """The claim that holds the address; one that the provider has not verified is nobody's."""
    value = claims.get(name)
    is_unverified = claims.get("email_verified", True) not in (True, "true")
    if not isinstance(value, str) or (name == "email" and is_unverified):
        raise TokenRefused(TokenFault.ADDRESS)
    try:
        return str(parse_address(value))
    except AddressMalformed:
        raise TokenRefused(TokenFault.ADDRESS) from None
