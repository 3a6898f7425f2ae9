"""The words of RTF files, whatever else is in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.dossier import rtf
from mss_gateway.dossier.rtf import MAX_TEXT, is_rtf, rtf_text


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (rb"{\rtf1 Bonjour}", "Bonjour"),
        (rb"{\rtf1\ansi un\par deux\line trois}", "un\ndeux\ntrois"),
        (rb"{\rtf1 caf\'e9}", "café"),
        (rb"{\rtf1\ansicpg1250 \'9a}", "š"),
        (rb"{\rtf1\ansicpg99999 \'e9}", "é"),
        (rb"{\rtf1 l\u8217?eau \u233\'e9t\u233\'e9}", "l’eau été"),
        (rb"{\rtf1\uc0 \u233t\u233}", "été"),
        (rb"{\rtf1\uc2 \u233??t}", "ét"),
        (rb"{\rtf1 \u-10179?x}", "\ufffdx"),
        (rb"{\rtf1 \{a\} \\ b\~c\-d}", "{a} \\ b\u00a0cd"),
        (rb"{\rtf1{\fonttbl{\f0 Arial;}}{\colortbl;}{\info{\author X}}texte}", "texte"),
        (rb"{\rtf1{\*\generator Word;}{\*\unknown{x}}texte}", "texte"),
        (rb"{\rtf1{\pict\pngblip 89504e47}texte{\object{\objdata 00}}}", "texte"),
        (rb"{\rtf1{\field{\*\fldinst HYPERLINK x}{\fldrslt ici}}}", "ici"),
        (rb"{\rtf1 a\cell b\cell\row c}", "a\tb\nc"),
        (rb"{\rtf1 {\b gras} et {\i italique}}", "gras et italique"),
        (b"{\\rtf1 ligne\nsuite\\\nfin}", "lignesuite\nfin"),
        (rb"{\rtf1 a\par\par\par\par b}", "a\n\nb"),
        (rb"{\rtf1 sans fin", "sans fin"),
        (rb"{\rtf1 a}}}} b", "a b"),
        (rb"{\rtf1 <script>alert(1)</script>}", "<script>alert(1)</script>"),
        (rb"{\rtf1 a\bin4 {\}}b}", "ab"),
        (b"{\\rtf1", ""),
        (b"bonjour", ""),
        (b"", ""),
    ],
)
def test_words(written: bytes, expected: str) -> None:
    assert rtf_text(written) == expected


def test_rtf_is_known_by_its_beginning() -> None:
    assert is_rtf(b"{\\rtf1}")
    assert not is_rtf(b" {\\rtf1}")


def test_size_is_bounded_at_the_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtf, "MAX_BYTES", 10)

    assert rtf_text(b"{\\rtf1 abc") == "abc"
    assert rtf_text(b"{\\rtf1 abcd") == ""


def test_words_are_bounded() -> None:
    assert len(rtf_text(b"{\\rtf1 " + b"x" * (MAX_TEXT + 1) + b"\\par y}")) == MAX_TEXT


def test_signs_are_bounded_at_the_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtf, "MAX_TOKENS", 6)

    assert rtf_text(b"{\\rtf1 a{}b}") == "ab"
    assert rtf_text(b"{\\rtf1 a{}{}b}") == "a"


def test_groups_within_groups_are_bounded() -> None:
    assert rtf_text(b"{\\rtf1 a" + b"{" * 100_000 + b"b") == "a"


@given(st.binary(max_size=200))
def test_any_bytes_give_some_text(tail: bytes) -> None:
    text = rtf_text(b"{\\rtf1 " + tail)

    assert text == text.strip()
