"""Whom the author wrote to, under the signature."""

import pytest

from mss_gateway.message.address import EmailAddress, parse_address
from mss_gateway.message.header import Header
from mss_gateway.message.header_protection import opened, protect
from mss_gateway.message.parse import scan
from mss_gateway.message.recipient_list import (
    FIELD,
    LIMIT,
    check,
    named_in,
    separate,
    with_list,
)

CLAIRE, PAUL, LEA = (parse_address(f"{name}@mss.example") for name in ("claire", "paul", "lea"))
SALT = bytes(range(16))
RAW = (
    b"From: auteur@mss.example\r\n"
    b"To: Claire <CLAIRE@mss.example>\r\n"
    b"Cc: =?utf-8?Q?=C3=89quipe?=: paul@MSS.example;\r\n"
    b"Subject: x\r\n\r\nbonjour\r\n"
)


def header_of(raw: bytes) -> Header:
    return scan(raw).header


def test_those_named_are_confirmed_and_nobody_else() -> None:
    header = header_of(with_list(RAW, [CLAIRE, PAUL], SALT))
    assert check(header, CLAIRE) is True
    assert check(header, PAUL) is True
    assert check(header, LEA) is False


def test_a_blind_recipient_is_named_alone_in_a_message_of_their_own() -> None:
    named, blind = separate(header_of(RAW), [LEA, CLAIRE, PAUL])
    assert (named, blind) == ((CLAIRE, PAUL), (LEA,))
    shared = with_list(RAW, named, SALT)
    own = header_of(with_list(RAW, blind, SALT[::-1]))
    assert check(own, LEA) is True
    assert check(own, CLAIRE) is False
    assert shared.count(b",") == RAW.count(b",") + 1  # two digests: nothing tells of a third


def test_no_address_stands_in_the_list_and_no_two_lists_are_alike() -> None:
    first, second = (with_list(RAW, [CLAIRE], salt) for salt in (SALT, SALT[::-1]))
    line = first.split(b"\r\n", 1)[0]
    assert line.startswith(FIELD.encode())
    assert b"claire" not in line.lower()
    digests = [raw.split(b"d=")[1].split(b"\r\n")[0] for raw in (first, second)]
    assert digests[0] != digests[1]


def test_a_list_that_was_there_is_replaced() -> None:
    raw = with_list(with_list(RAW, [LEA], SALT), [CLAIRE], SALT)
    assert len(header_of(raw).all(FIELD.lower())) == 1
    assert check(header_of(raw), LEA) is False


def test_order_and_doubles_do_not_show() -> None:
    assert with_list(RAW, [CLAIRE, PAUL, CLAIRE], SALT) == with_list(RAW, [PAUL, CLAIRE], SALT)


def test_without_a_list_protected_fields_confirm_and_never_deny() -> None:
    assert check(header_of(RAW), CLAIRE) is True
    assert check(header_of(RAW), LEA) is None
    assert check(None, CLAIRE) is None


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"v=2; s=AAAAAAAAAAAAAAAAAAAAAA; d=AAAAAAAAAAAAAAAAAAAAAA",
        b"v=1; s=AAAAAAAAAAAAAAAAAAAAAA; d=",
        b"v=1; s=AAAA; d=AAAAAAAAAAAAAAAAAAAAAA",
        b"v=1; s=AAAAAAAAAAAAAAAAAAAAAA; d=AAAAAAAAAAAAAAAAAAAAAA,",
        b"v=1; s=AAAAAAAAAAAAAAAAAAAAAA; d=AAAAAAAAAAAAAAAAAAAAA=",
    ],
)
def test_a_list_that_cannot_be_read_names_nobody(value: bytes) -> None:
    assert check(header_of(b"X-MSS-Destinataires: " + value + b"\r\n" + RAW), CLAIRE) is False


def test_two_lists_name_nobody() -> None:
    field = with_list(RAW, [CLAIRE], SALT).removesuffix(RAW)
    assert check(header_of(field + field + RAW), CLAIRE) is False


def test_the_longest_list_is_written_and_read() -> None:
    many = [EmailAddress(f"p{number}", "mss.example") for number in range(LIMIT)]
    header = header_of(with_list(RAW, many, SALT))
    assert all(check(header, one) for one in (many[0], many[-1]))
    with pytest.raises(ValueError, match="recipients"):
        with_list(RAW, [*many, LEA], SALT)


@pytest.mark.parametrize(("recipients", "salt"), [([], SALT), ([CLAIRE], SALT[:15])])
def test_a_list_needs_somebody_and_a_whole_salt(
    recipients: list[EmailAddress], salt: bytes
) -> None:
    with pytest.raises(ValueError, match="salt"):
        with_list(RAW, recipients, salt)


def test_unreadable_fields_name_nobody() -> None:
    assert named_in(header_of(b"To: a b@c <\r\nCc: paul@mss.example\r\n\r\n")) == {PAUL}


def test_the_list_travels_under_the_signature_only() -> None:
    protected = protect(with_list(RAW, [CLAIRE], SALT), for_encryption=False, neutral_subject="x")
    assert FIELD.encode() not in protected.outer
    found = opened(protected.outer, protected.inner)
    assert check(found.protected, CLAIRE) is True
    assert check(found.protected, LEA) is False


def test_a_list_that_stands_outside_is_nobodys_word() -> None:
    protected = protect(RAW, for_encryption=False, neutral_subject="x")
    field = with_list(RAW, [LEA], SALT).removesuffix(RAW)
    found = opened(field + protected.outer, protected.inner)
    assert check(found.protected, LEA) is None
    assert FIELD.encode() not in found.raw
