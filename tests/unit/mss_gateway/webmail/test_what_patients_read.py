"""What patients read when something is refused, doubtful or out of date: each is provoked through
the pages, and read where it stands, with the way out beside it.

One row for each message of the domain's table that the webmail shows to a patient. What arrives in
a personal mailbox instead is tested where notices are (``life.notices``).
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from mailbox_store import mailboxes, messages
from mailbox_store.database import Transaction
from mss_gateway.message.build import OutgoingFile
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from mss_gateway.texts import Language
from mss_gateway.webmail.pages import sentence
from mss_gateway.webmail.preferences import LANGUAGE_COOKIE
from tests.support import xdm
from tests.support.asgi import Answer, Browser
from tests.support.site import Site
from tests.support.webmail import pdf
from tests.unit.mss_gateway.webmail.test_dossier import subject_of

NEW, FIRST = "/messages/nouveau", "/messages/recus/1"
PROGRAM = ("installer.exe", b"MZ\x90\x00" + bytes(64))


@dataclass(frozen=True)
class Case:
    """``way``: what the page offers next; ``absent``: what it must not offer any more."""

    name: str
    provoke: Callable[[Browser, Site], Answer]
    key: str
    way: str
    status: int = 200
    absent: str = ""


def receive(site: Site, subject: str, *files: OutgoingFile, **fields: str) -> None:
    raw = site.written(
        site.claire,
        site.camille,
        subject,
        files=files,
        fields=tuple((name.replace("_", "-"), value) for name, value in fields.items()),
    )
    site.clock.advance(60)
    site.deliver(site.claire, site.camille, raw)


def imported(site: Site, raw: bytes, age: int = 0) -> None:
    """A message of which nobody established anything, as a former mailbox brings it."""
    account_id = site.camille.account_id
    with site.gateway.database.read() as view:
        seal = view.vault.account(view, account_id)
    arrival = messages.seal_arrival(seal, account_id, "ref", raw, summarise(scan(raw)), b"")

    def put(tx: Transaction) -> None:
        inbox = mailboxes.find(tx, account_id, "INBOX")
        messages.append(tx, inbox.mailbox_id, arrival, 0, tx.now - age)

    site.gateway.database.write(put)


def sent(browser: Browser, site: Site, to: str, *files: tuple[str, bytes]) -> Answer:
    browser.get(NEW)
    written = {"destinataire": to, "objet": "Une question", "texte": "Bonjour."}
    return browser.post(NEW, written, files=files)


def to_who_never_wrote(browser: Browser, site: Site) -> Answer:
    return sent(browser, site, site.claire.address)


def to_another_patient(browser: Browser, site: Site) -> Answer:
    return sent(browser, site, site.noe.address)


def a_program(browser: Browser, site: Site) -> Answer:
    receive(site, "Bonjour")
    browser.get(f"{FIRST}/repondre")
    return browser.post(f"{FIRST}/repondre", {"texte": "Voici."}, files=(PROGRAM,))


def closed_without_words(browser: Browser, site: Site) -> Answer:
    receive(site, "Bonjour")
    receive(site, "[FIN]")
    return browser.get("/messages/recus/2")


def closed_and_answered(browser: Browser, site: Site) -> Answer:
    receive(site, "Bonjour")
    receive(site, "[FIN]")
    return browser.get(f"{FIRST}/repondre")


def closed_and_sent_all_the_same(browser: Browser, site: Site) -> Answer:
    receive(site, "Bonjour")
    browser.get(f"{FIRST}/repondre")
    receive(site, "[FIN]")
    return browser.post(f"{FIRST}/repondre", {"texte": "Encore un mot."}, files=())


def no_answer_wanted(browser: Browser, site: Site) -> Answer:
    receive(site, "Au revoir", X_MSS_MES="FIN")
    return browser.get(FIRST)


def signature_in_doubt(browser: Browser, site: Site) -> Answer:
    imported(site, b"From: x <claire.martin@mss.example>\r\nSubject: Importe\r\n\r\nBonjour.\r\n")
    return browser.get(FIRST)


def with_a_broken_archive(browser: Browser, site: Site) -> Answer:
    broken = OutgoingFile("IHE_XDM.ZIP", "application/zip", b"PK\x03\x04" + bytes(40))
    imported(site, site.written(site.claire, site.camille, "Bilan", files=(broken,)))
    return browser.get(FIRST)


def with_an_archive_never_filed(browser: Browser, site: Site) -> Answer:
    content = xdm.archive_of(xdm.cda_document(xdm.CdaText(subject=subject_of())))
    whole = OutgoingFile("IHE_XDM.ZIP", "application/zip", content)
    imported(site, site.written(site.claire, site.camille, "Bilan", files=(whole,)), age=3601)
    return browser.get(FIRST)


def in_the_record_already(browser: Browser, site: Site) -> Answer:
    receive(site, "Vos résultats", OutgoingFile("r.pdf", "application/pdf", pdf()))
    browser.get(FIRST)
    for _ in range(2):
        answer = browser.post(f"{FIRST}/pieces/1.2/dossier", {"categorie": "DOCPAT05"})
    return browser.get(answer.location)


def replaced(browser: Browser, site: Site) -> Answer:
    first = xdm.entry_for(xdm.cda_document(xdm.CdaText(subject=subject_of())))
    receive(site, "Bilan", archive_of(first))
    path = "/dossier/" + browser.get("/dossier").text.partition('<a href="/dossier/')[2][:32]
    text = xdm.CdaText(
        subject=subject_of(), unique_id=SECOND, version="2", replaces=first.unique_id
    )
    receive(site, "Bilan corrigé", archive_of(xdm.entry_for(xdm.cda_document(text))))
    return browser.get(path)


def a_type_that_no_record_takes(browser: Browser, _site: Site) -> Answer:
    browser.get("/dossier/ajouter")
    return browser.post("/dossier/ajouter", {}, files=(PROGRAM,))


def a_file_that_is_too_big(browser: Browser, site: Site) -> Answer:
    browser.get("/dossier/ajouter")
    size = site.gateway.config.dossier.deposit_octets + 1_000_000
    return browser.request(
        "POST",
        "/dossier/ajouter",
        {"content-type": "multipart/form-data; boundary=x", "content-length": str(size)},
    )


def somebody_else_s_document(browser: Browser, site: Site) -> Answer:
    receive(
        site,
        "Bilan",
        archive_of(xdm.entry_for(xdm.cda_document(xdm.CdaText(subject=subject_of())))),
    )
    path = "/dossier/" + browser.get("/dossier").text.partition('<a href="/dossier/')[2][:32]
    return browser.post(f"{path}/supprimer")


def archive_of(entry: xdm.Entry) -> OutgoingFile:
    return OutgoingFile("IHE_XDM.ZIP", "application/zip", xdm.archive([entry]))


SECOND = "1.2.250.1.999.7.99"
DEPOSIT = 'href="/dossier/ajouter"'
FORM, ANSWER = 'name="texte"', '/repondre"'

CASES = (
    Case("to who never wrote", to_who_never_wrote, "refus.premier_contact", FORM, 403),
    Case("to another patient", to_another_patient, "refus.entre_usagers", FORM, 403),
    Case("closed", closed_without_words, "web.echange_clos", "/messages/recus", absent=ANSWER),
    Case("answer to it", closed_and_answered, "refus.echange_clos", "/messages/recus", absent=FORM),
    Case(
        "closed meanwhile",
        closed_and_sent_all_the_same,
        "refus.echange_clos",
        "/messages/recus",
        403,
    ),
    Case("no answer", no_answer_wanted, "web.sans_reponse", "/messages/recus", absent=ANSWER),
    Case("doubt", signature_in_doubt, "avis.signature_douteuse", "/messages/recus", absent=ANSWER),
    Case("broken archive", with_a_broken_archive, "avis.archive_illisible", "/fichier"),
    Case("not filed", with_an_archive_never_filed, "web.pas_au_dossier", "/fichier"),
    Case("a program", a_program, "refus.type_interdit", FORM, 422),
    Case("twice in the record", in_the_record_already, "web.fait_deja", "/fichier"),
    Case("replaced", replaced, "avis.remplace", 'href="/dossier'),
    Case("no such type", a_type_that_no_record_takes, "refus.document_type", DEPOSIT, 415),
    Case("too big", a_file_that_is_too_big, "refus.taille", DEPOSIT, 413),
    Case("not theirs", somebody_else_s_document, "refus.document_autrui", "/accueil", 403),
)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_it_is_said_where_it_happens_with_the_way_out(
    case: Case, camille: Browser, site: Site
) -> None:
    answer = case.provoke(camille, site)
    assert answer.status == case.status, answer.text
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    assert sentence(case.key) in main
    assert case.way in main
    if case.absent:
        assert case.absent not in main
    assert site.claire.address not in main and site.camille.traits.ins not in main


def test_it_is_said_in_english_too(camille: Browser, site: Site) -> None:
    camille.cookies[LANGUAGE_COOKIE] = "en"
    receive(site, "Au revoir", X_MSS_MES="FIN")
    said = sentence("web.sans_reponse", language=Language.ENGLISH)
    assert said in camille.get(FIRST).text and said != sentence("web.sans_reponse")
