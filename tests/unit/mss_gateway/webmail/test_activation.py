"""A first access and each recovery: the code, the password, the second factor, the codes."""

import re

import pyotp
import pytest
from starlette.applications import Starlette

from mss_gateway.directory import activation, passwords, people, security_events
from mss_gateway.directory.activation import Purpose
from mss_gateway.directory.people import Person
from mss_gateway.directory.security_events import Event
from mss_gateway.life import access
from mss_gateway.observability import audit
from mss_gateway.webmail.sessions import SESSION_COOKIE
from policies.people import Standing
from tests.support.asgi import Answer, Browser
from tests.support.people import PATIENT_DOMAIN
from tests.support.site import PASSWORD, Site
from tests.support.webmail import NEW_PASSWORD, enrolling, granted, signed_in

FACTOR = "/activation/second-facteur"


def offered(browser: Browser) -> str:
    """The TOTP secret that the page shows as text."""
    found = re.search(r'class="code">([A-Z2-7]{32})<', browser.get(FACTOR).text)
    assert found is not None
    return found[1]


def confirmed(browser: Browser, site: Site) -> tuple[str, Answer]:
    """A code of the new application; its secret, and the page that comes."""
    secret = offered(browser)
    return secret, browser.post(FACTOR, {"code": pyotp.TOTP(secret).at(int(site.clock()))})


def shown_codes(page: Answer) -> list[str]:
    return re.findall(r'class="code">((?:[a-z2-9]{5}-){2}[a-z2-9]{5})<', page.text)


def sign_in(app: Starlette, site: Site, person: Person, password: str, code: str) -> Answer:
    browser = Browser(app)
    browser.get("/connexion")
    fields = {"identifiant": person.address, "mot_de_passe": password}
    answer = browser.post("/connexion", fields)
    if answer.location != "/connexion/code":
        return answer
    browser.get("/connexion/code")
    return browser.post("/connexion/code", {"code": code})


def events(site: Site, person: Person) -> list[Event]:
    with site.gateway.database.read() as view:
        return [one.event for one in security_events.latest(view, person.account_id)]


def test_a_code_becomes_a_password_a_second_factor_and_ten_codes(
    app: Starlette, site: Site
) -> None:
    site.gateway.database.write(
        lambda tx: people.set_standing(tx, site.camille.account_id, Standing.CREATED)
    )
    browser = enrolling(app, site, site.camille)
    secret, page = confirmed(browser, site)
    assert page.status == 200
    codes = shown_codes(page)
    assert len(codes) == 10
    assert browser.get("/accueil").status == 200
    with site.gateway.database.read() as view:
        assert people.by_account(view, site.camille.account_id).standing is Standing.ACTIVE
        assert activation.standing(view, site.camille.account_id, site.clock()) is None
    site.clock.advance(60)
    code = pyotp.TOTP(secret).at(int(site.clock()))
    assert sign_in(app, site, site.camille, NEW_PASSWORD, code).location == "/accueil"
    assert sign_in(app, site, site.camille, NEW_PASSWORD, codes[3]).status == 303
    assert events(site, site.camille)[-4:] == [
        Event.NEW_BROWSER,
        Event.ACTIVATED,
        Event.PASSWORD_CHANGED,
        Event.INVITED,
    ]


def test_what_came_before_works_no_more(app: Starlette, camille: Browser, site: Site) -> None:
    confirmed(enrolling(app, site, site.camille, Purpose.EVERYTHING), site)
    assert camille.get("/accueil").status == 303
    assert sign_in(app, site, site.camille, PASSWORD, "").status == 401
    kept = site.recovery[site.camille.address][0]
    for code in (site.code(site.camille), kept):
        assert sign_in(app, site, site.camille, NEW_PASSWORD, code).status == 401


def test_the_code_works_once_and_not_in_two_windows(app: Starlette, site: Site) -> None:
    code, _ = access.grant_code(site.gateway, site.camille, Purpose.ACTIVATION, "operator")
    windows = []
    for _ in range(2):
        browser = Browser(app)
        browser.get("/activation")
        browser.post("/activation", {"identifiant": site.camille.address, "code": code.upper()})
        browser.get("/activation/mot-de-passe")
        windows.append(browser)
    chosen = {"nouveau": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
    first, second = windows
    assert first.post("/activation/mot-de-passe", chosen).status == 303
    assert second.post("/activation/mot-de-passe", chosen).status == 403  # its session ended
    first.get(FACTOR)
    confirmed(first, site)
    third = Browser(app)
    third.get("/activation")
    again = third.post("/activation", {"identifiant": site.camille.address, "code": code})
    assert again.status == 401


@pytest.mark.parametrize("how", ["wrong", "unknown", "none given", "too old", "suspended"])
def test_a_wrong_code_is_answered_alike(how: str, app: Starlette, site: Site) -> None:
    login, code = site.camille.address, "aaaa-aaaa-aaaa"
    if how == "unknown":
        login = f"personne@{PATIENT_DOMAIN}"
    if how in ("wrong", "too old", "suspended"):
        right, _ = access.grant_code(site.gateway, site.camille, Purpose.ACTIVATION, "operator")
        code = code if how == "wrong" else right
    if how == "too old":
        site.clock.advance(site.gateway.config.web.access_code_days * 86_400)
    if how == "suspended":
        site.gateway.database.write(
            lambda tx: people.set_standing(tx, site.camille.account_id, Standing.SUSPENDED)
        )
    browser = Browser(app)
    browser.get("/activation")
    answer = browser.post("/activation", {"identifiant": login, "code": code})
    assert answer.status == 401
    assert "Cet identifiant ou ce code n'est pas valable." in answer.text
    assert SESSION_COOKIE not in browser.cookies


def test_codes_that_are_tried_out_make_a_wait(app: Starlette, site: Site) -> None:
    code, _ = access.grant_code(site.gateway, site.camille, Purpose.ACTIVATION, "operator")
    browser = Browser(app)
    browser.get("/activation")
    fields = {"identifiant": site.camille.address}
    statuses = [browser.post("/activation", {**fields, "code": "x"}).status for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    assert browser.post("/activation", {**fields, "code": code}).status == 429
    site.clock.advance(2)
    assert browser.post("/activation", {**fields, "code": code}).status == 303


@pytest.mark.parametrize(
    ("new", "again", "said"),
    [
        ("bref-ici", "bref-ici", "trop court"),
        ("motdepasse2024", "motdepasse2024", "trop facile à deviner"),
        (NEW_PASSWORD, "autre chose que cela", "ne sont pas les mêmes"),
        ("camille exemple", "camille exemple", "contient votre identifiant"),
    ],
)
def test_a_password_that_cannot_be_chosen_is_asked_for_again(
    new: str, again: str, said: str, app: Starlette, site: Site
) -> None:
    browser = granted(app, site, site.camille)
    answer = browser.post("/activation/mot-de-passe", {"nouveau": new, "confirmation": again})
    assert answer.status == 422
    assert said in answer.text
    assert new not in answer.text


def test_a_code_that_the_application_does_not_show_enrols_nothing(
    app: Starlette, site: Site
) -> None:
    browser = enrolling(app, site, site.camille)
    assert browser.post(FACTOR, {"code": "000000"}).status == 401
    with site.gateway.database.read() as view:
        assert activation.standing(view, site.camille.account_id, site.clock()) is not None
        assert passwords.offered_totp(view, site.camille.account_id, site.clock()) is not None
    assert confirmed(browser, site)[1].status == 200


def test_a_half_done_activation_opens_nothing(app: Starlette, site: Site) -> None:
    for browser, place in (
        (granted(app, site, site.camille), "/activation/mot-de-passe"),
        (enrolling(app, site, site.noe), FACTOR),
    ):
        for path in ("/accueil", "/dossier", "/compte/securite"):
            assert browser.get(path).location == place


def test_it_must_be_finished_within_half_an_hour(app: Starlette, site: Site) -> None:
    browser = enrolling(app, site, site.camille)
    site.clock.advance(1_800)
    assert browser.get(FACTOR).location.startswith("/connexion")


def test_a_lost_password_keeps_the_phone(app: Starlette, site: Site) -> None:
    browser = granted(app, site, site.camille, Purpose.PASSWORD)
    chosen = {"nouveau": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
    answer = browser.post("/activation/mot-de-passe", chosen)
    assert answer.location == "/connexion/code"
    browser.get("/connexion/code")
    answer = browser.post("/connexion/code", {"code": site.code(site.camille)})
    assert answer.location == "/accueil"
    assert len(site.recovery[site.camille.address]) == 10


def test_a_lost_phone_asks_for_the_password(app: Starlette, site: Site) -> None:
    browser = granted(app, site, site.camille, Purpose.SECOND_FACTOR)
    refused = browser.post("/activation/mot-de-passe", {"mot_de_passe": "faux"})
    assert refused.status == 401
    answer = browser.post("/activation/mot-de-passe", {"mot_de_passe": PASSWORD})
    assert answer.location == FACTOR
    browser.get(FACTOR)
    secret, page = confirmed(browser, site)
    assert page.status == 200
    site.clock.advance(60)
    code = pyotp.TOTP(secret).at(int(site.clock()))
    assert sign_in(app, site, site.camille, PASSWORD, code).location == "/accueil"


def test_a_recovery_is_told_on_the_pages_for_three_days(app: Starlette, site: Site) -> None:
    browser = enrolling(app, site, site.camille, Purpose.EVERYTHING)
    secret, _ = confirmed(browser, site)
    said = "vos moyens d'accès ont été remplacés"
    assert said in browser.get("/accueil").text
    assert said.capitalize() in browser.get("/compte/securite").text
    site.clock.advance(72 * 3600)
    site.totp[site.camille.address] = secret
    browser = Browser(app)
    browser.get("/connexion")
    browser.post("/connexion", {"identifiant": site.camille.address, "mot_de_passe": NEW_PASSWORD})
    browser.get("/connexion/code")
    browser.post("/connexion/code", {"code": site.code(site.camille)})
    assert said not in browser.get("/accueil").text


def test_a_forgotten_password_is_replaced_by_a_recovery_code_and_the_phone(
    app: Starlette, camille: Browser, site: Site
) -> None:
    browser = Browser(app)
    browser.get("/acces-perdu")
    chosen = {"nouveau": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
    fields = {"identifiant": site.camille.address, **chosen}
    codes = site.recovery[site.camille.address]
    wrong = browser.post("/acces-perdu", {**fields, "secours": codes[0], "code": "000000"})
    assert wrong.status == 401
    answer = browser.post(
        "/acces-perdu", {**fields, "secours": codes[0], "code": site.code(site.camille)}
    )
    assert answer.location == "/connexion?fait=motdepasse"
    assert camille.get("/accueil").status == 303  # every browser is signed out
    answer = sign_in(app, site, site.camille, NEW_PASSWORD, site.code(site.camille))
    assert answer.location == "/accueil"
    assert Event.RECOVERED in events(site, site.camille)


@pytest.mark.parametrize("how", ["unknown", "used code", "weak", "different"])
def test_who_shows_less_changes_nothing(how: str, app: Starlette, site: Site) -> None:
    browser = Browser(app)
    browser.get("/acces-perdu")
    fields = {
        "identifiant": site.camille.address,
        "secours": site.recovery[site.camille.address][0],
        "code": site.code(site.camille),
        "nouveau": NEW_PASSWORD,
        "confirmation": NEW_PASSWORD,
    }
    if how == "unknown":
        fields["identifiant"] = f"personne@{PATIENT_DOMAIN}"
    elif how == "used code":
        fields["secours"] = "aaaaa-aaaaa-aaaaa"
    elif how == "weak":
        fields |= {"nouveau": "motdepasse2024", "confirmation": "motdepasse2024"}
    else:
        fields["confirmation"] = "x"
    expected = 422 if how in ("weak", "different") else 401
    assert browser.post("/acces-perdu", fields).status == expected
    answer = sign_in(app, site, site.camille, PASSWORD, site.code(site.camille))
    assert answer.location == "/accueil"


def test_a_recovery_code_leads_to_another_phone(app: Starlette, site: Site) -> None:
    code = site.recovery[site.camille.address][0]
    answer = sign_in(app, site, site.camille, PASSWORD, code)
    assert answer.location == "/compte/securite?fait=secours"
    assert Event.RECOVERY_CODE_USED in events(site, site.camille)


def test_the_audit_says_what_was_done_and_holds_no_secret(app: Starlette, site: Site) -> None:
    code, _ = access.grant_code(site.gateway, site.camille, Purpose.EVERYTHING, "operator")
    browser = Browser(app)
    browser.get("/activation")
    browser.post("/activation", {"identifiant": site.camille.address, "code": code})
    browser.get("/activation/mot-de-passe")
    chosen = {"nouveau": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
    browser.post("/activation/mot-de-passe", chosen)
    secret, page = confirmed(browser, site)
    site.gateway.database.write(lambda tx: None)
    with site.gateway.database.read() as view:
        rows = view.sql("SELECT actor, act, object, verdict FROM audit ORDER BY seq").fetchall()
        assert audit.verify(view)[1] is None
    account = f"account:{site.camille.account_id}"
    assert ("operator", "people", account, "code given") in rows
    assert (account, "people", account, "password changed") in rows
    assert (account, "people", account, "recovered") in rows
    assert (account, "sign-in", "webmail with totp", "permitted") in rows
    kept = repr(rows)
    for never in (code, secret, NEW_PASSWORD, site.camille.traits.ins, *shown_codes(page)):
        assert never not in kept


def test_whoever_is_signed_in_already_does_not_lose_it_by_looking(camille: Browser) -> None:
    assert camille.get("/activation").status == 200
    assert camille.get("/accueil").status == 200


def test_signing_in_elsewhere_is_no_part_of_it(app: Starlette, site: Site) -> None:
    noe = signed_in(app, site, site.noe)
    confirmed(enrolling(app, site, site.camille, Purpose.EVERYTHING), site)
    assert noe.get("/accueil").status == 200
