"""What another server offers in EHLO, and the arguments of MAIL and RCPT that follow from it.

Nothing is said that was not offered (RFC 5321 §4.1.1.11).
"""

import re
from dataclasses import dataclass
from typing import Final

from mss_gateway.queue.carried import WORDS, Asked
from mss_gateway.smtp.answer import Answer

_PLAIN = re.compile(r"[!-*,-<>-~]")
_SIZE_DIGITS: Final = 20


@dataclass(frozen=True, slots=True)
class Offers:
    """Keywords in capitals; ``size``: the largest message it takes, None when it does not say."""

    keywords: frozenset[str] = frozenset()
    size: int | None = None

    def has(self, keyword: str) -> bool:
        """Whether the server offers it."""
        return keyword in self.keywords


def read(answer: Answer) -> Offers:
    """The lines after the first one of an answer to EHLO (RFC 5321 §4.1.1.1)."""
    found: dict[str, list[str]] = {}
    for line in answer.lines[1:]:
        keyword, *parameters = line.split() or [""]
        found.setdefault(keyword.upper(), parameters)
    limits = [each for each in found.get("SIZE", []) if each.isascii() and each.isdigit()]
    # RFC 1870 §4: 0 is no limit
    size = int(limits[0][:_SIZE_DIGITS]) if limits else 0
    return Offers(frozenset(found), size or None)


@dataclass(frozen=True, slots=True)
class Sent:
    """What MAIL says of one message beside its reverse-path.

    ``returns`` and ``envelope_id`` as the author gave them (RFC 3461), empty for none.
    """

    reverse_path: str
    octets: int
    is_eight_bit: bool
    needs_utf8: bool
    returns: str = ""
    envelope_id: str = ""
    requires_tls: bool = False


def mail_argument(sent: Sent, offers: Offers) -> bytes:
    """The line of MAIL.

    Deviates: RFC 8689 §4.2.1 keeps a message with REQUIRETLS from a server that does not offer it;
    here no server is spoken to without TLS and a certificate that proves whose it is.
    """
    words = [f"MAIL FROM:<{sent.reverse_path}>"]
    if offers.has("SIZE"):
        words.append(f"SIZE={sent.octets}")
    if offers.has("8BITMIME") and sent.is_eight_bit:
        words.append("BODY=8BITMIME")
    if offers.has("SMTPUTF8") and sent.needs_utf8:
        words.append("SMTPUTF8")
    if offers.has("DSN") and sent.returns:
        words.append(f"RET={sent.returns}")
    if offers.has("DSN") and sent.envelope_id:
        words.append(f"ENVID={to_xtext(sent.envelope_id)}")
    if offers.has("REQUIRETLS") and sent.requires_tls:
        words.append("REQUIRETLS")
    return " ".join(words).encode("ascii")


def rcpt_argument(recipient: str, asked: Asked, offers: Offers) -> bytes:
    """The line of RCPT."""
    words = [f"RCPT TO:<{recipient}>"]
    if offers.has("DSN"):
        if asked.notify:
            words.append("NOTIFY=" + ",".join(word for word in WORDS if word in asked.notify))
        if asked.original:
            kind, _, address = asked.original.partition(";")
            words.append(f"ORCPT={kind};{to_xtext(address)}")
    return " ".join(words).encode("ascii")


def to_xtext(value: str) -> str:
    """Printable ASCII and blanks, as RFC 3461 §4 writes them."""
    return "".join(sign if _PLAIN.match(sign) else f"+{ord(sign):02X}" for sign in value)
