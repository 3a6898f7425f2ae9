"""Threat T16: for every address of the table, in every shape of a From field, what the rules read,
what mailboxes show, what the envelope would be, and what another parser reads are the same, or
there is none.
"""

import email.utils
import re

import pytest

from mss_gateway.life import content
from mss_gateway.message.address import AddressMalformed, parse_address, parse_path
from mss_gateway.message.header import field_text
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message
from mss_gateway.message.structure import envelope
from mss_gateway.message.summary import Summary, summarise
from mss_gateway.message.words import unfold
from tests.unit.mss_gateway.message.test_address import ACCEPTED, REFUSED

SHAPES = (
    "{}",
    "<{}>",
    "Dr Claire Martin <{}>",
    '"Martin, Claire" <{}>',
    "=?utf-8?q?Cl=C3=A9a?= <{}>",
    "{} (Claire Martin)",
    "Claire\r\n <{}>",
    "Docteurs: <{}>;",
)
_ENVELOPE_FROM = re.compile(rb'NIL "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"\)\)')


def message(shape: str, text: str) -> Message | None:
    """A message whose From says that; None when it is no message for its bare line ends."""
    try:
        return scan(f"From: {shape.format(text)}\r\nSubject: x\r\n\r\nx\r\n".encode())
    except (MessageMalformed, UnicodeEncodeError):
        return None


def shown(found: Message) -> str:
    """The author that the webmail's lists have, in normal form; empty without one."""
    return Summary(summarise(found)).author


def in_envelope(found: Message) -> str:
    """The author that IMAP tells, in normal form; empty when it says that it cannot be read."""
    told = _ENVELOPE_FROM.search(envelope(found.header))
    if told is None or told[1] == b"invalid-address":
        return ""
    return str(parse_address(f"{told[1].decode()}@{told[2].decode()}"))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_rules_the_mailbox_and_the_envelope_read_the_same(shape: str) -> None:
    texts = [text for text, _ in ACCEPTED] + REFUSED
    assert len(texts) >= 300
    taken = 0
    for text in texts:
        found = message(shape, text)
        if found is None:
            continue
        read = content.authors(found.header)
        if not read:
            continue
        taken += 1
        assert [shown(found)] == list(read), text
        assert [in_envelope(found)] == list(read), text
        field = unfold(field_text(found.header.first("from") or b""))
        judged = [spec for _, spec in email.utils.getaddresses([field]) if "@" in spec]
        assert [str(parse_address(spec)) for spec in judged] == list(read), text
    # a group names no author of this space; everything that is an address is one in the others
    assert taken >= (0 if shape.startswith("Docteurs") else len(ACCEPTED))


@pytest.mark.parametrize(("text", "normal"), ACCEPTED)
def test_a_path_and_a_field_are_the_same_address(text: str, normal: str) -> None:
    found = message("<{}>", text)
    assert found is not None
    assert content.authors(found.header) == (normal,)
    if text.isascii():
        assert str(parse_path(f"<{text}>".encode())) == normal


@pytest.mark.parametrize("text", REFUSED)
def test_what_no_path_takes_no_field_makes_an_author(text: str) -> None:
    with pytest.raises(AddressMalformed):
        parse_address(text)
    found = message("<{}>", text)
    named = () if found is None else content.authors(found.header)
    # around an address, white space and comments are no part of it
    outside = text.strip(" \t\r\n")
    assert named in ((), (outside.lower(),))
