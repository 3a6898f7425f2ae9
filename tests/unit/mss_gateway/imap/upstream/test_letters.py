"""Old messages are made fit for the store, and none is lost for its form."""

import email
import email.policy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.imap.upstream import letters
from mss_gateway.imap.upstream.letters import Explanation, Letter
from mss_gateway.message.address import Mailbox, parse_address
from mss_gateway.message.limits import LIMITS
from mss_gateway.message.parse import find_bare_line_ending
from mss_gateway.message.summary import Summary

EXPLANATION = Explanation(
    Mailbox("Opérateur", parse_address("postmaster@mss.example")),
    Mailbox("Dr Claire MARTIN", parse_address("claire.martin@mss.example")),
    "<1@mss.example>",
    datetime(2020, 3, 2, 10, tzinfo=UTC),
)
DEEP = b"Content-Type: message/rfc822\r\n\r\n" * (LIMITS.depth + 2) + b"Subject: x\r\n\r\n"


def fit(raw: bytes) -> Letter:
    return letters.fit(raw, EXPLANATION)


def test_a_message_in_good_form_stays_octet_by_octet() -> None:
    raw = b"Subject: x\r\n\r\nbonjour \xff\r\n"
    letter = fit(raw)
    assert letter.raw == raw
    assert not letter.is_mended and not letter.is_wrapped
    assert Summary(letter.summary).subject == "x"


@pytest.mark.parametrize(
    ("raw", "mended"),
    [
        (b"Subject: x\n\na\nb", b"Subject: x\r\n\r\na\r\nb"),
        (b"Subject: x\r\r\nTo: y\r\r\n\r\r\na", b"Subject: x\r\nTo: y\r\n\r\na"),
        (b"Subject: x\r\n\r\na\rb\n", b"Subject: x\r\n\r\na\r\nb\r\n"),
    ],
)
def test_line_ends_are_mended(raw: bytes, mended: bytes) -> None:
    letter = fit(raw)
    assert (letter.raw, letter.is_mended, letter.is_wrapped) == (mended, True, False)
    assert Summary(letter.summary).subject == "x"


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: =?utf-8?Q?R=C3=A9sultat?=\r\n\r\nnul \0\r\n",
        b"no header at all\r\n\r\nx",
        b"Subject: x\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\nx",
        DEEP,
        b"",
        b"Subject: x\n\n\0",
    ],
    ids=["NUL", "no header", "two types", "deep", "empty", "LF and NUL"],
)
def test_what_cannot_be_read_is_attached_as_it_came(raw: bytes) -> None:
    letter = fit(raw)
    assert letter.is_wrapped
    message = email.message_from_bytes(letter.raw, policy=email.policy.default)
    text, attached = message.iter_parts()
    assert attached.get_payload(decode=True) == raw
    assert attached.get_filename() == letters.ORIGINAL_NAME
    assert attached.get_content_type() == "application/octet-stream"
    assert "ancienne messagerie" in text.get_content()
    assert message["To"].addresses[0].addr_spec == "claire.martin@mss.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert find_bare_line_ending(letter.raw) is None
    assert Summary(letter.summary).has_attachment


def test_its_subject_stays_where_it_can_be_found() -> None:
    letter = fit(b"X: \0\nsubject: =?utf-8?Q?R=C3=A9sultat?=\n\tdu 3 mai\nTo: a\n\n")
    assert letter.is_wrapped
    assert Summary(letter.summary).subject.endswith(" : Résultat du 3 mai")


@given(st.binary(max_size=300))
def test_any_octets_become_a_message(octets: bytes) -> None:
    for raw in (octets, b"Subject: " + octets, b"Subject: x\r\n\r\n" + octets):
        letter = fit(raw)
        assert find_bare_line_ending(letter.raw) is None
        assert Summary(letter.summary).size == len(letter.raw)


def test_system_flags_become_bits_and_others_nothing() -> None:
    flags = ["\\Seen", "\\ANSWERED", "\\flagged", "\\Deleted", "\\Draft", "\\Recent", "\\*", "$x"]
    assert letters.system_flags(flags) == 31
    assert letters.system_flags(["\\Seen", "\\seen"]) == 1
    assert letters.system_flags(["\\Recent"]) == 0


def test_keywords_that_can_be_kept_are_kept() -> None:
    good = ["$Forwarded", "NonJunk", "k" * 64, "a[b", "2024"]
    bad = ["k" * 65, "é", "a]b", "a%b", ""]
    assert letters.keywords(["\\Seen", *good, *bad]) == (good, len(bad))
