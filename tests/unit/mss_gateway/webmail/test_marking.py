"""Words marked in a text, and the piece of it that is shown."""

import pytest

from mss_gateway.webmail.marking import BEFORE, EXTRACT, LOOKED_AT, Span, extract, marked


def whole(spans: tuple[Span, ...]) -> str:
    return "".join(span.text for span in spans)


@pytest.mark.parametrize(
    ("text", "words", "marks"),
    [
        ("Vos résultats", [b"result"], ["résultats"]),
        ("L'ORDONNANCE, l'ordonnance", [b"ordon"], ["ORDONNANCE", "ordonnance"]),
        ("sœur et soeur", [b"soeur"], ["sœur", "soeur"]),
        ("e\u0301te\u0301", [b"ete"], ["été"]),
        ("rien", [b"autre"], []),
        ("", [b"un"], []),
        ("un mot", [], []),
    ],
)
def test_words_are_marked_as_they_stand(text: str, words: list[bytes], marks: list[str]) -> None:
    spans = marked(text, words)
    assert [span.text for span in spans if span.is_marked] == marks
    assert len(whole(spans)) <= len(text)


def test_an_extract_begins_a_little_before_the_word() -> None:
    text = "mot " * 500 + "aiguille " + "fin " * 500
    spans = extract(text, [b"aiguille"])
    at = whole(spans).index("aiguille")
    assert 0 < at <= BEFORE + 2 and len(whole(spans)) <= EXTRACT + 4
    assert spans[0].text == "… " and spans[-1].text == " …"


def test_without_the_word_the_text_s_beginning_is_shown() -> None:
    assert whole(extract("Bonjour,\n\n voici.", [b"absent"])) == "Bonjour, voici."


def test_one_endless_word_is_cut() -> None:
    spans = extract("a" * 100_000, [b"a"])
    assert len(whole(spans)) <= EXTRACT + 4


def test_a_word_far_down_is_not_looked_for() -> None:
    text = "x " * LOOKED_AT + "aiguille"
    assert not any(span.is_marked for span in extract(text, [b"aiguille"]))
