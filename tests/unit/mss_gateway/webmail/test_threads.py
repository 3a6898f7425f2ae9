"""Threads on pages: a line each, what is open and read in one, how to go on, what it costs."""

from typing import Any

import pytest

from mailbox_store import mailboxes, messages
from mailbox_store.database import Transaction, View
from mailbox_store.flags import SEEN
from mss_gateway import texts
from mss_gateway.life import threads as life_threads
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from mss_gateway.webmail import reading, thread_reading
from mss_gateway.webmail.reading import Box
from tests.support.asgi import Browser
from tests.support.site import Site

LINE = '<li class="letter'


def write(site: Site, *subjects: str, author: Any = None, text: str = "Bonjour.") -> None:
    """A professional writes to Camille."""
    author = author or site.claire
    for subject in subjects:
        site.send(author, site.camille, site.written(author, site.camille, subject, text))
    site.run_queue()


def put(site: Site, count: int, author: str = "a{}@ailleurs.example", flags: int = 0) -> None:
    """Messages of an earlier release in Camille's INBOX, each of the author named."""
    account_id = site.camille.account_id
    with site.gateway.database.read() as view:
        seal = view.vault.account(view, account_id)
        ready = []
        for number in range(count):
            raw = f"From: {author.format(number)}\r\nSubject: n{number}.\r\n\r\nx\r\n".encode()
            summary = summarise(scan(raw))
            ref = site.gateway.new_ref()
            ready.append(messages.seal_arrival(seal, account_id, ref, raw, summary, b""))

    def unit(tx: Transaction) -> None:
        inbox = mailboxes.find(tx, account_id, "INBOX").mailbox_id
        for number, made in enumerate(ready):
            messages.append(tx, inbox, made, flags, tx.now + number)
        tx.sql("UPDATE messages SET thread_id = 0 WHERE thread_id IS NULL")

    site.gateway.database.write(unit)
    life_threads.settle(site.gateway.database)


def unread(site: Site) -> int:
    with site.gateway.database.read() as view:
        return mailboxes.find(view, site.camille.account_id, "INBOX").unseen


# the list


def test_an_exchange_is_one_line_with_its_latest_message(camille: Browser, site: Site) -> None:
    write(site, "Premier", "Deuxième")
    write(site, "D'un autre", author=site.paul)
    text = camille.get("/messages/recus").text
    assert text.count(LINE) == 2
    assert "Deuxième" in text and "Premier" not in text
    assert text.index("Dr Paul BERNARD") < text.index("Dr Claire MARTIN")
    assert "2 messages non lus" in text


def test_an_answer_of_ones_own_is_said_to_be(camille: Browser, site: Site) -> None:
    write(site, "Premier")
    site.clock.advance(60)
    camille.get("/messages/recus/1/repondre")
    camille.post("/messages/recus/1/repondre", {"texte": "Merci."})
    text = camille.get("/messages/recus").text
    assert text.count(LINE) == 1
    assert "Vous\u202f:" in text and "Re: Premier" in text and "Signature vérifiée" not in text


def test_an_answer_hides_nothing_that_came_in_the_same_second(camille: Browser, site: Site) -> None:
    write(site, "Premier")
    camille.get("/messages/recus/1/repondre")
    site.clock.advance(0.3)
    camille.post("/messages/recus/1/repondre", {"texte": "Merci."})
    site.clock.advance(0.3)
    write(site, "[FIN]")

    text = camille.get("/messages/recus").text

    assert text.count(LINE) == 1
    assert "a mis fin à cet échange" in text and "Re: Premier" not in text


def test_what_lies_elsewhere_is_in_no_list_of_received(camille: Browser, site: Site) -> None:
    assert "pas encore de message" in camille.get("/messages/recus").text
    assert "pas de message archivé" in camille.get("/messages/archives").text
    assert "La corbeille est vide" in camille.get("/messages/corbeille").text
    assert camille.get("/messages/brouillon").status == 404


@pytest.mark.parametrize(("count", "second"), [(reading.PAGE, 0), (reading.PAGE + 1, 1)])
def test_a_long_list_of_threads_has_pages(
    count: int, second: int, camille: Browser, site: Site
) -> None:
    put(site, count)
    first = camille.get("/messages/recus").text
    assert first.count(LINE) == reading.PAGE
    assert ("Plus anciens" in first) is bool(second)
    if second:
        older = first.partition("?avant=")[2].partition('"')[0]
        text = camille.get(f"/messages/recus?avant={older}").text
        assert text.count(LINE) == second
        assert "n0." in text and "Retour aux plus récents" in text


def test_very_many_unread_messages_are_not_counted_to_the_end(camille: Browser, site: Site) -> None:
    put(site, 100, "une.seule@ailleurs.example")
    assert "99+" in camille.get("/messages/recus").text


def cost(view: View, site: Site, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Statements of a page of the list, and what its rows opened under the seal."""
    statements = opened = 0
    run, seal = view.sql, view.vault.account(view, site.camille.account_id)

    def counted(statement: str, parameters: Any = ()) -> Any:
        nonlocal statements
        statements += 1
        return run(statement, parameters)

    def counted_open(sealed: bytes, context: bytes) -> bytes:
        nonlocal opened
        opened += 1
        return seal.open(sealed, context)

    class Counting:
        open = staticmethod(counted_open)
        object = seal.object

    with monkeypatch.context() as patched:
        patched.setattr(view, "sql", counted)
        patched.setattr(view.vault, "account", lambda _view, _account: Counting)
        thread_reading.list_of(view, site.camille, Box.RECEIVED, "")
    return statements, opened


def test_a_page_of_the_list_costs_the_same_in_a_mailbox_of_any_size(
    camille: Browser, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site, 30)
    with site.gateway.database.read() as view:
        small = cost(view, site, monkeypatch)
    put(site, 2_970, flags=SEEN)
    with site.gateway.database.read() as view:
        large = cost(view, site, monkeypatch)
    assert small == large
    # thread, summary, evidence of each line; the lists' names, and the one that begins the next
    assert small[1] <= 3 * reading.PAGE + 10


# one thread


def test_a_thread_shows_the_latest_and_unread_and_folds_the_rest(
    camille: Browser, site: Site
) -> None:
    write(site, "Lu", text="un texte lu")
    camille.get("/messages/recus/1")
    write(site, "Non lu", text="un texte non lu")
    write(site, "Dernier", text="le dernier texte")
    text = camille.get("/messages/fils/1").text
    assert text.count("<article") == 2 and text.count('<details class="card folded') == 1
    assert (
        text.index("le dernier texte") < text.index("un texte non lu") < text.index("un texte lu")
    )
    assert unread(site) == 0
    again = camille.get("/messages/fils/1").text
    assert again.count("<article") == 1


def test_no_more_is_opened_at_once_than_has_its_bound_and_the_rest_stays_unread(
    camille: Browser, site: Site
) -> None:
    write(site, *(f"n{number}." for number in range(thread_reading.OPEN_LIMIT + 1)))
    text = camille.get("/messages/fils/1").text
    assert text.count("<article") == thread_reading.OPEN_LIMIT
    assert unread(site) == 1
    assert 'class="card folded unread"' in text


def test_what_is_too_long_together_waits_behind_its_own_page(
    camille: Browser, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread_reading, "OPEN_OCTETS", 10)
    write(site, "Un", "Deux")
    assert camille.get("/messages/fils/1").text.count("<article") == 1
    assert unread(site) == 1


def test_a_thread_has_pages(camille: Browser, site: Site) -> None:
    put(site, thread_reading.PAGE + 1, "une.seule@ailleurs.example", SEEN)
    first = camille.get("/messages/fils/1").text
    assert "n20." in first and "n0." not in first
    older = first.partition("?avant=")[2].partition('"')[0]
    second = camille.get(f"/messages/fils/1?avant={older}").text
    assert "n0." in second and "n1." not in second


def test_a_read_receipt_goes_as_from_the_message_itself(camille: Browser, site: Site) -> None:
    asks = (("Disposition-Notification-To", f"<{site.claire.address}>"),)
    raw = site.written(site.claire, site.camille, "Résultats", fields=asks)
    site.deliver(site.claire, site.camille, raw)
    told = texts.text("web.accuse_envoye")
    assert told in camille.get("/messages/fils/1").text
    assert told not in camille.get("/messages/fils/1").text
    assert told not in camille.get("/messages/recus/1").text


def test_a_thread_offers_to_answer_and_to_begin_anew(camille: Browser, site: Site) -> None:
    write(site, "Premier")
    text = camille.get("/messages/fils/1").text
    assert 'href="/messages/recus/1/repondre"' in text and 'href="/messages/nouveau?a=' in text
    camille.post(
        "/messages/recus/actes", {"vu": "recus:99 envoyes:99", "fil": "1", "acte": "archiver"}
    )
    assert 'href="/messages/archives/1/repondre"' in camille.get("/messages/fils/1").text


def test_a_closed_exchange_says_so_and_offers_nothing(camille: Browser, site: Site) -> None:
    write(site, "Premier")
    site.clock.advance(60)
    write(site, "[FIN]")
    text = camille.get("/messages/fils/1").text
    assert texts.text("refus.echange_clos") in text
    assert "/repondre" not in text and "/messages/nouveau" not in text


def test_what_nobody_vouches_for_says_so_and_has_no_answer(camille: Browser, site: Site) -> None:
    write(site, "Premier")
    put(site, 1, site.claire.address)
    text = camille.get("/messages/fils/2").text
    assert "n'a pas été vérifiée" in text
    assert "/repondre" not in text and site.claire.address not in text
    assert camille.get("/messages/recus").text.count(LINE) == 2


@pytest.mark.parametrize("number", ["0", "2", "99999999999999999999", "-1", "x", "%C2%B2"])
def test_a_thread_that_is_not_there(number: str, camille: Browser, first_message: str) -> None:
    assert camille.get(f"/messages/fils/{number}").status == 404


def test_a_thread_of_somebody_else_is_not_there(
    camille: Browser, noe: Browser, first_message: str
) -> None:
    assert camille.get("/messages/fils/1").status == 200
    assert noe.get("/messages/fils/1").status == 404


def test_a_thread_of_which_all_is_in_the_bin_is_not_there(camille: Browser, site: Site) -> None:
    write(site, "Premier")
    camille.get("/messages/fils/1")
    camille.post(
        "/messages/recus/actes", {"vu": "recus:99 envoyes:99", "fil": "1", "acte": "jeter"}
    )
    assert camille.get("/messages/fils/1").status == 404


# print


@pytest.mark.parametrize("path", ["/messages/fils/1", "/messages/recus/1"])
def test_a_printed_page_has_every_text_and_no_way_around(
    path: str, camille: Browser, first_message: str
) -> None:
    assert f'href="{path}?imprimer=1"' in camille.get(path).text
    printed = camille.get(f"{path}?imprimer=1").text
    assert "voici vos résultats." in printed and "Résultats.pdf" in printed
    assert "<nav" not in printed and "<form" not in printed
    assert f'href="{path}"' in printed
