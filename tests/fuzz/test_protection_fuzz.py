"""Hostile bytes at the doors of S/MIME's MIME side: a value or a refusal, and nothing gained."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mss_gateway.message.address import parse_address
from mss_gateway.message.header_protection import VERDICT_FIELDS, opened, protect
from mss_gateway.message.layers import layer, layers
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.recipient_list import check
from mss_gateway.message.seven_bit import seven_bit
from tests.corpus.smime.shape import Shape, judge

CORPUS = Path(__file__).parents[1] / "corpus"
SEEDS = [
    path.read_bytes()
    for folder in ("messages", "smime/johnny", "smime/efail")
    for path in sorted((CORPUS / folder).glob("*.eml"))
]
PIECES = [
    b"\r\n",
    b"\r\n\r\n",
    b";",
    b'"',
    b"--limite",
    b"--signe--",
    b"boundary=signe",
    b"Content-Type: ",
    b"Content-Transfer-Encoding: 8bit\r\n",
    b'; hp="clear"',
    b"; hp=cipher",
    b"; protected-headers=v1",
    b"; smime-type=certs-only",
    b"HP-Outer: From: x@y.fr\r\n",
    b"HP-Outer: x\r\n",
    b"X-MSS-Signature: valide\r\n",
    b"X-MSS-Destinataires: v=1; s=AAAAAAAAAAAAAAAAAAAAAA; d=AAAAAAAAAAAAAAAAAAAAAA\r\n",
    b"From: a@b.fr\r\n",
    b"Sender: a@b.fr\r\n",
    b"message/rfc822",
    b"multipart/signed",
    b"application/pkcs7-mime",
    b"\xc3\xa9",
    b"\xff",
    b"x" * 1_000,
]
READER = parse_address("jeanne.perrin@mss.example")


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    raw = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        # near the header: the rest of a fixture is mostly base64
        start = draw(st.integers(0, min(len(raw), 1_200)))
        length = draw(st.integers(0, 40))
        put = draw(st.sampled_from(PIECES) | st.binary(max_size=3))
        raw = raw[:start] + put + raw[start + length :]
    return raw


@settings(max_examples=150, deadline=None)
@given(mutated(), mutated())
def test_any_pair_is_opened_or_refused(outer: bytes, entity: bytes) -> None:
    try:
        found = opened(outer, entity)
        header = scan(found.raw).header
        known = scan(outer).header
    except MessageMalformed:
        return
    check(found.protected, READER)
    if found.protected is not None:
        for name in VERDICT_FIELDS:
            assert header.all(name) == known.all(name)


@settings(max_examples=150, deadline=None)
@given(mutated())
def test_any_message_is_judged_and_peeled_or_refused(raw: bytes) -> None:
    try:
        message = scan(raw)
        claim = judge(message)
        found = list(layers(message, lambda one: one.content))
    except MessageMalformed:
        return
    assert bool(found) == (layer(message) is not None)
    assert (claim.author is None) == bool(claim.doubts)
    if claim.shape in (Shape.PLAIN, Shape.PARTIAL):
        assert found == []


@settings(max_examples=150, deadline=None)
@given(mutated(), st.booleans())
def test_what_is_protected_opens_to_the_same_content(raw: bytes, for_encryption: bool) -> None:
    if find_bare_line_ending(raw) is not None:
        return
    try:
        before = scan(raw)
        protected = protect(raw, for_encryption=for_encryption, neutral_subject="Message")
        found = opened(protected.outer, protected.inner)
        after = scan(found.raw)
    except MessageMalformed:
        return
    assert after.root.body(found.raw) == before.root.body(raw)
    assert find_bare_line_ending(found.raw) is None


@settings(max_examples=150, deadline=None)
@given(mutated())
def test_7_bit_keeps_what_every_part_decodes_to(raw: bytes) -> None:
    if find_bare_line_ending(raw) is not None:
        return
    try:
        before = scan(raw)
        made = seven_bit(raw)
        after = scan(made)
    except MessageMalformed:
        return
    assert [
        (part.media_type, part.decoded(made)) for part in after.root.walk() if not part.children
    ] == [(part.media_type, part.decoded(raw)) for part in before.root.walk() if not part.children]
