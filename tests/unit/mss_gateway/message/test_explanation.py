"""A message that cannot be shown is explained, and attached as it came."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mss_gateway.message.address import Mailbox, parse_address
from mss_gateway.message.authentication import Decryption, Signature, Verdict, fields, read
from mss_gateway.message.build import HeaderInjection
from mss_gateway.message.dsn import is_automatic
from mss_gateway.message.explanation import ORIGINAL_NAME, Explanation, explain
from mss_gateway.message.limits import LIMITS
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.smime import wrap_enveloped
from tests.corpus.smime.shape import Shape, shape_of

VERDICT = Verdict(Signature.UNCHECKED, Decryption.ALTERED)
SAID = Explanation(
    author=Mailbox("Exploitant de santé", parse_address("postmaster@mss.example")),
    recipient=parse_address("lea@mss.example"),
    subject="Message reçu mais non ouvert",
    sentences=("Première phrase é.", "Code : altere."),
    message_id="<explication@mss.example>",
    moment=datetime(2026, 11, 22, 12, tzinfo=UTC),
    verdict=fields(VERDICT, "mx.mss.example"),
)
ORIGINAL = wrap_enveloped(
    b"From: claire@mss.example\r\nTo: lea@mss.example\r\nSubject: Scanner\r\n"
    b"Message-ID: <un@mss.example>\r\nMIME-Version: 1.0\r\n\r\nbonjour",
    lambda _: bytes.fromhex("308006092a864886f70d010703"),
)


def test_it_says_what_happened_and_holds_the_original() -> None:
    made = explain(ORIGINAL, SAID)
    message = scan(made)
    assert find_bare_line_ending(made) is None
    assert message.header.text("subject") == SAID.subject
    assert message.header.unfolded("to") == "<lea@mss.example>"
    assert message.header.unfolded("message-id") == "<explication@mss.example>"
    assert message.header.unfolded("in-reply-to") == "<un@mss.example>"
    text, attached = message.root.children
    assert text.text(made) == "Première phrase é.\r\n\r\nCode : altere.\r\n"
    assert (attached.media_type, attached.filename) == ("message/rfc822", ORIGINAL_NAME)
    assert attached.body(made) == ORIGINAL


def test_nothing_of_the_original_stands_in_its_header() -> None:
    made = explain(ORIGINAL, SAID)
    header = made[: made.index(b"\r\n\r\n")]
    assert b"Scanner" not in header and b"claire@" not in header


def test_it_bears_the_verdict_and_answers_nobody() -> None:
    message = scan(explain(ORIGINAL, SAID))
    assert read(message.header) == (VERDICT.signature, VERDICT.decryption)
    assert is_automatic(message, parse_address("postmaster@mss.example"))


def test_the_ciphertext_inside_is_nobodys_to_open() -> None:
    assert shape_of(scan(explain(ORIGINAL, SAID))) is Shape.PLAIN


def test_8_bit_is_said() -> None:
    original = ORIGINAL.replace(b"Subject: Scanner", b"Subject: \xc3\xa9")
    made = explain(original, SAID)
    attached = scan(made).root.children[1]
    assert (attached.media_type, attached.encoding) == ("message/rfc822", "8bit")
    assert attached.body(made) == original


def deep(levels: int) -> bytes:
    raw = b"Subject: x\r\n\r\nfond"
    for _ in range(levels):
        raw = b"Content-Type: message/rfc822\r\n\r\n" + raw
    return raw


@pytest.mark.parametrize(
    "original",
    [
        b"",
        b"From : x\r\n\r\nbonjour",
        b"From: a@b.fr\n\nbonjour\n",
        b"From: a@b.fr\r\n\r\nbon\0jour",
        deep(LIMITS.depth - 1),
        deep(LIMITS.depth + 10),
    ],
)
def test_an_original_that_cannot_be_read_is_attached_as_octets(original: bytes) -> None:
    made = explain(original, SAID)
    attached = scan(made).root.children[1]
    assert find_bare_line_ending(made) is None
    assert (attached.media_type, attached.filename) == ("application/octet-stream", ORIGINAL_NAME)
    assert attached.decoded(made) == original


def test_the_deepest_original_that_still_fits_stays_a_message() -> None:
    original = deep(LIMITS.depth - 2)
    assert scan(explain(original, SAID)).root.children[1].media_type == "message/rfc822"


@pytest.mark.parametrize(
    "identifier", [b"", b"Message-ID: \r\n", b"Message-ID: <\xc3\xa9@x>\r\n",
                   b"Message-ID: <" + b"x" * 900 + b"@x>\r\n"],
)  # fmt: skip
def test_an_identifier_that_cannot_be_repeated_is_left_out(identifier: bytes) -> None:
    made = explain(identifier + b"Subject: x\r\n\r\nx", SAID)
    assert scan(made).header.first("in-reply-to") is None


def test_a_line_end_in_a_value_is_refused() -> None:
    with pytest.raises(HeaderInjection):
        explain(ORIGINAL, replace(SAID, subject="x\r\nBcc: evil@x.fr"))
