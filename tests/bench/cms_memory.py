"""The most memory that one large message makes a process hold, by the kernel's high-water mark.

Each work is done once in a process of its own (``python -m tests.bench.cms_memory WORK OCTETS``).
The message counts, and what comes of the work; what the process held before does not.
"""

import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from certs.capabilities import CLASSIC, MODERN, Protection
from certs.cms.enveloped import make_enveloped, open_enveloped
from certs.cms.signed import make_signed, verify_signed
from tests.bench.cms_parties import NOW, Holder, content, holder

WORKS = (
    "sign detached",
    "sign opaque",
    "verify detached",
    "verify opaque",
    "verify opaque streamed",
    "seal aes-256-gcm",
    "seal aes-256-cbc",
    "open aes-256-gcm",
    "open aes-256-gcm streamed",
    "open aes-256-cbc",
    "open aes-256-cbc streamed",
)
"""``streamed``: the message comes as BER in pieces, as streaming producers write it."""

ROOT = Path(__file__).resolve().parents[2]


def rows(octets: int, works: Sequence[str] = WORKS) -> Iterator[dict[str, Any]]:
    """One row for each work: the peak over the size of the message."""
    for work in works:
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.cms_memory", work, str(octets)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        yield {
            "work": work,
            "part": "memory",
            "octets": octets,
            "peak_over_message": round(int(done.stdout) / octets, 2),
        }


def peak(work: str, octets: int) -> int:
    """Octets that this process held at most for ``work``, over what it held before."""
    who = holder("p256")
    _done(who, work, prepared(who, work, 20_000))  # what the first one loads is not counted
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "message")
        # the message is made by a child, which takes its own leavings with it
        child = os.fork()
        if not child:
            path.write_bytes(prepared(who, work, octets))
            os._exit(0)
        os.waitpid(child, 0)
        gc.collect()
        Path("/proc/self/clear_refs").write_bytes(b"5")  # the mark begins anew: proc(5)
        before = _status("VmRSS")
        message = path.read_bytes()
        result = _done(who, work, message)
        highest = _status("VmHWM")
        del result
    return highest - before


def prepared(who: Holder, work: str, octets: int) -> bytes:
    """What the work begins with: a content, or somebody's message around one."""
    plain = content(octets)
    verb, form, *rest = work.split()
    if verb == "verify" and form == "opaque":
        made = make_signed(plain, who.signer, NOW, detached=False)
        return streamed(made, 0x04, octets) if rest else made
    if verb == "open":
        made = make_enveloped(plain, [who.certificate], _protection(form))
        return streamed(made, 0x80, octets) if rest else made
    return plain


def _protection(name: str) -> Protection:
    return next(each for each in (CLASSIC, MODERN) if each.content == name)


def _done(who: Holder, work: str, message: bytes) -> object:
    verb, form, *_ = work.split()
    match verb:
        case "sign":
            return make_signed(message, who.signer, NOW, detached=form == "detached")
        case "verify" if form == "detached":
            return verify_signed(make_signed(message, who.signer, NOW), message)
        case "verify":
            return verify_signed(message, None)
        case "seal":
            return make_enveloped(message, [who.certificate], _protection(form))
    return open_enveloped(message, [(who.certificate, who.key)])


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


# --- streamed BER --------------------------------------------------------------------------------

PIECE = 1024
"""Octets of a piece, as ``openssl cms -stream`` writes them."""


def streamed(blob: bytes, tag: int, octets: int) -> bytes:
    """A message in DER as a producer streams it: indefinite lengths, the content in pieces.

    The content is the element ``tag`` of at least ``octets``; what is around it loses its length.
    """
    out: list[bytes] = []
    _restream(memoryview(blob), tag, octets, out)
    return b"".join(out)


def _restream(view: memoryview, tag: int, octets: int, out: list[bytes]) -> None:
    while view:
        length, start = _length(view)
        body = view[start : start + length]
        if length < octets:
            out.append(bytes(view[: start + length]))
        else:
            out.append(bytes((view[0] | 0x20, 0x80)))
            if view[0] == tag:
                for at in range(0, length, PIECE):
                    piece = bytes(body[at : at + PIECE])
                    out.append(b"\x04\x82" + len(piece).to_bytes(2, "big") + piece)
            else:
                _restream(body, tag, octets, out)
            out.append(b"\x00\x00")
        view = view[start + length :]


def _length(view: memoryview) -> tuple[int, int]:
    """(octets of the content, octets before it) of an element in DER."""
    if view[1] < 0x80:
        return view[1], 2
    octets = view[1] & 0x7F
    return int.from_bytes(view[2 : 2 + octets], "big"), 2 + octets


if __name__ == "__main__":
    print(peak(sys.argv[1], int(sys.argv[2])))
