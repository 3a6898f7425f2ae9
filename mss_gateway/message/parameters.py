"""Parameters of Content-Type and Content-Disposition: RFC 2045 §5.1, RFC 2183 §2, RFC 2231 §3-4.

What is found often in the wild and has one reading is taken (an unquoted name with spaces, a
trailing semicolon); what has two readings is refused.
"""

import re
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

from mss_gateway.message.charsets import decode_text
from mss_gateway.message.limits import LIMITS, Limits, header_malformed
from mss_gateway.message.words import unfold

_WORD = r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]++"
_COMMENT = r"\((?:[^()\\]|\\.)*+\)"
_SPACE = rf"(?:[ \t]++|{_COMMENT})*+"
_VALUE = re.compile(rf"{_SPACE}({_WORD}(?:/{_WORD})?){_SPACE}(?=;|\Z)")
_PARAMETER = re.compile(
    rf";{_SPACE}(?:({_WORD}){_SPACE}={_SPACE}"
    rf"(?:\"((?:[^\"\\]|\\.)*+)\"{_SPACE}|([^;\"]*+))|)(?=;|\Z)",
    re.DOTALL,
)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_CONTINUED = 50  # with the name, its number and the fold: under 78 columns
_REMEMBERED_LENGTH = 256
_SECTION = re.compile(r"([^*]+)(?:\*(0|[1-9][0-9]{0,3}))?(\*)?")

Parameters = tuple[tuple[str, str], ...]


def parse_parameters(value: str, limits: Limits = LIMITS) -> tuple[str, Parameters]:
    """The main value in lower case (empty if malformed) and its parameters, names in lower case.

    Continuations are joined and percent-decoded (RFC 2231 §3 and §4). Raises MessageMalformed
    above the limit of parameters, or when one name is given two values.
    """
    if limits is LIMITS and len(value) <= _REMEMBERED_LENGTH:
        return _remembered(value)
    return _parsed(value, limits)


@lru_cache(maxsize=1024)
def _remembered(value: str) -> tuple[str, Parameters]:
    # a message is scanned in each of its forms, and its parts are the same in all of them
    return _parsed(value, LIMITS)


def _parsed(value: str, limits: Limits) -> tuple[str, Parameters]:
    value = unfold(value)
    head = _VALUE.match(value)
    if head is None:
        return "", ()
    if head.end() == len(value):
        return head[1].lower(), ()
    plain: dict[str, str] = {}
    extended: dict[str, dict[int, tuple[bool, str]]] = {}
    position = head.end()
    count = 0
    while position < len(value):
        found = _PARAMETER.match(value, position)
        if found is None:  # the rest has no reading: what came before it stands
            break
        position = found.end()
        if found[1] is None:
            continue
        count += 1
        if count > limits.parameters:
            raise header_malformed("too many parameters")
        name, text = found[1].lower(), found[2]
        if text is None:
            text = found[3].strip()
        elif "\\" in text:
            text = _QUOTED_PAIR.sub(r"\1", text)
        if "*" in name or plain.setdefault(name, text) != text:
            _note(name, text, plain, extended)
    for name, sections in extended.items():
        plain[name] = _join(sections)  # RFC 2231 wins over the plain form given for old readers
    return head[1].lower(), tuple(plain.items())


def _note(
    name: str, text: str, plain: dict[str, str], extended: dict[str, dict[int, tuple[bool, str]]]
) -> None:
    section = _SECTION.fullmatch(name)
    if section is None or (section[2] is None and section[3] is None):
        if plain.setdefault(name, text) != text:
            raise header_malformed("a parameter with two values")
        return
    sections = extended.setdefault(section[1], {})
    if sections.setdefault(int(section[2] or 0), (section[3] is not None, text))[1] != text:
        raise header_malformed("a parameter with two values")


def _join(sections: dict[int, tuple[bool, str]]) -> str:
    """The text of numbered sections, up to the first missing number."""
    charset = "utf-8"
    octets = b""
    for number in range(len(sections)):
        if number not in sections:
            break
        is_encoded, text = sections[number]
        if number == 0 and is_encoded and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        octets += unquote_to_bytes(text) if is_encoded else text.encode("utf-8", "replace")
    return decode_text(octets, charset or "utf-8")


def parameter_words(name: str, value: str) -> list[str]:
    """``name*0*=utf-8''…`` as words to fold, each short enough for a line (RFC 2231 §3 and §4)."""
    text = quote(value, safe="")
    if len(text) <= _CONTINUED:
        return [f"{name}*=utf-8''{text}"]
    words: list[str] = []
    while text:
        cut = text[:_CONTINUED]
        escape = cut.rfind("%", -2)  # an escape is not cut in two
        cut = cut if escape < 0 or len(cut) == len(text) else cut[:escape]
        charset = "" if words else "utf-8''"
        words.append(f"{name}*{len(words)}*={charset}{cut};")
        text = text[len(cut) :]
    words[-1] = words[-1].removesuffix(";")
    return words
