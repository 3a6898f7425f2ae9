"""What its author hides from the patient: nothing tells of it, whatever the patient does."""

import csv
import io

import pytest

from mailbox_store import bodies
from mailbox_store.database import Transaction
from mailbox_store.errors import BlobAltered
from mailbox_store.vault import AccountId
from mss_gateway.dossier import catalogue, filing_rules, listing
from mss_gateway.dossier.documents import Category, Document, Hidden, State
from mss_gateway.dossier.examination import ExaminationSettings
from mss_gateway.dossier.filing_rules import From, Rule
from mss_gateway.dossier.listing import Reader
from mss_gateway.dossier.sealed import digest_of
from mss_gateway.life import bringing, enclosing, record
from mss_gateway.life.bringing import Brought
from mss_gateway.message.build import OutgoingFile
from policies.facts import RecordAction
from policies.records import HIDDEN_FROM_PATIENT
from tests.support import copies, xdm
from tests.support.asgi import Answer, Browser
from tests.support.site import Site
from tests.support.webmail import pdf
from tests.unit.mss_gateway.webmail.test_dossier import only_document, subject_of
from tests.unit.mss_gateway.webmail.test_record import acts, bring

CANARY = "Titre-canari"
CODES = ("N", HIDDEN_FROM_PATIENT)
SETTINGS = ExaminationSettings(accept_test_ins=True)


def archive_of(content: bytes, codes: tuple[str, ...] = CODES) -> bytes:
    """An archive with one PDF, of which its metadata says who may not see it."""
    subject = subject_of()
    entry = xdm.Entry(
        content,
        uri="DOC0001.PDF",
        mime_type="application/pdf",
        patient_id=subject.cx,
        title=CANARY,
        confidentiality=codes,
        source_patient_info=(
            f"PID-5|{subject.birth_name}^{subject.given}^^^^^L",
            f"PID-7|{subject.birth_date}",
            f"PID-8|{subject.sex}",
        ),
    )
    return xdm.archive([entry])


def hide(site: Site, archive: bytes | None = None) -> Document:
    """A document that Camille is not shown."""
    brought = bringing.bring(
        site.gateway, site.camille, "A.ZIP", archive or archive_of(pdf()), SETTINGS
    )
    assert brought == Brought(filed=1, there=0)
    (found,) = documents(site, Reader.OPERATOR)
    assert found.title == CANARY and found.hidden_from & Hidden.PATIENT
    return found


def documents(site: Site, reader: Reader = Reader.PATIENT) -> list[Document]:
    with site.gateway.database.read() as view:
        return listing.documents_of(view, site.camille.account_id, reader, states=tuple(State))


def show(site: Site) -> None:
    """Everything is shown, as when its author allows it."""
    site.gateway.database.write(lambda tx: tx.sql("UPDATE documents SET hidden_from = 0"))


def journal_file(browser: Browser) -> list[list[str]]:
    text = browser.get("/dossier/journal/fichier").content.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))[1:]


def exported(site: Site) -> list[str]:
    """The titles of the journal in a copy of Camille's space."""
    made = copies.make(site, site.camille)
    space = copies.unpacked(copies.opened(site, made)).space
    return [entry["title"] for entry in space["journal"]]


# --- the journal ---------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1, 3, None], ids=["patient", "both", "not settled"])
def test_no_page_of_the_journal_tells_of_it(
    value: int | None, camille: Browser, site: Site
) -> None:
    hide(site)
    site.gateway.database.write(lambda tx: tx.sql("UPDATE documents SET hidden_from = ?", (value,)))
    assert acts(camille, "autres") == []
    assert CANARY not in camille.get("/dossier/journal?cote=autres").text
    assert journal_file(camille) == []
    assert CANARY not in exported(site)


def test_it_is_told_once_it_may_be_seen(camille: Browser, site: Site) -> None:
    hide(site)
    show(site)
    assert acts(camille, "autres") == ["Ajout"]
    assert CANARY in camille.get("/dossier/journal?cote=autres").text
    assert [row[3] for row in journal_file(camille)] == [CANARY]
    assert CANARY in exported(site)


def test_what_is_hidden_from_representatives_only_is_told(camille: Browser, site: Site) -> None:
    hide(site)
    site.gateway.database.write(lambda tx: tx.sql("UPDATE documents SET hidden_from = 2"))
    assert acts(camille, "autres") == ["Ajout"]


def test_a_document_that_is_gone_stays_told(camille: Browser) -> None:
    path = bring(camille, (f"{CANARY}.pdf", pdf())).location.partition("/modifier")[0]
    camille.post(path + "/supprimer")
    assert acts(camille) == ["Suppression", "Ajout"]
    assert [row[3] for row in journal_file(camille)] == [CANARY, CANARY]


# --- the same bytes, by the patient's own act ----------------------------------------------------


def received(site: Site, content: bytes) -> None:
    file = OutgoingFile("Radio.pdf", "application/pdf", content)
    raw = site.written(site.claire, site.camille, "Objet", files=(file,))
    site.deliver(site.claire, site.camille, raw)


def save(browser: Browser) -> Answer:
    page = browser.get("/messages/recus/1")
    assert CANARY not in page.text
    return browser.post("/messages/recus/1/pieces/1.2/dossier", {"categorie": "DOCPAT05"})


def test_a_deposit_of_its_bytes_is_a_document_of_the_patient_s_own(
    camille: Browser, site: Site
) -> None:
    hidden = hide(site)

    first = bring(camille, ("Radio.pdf", pdf()))
    again = bring(camille, ("Radio.pdf", pdf()))

    path = only_document(camille)
    assert hidden.document_id not in path
    assert first.location == f"{path}/modifier?fait=depose"
    assert again.location == f"{path}?fait=deja"
    assert camille.get(path + "/fichier").content == pdf()
    camille.post(path + "/supprimer")
    assert bring(camille, ("Radio.pdf", pdf())).location.endswith("fait=depose")


def test_a_click_on_its_bytes_saves_a_document_of_the_patient_s_own(
    camille: Browser, site: Site
) -> None:
    hidden = hide(site)
    received(site, pdf())

    assert save(camille).location.endswith("?fait=classe")
    assert save(camille).location.endswith("?fait=deja")

    path = only_document(camille)
    assert hidden.document_id not in path
    assert camille.get(path + "/fichier").content == pdf()


def test_a_rule_files_its_bytes_as_the_patient_s_own_and_not_again_once_removed(
    camille: Browser, site: Site
) -> None:
    hidden = hide(site)
    account_id, rule = site.camille.account_id, Rule(From.ANYONE, Category.BIOLOGY)
    site.gateway.database.write(lambda tx: filing_rules.keep(tx, account_id, rule, ()))

    received(site, pdf())

    path = only_document(camille)
    assert hidden.document_id not in path
    assert acts(camille, "autres") == ["Ajout"]
    camille.post(path + "/supprimer")
    received(site, pdf())
    assert documents(site) == []


def test_another_wording_of_a_hidden_version_is_not_found_to_be_it(
    camille: Browser, site: Site
) -> None:
    text = xdm.CdaText(subject=subject_of(), title=CANARY)
    content = xdm.cda_document(text)
    hide(site, xdm.archive([xdm.entry_for(content, confidentiality=CODES)]))
    for wording in (content, content + b"\n"):
        brought = bring(camille, ("lettre.xml", wording))
        assert "fait=deja" not in brought.location
        path = brought.location.partition("?")[0].removesuffix("/modifier")
        assert camille.get(path + "/fichier").content == wording
    assert [one.state for one in documents(site)] == [State.CURRENT] * 2


def test_an_archive_of_its_bytes_finds_it_as_ever(camille: Browser, site: Site) -> None:
    hidden = hide(site)
    bring(camille, ("Radio.pdf", pdf()))
    again = bringing.bring(site.gateway, site.camille, "A.ZIP", archive_of(pdf(), ("N",)), SETTINGS)
    assert again == Brought(filed=0, there=1)
    with site.gateway.database.read() as view:
        digest, account_id = digest_of(pdf()), site.camille.account_id
        assert catalogue.find_same(view, account_id, digest) == hidden.document_id
        own = catalogue.find_same(view, account_id, digest, is_patients_act=True)
    assert [own] == [one.document_id for one in documents(site)]


# --- bytes that are not those of the day it came in ----------------------------------------------


def test_other_bytes_under_a_good_seal_leave_in_no_way(camille: Browser, site: Site) -> None:
    bring(camille, ("a.pdf", pdf()))
    (found,) = documents(site)
    gateway = site.gateway

    def unit(tx: Transaction) -> None:
        seal = tx.vault.account(tx, AccountId(site.camille.account_id))
        body, key = bodies.seal_body(seal, pdf("red"))
        blob_id = bodies.store(tx, body)
        tx.sql("UPDATE documents SET blob_id = ?, object_key = ?", (blob_id, key))

    gateway.database.write(unit)

    for action in (RecordAction.READ, RecordAction.DOWNLOAD):
        with pytest.raises(BlobAltered):
            record.read_document(gateway, site.camille, found.document_id, action)
    with pytest.raises(BlobAltered):
        enclosing.read(gateway, site.camille, found)
    camille.get("/dossier")
    with pytest.raises(BlobAltered):
        camille.post("/dossier/telecharger", {"document": found.document_id})
    assert acts(camille) == ["Ajout"]
