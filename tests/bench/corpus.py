"""The letters of the mailbox that IMAP is measured on: the same octets for every server.

Each has words, a subject and an author of its own, so that a search finds some and an index is as
large as it would be. They have the shape of what the gateway signs; the signature is noise of the
right size, which no IMAP command looks into.
"""

import base64
import hashlib
import random
import re
import time
from collections.abc import Iterator
from itertools import accumulate

from mss_gateway.message import smime
from tests.bench.imap_client import Letter

RARE_WORD = "zygomatique"
"""In the text of one letter in :data:`RARITY`."""

RARITY = 2000
_RARE_AT = 77
SUBJECT_WORD = "scanner"
"""In one subject in fifty."""

AUTHOR_WORD = "moreau"
"""In one author's name in forty."""

AGENT_WORD = "Evolution"
"""In one User-Agent in four: a field that nobody lists."""

FIRST_DAY = 1_780_000_000
_SIGNATURE_OCTETS = 2_400
_WORDS_OF_TEXT = 300
_WORDS_ON_A_LINE = 10
_SYLLABLES = [
    "ba",
    "co",
    "di",
    "fé",
    "gu",
    "la",
    "mé",
    "no",
    "pi",
    "ra",
    "sé",
    "to",
    "vi",
    "cha",
    "bre",
    "con",
    "tion",
    "ment",
    "eur",
    "ique",
    "ose",
    "ite",
]
_TOPICS = (SUBJECT_WORD, *(f"examen{number}" for number in range(49)))
_NAMES = ("Moreau", *(f"Martin{number}" for number in range(39)))
_AGENTS = ("Mozilla Thunderbird", "Evolution 3.46", "Apple Mail", "K-9 Mail")

_HEAD = (
    "From: =?UTF-8?Q?Dr_Zo=C3=A9_{name}?= <zoe.{login}@mss.example>\r\n"
    "To: Sophie Laurent <{recipient}>\r\n"
    "Subject: =?UTF-8?Q?R=C3=A9sultats_du?= {topic} {number}\r\n"
    "Date: {date}\r\n"
    "Message-ID: <{number}.corpus@mss.example>\r\n"
    "References: <{earlier}.corpus@mss.example>\r\n"
    "User-Agent: {agent}\r\n"
    "Content-Language: fr\r\n"
    "MIME-Version: 1.0\r\n"
    'Content-Type: multipart/mixed; boundary="----corpus"\r\n'
    "\r\n"
    "------corpus\r\n"
    "Content-Type: text/plain; charset=UTF-8; format=flowed\r\n"
    "Content-Transfer-Encoding: 8bit\r\n"
    "\r\n"
)
_MIDDLE = (
    "------corpus\r\n"
    'Content-Type: application/octet-stream; name="mesures-{number}.bin"\r\n'
    'Content-Disposition: attachment; filename="mesures-{number}.bin"\r\n'
    "Content-Transfer-Encoding: base64\r\n"
    "\r\n"
)
_END = "------corpus--\r\n"
_SMALL = (
    "From: Claire Martin <claire.martin@mss.example>\r\nTo: {recipient}\r\n"
    "Subject: Bilan {number}\r\nDate: {date}\r\nMessage-ID: <{number}.small@mss.example>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    "Bonjour, le bilan numéro {number} est prêt.\r\n"
)


def letters(recipient: str, count: int, octets: int, first: int = 0) -> Iterator[Letter]:
    """``count`` letters of about ``octets`` from number ``first`` on; the same at each call."""
    signature = _noise(0, _SIGNATURE_OCTETS)
    for number in range(first, first + count):
        plain = _plain(recipient, number, octets - _SIGNATURE_OCTETS * 78 // 57 - 450)
        drawn = smime.wrap_signed(plain, lambda _: signature)
        # the delimiter is drawn at random: here every call gives the same octets
        raw = re.sub(rb"=_mss_[0-9a-f]{32}", b"=_mss_" + b"0" * 32, drawn)
        yield Letter(raw, b"(\\Seen)" if number % 4 else b"()", _moment(number))


def small_letters(recipient: str, count: int) -> Iterator[Letter]:
    """``count`` letters of a line: a large mailbox at a small price."""
    for number in range(count):
        text = _SMALL.format(recipient=recipient, number=number, date=_date(number))
        yield Letter(text.encode(), b"(\\Seen)", _moment(number))


def _plain(recipient: str, number: int, octets: int) -> bytes:
    head = _HEAD.format(
        name=_NAMES[number % len(_NAMES)],
        login=_NAMES[number % len(_NAMES)].lower(),
        recipient=recipient,
        topic=_TOPICS[number % len(_TOPICS)],
        number=number,
        earlier=max(0, number - 1),
        agent=_AGENTS[number % len(_AGENTS)],
        date=_date(number),
    )
    start = (head + _text(number) + _MIDDLE.format(number=number)).encode()
    lines = max(1, (octets - len(start) - len(_END)) // 78)
    encoded = base64.b64encode(_noise(number, lines * 57))
    wrapped = b"\r\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76))
    return b"".join((start, wrapped, b"\r\n", _END.encode()))


def _text(number: int) -> str:
    """Words as often as words are: the n-th of the vocabulary 1/n as often as the first."""
    draw = random.Random(number)
    words = draw.choices(_VOCABULARY, cum_weights=_WEIGHTS, k=_WORDS_OF_TEXT)
    if number % RARITY == _RARE_AT:
        words[_WORDS_OF_TEXT // 2] = RARE_WORD
    starts = range(0, _WORDS_OF_TEXT, _WORDS_ON_A_LINE)
    return "".join(" ".join(words[at : at + _WORDS_ON_A_LINE]) + "\r\n" for at in starts)


def _vocabulary(count: int) -> list[str]:
    draw = random.Random(count)
    return ["".join(draw.choices(_SYLLABLES, k=draw.randint(1, 4))) for _ in range(count)]


_VOCABULARY = _vocabulary(8_000)
_WEIGHTS = list(accumulate(1 / rank for rank in range(1, len(_VOCABULARY) + 1)))


def _date(number: int) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(FIRST_DAY + number * 60))


def _moment(number: int) -> bytes:
    at = time.gmtime(FIRST_DAY + number * 60)
    return time.strftime("%d-%b-%Y %H:%M:%S +0000", at).encode("ascii")


def _noise(seed: int, octets: int) -> bytes:
    """Bytes that do not compress, the same for the same seed."""
    return hashlib.shake_128(b"corpus %d" % seed).digest(octets)
