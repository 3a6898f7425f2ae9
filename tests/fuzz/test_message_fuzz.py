"""Hostile bytes at every door of ``message/``: two answers are allowed, a value or its refusal."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mss_gateway.message.address import AddressMalformed, parse_mailboxes, parse_path
from mss_gateway.message.attachments import attachments, body_text, forbidden_part
from mss_gateway.message.build import remove_fields
from mss_gateway.message.dsn import is_automatic
from mss_gateway.message.limits import LIMITS, MessageMalformed
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.smime import find_pkcs7, find_signed, wrap_signed
from mss_gateway.message.summary import Summary, summarise

SEEDS = [
    path.read_bytes()
    for path in sorted((Path(__file__).parents[1] / "corpus" / "messages").glob("*.eml"))
]
PIECES = [
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b"\t",
    b":",
    b";",
    b'"',
    b"\\",
    b"(",
    b"<",
    b">",
    b"--b",
    b"--b--",
    b"--b\r\n",
    b"\r\n--b\r\n",
    b"boundary=b",
    b"Content-Type: ",
    b"multipart/mixed; ",
    b"multipart/signed; ",
    b"message/rfc822",
    b"Content-Transfer-Encoding: base64",
    b"=?utf-8?q?",
    b"?=",
    b"=E9",
    b"\xc3\xa9",
    b"\xff",
    b"filename*0*=",
    b"From: a@b.fr",
    b"Subject: x",
    b"Date: ",
    b"charset=",
    b"Content-Disposition: attachment; ",
    b"PK\x03\x04",
    b"%PDF-",
    b"application/pkcs7-mime",
]
soup = st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=40).map(b"".join)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    raw = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(raw)))
        length = draw(st.integers(0, 60))
        put = draw(st.sampled_from(PIECES) | st.binary(max_size=3))
        raw = raw[:start] + put + raw[start + length :]
    return raw


@settings(max_examples=600, deadline=None)
@given(soup | mutated())
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    stray = find_bare_line_ending(raw)
    assert (stray is None) == (
        b"\0" not in raw
        and raw.replace(b"\r\n", b"").translate(None, b"\r\n") == raw.replace(b"\r\n", b"")
    )
    try:
        message = scan(raw)
    except MessageMalformed:
        return
    parts = list(message.root.walk())
    assert len(parts) <= LIMITS.parts
    for part in parts:
        assert part.header_start <= part.body_start <= part.body_end <= len(raw)
        part.text(raw)
    summary = Summary(summarise(message))
    assert summary.size == len(raw)
    for piece in (summary.envelope, summary.body, summary.bodystructure):
        assert_wellformed(piece)
    for part in parts:
        place = summary.section(part.number.encode())
        assert place is not None and place[0] + place[1] <= len(raw)
    assert summary.has_attachment == bool(attachments(message))
    body_text(message), forbidden_part(message), is_automatic(message, None)
    find_pkcs7(message), find_signed(message)
    assert remove_fields(raw, []) == raw


def assert_wellformed(piece: bytes) -> None:
    """One parenthesised list of NIL, numbers, quoted strings and literals, nothing after it."""
    depth = position = 0
    while position < len(piece):
        start = piece[position : position + 1]
        if start == b'"':
            position += 1
            while piece[position : position + 1] != b'"':
                assert piece[position] not in (0, 10, 13) and piece[position] < 128
                position += 2 if piece[position : position + 1] == b"\\" else 1
        elif start == b"{":
            end = piece.index(b"}\r\n", position)
            position = end + 2 + int(piece[position + 1 : end])
        elif start in (b"(", b")"):
            depth += 1 if start == b"(" else -1
            assert depth > 0 or position == len(piece) - 1
        else:
            assert start in b" NIL0123456789"
        position += 1
    assert depth == 0 and position == len(piece)


@settings(max_examples=300, deadline=None)
@given(mutated())
def test_what_is_wrapped_unwraps_to_the_same_content(raw: bytes) -> None:
    try:
        message = scan(raw)
        wrapped = scan(wrap_signed(raw, lambda _: b"DER"))
    except MessageMalformed:
        return
    signed = find_signed(wrapped)
    assert signed is not None
    inner = wrapped.root.children[0]
    assert inner.body(wrapped.raw) == message.root.body(raw)


@settings(max_examples=400, deadline=None)
@given(st.text('ab@.<>",:;()\\= ?é\r\n\t\0', max_size=40), st.binary(max_size=30))
def test_addresses_are_read_or_refused(text: str, path: bytes) -> None:
    for parse in (lambda: parse_mailboxes(text), lambda: parse_path(b"<" + path + b">")):
        try:
            parse()
        except AddressMalformed:
            continue


BOMBS = {
    "nesting": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(1_000)
    ),
    "enclosed": b"Content-Type: message/rfc822\r\n\r\n" * 100_000,
    "same boundary": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 100_000,
    "fields": b"X: y\r\n" * 1_000_000,
    "field without colon": b"x" * 1_000_000,
    "parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n\r\n" * 100_000,
    "false delimiters": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"\r\n--bb" * 1_000_000,
    "continuations": b"Content-Type: text/plain"
    + b"".join(b"; a*%d=b" % n for n in range(100_000))
    + b"\r\n\r\n",
    "open quote": b'Content-Type: text/plain; a="' + b"\\" * 60_000 + b"\r\n\r\n",
    "open comment": b"Content-Type: text/plain " + b"(" * 60_000 + b"\r\n\r\n",
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 4_500 + b"\r\n\r\n",
    "open encoded words": b"Subject: " + b"=?u?q?" * 10_000 + b"\r\n\r\n",
    "addresses": b"To: " + b"a@b.fr, " * 8_000 + b"a@b.fr\r\n\r\n",
    "open addresses": b"To: " + b"<" * 64_000 + b"\r\n\r\n",
    "white space": b"To: " + b" " * 64_000 + b"x\r\n\r\n",
    "folds": b"To: x\r\n " + b"\r\n " * 20_000 + b"\r\n\r\n",
    "dates": b"Date: " + b" " * 64_000 + b"\r\n\r\n",
    "one line": b"Subject: x\r\n\r\n" + b"x" * 20_000_000,
    "base64": b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=" * 1_000_000,
    "quoted-printable": b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=" * 1_000_000,
    "html comments": b"Content-Type: application/x\r\n\r\n" + b"<!--" * 20_000,
    "zips": b"Content-Type: application/zip\r\n\r\n" + b"PK\x05\x06" * 20_000,
    "compound": b"Content-Type: application/x\r\n\r\n\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    + "VBA\0".encode("utf-16-le") * 100_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_little(name: str) -> None:
    """Each is read or refused; that it ends at all within the suite's time is the test."""
    raw = BOMBS[name]
    try:
        message = scan(raw)
    except MessageMalformed:
        return
    assert len(summarise(message)) < 10 * LIMITS.header_octets
    body_text(message), forbidden_part(message)
