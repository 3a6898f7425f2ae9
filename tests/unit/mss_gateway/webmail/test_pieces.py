"""What the page of a message offers of each attachment, and what a forged click gets."""

from dataclasses import replace

import pytest

from mss_gateway.dossier import catalogue
from mss_gateway.dossier.documents import DocumentId
from mss_gateway.message.build import OutgoingFile
from mss_gateway.webmail import files
from mss_gateway.webmail.app import build
from mss_gateway.webmail.pages import sentence
from tests.support import xdm
from tests.support.asgi import Browser
from tests.support.site import Site
from tests.support.webmail import pdf, signed_in
from tests.unit.mss_gateway.webmail.test_dossier import only_document, subject_of

COPY = "20261120_CR_d_examens_biologiques_PAT-UN_Camille.pdf"
FORM, KEEP = 'class="save"', "/messages/recus/1/pieces/{}/dossier"


def archive() -> bytes:
    return xdm.archive_of(xdm.cda_document(xdm.CdaText(subject=subject_of())))


def receive(site: Site, *received: tuple[str, bytes]) -> None:
    enclosed = tuple(OutgoingFile(name, "application/octet-stream", one) for name, one in received)
    raw = site.written(site.claire, site.camille, "Bilan", files=enclosed)
    site.deliver(site.claire, site.camille, raw)


def test_an_archive_under_another_name_is_filed_and_shown_as_one(
    camille: Browser, site: Site
) -> None:
    receive(site, ("IHE_XDM (1).ZIP", archive()))
    path = only_document(camille)
    text = camille.get("/messages/recus/1").text
    assert f'<p class="piece-name">{sentence("web.archive_documents")}</p>' in text
    assert sentence("web.deja_classes") in text and path in text
    assert FORM not in text
    assert camille.post(KEEP.format("1.2")).status == 415
    only_document(camille)


def test_the_copy_beside_an_archive_leads_to_the_document(camille: Browser, site: Site) -> None:
    receive(site, ("IHE_XDM.ZIP", archive()), (COPY, pdf()))
    path = only_document(camille)
    text = camille.get("/messages/recus/1").text
    assert f'{sentence("web.copie_document")} <a href="{path}">' in text
    assert FORM not in text
    assert "/pieces/1.3/fichier" in text

    forged = camille.post(KEEP.format("1.3"))

    assert forged.location == f"{path}?fait=deja"
    only_document(camille)


def test_a_copy_whose_document_is_gone_can_be_kept_again(camille: Browser, site: Site) -> None:
    receive(site, ("IHE_XDM.ZIP", archive()), (COPY, pdf()))
    removed = DocumentId(only_document(camille).removeprefix("/dossier/"))
    account_id = site.camille.account_id
    site.gateway.database.write(lambda tx: catalogue.remove(tx, account_id, removed))

    kept = camille.post(KEEP.format("1.3"))

    assert kept.location.endswith("?fait=classe")
    assert kept.location.startswith(only_document(camille))


@pytest.mark.parametrize(
    ("name", "content"),
    [("photos.zip", xdm.zip_of([("a.txt", b"x")])), ("son.bin", bytes(range(256)))],
)
def test_what_a_record_does_not_take_is_not_offered_and_refused(
    name: str, content: bytes, camille: Browser, site: Site
) -> None:
    receive(site, (name, content))
    text = camille.get("/messages/recus/1").text
    assert sentence("web.pas_pour_dossier") in text
    assert FORM not in text and "/pieces/1.2/fichier" in text

    forged = camille.post(KEEP.format("1.2"))

    assert forged.status == 415
    assert sentence("refus.document_type") in forged.text
    assert 'class="doc-title"' not in camille.get("/dossier").text


@pytest.mark.parametrize(("over", "status"), [(0, 303), (1, 413)])
def test_the_largest_that_can_be_kept(over: int, status: int, site: Site) -> None:
    receive(site, ("a.pdf", pdf()))
    limits = replace(site.gateway.config.dossier, deposit_octets=len(pdf()) - over)
    config = replace(site.gateway.config, dossier=limits)
    camille = signed_in(build(replace(site.gateway, config=config)), site, site.camille)
    assert (FORM in camille.get("/messages/recus/1").text) is not over
    assert camille.post(KEEP.format("1.2")).status == status


def test_rtf_is_kept_read_and_named(camille: Browser, site: Site) -> None:
    receive(site, ("lettre.rtf", rb"{\rtf1\ansi Cher confr\'e8re}"))
    kept = camille.post(KEEP.format("1.2"))
    assert kept.status == 303
    assert "Cher confrère" in camille.get(only_document(camille)).text
    assert files.file_name("Lettre", "application/rtf") == "Lettre.rtf"
    assert files.file_name("Lettre.RTF", "application/rtf") == "Lettre.RTF"
    assert files.file_name("Lettre", "application/dicom") == "Lettre"
