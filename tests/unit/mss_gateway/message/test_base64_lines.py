"""Base64 in pieces is base64 at once, whatever the pieces."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.message.base64_lines import base64_lines, base64_pieces


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 114, 57 * 1024, 57 * 1024 + 1, 57 * 2048 - 1])
def test_it_is_what_the_standard_library_writes(size: int) -> None:
    octets = bytes(number % 251 for number in range(size))
    assert base64_lines(octets) == base64.encodebytes(octets).replace(b"\n", b"\r\n")


@given(st.lists(st.binary(max_size=200), max_size=12))
def test_where_the_pieces_end_does_not_show(pieces: list[bytes]) -> None:
    assert b"".join(base64_pieces(pieces)) == base64_lines(b"".join(pieces))


def test_a_large_content_comes_in_pieces_of_whole_lines() -> None:
    made = list(base64_pieces(b"x" * (57 * 3000)))
    assert len(made) == 3
    assert all(piece.endswith(b"\r\n") and len(piece) <= 78 * 1024 for piece in made)
