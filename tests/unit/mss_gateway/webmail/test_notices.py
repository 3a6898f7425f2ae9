"""« Notifications »: an address is given, confirmed, exchanged; switches; what is refused."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.applications import Starlette

from mss_gateway.directory import contact, notices
from mss_gateway.directory.contact import BETWEEN_CODES, TRIES, State
from mss_gateway.directory.notice_kinds import CHOICES, Kind
from mss_gateway.life import notices as life
from mss_gateway.life import notices_contact
from mss_gateway.webmail.app import build
from mss_gateway.webmail.sessions import FRESH_SECONDS
from tests.support import site as sites
from tests.support.asgi import Answer, Browser
from tests.support.plain_relay import settings, telling
from tests.support.site import Site
from tests.support.webmail import signed_in

PAGE = "/compte/notifications"
ADDRESS = "boite-7@courriel.example"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site that sends notices."""
    with sites.opened(tmp_path) as opened:
        opened.gateway = telling(opened.gateway, settings())
        yield opened


@pytest.fixture
def app(site: Site) -> Starlette:
    return build(site.gateway)


@pytest.fixture
def camille(app: Starlette, site: Site) -> Browser:
    browser = signed_in(app, site, site.camille)
    browser.get(PAGE)
    return browser


def act(browser: Browser, name: str, **fields: str | list[str]) -> Answer:
    return browser.post(PAGE, {"acte": name, **fields})


def code_of(site: Site) -> str:
    (found,) = life.take(site.gateway, 10)
    return found.code


def kept(site: Site) -> contact.Contact:
    with site.gateway.database.read() as view:
        return contact.of_account(view, site.camille.account_id)


def test_an_address_is_given_and_confirmed(site: Site, camille: Browser) -> None:
    answer = act(camille, "adresse", adresse=" Boite-7@Courriel.example ")
    assert (answer.status, answer.location) == (303, f"{PAGE}?note=code")
    page = camille.get(answer.location)
    assert "Le code est parti." in page.text
    assert ADDRESS in page.text
    assert kept(site).state is State.NONE
    answer = act(camille, "code", code=code_of(site))
    assert (answer.status, answer.location) == (303, f"{PAGE}?note=adresse")
    page = camille.get(answer.location)
    assert "Votre adresse est confirmée." in page.text
    assert f"Les notifications arrivent à {ADDRESS}." in page.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("camille", "n'a pas la forme attendue"),
        ("", "n'a pas la forme attendue"),
        ("x" * 2_000 + "@courriel.example", "n'a pas la forme attendue"),
        ("camille@mss.example", "est une adresse de santé"),
        ("x@patient.mss.example", "est une adresse de santé"),
    ],
)
def test_what_cannot_be_used_is_said_beside_the_field(
    site: Site, camille: Browser, typed: str, said: str
) -> None:
    answer = act(camille, "adresse", adresse=typed)
    assert answer.status == 422
    assert said in answer.text
    assert 'id="adresse-erreur"' in answer.text
    assert kept(site) == contact.NO_CONTACT


def test_what_was_typed_is_shown_again_and_harmless(camille: Browser) -> None:
    answer = act(camille, "adresse", adresse='"><script>x</script>@courriel.example')
    assert answer.status == 422
    assert b"<script>x" not in answer.content


def test_wrong_codes_and_no_more(site: Site, camille: Browser) -> None:
    act(camille, "adresse", adresse=ADDRESS)
    code = code_of(site)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for _ in range(TRIES - 1):
        answer = act(camille, "code", code=wrong)
        assert answer.status == 422
        assert "n'est pas le bon" in answer.text
    assert "ne peut plus servir" in act(camille, "code", code=wrong).text
    answer = act(camille, "code", code=code)
    assert answer.status == 422
    assert 'name="code"' not in answer.text  # another one must be asked for
    assert kept(site).state is State.NONE


def test_codes_are_rationed_in_words(site: Site, camille: Browser) -> None:
    act(camille, "adresse", adresse=ADDRESS)
    answer = act(camille, "renvoyer")
    assert answer.status == 422
    assert "Attendez une minute" in answer.text
    for _ in range(4):
        site.clock.advance(BETWEEN_CODES)
        assert act(camille, "renvoyer").status == 303
    site.clock.advance(BETWEEN_CODES)
    assert "Réessayez demain" in act(camille, "renvoyer").text


def test_giving_up_and_another_address(site: Site, camille: Browser) -> None:
    act(camille, "adresse", adresse=ADDRESS)
    assert act(camille, "abandonner").location == PAGE
    assert 'name="adresse"' in camille.get(PAGE).text
    assert kept(site).pending == ""


def test_an_address_is_removed(site: Site, camille: Browser) -> None:
    account_id = site.camille.account_id
    site.gateway.database.write(
        lambda tx: notices_contact.place(site.gateway, tx, account_id, ADDRESS, "operator")
    )
    assert act(camille, "retirer").location == f"{PAGE}?note=retiree"
    page = camille.get(f"{PAGE}?note=retiree")
    assert "Votre adresse est retirée" in page.text
    assert ADDRESS not in page.text


def test_an_address_that_fails_says_so(site: Site, camille: Browser) -> None:
    account_id = site.camille.account_id
    database = site.gateway.database
    database.write(lambda tx: contact.place(tx, account_id, ADDRESS))
    database.write(lambda tx: contact.mark_failing(tx, account_id, ADDRESS))
    assert f"Les courriels envoyés à {ADDRESS} sont refusés" in camille.get(PAGE).text


def test_a_code_that_nobody_could_be_given_says_so(site: Site, camille: Browser) -> None:
    act(camille, "adresse", adresse=ADDRESS)
    account_id = site.camille.account_id
    site.gateway.database.write(lambda tx: contact.mark_failing(tx, account_id, ADDRESS))
    assert f"n'a pas pu être remis à {ADDRESS}" in camille.get(PAGE).text


def test_switches_are_on_and_stay_as_they_are_put(site: Site, camille: Browser) -> None:
    assert camille.get(PAGE).content.count(b" checked>") == len(CHOICES)
    answer = act(camille, "choix", avis=[Kind.MESSAGE.value, Kind.PASSWORD_CHANGED.value, "rien"])
    assert answer.location == f"{PAGE}?note=choix"
    assert camille.get(PAGE).content.count(b" checked>") == 1
    with site.gateway.database.read() as view:
        off = notices.switched_off(view, site.camille.account_id)
    assert off == {each.kind for each in CHOICES} - {Kind.MESSAGE}
    act(camille, "choix")
    assert camille.get(PAGE).content.count(b" checked>") == 0


def test_one_patients_choices_are_no_others(site: Site, app: Starlette, camille: Browser) -> None:
    noe = signed_in(app, site, site.noe)
    act(camille, "choix")
    act(camille, "adresse", adresse=ADDRESS)
    page = noe.get(PAGE)
    assert page.content.count(b" checked>") == len(CHOICES)
    assert ADDRESS not in page.text


@pytest.mark.parametrize("name", ["", "autre", "adresse "])
def test_an_act_that_there_is_not_is_refused(camille: Browser, name: str) -> None:
    assert act(camille, name).status == 403


def test_the_page_says_what_an_email_holds(camille: Browser) -> None:
    text = camille.get(PAGE).text
    assert "Jamais le nom d'une personne" in text
    assert "sécurité de votre accès" in text


def test_without_a_relay_none_is_asked_for_an_address(tmp_path: Path) -> None:
    with sites.opened(tmp_path / "off") as opened:
        browser = signed_in(build(opened.gateway), opened, opened.camille)
        page = browser.get(PAGE)
        assert "n'envoie pas de courriel" in page.text
        assert b'name="adresse"' not in page.content
        assert act(browser, "adresse", adresse=ADDRESS).status == 403


@pytest.mark.parametrize("act_name", ["adresse", "retirer"])
def test_where_warnings_arrive_changes_after_a_code_only(
    act_name: str, site: Site, camille: Browser
) -> None:
    act(camille, "adresse", adresse=ADDRESS)
    act(camille, "code", code=code_of(site))
    site.clock.advance(FRESH_SECONDS)
    camille.get(PAGE)
    before = kept(site)
    answer = act(camille, act_name, adresse="ailleurs@courriel.example")
    assert answer.location == f"/confirmer?retour={quote(PAGE, safe='')}"
    assert kept(site) == before
    camille.get(answer.location)
    assert (
        camille.post("/confirmer", {"code": site.code(site.camille), "retour": PAGE}).status == 303
    )
    camille.get(PAGE)
    assert act(camille, act_name, adresse="ailleurs@courriel.example").location.startswith(
        f"{PAGE}?"
    )
    assert kept(site) != before


def test_what_is_told_may_be_chosen_without_one(site: Site, camille: Browser) -> None:
    site.clock.advance(FRESH_SECONDS)
    camille.get(PAGE)
    assert act(camille, "choix", avis=[]).location == f"{PAGE}?note=choix"
