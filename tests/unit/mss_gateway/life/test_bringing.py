"""Bringing a former record in takes the same way as the mail: versions, copies, signatures."""

from mss_gateway.dossier import companions, listing
from mss_gateway.dossier.documents import Document, State
from mss_gateway.dossier.errors import ImportCode
from mss_gateway.dossier.examination import ExaminationSettings
from mss_gateway.dossier.listing import Reader
from mss_gateway.life import bringing
from mss_gateway.life.bringing import Brought, NotBrought
from tests.support.smtp_site import PATIENT, Site
from tests.support.xdm import Entry, archive, archive_of, cda_document, entry_for
from tests.unit.mss_gateway.dossier.test_succession import ELSEWHERE, update, version

PDF = b"%PDF-1.4\n% un essai\n"
SETTINGS = ExaminationSettings(accept_test_ins=True)


def bring(site: Site, content: bytes, name: str = "IHE_XDM.ZIP") -> Brought | NotBrought:
    return bringing.bring(site.gateway, site.person(PATIENT), name, content, SETTINGS)


def documents(site: Site) -> dict[str, Document]:
    with site.gateway.database.read() as view:
        found = listing.documents_of(
            view, site.person(PATIENT).account_id, Reader.PATIENT, states=tuple(State)
        )
    return {one.title: one for one in found}


def test_versions_come_in_in_any_order(site: Site) -> None:
    for number in (2, 3, 1):
        assert bring(site, archive_of(cda_document(version(number)))) == Brought(1, 0)

    states = {title: one.state for title, one in documents(site).items()}
    assert states == {"v1": State.SUPERSEDED, "v2": State.SUPERSEDED, "v3": State.CURRENT}
    assert site.acts("dossier").count("filed") == 3


def test_an_archive_of_another_organisation_is_reported_and_may_come_again(site: Site) -> None:
    bring(site, archive_of(cda_document(version(1))))
    intruder = archive_of(cda_document(version(2, replaces="1.2.250.1.999.7.1", **ELSEWHERE)))

    for _ in range(2):
        outcome = bring(site, intruder)
        assert isinstance(outcome, NotBrought)
        assert outcome.code is ImportCode.AUTHOR_NOT_ALLOWED
        assert "another organisation" in outcome.cause
    assert list(documents(site)) == ["v1"]


def test_a_status_for_what_is_not_here_is_reported(site: Site) -> None:
    unknown = update("urn:uuid:11111111-2222-3333-4444-555555555555", "Deprecated")

    outcome = bring(site, unknown)

    assert isinstance(outcome, NotBrought)
    assert outcome.code is ImportCode.WRONG_VERSION


def test_a_bare_cda_is_judged_like_one_in_an_archive(site: Site) -> None:
    bring(site, archive_of(cda_document(version(1))))

    refused = bring(
        site,
        cda_document(version(2, replaces="1.2.250.1.999.7.1", **ELSEWHERE)),
        "compte-rendu.xml",
    )
    assert isinstance(refused, NotBrought)
    assert bring(site, cda_document(version(3)), "compte-rendu.xml") == Brought(1, 0)
    assert documents(site)["v1"].state is State.SUPERSEDED


def test_the_pdf_copy_is_the_same_document_before_and_after(site: Site) -> None:
    level_one = archive_of(cda_document(version(1, pdf=PDF)))

    assert bring(site, PDF, "copie.pdf") == Brought(1, 0)
    assert bring(site, level_one) == Brought(1, 0)
    assert bring(site, PDF + b"autre", "autre.pdf") == Brought(1, 0)

    current = [one.title for one in documents(site).values() if one.state is State.CURRENT]
    assert sorted(current) == ["Autre", "v1"]


def test_what_signs_the_documents_is_kept_with_them(site: Site) -> None:
    signature = Entry(
        b"<Signature/>", "SIGN.XML", format_code="urn:ihe:iti:dsg:detached:2014", unique_id="1.9"
    )
    bring(site, archive([entry_for(cda_document(version(1))), signature]))

    (document,) = documents(site).values()
    with site.gateway.database.read() as view:
        (kept,) = companions.of_document(view, document.account_id, document.document_id)
    assert (kept.path, kept.content) == ("IHE_XDM/SUBSET01/SIGN.XML", b"<Signature/>")
