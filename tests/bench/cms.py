"""What S/MIME costs: sign, verify, seal and open, each beside the bare primitives.

``ratio`` is our CPU over that of the primitives that the work cannot do without (digest, cipher, a
use of the key), called through the same libraries. Both are measured in turn, so that a busy
neighbour slows both. Memory is in ``cms_memory``, the timing of failures in ``cms_failures``.
"""

import gc
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from certs.capabilities import ContentName, Protection
from certs.cms.enveloped import make_enveloped, open_enveloped
from certs.cms.signed import make_signed, verify_signed
from certs.keyring import KeyKind
from tests.bench import cms_failures, cms_memory
from tests.bench.cms_parties import NOW, Holder, RawKey, content, holder
from tests.bench.measuring import spread

SIZES = {"10KB": 10_240, "1MB": 1 << 20, "20MB": 20 << 20}
COUNTS = {"10KB": 300, "1MB": 30, "20MB": 3}
"""How often a work is done in one run, and its primitives as often."""

KINDS: tuple[KeyKind, ...] = ("rsa-2048", "rsa-3072", "p256")

Rows = Iterator[dict[str, Any]]
Work = Callable[[], object]
Figures = dict[tuple[str, str, str], dict[str, Any]]
"""By kind of key, size and work."""

_SHA256 = hashes.SHA256()
_PKCS1 = padding.PKCS1v15()
_OAEP = padding.OAEP(padding.MGF1(_SHA256), _SHA256, None)
_ENVELOPES: tuple[tuple[Protection, padding.AsymmetricPadding], ...] = (
    (Protection("aes-256-gcm", "oaep"), _OAEP),
    (Protection("aes-256-cbc", "pkcs1"), _PKCS1),
)
_ATTRIBUTES = bytes(300)
"""The signed attributes have about this size: what a signature is computed over."""


@dataclass(frozen=True, slots=True)
class Case:
    """One work, and its primitives: those that use a key, those that go over the content."""

    work: str
    ours: Work
    raw_key: Work
    raw_content: Work


def rows(runs: int, share: float, sizes: dict[str, int] = SIZES) -> Rows:
    """Every work for every key and size, then the goals, the memory and the failures."""
    holders: dict[str, Holder] = {kind: holder(kind) for kind in KINDS}
    found: Figures = {}
    for size, octets in sizes.items():
        plain = content(octets)
        count = max(2, int(COUNTS.get(size, 1) * share))
        for kind, who in holders.items():
            for case in cases(who, plain):
                figures = measured(case, runs, count)
                found[kind, size, case.work] = figures
                yield {"work": case.work, "key": kind, "size": size} | figures
    largest = max(sizes.values())
    highest = 0.0
    for row in cms_memory.rows(largest):
        highest = max(highest, row["peak_over_message"])
        yield row
    yield from cms_failures.rows(holders, max(20, int(cms_failures.TIMES * share)))
    yield from goals(found, highest)


# --- primitives ----------------------------------------------------------------------------------


def _sign(raw: RawKey) -> Callable[[], bytes]:
    if isinstance(raw, rsa.RSAPrivateKey):
        return lambda: raw.sign(_ATTRIBUTES, _PKCS1, _SHA256)
    return lambda: raw.sign(_ATTRIBUTES, ec.ECDSA(_SHA256))


def _verify(raw: RawKey) -> Work:
    signature = _sign(raw)()
    if isinstance(raw, rsa.RSAPrivateKey):
        return partial(raw.public_key().verify, signature, _ATTRIBUTES, _PKCS1, _SHA256)
    return partial(raw.public_key().verify, signature, _ATTRIBUTES, ec.ECDSA(_SHA256))


def _to_recipient(raw: RawKey, transport: padding.AsymmetricPadding) -> Work:
    if isinstance(raw, rsa.RSAPrivateKey):
        return partial(raw.public_key().encrypt, bytes(32), transport)
    point = raw.public_key()
    return lambda: ec.generate_private_key(point.curve).exchange(ec.ECDH(), point)


def _from_sender(raw: RawKey, transport: padding.AsymmetricPadding) -> Work:
    if isinstance(raw, rsa.RSAPrivateKey):
        return partial(raw.decrypt, raw.public_key().encrypt(bytes(32), transport), transport)
    return partial(raw.exchange, ec.ECDH(), ec.generate_private_key(raw.curve).public_key())


def _ciphers(plain: bytes, name: ContentName) -> tuple[Work, Work]:
    """(encrypt, decrypt) of the whole content at once."""
    key, vector = os.urandom(32), os.urandom(16)
    if name == "aes-256-gcm":
        gcm, nonce = AESGCM(key), vector[:12]
        return (
            partial(gcm.encrypt, nonce, plain, None),
            partial(gcm.decrypt, nonce, gcm.encrypt(nonce, plain, None), None),
        )
    cbc = Cipher(AES(key), CBC(vector))
    whole = plain + bytes(-len(plain) % 16)
    closed = cbc.encryptor().update(whole)
    return lambda: cbc.encryptor().update(whole), lambda: cbc.decryptor().update(closed)


# --- cases ---------------------------------------------------------------------------------------


def cases(who: Holder, plain: bytes) -> Iterator[Case]:
    """Everything that is measured for one key and one content."""
    yield from _signatures(who, plain)
    for protection, scheme in _ENVELOPES:
        encrypt, decrypt = _ciphers(plain, protection.content)
        seal = partial(make_enveloped, plain, [who.certificate], protection)
        yield Case(f"seal {protection.content}", seal, _to_recipient(who.raw, scheme), encrypt)
        reading = partial(open_enveloped, seal(), [(who.certificate, who.key)])
        yield Case(f"open {protection.content}", reading, _from_sender(who.raw, scheme), decrypt)


def _signatures(who: Holder, plain: bytes) -> Iterator[Case]:
    def digest() -> object:
        return hashlib.sha256(plain).digest()

    for form, beside in (("detached", plain), ("opaque", None)):
        sign = partial(make_signed, plain, who.signer, NOW, detached=beside is not None)
        yield Case(f"sign {form}", sign, _sign(who.raw), digest)
        reading = partial(verify_signed, sign(), beside)
        yield Case(f"verify {form}", reading, _verify(who.raw), digest)


def measured(case: Case, runs: int, count: int) -> dict[str, Any]:
    """CPU of ours and of the primitives, in turn; ``ratio`` is that of each turn."""
    ours, key, whole = [], [], []
    gc.collect()
    for _ in range(runs):
        ours.append(_cpu_of(case.ours, count))
        key.append(_cpu_of(case.raw_key, count))
        whole.append(_cpu_of(case.raw_content, count))
    return {
        "cpu_us": spread(ours, 1),
        "raw_key_us": spread(key, 1),
        "raw_content_us": spread(whole, 1),
        "ratio": spread([a / (b + c) for a, b, c in zip(ours, key, whole, strict=True)], 2),
    }


def _cpu_of(work: Work, count: int) -> float:
    """Microseconds of CPU of one call, its result thrown away within them."""
    before = time.process_time()
    for _ in range(count):
        work()
    return (time.process_time() - before) / count * 1e6


# --- goals ---------------------------------------------------------------------------------------


def goals(found: Figures, highest: float) -> Rows:
    """The figures that a goal was set for, beside it; told, not asserted."""

    def ratio(kind: str, size: str, works: tuple[str, ...], primitive: str) -> float:
        figures = [found[kind, size, work] for work in works]
        ours: float = sum(each["cpu_us"]["median"] for each in figures)
        raw: float = sum(each[primitive]["median"] for each in figures)
        return round(ours / raw, 2)

    sign, through = ("sign detached",), ("seal aes-256-gcm", "open aes-256-gcm")
    for kind, size, works, primitive, most in (
        ("rsa-2048", "10KB", sign, "raw_key_us", 1.25),
        ("rsa-3072", "10KB", sign, "raw_key_us", 1.25),
        ("p256", "20MB", sign, "raw_content_us", 1.3),
        ("rsa-2048", "20MB", sign, "raw_content_us", 1.3),
        ("rsa-2048", "20MB", through, "raw_content_us", 3.0),
    ):
        if (kind, size, works[0]) in found:
            yield {
                "goal": f"{' and '.join(works)} {size} by {kind}, over {primitive}",
                "at_most": most,
                "measured": ratio(kind, size, works, primitive),
            }
    yield {"goal": "peak memory over the message", "at_most": 2.5, "measured": highest}
