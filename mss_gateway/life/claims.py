"""What somebody shows to sign in with, not verified yet: from a session to ``life.authn``.

``authorised`` is the address whose mailboxes are wanted (the authorisation identity of RFC 4422
§3.4.1); empty means one's own. No secret is in a ``repr``.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Provider:
    """The OpenID provider whose tokens are believed, as a mail client is told of it."""

    issuer: str
    scope: str


@dataclass(frozen=True, slots=True)
class PasswordClaim:
    """A login (an address) and its password."""

    authorised: str
    login: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenClaim:
    """An access token of the OpenID provider."""

    authorised: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CertificateClaim:
    """The certificate (DER) of a TLS client that has shown that it holds the key."""

    authorised: str
    certificate: bytes = field(repr=False)


Claim = PasswordClaim | TokenClaim | CertificateClaim
