"""The official example documents, and any others of their family, through every reader.

They are not ours to ship: ``DATA`` names the folder that holds them (any ``*.xml`` below it that
is a CDA is tried). ``DATA=… pytest tests/crossed/test_national_examples.py``.
"""

import os
from pathlib import Path

import pytest

from mss_gateway.dossier import cda, xdm
from mss_gateway.dossier.documents import known_types
from mss_gateway.dossier.examination import ExaminationSettings, examine_attachment, header_of
from mss_gateway.dossier.identity import TEST_OIDS
from mss_gateway.dossier.narrative import Figure, cda_text
from mss_gateway.dossier.render import Renderer
from tests.support.xdm import archive_of


def _examples() -> list[object]:
    folder = os.environ.get("DATA")
    if not folder:
        skipped = pytest.mark.skip(reason="DATA does not name the folder of the national examples")
        return [pytest.param(Path("unset"), marks=skipped, id="unset")]
    found = [path for path in sorted(Path(folder).rglob("*.xml")) if cda.is_cda(path.read_bytes())]
    return [pytest.param(path, id=path.stem) for path in found]


@pytest.mark.parametrize("path", _examples())
def test_header_is_read(path: Path) -> None:
    header = cda.read_header(path.read_bytes())

    assert header.title
    assert header.type.code in known_types()
    assert header.effective_time is not None
    assert header.service_start is not None
    assert header.authors[0].display
    assert header.custodian
    assert header.unique_id
    assert header.set_id
    assert header.version.isdecimal()
    assert header.language == "fr-FR"
    assert [one.code for one in header.confidentiality]
    assert header.patient.ins(TEST_OIDS)
    assert header.patient.has_traits


@pytest.mark.parametrize("path", _examples())
def test_archive_is_accepted_for_its_patient_and_for_nobody_else(path: Path) -> None:
    content = path.read_bytes()
    packed = archive_of(content)
    (ins,) = {one.value for one in cda.read_header(content).patient.ins(TEST_OIDS)}
    demo = ExaminationSettings(accept_test_ins=True)

    (document,) = xdm.examine(packed).documents

    assert document.content == content
    assert header_of(document) == cda.read_header(content)
    assert examine_attachment("IHE_XDM.ZIP", packed, frozenset({ins}), demo) == ()
    assert examine_attachment("IHE_XDM.ZIP", packed, frozenset({"279035121518900"}), demo)
    assert examine_attachment("IHE_XDM.ZIP", packed, frozenset({ins}), ExaminationSettings())


@pytest.mark.parametrize("path", _examples())
def test_document_can_be_read_by_a_person(path: Path) -> None:
    content = path.read_bytes()
    header = cda.read_header(content)
    sections = cda_text(content)
    carried = {one.object_id: one for one in cda.media(content)}

    if header.level == "N1":
        assert header.body is not None
        assert sections == ()
    else:
        assert any(section.blocks for section in sections)
    shown = [b for s in sections for b in s.blocks if isinstance(b, Figure)]
    assert {one.object_id for one in shown} <= carried.keys()


@pytest.mark.parametrize("path", _examples())
def test_files_that_a_document_carries_are_drawn(path: Path) -> None:
    renderer = Renderer(workers=1)
    try:
        for one in cda.media(path.read_bytes()):
            for page in range(renderer.page_count(one.content)):
                assert renderer.page(one.content, page, 200).content
    finally:
        renderer.close()
