"""Files as answers: downloads that nothing runs, and pages drawn as pictures.

A download keeps every byte and is never displayed by the browser in our origin (T29, T40, T44); a
picture was drawn again by a sub-process that owns nothing (house §11.16).
"""

from urllib.parse import quote

from starlette.responses import Response

from mss_gateway.dossier import naming
from mss_gateway.dossier.errors import RenderFailed
from mss_gateway.failures import Failure, Refused
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.attachments import safe_name
from mss_gateway.message.sniff import PDF, sniff
from mss_gateway.webmail.headers import FILE_POLICY

PAGE_WIDTH, THUMBNAIL_WIDTH = 1100, 240
PAGES_SHOWN = 40
"""Pages of one document drawn on one page of ours; the rest is read by downloading."""

DRAWN = frozenset({PDF, "image/jpeg", "image/png", "image/tiff", "image/gif", "image/webp"})
"""What the renderer draws."""

_NAMED_TYPES = DRAWN | {"text/plain"}


def download(content: bytes, name: str) -> Response:
    """The bytes as they are, to be kept as a file; its type is told only when it is harmless."""
    sniffed = sniff(content)
    return Response(
        content,
        media_type=sniffed if sniffed in _NAMED_TYPES else "application/octet-stream",
        headers={
            "Content-Disposition": disposition(name or "document"),
            "Content-Security-Policy": FILE_POLICY,
        },
    )


def disposition(name: str) -> str:
    """Content-Disposition of a download, both forms of the name (RFC 6266 §4.1, RFC 8187 §3.2)."""
    name = safe_name(name) or "document"
    plain = "".join(char if char.isascii() and (char.isalnum() or char in " ._-") else "_"
                    for char in name)  # fmt: skip
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def file_name(title: str, media_type: str) -> str:
    """A document's title as the name of a file of its type."""
    extension = naming.extension(media_type)
    if not extension or title.lower().endswith(f".{extension}"):
        return title
    return f"{title}.{extension}"


def page_count(gateway: Gateway, content: bytes) -> int:
    """Pages that can be drawn; 0 when there are none."""
    if sniff(content) not in DRAWN:
        return 0
    try:
        return gateway.renderer.page_count(content)
    except RenderFailed:
        return 0


def picture(gateway: Gateway, content: bytes, page: int, width: int) -> Response:
    """Page ``page`` (from 1) drawn; raises Refused(DOCUMENT_NOT_FOUND) when it cannot be."""
    try:
        drawn = gateway.renderer.page(content, page - 1, width)
    except RenderFailed as error:
        raise Refused(Failure.DOCUMENT_NOT_FOUND, str(error)) from None
    return Response(
        drawn.content,
        media_type=drawn.media_type,
        headers={"Content-Security-Policy": FILE_POLICY},
    )
