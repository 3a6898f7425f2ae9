"""How fast this machine is just then, so that figures of two days can be told apart."""

import os
import ssl
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.bench.measuring import spread


def figures() -> dict[str, Any]:
    """One bare RSA-2048 signature, one loop of Python."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def sign() -> None:
        key.sign(bytes(200), padding.PKCS1v15(), hashes.SHA256())

    def loop() -> None:
        sum(range(1_000_000))

    return {
        "rsa_2048_sign_ms": spread([_cpu_of(sign, 200) for _ in range(5)]),
        "python_million_additions_ms": spread([_cpu_of(loop, 5) for _ in range(5)]),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "openssl_of_tls": ssl.OPENSSL_VERSION,
    }


def _cpu_of(call: Callable[[], None], count: int) -> float:
    before = time.process_time()
    for _ in range(count):
        call()
    return (time.process_time() - before) / count * 1000
