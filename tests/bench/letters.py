"""The messages that the benchmarks send: what a mail client writes, of a chosen size."""

import base64
import hashlib
import secrets
from email.utils import formatdate

SIZES = {"10 KB": 10_240, "200 KB": 204_800}

_HEAD = (
    "From: {author_name} <{author}>\r\n"
    "To: {recipient}\r\n"
    "Subject: =?UTF-8?Q?R=C3=A9sultats_de_votre_bilan?= {number}\r\n"
    "Date: Sun, 22 Nov 2026 08:00:00 +0100\r\n"
    "Message-ID: <{number}.bench@mss.example>\r\n"
    "User-Agent: Mozilla Thunderbird\r\n"
    "Content-Language: fr\r\n"
    "MIME-Version: 1.0\r\n"
    'Content-Type: multipart/mixed; boundary="----bench"\r\n'
    "\r\n"
    "This is a multi-part message in MIME format.\r\n"
    "------bench\r\n"
    "Content-Type: text/plain; charset=UTF-8; format=flowed\r\n"
    "Content-Transfer-Encoding: 8bit\r\n"
    "\r\n"
)
_LINE = "Bonjour, voici les résultats de l'examen, à lire ensemble au rendez-vous.\r\n"
_MIDDLE = (
    "------bench\r\n"
    'Content-Type: application/octet-stream; name="mesures.bin"\r\n'
    'Content-Disposition: attachment; filename="mesures.bin"\r\n'
    "Content-Transfer-Encoding: base64\r\n"
    "\r\n"
)
_END = "------bench--\r\n"
_TEXT_LINES = 30
_CAST_FIELDS = (b"To: ", b"Date: ", b"Message-ID: ")


def letter(author: str, recipient: str, number: int, octets: int) -> bytes:
    """A text and one attachment, ``octets`` long to within a line of base64."""
    head = _HEAD.format(
        author_name="Claire Martin", author=author, recipient=recipient, number=number
    )
    start = (head + _LINE * _TEXT_LINES + _MIDDLE).encode()
    room = octets - len(start) - len(_END)
    lines = max(1, room // 78)
    content = _noise(number, lines * 57)
    encoded = base64.b64encode(content)
    wrapped = b"\r\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76))
    return b"".join((start, wrapped, b"\r\n", _END.encode()))


def plain_letter(author: str, recipient: str, number: int, octets: int) -> bytes:
    """One part of text, ``octets`` long to within a line: the cheapest shape a message has."""
    head = (
        f"From: Claire Martin <{author}>\r\nTo: {recipient}\r\nSubject: Bilan {number}\r\n"
        "Date: Sun, 22 Nov 2026 08:00:00 +0100\r\n"
        f"Message-ID: <{number}.bench@mss.example>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    ).encode()
    line = b"Bonjour, voici une ligne de texte ordinaire sans rien de particulier.\r\n"
    return head + line * max(1, (octets - len(head)) // len(line))


class Mould:
    """A letter of which copies are cast that differ in To, Date and Message-ID, ready for DATA."""

    def __init__(self, raw: bytes) -> None:
        head, _, body = raw.partition(b"\r\n\r\n")
        fields = head.split(b"\r\n")
        self._kept = [each for each in fields if not each.startswith(_CAST_FIELDS)]
        self._body = body.replace(b"\r\n.", b"\r\n..") + b".\r\n"
        self._name = secrets.token_hex(8)

    def cast(self, recipient: str, number: int) -> bytes:
        """The copy of this number, its dots doubled and the last one added (RFC 5321 §4.5.2)."""
        own = (
            f"To: {recipient}\r\nDate: {formatdate()}\r\n"
            f"Message-ID: <{number}.{self._name}@mss.example>"
        )
        return b"\r\n".join((*self._kept, own.encode("ascii"), b"", self._body))


def _noise(seed: int, octets: int) -> bytes:
    """Bytes that do not compress, the same for the same seed."""
    return hashlib.shake_128(b"bench %d" % seed).digest(octets)
