"""SASL PLAIN and LOGIN: the few exchanges of AUTH, apart from the session that carries them.

A mechanism asks through ``challenge`` and gives back what the client claims, unverified.
"""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Challenge = Callable[[bytes], Awaitable[str]]
"""Sends a prompt and returns the client's line, as it stands."""


class Cancelled(Exception):
    """The client sent ``*`` (RFC 4954 §4)."""


class NotBase64(Exception):
    """A response that cannot be decoded."""


class Unreadable(Exception):
    """Decoded, but not what the mechanism asks: as wrong as a wrong password."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who somebody says they are, and the password to show for it."""

    login: str
    password: str = field(repr=False)


Mechanism = Callable[[Challenge, str], Awaitable[Claim]]


async def plain(challenge: Challenge, initial: str) -> Claim:
    """PLAIN (RFC 4616 §2): authorisation identity, login and password between NULs."""
    answer = decode(initial or await challenge(b""))
    fields = answer.split(b"\0")
    if len(fields) != 3 or fields[0] not in (b"", fields[1]):
        raise Unreadable
    return Claim(_text(fields[1]), _text(fields[2]))


async def login(challenge: Challenge, initial: str) -> Claim:
    """LOGIN, not a standard but what Outlook knows."""
    name = decode(initial or await challenge(b"Username:"))
    return Claim(_text(name), _text(decode(await challenge(b"Password:"))))


MECHANISMS: dict[str, Mechanism] = {"PLAIN": plain, "LOGIN": login}


def decode(response: str) -> bytes:
    """The octets of a response; ``=`` is the empty one (RFC 4954 §4).

    Raises Cancelled, NotBase64.
    """
    if response == "*":
        raise Cancelled
    try:
        return b"" if response == "=" else base64.b64decode(response, validate=True)
    except ValueError:
        raise NotBase64 from None


def _text(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable from None
