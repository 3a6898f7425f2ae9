"""Values to bytes: one line stays one line, whatever the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.failures import Failure
from mss_gateway.imap import refusals, responses
from mss_gateway.imap.responses import MAX_KEYWORDS, FlagPrinter, Reply, Status


@given(st.text())
def test_no_sentence_can_end_a_response_early(text: str) -> None:
    line = Reply(Status.NO, text, b"CANNOT").line(b"a")
    assert line.startswith(b"a NO [CANNOT] ")
    assert line.count(b"\r") == line.count(b"\n") == 1


def test_a_refusal_carries_code_sentence_and_reference() -> None:
    reply = responses.refused(lambda key: f"<{key}>", Failure.MAILBOX_FULL, "REF")
    assert reply.line(b"t") == b"t NO [OVERQUOTA] <attente.quota> (REF)\r\n"


@pytest.mark.parametrize(
    ("octets", "printed"),
    [
        (b"a", b'"a"'),
        (b'a"\\', b'"a\\"\\\\"'),
        (b"", b'""'),
        (b"a\r\nb", b"{4}\r\na\r\nb"),
        (b"\xff", b"{1}\r\n\xff"),
        (b"x" * 1_025, b"{1025}\r\n" + b"x" * 1_025),
    ],
)
def test_a_string_is_quoted_where_it_may_be(octets: bytes, printed: bytes) -> None:
    assert responses.quoted(octets) == printed


@pytest.mark.parametrize(
    ("name", "printed"),
    [("INBOX", b"INBOX"), ("A B", b'"A B"'), ("é", b"&AOk-"), ("nil", b'"nil"'), ("a]b", b"a]b")],
)
def test_a_mailbox_name_is_an_atom_where_it_may_be(name: str, printed: bytes) -> None:
    assert responses.mailbox_name(name) == printed


def test_flags_are_printed_and_keywords_learnt() -> None:
    printer = FlagPrinter({32: "$Label1"})
    assert printer(0) == b"()"
    assert printer(1 | 32) == b"(\\Seen $Label1)"
    assert not printer.learn({32: "$Label1"})
    assert printer.learn({32: "$Label1", 64: "B"})
    assert printer(64) == b"(B)"


def test_new_keywords_are_offered_while_there_is_room() -> None:
    def printer(count: int) -> FlagPrinter:
        return FlagPrinter({1 << (5 + number): f"k{number}" for number in range(count)})

    assert b"\\*)]" in printer(MAX_KEYWORDS - 1).announced(is_read_only=False)
    assert b"\\*" not in printer(MAX_KEYWORDS).announced(is_read_only=False)
    assert b"[PERMANENTFLAGS ()]" in printer(1).announced(is_read_only=True)


@pytest.mark.parametrize(
    ("changeable", "told"),
    [
        (-1, b"(\\Seen \\Answered \\Flagged \\Deleted \\Draft Un \\*)"),
        (0, b"()"),
        (1, b"(\\Seen)"),
        (9, b"(\\Seen \\Deleted)"),
        (~1, b"(\\Answered \\Flagged \\Deleted \\Draft Un \\*)"),
        (~9, b"(\\Answered \\Flagged \\Draft Un \\*)"),
    ],
)
def test_flags_that_may_not_be_changed_are_not_permanent(changeable: int, told: bytes) -> None:
    """RFC 4314 §5.1.1."""
    said = FlagPrinter({32: "Un"}).announced(False, changeable)
    assert said.startswith(b"* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft Un)\r\n")
    assert b"[PERMANENTFLAGS %s]" % told in said


def test_what_nobody_foresaw_has_no_reply_of_its_own() -> None:
    assert refusals.reply_for(str, ZeroDivisionError()) is None
