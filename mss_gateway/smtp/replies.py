"""Failure → reply line: code, enhanced code, one ASCII sentence, and the message_ref at its end."""

from mss_gateway import texts
from mss_gateway.failures import Failure, Refused, row


def line(failure: Failure, message_ref: str | None = None) -> bytes:
    """The reply to a refusal (RFC 5321 §4.2, RFC 2034 §4)."""
    printed = row(failure)
    text = f"{printed.smtp} {printed.enhanced} {texts.ascii_line(printed.text)}"
    if message_ref is not None:
        text = f"{text} {message_ref}"
    return text.encode("ascii")


def refusal(refused: Refused) -> bytes:
    """The reply to what a stage refused."""
    return line(refused.failure, refused.message_ref)
