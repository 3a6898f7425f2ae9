"""Trace fields and identifiers."""

import base64
import datetime
import re
import uuid

import pytest

from mss_gateway.message.address import AddressMalformed
from mss_gateway.message.dates import date_field, parse_date
from mss_gateway.message.parse import scan
from mss_gateway.message.trace import (
    count_received,
    has_loop,
    is_own,
    new_message_id,
    new_message_ref,
    received_line,
)

PARIS = datetime.timezone(datetime.timedelta(hours=1))
MOMENT = datetime.datetime(2026, 11, 22, 8, 5, 9, tzinfo=PARIS)


def test_a_received_line_names_neither_recipient_nor_author() -> None:
    line = received_line(by="smtp.example.fr", protocol="ESMTPSA", message_ref="abc", moment=MOMENT)
    assert line == (
        b"Received: by smtp.example.fr with ESMTPSA\r\n"
        b"\tid abc; Sun, 22 Nov 2026 08:05:09 +0100\r\n"
    )


def test_a_received_line_names_the_peer_operator() -> None:
    line = received_line(
        by="mx.example.fr", protocol="ESMTPS", message_ref="abc", moment=MOMENT, peer="mx.x.fr"
    )
    assert line.startswith(b"Received: from mx.x.fr by mx.example.fr with ESMTPS\r\n")


@pytest.mark.parametrize("word", ["a b", "a\r\nX: y", "", "é", "a;b", "x" * 256])
def test_a_received_line_takes_words_only(word: str) -> None:
    with pytest.raises(ValueError, match="word"):
        received_line(by=word, protocol="ESMTPSA", message_ref="abc", moment=MOMENT)


def test_a_loop_is_more_than_a_hundred_hops() -> None:
    for hops, is_loop in ((100, False), (101, True)):
        header = scan(b"Received: by x; y\r\n" * hops + b"\r\n").header
        assert count_received(header) == hops
        assert has_loop(header) is is_loop


def test_a_message_ref_is_a_uuid_of_version_7() -> None:
    ref = new_message_ref(1_795_330_800_123, bytes(range(10)))
    value = uuid.UUID(bytes=base64.b32hexdecode(ref.upper() + "======"))
    assert re.fullmatch("[0-9a-v]{26}", ref)
    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert value.int >> 80 == 1_795_330_800_123


def test_every_kept_bit_of_chance_changes_the_ref() -> None:
    refs = {new_message_ref(0, (1 << bit).to_bytes(10, "big")) for bit in range(80)}
    assert len(refs) == 75  # 74 bits kept, and one ref for the six that are not


@pytest.mark.parametrize(("now", "chance"), [(-1, bytes(10)), (1 << 48, bytes(10)), (0, bytes(9))])
def test_a_ref_out_of_range_is_refused(now: int, chance: bytes) -> None:
    with pytest.raises(ValueError, match="48 bits"):
        new_message_ref(now, chance)


def test_a_message_id_is_an_address_in_brackets() -> None:
    assert new_message_id("example.fr", "abc") == "<abc@example.fr>"
    with pytest.raises(AddressMalformed):
        new_message_id("example.fr>\r\nX: y", "abc")


@pytest.mark.parametrize(
    ("minutes", "zone"), [(0, "+0000"), (60, "+0100"), (-210, "-0330"), (345, "+0545")]
)
def test_a_date_is_written_and_read_back(minutes: int, zone: str) -> None:
    moment = MOMENT.astimezone(datetime.timezone(datetime.timedelta(minutes=minutes)))
    text = date_field(moment)
    assert text.endswith(zone)
    assert parse_date(text) == (int(MOMENT.timestamp()), minutes)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        date_field(MOMENT.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("by mx.example.fr with ESMTPS\r\n\tid {ref}; x", True),
        ("from a by MX.example.fr with HTTPS id {ref}", True),
        ("from a\r\n\tby mx.example.fr\r\n\twith ESMTPS\r\n\tid {ref}; x", True),
        ("by mx.example.fr with ESMTPS id 12; x", False),
        ("by mx.example.fr with ESMTPS id {ref}0; x", False),
        ("by xmx.example.fr with ESMTPS id {ref}; x", False),
        ("by mx.example.fr.example with ESMTPS id {ref}; x", False),
        ("by mxxexample.fr with ESMTPS id {ref}; x", False),
        ("from mx.example.fr by b.example with ESMTPS id {ref}; x", False),
    ],
)
def test_a_trace_of_this_server_is_known_again(field: str, expected: bool) -> None:
    ref = new_message_ref(1_790_000_000_000, bytes(10))
    raw = f"Received: by other.example; x\r\nReceived: {field.format(ref=ref)}\r\n\r\n".encode()
    assert is_own(scan(raw).header, "mx.example.fr") is expected


def test_what_is_written_here_is_known_again() -> None:
    ref = new_message_ref(1_790_000_000_000, bytes(10))
    for peer in ("", "mx1.ville.example"):
        line = received_line(
            by="mx.example.fr", protocol="ESMTPS", message_ref=ref, moment=MOMENT, peer=peer
        )
        assert is_own(scan(line + b"\r\n").header, "mx.example.fr")
