"""What a message may cost its reader: the table of limits, each with its arithmetic."""

from dataclasses import dataclass

from mss_gateway.failures import Failure


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one scan. A message at a bound is read, one above it is refused."""

    depth: int = 32
    """Containers around a part. Honest ones have 6: three kinds of multipart, forwarded twice."""
    parts: int = 500
    """Parts of all levels. 25 MB in 500 parts is 50 kB each; an XDM travels as one part."""
    fields: int = 1_000
    """Fields of one header. 100 hops (RFC 5321 §6.3) with 4 trace fields each, and 600 besides."""
    field_octets: int = 64 * 1024
    """One field. 1,000 recipients of 60 octets in a To."""
    header_octets: int = 512 * 1024
    """All headers of the message together: what the scan copies, against 25 MB that it does not."""
    boundary: int = 70
    """Characters of a boundary, RFC 2046 §5.1.1."""
    parameters: int = 100
    """Parameters of one field, continuations counted each: a name of 7 kB (RFC 2231 §3)."""
    delimiter_lines: int = 10_000
    """Lines that begin as a delimiter; 20 times the parts. Bounds the search for false ones."""


LIMITS = Limits()


class MessageMalformed(ValueError):
    """A message that is not read: ``failure`` is what the outside is told."""

    def __init__(self, failure: Failure, cause: str) -> None:
        super().__init__(cause)
        self.failure = failure


def header_malformed(cause: str) -> MessageMalformed:
    """The refusal of a header that can be read two ways, or costs too much to read."""
    return MessageMalformed(Failure.HEADER_MALFORMED, cause)
