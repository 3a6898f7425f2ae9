"""A name that shows another address is found, however it is written."""

import pytest

from mss_gateway.message.address import parse_address
from mss_gateway.message.authors import others_shown

OWN = parse_address("victor.lenoir@mss.example")


@pytest.mark.parametrize(
    "field",
    [
        "<victor.lenoir@mss.example>",
        "Victor LENOIR <victor.lenoir@mss.example>",
        '"victor.lenoir@mss.example" <victor.lenoir@MSS.example>',
        "Victor.Lenoir@mss.example (victor.lenoir@mss.example)",
        "=?utf-8?q?H=C3=A9l=C3=A8ne?= <victor.lenoir@mss.example>",
    ],
)
def test_a_field_that_shows_its_own_address_only(field: str) -> None:
    assert others_shown(field, OWN) == ()


@pytest.mark.parametrize(
    "shown",
    [
        '"helene.marchand@mss.example"',
        '"helene.marchand @mss.example"',
        '"helene.marchand @ mss.example"',
        '"helene.marchand@ mss.example"',
        "=?utf-8?q?helene.marchand=40mss.example?=",
        '"=?utf-8?q?helene.marchand=40mss.example?="',
        "=?utf-8?b?aGVsZW5lLm1hcmNoYW5k77ygbXNzLmV4YW1wbGU=?=",
        '"helene.marchand\uff20mss.example"',
        '"helene.marchand\ufe6bmss.example"',
        "Dr Hélène (helene.marchand@mss.example)",
    ],
)
def test_another_address_is_found_however_it_is_written(shown: str) -> None:
    assert others_shown(f"{shown} <victor.lenoir@mss.example>", OWN)
    if "(" not in shown:
        assert others_shown(f"<victor.lenoir@mss.example> ({shown})", OWN)
