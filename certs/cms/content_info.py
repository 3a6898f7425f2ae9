"""ContentInfo (RFC 5652 §3): the outermost layer of every CMS blob."""

from certs.cms import der
from certs.cms.der import Reader

_TAG_0 = 0xA0


def wrapped(content_type: bytes, pieces: list[bytes]) -> bytes:
    """The whole blob: ``pieces`` are the content of the inner SEQUENCE. Joined once, here."""
    inside = der.wrap(_TAG_0, der.wrap(der.SEQUENCE, pieces))
    return b"".join(der.wrap(der.SEQUENCE, [content_type, *inside]))


def head(content_type: bytes, start: bytes, octets: int) -> bytes:
    """What stands before the last ``octets`` of a blob whose inner SEQUENCE begins by ``start``."""
    inner = der.header(der.SEQUENCE, len(start) + octets) + start
    explicit = der.header(_TAG_0, len(inner) + octets) + inner
    outer = content_type + explicit
    return der.header(der.SEQUENCE, len(outer) + octets) + outer


def unwrapped(blob: bytes) -> tuple[bytes, Reader]:
    """(content type as a DER element, the inner SEQUENCE to walk); nothing may follow the blob.

    Raises :class:`DerMalformed`.
    """
    outer = Reader(blob)
    content_info = outer.enter(der.SEQUENCE)
    outer.finish()
    content_type = content_info.element(der.OID)
    explicit = content_info.enter(_TAG_0)
    content_info.finish()
    inner = explicit.enter(der.SEQUENCE)
    explicit.finish()
    return content_type, inner
