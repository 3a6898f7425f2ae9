"""Contacts: whom one may write to and why, whom not and what opens it again, never an address."""

from urllib.parse import quote

import pytest

from mailbox_store import correspondences
from mailbox_store.database import Transaction
from mss_gateway import texts
from mss_gateway.webmail.views import contacts as view
from tests.support.asgi import Browser
from tests.support.site import Site


def test_contacts_are_told_with_the_reason_by_name(
    camille: Browser, site: Site, first_message: str
) -> None:
    site.deliver(site.paul, site.camille, site.written(site.paul, site.camille, "Deux"))
    text = camille.get("/contacts").text
    assert "Vous a écrit le 22 novembre 2026" in text
    assert "ouvert à tous les usagers" in text
    order = ["Dr Paul BERNARD", "Dr Claire MARTIN", "Pharmacie de la Gare"]
    assert sorted(order, key=text.index) == ["Dr Claire MARTIN", "Dr Paul BERNARD", order[2]]
    for person in (site.claire, site.paul, site.pharmacy):
        assert person.address not in text


def test_a_contact_leads_to_the_exchange_and_to_the_form(
    camille: Browser, first_message: str
) -> None:
    text = camille.get("/contacts").text
    assert 'href="/messages/fils/1"' in text
    form = "/messages/nouveau?a=" + text.partition("/messages/nouveau?a=")[2].partition('"')[0]
    assert "checked" in camille.get(form).text


def test_a_closed_exchange_has_its_reason_and_no_form(camille: Browser, site: Site) -> None:
    for subject in ("Un", "[FIN]"):
        site.clock.advance(60)
        site.deliver(site.claire, site.camille, site.written(site.claire, site.camille, subject))
    text = camille.get("/contacts").text
    assert texts.text("refus.echange_clos") in text
    assert text.count("/messages/nouveau?a=") == 1  # the pharmacy
    assert 'href="/messages/fils/1"' in text


@pytest.mark.parametrize("words", ["MARTIN", "martin", "mártin", "claire  mar", " "])
def test_contacts_are_found_whatever_the_accents(
    words: str, camille: Browser, first_message: str
) -> None:
    text = camille.get(f"/contacts?q={quote(words)}").text
    assert "Dr Claire MARTIN" in text
    assert ("Pharmacie" in text) is not bool(words.strip())


def test_what_finds_nobody_says_so(camille: Browser, first_message: str) -> None:
    answer = camille.get("/contacts?q=%3Cb%3E")
    assert "Aucun contact ne correspond à «\u202f<b>\u202f»" in answer.text
    assert b"<b>" not in answer.content


def test_many_contacts_have_pages(camille: Browser, site: Site) -> None:
    def known(tx: Transaction) -> None:
        for number in range(view.PAGE):
            correspondences.record(
                tx,
                site.camille.address,
                site.camille.account_id,
                f"n{number}@mss.example",
                f"Nom {number:03d}",
                "OPEN",
                f"ref{number}",
            )

    site.gateway.database.write(known)
    first = camille.get("/contacts").text
    assert first.count('class="people-who"') == view.PAGE and "Pharmacie" not in first
    assert 'href="/contacts?page=2"' in first
    second = camille.get("/contacts?page=2").text
    assert second.count('class="people-who"') == 1 and "Pharmacie" in second
    for forged in ("0", "x", "-1", "9" * 30):
        assert "Nom 000" in camille.get(f"/contacts?page={forged}").text


def test_somebody_else_has_contacts_of_their_own(noe: Browser, first_message: str) -> None:
    text = noe.get("/contacts").text
    assert "MARTIN" not in text and "Pharmacie de la Gare" in text
