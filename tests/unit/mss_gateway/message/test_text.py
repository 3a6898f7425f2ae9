"""The text of a message as it is compared: one form, HTML without tags, within limits."""

import pytest

from mss_gateway.message import text
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import Summary, summarise
from mss_gateway.message.text import (
    FIELDS,
    body_text,
    field_values,
    fields,
    header_of,
    normal,
)


def test_texts_are_compared_composed_in_lower_case_with_single_spaces() -> None:
    assert normal("  E\u0301cho\r\n GRAPHIE\u00a0\t1 ") == "écho graphie 1"
    assert normal(" \r\n\t") == ""


def test_the_body_is_its_text_parts_decoded() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nw6ljaG8=\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<p>Co<b>lon</b> &eacute;tendu</p>\r\n"
        b"--b\r\nContent-Type: application/pdf\r\n\r\ncache\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: dedans\r\n\r\nprofond\r\n"
        b"--b--\r\n"
    )
    found = body_text(raw)
    for word in ("écho", "colon étendu", "dedans", "profond"):
        assert word in found
    assert "cache" not in found


def test_a_message_that_cannot_be_read_is_taken_as_it_stands() -> None:
    assert body_text(b"no field\r\n\r\nNeedle\r\n") == "no field needle"


def test_the_text_that_is_looked_at_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "TEXT_CHARACTERS", 5)
    assert body_text(b"A: b\r\n\r\n12345678") == "12345"
    assert body_text(b"no field\r\n\r\nx") == "no fi"


def test_fields_are_decoded_one_by_one() -> None:
    raw = b"X-A: =?utf-8?Q?=C3=89cho?=\r\n =?utf-8?Q?_UN?=\r\nX-B:\r\nx-a:  Deux\r\n\r\ncorps\r\n"
    header = header_of(raw)
    assert list(fields(header)) == [("x-a", "écho un"), ("x-b", ""), ("x-a", "deux")]
    assert field_values(header, "x-a") == ["écho un", "deux"]
    assert field_values(header, "x-c") == []


def test_a_header_that_is_none_is_refused() -> None:
    with pytest.raises(MessageMalformed):
        header_of(b"no field\r\n\r\n")


def test_the_summary_holds_the_fields_of_lists_in_the_form_that_is_compared() -> None:
    raw = (
        b"From: =?utf-8?Q?Zo=C3=89?= <Zoe@mss.example>\r\nTo: A@mss.example\r\n"
        b"To: B@mss.example\r\nCc: C@mss.example\r\nBcc: D@mss.example\r\n"
        b"Subject: R\xc3\x89SULTATS\r\n\tdu jour\r\nMessage-ID: <Un@MSS.example>\r\n\r\n"
    )
    summary = Summary(summarise(scan(raw)))
    assert {name: field(summary) for name, field in FIELDS.items()} == {
        "from": "zoé <zoe@mss.example>",
        "to": "a@mss.example b@mss.example",
        "cc": "c@mss.example",
        "bcc": "d@mss.example",
        "subject": "résultats du jour",
        "message-id": "<un@mss.example>",
    }
