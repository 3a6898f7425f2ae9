"""Attachments as a record sees them: archives under any name, and copies of what they hold."""

from dataclasses import replace

import pytest

from mss_gateway.dossier import examination
from mss_gateway.dossier.documents import Document
from mss_gateway.life import content, enclosed, submission
from mss_gateway.message import attachments
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Part
from tests.support import xdm
from tests.support.smtp_messages import forwarded
from tests.support.smtp_site import MARTIN, PATIENT, Site, attached, simple
from tests.unit.mss_gateway.life.test_filing_rules import documents, several

PDF = b"%PDF-1.4\n% un essai\n"
PLAIN = xdm.zip_of([("a.txt", b"x")])


def archive() -> bytes:
    return xdm.archive_of(xdm.cda_document())


def names(raw: bytes) -> list[str]:
    found = attachments.attachments(scan(raw))
    return [one.claimed_name for one in enclosed.archives(found)]


def test_an_archive_is_one_by_its_name_or_by_its_layout() -> None:
    raw = several(
        ("IHE_XDM (1).ZIP", archive()),
        ("ihe_xdm.zip", b"nothing of a zip"),
        ("photos.zip", PLAIN),
        ("bilan.dat", archive()),
        ("a.pdf", PDF),
    )
    assert names(raw) == ["IHE_XDM (1).ZIP", "ihe_xdm.zip", "bilan.dat"]
    assert names(forwarded(attached("IHE_XDM.ZIP", archive()))) == []
    assert content.has_xdm(scan(attached("IHE_XDM (1).ZIP", archive())))
    assert not content.has_xdm(scan(simple()))


def test_only_what_begins_as_a_zip_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[Part] = []
    whole = Part.decoded

    def noted(part: Part, raw: bytes) -> bytes:
        decoded.append(part)
        return whole(part, raw)

    monkeypatch.setattr(Part, "decoded", noted)
    large = PDF + bytes(100_000)
    assert not content.has_xdm(scan(several(("a.pdf", large), ("b.zip", PLAIN), ("c.pdf", large))))
    assert [part.filename for part in decoded] == ["b.zip"]


def test_of_very_many_zips_the_first_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def noted(name: str, _packed: bytes) -> bool:
        looked.append(name)
        return False

    monkeypatch.setattr(examination, "is_archive", noted)
    many = [(f"{number}.zip", PLAIN) for number in range(enclosed.ZIPS_LOOKED_AT + 1)]
    assert names(several(*many, ("IHE_XDM.ZIP", PLAIN))) == ["IHE_XDM.ZIP"]
    assert len(looked) == enclosed.ZIPS_LOOKED_AT


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("20261119_CR_PAT-TROIS_DOMINIQUE.pdf", True),
        ("20261119_CR_PAT-TROIS_DOMINIQUE.PDF", True),
        ("20261119_CR_PAT-TROIS_DOMINIQUE.jpg", False),
        ("facture.pdf", False),
    ],
)
def test_a_copy_has_the_national_form_of_name_beside_an_archive(name: str, expected: bool) -> None:
    beside = attachments.attachments(scan(several(("x.zip", archive()), (name, PDF))))
    alone = attachments.attachments(scan(attached(name, PDF)))
    assert enclosed.is_copy(beside[1], enclosed.archives(beside)) is expected
    assert not enclosed.is_copy(alone[0], enclosed.archives(alone))


def test_an_archive_under_another_name_is_filed_by_itself(site: Site) -> None:
    raw = attached("IHE_XDM (1).ZIP", archive())
    submission.accept(site.gateway, site.submission(MARTIN, (PATIENT,), raw))
    site.work()
    assert [one.title for one in documents(site)] == ["Compte rendu d'analyses"]


def test_of_several_documents_a_copy_is_of_that_with_its_title_then_its_day(site: Site) -> None:
    raw = attached("IHE_XDM.ZIP", archive())
    submission.accept(site.gateway, site.submission(MARTIN, (PATIENT,), raw))
    site.work()
    (filed,) = documents(site)
    other = replace(filed, title="Lettre de liaison", document_date=1_577_872_800)
    held: list[Document] = [other, filed]

    def original(name: str) -> Document | None:
        (copy,) = attachments.attachments(scan(attached(name, PDF)))
        return enclosed.original_of(copy, held)

    assert original("20200101_Compte_rendu_d_analyses_X_Y.pdf") is filed
    assert original("20261120_Autre_X_Y.pdf") is filed
    assert original("20200101_Lettre_de_liaison_X_Y.pdf") is other
    assert original("20200101_Autre_X_Y.pdf") is other
    assert original("facture.pdf") is None
