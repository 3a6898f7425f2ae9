"""Which language and which colours a visitor gets, with and without a choice."""

import pytest

from mss_gateway.texts import Language
from mss_gateway.webmail import preferences
from mss_gateway.webmail.pages import brief, count, initials, octets, sentence, when
from mss_gateway.webmail.preferences import LANGUAGE_COOKIE, THEME_COOKIE, Theme, speaking
from tests.support.asgi import Browser
from tests.support.site import NOW

FR, EN = Language.FRENCH, Language.ENGLISH


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("", FR),
        ("fr-FR,fr;q=0.9,en;q=0.8", FR),
        ("en-GB,en;q=0.9", EN),
        ("de,en;q=0.5", EN),
        ("de", FR),
        ("en;q=0.5, fr;q=0.5", FR),
        ("EN", EN),
        ("en;q=0", FR),
        ("en;q=2", FR),
        ("en;q=x", FR),
        ("en;q=0.٣", FR),
        ("en;v=1", FR),
        ("x" * 300 + ",en", FR),
        (",;,en;q=1.0", EN),
    ],
)
def test_the_language_that_a_browser_asks_for(asked: str, language: Language) -> None:
    assert preferences.preferred(asked) is language


def test_the_choice_goes_before_what_the_browser_asks_for() -> None:
    found = preferences.of_request(
        {LANGUAGE_COOKIE: "fr", THEME_COOKIE: "sombre"}, {"accept-language": "en"}
    )
    assert (found.language, found.theme) == (FR, Theme.DARK)


@pytest.mark.parametrize("value", ["", "de", "<script>", "EN"])
def test_a_cookie_that_is_none_of_ours_counts_for_nothing(value: str) -> None:
    found = preferences.of_request({LANGUAGE_COOKIE: value, THEME_COOKIE: value}, {})
    assert (found.language, found.theme) == (FR, Theme.AUTOMATIC)


def test_numbers_and_moments_are_said_in_the_language_of_the_visit() -> None:
    assert (count(12_408), octets(2_400_000)) == ("12\u202f408", "2,4 Mo")
    assert brief(NOW - 3 * 86_400, NOW) == "19\u00a0nov."
    with speaking(EN):
        assert (count(12_408), octets(2_400_000)) == ("12,408", "2.4 MB")
        assert when(NOW, NOW) == "today at 10:33"
        assert brief(NOW - 86_400, NOW) == "yesterday"
        assert brief(NOW - 400 * 86_400, NOW) == "18\u00a0Oct\u00a02025"
        assert sentence("web.a_qui") == "Who are you writing to?"
        assert sentence("web.a_qui", language=FR).startswith("À qui")
    assert sentence("web.a_qui").startswith("À qui")


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Dr Claire MARTIN", "CM"),
        ("Pharmacie de la Gare", "PD"),
        ("Jean-Luc", "JL"),
        ("Dr", "D"),
        ("", ""),
        ("<script>", ""),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_a_visitor_chooses_and_comes_back_to_where_they_were(stranger: Browser) -> None:
    stranger.get("/aide")
    answer = stranger.post("/langue", {"langue": "en", "retour": "/aide"})
    assert (answer.status, answer.location) == (303, "/aide")
    set_cookie = answer.header("set-cookie").lower()
    assert all(one in set_cookie for one in ("secure", "httponly", "samesite=lax", "path=/"))
    page = stranger.get("/aide")
    assert '<html lang="en"' in page.text and "What to do in an emergency" in page.text
    assert page.header("content-language") == "en"
    answer = stranger.post("/apparence", {"apparence": "sombre", "retour": "/aide"})
    assert answer.status == 303
    assert 'data-theme="sombre"' in stranger.get("/aide").text
    assert "This page does not exist." in stranger.get("/rien").text


def test_a_patient_chooses_too(camille: Browser) -> None:
    camille.get("/messages/recus?avant=9&fait=envoye")
    assert camille.post("/langue", {"langue": "en", "retour": "/compte"}).location == "/compte"
    page = camille.get("/messages/recus?avant=9&fait=envoye").text
    assert "Your message is sent." in page and "You have no message yet." in page


@pytest.mark.parametrize(
    "place",
    [
        "",
        "//ailleurs.example",
        "https://ailleurs.example",
        "/\\ailleurs.example",
        "/a\r\nX: y",
        "javascript:alert(1)",
        "/" + "a" * 3000,
        "/a//../é",
    ],
)
def test_only_a_place_of_ours_is_gone_back_to(place: str, stranger: Browser) -> None:
    answer = stranger.post("/langue", {"langue": "en", "retour": place})
    assert (answer.status, answer.location) == (303, "/accueil")


@pytest.mark.parametrize(("path", "name"), [("/langue", "langue"), ("/apparence", "apparence")])
def test_what_is_not_offered_is_not_kept(path: str, name: str, stranger: Browser) -> None:
    answer = stranger.post(path, {name: "autre", "retour": "/aide"})
    assert answer.status == 403
    assert LANGUAGE_COOKIE not in stranger.cookies and THEME_COOKIE not in stranger.cookies
