"""A parameter put on a Content-Type: the rest says what it said."""

import pytest

from mss_gateway.message.content_type import mark_type
from mss_gateway.message.header import field_text, parse_header
from mss_gateway.message.limits import LIMITS, MessageMalformed
from mss_gateway.message.parameters import parse_parameters


def said(content: bytes) -> tuple[str, dict[str, str]]:
    value = parse_header(content, 0, len(content)).first("content-type")
    assert value is not None
    media_type, parameters = parse_parameters(field_text(value))
    return media_type, dict(parameters)


@pytest.mark.parametrize(
    "value",
    [
        "text/plain",
        "text/plain; charset=utf-8;",
        'multipart/mixed;\r\n boundary="a b"',
        "text/plain (a comment)",
        'text/plain; name="x\\"y"',
        "text/plain; name*=utf-8''%C3%A9; name=\"e\"",
        "text/plain; charset=utf-8; (comment)",
        "text/plain; name=" + "x" * 500,
        "text/plain; unreadable rest",
    ],
)
def test_all_else_stays(value: str) -> None:
    field = f"Content-Type: {value}\r\n".encode()
    media_type, parameters = said(field)
    marked = mark_type(b"Content-ID: <x>\r\n" + field, "hp", "clear")
    assert marked.startswith(b"Content-ID: <x>\r\n")
    assert said(marked) == (media_type, parameters | {"hp": "clear"})
    assert max(map(len, marked.split(b"\r\n"))) <= 998


def test_a_field_that_can_be_kept_is_kept_octet_for_octet() -> None:
    field = b"content-TYPE:  text/plain;\r\n\tCharset=UTF-8\r\n"
    assert mark_type(field, "hp", "clear") == field.rstrip() + b';\r\n\thp="clear"\r\n'


def test_what_contradicts_it_goes() -> None:
    field = b'Content-Type: text/plain; hp=cipher; old=v1; charset="utf-8"\r\n'
    marked = mark_type(field, "hp", "clear", {"old"})
    assert said(marked) == ("text/plain", {"charset": "utf-8", "hp": "clear"})


def test_an_unreadable_type_is_the_text_it_is_read_as() -> None:
    marked = mark_type(b"Content-Type: ???\r\n", "hp", "clear")
    assert said(marked) == ("text/plain", {"charset": "us-ascii", "hp": "clear"})


def test_beyond_the_limit_of_parameters_it_is_refused() -> None:
    most = "".join(f"; p{number}=x" for number in range(LIMITS.parameters - 1))
    mark_type(f"Content-Type: text/plain{most}\r\n".encode(), "hp", "clear")
    with pytest.raises(MessageMalformed):
        mark_type(f"Content-Type: text/plain{most}; q=x\r\n".encode(), "hp", "clear")
