"""« Classement automatique »: off until the patient says so, and then as they said."""

import re

from mss_gateway.message.build import OutgoingFile
from tests.support.asgi import Browser
from tests.support.site import Site
from tests.support.webmail import pdf

RULES = "/dossier/regles"


def tokens(page: str) -> list[str]:
    return re.findall(r'name="correspondant" value="([^"]+)"', page)


def chosen_origin(page: str) -> str:
    return re.findall(r'name="de" value="([a-z]+)" checked', page)[0]


def send(site: Site, number: int) -> None:
    content = pdf() + b"%d" % number
    sent = OutgoingFile(f"Bilan {number}.pdf", "application/pdf", content)
    raw = site.written(site.claire, site.camille, "Bilan", files=(sent,))
    site.deliver(site.claire, site.camille, raw)


def count(browser: Browser) -> int:
    return browser.get("/dossier").text.count('class="doc-title"')


def test_nothing_is_filed_until_the_patient_says_so(camille: Browser, site: Site) -> None:
    send(site, 1)

    assert chosen_origin(camille.get(RULES).text) == "nobody"
    assert count(camille) == 0


def test_everyone_s_attachments_are_filed_under_the_chosen_section(
    camille: Browser, site: Site
) -> None:
    camille.get(RULES)
    answer = camille.post(RULES, {"de": "anyone", "categorie": "DOCPAT05"})
    assert (answer.status, answer.location) == (303, f"{RULES}?fait=regle")
    page = camille.get(answer.location).text
    assert "Votre règle est enregistrée." in page
    assert chosen_origin(page) == "anyone"
    assert '<option value="DOCPAT05" selected>' in page

    send(site, 1)

    assert count(camille) == 1
    assert "Bilan 1" in camille.get("/dossier?categorie=DOCPAT05").text
    assert "Bilan 1" in camille.get("/dossier/journal?cote=autres").text


def test_chosen_correspondents_are_shown_as_chosen(camille: Browser, site: Site) -> None:
    send(site, 1)
    (claire, *_) = tokens(camille.get(RULES).text)
    camille.post(RULES, {"de": "chosen", "correspondant": claire, "categorie": ""})

    page = camille.get(RULES).text
    assert chosen_origin(page) == "chosen"
    assert f'value="{claire}" checked' in page

    send(site, 2)
    assert count(camille) == 1


def test_nobody_chosen_is_told_and_changes_nothing(camille: Browser, site: Site) -> None:
    send(site, 1)
    camille.get(RULES)
    camille.post(RULES, {"de": "anyone"})

    answer = camille.post(RULES, {"de": "chosen", "correspondant": "forged"})

    assert answer.status == 422
    assert "Choisissez au moins un correspondant" in answer.text
    assert chosen_origin(camille.get(RULES).text) == "anyone"


def test_what_is_no_rule_is_no_filing(camille: Browser, site: Site) -> None:
    camille.get(RULES)
    camille.post(RULES, {"de": "anyone"})
    camille.post(RULES, {"de": "tout le monde", "categorie": "x"})

    assert chosen_origin(camille.get(RULES).text) == "nobody"


def test_a_rule_is_its_patient_s_alone(camille: Browser, noe: Browser) -> None:
    camille.get(RULES)
    camille.post(RULES, {"de": "anyone"})

    assert chosen_origin(noe.get(RULES).text) == "nobody"


def test_the_page_shows_no_address(camille: Browser, site: Site) -> None:
    send(site, 1)

    page = camille.get(RULES).text

    assert "Dr Claire MARTIN" in page
    assert site.claire.address not in page
