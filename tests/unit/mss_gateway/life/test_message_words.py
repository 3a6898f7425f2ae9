"""What a message is found by, and what is made of what somebody typed."""

import json

import pytest

from mss_gateway.life import message_words
from mss_gateway.life.message_words import Asked, Said, asked_of
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import Summary, summarise

LETTER = (
    b"From: Secretariat <claire.martin@hopital.example>\r\n"
    b"To: =?utf-8?Q?Zo=C3=A9?= <zoe@patient.example>\r\n"
    b"Subject: =?utf-8?Q?Vos_r=C3=A9sultats?=\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<style>couleur</style><td>fin</td><td>d\xc3\xa9but</td>\r\n"
    b'--b\r\nContent-Type: application/pdf; name="Scanner.pdf"\r\n\r\nx\r\n--b--\r\n'
)
SIGNED = json.dumps({"signer": "Dr Claire MARTIN"}).encode()


def said(raw: bytes = LETTER, evidence: bytes = SIGNED) -> Said:
    return message_words.said(Summary(summarise(scan(raw))), evidence, raw)


@pytest.mark.parametrize(
    ("words", "is_held"),
    [
        ("martin", True),
        ("zoe resultat", True),
        ("scanner", True),
        ("DÉBUT fin", True),
        ("couleur", False),
        ("hopital", False),
        ("findebut", False),
        ("artin", False),
        ('"claire martin"', True),
        ('"martin claire"', False),
        ('"vos result"', True),
        ('"result vos"', False),
        ('"fin début"', True),
    ],
)
def test_a_message_is_found_by_its_names_title_text_and_files(words: str, is_held: bool) -> None:
    assert message_words.holds(said(), asked_of(words)) is is_held


def test_what_is_found_by_reading_is_found_by_the_index() -> None:
    words = message_words.terms(said())
    assert {b"martin", b"zoe", b"resultats", b"scanner", b"pdf", b"debut"} <= words
    assert message_words.KNOWN in words
    assert message_words.KNOWN not in asked_of("martin.").words


def test_a_message_that_cannot_be_taken_apart_has_names_and_a_title() -> None:
    summary = Summary(summarise(scan(LETTER)))
    torn = message_words.said(summary, b"", b"\x00no header\r\n" + b"x" * 100)
    assert torn.title == "Vos résultats" and torn.files == ()


def test_an_end_of_the_text_that_was_not_read_is_not_found() -> None:
    summary = Summary(summarise(scan(LETTER)))
    cut = message_words.said(summary, SIGNED, LETTER[: LETTER.index(b"<td>d")])
    assert message_words.holds(cut, asked_of("fin"))
    assert not message_words.holds(cut, asked_of("scanner"))


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("", Asked(())),
        ('"un"', Asked((b"un",))),
        ('"compte rendu" de', Asked((b"compte", b"rendu", b"de"), (("compte", "rendu"),))),
        ("«a b» “c d”", Asked((b"a", b"b", b"c", b"d"), (("a", "b"), ("c", "d")))),
        ('"ouvert sans fin', Asked((b"ouvert", b"sans", b"fin"))),
    ],
)
def test_quotation_marks_keep_words_together(typed: str, asked: Asked) -> None:
    found = asked_of(typed)
    assert sorted(found.words) == sorted(asked.words)
    assert found.phrases == asked.phrases


def test_very_much_typed_is_cut() -> None:
    many = asked_of(" ".join(f'"mot{at:03} puis{at:03}"' for at in range(50)))
    assert len(many.words) == 12 and len(many.phrases) == message_words.PHRASES
