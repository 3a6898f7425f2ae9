"""Delimiters of multiparts (RFC 2046 §5.1.1)."""

import secrets


def new_boundary() -> bytes:
    """A delimiter of 128 random bits, which no content holds and no sender can foretell.

    The "=_" cannot stand in quoted-printable or base64 (RFC 2045 §6.7).
    """
    return b"=_mss_" + secrets.token_hex(16).encode("ascii")
