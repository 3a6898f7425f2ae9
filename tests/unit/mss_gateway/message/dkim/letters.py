"""A message, a key, its zone: what the tests of DKIM share."""

from functools import cache

from certs.keyring import PrivateKey
from certs.published import to_der
from mss_gateway.message import dkim

DOMAIN = "mss.example"
SELECTOR = "s2026"
NAME = f"{SELECTOR}._domainkey.{DOMAIN}"
AT = 1_795_000_000

LETTER = (
    b"Received: by mx.mss.example; Sun, 22 Nov 2026 10:00:01 +0000\r\n"
    b"From: Dr Claire Martin <claire.martin@mss.example>\r\n"
    b"To: paul.bernard@peer.example\r\n"
    b"Subject: Message  de\r\n sant\xc3\xa9 \r\n"
    b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
    b"Message-ID: <1@mss.example>\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"\r\n"
    b"Bonjour, \t voici  le compte rendu. \r\n"
    b"\r\n"
    b"Claire Martin\r\n"
    b"\r\n"
    b"\r\n"
)


@cache
def key() -> PrivateKey:
    return PrivateKey.generate("rsa-2048")


def record() -> bytes:
    return dkim.published(to_der(key().public_key)).encode()


def zone(text: bytes | None = None) -> dict[str, bytes]:
    """The key's record, or another one in its place."""
    return {NAME: record() if text is None else text}


def signature(raw: bytes = LETTER) -> bytes:
    return dkim.sign(raw, DOMAIN, SELECTOR, key().sign, AT)


def signed(raw: bytes = LETTER) -> bytes:
    return signature(raw) + raw


def told(raw: bytes, text: bytes | None = None, at: int = AT) -> list[tuple[str, str]]:
    """Word and reason of each signature."""
    return [(one.word, one.reason.value) for one in dkim.verify(raw, zone(text).get, at)]
