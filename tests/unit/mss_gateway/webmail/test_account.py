"""The page of security: password, phone, recovery codes; and who guesses from many places."""

import re

import pyotp
import pytest
import segno
from starlette.applications import Starlette

from mss_gateway.directory import passwords, security_events
from mss_gateway.directory.security_events import Event
from mss_gateway.directory.throttle import LONGEST_WAIT
from mss_gateway.life import access
from mss_gateway.life.authn import Attempt
from mss_gateway.webmail.otp_picture import QUIET_ZONE, squares
from mss_gateway.webmail.sessions import BROWSERS_COOKIE
from tests.support.asgi import Browser
from tests.support.site import PASSWORD, Site
from tests.support.webmail import NEW_PASSWORD, signed_in

PAGE = "/compte/securite"
CHANGED = {"mot_de_passe": PASSWORD, "nouveau": NEW_PASSWORD, "confirmation": NEW_PASSWORD}


def events(site: Site) -> list[Event]:
    with site.gateway.database.read() as view:
        found = security_events.latest(view, site.camille.account_id)
    return [one.event for one in found]


def test_it_says_what_opens_the_account_and_what_changed(camille: Browser) -> None:
    page = camille.get(PAGE).text
    assert "Un téléphone est enregistré." in page
    assert "Codes qui peuvent encore servir : 10." in page.replace("\u202f", " ")
    assert "Connexion depuis un nouvel appareil." in page


def test_a_password_is_changed_by_who_knows_it(camille: Browser, site: Site) -> None:
    camille.get(f"{PAGE}/mot-de-passe")
    wrong = camille.post(f"{PAGE}/mot-de-passe", {**CHANGED, "mot_de_passe": "faux"})
    assert wrong.status == 401
    for fields in ({"nouveau": "x", "confirmation": "x"}, {"confirmation": "autre chose"}):
        assert camille.post(f"{PAGE}/mot-de-passe", {**CHANGED, **fields}).status == 422
    assert camille.post(f"{PAGE}/mot-de-passe", CHANGED).status == 303
    assert events(site)[0] is Event.PASSWORD_CHANGED
    with site.gateway.database.read() as view:
        kept = passwords.password_hash(view, site.camille.account_id)
    assert site.gateway.passwords.matches(kept, NEW_PASSWORD)


def test_a_recovery_code_stands_for_a_forgotten_one(camille: Browser, site: Site) -> None:
    code = site.recovery[site.camille.address][0]
    fields = {**CHANGED, "mot_de_passe": "", "secours": code}
    site.clock.advance(600)
    camille.get(f"{PAGE}/mot-de-passe")
    assert camille.post(f"{PAGE}/mot-de-passe", fields).location.startswith("/confirmer")
    camille.get("/confirmer")
    camille.post("/confirmer", {"code": site.code(site.camille)})
    camille.get(f"{PAGE}/mot-de-passe")
    wrong = camille.post(f"{PAGE}/mot-de-passe", {**fields, "secours": "aaaaa-aaaaa-aaaaa"})
    assert wrong.status == 401
    assert camille.post(f"{PAGE}/mot-de-passe", fields).status == 303


def test_another_phone_is_in_force_once_its_code_came(camille: Browser, site: Site) -> None:
    former = pyotp.TOTP(site.totp[site.camille.address])
    camille.get(PAGE)
    assert camille.post(f"{PAGE}/telephone/nouveau").location == f"{PAGE}/telephone"
    page = camille.get(f"{PAGE}/telephone")
    found = re.search(r'class="code">([A-Z2-7]{32})<', page.text)
    assert found is not None
    assert camille.post(f"{PAGE}/telephone", {"code": "000000"}).status == 401
    code = pyotp.TOTP(found[1]).at(int(site.clock()))
    assert camille.post(f"{PAGE}/telephone", {"code": code}).location == f"{PAGE}?fait=telephone"
    assert events(site)[0] is Event.PHONE_CHANGED
    site.clock.advance(60)
    account_id, now = site.camille.account_id, site.clock()
    for secret, is_right in ((former, False), (pyotp.TOTP(found[1]), True)):
        code = secret.at(int(now))
        used = site.gateway.database.write(
            lambda tx, code=code: passwords.use_totp(tx, account_id, code, now)
        )
        assert used is is_right


def test_a_code_that_enrolled_a_phone_signs_nobody_in(camille: Browser, site: Site) -> None:
    account_id, now = site.camille.account_id, site.clock()
    site.gateway.database.write(lambda tx: passwords.offer_totp(tx, account_id))
    with site.gateway.database.read() as view:
        secret = passwords.offered_totp(view, account_id, now)
        assert passwords.offered_totp(view, account_id, now + passwords.OFFER_SECONDS) is None
    assert secret is not None
    code = pyotp.TOTP(secret).at(int(now))
    done = [
        site.gateway.database.write(lambda tx, act=act: act(tx, account_id, code, now))
        for act in (passwords.accept_totp, passwords.use_totp, passwords.accept_totp)
    ]
    assert done == [True, False, False]


def test_new_recovery_codes_replace_the_former(camille: Browser, site: Site) -> None:
    camille.get(PAGE)
    page = camille.post(f"{PAGE}/codes")
    codes = re.findall(r'class="code">((?:[a-z2-9]{5}-){2}[a-z2-9]{5})<', page.text)
    assert len(codes) == 10
    account_id = site.camille.account_id
    for code, is_right in ((site.recovery[site.camille.address][0], False), (codes[0], True)):
        used = site.gateway.database.write(
            lambda tx, code=code: passwords.use_recovery_code(tx, account_id, code)
        )
        assert used is is_right
    with site.gateway.database.read() as view:
        assert passwords.recovery_codes_left(view, account_id) == 9


def test_the_picture_is_the_code_of_another_drawing() -> None:
    text = "otpauth://totp/Essai:Camille?secret=ABCDEFGH&issuer=Essai"
    picture = squares(text)
    expected = {
        (x + QUIET_ZONE, y + QUIET_ZONE)
        for y, line in enumerate(segno.make_qr(text, error="m").matrix)
        for x, module in enumerate(line)
        if module
    }
    drawn = {
        (int(x) + step, int(y))
        for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", picture.path)
        for step in range(int(length))
    }
    assert drawn == expected
    assert picture.side == max(x for x, _ in expected) + 1 + QUIET_ZONE


# many addresses against one account


def attack(site: Site, addresses: int, tries: int, seconds: float = 0.0) -> int:
    """Wrong passwords from many addresses in turn; how many reached a hash."""
    gateway, heard = site.gateway, 0
    for number in range(tries):
        peer = f"198.51.{number % addresses // 250}.{number % addresses % 250}"
        tried = Attempt(site.camille.address, "faux", "webmail", peer)
        throttle = gateway.account_throttle
        waits = (
            throttle.wait(tried.login, tried.origin),
            gateway.address_throttle.wait(tried.peer),
        )
        if max(waits) == 0.0:
            heard += 1
            throttle.failed(tried.login, tried.origin)
            gateway.address_throttle.failed(tried.peer)
        site.clock.advance(seconds)
    return heard


def test_ten_thousand_tries_from_a_thousand_addresses_reach_few_hashes(site: Site) -> None:
    assert attack(site, 1_000, 10_000, 120 / 10_000) <= 40


def test_the_holder_gets_in_at_once_on_a_known_browser(app: Starlette, site: Site) -> None:
    browser = signed_in(app, site, site.camille)
    browser.post("/deconnexion")
    assert set(browser.cookies) == {BROWSERS_COOKIE}
    attack(site, 1_000, 10_000)
    browser.peer = "203.0.113.99"  # and from where she never was
    browser.get("/connexion")
    fields = {"identifiant": site.camille.address, "mot_de_passe": PASSWORD}
    assert browser.post("/connexion", fields).location == "/connexion/code"
    browser.get("/connexion/code")
    answer = browser.post("/connexion/code", {"code": site.code(site.camille)})
    assert answer.location == "/accueil"


def test_on_a_new_browser_she_waits_for_a_bounded_time_while_it_goes_on(
    app: Starlette, site: Site
) -> None:
    attack(site, 1_000, 3_000)
    browser = Browser(app, peer="203.0.113.99")
    browser.get("/connexion")
    fields = {"identifiant": site.camille.address, "mot_de_passe": PASSWORD}
    first = browser.post("/connexion", fields)
    assert first.status == 429
    assert int(first.header("retry-after")) <= LONGEST_WAIT + 1
    for _ in range(30):  # the attackers go on, ten seconds at a time
        attack(site, 1_000, 100, 0.1)
    site.clock.advance(1)
    browser.get("/connexion")
    assert browser.post("/connexion", fields).location == "/connexion/code"


def test_a_cookie_of_a_known_browser_has_few_tries_too(app: Starlette, site: Site) -> None:
    browser = signed_in(app, site, site.camille)
    browser.post("/deconnexion")
    browser.get("/connexion")
    wrong = {"identifiant": site.camille.address, "mot_de_passe": "faux"}
    assert [browser.post("/connexion", wrong).status for _ in range(6)] == [401] * 5 + [429]


def test_a_known_browser_is_a_stranger_to_other_accounts(camille: Browser, site: Site) -> None:
    cookie = camille.cookies[BROWSERS_COOKIE]
    for person, is_known in ((site.camille, True), (site.noe, False)):
        tried = access.attempt(site.gateway, person.address, "192.0.2.1", cookie)
        assert bool(tried.browser) is is_known


@pytest.mark.parametrize("login", ["personne@patient.mss.example", "", "\0", "x" * 9_000])
def test_a_known_browser_changes_nothing_for_what_is_no_login(
    login: str, camille: Browser, site: Site
) -> None:
    tried = access.attempt(site.gateway, login, "192.0.2.1", camille.cookies[BROWSERS_COOKIE])
    assert tried.browser == ""
