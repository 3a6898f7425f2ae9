"""What stands between DATA and the final dot, byte by byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.smtp.stuffing import END, PIECE_OCTETS, stuffed


def sent(raw: bytes) -> bytes:
    return b"".join(stuffed(raw)) + END


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", b"\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"a\r\n.\r\n", b"a\r\n..\r\n.\r\n"),
        (b"a\r\n..\r\n.b\r\n", b"a\r\n...\r\n..b\r\n.\r\n"),
        (b"a\r\n.", b"a\r\n..\r\n.\r\n"),
        (b"a.\r\nb.c\r\n", b"a.\r\nb.c\r\n.\r\n"),
        (b"\r\n.\r\n\r\n.\r\n", b"\r\n..\r\n\r\n..\r\n.\r\n"),
    ],
)
def test_lines_that_begin_with_a_dot_have_two(raw: bytes, expected: bytes) -> None:
    assert sent(raw) == expected


@given(st.lists(st.sampled_from([b".", b"..", b"", b"a", b".a", b"a."]), max_size=12))
def test_whatever_is_stuffed_ends_once_and_is_itself_again(lines: list[bytes]) -> None:
    raw = b"".join(line + b"\r\n" for line in lines)
    on_the_wire = sent(raw)
    assert (b"\r\n" + on_the_wire).count(b"\r\n.\r\n") == 1
    taken = on_the_wire.removesuffix(END).split(b"\r\n")
    assert b"\r\n".join(line.removeprefix(b".") for line in taken) == (raw or b"\r\n")


def test_a_large_message_goes_in_pieces_that_are_no_copies() -> None:
    raw = (b"x" * 70 + b"\r\n") * 4000
    pieces = list(stuffed(raw))
    assert max(map(len, pieces)) == PIECE_OCTETS
    assert all(isinstance(piece, memoryview) and piece.obj is raw for piece in pieces)
