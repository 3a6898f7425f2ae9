"""EmailAddress: one normal form, and the only parser of addresses in the house.

A strict subset of RFC 5321 §4.1.2 and RFC 5322 §3.4.1: SMTP, directory, policy and display share
it, so no two of them can disagree. Quoted local parts, comments, source routes, domain literals,
encoded words, control and bidirectional characters are refused.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from mss_gateway.message.words import decode_words, display_safe, unfold

LOCAL_LIMIT = 64  # octets, RFC 5321 §4.5.3.1.1
LABEL_LIMIT = 63  # octets, RFC 1035 §2.3.4
ADDRESS_LIMIT = 254  # octets: a path of 256 (RFC 5321 §4.5.3.1.3) without its angle brackets

# "%" and "!" are atext, but they are how source routes were spelt inside a local part.
_ATEXT = r"[a-z0-9#$&'*+/=?^_`{|}~-]"
_LOCAL = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*")
_LABEL = r"(?!-)(?!..--)[a-z0-9-]{1,63}(?<!-)|xn--[a-z0-9-]{0,58}[a-z0-9]"
_DOMAIN = re.compile(rf"(?:(?:{_LABEL})\.)+(?!\d+\Z)(?:{_LABEL})")
_TOKEN = re.compile(
    r"(?P<space>(?:[ \t]|\r\n(?=[ \t]))+)"
    r"|(?P<angle><[^<>\"(),:;\[\]\\\s]*>)"
    r"|(?P<bare>[^<>\"(),:;\[\]\\\s@]+@[^<>\"(),:;\[\]\\\s]+)"
    r"|(?P<atom>[^<>\"(),:;\[\]\\\s@]+)"
    r"|(?P<quoted>\"(?:[^\"\\\r\n\0]|\\[^\r\n\0]|\r\n(?=[ \t]))*\")"
    r"|(?P<comment>\((?:[^()\\\r\n\0]|\\[^\r\n\0]|\r\n(?=[ \t]))*\))"
    r"|(?P<mark>[,:;])"
)
# The one-mailbox list of nearly every field, read at once; the tokens give the same answer.
_ONE_MAILBOX = re.compile(
    r"(?:(?:([^<>\"(),:;\[\]\\\s@]+(?: [^<>\"(),:;\[\]\\\s@]+)*)|\"([^\"\\\r\n\0]*)\") ?)?"
    r"<([^<>\"(),:;\[\]\\\s]+)>"
)


class AddressMalformed(ValueError):
    """Not an address of the routable subset, or a list of addresses that can be read two ways."""


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """An address in its normal form: lower-case ASCII, IDN labels as A-labels.

    The local part is compared without case in this space (a Corsican INS may come as ``2A`` or
    ``2a``). Building one that is not in the normal form raises ``AddressMalformed``.
    """

    local: str
    domain: str

    def __post_init__(self) -> None:
        if (
            len(self.local) > LOCAL_LIMIT
            or len(self.local) + 1 + len(self.domain) > ADDRESS_LIMIT
            or "=?" in self.local
            or _LOCAL.fullmatch(self.local) is None
            or _DOMAIN.fullmatch(self.domain) is None
        ):
            raise AddressMalformed("not a routable address")

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox of an address list: a display name safe to show (may be empty), an address."""

    display_name: str
    address: EmailAddress


Phrase = tuple[tuple[bool, str], ...]
"""The words of a display name as written: is it a quoted string, its text without quotes."""


@dataclass(frozen=True, slots=True)
class ListItem:
    """What an address list holds, in order, as it is written: for the printers of ENVELOPE.

    ``phrase`` keeps its encoded words; ``spec`` is the address as written, None at the start of a
    group (whose name is the phrase) and at its end (phrase empty); ``address`` is its normal form.
    """

    phrase: Phrase
    spec: str | None
    address: EmailAddress | None


@lru_cache(maxsize=4096)  # the same few people write all day; what is refused is not kept
def parse_address(text: str) -> EmailAddress:
    """The address written in ``text``, normalised. Raises AddressMalformed for anything else."""
    local, at, domain = text.partition("@")
    if not at or len(text) > ADDRESS_LIMIT or not local.isascii():
        raise AddressMalformed("not a routable address")
    domain = domain.lower() if domain.isascii() else _to_a_labels(domain)
    return EmailAddress(local.lower(), domain)


def _to_a_labels(domain: str) -> str:
    """The A-labels of a domain (RFC 5890 §2.3.2.1), only where the conversion loses nothing."""
    from encodings import idna  # costs 5 ms to import and is almost never met

    labels = []
    for label in domain.split("."):
        if label.isascii():
            labels.append(label.lower())
            continue
        try:
            a_label = idna.ToASCII(label).decode("ascii")
            same = idna.ToUnicode(a_label) == label.lower()
        except UnicodeError as error:
            raise AddressMalformed("not an internationalised domain") from error
        if not same or not all(char.isalnum() or char == "-" for char in label):
            raise AddressMalformed("not an internationalised domain")
        labels.append(a_label)
    return ".".join(labels)


def parse_path(path: bytes) -> EmailAddress | None:
    """The address of an SMTP path ``<…>``, None for the null path ``<>`` (RFC 5321 §4.5.5).

    A source route, a missing bracket and non-ASCII bytes are refused: AddressMalformed.
    """
    if path == b"<>":
        return None
    if len(path) > ADDRESS_LIMIT + 2 or path[:1] != b"<" or path[-1:] != b">":
        raise AddressMalformed("not a path")
    try:
        return parse_address(path[1:-1].decode("ascii"))
    except UnicodeDecodeError as error:
        raise AddressMalformed("not a path") from error


def parse_mailboxes(value: str) -> tuple[Mailbox, ...]:
    """The mailboxes of an address list (RFC 5322 §3.4), those of groups included, in order.

    ``value`` is the field's text, folded or not, encoded words not yet decoded. Comments are
    tolerated around addresses and dropped. Raises AddressMalformed on anything that two readers
    could read differently: an ``@`` in an unquoted name, an empty element, a route, and so on.
    """
    return tuple(
        [
            Mailbox(display_phrase(item.phrase), item.address)
            for item in parse_list(value)
            if item.address is not None
        ]
    )


def parse_author(value: str) -> Mailbox:
    """The one mailbox of a From field of this space: exactly one, not in a group.

    RFC 5322 §3.6.2 allows several authors; whoever is to be compared with a login and a
    certificate must be one. Raises AddressMalformed.
    """
    items = parse_list(value)
    if len(items) != 1 or items[0].address is None:
        raise AddressMalformed("not exactly one author")
    return Mailbox(display_phrase(items[0].phrase), items[0].address)


def display_phrase(phrase: Phrase) -> str:
    """The name written in a phrase, safe to show. Quoted words hold no encoded words."""
    words: list[str] = []
    atoms: list[str] = []
    for is_quoted, text in phrase:
        if is_quoted:
            if atoms:
                words.append(decode_words(" ".join(atoms)))
                atoms = []
            words.append(text)
        else:
            atoms.append(text)
    if atoms:
        words.append(decode_words(" ".join(atoms)))
    return display_safe(" ".join(words))


def parse_list(value: str) -> list[ListItem]:
    """The elements of an address list, as written; every address in it is a routable one.

    Raises AddressMalformed as ``parse_mailboxes`` does. Linear in the length of ``value``.
    """
    value = unfold(value)
    one = _ONE_MAILBOX.fullmatch(value)
    if one is not None:
        if one[2] is not None:
            words: Phrase = ((True, one[2]),)
        else:
            words = () if one[1] is None else tuple([(False, word) for word in one[1].split(" ")])
        return [ListItem(words, one[3], parse_address(one[3]))]
    return _read_tokens(value)


def _read_tokens(value: str) -> list[ListItem]:
    reading = _Reading([], [])
    position = 0
    while position < len(value):
        token = _TOKEN.match(value, position)
        if token is None:
            raise AddressMalformed("unexpected character in an address list")
        position = token.end()
        if token.lastgroup in ("space", "comment"):
            reading.is_glued = False
        elif token.lastgroup == "mark":
            _read_mark(reading, token[0])
        else:
            _read_word(reading, str(token.lastgroup), token[0])
    if reading.in_group:
        raise AddressMalformed("a group without its end")
    _close_element(reading)
    return reading.items


@dataclass(slots=True)
class _Reading:
    """Where a list has been read to: what is complete, and the element that is being read."""

    items: list[ListItem]
    phrase: list[tuple[bool, str]]
    spec: str = ""
    in_group: bool = False
    after_group: bool = False
    is_glued: bool = False  # no white space since the word before


def _read_word(reading: _Reading, kind: str, text: str) -> None:
    # Jean<a@b.fr> has one reading; Jean"X" and a@b.fr <c@d.fr> have two.
    joined = reading.is_glued and kind != "angle"
    if joined or reading.spec or reading.after_group or (kind == "bare" and reading.phrase):
        raise AddressMalformed("two readings of an address list")
    reading.is_glued = True
    if kind == "bare":
        reading.spec = text
    elif kind == "angle":
        reading.spec = text[1:-1]
        if not reading.spec:
            raise AddressMalformed("a null path in an address list")
    else:
        reading.phrase.append((True, _unquote(text)) if kind == "quoted" else (False, text))


def _read_mark(reading: _Reading, mark: str) -> None:
    reading.is_glued = False
    if mark == ",":
        _close_element(reading)
        reading.after_group = False
    elif mark == ":":
        if reading.in_group or not reading.phrase or reading.spec or reading.after_group:
            raise AddressMalformed("unexpected colon in an address list")
        reading.items.append(ListItem(tuple(reading.phrase), None, None))
        reading.phrase = []
        reading.in_group = True
    else:
        is_empty = not reading.phrase and not reading.spec
        if not reading.in_group:
            raise AddressMalformed("the end of a group that did not begin")
        if not (is_empty and reading.items[-1].spec is None):  # an empty group is one
            _close_element(reading)
        reading.items.append(ListItem((), None, None))
        reading.in_group, reading.after_group = False, True


def _close_element(reading: _Reading) -> None:
    if reading.spec:
        address = parse_address(reading.spec)
        reading.items.append(ListItem(tuple(reading.phrase), reading.spec, address))
        reading.phrase = []
        reading.spec = ""
    elif reading.phrase or not reading.after_group:
        raise AddressMalformed("an element without an address")


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", unfold(text[1:-1]), flags=re.DOTALL)
