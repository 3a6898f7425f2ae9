"""The words of a verdict, on the message and off it."""

import pytest

from mss_gateway.message.authentication import (
    DECRYPTIONS,
    SIGNATURES,
    Decryption,
    Row,
    Signature,
    Verdict,
    fields,
    read,
    stamp,
    strip,
)
from mss_gateway.message.build import HeaderInjection
from mss_gateway.message.parse import scan

RAW = b"From: a@b.fr\r\nSubject: x\r\n\r\nbonjour\r\n"
VALID = Verdict(
    Signature.VALID,
    Decryption.DECRYPTED,
    signer="claire@mss.example",
    serial="1a2b",
    issuer='CN=Autorité "X",O=Mss\\Y',
)


def test_every_word_has_its_row() -> None:
    assert set(SIGNATURES) == set(Signature)
    assert set(DECRYPTIONS) == set(Decryption)


def test_sentences_and_words_are_each_their_own() -> None:
    rows: list[Row] = [*SIGNATURES.values(), *DECRYPTIONS.values()]
    assert len({row.text for row in rows}) == len(rows)
    for words in ([one.value for one in Signature], [one.value for one in Decryption]):
        assert len(set(words)) == len(words)
        assert all(word.isascii() and word == word.lower() and " " not in word for word in words)


def test_only_a_valid_signature_passes() -> None:
    passing = [one for one, row in SIGNATURES.items() if row.result == "pass"]
    assert passing == [Signature.VALID]
    known = {"none", "pass", "fail", "policy", "neutral", "temperror", "permerror"}
    assert {row.result for row in SIGNATURES.values()} <= known


def test_a_valid_signature_tells_who_signed() -> None:
    header = scan(fields(VALID, "mx.mss.example") + b"\r\n").header
    assert header.unfolded("authentication-results") == (
        "mx.mss.example; smime=pass body.smime-identifier=claire@mss.example "
        'body.smime-serial=1a2b body.smime-issuer="CN=Autorit\\\\C3\\\\A9 \\"X\\",O=Mss\\\\Y"'
    )
    assert header.unfolded("x-mss-signature") == "valide"
    assert header.unfolded("x-mss-dechiffrement") == "dechiffre"


@pytest.mark.parametrize("signature", [one for one in Signature if one is not Signature.VALID])
def test_any_other_tells_why_and_names_nobody(signature: Signature) -> None:
    made = fields(Verdict(signature, Decryption.NOT_ENCRYPTED), "mx.mss.example")
    value = scan(made + b"\r\n").header.unfolded("authentication-results")
    expected = f"mx.mss.example; smime={SIGNATURES[signature].result} reason={signature.value}"
    assert value == expected


def test_an_issuer_stands_beside_its_number_only() -> None:
    alone = Verdict(Signature.VALID, Decryption.NOT_ENCRYPTED, issuer="CN=X")
    assert b"issuer" not in fields(alone, "mx.mss.example")


def test_a_stamp_can_be_read_again() -> None:
    for signature in Signature:
        for decryption in Decryption:
            stamped = stamp(RAW, Verdict(signature, decryption), "mx.mss.example")
            assert read(scan(stamped).header) == (signature, decryption)
            assert stamped.endswith(RAW)


def test_a_verdict_from_outside_goes() -> None:
    forged = (
        b"X-MSS-Signature: valide\r\n"
        b"Authentication-Results: mx.mss.example;\r\n smime=pass\r\n"
        b"x-mss-SIGNATURE: valide\r\n"
        b"X-MSS-Dechiffrement: dechiffre\r\n"
        b"AUTHENTICATION-RESULTS: other.example; spf=pass\r\n"
    )
    assert strip(forged + RAW) == RAW
    stamped = stamp(
        forged + RAW, Verdict(Signature.ABSENT, Decryption.NOT_ENCRYPTED), "mx.mss.example"
    )
    header = scan(stamped).header
    assert [value.strip() for value in header.all("x-mss-signature")] == [b"absente"]
    assert len(header.all("authentication-results")) == 1


@pytest.mark.parametrize(
    "claimed",
    [
        b"",
        b"X-MSS-Signature: valide\r\n",
        b"X-MSS-Signature: valide\r\nX-MSS-Dechiffrement: parfait\r\n",
        b"X-MSS-Signature: valide\r\nX-MSS-Signature: valide\r\nX-MSS-Dechiffrement: dechiffre\r\n",
    ],
)
def test_what_no_stamp_wrote_is_not_read(claimed: bytes) -> None:
    assert read(scan(claimed + RAW).header) is None


def test_a_line_end_in_a_value_is_refused_or_made_harmless() -> None:
    verdict = Verdict(Signature.VALID, Decryption.DECRYPTED, signer="a@b.fr\r\nX-Evil: 1")
    assert b"X-Evil: 1" not in fields(verdict, "mx.mss.example").split(b"\r\n")
    with pytest.raises(HeaderInjection):
        fields(VALID, "mx\r\nX-Evil: 1")
