"""The arguments of APPEND."""

from collections.abc import Callable

import pytest

from mss_gateway.imap.grammar.append import MAX_MESSAGES, Appended, AppendRequest, append
from mss_gateway.imap.grammar.cursor import Cursor, LiteralNeeded, Malformed, Purpose
from mss_gateway.imap.grammar.primitives import Flags

At = Callable[..., Cursor]


def test_flags_date_and_message_are_read(at: At) -> None:
    line = b' Sent (\\Seen x) "17-Jul-1996 02:44:25 +0000" {3}'
    assert append(at(line, b"abc", b"")) == AppendRequest(
        "Sent", (Appended(Flags(1, ("x",)), 837571465, b"abc"),)
    )
    assert append(at(b" Sent {0+}", b"", b"")) == AppendRequest(
        "Sent", (Appended(Flags(), None, b""),)
    )


def test_several_messages_each_with_its_own(at: At) -> None:
    read = append(at(b" Sent (\\Seen) {1+}", b"a", b" ~{1+}", b"b", b" UTF8 (~{1}", b"c", b")"))
    assert [one.message for one in read.messages] == [b"a", b"b", b"c"]
    assert [one.flags.system for one in read.messages] == [1, 0, 0]


def test_a_message_is_asked_for_as_a_message(at: At) -> None:
    with pytest.raises(LiteralNeeded) as needed:
        append(at(b" {4}", b"Sent", b" {9}"))
    assert needed.value.purpose is Purpose.MESSAGE
    with pytest.raises(LiteralNeeded) as needed:
        append(at(b" {4}"))
    assert needed.value.purpose is Purpose.STRING
    with pytest.raises(LiteralNeeded) as needed:
        append(at(b" Sent {1+}", b"a", b" ~{9+}"))
    assert (needed.value.size, needed.value.is_synchronising) == (9, False)


@pytest.mark.parametrize(
    "line", [b' Sent "abc"', b" Sent abc", b" Sent ()", b" Sent", b" Sent ~", b" Sent UTF8 ({1+}"]
)
def test_a_message_is_a_literal_and_nothing_else(at: At, line: bytes) -> None:
    with pytest.raises(Malformed):
        append(at(line, b"a", b")"))


def test_messages_are_bounded_at_their_edge(at: At) -> None:
    def parts(count: int) -> list[bytes]:
        return [b" Sent {1+}", *[b"a", b" {1+}"] * (count - 1), b"a", b""]

    assert len(append(at(*parts(MAX_MESSAGES))).messages) == MAX_MESSAGES
    with pytest.raises(Malformed):
        append(at(*parts(MAX_MESSAGES + 1)))
