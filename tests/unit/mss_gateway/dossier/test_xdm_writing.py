"""Archives that we write: what our reader and another one read in them is what was put in."""

import io
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import IO, cast

import pytest

from mss_gateway.dossier import cda, xdm, xdm_writing
from mss_gateway.dossier.describing import (
    FileFacts,
    Owner,
    describe_cda,
    describe_file,
    describe_set,
)
from mss_gateway.dossier.documents import Category, type_for
from mss_gateway.dossier.identity import TEST_OIDS
from mss_gateway.dossier.xdm_writing import (
    MAX_BYTES,
    MAX_DOCUMENTS,
    ArchiveEntry,
    archive_bytes,
    in_archives,
    write_archive,
)
from tests.support.health_documents import FAMILIES
from tests.support.xdm import CdaText, cda_document
from tests.support.xdm_witness import witness

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
_HEADER = cda.read_header(cda_document())
OWNER = Owner(_HEADER.patient.ins(TEST_OIDS)[0], _HEADER.patient)
SET = describe_set(OWNER, "Documents de Dominique & Cie", NOW, "1.2.250.1.999.8")
PDF = FileFacts(
    "application/pdf",
    type_for(Category.TREATMENT),
    'Ordonnance <été> & "suite"',
    "2.25.1",
    NOW,
    comments="Reçue par courrier",
    is_patients=True,
)


def _cda_entry(content: bytes, **changes: bool) -> ArchiveEntry:
    return ArchiveEntry(describe_cda(cda.read_header(content), OWNER, **changes), content)


def _pdf_entry(content: bytes = b"%PDF-1.4\n% inventee\n", **changes: object) -> ArchiveEntry:
    facts = replace(PDF, **changes)  # type: ignore[arg-type]
    return ArchiveEntry(describe_file(facts, OWNER), content)


def _read(packed: bytes) -> list[xdm.ArchivedDocument]:
    return list(xdm.examine(packed).documents)


@pytest.mark.parametrize("make", FAMILIES.values(), ids=FAMILIES.keys())
def test_what_is_written_is_read_back_equal(make: Callable[..., bytes]) -> None:
    content = make()
    entry = _cda_entry(content)

    packed = archive_bytes([entry], SET)

    (document,) = _read(packed)
    assert document.content == content
    assert replace(document.entry, uri="", hash="", size=0) == entry.entry
    assert xdm.examine(packed).submission_sets == (SET,)
    assert witness(packed).objections == []


def test_another_reader_accepts_every_family_in_one_archive() -> None:
    made = [make() for make in FAMILIES.values()]

    seen = witness(archive_bytes([*map(_cda_entry, made), _pdf_entry()], SET))

    assert seen.objections == []
    assert list(seen.documents.values()) == [*made, b"%PDF-1.4\n% inventee\n"]
    assert seen.patients == {"279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"}
    assert seen.codes["DOC0002.XML"]["classCode"] == ["10"]
    assert seen.codes["DOC0002.XML"]["formatCode"] == ["urn:ihe:lab:xd-lab:2008"]
    assert seen.codes["DOC0001.XML"]["formatCode"] == ["urn:ihe:iti:xds-sd:pdf:2008"]


def test_a_file_of_the_patients_is_described_by_metadata_alone() -> None:
    packed = archive_bytes([_pdf_entry()], SET)

    (document,) = _read(packed)
    entry = document.entry
    assert (entry.uri, entry.mime_type) == ("DOC0001.PDF", "application/pdf")
    assert entry.title == 'Ordonnance <été> & "suite"'
    assert entry.comments == "Reçue par courrier"
    assert entry.format_code.code == "urn:ihe:iti:xds:2017:mimeTypeSufficient"
    assert entry.type_code.code == "DOCPAT02"
    assert entry.class_code.code == "42"
    assert entry.facility.code == "EXP_PATIENT"
    assert entry.authors[0].person.startswith("279035121518989^PAT-TROIS^DOMINIQUE^")
    assert entry.creation_time == "20261122200000"


def test_masks_and_versions_stand_in_the_metadata() -> None:
    hidden = cda_document(CdaText(confidentiality=("R", "INVISIBLE_REPRESENTANTS_LEGAUX")))

    masked, old = _read(
        archive_bytes([_cda_entry(hidden, is_masked=True), _pdf_entry(is_current=False)], SET)
    )

    assert [one.code for one in masked.entry.confidentiality] == [
        "R",
        "MASQUE_PS",
        "INVISIBLE_REPRESENTANTS_LEGAUX",
    ]
    assert (masked.entry.availability, old.entry.availability) == ("Approved", "Deprecated")


def test_a_replacement_points_at_the_document_it_replaces() -> None:
    old = _cda_entry(cda_document())
    new = _cda_entry(cda_document(CdaText(unique_id="1.2.250.1.999.7.9", version="2")))
    new = replace(new, entry=replace(new.entry, replaces=(old.entry.entry_uuid,)))

    first, second = _read(archive_bytes([old, new], SET))

    assert second.entry.replaces == (first.entry.entry_uuid,)
    assert second.entry.logical_id == first.entry.logical_id


def test_an_archive_tells_a_person_what_it_holds() -> None:
    with zipfile.ZipFile(io.BytesIO(archive_bytes([_pdf_entry()], SET))) as packed:
        index = packed.read("INDEX.HTM").decode()
        readme = packed.read("README.TXT").decode()

    assert "<h1>Documents de Dominique &amp; Cie</h1>" in index
    assert (
        '<a href="IHE_XDM/SUBSET01/DOC0001.PDF">Ordonnance &lt;été&gt; &amp; &quot;suite&quot;</a>'
        in index
    )
    assert "Documents de Dominique & Cie\r\n" in readme


def test_signs_that_xml_cannot_hold_are_left_out() -> None:
    packed = archive_bytes([_pdf_entry(title="a\x00b\x1f\ud800c\uffff")], SET)

    assert _read(packed)[0].entry.title == "abc"
    assert witness(packed).objections == []


def test_a_blank_scan_is_stored_so_that_nobody_takes_it_for_a_bomb() -> None:
    scan = b"II*\0" + bytes(20 << 20)

    packed = archive_bytes([_pdf_entry(scan, media_type="image/tiff")], SET)

    assert _read(packed)[0].content == scan
    assert len(packed) > len(scan)


class _Pipe(io.RawIOBase):
    """Nothing can be read back from it, nothing sought in it."""

    def __init__(self) -> None:
        self.count = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: object) -> int:
        length = len(bytes(piece))  # type: ignore[call-overload]
        self.count += length
        return int(length)


def test_one_document_at_a_time_is_in_memory() -> None:
    """60 documents of 500 kB that do not deflate, to a target that keeps nothing."""

    def documents() -> Iterator[ArchiveEntry]:
        for number in range(60):
            content = b"%PDF-1.4" + number.to_bytes(2, "big") * 250_000
            yield _pdf_entry(content, unique_id=f"2.25.{number}")

    pipe = _Pipe()
    tracemalloc.start()
    try:
        written = write_archive(cast("IO[bytes]", pipe), documents(), SET)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(written) == 60
    assert pipe.count > 0
    assert peak < 6_000_000


def test_an_archive_for_a_pipe_is_read_as_any_other() -> None:
    class Kept(_Pipe):
        def __init__(self) -> None:
            super().__init__()
            self.written = b""

        def write(self, piece: object) -> int:
            self.written += bytes(piece)  # type: ignore[call-overload]
            return super().write(piece)

    pipe = Kept()
    write_archive(cast("IO[bytes]", pipe), [_pdf_entry()], SET)

    assert witness(pipe.written).objections == []
    assert len(_read(pipe.written)) == 1


def test_an_archive_holds_a_document_at_least() -> None:
    with pytest.raises(ValueError, match="at least"):
        archive_bytes([], SET)


def test_documents_are_bounded_at_the_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xdm_writing, "MAX_DOCUMENTS", 2)

    entries = [_pdf_entry() for _ in range(3)]

    assert len(_read(archive_bytes(entries[:2], SET))) == 2
    with pytest.raises(ValueError, match="too many"):
        archive_bytes(entries, SET)


def test_bytes_are_bounded_at_the_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xdm_writing, "MAX_BYTES", 20)

    assert archive_bytes([_pdf_entry(b"x" * 20)], SET)
    with pytest.raises(ValueError, match="too many"):
        archive_bytes([_pdf_entry(b"x" * 21)], SET)


def test_the_most_that_we_write_is_taken_by_our_own_reader() -> None:
    entries = [_pdf_entry(b"%d" % number, unique_id=f"2.25.{number}") for number in range(900)]

    assert len(_read(archive_bytes(entries, SET))) == MAX_DOCUMENTS == 900


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([1], [range(1)]),
        ([MAX_BYTES], [range(1)]),
        ([MAX_BYTES, 1], [range(1), range(1, 2)]),
        ([1, MAX_BYTES - 1, 1], [range(2), range(2, 3)]),
        ([1, MAX_BYTES + 1, 1], [range(1), range(2, 3)]),
        ([MAX_BYTES + 1], []),
        ([1] * 901, [range(900), range(900, 901)]),
        ([1] * 900, [range(900)]),
    ],
)
def test_an_export_is_shared_out_between_archives(sizes: list[int], expected: list[range]) -> None:
    assert in_archives(sizes) == expected
