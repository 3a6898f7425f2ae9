"""Looking for what must not be readable: in every form in which it might have slipped through."""

import base64
import quopri
import re
import zlib
from collections.abc import Iterator, Mapping

_DEFLATED = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")
_OPENED_OCTETS = 1 << 20


def readable(probes: Mapping[str, bytes], files: Mapping[str, bytes]) -> list[str]:
    """Which probe stands in which file, and in what form: plain, encoded or compressed."""
    return [
        f"{name} in {file}, {form}"
        for file, content in files.items()
        for place in (content, *_inflated(content))
        for name, probe in probes.items()
        for form in found(probe, place)
    ]


def forms(probe: bytes) -> Iterator[tuple[str, bytes]]:
    """Every way in which ``probe`` may stand in a file, each with its name."""
    text = probe.decode("utf-8" if _is_utf8(probe) else "latin-1")
    yield "as it is", probe.lower()
    yield "quoted-printable", quopri.encodestring(probe).replace(b"=\n", b"").lower()
    yield "encoded word", quopri.encodestring(probe, header=True).replace(b"=\n", b"").lower()
    yield "hexadecimal", probe.hex().encode()
    for encoding in ("utf-16-le", "utf-16-be", "latin-1"):
        yield encoding, text.encode(encoding, "replace").lower()
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + probe)
        # the characters that also hold bits of what stands before and after are left out
        yield f"base64, offset {shift}", encoded[-(-shift * 8 // 6) : (shift + len(probe)) * 8 // 6]


def found(probe: bytes, content: bytes) -> list[str]:
    """The forms of ``probe`` that ``content`` holds, lines folded or not."""
    unfolded = re.sub(rb"=?\r?\n", b"", content)
    places = (content, unfolded)
    lower = tuple(place.lower() for place in places)
    return [
        name
        for name, form in forms(probe)
        if any(form in place for place in (places if name.startswith("base64") else lower))
    ]


def _is_utf8(probe: bytes) -> bool:
    try:
        probe.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _inflated(content: bytes) -> Iterator[bytes]:
    """What opens of the streams of zlib and gzip that a file holds."""
    for start in _DEFLATED.finditer(content):
        opener = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        try:
            opened = opener.decompress(content[start.start() :], _OPENED_OCTETS)
        except zlib.error:
            continue
        if opened:
            yield opened
