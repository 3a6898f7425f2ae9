"""A patient lost the phone, then the password, then both: the operator's code brings each back.

By the real service, its webmail over TLS and a real SMTP server, which is told of each recovery in
words that name nobody; what was lost opens nothing any more, nor do the sessions of before.
"""

import asyncio
import re
from pathlib import Path

import pyotp
import uvloop

from mss_gateway.compose.service import Service
from mss_gateway.config import Config
from mss_gateway.directory.activation import Purpose
from mss_gateway.life import access, notices_contact
from tests.journeys.test_notices import ADDRESS, prepared, signed_in
from tests.support.plain_relay import PlainRelay, plain_relay
from tests.support.site import PASSWORD, Site
from tests.support.smtp_site import until
from tests.support.web import Browser, Page

PASSWORDS = ("sept cerises dans le panier", "le vieux phare de granit")
TOLD = "Les moyens de se connecter à votre espace ont été changés."


class Holder:
    """Camille, with the password and the phone of the moment."""

    def __init__(self, config: Config, site: Site) -> None:
        self.config, self.site = config, site
        self.before = signed_in(config, site)
        self.password, self.secret = PASSWORD, site.totp[site.camille.address]

    def stranger(self) -> Browser:
        """A browser that nobody is signed in with."""
        return Browser(self.before.base, self.before.tls)

    def code(self) -> str:
        """What the phone shows next."""
        self.site.clock.advance(30)
        return pyotp.TOTP(self.secret).at(int(self.site.clock()))

    def enter(self, password: str, code: str) -> Page:
        """Sign in; the page that comes of it."""
        browser = self.stranger()
        fields: dict[str, str | list[str]] = {
            "identifiant": self.site.camille.address,
            "mot_de_passe": password,
        }
        page = browser.submit(browser.get("/connexion"), "/connexion", fields)
        if page.status != 200:
            return page
        return browser.submit(page, "/connexion/code", {"code": code})

    def recover(self, purpose: Purpose, **chosen: str | list[str]) -> tuple[Browser, Page]:
        """Type the operator's code and what is asked with it; the page that comes of it."""
        gateway, camille = self.site.gateway, self.site.camille
        code, _ = access.grant_code(gateway, camille, purpose, "operator")
        browser = self.stranger()
        typed: dict[str, str | list[str]] = {"identifiant": camille.address, "code": code}
        page = browser.submit(browser.get("/activation"), "/activation", typed)
        assert page.url.endswith("/activation/mot-de-passe"), page.text
        return browser, browser.submit(page, "/activation/mot-de-passe", dict(chosen))

    def enrol(self, browser: Browser, page: Page) -> None:
        """Take the phone that the page offers."""
        assert page.url.endswith("/activation/second-facteur"), page.text
        found = re.search(rb'class="code">([A-Z2-7]{32})<', page.body)
        assert found is not None
        self.secret = found[1].decode()
        done = browser.submit(page, "/activation/second-facteur", {"code": self.code()})
        assert "Codes de secours" in done.text

    def is_in(self) -> bool:
        """Whether password and phone of the moment open the webmail, in a new browser."""
        return self.enter(self.password, self.code()).url.endswith("/accueil")

    def is_out(self) -> bool:
        """Whether the session of before is over."""
        return self.before.get("/dossier").url.partition("?")[0].endswith("/connexion")


def lost_phone(holder: Holder) -> None:
    """A code for another phone asks for the password, and the phone that is gone opens nothing."""
    lost = holder.secret
    browser, page = holder.recover(Purpose.SECOND_FACTOR, mot_de_passe="ce n'est pas lui")
    assert page.status == 401
    page = browser.submit(page, "/activation/mot-de-passe", {"mot_de_passe": holder.password})
    holder.enrol(browser, page)
    assert holder.is_out()
    holder.site.clock.advance(30)
    shown = pyotp.TOTP(lost).at(int(holder.site.clock()))
    assert holder.enter(holder.password, shown).status == 401
    assert holder.is_in()


def lost_password(holder: Holder) -> None:
    """A code for another password asks for the phone."""
    lost, holder.password = holder.password, PASSWORDS[0]
    chosen = {"nouveau": PASSWORDS[0], "confirmation": PASSWORDS[0]}
    browser, page = holder.recover(Purpose.PASSWORD, **chosen)
    assert page.url.endswith("/connexion/code")
    assert browser.submit(page, "/connexion/code", {"code": "000000"}).status == 401
    page = browser.submit(page, "/connexion/code", {"code": holder.code()})
    assert page.url.endswith("/accueil")
    assert holder.enter(lost, holder.code()).status == 401
    assert holder.is_in()


def lost_both(holder: Holder) -> None:
    """A code for everything asks for neither."""
    lost, phone, holder.password = holder.password, holder.secret, PASSWORDS[1]
    chosen = {"nouveau": PASSWORDS[1], "confirmation": PASSWORDS[1]}
    browser, page = holder.recover(Purpose.EVERYTHING, **chosen)
    holder.enrol(browser, page)
    assert holder.enter(lost, holder.code()).status == 401
    holder.site.clock.advance(30)
    shown = pyotp.TOTP(phone).at(int(holder.site.clock()))
    assert holder.enter(holder.password, shown).status == 401
    assert holder.is_in()


async def _told(relay: PlainRelay, before: int) -> None:
    """A notice came since, and no notice says who or what."""
    await until(lambda: any(TOLD in each.get_content() for each in relay.letters[before:]))
    contents = " ".join(each.get_content() for each in relay.letters).lower()
    assert not any(word in contents for word in ("camille", "exemple", "martin"))
    assert {each.rcpt_tos[0] for each in relay.taken} == {ADDRESS}


def test_phone_password_or_both_are_lost_and_come_back(tmp_path: Path) -> None:
    async def run() -> None:
        async with plain_relay() as relay:
            config, site = await asyncio.to_thread(prepared, tmp_path, relay.port)
            service = await asyncio.to_thread(lambda: Service(config, clock=site.clock))
            gateway = site.gateway = service.gateway
            account_id = site.camille.account_id
            gateway.database.write(
                lambda tx: notices_contact.place(gateway, tx, account_id, ADDRESS, "operator")
            )
            await service.start()
            try:
                holder = await asyncio.to_thread(Holder, config, site)
                for loss in (lost_phone, lost_password, lost_both):
                    before = len(relay.taken)
                    await asyncio.to_thread(loss, holder)
                    await _told(relay, before)
            finally:
                await service.stop()

    uvloop.run(run())
