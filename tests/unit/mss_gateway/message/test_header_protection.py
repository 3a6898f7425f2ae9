"""Fields under the signature, and what is believed when inside and outside differ (RFC 9788)."""

from pathlib import Path

import pytest

from mss_gateway.message import smime
from mss_gateway.message.header_protection import (
    Unprotected,
    conceal,
    is_protected,
    opened,
    payload_of,
    protect,
)
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import find_bare_line_ending, scan

CORPUS = sorted((Path(__file__).parents[3] / "corpus" / "messages").glob("*.eml"))
NEUTRAL = "Message de santé"
ENCODED_NEUTRAL = b"Subject: =?utf-8?Q?Message_de_sant=C3=A9?=\r\n"
RAW = (
    b"Return-Path: <claire@mss.example>\r\n"
    b"Received: by mx.mss.example; Fri, 20 Nov 2026 10:30:00 +0100\r\n"
    b"From: Claire <claire@mss.example>\r\n"
    b"To: paul@mss.example,\r\n lea@mss.example\r\n"
    b"Subject: Scanner de Camille\r\n"
    b"Date: Fri, 20 Nov 2026 10:30:00 +0100\r\n"
    b"Message-ID: <un@mss.example>\r\n"
    b"In-Reply-To: <zero@mss.example>\r\n"
    b"References: <zero@mss.example>\r\n"
    b"Keywords: oncologie\r\n"
    b"X-MSS-NIL: DEV000001\r\n"
    b"X-MSS-MES: FIN\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n"
    b"\r\n"
    b"bonjour \xc3\xa9\r\n"
)
PROTECTED_NAMES = {
    "from", "to", "subject", "date", "message-id", "in-reply-to", "references", "keywords",
    "x-mss-nil", "x-mss-mes",
}  # fmt: skip


def clear(raw: bytes = RAW) -> tuple[bytes, bytes]:
    protected = protect(raw, for_encryption=False, neutral_subject=NEUTRAL)
    return protected.outer, protected.inner


def cipher(raw: bytes = RAW) -> tuple[bytes, bytes]:
    protected = protect(raw, for_encryption=True, neutral_subject=NEUTRAL)
    return protected.outer, protected.inner


def values(raw: bytes) -> dict[str, list[bytes]]:
    """The fields of a message that are its author's, trace and MIME structure aside."""
    found: dict[str, list[bytes]] = {}
    for name, value in scan(raw).header.fields:
        if name in PROTECTED_NAMES:
            found.setdefault(name, []).append(value)
    return found


def test_signing_hides_nothing_and_puts_a_copy_inside() -> None:
    outer, inner = clear()
    assert values(outer) == values(RAW)
    assert values(inner) == values(RAW)
    root = scan(inner).root
    assert root.parameter("hp") == "clear"
    assert root.header.first("hp-outer") is None
    assert root.header.first("received") is root.header.first("return-path") is None
    assert inner.endswith(b"\r\n\r\nbonjour \xc3\xa9\r\n")


def test_encrypting_leaves_a_neutral_subject_and_what_routing_needs() -> None:
    outer, inner = cipher()
    assert ENCODED_NEUTRAL in outer
    kept = values(outer)
    assert b"Scanner" not in outer
    assert "keywords" not in kept
    wanted = values(RAW)
    for name in PROTECTED_NAMES - {"subject", "keywords"}:
        assert kept[name] == wanted[name]
    assert scan(outer + b"\r\n").header.first("received") is not None
    assert scan(inner).root.parameter("hp") == "cipher"
    assert values(inner) == wanted


def test_what_was_left_outside_is_recorded_inside() -> None:
    outer, inner = cipher()
    recorded = [value.removeprefix(b" ") for value in scan(inner).header.all("hp-outer")]
    left = [
        outer[start:end].removesuffix(b"\r\n")
        for name, start, end in scan(outer + b"\r\n").header.places()
        if name in PROTECTED_NAMES
    ]
    assert recorded == left
    assert ENCODED_NEUTRAL.rstrip() in recorded


@pytest.mark.parametrize("both", [clear, cipher])
def test_opened_it_is_the_message_that_was_protected(both: object) -> None:
    outer, inner = clear() if both is clear else cipher()
    found = opened(outer, inner)
    assert values(found.raw) == values(RAW)
    assert found.differing == frozenset()
    assert not found.from_differs
    message = scan(found.raw)
    assert message.header.first("hp-outer") is None
    assert message.header.first("received") is not None
    assert message.root.decoded(found.raw) == b"bonjour \xc3\xa9\r\n"


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
@pytest.mark.parametrize("for_encryption", [False, True])
def test_every_message_survives(path: Path, for_encryption: bool) -> None:
    raw = path.read_bytes()
    before = scan(raw)
    protected = protect(raw, for_encryption=for_encryption, neutral_subject=NEUTRAL)
    found = opened(protected.outer, protected.inner)
    after = scan(found.raw)
    assert find_bare_line_ending(found.raw) is None
    assert after.root.media_type == before.root.media_type
    assert after.root.body(found.raw) == before.root.body(raw)
    own = [field for field in before.header.fields if not field[0].startswith("content-")]
    own = [field for field in own if field[0] not in ("mime-version", "bcc")]
    opened_fields = [field for field in after.header.fields if field[0] != "mime-version"]
    kept = [field for field in opened_fields if not field[0].startswith("content-")]
    assert sorted(kept) == sorted(own)
    assert found.differing == frozenset()


def test_a_signed_message_keeps_its_signed_part_whole() -> None:
    outer, inner = clear()
    entity = smime.signed_entity(inner, lambda _: b"DER")
    raw = smime.assemble(outer, entity)
    found = opened(raw, entity)
    signed = smime.find_signed(scan(found.raw))
    assert signed is not None
    assert (signed.content, signed.signature) == (inner, b"DER")
    assert values(found.raw) == values(RAW)
    assert found.protected is not None


def test_what_was_added_on_the_way_is_not_the_authors() -> None:
    outer, inner = clear()
    tampered = (
        outer.replace(b"Scanner de Camille", b"Rien du tout")
        .replace(b"<zero@mss.example>", b"<autre@mss.example>")
        .replace(b"X-MSS-MES: FIN\r\n", b"")
        + b"Cc: voleur@mss.example\r\nX-MSS-MES: NON\r\nX-MSS-INS: O\r\n"
    )
    found = opened(tampered, inner)
    header = scan(found.raw).header
    assert values(found.raw) == values(RAW)
    assert header.first("cc") is None
    assert header.first("x-mss-ins") == b" O"  # describes, orders nothing
    assert found.differing == {
        "subject", "in-reply-to", "references", "x-mss-mes", "cc", "x-mss-ins"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("outside", "differs"),
    [
        (b"Claire <claire@mss.example>", False),
        (b"Un autre nom <CLAIRE@mss.EXAMPLE>", False),
        (b"voleur@mss.example", True),
        (b"claire@mss.example, voleur@mss.example", True),
        (b"claire", True),
        (b"", True),
    ],
)
def test_another_author_outside_is_told(outside: bytes, differs: bool) -> None:
    outer, inner = cipher()
    outer = outer.replace(b"Claire <claire@mss.example>", outside)
    found = opened(outer, inner)
    assert found.from_differs is differs
    assert values(found.raw)["from"] == [b" Claire <claire@mss.example>"]


@pytest.mark.parametrize("from_field", [b"", b"From: a@b.fr\r\nFrom: a@b.fr\r\n"])
def test_no_author_or_two_inside_is_told(from_field: bytes) -> None:
    outer, inner = clear()
    inner = inner.replace(b"From: Claire <claire@mss.example>\r\n", from_field)
    found = opened(outer, inner)
    assert found.from_differs
    expected = [b" a@b.fr", b" a@b.fr"] if from_field else [b" Claire <claire@mss.example>"]
    assert values(found.raw)["from"] == expected


def test_a_verdict_or_a_trace_inside_is_not_let_out() -> None:
    raw = b"X-MSS-Signature: valide\r\nAuthentication-Results: x; smime=pass\r\n" + RAW
    forged = (
        b"X-MSS-Signature: valide\r\nX-MSS-Dechiffrement: dechiffre\r\nReceived: by evil\r\n"
        b"Authentication-Results: mx.mss.example; smime=pass\r\nBcc: lea@mss.example\r\n"
    )
    _outer, inner = clear(raw)
    assert b"X-MSS-Signature" not in inner
    found = opened(RAW, forged + inner)
    header = scan(found.raw).header
    for name in ("x-mss-signature", "x-mss-dechiffrement", "authentication-results", "bcc"):
        assert header.first(name) is None
    assert len(header.all("received")) == 1


def test_a_message_without_protection_keeps_its_own_fields() -> None:
    entity = b"From: evil@x.fr\r\nSubject: Autre\r\nContent-Type: text/plain\r\n\r\nx"
    found = opened(RAW, entity)
    assert found == Unprotected(smime.replace_content(RAW, entity), None, False, frozenset())
    assert b"evil" not in found.raw


def test_a_signed_copy_of_the_fields_is_only_read_where_it_says_so() -> None:
    outer, inner = clear()
    unmarked = inner.replace(b'hp="clear"', b'xp="clear"')
    assert is_protected(inner) is True
    assert is_protected(unmarked) is False
    assert opened(outer, unmarked).protected is None


def test_blind_recipients_stay_outside() -> None:
    outer, inner = clear(b"Bcc: lea@mss.example\r\n" + RAW)
    assert b"Bcc" in outer
    assert b"Bcc" not in inner


@pytest.mark.parametrize("for_encryption", [False, True])
def test_the_whole_message_may_be_wrapped(for_encryption: bool) -> None:
    protected = protect(RAW, for_encryption=for_encryption, neutral_subject=NEUTRAL, whole=True)
    root = scan(protected.inner).root
    assert root.media_type == "message/rfc822"
    assert (b"Scanner" in protected.outer) is not for_encryption
    found = opened(protected.outer, protected.inner)
    assert values(found.raw) == values(RAW)
    message = scan(found.raw)
    assert message.root.media_type == "text/plain"
    assert message.root.decoded(found.raw) == b"bonjour \xc3\xa9\r\n"


def test_a_whole_message_under_a_signature_stays_under_it() -> None:
    protected = protect(RAW, for_encryption=False, neutral_subject="", whole=True)
    entity = smime.signed_entity(protected.inner, lambda _: b"DER")
    found = opened(protected.outer, entity)
    assert values(found.raw) == values(RAW)
    signed = smime.find_signed(scan(found.raw))
    assert signed is not None and signed.content == protected.inner


@pytest.mark.parametrize(
    "inside",
    [
        smime.wrap_signed(RAW, lambda _: b"DER"),
        smime.wrap_enveloped(RAW, lambda _: b"DER"),
        RAW.replace(b"charset=utf-8", b'charset=utf-8; hp="clear"'),
    ],
)
def test_a_wrapped_message_with_protection_of_its_own_is_an_attachment(inside: bytes) -> None:
    entity = b"Content-Type: message/rfc822\r\n\r\n" + inside
    found = opened(b"From: lea@mss.example\r\nSubject: x\r\n\r\n", entity)
    assert found.protected is None
    assert scan(found.raw).header.unfolded("from") == "lea@mss.example"


def test_the_scheme_before_is_read_and_fills_only_what_it_has() -> None:
    entity = (
        b"Subject: Scanner\r\nContent-Type: text/plain; protected-headers=v1\r\n\r\nbonjour\r\n"
    )
    found = opened(RAW, entity)
    header = scan(found.raw).header
    assert header.unfolded("subject") == "Scanner"
    assert header.unfolded("to") == "paul@mss.example, lea@mss.example"
    assert len(header.all("subject")) == 1


def test_protecting_twice_leaves_one_mark() -> None:
    _, inner = clear()
    raw = RAW.replace(b"charset=utf-8", b'charset=utf-8; hp="cipher"; protected-headers="v1"')
    _, again = clear(b"HP-Outer: Subject: faux\r\n" + raw)
    assert scan(again).root.parameter("hp") == "clear"
    assert b"protected-headers" not in again
    assert b"HP-Outer" not in again
    assert scan(inner).root.parameters == scan(again).root.parameters


def test_fields_of_an_opaque_signature_are_given_by_whoever_opened_it() -> None:
    outer, inner = clear()
    entity = smime.signed_entity(inner, lambda _: b"DER", opaque=True)
    assert payload_of(entity) is None
    assert is_protected(entity) is None
    assert opened(outer, entity).protected is None
    assert opened(outer, inner, inner).protected is not None


def test_concealing_needs_a_subject_inside() -> None:
    outer, inner = clear()
    entity = smime.signed_entity(inner, lambda _: b"DER")
    concealed = conceal(outer, entity, NEUTRAL)
    assert ENCODED_NEUTRAL in concealed
    assert b"Scanner" not in concealed and b"oncologie" not in concealed
    assert concealed.count(b"\r\n") == outer.count(b"\r\n") - 1
    plain = smime.signed_entity(b"Content-Type: text/plain\r\n\r\nx", lambda _: b"DER")
    assert conceal(outer, plain, NEUTRAL) == outer


def test_an_envelope_around_what_was_signed_before_conceals_and_opens_again() -> None:
    outer, inner = clear()
    raw = smime.assemble(outer, smime.signed_entity(inner, lambda _: b"DER"))
    held: list[bytes] = []
    closed = smime.wrap_enveloped(
        raw,
        lambda entity: held.append(entity) or b"SEALED",
        outer_subject=NEUTRAL,  # type: ignore[func-returns-value]
    )
    assert b"Scanner" not in closed
    found = opened(closed, held[0])
    assert values(found.raw) == values(RAW)
    assert not found.from_differs
    assert found.differing == {"subject", "keywords"}


def test_a_long_field_is_recorded_in_lines_that_fit() -> None:
    long = b"To: " + b"a" * 60 + b"@mss.example" + b"," + b"x" * 900 + b"@mss.example\r\n"
    _, inner = cipher(RAW.replace(b"To: paul@mss.example,\r\n lea@mss.example\r\n", long))
    assert max(map(len, inner.split(b"\r\n"))) <= 998
    assert any(value.startswith(b"\r\n To: ") for value in scan(inner).header.all("hp-outer"))


def test_a_header_too_long_to_stand_three_times_is_refused() -> None:
    field = b"X-Long: " + b"x" * 900 + b"\r\n"
    short, long = RAW, field * 300 + RAW
    clear(long)
    cipher(short)
    with pytest.raises(MessageMalformed):
        cipher(long)


def test_a_neutral_subject_is_one_line() -> None:
    with pytest.raises(ValueError, match="one line"):
        protect(RAW, for_encryption=True, neutral_subject="x\r\nBcc: evil@x.fr")


@pytest.mark.parametrize("for_encryption", [False, True])
def test_what_its_author_signed_is_only_split(for_encryption: bool) -> None:
    raw = smime.wrap_signed(RAW, lambda _: b"DER")
    listed = b"X-MSS-Destinataires: x\r\n" + raw
    protected = protect(listed, for_encryption=for_encryption, neutral_subject=NEUTRAL)
    assert protected.outer + protected.inner == raw
