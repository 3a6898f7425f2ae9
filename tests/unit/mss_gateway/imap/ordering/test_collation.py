"""i;unicode-casemap: what counts as the same text, and which text comes first."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.imap.ordering.collation import KEY_CHARACTERS, casemap, collation_key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", ""),
        ("Compte rendu", "COMPTE RENDU"),
        ("\u01c4", "Dz\u030c"),  # the example of RFC 5051 §2
        ("\u01c6", "Dz\u030c"),
        ("é", "E\u0301"),
        ("straße", "STRAßE"),  # one character to one: SpecialCasing.txt has no part in it
        ("ﬁn", "fiN"),  # what a decomposition brings is not put in title case
        ("Ⅸ", "IX"),
        ("ı", "I"),
        ("İ", "I\u0307"),
        ("²", "2"),
        ("ς", "Σ"),
        ("\u1e9b\u0323", "S\u0323\u0307"),
        ("각", "\u1100\u1161\u11a8"),
    ],
)
def test_a_text_becomes_its_key(text: str, key: str) -> None:
    assert casemap(text) == key


@pytest.mark.parametrize(("one", "other"), [("ÉTÉ", "e\u0301te\u0301"), ("Œuvre", "œUVRE")])
def test_case_and_composition_do_not_count(one: str, other: str) -> None:
    assert casemap(one) == casemap(other)


def test_letters_with_marks_stand_with_their_letter() -> None:
    assert sorted(["zèbre", "Été", "avis", "etabli", "été"], key=casemap) == [
        "avis",
        "etabli",
        "Été",
        "été",
        "zèbre",
    ]


@given(st.text())
def test_a_key_is_decomposed_and_bounded(text: str) -> None:
    key = casemap(text)
    assert unicodedata.is_normalized("NFKD", key)
    assert len(key) <= 18 * len(text)
    assert key.encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass") == key


@given(st.text(), st.text())
def test_the_order_of_keys_is_that_of_their_octets(one: str, other: str) -> None:
    keys = casemap(one), casemap(other)
    octets = [key.encode("utf-8", "surrogatepass") for key in keys]
    assert (keys[0] < keys[1]) == (octets[0] < octets[1])


def test_what_is_alike_for_the_length_of_a_key_is_the_same() -> None:
    same = "x" * KEY_CHARACTERS
    assert collation_key(same + "a") == collation_key(same + "b")
    assert collation_key(same[1:] + "a") != collation_key(same[1:] + "b")


def test_no_key_is_longer_however_much_its_text_grows() -> None:
    assert len(casemap("\ufdfa")) == 18
    assert len(collation_key("\ufdfa" * KEY_CHARACTERS)) == KEY_CHARACTERS
