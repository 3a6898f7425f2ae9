"""Encoded words, unfolding, and what is safe to show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.message.charsets import decode_text
from mss_gateway.message.words import (
    decode_base64,
    decode_words,
    display_safe,
    encode_words,
    unfold,
)


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("plain", "plain"),
        ("=?utf-8?Q?R=C3=A9sultats?=", "Résultats"),
        ("=?UTF-8?b?UsOpc3VsdGF0cw==?=", "Résultats"),
        ("=?UTF-8?b?UsOpc3VsdGF0cw?=", "Résultats"),
        ("=?iso-8859-15?q?10_=A4?=", "10 €"),
        ("=?utf-8*fr?q?=C3=A9?=", "é"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?= \t=?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
        ("x =?utf-8?q?=C3?==?utf-8?q?=A9?= y", "x é y"),
        ("=?utf-8?q?a?= =?iso-8859-1?q?=E9?=", "aé"),
        ("=?unknown?q?=C3=A9?=", "é"),
        ("=?zip?q?abc?=", "abc"),
        ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        ("=?utf-8?q?a b?=", "=?utf-8?q?a b?="),
        ("=?utf-8?q?", "=?utf-8?q?"),
        ("=?utf-8?b?!!!!?=", ""),
        ("=?utf-8?b?A?=", ""),
    ],
)
def test_encoded_words_are_decoded(text: str, decoded: str) -> None:
    assert decode_words(text) == decoded


def test_many_encoded_words_cost_linear_time() -> None:
    assert decode_words("=?utf-8?q?a?= " * 20_000).strip() == "a" * 20_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  a \t b\r\nc ", "a b c"),
        ("a\u202eb\u2066c\u200fd", "abcd"),
        ("a\u200bb\u00adc\ufeffd", "abcd"),
        ("a\u3164b\u2800c\u115fd\ufe0fe\U000e0101f", "abcdef"),
        ("a\x00b\x1bc\x7fd\x85e", "abcde"),
        ("e\u0301", "é"),
        ("a\u00a0b\u2028c", "a b c"),
        ("facture\u202efdp.exe", "facturefdp.exe"),
        ("Zoë ŒUVRE № 5", "Zoë ŒUVRE № 5"),
    ],
)
def test_what_misleads_the_eye_is_not_shown(text: str, shown: str) -> None:
    assert display_safe(text) == shown


def test_what_is_shown_is_cut_at_its_limit() -> None:
    assert display_safe("é" * 501) == "é" * 500
    assert display_safe("\u4e2d" * 6, limit=5) == "\u4e2d" * 5


def test_unfolding_keeps_the_white_space_of_the_fold() -> None:
    assert unfold(" a\r\n b\r\n\tc ") == "a b\tc"


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"]), max_size=200))
def test_what_is_encoded_decodes_to_itself(text: str) -> None:
    words = encode_words(text)
    assert decode_words(" ".join(words)) == text
    assert all(len(word) <= 75 and word.isascii() for word in words)


@given(st.binary(max_size=100), st.sampled_from(["utf-8", "us-ascii", "x", "UTF-16", "big5", ""]))
def test_any_bytes_in_any_charset_are_some_text(octets: bytes, charset: str) -> None:
    assert isinstance(decode_text(octets, charset), str)


def test_a_wrong_charset_falls_back() -> None:
    assert decode_text(b"caf\xc3\xa9", "us-ascii") == "café"
    assert decode_text(b"caf\xe9", "utf-8") == "café"
    assert decode_text(b"+AGE-", "utf-7") == "+AGE-"


@given(st.binary(max_size=100))
def test_base64_is_read_whatever_is_between_its_characters(octets: bytes) -> None:
    import base64

    text = base64.b64encode(octets)
    assert decode_base64(b"\r\n".join(text[n : n + 7] for n in range(0, len(text), 7))) == octets
    assert decode_base64(text.rstrip(b"=")) == octets
