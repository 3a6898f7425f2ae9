"""Signing: what is covered, that nothing can be added, same inputs and same octets."""

import re

import dkim as dkimpy
import pytest

from mss_gateway.message import dkim
from mss_gateway.message.dkim.signing import SIGNED_FIELDS, is_zone_name
from mss_gateway.message.limits import MessageMalformed
from tests.unit.mss_gateway.message.dkim.letters import (
    AT,
    DOMAIN,
    LETTER,
    NAME,
    SELECTOR,
    key,
    record,
    signature,
    signed,
    told,
)


def value_of(field: bytes, tag: str) -> str:
    """A tag's value without folds."""
    found = re.search(rf"[;\s]{tag}=([^;]*)", field.decode())
    assert found is not None
    return re.sub(r"\s", "", found[1])


def test_the_field_says_who_signed_what_and_when() -> None:
    field = signature()
    assert field.startswith(b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=mss.example;")
    assert value_of(field, "s") == SELECTOR and value_of(field, "t") == str(AT)
    assert b" l=" not in field
    assert field.endswith(b"\r\n") and b"\r\n\r\n" not in field
    assert max(map(len, field.split(b"\r\n"))) <= 78


def test_every_field_is_signed_once_more_than_it_is_there() -> None:
    names = value_of(signature(LETTER.replace(b"To:", b"To: x@peer.example\r\nTo:")), "h").split(
        ":"
    )
    assert {name: names.count(name) for name in SIGNED_FIELDS} == {
        **dict.fromkeys(SIGNED_FIELDS, 2),
        "to": 3,
        "cc": 1,
    }
    assert set(names) == set(SIGNED_FIELDS)


def test_the_same_inputs_give_the_same_octets_and_the_moment_is_one() -> None:
    assert signature() == signature()
    later = dkim.sign(LETTER, DOMAIN, SELECTOR, key().sign, AT + 1)
    assert later != signature()
    assert value_of(later, "bh") == value_of(signature(), "bh")


def test_the_key_is_asked_once_for_one_signature() -> None:
    asked: list[bytes] = []

    def sign(octets: bytes) -> bytes:
        asked.append(octets)
        return key().sign(octets)

    assert dkim.sign(LETTER, DOMAIN, SELECTOR, sign, AT) == signature()
    assert len(asked) == 1
    assert b"subject:Message de sant\xc3\xa9\r\n" in asked[0]
    assert b"received" not in asked[0]
    assert asked[0].endswith(b"; b=")


@pytest.mark.parametrize(
    "raw",
    [
        LETTER,
        LETTER.partition(b"\r\n\r\n")[0] + b"\r\n\r\n",
        LETTER.partition(b"\r\n\r\n")[0] + b"\r\n",
        LETTER.removesuffix(b"\r\n\r\n\r\n"),
        LETTER + b"\t\r\n \r\n\r\n",
        LETTER + b"\r\n" * 200,
        LETTER.replace(b"Subject: ", b"Subject:"),
    ],
    ids=["plain", "no body", "no empty line", "no end", "blanks", "empty lines", "no space"],
)
def test_another_implementation_and_ours_accept_it(raw: bytes) -> None:
    assert dkimpy.verify(signed(raw), dnsfunc=lambda _name, timeout=5: record())
    assert told(signed(raw)) == [("pass", "")]


def test_what_servers_may_do_to_a_message_leaves_it_valid() -> None:
    moved = (
        signed()
        .replace(b"Subject: Message  de\r\n sant", b"SUBJECT:   Message de sant")
        .replace(b"compte rendu. \r\n", b"compte   rendu.\t\r\n")
    )
    assert moved != signed()
    assert told(b"Received: by relay.example; x\r\n" + moved + b"\r\n") == [("pass", "")]


@pytest.mark.parametrize(
    ("domain", "selector"),
    [
        ("", "s"),
        ("MSS.example", "s"),
        ("mss.example", ""),
        ("mss.example", "a; d=other.example"),
        ("mss.example.", "s"),
        ("mss..example", "s"),
        ("é.example", "s"),
        ("mss.example", "a" * 64),
        ("mss.example", "-a"),
    ],
)
def test_names_that_no_zone_can_have_are_refused(domain: str, selector: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        dkim.sign(LETTER, domain, selector, key().sign, AT)


def test_a_name_has_at_most_253_characters() -> None:
    label = "a" * 63
    assert is_zone_name(f"{label}.{label}.{label}.{'a' * 61}")
    assert not is_zone_name(f"{label}.{label}.{label}.{'a' * 62}")


def test_an_unreadable_header_is_refused() -> None:
    with pytest.raises(MessageMalformed):
        dkim.sign(b"From: a@mss.example\r\nno field\r\n\r\nx\r\n", DOMAIN, SELECTOR, key().sign, AT)


def test_the_name_asked_for_is_the_selectors() -> None:
    asked: list[str] = []
    dkim.verify(signed(), lambda name: asked.append(name), AT)
    assert asked == [NAME]
