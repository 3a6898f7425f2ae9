"""The record of a key is written as a zone file has it, and read back."""

import pytest

from certs.published import to_der
from mss_gateway.message import dkim
from mss_gateway.message.dkim import records
from tests.unit.mss_gateway.message.dkim.letters import key, record


def test_a_record_that_we_write_is_read() -> None:
    found = records.read(record())
    assert (found.key.kind, found.key.bits) == ("rsa", 2048)
    assert not found.is_strict and not found.is_testing


def test_folds_in_a_key_are_passed_over() -> None:
    text = dkim.published(to_der(key().public_key))
    folded = f"{text[:100]} \r\n\t {text[100:]}"
    assert records.read(folded.encode()).key.bits == 2048


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""),
        ("x", '"x"'),
        ("x" * 255, f'"{"x" * 255}"'),
        ("x" * 256, f'"{"x" * 255}" "x"'),
    ],
)
def test_a_string_has_at_most_255_octets(text: str, value: str) -> None:
    assert dkim.zone_value(text) == value
