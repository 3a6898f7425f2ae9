"""The main story, patient's side: read, keep the document, answer, and who may be written to."""

import email
import email.policy
import io
import re
import subprocess
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import TypeVar

import pytest
from PIL import Image

from mss_gateway.cli import demo_message
from tests.support import xdm
from tests.support.demo import Demo
from tests.support.web import Browser, Page

T = TypeVar("T")

PATIENT = "279035121518989"
OTHER_PATIENT = "146026322000196"


@pytest.fixture(scope="module")
def browser(running: Demo) -> Browser:
    """The first patient, signed in: Dr Martin's demo message is waiting."""
    visitor = Browser(running.told["webmail"], running.tls)
    visitor.sign_in(running.accounts[PATIENT])
    return visitor


def _read(browser: Browser, subject: str) -> Page:
    for page in browser.received():
        if subject in page.text:
            return page
    raise AssertionError(browser.get("/messages/recus").text)


def test_the_patient_sees_the_name_the_signature_and_the_letter(browser: Browser) -> None:
    page = _read(browser, demo_message.SUBJECT)

    assert "Dr Claire MARTIN" in page.text
    assert "Signature vérifiée" in page.text
    assert "Votre tension est bien équilibrée" in page.text
    assert "claire.martin@" not in page.body.decode()


def test_a_pdf_is_previewed_as_a_picture_and_downloaded_byte_for_byte(browser: Browser) -> None:
    page = _read(browser, demo_message.SUBJECT)
    piece = browser.get(next(link for link in page.links("/pieces/") if "/pages/" not in link))

    pictures = [browser.get(link) for link in piece.links("/pages/")]
    download = browser.get(next(iter(piece.links("/fichier"))))

    assert pictures
    assert all(one.headers["content-type"].startswith("image/") for one in pictures)
    assert download.body == demo_message.letter()
    assert download.headers["content-disposition"].startswith("attachment")


def test_a_document_is_kept_by_one_click_and_only_once(browser: Browser) -> None:
    page = _read(browser, demo_message.SUBJECT)

    first = browser.submit(page, "/dossier", {"categorie": "DOCPAT03"})
    # the page of before is sent again, as a second tab would
    again = browser.submit(page, "/dossier", {"categorie": "DOCPAT03"})

    listed = browser.get("/dossier")
    assert first.status == 200
    assert "déjà dans" in again.text
    (listed_once,) = _documents(listed)
    document = browser.get(listed_once)
    assert "Dr Claire MARTIN" in document.text
    assert browser.get(next(iter(document.links("/fichier")))).body == demo_message.letter()


def test_documents_of_an_archive_are_in_the_dossier_by_themselves(
    running: Demo, browser: Browser
) -> None:
    subject = xdm.Subject(ins=PATIENT)
    archive = xdm.archive_of(xdm.cda_document(xdm.CdaText(subject=subject)))
    message = EmailMessage()
    message["Subject"] = "XDM/1.0/DDM+Biologie PAT-TROIS DOMINIQUE 1979-03-28"
    message.set_content("Vos résultats.")
    message.add_attachment(archive, maintype="application", subtype="zip", filename="IHE_XDM.ZIP")

    ref = running.send("claire.martin", PATIENT, message)

    def filed() -> Page | None:
        listed = browser.get("/dossier")
        return listed if "Compte rendu d'analyses" in listed.text else None

    listed = _eventually(filed)
    assert "FICTIVE" in listed.text
    assert "dossier" in running.mss("message", "show", ref).stdout


def test_the_patient_answers_with_a_photo_and_the_doctor_reads_it(
    running: Demo, browser: Browser, require_program: Callable[[str], str], tmp_path: Path
) -> None:
    photo = _photo()
    with running.imap("claire.martin") as client:
        before = len(client.search(None, "ALL")[1][0].split())
    original = _read(browser, demo_message.SUBJECT)
    form = browser.get(next(iter(original.links("/repondre"))))

    sent = browser.submit(
        form,
        "/repondre",
        {"texte": "Merci docteur, voici la photo."},
        (("fichiers", "photo.jpg", "image/jpeg", photo),),
    )

    assert sent.status == 200, sent.text
    raw = running.wait_for("claire.martin", f"Re: {demo_message.SUBJECT}")
    arrived = email.message_from_bytes(raw, policy=email.policy.default)
    assert arrived["From"].addresses[0].display_name == "Dominique Marie-Louise PAT-TROIS"
    assert arrived["In-Reply-To"]
    assert arrived["In-Reply-To"] in arrived["References"]
    photos = [part for part in arrived.walk() if part.get_content_type() == "image/jpeg"]
    assert [part.get_payload(decode=True) for part in photos] == [photo]
    with running.imap("claire.martin") as client:
        assert len(client.search(None, "ALL")[1][0].split()) == before + 1
    (tmp_path / "m.eml").write_bytes(raw)
    verified = subprocess.run(
        [
            require_program("openssl"),
            *("cms", "-verify", "-in", tmp_path / "m.eml"),
            *("-CAfile", running.told["ca_file"]),
        ],
        capture_output=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stderr
    assert "Merci docteur" not in browser.get("/messages/envoyes").text
    assert f"Re: {demo_message.SUBJECT}" in browser.get("/messages/envoyes").text


def test_a_new_conversation_only_with_whoever_wrote_first(running: Demo, browser: Browser) -> None:
    form = browser.get("/messages/nouveau")
    offered = form.text

    assert "Dr Claire MARTIN" in offered
    assert "Pharmacie de la Gare" in offered
    assert "BERNARD" not in offered
    tokens = form.tree.xpath("//input[@name='destinataire']")
    martin = next(one.get("value") for one in tokens if "MARTIN" in one.getparent().text_content())
    sent = browser.submit(
        form, "/nouveau", {"destinataire": martin, "objet": "Question", "texte": "Bonjour."}
    )
    assert sent.status == 200, sent.text
    running.wait_for("claire.martin", "Question")


def test_a_forged_recipient_is_refused_with_a_sentence(running: Demo, browser: Browser) -> None:
    form = browser.get("/messages/nouveau")
    bernard = running.accounts["paul.bernard"]["address"]

    answer = browser.submit(
        form, "/nouveau", {"destinataire": bernard, "objet": "Bonjour", "texte": "Forge."}
    )

    assert answer.status == 403
    assert "premier message" in answer.text
    with running.imap("paul.bernard") as client:
        assert client.search(None, "ALL")[1][0] == b""


def test_fin_closes_and_the_next_message_opens_again(running: Demo, browser: Browser) -> None:
    patient = running.accounts[PATIENT]["address"]
    martin = running.accounts["claire.martin"]["address"]
    closing = EmailMessage()
    closing["Subject"] = "[FIN]"
    closing.set_content("Fin.")
    running.send("claire.martin", PATIENT, closing)

    why = ("policy", "why", "--from", patient, "--to", martin)
    _eventually(lambda: running.mss(*why).returncode == 1)
    assert "MARTIN" not in "".join(
        one.getparent().text_content()
        for one in browser.get("/messages/nouveau").tree.xpath("//input[@name='destinataire']")
    )
    again = EmailMessage()
    again["Subject"] = "De retour"
    again.set_content("Je reste joignable.")
    running.send("claire.martin", PATIENT, again)
    _eventually(lambda: running.mss(*why).returncode == 0)


def test_another_patient_sees_nothing_of_it(running: Demo, browser: Browser) -> None:
    other = Browser(running.told["webmail"], running.tls)
    other.sign_in(running.accounts[OTHER_PATIENT])
    message = browser.received()[0].url
    document = _documents(browser.get("/dossier")).pop()

    assert other.get(message).status == 404
    assert other.get(document).status == 404
    assert "MARTIN" not in other.get("/messages/recus").text


def _documents(listed: Page) -> set[str]:
    """The paths of the documents that a page names."""
    return {
        link for link in listed.links("/dossier/") if re.fullmatch(r"/dossier/[0-9a-f]{32}", link)
    }


def _eventually(ask: Callable[[], T | None], seconds: float = 20.0) -> T:
    """The first answer that is true; the queue works behind the 250."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError("it did not come to pass")


def _photo() -> bytes:
    target = io.BytesIO()
    Image.effect_mandelbrot((320, 240), (-2, -1.5, 1, 1.5), 40).save(target, "JPEG")
    return target.getvalue()
