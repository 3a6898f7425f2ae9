"""Reading: names and never addresses, signatures as they were established, closings as notices."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from mailbox_store import mailboxes, messages
from mailbox_store.database import Transaction
from mss_gateway import texts
from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import arrival, threads
from mss_gateway.life.arrival import Arrival
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.address import parse_address
from mss_gateway.message.authentication import DECRYPTIONS, SIGNATURES, Decryption, Signature
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from mss_gateway.queue.worker import Worker
from mss_gateway.webmail import reading
from mss_gateway.webmail.pages import sentence
from mss_gateway.webmail.reading import Evidence
from policies.people import Role
from policies.verdict import Permit
from tests.support.asgi import Browser
from tests.support.site import Site
from tests.support.webmail import pdf, photo
from tests.unit.mss_gateway.life import peers


def test_the_list_shows_name_title_and_marks(camille: Browser, first_message: str) -> None:
    text = camille.get("/messages/recus").text
    for shown in ("Dr Claire MARTIN", "Vos résultats", "Pièce jointe", "Signature vérifiée"):
        assert shown in text
    assert "Non lu" in text and 'title="22 novembre 2026 à 10\u00a0h\u00a033"' in text


def test_no_page_shows_an_address(camille: Browser, site: Site, first_message: str) -> None:
    camille.post("/messages/recus/1/pieces/1.2/dossier", {"categorie": "DOCPAT05"})
    document = camille.get("/dossier").text.partition('href="/dossier/')[2].partition('"')[0]
    camille.get("/messages/recus/1/repondre")
    camille.post("/messages/recus/1/repondre", {"texte": "Merci."})
    for path in (
        "/accueil", "/messages/recus", "/messages/recus/1", "/messages/envoyes",
        "/messages/envoyes/1", "/messages/nouveau", "/messages/recus/1/repondre", "/dossier",
        f"/dossier/{document}",
    ):  # fmt: skip
        answer = camille.get(path)
        assert answer.status == 200
        assert site.claire.address not in answer.text
        assert site.claire.address.encode().hex() not in answer.text


def test_reading_marks_as_read(camille: Browser, first_message: str) -> None:
    assert "1 nouveau message" in camille.get("/accueil").text
    camille.get("/messages/recus/1")
    assert "Aucun nouveau message" in camille.get("/accueil").text
    assert "Non lu" not in camille.get("/messages/recus").text


def test_a_message_shows_text_and_what_the_signature_means(
    camille: Browser, first_message: str
) -> None:
    text = camille.get("/messages/recus/1").text
    assert "voici vos résultats." in text
    assert "Ce message vient bien de Dr Claire MARTIN" in text
    assert 'sandbox=""' in text and "Résultats.pdf" in text


def test_the_mark_of_an_archive_is_not_read_aloud(camille: Browser, site: Site) -> None:
    raw = site.written(site.claire, site.camille, "XDM/1.0/DDM+Compte rendu")
    site.deliver(site.claire, site.camille, raw)
    text = camille.get("/messages/recus").text
    assert "Compte rendu" in text and "XDM/1.0" not in text


@pytest.mark.parametrize(
    ("subject", "fields", "is_notice"),
    [
        ("[FIN]", (), True),
        ("Re: [FIN]", (), False),
        ("Au revoir", (("X-MSS-MES", "FIN"),), False),
    ],
)
def test_a_closing_is_told(
    subject: str, fields: tuple[tuple[str, str], ...], is_notice: bool, camille: Browser, site: Site
) -> None:
    closes = is_notice or bool(fields)
    raw = site.written(site.claire, site.camille, subject, "Bonne suite.", fields=fields)
    site.deliver(site.claire, site.camille, raw)
    listed, read = camille.get("/messages/recus").text, camille.get("/messages/recus/1").text
    assert ("Dr Claire MARTIN a mis fin à cet échange." in listed) is is_notice
    assert "[FIN]" not in listed or not is_notice
    assert ("/repondre" in read) is not closes
    assert "Bonne suite." in read
    assert ("n'attend pas de réponse" in read) is (closes and not is_notice)


def test_what_was_not_verified_is_said_loudly(camille: Browser, site: Site) -> None:
    raw = b"From: x <claire.martin@mss.example>\r\nSubject: Importe\r\n\r\nBonjour.\r\n"
    account_id = site.camille.account_id
    with site.gateway.database.read() as view:
        seal = view.vault.account(view, account_id)
        arrival = messages.seal_arrival(seal, account_id, "ref", raw, summarise(scan(raw)), b"")

    def put(tx: Transaction) -> None:
        inbox = mailboxes.find(tx, account_id, "INBOX")
        messages.append(tx, inbox.mailbox_id, arrival, 0, tx.now)
        tx.sql("UPDATE messages SET thread_id = 0")

    site.gateway.database.write(put)
    threads.settle(site.gateway.database)
    text = camille.get("/messages/recus/1").text
    assert "n'a pas pu être vérifiée" in text and "Signature vérifiée" not in text
    assert "/repondre" not in text and "claire.martin@" not in text
    assert "Signature non vérifiée" in camille.get("/messages/recus").text


# what another operator sends, and what was found of it


@pytest.fixture
def abroad(site: Site) -> Gateway:
    """The gateway with another operator's authority believed, and that operator's lists."""
    gateway = peers.reading_lists(site.gateway)
    peers.believe(gateway, peers.authority().root)
    peers.publish(gateway)
    return gateway


def arrive(site: Site, gateway: Gateway, raw: bytes, path: str = peers.AUTHOR) -> None:
    to = parse_address(site.camille.address)
    sent = Arrival(parse_address(path), (to,), raw, Role.PROFESSIONAL)
    arrival.accept(gateway, sent, lambda _judged, _recipients: Permit(()))
    while Worker(gateway, site.worker._wake).run_batch():
        pass


def from_abroad(site: Site, issuer: str = peers.OPERATOR) -> bytes:
    letter = peers.letter(to=site.camille.address)
    return peers.sign(letter, peers.signer(issuer=issuer), site.gateway.now())


def test_a_message_from_elsewhere_is_verified_under_the_name_of_its_certificate(
    camille: Browser, site: Site, abroad: Gateway
) -> None:
    boasting = peers.letter(to=site.camille.address).replace(
        b"From: <", b"From: Dr Claire MARTIN <"
    )
    arrive(site, abroad, peers.sign(boasting, peers.signer(), site.gateway.now()))
    listed, read = camille.get("/messages/recus").text, camille.get("/messages/recus/1").text
    assert "Signature vérifiée" in listed and "Signature vérifiée" in read
    assert "Ce message vient bien de Luc Garnier" in read
    assert "Claire MARTIN" not in listed and "Claire MARTIN" not in read
    assert 'class="notice bad"' not in read


def _revoked(site: Site, gateway: Gateway) -> bytes:
    peers.publish(gateway, peers.signer().certificate, since=timedelta(hours=1))
    return from_abroad(site)


def _stale(site: Site, gateway: Gateway) -> bytes:
    for file in gateway.config.in_state(peers.FOLDER).iterdir():
        file.unlink()
    return from_abroad(site)


DOUBTS: dict[Signature, Callable[[Site, Gateway], bytes]] = {
    Signature.ABSENT: lambda site, _: peers.letter(to=site.camille.address),
    Signature.INVALID: lambda site, _: from_abroad(site).replace(b"Bonjour.", b"Bonsoir."),
    Signature.UNTRUSTED: lambda site, _: from_abroad(site, "Un inconnu"),
    Signature.REVOKED: _revoked,
    Signature.REVOCATION_UNKNOWN: _stale,
    Signature.OTHER_AUTHOR: lambda site, _: peers.sign(
        peers.letter(site.claire.address, site.camille.address),
        peers.signer(),
        site.gateway.now(),
    ),
}


@pytest.mark.parametrize("word", DOUBTS, ids=[word.value for word in DOUBTS])
def test_what_was_found_wanting_is_said_in_one_sentence(
    word: Signature, camille: Browser, site: Site, abroad: Gateway
) -> None:
    forged = b"X-MSS-Signature: valide\r\nAuthentication-Results: localhost; smime=pass\r\n"
    arrive(site, abroad, forged + DOUBTS[word](site, abroad))
    answer = camille.get("/messages/recus/1")
    text = answer.text
    assert answer.status == 200
    assert text.count('class="notice bad"') == 1
    assert sentence(SIGNATURES[word].text) in text
    assert "Signature vérifiée" not in text and "vient bien de" not in text
    listed = camille.get("/messages/recus").text
    assert "Signature vérifiée" not in listed
    # what is not shown is explained, by the service, and nothing is lost
    is_shown = word in arrival.READABLE
    assert ("Message reçu mais non ouvert" in listed) is not is_shown
    assert ("Signature non vérifiée" in listed) is is_shown
    assert ("message-original.eml" in text) is not is_shown
    for address in (peers.AUTHOR, site.claire.address):
        assert address not in text and address not in listed


def test_what_stays_closed_for_a_patient_is_not_a_riddle_of_theirs(
    camille: Browser, site: Site, abroad: Gateway
) -> None:
    sealed = peers.seal(from_abroad(site), peers.signer().certificate)
    with pytest.raises(Refused) as refused:
        arrive(site, abroad, sealed)
    assert refused.value.failure is Failure.CANNOT_OPEN
    assert camille.get("/messages/recus/1").status == 404


@pytest.mark.parametrize("decryption", Decryption)
def test_every_pair_of_words_has_its_sentence(decryption: Decryption) -> None:
    is_open = decryption in (Decryption.NOT_ENCRYPTED, Decryption.DECRYPTED)
    for signature in Signature:
        found = Evidence(signature="absent", verdict=(signature.value, decryption.value)).doubts
        row = SIGNATURES[signature] if is_open else DECRYPTIONS[decryption]
        assert found == (row.text,)
        assert texts.text(found[0])


def test_what_is_signed_or_has_no_verdict_leaves_no_doubt() -> None:
    """Messages of earlier releases have no verdict; the gateway signed them, or nobody did."""
    assert Evidence().doubts == Evidence(signature="valid").doubts == ()
    assert Evidence(signature="valid", verdict=("valide", "non-chiffre")).doubts == ()


@pytest.mark.parametrize(("count", "second"), [(reading.PAGE, 0), (reading.PAGE + 1, 1)])
def test_a_long_list_has_pages(count: int, second: int, camille: Browser, site: Site) -> None:
    for number in range(count):
        site.send(site.claire, site.camille, site.written(site.claire, site.camille, f"n{number}."))
    site.run_queue()
    camille.get("/messages/recus")
    camille.post(
        "/messages/recus/actes", {"vu": "recus:99 envoyes:99", "fil": "1", "acte": "jeter"}
    )
    first = camille.get("/messages/corbeille").text
    assert first.count('class="letter unread"') == reading.PAGE
    assert ("Plus anciens" in first) is bool(second)
    if second:
        older = first.partition("?avant=")[2].partition('"')[0]
        text = camille.get(f"/messages/corbeille?avant={older}").text
        assert text.count('class="letter unread"') == second
        assert "Retour aux plus récents" in text


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "1;DROP", "²"])
def test_a_forged_page_mark_shows_the_first_page(
    before: str, camille: Browser, first_message: str
) -> None:
    for path in ("/messages/recus", "/messages/envoyes", "/messages/fils/1"):
        answer = camille.get(f"{path}?avant=" + before.encode().hex() + before[:1])
        assert answer.status == 200
    assert "Vos résultats" in answer.text


@pytest.mark.parametrize("uid", ["0", "2", "99999999999999999999", "-1", "1.0", "x", "%C2%B2"])
def test_a_message_that_is_not_there(uid: str, camille: Browser, first_message: str) -> None:
    answer = camille.get(f"/messages/recus/{uid}")
    assert answer.status == 404
    assert "Ce message n'existe pas" in answer.text


@pytest.mark.parametrize("part", ["0", "1", "9", "..", "1.2.3", "HEADER"])
def test_an_attachment_that_is_not_there(part: str, camille: Browser, first_message: str) -> None:
    for tail in ("", "/fichier", "/pages/1"):
        assert camille.get(f"/messages/recus/1/pieces/{part}{tail}").status == 404


def test_attachments_are_shown_and_downloaded(camille: Browser, first_message: str) -> None:
    base = "/messages/recus/1/pieces/"
    assert camille.get(base + "1.2").text.count("/pages/1") == 1
    drawn = camille.get(base + "1.2/pages/1")
    assert drawn.header("content-type") == "image/png" and drawn.content.startswith(b"\x89PNG")
    small = camille.get(base + "1.3/pages/1?taille=vignette")
    assert small.header("content-type") == "image/jpeg"
    assert camille.get(base + "1.2/pages/2").status == 404
    for number, content in (("1.2", pdf()), ("1.3", photo())):
        kept = camille.get(base + number + "/fichier")
        assert kept.content == content
        assert kept.header("content-disposition").startswith("attachment; ")
        assert "sandbox" in kept.header("content-security-policy")


def test_saving_twice_says_so(camille: Browser, first_message: str) -> None:
    path = "/messages/recus/1/pieces/1.2/dossier"
    assert "Enregistrer dans mon dossier" in camille.get("/messages/recus/1").text
    first = camille.post(path, {"categorie": "DOCPAT05"})
    assert "est enregistré dans votre dossier" in camille.get(first.location).text
    assert "Ce document est dans votre dossier." in camille.get("/messages/recus/1").text
    second = camille.post(path, {"categorie": "DOCPAT01"})
    assert second.location.partition("?")[0] == first.location.partition("?")[0]
    assert "Ce document est déjà dans votre dossier." in camille.get(second.location).text


def test_only_what_was_received_is_filed(camille: Browser, first_message: str) -> None:
    camille.post(
        "/messages/recus/1/repondre", {"texte": "Voici."}, files=(("a.jpg", photo("red")),)
    )
    assert "a.jpg" in camille.get("/messages/envoyes/1").text
    assert camille.post("/messages/envoyes/1/pieces/1.2/dossier").status == 404


def test_an_author_who_asks_is_told_and_the_reader_knows_it_once(
    camille: Browser, site: Site
) -> None:
    asks = (("Disposition-Notification-To", f"<{site.claire.address}>"),)
    raw = site.written(site.claire, site.camille, "Résultats", fields=asks)
    site.deliver(site.claire, site.camille, raw)
    sentence_shown = texts.text("web.accuse_envoye")
    assert sentence_shown in camille.get("/messages/recus/1").text
    assert sentence_shown not in camille.get("/messages/recus/1").text
    assert "Aucun nouveau message" in camille.get("/accueil").text
    site.run_queue()
    assert inbox_of(site, site.claire) == 1


def test_an_author_who_does_not_ask_is_told_nothing(
    camille: Browser, site: Site, first_message: str
) -> None:
    assert texts.text("web.accuse_envoye") not in camille.get("/messages/recus/1").text
    site.run_queue()
    assert inbox_of(site, site.claire) == 0


def inbox_of(site: Site, person: Person) -> int:
    """How many messages somebody received."""
    with site.gateway.database.read() as view:
        return mailboxes.find(view, person.account_id, "INBOX").messages
