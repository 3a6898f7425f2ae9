"""A TOTP secret for an authenticator application: its link, and the link as a QR code."""

from dataclasses import dataclass
from urllib.parse import quote

import segno

from mss_gateway.directory.people import Person

QUIET_ZONE = 4
"""Modules left white around the code (ISO/IEC 18004)."""


@dataclass(frozen=True, slots=True)
class Squares:
    """A QR code as one SVG path in a square of ``side`` units."""

    side: int
    path: str


def otpauth(secret: str, person: Person, issuer: str) -> str:
    """The URI that an authenticator application scans (SHA-1, 6 digits, 30 s: its defaults).

    The label is the given name: applications copy it to places where an INS must not go.
    """
    label = f"{quote(issuer)}:{quote(person.traits.given_name)}"
    return f"otpauth://totp/{label}?secret={secret}&issuer={quote(issuer)}"


def squares(text: str) -> Squares:
    """The QR code of a text, its dark modules as runs of one path: no style, no script."""
    matrix = segno.make_qr(text, error="m").matrix
    runs: list[str] = []
    for y, line in enumerate(matrix):
        x = 0
        while x < len(line):
            length = 1
            while x + length < len(line) and bool(line[x + length]) == bool(line[x]):
                length += 1
            if line[x]:
                runs.append(f"M{x + QUIET_ZONE} {y + QUIET_ZONE}h{length}v1h-{length}z")
            x += length
    return Squares(len(matrix) + 2 * QUIET_ZONE, "".join(runs))
