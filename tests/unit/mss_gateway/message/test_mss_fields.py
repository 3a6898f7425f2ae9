"""X-MSS-NIL, X-MSS-INS, X-MSS-CODECDA: what is written, and what counts as the same."""

import pytest

from mss_gateway.message.header import Header, parse_header
from mss_gateway.message.mss_fields import (
    CODES,
    CODES_OCTETS,
    INS,
    Comparison,
    Described,
    codes_value,
    compare,
    expected,
    has_product,
)

TWO = Described(True, ("34112-3", "PRESC-BIO"), True)
NONE = Described()


def header(*lines: str) -> Header:
    raw = "".join(f"{line}\r\n" for line in lines).encode()
    return parse_header(raw, 0, len(raw))


@pytest.mark.parametrize(
    ("described", "fields"),
    [
        (NONE, {}),
        (TWO, {INS: "O", CODES: "34112-3,PRESC-BIO"}),
        (Described(True, ("11502-2",), False), {INS: "N", CODES: "11502-2"}),
        (Described(True, ("a,b",), False), {INS: "N"}),
    ],
)
def test_the_fields_of_what_is_in_the_archives(
    described: Described, fields: dict[str, str]
) -> None:
    assert expected(described) == fields


@pytest.mark.parametrize(
    ("codes", "value"),
    [
        ([], ""),
        (["34112-3", "34112-3"], "34112-3"),
        (["ATTEST-DROITS-AM", "EXPPAT_3"], "ATTEST-DROITS-AM,EXPPAT_3"),
        (["x" * 40], "x" * 40),
        (["x" * 41], ""),
        (["a\r\nBcc: x", "a b", "", "-a", "é", "11502-2"], "11502-2"),
    ],
)
def test_codes_that_are_no_codes_make_no_field(codes: list[str], value: str) -> None:
    assert codes_value(codes) == value


def test_the_value_ends_before_it_is_too_long_for_a_line() -> None:
    codes = [f"{number:09}" for number in range(200)]
    assert codes_value(codes[:90]).count(",") == 89
    assert len(codes_value(codes[:90])) == 899
    assert codes_value(codes) == codes_value(codes[:90])
    assert len(codes_value(codes)) <= CODES_OCTETS


@pytest.mark.parametrize(
    ("described", "lines", "wrong", "missing"),
    [
        (NONE, (), (), ()),
        (TWO, (), (), (INS, CODES)),
        (TWO, ("X-MSS-INS: O", "X-MSS-CODECDA: 34112-3,PRESC-BIO"), (), ()),
        (TWO, ("x-mss-ins:O", "x-mss-codecda:PRESC-BIO,\r\n 34112-3"), (), ()),
        (TWO, ("X-MSS-INS: O",), (), (CODES,)),
        (TWO, ("X-MSS-INS: N", "X-MSS-CODECDA: 34112-3"), (INS, CODES), ()),
        (TWO, ("X-MSS-INS: o", "X-MSS-CODECDA: 34112-3,PRESC-BIO,X"), (INS, CODES), ()),
        (TWO, ("X-MSS-INS: O", "X-MSS-INS: O"), (INS,), (CODES,)),
        (TWO, ("X-MSS-INS:", "X-MSS-CODECDA: ,"), (INS, CODES), ()),
        (NONE, ("X-MSS-INS: N",), (INS,), ()),
        (NONE, ("X-MSS-CODECDA: 34112-3",), (CODES,), ()),
    ],
)
def test_what_is_given_is_compared(
    described: Described,
    lines: tuple[str, ...],
    wrong: tuple[str, ...],
    missing: tuple[str, ...],
) -> None:
    assert compare(header("Subject: x", *lines), described) == Comparison(wrong, missing)


@pytest.mark.parametrize(
    ("lines", "has"),
    [
        ((), False),
        (("X-MSS-NIL: DEV935997",), True),
        (("x-mss-nil: Logiciel 3.2 (essai)",), True),
        (("X-MSS-NIL: " + "x" * 64,), True),
        (("X-MSS-NIL: " + "x" * 65,), False),
        (("X-MSS-NIL:",), False),
        (("X-MSS-NIL: é",), False),
        (("X-MSS-NIL: a", "X-MSS-NIL: a"), False),
    ],
)
def test_a_product_is_named_once_and_shortly(lines: tuple[str, ...], has: bool) -> None:
    assert has_product(header("Subject: x", *lines)) is has
