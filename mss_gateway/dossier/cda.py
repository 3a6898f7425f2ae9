"""The header of a CDA R2 document: who wrote what about whom, when, and who may see it.

HL7 CDA Release 2 as the CI-SIS profiles it (Volet structuration minimale). Only what is read here
is believed about a document; METADATA.XML repeats it and may be wrong. Nothing is validated
beyond what the gateway needs: a document of a version to come must still be readable.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from mss_gateway.dossier.errors import CdaUnreadable, XmlRefused
from mss_gateway.dossier.hl7 import (
    V3,
    child,
    children,
    coded,
    identifiers_of,
    interval,
    text_of,
    time_of,
    unique_id_of,
)
from mss_gateway.dossier.identity import Identifier
from mss_gateway.dossier.participants import (
    Author,
    Patient,
    read_authenticator,
    read_author,
    read_patient,
)
from mss_gateway.dossier.rim import UNCODED, Coded
from mss_gateway.dossier.safe_xml import parse_xml

_ENCOUNTER: Final = "componentOf/encompassingEncounter"
_EVENT: Final = "documentationOf/serviceEvent"
_SETTING: Final = "assignedEntity/representedOrganization/standardIndustryClassCode"
_COPY_SECTION: Final = "1.2.250.1.213.1.1.2.243"  # FR-Document-PDF-copie
_COPY_CODE: Final = "55108-5"  # LOINC, « Copie du document »
_ROOT: Final = f"{V3}ClinicalDocument"
_MARK = re.compile(
    rb"<(?:[\w.-]{1,64}:)?ClinicalDocument[\s>]|C\0l\0i\0n\0i\0c\0a\0l\0D\0o\0c\0u\0m\0e\0n\0t\0"
)


@dataclass(frozen=True, slots=True)
class Embedded:
    """Bytes that a CDA carries: the body of an N1, or an illustration or copy in an N3."""

    media_type: str
    content: bytes
    object_id: str = ""


@dataclass(frozen=True, slots=True)
class Related:
    """Another document: ``kind`` RPLC (replaces), APND (adds to) or XFRM (transforms)."""

    kind: str
    unique_id: str


@dataclass(frozen=True, slots=True)
class CdaHeader:
    """What the gateway needs of a CDA header. Times are aware datetimes, or None."""

    title: str
    type: Coded
    effective_time: datetime | None
    service_start: datetime | None
    service_stop: datetime | None
    language: str
    confidentiality: tuple[Coded, ...]
    unique_id: str
    set_id: str
    version: str
    templates: tuple[str, ...]
    patient: Patient
    authors: tuple[Author, ...]
    custodian: str
    custodian_ids: tuple[Identifier, ...]
    related: tuple[Related, ...]
    legal_authenticator: Author | None
    facility: Coded  # healthcareFacilityTypeCode
    practice_setting: Coded
    events: tuple[Coded, ...]  # what was done
    level: str  # "N1": one embedded file; "N3": sections
    body: Embedded | None  # of an N1 whose file is inside the document

    @property
    def replaces(self) -> tuple[str, ...]:
        """Unique ids of the documents that this one takes the place of."""
        return tuple(one.unique_id for one in self.related if one.kind == "RPLC")


def is_cda(content: bytes) -> bool:
    """Whether the bytes are a CDA R2 document, by root element and never by name (DOC-17)."""
    try:
        return _cda_root(content) is not None
    except CdaUnreadable:
        return False


def parse_cda(content: bytes) -> etree._Element:
    """The root element; raises CdaUnreadable."""
    root = _cda_root(content)
    if root is None:
        raise CdaUnreadable("not a ClinicalDocument")
    return root


def header_if_cda(content: bytes) -> CdaHeader | None:
    """The header of a CDA, None of anything else.

    Raises CdaUnreadable for bytes that hold a ClinicalDocument which cannot be read (a DOCTYPE
    before it, say): what cannot be read cannot be judged.
    """
    root = _cda_root(content)
    return _header(root) if root is not None else None


def read_header(content: bytes) -> CdaHeader:
    """The header of a CDA R2 document; raises CdaUnreadable without id, type, patient or body."""
    return _header(parse_cda(content))


def _cda_root(content: bytes) -> etree._Element | None:
    if not _MARK.search(content):
        return None
    try:
        root = parse_xml(content)
    except XmlRefused as error:
        raise CdaUnreadable(str(error)) from error
    return root if root.tag == _ROOT else None


def _header(root: etree._Element) -> CdaHeader:
    unique_id = unique_id_of(child(root, "id"))
    code = coded(child(root, "code"))
    patient = child(root, "recordTarget/patientRole")
    if not unique_id or not code.code or patient is None:
        raise CdaUnreadable("document without id, type or patient")
    level, body = _body(root)
    start, stop = _service_times(root)
    organisation = "custodian/assignedCustodian/representedCustodianOrganization"
    version = child(root, "versionNumber")
    authors = (read_author(one) for one in children(root, "author"))
    language = child(root, "languageCode")
    return CdaHeader(
        title=text_of(child(root, "title")) or code.display,
        type=code,
        effective_time=time_of(child(root, "effectiveTime")),
        service_start=start,
        service_stop=stop,
        language=language.get("code", "") if language is not None else "",
        confidentiality=_confidentiality(root),
        unique_id=unique_id,
        set_id=unique_id_of(child(root, "setId")),
        version=version.get("value", "") if version is not None else "",
        templates=tuple(one.get("root", "") for one in children(root, "templateId")),
        patient=read_patient(patient),
        authors=tuple(one for one in authors if one is not None),
        custodian=text_of(child(root, f"{organisation}/name")),
        custodian_ids=identifiers_of(child(root, organisation)),
        related=_related(root),
        legal_authenticator=read_authenticator(child(root, "legalAuthenticator")),
        facility=coded(child(root, f"{_ENCOUNTER}/location/healthCareFacility/code")),
        practice_setting=_practice_setting(root),
        events=tuple(filter(_is_coded, map(coded, children(root, f"{_EVENT}/code")))),
        level=level,
        body=body,
    )


def media(content: bytes) -> tuple[Embedded, ...]:
    """Every file that a CDA carries: an N1's body, an N3's pictures and its PDF copy."""
    root = parse_cda(content)
    _, body = _body(root)
    found = [body] if body is not None else []
    for element in root.iter(f"{V3}observationMedia"):
        value = element.find(f"{V3}value")
        carried = _embedded(value, element.get("ID", "")) if value is not None else None
        if carried is not None:
            found.append(carried)
    return tuple(found)


def copies(content: bytes) -> tuple[Embedded, ...]:
    """The PDF that say the same as the CDA which carries them (domain.md DOC-04).

    The body of an N1, and what stands in a section « Copie du document »; a PDF that an N3
    carries elsewhere, an earlier report say, is a document of its own.
    """
    root = parse_cda(content)
    _, body = _body(root)
    found = [body] if body is not None else []
    for section in root.iter(f"{V3}section"):
        templates = {one.get("root", "") for one in children(section, "templateId")}
        if _COPY_SECTION in templates or coded(child(section, "code")).code == _COPY_CODE:
            values = section.iterfind(f".//{V3}observationMedia/{V3}value")
            found += [one for value in values if (one := _embedded(value, "")) is not None]
    return tuple(one for one in found if one.media_type == "application/pdf")


def _is_coded(one: Coded) -> bool:
    return bool(one.code)


def _confidentiality(root: etree._Element) -> tuple[Coded, ...]:
    """Of the document, and of any of its sections: one that is hidden hides the whole."""
    return tuple(filter(_is_coded, map(coded, root.iter(f"{V3}confidentialityCode"))))


def _practice_setting(root: etree._Element) -> Coded:
    """Where who did the act, else who answers for the document, practises."""
    wanted = (f"{_EVENT}/performer/{_SETTING}", f"legalAuthenticator/{_SETTING}")
    found = (coded(one) for path in wanted for one in children(root, path))
    return next(filter(_is_coded, found), UNCODED)


def _service_times(root: etree._Element) -> tuple[datetime | None, datetime | None]:
    """When the act took place: the first serviceEvent that says so, else the encounter."""
    events = children(root, f"{_EVENT}/effectiveTime")
    for element in events + children(root, f"{_ENCOUNTER}/effectiveTime"):
        start, stop = interval(element)
        if start or stop:
            return start, stop
    return None, None


def _related(root: etree._Element) -> tuple[Related, ...]:
    return tuple(
        Related(one.get("typeCode", ""), unique_id)
        for one in children(root, "relatedDocument")
        for parent in children(one, "parentDocument/id")
        if (unique_id := unique_id_of(parent))
    )


def _body(root: etree._Element) -> tuple[str, Embedded | None]:
    if child(root, "component/structuredBody") is not None:
        return "N3", None
    text = child(root, "component/nonXMLBody/text")
    if text is None:
        raise CdaUnreadable("document without a body")
    return "N1", _embedded(text, "")


def _embedded(element: etree._Element, object_id: str) -> Embedded | None:
    """The bytes of an ED value; None when it only refers to a file, or is not base64."""
    media_type = element.get("mediaType", "text/plain").strip().lower()
    text = "".join(str(piece) for piece in element.itertext())
    if not text.strip():
        return None
    if element.get("representation", "TXT") != "B64":
        return Embedded(media_type, text.encode(), object_id)
    try:
        return Embedded(
            media_type, base64.b64decode("".join(text.split()), validate=True), object_id
        )
    except binascii.Error:
        return None
