"""Answers of other servers: read whole, bounded, and never by half."""

import pytest

from mss_gateway.smtp import answer
from mss_gateway.smtp.answer import Answer, AnswerMalformed, read


def expect(octets: bytes, *expected: object) -> None:
    found, end = read(octets)
    assert found is not None
    assert (found.code, found.enhanced, *found.lines) == expected
    assert end == len(octets)


def test_an_answer_has_a_code_and_lines() -> None:
    expect(b"250 2.1.0 ok\r\n", 250, "2.1.0", "2.1.0 ok")
    expect(b"250\r\n", 250, "", "")
    expect(b"250-a\r\n250-\r\n250 b\r\n", 250, "", "a", "", "b")
    assert Answer(550, "5.7.1").said == "550 5.7.1"
    assert Answer(550).said == "550"


@pytest.mark.parametrize(
    "line", ["4.1.0 x", "2.1.0x", "2.1 x", "2.1.0.1", "2.1000.1 x", "x 2.1.0", ""]
)
def test_an_enhanced_code_that_does_not_fit_is_none(line: str) -> None:
    expect(f"250 {line}\r\n".encode(), 250, "", line)


def test_the_class_of_a_code_says_yes_or_no() -> None:
    assert [(Answer(c).is_yes, Answer(c).is_no) for c in (250, 354, 451, 599)] == [
        *((True, False), (False, False), (False, False), (False, True))
    ]


@pytest.mark.parametrize(
    "octets", [b"", b"2", b"250", b"250 ok", b"250 ok\r", b"250-a\r\n", b"250-a\r\n250 b"]
)
def test_half_an_answer_is_waited_for(octets: bytes) -> None:
    assert read(octets) == (None, 0)


def test_what_comes_after_is_left_where_it_is() -> None:
    assert read(b"250 a\r\n250 b\r\n") == (Answer(250, "", ("a",)), 7)


@pytest.mark.parametrize(
    "octets",
    [
        b"\r\n",
        b"ok\r\n",
        b"25 a\r\n",
        b"150 a\r\n",
        b"600 a\r\n",
        b"2500 a\r\n",
        b"250_a\r\n",
        b" 250 a\r\n",
        b"250 a\n",
        b"250 a\rb\r\n",
        b"250 a\0\r\n",
        b"250-a\r\n251 b\r\n",
        b"250-a\r\n* PREAUTH\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
    ],
)
def test_what_is_no_answer_is_refused(octets: bytes) -> None:
    with pytest.raises(AnswerMalformed):
        read(octets)


def test_a_line_has_so_many_octets_and_no_more() -> None:
    room = answer.LINE_OCTETS - len(b"220 \r\n")
    expect(b"220 " + b"x" * room + b"\r\n", 220, "", "x" * room)
    for octets in (b"220 " + b"x" * (room + 1) + b"\r\n", b"x" * answer.LINE_OCTETS):
        with pytest.raises(AnswerMalformed):
            read(octets)


def test_an_answer_has_so_many_lines_and_no_more() -> None:
    line = b"250-x\r\n"
    found, _ = read(line * (answer.LINES - 1) + b"250 x\r\n")
    assert found is not None
    assert len(found.lines) == answer.LINES
    with pytest.raises(AnswerMalformed):
        read(line * (answer.LINES + 1))


def test_an_answer_has_so_many_octets_and_no_more() -> None:
    line = b"250-" + b"x" * 1018 + b"\r\n"  # 1,024 octets
    last = line.replace(b"-", b" ", 1)
    count = answer.OCTETS // 1024
    assert read(line * (count - 1) + last)[1] == answer.OCTETS
    with pytest.raises(AnswerMalformed):
        read(line * count + last)
