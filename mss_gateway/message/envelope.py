"""Envelope: who sends and who receives as SMTP says it, never the From or To of the header."""

from dataclasses import dataclass
from typing import TypeAlias

from mss_gateway.message.address import EmailAddress

ReversePath: TypeAlias = EmailAddress | None
"""The envelope sender; None is the null reverse-path of a notification (RFC 5321 §4.5.5)."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One transaction's sender and recipients, in the order of their RCPT (RFC 5321 §2.3.1)."""

    reverse_path: ReversePath
    recipients: tuple[EmailAddress, ...]
