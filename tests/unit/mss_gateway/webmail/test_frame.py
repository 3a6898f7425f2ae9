"""What stands around every page: the badge, the banner of three days, the script."""

import re
from collections.abc import Sequence

import pytest
from starlette.applications import Starlette

from mailbox_store.database import View
from mailbox_store.rows import Rows
from mss_gateway.directory import security_events
from mss_gateway.directory.security_events import BANNER_SECONDS, TOLD, Event
from mss_gateway.texts import text
from mss_gateway.webmail.frame import SHOWN, Frame
from mss_gateway.webmail.headers import PAGE_POLICY, SCRIPTED_POLICY
from tests.support.asgi import Answer, Browser
from tests.support.site import PASSWORD, Site
from tests.support.webmail import NEW_PASSWORD, signed_in

PAGES = ("/accueil", "/dossier", "/messages/nouveau", "/compte", "/aide", "/compte/securite")
SETTLED = "/compte/securite/evenement"
CHANGED = "votre mot de passe a été changé."


def said(answer: Answer) -> str:
    """Its text, with ordinary blanks."""
    return answer.text.replace("\u202f", " ")


def note(site: Site, event: Event) -> None:
    account_id = site.camille.account_id
    site.gateway.database.write(lambda tx: security_events.note(tx, account_id, event))


def shown_event(answer: Answer) -> str:
    found = re.search(r'name="evenement" value="(\d+)"', answer.text)
    return "" if found is None else found[1]


def badge(answer: Answer) -> str:
    found = re.search(r'<span class="count" id="non-lus"[^>]*>(.*?)</span></span>', answer.text)
    assert found is not None
    return re.sub("<[^>]*>", "", found[1])


def test_the_badge_is_right_on_every_page_and_after_reading(
    camille: Browser, site: Site, first_message: str
) -> None:
    for path in PAGES:
        assert badge(camille.get(path)) == "1 1 message non lu"
    read = camille.get("/messages/recus/1")
    assert badge(read).strip().startswith("0")
    assert re.search(r'id="non-lus"[^>]* hidden>', read.text)


@pytest.mark.parametrize(
    ("unseen", "shown"), [(0, ""), (1, "1"), (SHOWN, "99"), (SHOWN + 1, "99+"), (10**6, "99+")]
)
def test_the_badge_counts_so_far(unseen: int, shown: str) -> None:
    assert Frame(unseen, 0, None).badge == shown


def test_a_page_costs_the_same_whatever_its_mailbox_holds(
    camille: Browser, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = View.sql

    def statements() -> int:
        ran: list[str] = []

        def counted(self: View, text: str, parameters: Sequence[object] = ()) -> Rows:
            ran.append(text)
            return statement(self, text, parameters)

        with monkeypatch.context() as patched:
            patched.setattr(View, "sql", counted)
            camille.get("/aide")
        return len(ran)

    before = statements()
    for _ in range(3):
        site.deliver(site.claire, site.camille, site.written(site.claire, site.camille, "Suite"))
        note(site, Event.PHONE_CHANGED)
    assert statements() == before


def test_a_patient_s_page_may_listen_and_a_stranger_s_may_not(
    camille: Browser, stranger: Browser
) -> None:
    page = camille.get("/accueil")
    assert page.header("content-security-policy") == SCRIPTED_POLICY
    assert page.text.count("<script ") == 1
    script = re.search(r'<script src="(/static/live\.js\?v=[0-9a-f]+)" defer>', page.text)
    assert script is not None and camille.get(script[1]).status == 200
    answer = stranger.get("/aide")
    assert answer.header("content-security-policy") == PAGE_POLICY
    assert "<script" not in answer.text and 'id="direct"' not in answer.text


def test_what_failed_is_said_without_looking_into_the_store(camille: Browser) -> None:
    page = camille.get("/dossier/" + "0" * 32)
    assert page.status == 404 and 'id="non-lus"' not in page.text
    assert page.header("content-security-policy") == PAGE_POLICY


def test_a_changed_password_is_told_on_every_page_until_its_holder_settles_it(
    camille: Browser, app: Starlette, site: Site
) -> None:
    camille.get("/compte/securite/mot-de-passe")
    chosen = {"mot_de_passe": PASSWORD, "nouveau": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
    assert camille.post("/compte/securite/mot-de-passe", chosen).status == 303
    for path in PAGES:
        page = camille.get(path)
        assert CHANGED in said(page), path
        assert '<a href="/compte/securite">' in page.content.decode()
    event = shown_event(page)
    answer = camille.post(SETTLED, {"evenement": event, "retour": "/dossier"})
    assert (answer.status, answer.location) == (303, "/dossier")
    assert not any(CHANGED in said(camille.get(path)) for path in PAGES)
    assert "Le mot de passe a changé." in camille.get("/compte/securite").text  # still listed


@pytest.mark.parametrize("event", TOLD)
def test_each_has_its_sentence(event: Event) -> None:
    assert text(f"acces.dit_{event.value}", quand="22 novembre 2026 à 9 h 05")


def test_what_is_told_for_three_days(camille: Browser, site: Site) -> None:
    note(site, Event.PHONE_CHANGED)
    with site.gateway.database.read() as view:
        at = [
            [one.event for one in security_events.told(view, site.camille.account_id, now)]
            for now in (
                site.clock(),
                site.clock() + BANNER_SECONDS - 1,
                site.clock() + BANNER_SECONDS,
            )
        ]
    assert at[0][0] is Event.PHONE_CHANGED and at[1] == at[0] and at[2] == []


def test_a_new_browser_is_told_to_the_others(app: Starlette, camille: Browser, site: Site) -> None:
    other = signed_in(app, site, site.camille)
    arrived = "quelqu'un s'est connecté depuis un nouvel appareil"
    assert arrived in said(camille.get("/accueil"))
    event = shown_event(camille.get("/accueil"))
    # it is told of the one before it, never of itself
    assert shown_event(other.get("/accueil")) not in ("", event)


def test_what_is_shown_once_leads_nowhere_else(camille: Browser, site: Site) -> None:
    camille.get("/compte/securite")
    codes = camille.post("/compte/securite/codes")
    assert codes.text.count('class="code"') == 10 and not shown_event(codes)
    assert "de nouveaux codes de secours ont été créés" in said(camille.get("/compte/securite"))


def test_one_after_the_other(camille: Browser, site: Site) -> None:
    note(site, Event.PHONE_CHANGED)
    note(site, Event.PASSKEY_ADDED)
    assert "une clé d'accès a été ajoutée" in said(camille.get("/accueil"))
    camille.post(SETTLED, {"evenement": shown_event(camille.get("/accueil"))})
    assert "un autre téléphone a été enregistré" in said(camille.get("/accueil"))


@pytest.mark.parametrize("named", ["", "x", "-1", "1" * 16, "999999", "²"])
def test_what_names_no_event_settles_none(named: str, camille: Browser, site: Site) -> None:
    note(site, Event.PHONE_CHANGED)
    assert camille.post(SETTLED, {"evenement": named}).location == "/accueil"
    assert shown_event(camille.get("/accueil"))


def test_another_s_event_is_not_to_be_settled(camille: Browser, noe: Browser, site: Site) -> None:
    note(site, Event.PHONE_CHANGED)
    event = shown_event(camille.get("/accueil"))
    assert noe.post(SETTLED, {"evenement": event}).status == 303
    assert shown_event(camille.get("/accueil")) == event


@pytest.mark.parametrize(
    "place", ["https://ailleurs.example/", "//ailleurs.example", "javascript:x"]
)
def test_it_leads_nowhere_else(place: str, camille: Browser) -> None:
    assert camille.post(SETTLED, {"evenement": "1", "retour": place}).location == "/accueil"


def test_nothing_from_before_the_activation_is_told(camille: Browser, site: Site) -> None:
    note(site, Event.PASSWORD_CHANGED)
    note(site, Event.ACTIVATED)
    assert not shown_event(camille.get("/accueil"))
