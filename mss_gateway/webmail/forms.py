"""What a browser posts: fields and files, read into memory within bounds, never onto a disk.

RFC 7578 (multipart/form-data) and the URL-encoded form. A body above its bound is refused as soon
as it passes it, whatever its Content-Length says.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

from mss_gateway.failures import Failure, Refused

FIELDS_LIMIT = 60
FILES_LIMIT = 10
"""Files of one message: a phone's gallery lets one choose hundreds."""
FIELD_OCTETS = 400_000
"""One text field: 100,000 characters, the longest of them four octets each."""
SMALL_FORM_OCTETS = 500_000
READING_SECONDS = 300.0
"""18 MB at 0.5 Mbit/s; a slower sender gives the turn back."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """One file as the browser named it; the name is claimed, the bytes are in memory."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """What came: each field with every value it was given, and the files."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    files: tuple[SentFile, ...] = ()

    def get(self, name: str) -> str:
        """The first value of a field, empty when there is none."""
        return next(iter(self.fields.get(name, ())), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field."""
        return self.fields.get(name, ())


NO_FORM = Form()


class _InMemory(MultiPartParser):
    """Starlette's parser spools files above a size to a temporary file, in clear: not ours."""

    spool_max_size = 1 << 30


async def read_form(request: Request, limit: int) -> Form:
    """The posted form, at most ``limit`` octets.

    Raises Refused: MESSAGE_TOO_BIG above the limit, FORM_EXPIRED for what is no form or takes
    longer than five minutes.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        async with asyncio.timeout(READING_SECONDS):
            if kind == "multipart/form-data":
                parser = _InMemory(
                    request.headers,
                    _bounded(request, limit),
                    max_files=FILES_LIMIT,
                    max_fields=FIELDS_LIMIT,
                    max_part_size=FIELD_OCTETS,
                )
                return await _form(await parser.parse())
            if kind == "application/x-www-form-urlencoded":
                bounded = _bounded(request, min(limit, SMALL_FORM_OCTETS))
                return await _form(await FormParser(request.headers, bounded).parse())
    except MultiPartException as error:
        if "Too many files" in error.message:
            raise Refused(Failure.MESSAGE_TOO_BIG, "too many files") from None
        raise Refused(Failure.FORM_EXPIRED, "not a form") from None
    except TimeoutError:
        raise Refused(Failure.FORM_EXPIRED, "too slow") from None
    raise Refused(Failure.FORM_EXPIRED, "not a form")


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """A posted body that is no form, at most ``limit`` octets within ``seconds``.

    Raises Refused: MESSAGE_TOO_BIG above the limit, FORM_EXPIRED when it takes longer.
    """
    try:
        async with asyncio.timeout(seconds):
            return b"".join([chunk async for chunk in _bounded(request, limit)])
    except TimeoutError:
        raise Refused(Failure.FORM_EXPIRED, "too slow") from None


async def _bounded(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    declared = request.headers.get("content-length", "0")
    if declared.isascii() and declared.isdigit() and int(declared[:12]) > limit:
        raise Refused(Failure.MESSAGE_TOO_BIG)
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > limit:
            raise Refused(Failure.MESSAGE_TOO_BIG)
        yield chunk


async def _form(parsed: FormData) -> Form:
    fields: dict[str, list[str]] = {}
    files: list[SentFile] = []
    for name, value in parsed.multi_items():
        if isinstance(value, UploadFile):
            content = await value.read()
            await value.close()
            if value.filename or content:
                files.append(SentFile(value.filename or "", content))
        else:
            fields.setdefault(name, []).append(value)
    if len(fields) > FIELDS_LIMIT:
        raise Refused(Failure.FORM_EXPIRED, "too many fields")
    return Form(
        MappingProxyType({name: tuple(values) for name, values in fields.items()}), tuple(files)
    )
