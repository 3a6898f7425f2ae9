"""What of SASL is SMTP's own: responses on lines, in base64 (RFC 4954 §4)."""

import base64


class Cancelled(Exception):
    """The client sent ``*`` (RFC 4954 §4)."""


class NotBase64(Exception):
    """A response that cannot be decoded."""


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
