"""Words as a search compares them."""

import pytest

from mss_gateway.dossier.search_words import (
    QUERY_WORDS,
    WORD_LETTERS,
    holds_all,
    query_of,
    terms_of,
    words_of,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Écho-Doppler de l'ARTÈRE", ["echo", "doppler", "de", "l", "artere"]),
        ("œdème cæcum", ["oedeme", "caecum"]),
        ("e\u0301te\u0301", ["ete"]),
        ("Straße İstanbul ŁÓDŹ", ["strasse", "istanbul", "lodz"]),
        ("coeﬃcient 10³ ½", ["coefficient", "103", "1", "2"]),
        ("CR_NFS-2025.pdf", ["cr", "nfs", "2025", "pdf"]),
        ("hyper\u00adtension", ["hypertension"]),
        ("7,2 g/L", ["7", "2", "g", "l"]),
        ("بيانات 检查", ["بيانات", "检查"]),
        ("  \t\n -- ", []),
        ("", []),
        ("\ud800 x", ["x"]),
    ],
)
def test_words_have_no_case_no_accents_and_no_ligatures(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_a_long_word_is_known_by_its_beginning() -> None:
    assert words_of("a" * WORD_LETTERS) == ["a" * WORD_LETTERS]
    assert words_of("a" * 10_000) == ["a" * WORD_LETTERS]
    assert holds_all(terms_of(["a" * 10_000]), query_of("a" * 5_000))


def test_terms_are_each_once_and_bounded() -> None:
    assert terms_of(["un deux un", "Deux trois"]) == {b"un", b"deux", b"trois"}
    assert terms_of(["un deux trois"], limit=8) == {b"un", b"deux"}
    assert terms_of(["un deux trois"], limit=7) == {b"un"}


def test_of_words_that_begin_each_other_the_longer_is_asked_for() -> None:
    assert query_of("card cardio Cardiologie") == (b"cardiologie",)
    assert query_of("  ") == ()
    assert set(query_of("sang bilan sanguin")) == {b"sanguin", b"bilan"}


def test_words_of_a_search_are_bounded() -> None:
    assert len(query_of(" ".join(f"{n}x" for n in range(QUERY_WORDS + 5)))) == QUERY_WORDS


def test_each_word_must_begin_a_term() -> None:
    terms = terms_of(["Bilan sanguin complet"])

    assert holds_all(terms, query_of("sang bil"))
    assert not holds_all(terms, query_of("sanguins"))
    assert not holds_all(terms, query_of("sang absent"))
