"""How long each way of failing to open takes: who can tell them apart has an oracle.

Bleichenbacher's attack needs to know whether a padding was right, Vaudenay's whether the last block
was; RFC 3218 §2.3 answers the first, one path for every failure answers both. The cases of one
envelope are met in turn, in a new order each time, so that what the machine does meanwhile befalls
all alike. The figures are told, not judged: ``noise_us`` is how far the medians of the two halves
of the *same* case lie apart, and a difference below it says nothing.
"""

import os
import random
import statistics
import time
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from certs.capabilities import Protection
from certs.cms.enveloped import make_enveloped, open_enveloped
from certs.errors import CannotOpen
from tests.bench.cms_parties import Holder, content

OCTETS = 10_240
"""Of the content; a multiple of a block, so that its padding is a block of its own."""

TIMES = 600
"""How often each failure is met."""

_WRAPPED_KEY = b"\x04\x28"
"""An OCTET STRING of 40 octets: a content key of 32, wrapped."""


def rows(holders: dict[str, Holder], times: int = TIMES) -> Iterator[dict[str, Any]]:
    """One row for each envelope; ``holders`` has rsa-2048 and p256."""
    transported, agreed = holders["rsa-2048"], holders["p256"]
    for envelope, who, failures in (
        ("aes-256-cbc, pkcs1", transported, _of_pkcs1(transported)),
        ("aes-256-gcm, oaep", transported, _of_oaep(transported)),
        ("aes-256-cbc, ecdh", agreed, _of_agreement(agreed, "aes-256-cbc")),
        ("aes-256-gcm, ecdh", agreed, _of_agreement(agreed, "aes-256-gcm")),
    ):
        yield {"work": "fail to open", "envelope": envelope} | _timed(who, failures, times)


# --- envelopes that fail -------------------------------------------------------------------------


def _sealed(who: Holder, protection: Protection) -> bytes:
    return make_enveloped(content(OCTETS), [who.certificate], protection)


def _of_pkcs1(who: Holder) -> dict[str, bytes]:
    good = _sealed(who, Protection("aes-256-cbc", "pkcs1"))
    filled = bytes(random.Random(1).randrange(1, 256) for _ in range(300))
    return {
        "content padded wrongly": _flipped(good, len(good) - 17),
        "key padded wrongly": _with_key(who, good, b"\x00\x01" + filled),
        "key of a wrong size": _with_key(who, good, b"\x00\x02" + filled, os.urandom(31)),
        "another key": _with_another_key(who, good, b"\x00\x02" + filled),
    }


def _of_oaep(who: Holder) -> dict[str, bytes]:
    good = _sealed(who, Protection("aes-256-gcm", "oaep"))
    return {
        "tag wrong": _flipped(good, len(good) - 1),
        "content altered": _flipped(good, len(good) - 1000),
        "key padded wrongly": _with_key(who, good, b"\x00" + os.urandom(300)),
    }


def _of_agreement(who: Holder, name: str) -> dict[str, bytes]:
    good = _sealed(who, Protection(name, "pkcs1"))
    last = len(good) - (1 if name.endswith("gcm") else 17)
    return {
        "tag or padding wrong": _flipped(good, last),
        "wrapped key altered": _flipped(good, good.index(_WRAPPED_KEY) + 10),
    }


def _flipped(blob: bytes, at: int) -> bytes:
    return blob[:at] + bytes((blob[at] ^ 1,)) + blob[at + 1 :]


def _with_key(who: Holder, blob: bytes, filling: bytes, key: bytes = b"") -> bytes:
    """The envelope with another block, encrypted without any check of its form."""
    assert isinstance(who.raw, rsa.RSAPrivateKey)
    octets = who.raw.key_size // 8
    block = filling[: octets - len(key) - 1] + b"\x00" + key
    numbers = who.raw.public_key().public_numbers()
    encrypted = pow(int.from_bytes(block, "big"), numbers.e, numbers.n).to_bytes(octets, "big")
    header = b"\x04\x82" + octets.to_bytes(2, "big")
    at = blob.index(header) + len(header)
    return blob[:at] + encrypted + blob[at + octets :]


def _with_another_key(who: Holder, blob: bytes, filling: bytes) -> bytes:
    """A key right in form: one decryption in 256 ends in a padding, so look for one that fails."""
    while True:
        found = _with_key(who, blob, filling, os.urandom(32))
        if _failure(who, found) is not None:
            return found


# --- timing --------------------------------------------------------------------------------------


def _failure(who: Holder, blob: bytes) -> CannotOpen | None:
    try:
        open_enveloped(blob, [(who.certificate, who.key)])
    except CannotOpen as failure:
        return failure
    return None


def _timed(who: Holder, failures: dict[str, bytes], times: int) -> dict[str, Any]:
    said = set()
    taken: dict[str, list[float]] = {name: [] for name in failures}
    order = list(failures)
    shuffling = random.Random(2)
    for _ in range(times):
        shuffling.shuffle(order)
        for name in order:
            before = time.perf_counter_ns()
            failure = _failure(who, failures[name])
            taken[name].append((time.perf_counter_ns() - before) / 1000)
            said.add(repr((type(failure), getattr(failure, "args", ()))))
    medians = {name: statistics.median(samples) for name, samples in taken.items()}
    first = next(iter(medians.values()))
    return {
        "times": times,
        "different_answers": len(said),
        "median_us": {name: round(median, 1) for name, median in medians.items()},
        "difference_us": {name: round(median - first, 1) for name, median in medians.items()},
        "noise_us": round(max(map(_noise, taken.values())), 1),
    }


def _noise(samples: list[float]) -> float:
    return abs(statistics.median(samples[::2]) - statistics.median(samples[1::2]))
