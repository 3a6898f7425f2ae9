"""Reading archives: what METADATA.XML says, in whatever order and prefix it says it."""

import pytest

from mss_gateway.dossier import xdm
from mss_gateway.dossier.errors import ImportCode, XdmHashMismatch, XdmUnreadable
from mss_gateway.dossier.zips import ZipLimits
from tests.support.xdm import (
    CdaText,
    Entry,
    Layout,
    Subject,
    archive,
    archive_of,
    cda_document,
    entry_for,
    metadata,
    zip_of,
)

CDA = cda_document()


def test_an_archive_gives_its_documents_with_their_metadata() -> None:
    read = xdm.examine(archive_of(CDA))

    (document,) = read.documents
    entry = document.entry
    assert document.content == CDA
    assert document.path == "IHE_XDM/SUBSET01/DOC0001.XML"
    assert entry.mime_type == "text/xml"
    assert entry.size == len(CDA)
    assert entry.title == "Compte rendu d'analyses"
    assert entry.creation_time == "20261120083000"
    assert entry.service_start_time == "20261119081500"
    assert entry.service_stop_time == "20261119090000"
    assert entry.language_code == "fr-FR"
    assert entry.repository_unique_id == "1.2.250.1.999.1"
    assert entry.source_patient_id == "0000000001^^^&1.2.3.4.567.8.9.10&ISO^PI"
    assert entry.source_patient_info[1] == "PID-7|19790328"
    assert entry.patient_id == Subject().cx
    assert entry.unique_id == "1.2.250.1.999.7.1"
    assert (entry.type_code.code, entry.type_code.system) == ("11502-2", "2.16.840.1.113883.6.1")
    assert entry.type_code.display == "CR d'examens biologiques"
    assert entry.class_code.code == "11"
    assert entry.format_code.code == "urn:ihe:iti:xds-sd:pdf:2008"
    assert entry.facility.code == "SA07"
    assert entry.practice_setting.code == "AMBULATOIRE"
    assert [one.code for one in entry.confidentiality] == ["N"]
    assert entry.authors[0].institutions == ("Laboratoire des Essais",)
    assert entry.authors[0].specialty.startswith("G15_10/SM03")
    assert entry.version == "1"


def test_the_submission_set_is_read() -> None:
    (one,) = xdm.examine(archive_of(CDA)).submission_sets

    assert one.unique_id == "1.2.250.1.999.8.1"
    assert one.source_id == "1.2.250.1.999.8"
    assert one.patient_id == Subject().cx
    assert one.submission_time == "20261120083100"
    assert one.title == "Envoi d'analyses"
    assert one.content_type.code == "04"
    assert one.authors[0].person == "899999999991^FICTIVE^Claire"


@pytest.mark.parametrize(
    "layout",
    [
        Layout(prefix=""),
        Layout(prefix="ns3"),
        Layout(is_reversed=True),
        Layout(are_parts_apart=True),
        Layout(root="ihe_xdm", subset="subset01", metadata_name="Metadata.xml"),
        Layout(subset="SUBSET42"),
    ],
    ids=["no-prefix", "prefix", "reversed", "parts-apart", "lower-case", "subset"],
)
def test_order_prefix_and_case_do_not_matter(layout: Layout) -> None:
    entry = entry_for(CDA, replaces="urn:uuid:5f9c2f3c-0000-4000-8000-000000000001")

    read = xdm.examine(archive([entry], layout))

    assert read.documents[0].entry.type_code.code == "11502-2"
    assert read.documents[0].entry.patient_id == Subject().cx
    assert read.documents[0].entry.replaces == ("urn:uuid:5f9c2f3c-0000-4000-8000-000000000001",)


def test_several_subsets_are_all_read() -> None:
    second = cda_document(CdaText(unique_id="1.2.250.1.999.7.2", title="Autre"))
    extra = (
        ("IHE_XDM/SUBSET02/METADATA.XML", metadata([entry_for(second)])),
        ("IHE_XDM/SUBSET02/DOC0001.XML", second),
    )

    read = xdm.examine(archive([entry_for(CDA)], Layout(extra=extra)))

    assert [one.content for one in read.documents] == [CDA, second]
    assert len(read.submission_sets) == 2


@pytest.mark.parametrize("uri", ["doc0001.xml", "./DOC0001.XML", ".\\DOC0001.XML"])
def test_a_uri_finds_its_file_whatever_case_and_separator(uri: str) -> None:
    packed = zip_of(
        [
            ("IHE_XDM\\SUBSET01\\METADATA.XML", metadata([entry_for(CDA, uri=uri)])),
            ("IHE_XDM/SUBSET01/DOC0001.XML", CDA),
        ]
    )

    assert xdm.examine(packed).documents[0].content == CDA


def test_a_long_uri_in_numbered_values_is_put_together() -> None:
    name = f"{'A' * 120}.XML"
    written = metadata([entry_for(CDA, uri=name)]).replace(
        f"<rim:Value>{name}</rim:Value>".encode(),
        f"<rim:Value>2|{name[100:]}</rim:Value><rim:Value>1|{name[:100]}</rim:Value>".encode(),
    )
    packed = zip_of([("IHE_XDM/SUBSET01/METADATA.XML", written), (f"IHE_XDM/SUBSET01/{name}", CDA)])

    assert xdm.examine(packed).documents[0].path.endswith(name)


@pytest.mark.parametrize(
    "entry",
    [entry_for(CDA).with_content(CDA + b" "), entry_for(CDA).with_content(CDA[:-1] + b" ")],
    ids=["size", "bytes"],
)
def test_altered_bytes_are_a_hash_mismatch(entry: Entry) -> None:
    with pytest.raises(XdmHashMismatch) as caught:
        xdm.examine(archive([entry]))

    assert caught.value.code is ImportCode.OTHER


def test_the_announced_hash_may_be_upper_case() -> None:
    entry = entry_for(CDA)

    upper = entry_for(CDA, hash=entry.true_hash.upper())

    assert xdm.examine(archive([upper])).documents[0].entry.hash == entry.true_hash


@pytest.mark.parametrize(
    "changes",
    [
        {"hash": ""},
        {"hash": "abc"},
        {"size": ""},
        {"size": "-1"},
        {"uri": ""},
        {"patient_id": ""},
        {"unique_id": ""},
        {"confidentiality": ()},
        {"confidentiality": ("N", "MASQUE_PS", "INVISIBLE_PATIENT", "R", "V")},
        {"is_packed": False},
        {"uri": "../../../etc/passwd", "is_packed": False},
        {"uri": "/etc/passwd", "is_packed": False},
    ],
    ids=lambda changes: "-".join(f"{key}" for key in changes),
)
def test_missing_or_malformed_attributes_make_it_unreadable(changes: dict[str, object]) -> None:
    with pytest.raises(XdmUnreadable):
        xdm.examine(archive([entry_for(CDA, **changes)]))


def test_four_confidentiality_codes_are_accepted() -> None:
    codes = ("N", "MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX")

    read = xdm.examine(archive([entry_for(CDA, confidentiality=codes)]))

    assert tuple(one.code for one in read.documents[0].entry.confidentiality) == codes


def test_two_entries_may_not_share_a_file() -> None:
    with pytest.raises(XdmUnreadable, match="share"):
        xdm.examine(
            zip_of(
                [
                    ("IHE_XDM/SUBSET01/METADATA.XML", metadata([entry_for(CDA), entry_for(CDA)])),
                    ("IHE_XDM/SUBSET01/DOC0001.XML", CDA),
                ]
            )
        )


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"not xml",
        b"<SubmitObjectsRequest/>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        metadata([]),
        metadata([entry_for(CDA)]).replace(b"RegistryPackage", b"RegistryThing"),
    ],
    ids=["empty", "garbage", "namespace", "doctype", "no-document", "no-set"],
)
def test_metadata_that_is_no_submission_makes_it_unreadable(written: bytes) -> None:
    with pytest.raises(XdmUnreadable):
        xdm.examine(
            zip_of(
                [
                    ("IHE_XDM/SUBSET01/METADATA.XML", written),
                    ("IHE_XDM/SUBSET01/DOC0001.XML", CDA),
                ]
            )
        )


def test_a_zip_without_metadata_is_no_xdm() -> None:
    packed = zip_of([("photos/un.jpg", b"x")])

    assert not xdm.looks_like_xdm(packed)
    with pytest.raises(XdmUnreadable, match=r"METADATA\.XML"):
        xdm.examine(packed)


def test_an_xdm_is_known_by_its_layout_and_by_its_name() -> None:
    assert xdm.looks_like_xdm(archive_of(CDA))
    assert not xdm.looks_like_xdm(CDA)
    assert xdm.is_xdm_name("IHE_XDM.ZIP")
    assert xdm.is_xdm_name("ihe_xdm.zip ")
    assert not xdm.is_xdm_name("IHE_XDM.zip.exe")


def test_documents_held_in_memory_are_bounded_at_the_edge() -> None:
    packed = archive_of(CDA)

    assert xdm.examine(packed, ZipLimits(held_bytes=len(CDA)))
    with pytest.raises(XdmUnreadable, match="too many bytes"):
        xdm.examine(packed, ZipLimits(held_bytes=len(CDA) - 1))


def test_metadata_is_bounded_at_the_edge() -> None:
    written = metadata([entry_for(CDA)])
    packed = zip_of(
        [("IHE_XDM/SUBSET01/METADATA.XML", written), ("IHE_XDM/SUBSET01/DOC0001.XML", CDA)]
    )

    assert xdm.examine(packed, ZipLimits(metadata_bytes=len(written)))
    with pytest.raises(XdmUnreadable, match="too big"):
        xdm.examine(packed, ZipLimits(metadata_bytes=len(written) - 1))


_STATUS = "urn:oasis:names:tc:ebxml-regrep:StatusType:"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("", "Approved"),
        (f"{_STATUS}Approved", "Approved"),
        (f"{_STATUS}Deprecated", "Deprecated"),
        ("urn:asip:ci-sis:2010:StatusType:Deleted", "Deleted"),
    ],
)
def test_availability_and_logical_id_are_read(status: str, expected: str) -> None:
    entry = entry_for(CDA, status=status, lid="urn:uuid:1")

    (document,) = xdm.examine(archive([entry])).documents

    assert document.entry.availability == expected
    assert document.entry.logical_id == "urn:uuid:1"


@pytest.mark.parametrize(
    "changes",
    [
        {"format_code": "urn:ihe:iti:dsg:detached:2014"},
        {"format_code": "urn:ihe:iti:dsg:enveloping:2014"},
        {"type_code": "E1762"},
        {"type_code": "FEUILLE-DE-STYLE"},
    ],
    ids=["detached", "enveloping", "signature-type", "stylesheet"],
)
def test_signatures_and_stylesheets_go_with_documents_and_are_none(
    changes: dict[str, object],
) -> None:
    xades = b'<?xml version="1.0"?><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>'
    companion = Entry(xades, uri="SIGN1.XML", unique_id="1.2.9", **changes)  # type: ignore[arg-type]

    read = xdm.examine(archive([entry_for(CDA), companion]))

    assert [one.content for one in read.documents] == [CDA]
    assert [one.content for one in read.companions] == [xades]


def test_an_altered_signature_is_a_hash_mismatch_too() -> None:
    companion = Entry(b"<a/>", uri="SIGN1.XML", unique_id="1.2.9", type_code="E1762", hash="0" * 40)

    with pytest.raises(XdmHashMismatch):
        xdm.examine(archive([entry_for(CDA), companion]))


def test_documents_sent_before_are_asked_to_be_deprecated_or_deleted() -> None:
    layout = Layout(updates=(("urn:uuid:1", f"{_STATUS}Deprecated"), ("urn:uuid:2", "x:Deleted")))

    read = xdm.examine(archive([], layout))

    assert read.documents == ()
    assert [(one.target, one.status) for one in read.updates] == [
        ("urn:uuid:1", "Deprecated"),
        ("urn:uuid:2", "Deleted"),
    ]
    assert read.submission_sets[0].patient_id == Subject().cx


@pytest.mark.parametrize("update", [("", f"{_STATUS}Deprecated"), ("urn:uuid:1", "")])
def test_an_update_without_target_or_status_makes_it_unreadable(update: tuple[str, str]) -> None:
    with pytest.raises(XdmUnreadable):
        xdm.examine(archive([], Layout(updates=(update,))))


def test_two_documents_may_not_share_an_id() -> None:
    """Their classifications could not be told apart: one would get the other's patient."""
    second = entry_for(CDA, uri="DOC0002.XML", unique_id="1.2.9")

    with pytest.raises(XdmUnreadable, match="same id"):
        xdm.examine(archive([entry_for(CDA), second], Layout(ids=("a", "a"))))
