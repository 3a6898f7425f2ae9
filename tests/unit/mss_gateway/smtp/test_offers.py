"""EHLO read, and MAIL and RCPT said only in words that were offered."""

from dataclasses import replace

import pytest

from mss_gateway.message.address import parse_address
from mss_gateway.queue.carried import Asked
from mss_gateway.smtp import parameters
from mss_gateway.smtp.answer import Answer
from mss_gateway.smtp.offers import (
    Offers,
    Sent,
    mail_argument,
    rcpt_argument,
    read,
    to_xtext,
)

ALL = read(
    Answer(
        250,
        "",
        ("mx.ville.example", "size 1000", "8BITMIME", "SMTPUTF8", "DSN", "REQUIRETLS", "STARTTLS"),
    )
)
SENT = Sent(
    "a@mss.example", 900, True, True, returns="HDRS", envelope_id="QQ 314+=", requires_tls=True
)
ASKED = Asked(frozenset({"DELAY", "SUCCESS"}), "rfc822;ancien nom@mss.example")


def test_keywords_are_read_in_any_case_and_the_greeting_is_none() -> None:
    assert ALL.size == 1000
    assert all(ALL.has(word) for word in ("SIZE", "8BITMIME", "DSN", "STARTTLS"))
    assert not ALL.has("MX.VILLE.EXAMPLE")
    assert read(Answer(250, "", ("mx",))) == Offers()


@pytest.mark.parametrize(
    ("line", "size"),
    [("SIZE", None), ("SIZE 0", None), ("SIZE x", None), ("SIZE -1", None), ("SIZE 5 6", 5)],
)
def test_a_limit_that_says_nothing_is_none(line: str, size: int | None) -> None:
    assert read(Answer(250, "", ("mx", line, ""))).size == size


def test_everything_is_said_where_it_is_offered() -> None:
    assert mail_argument(SENT, ALL) == (
        b"MAIL FROM:<a@mss.example> SIZE=900 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+20314+2B+3D"
        b" REQUIRETLS"
    )
    assert rcpt_argument("b@ville.example", ASKED, ALL) == (
        b"RCPT TO:<b@ville.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;ancien+20nom@mss.example"
    )


def test_nothing_is_said_that_is_not_offered() -> None:
    assert mail_argument(SENT, Offers()) == b"MAIL FROM:<a@mss.example>"
    assert rcpt_argument("b@ville.example", ASKED, Offers()) == b"RCPT TO:<b@ville.example>"


def test_nothing_is_said_that_nobody_asked() -> None:
    plain = Sent("", 9, False, False)
    assert mail_argument(plain, ALL) == b"MAIL FROM:<> SIZE=9"
    assert rcpt_argument("b@ville.example", Asked(), ALL) == b"RCPT TO:<b@ville.example>"


def test_our_own_server_reads_what_we_say() -> None:
    said = mail_argument(replace(SENT, needs_utf8=False), ALL).decode().removeprefix("MAIL ")
    read_back = parameters.mail_argument(said)
    assert (read_back.returns, read_back.envelope_id, read_back.size) == ("HDRS", "QQ 314+=", 900)
    said = rcpt_argument("b@ville.example", ASKED, ALL).decode().removeprefix("RCPT ")
    assert parameters.rcpt_argument(said, parse_address("p@mss.example")).asked == ASKED


def test_xtext_is_what_the_reader_of_xtext_reads() -> None:
    every = "".join(chr(code) for code in range(32, 127))
    assert parameters.xtext(to_xtext(every)) == every
