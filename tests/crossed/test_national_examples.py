"""The official example documents, and any others of their family, through every reader.

They are not ours to ship: ``DATA`` names the folder that holds them (any ``*.xml`` below it that
is a CDA is tried). ``DATA=… pytest tests/crossed/test_national_examples.py``.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mss_gateway.dossier import cda, xdm
from mss_gateway.dossier.blocks import Block, Bullets, Figure, Grid, Paragraph, Section
from mss_gateway.dossier.describing import Owner, describe_cda, describe_set
from mss_gateway.dossier.documents import known_types
from mss_gateway.dossier.examination import ExaminationSettings, examine_attachment, header_of
from mss_gateway.dossier.heading import heading_of
from mss_gateway.dossier.hl7 import V3
from mss_gateway.dossier.identity import TEST_OIDS
from mss_gateway.dossier.narrative import cda_text
from mss_gateway.dossier.render import Renderer
from mss_gateway.dossier.results import results
from mss_gateway.dossier.safe_xml import parse_xml
from mss_gateway.dossier.xdm_writing import ArchiveEntry, archive_bytes
from tests.support.xdm import archive_of
from tests.support.xdm_witness import witness


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
    shown = [one for one in _all(sections) if isinstance(one, Figure)]
    assert {one.object_id for one in shown} <= carried.keys()


def _all(sections: Iterable[Section]) -> Iterator[Block]:
    pending = [block for section in sections for block in section.blocks]
    while pending:
        block = pending.pop()
        yield block
        if isinstance(block, Grid):
            pending += [one for row in block.rows for cell in row for one in cell.blocks]
        elif isinstance(block, Bullets):
            pending += [one for item in block.items for one in item.blocks]


@pytest.mark.parametrize("path", _examples())
def test_no_letter_of_the_narrative_is_lost_or_doubled(path: Path) -> None:
    content = path.read_bytes()
    root = parse_xml(content)
    written = Counter[str]()
    for section in root.iter(f"{V3}section"):
        for name in ("title", "text"):
            part = section.find(f"{V3}{name}")
            if part is not None:
                for piece in part.itertext():
                    written.update("".join(str(piece).split()))

    shown = Counter[str]()
    for section_read in cda_text(content):
        shown.update("".join(section_read.title.split()))
    for block in _all(cda_text(content)):
        if isinstance(block, Paragraph):
            for run in block.runs:
                shown.update("".join(run.text.split()))
        elif isinstance(block, Grid | Bullets | Figure):
            shown.update("".join(block.caption.split()))
    assert shown == written


@pytest.mark.parametrize("path", _examples())
def test_what_we_export_is_accepted_by_our_importer_and_by_another_reader(path: Path) -> None:
    content = path.read_bytes()
    header = cda.read_header(content)
    owner = Owner(header.patient.ins(TEST_OIDS)[0], header.patient)
    entry = describe_cda(header, owner)
    said = describe_set(owner, "Export", datetime(2026, 11, 22, tzinfo=UTC), "1.2.250.1.999.8")

    packed = archive_bytes([ArchiveEntry(entry, content)], said)

    (document,) = xdm.examine(packed).documents
    assert document.content == content
    assert replace(document.entry, uri="", hash="", size=0) == entry
    assert witness(packed).objections == []
    patient = frozenset({owner.ins.value})
    demo = ExaminationSettings(accept_test_ins=True)
    assert examine_attachment("IHE_XDM.ZIP", packed, patient, demo) == ()


@pytest.mark.parametrize("path", _examples())
def test_heading_and_results_are_whole(path: Path) -> None:
    head = heading_of(path.read_bytes())

    assert head.title
    assert head.type
    assert head.patient
    assert head.birth_date
    assert head.authors[0].name
    assert head.created
    for one in results(path.read_bytes()):
        assert one.name
        assert one.value
        assert not one.is_critical


@pytest.mark.parametrize("path", _examples())
def test_files_that_a_document_carries_are_drawn(path: Path) -> None:
    renderer = Renderer(workers=1)
    try:
        for one in cda.media(path.read_bytes()):
            for page in range(renderer.page_count(one.content)):
                assert renderer.page(one.content, page, 200).content
    finally:
        renderer.close()
