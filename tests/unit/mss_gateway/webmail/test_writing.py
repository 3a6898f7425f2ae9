"""Writing: to whoever wrote first and nobody else; what arrives is whole and in its thread."""

import json
import re

import pytest
from starlette.applications import Starlette

from mailbox_store import changes, mailboxes
from mailbox_store.flags import ANSWERED
from mss_gateway.directory.people import Person
from mss_gateway.message.attachments import attachments, body_text
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message
from mss_gateway.webmail import contacts
from mss_gateway.webmail.app import build
from mss_gateway.webmail.forms import FILES_LIMIT
from mss_gateway.webmail.views.writing import TEXT_LIMIT, upload_limit
from tests.support.asgi import Browser
from tests.support.site import Site
from tests.support.webmail import photo, signed_in


def inbox(site: Site, person: Person) -> list[Message]:
    """Every message in someone's INBOX, the oldest first."""
    with site.gateway.database.read() as view:
        mailbox = mailboxes.find(view, person.account_id, "INBOX")
        rows = list(changes.rows(view, person.account_id, mailbox.mailbox_id, 1, 1 << 31))
        return [scan(changes.read_body(view, person.account_id, row.message_id)) for row in rows]


def tokens(browser: Browser) -> list[str]:
    """The contacts that the form offers."""
    return re.findall(r'name="destinataire" value="([^"]*)"', browser.get("/messages/nouveau").text)


def token_for(site: Site, patient: Person, professional: Person) -> str:
    """The token that a forger who knew the key would make."""
    with site.gateway.database.read() as view:
        return contacts.contact_for(site.gateway, view, patient, professional.address).token


def test_an_answer_arrives_whole_and_in_its_thread(
    camille: Browser, site: Site, first_message: str
) -> None:
    answer = camille.post(
        "/messages/recus/1/repondre",
        {"texte": "Merci docteur,\nvoici l'été.", "citer": "oui"},
        files=(("photo été.jpg", photo("red")),),
    )
    assert answer.location == "/messages/envoyes?fait=envoye"
    assert "Votre message est envoyé." in camille.get(answer.location).text
    site.run_queue()
    (arrived,) = inbox(site, site.claire)
    (original,) = inbox(site, site.camille)
    header, parent = arrived.header, original.header.unfolded("message-id")
    assert header.text("subject") == "Re: Vos résultats"
    assert header.unfolded("in-reply-to") == header.unfolded("references") == parent
    assert "Camille EXEMPLE" in header.text("from")
    assert arrived.root.media_type == "multipart/signed"
    (attached,) = attachments(arrived)
    assert (attached.claimed_name, attached.content()) == ("photo été.jpg", photo("red"))
    text = (body_text(arrived).plain or "").replace("\r\n", "\n")
    assert text.startswith("Merci docteur,\nvoici l'été.\n\nDr Claire MARTIN a écrit le ")
    assert "\n> voici vos résultats." in text


def test_answering_marks_the_original_and_keeps_one_copy(
    camille: Browser, site: Site, first_message: str
) -> None:
    camille.post("/messages/recus/1/repondre", {"texte": "Merci."})
    with site.gateway.database.read() as view:
        box = mailboxes.find(view, site.camille.account_id, "INBOX")
        row = changes.find_row(view, site.camille.account_id, box.mailbox_id, 1)
        sent = mailboxes.find_special(view, site.camille.account_id, "\\Sent")
    assert row.flags & ANSWERED
    assert sent is not None and sent.messages == 1
    text = camille.get("/messages/envoyes").text
    assert "Dr Claire MARTIN" in text and "Re: Vos résultats" in text


def test_without_asking_nothing_is_quoted(camille: Browser, site: Site, first_message: str) -> None:
    camille.post("/messages/recus/1/repondre", {"texte": "Merci."})
    site.run_queue()
    assert (body_text(inbox(site, site.claire)[0]).plain or "").strip() == "Merci."


def test_a_new_message_goes_to_who_wrote_and_to_an_open_pharmacy(
    camille: Browser, site: Site, first_message: str
) -> None:
    text = camille.get("/messages/nouveau").text
    assert "Dr Claire MARTIN" in text and "Pharmacie de la Gare" in text
    assert "BERNARD" not in text
    offered = tokens(camille)
    assert len(offered) == 2
    sent = camille.post(
        "/messages/nouveau", {"destinataire": offered, "objet": "Question", "texte": "Bonjour ?"}
    )
    assert sent.status == 303
    site.run_queue()
    for person in (site.claire, site.pharmacy):
        assert inbox(site, person)[0].header.text("subject") == "Question"


@pytest.mark.parametrize("how", ["address", "token", "patient", "nonsense", "another's token"])
def test_a_forged_recipient_is_refused_in_french(
    how: str, camille: Browser, noe: Browser, site: Site, first_message: str
) -> None:
    forged = {
        "address": site.paul.address,
        "token": token_for(site, site.camille, site.paul),
        "patient": site.noe.address,
        "nonsense": "0" * 32,
        "another's token": token_for(site, site.noe, site.claire),
    }[how]
    answer = camille.post("/messages/nouveau", {"destinataire": forged, "texte": "Bonjour."})
    assert answer.status == 403
    expected = "écrire à un autre usager" if how == "patient" else "dès qu'il vous aura adressé"
    assert expected in answer.text
    assert "Bonjour." in answer.text
    site.run_queue()
    for person in (site.paul, site.noe, site.claire):
        assert inbox(site, person) == []


def test_one_forged_recipient_among_others_stops_the_whole(
    camille: Browser, site: Site, first_message: str
) -> None:
    chosen = [token_for(site, site.camille, site.claire), site.paul.address]
    answer = camille.post("/messages/nouveau", {"destinataire": chosen, "texte": "Bonjour."})
    assert answer.status == 403
    site.run_queue()
    assert inbox(site, site.claire) == inbox(site, site.paul) == []


def test_a_closed_exchange_is_shown_closed_and_opens_again(
    camille: Browser, site: Site, first_message: str
) -> None:
    def receive(subject: str) -> None:
        site.clock.advance(60)
        site.deliver(site.claire, site.camille, site.written(site.claire, site.camille, subject))

    receive("[FIN]")
    text = camille.get("/messages/nouveau").text
    assert "Échanges terminés" in text and "a mis fin à cet échange" in text
    assert "Le professionnel a mis fin" in camille.get("/messages/recus/1").text
    forged = camille.post(
        "/messages/nouveau",
        {"destinataire": token_for(site, site.camille, site.claire), "texte": "Encore."},
    )
    assert forged.status == 403 and "a mis fin à cet échange" in forged.text
    forged = camille.post("/messages/recus/1/repondre", {"texte": "Encore."})
    assert forged.status == 403 and "a mis fin à cet échange" in forged.text
    receive("Bonjour")
    assert camille.post("/messages/recus/1/repondre", {"texte": "Merci."}).status == 303


def test_an_answer_follows_reply_to(camille: Browser, site: Site) -> None:
    raw = site.written(
        site.claire, site.camille, "Bonjour", fields=(("Reply-To", site.paul.address),)
    )
    site.deliver(site.claire, site.camille, raw)
    assert "Dr Paul BERNARD" in camille.get("/messages/recus/1/repondre").text
    assert camille.post("/messages/recus/1/repondre", {"texte": "Merci."}).status == 303
    site.run_queue()
    assert len(inbox(site, site.paul)) == 1 and inbox(site, site.claire) == []


def test_nothing_answers_a_report(camille: Browser, site: Site, first_message: str) -> None:
    site.gateway.database.write(
        lambda tx: tx.sql("UPDATE people SET standing = 'CLOSED' WHERE account_id = ?",
                          (site.pharmacy.account_id,))
    )  # fmt: skip
    assert "Pharmacie" not in camille.get("/messages/nouveau").text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"texte": "Bonjour."}, "Choisissez à qui vous écrivez."),
        ({"destinataire": "?", "texte": "  \n "}, "Écrivez un message ou joignez un fichier."),
        ({"destinataire": "?", "texte": "x" * (TEXT_LIMIT + 1)}, "Votre message est trop long."),
    ],
)
def test_an_incomplete_form_keeps_what_was_typed(
    fields: dict[str, str], said: str, camille: Browser, site: Site, first_message: str
) -> None:
    if "destinataire" in fields:
        fields = fields | {"destinataire": token_for(site, site.camille, site.claire)}
    answer = camille.post("/messages/nouveau", {"objet": "Mon objet", **fields})
    assert answer.status == 422
    assert said in answer.text and "Mon objet" in answer.text


def test_the_longest_text_passes(camille: Browser, site: Site, first_message: str) -> None:
    answer = camille.post("/messages/recus/1/repondre", {"texte": "é" * TEXT_LIMIT}, files=())
    assert answer.status == 303


@pytest.mark.parametrize("subject", ["a\r\nBcc: paul@mss.example", "a\nb", "a\0b", "\u202egpj"])
def test_a_subject_writes_no_other_field(
    subject: str, camille: Browser, site: Site, first_message: str
) -> None:
    chosen = token_for(site, site.camille, site.claire)
    camille.post("/messages/nouveau", {"destinataire": chosen, "objet": subject, "texte": "x"})
    site.run_queue()
    (arrived,) = inbox(site, site.claire)
    assert arrived.header.first("bcc") is None
    assert "\n" not in arrived.header.text("subject") and "\u202e" not in arrived.header.text(
        "subject"
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [("rapport.pdf", b"MZ" + bytes(62) + b"PE"), ("photo.jpg", b"#!/bin/sh\nrm -rf /\n")],
)
def test_a_program_is_refused_by_its_content(
    name: str, content: bytes, camille: Browser, site: Site, first_message: str
) -> None:
    answer = camille.post(
        "/messages/recus/1/repondre", {"texte": "Voici."}, files=((name, content),)
    )
    assert answer.status == 422
    assert "Type de pièce jointe refusé." in answer.text
    assert "Choisissez de nouveau vos fichiers" in answer.text


def test_uploads_stop_at_their_limit(site: Site, app: Starlette, first_message: str) -> None:
    browser = signed_in(app, site, site.camille)
    limit = upload_limit(site.gateway.config.limits.patient_message_octets)
    answer = browser.post(
        "/messages/recus/1/repondre", {"texte": "x"}, files=(("a.txt", b"a" * limit),)
    )
    assert answer.status == 413
    assert "dépasse la taille permise" in answer.text
    lying = browser.post(
        "/messages/recus/1/repondre",
        {"texte": "x"},
        files=(("a.txt", b"a" * limit),),
        headers={"content-length": "10"},
    )
    assert lying.status == 413


def test_the_biggest_upload_makes_a_message_within_the_limit() -> None:
    octets = upload_limit(25 * 1024 * 1024)
    assert octets * 78 / 57 < 25 * 1024 * 1024 - 100_000


@pytest.mark.parametrize(("count", "status"), [(FILES_LIMIT, 303), (FILES_LIMIT + 1, 413)])
def test_files_are_counted(count: int, status: int, camille: Browser, first_message: str) -> None:
    files = tuple((f"{number}.txt", b"bonjour") for number in range(count))
    answer = camille.post("/messages/recus/1/repondre", {"texte": "x"}, files=files)
    assert answer.status == status


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "multipart/form-data"])
def test_what_is_no_form_is_refused(kind: str, camille: Browser, first_message: str) -> None:
    answer = camille.request(
        "POST",
        "/messages/recus/1/repondre",
        {"content-type": kind},
        json.dumps({"jeton": camille.token}).encode(),
    )
    assert answer.status == 403


def test_two_applications_share_their_sessions(camille: Browser, site: Site) -> None:
    other = Browser(build(site.gateway), dict(camille.cookies))
    assert other.get("/accueil").status == 200
