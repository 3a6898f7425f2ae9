"""Responses of AUTH on their lines."""

import base64

import pytest

from mss_gateway.smtp.sasl import Cancelled, NotBase64, decode


@pytest.mark.parametrize("octets", [b"", b"\0a@b.fr\0mot", "été".encode(), bytes(range(256))])
def test_a_response_is_base64(octets: bytes) -> None:
    assert decode(base64.b64encode(octets).decode() or "=") == octets


@pytest.mark.parametrize("line", ["é", "a", "a b=", "YQ==YQ==", "AA=A", "**", "==", " ="])
def test_a_response_that_is_not_base64(line: str) -> None:
    with pytest.raises(NotBase64):
        decode(line)


def test_a_star_cancels() -> None:
    with pytest.raises(Cancelled):
        decode("*")
