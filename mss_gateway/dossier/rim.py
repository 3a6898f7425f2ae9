"""METADATA.XML: an ebXML RIM 3.0 submission read into document entries.

IHE ITI TF-3 §4.2: attributes are slots, classifications and external identifiers, told apart by
fixed UUIDs. Order and namespace prefix are free; a classification may stand inside its object or
beside it and point at it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from mss_gateway.dossier.errors import XdmUnreadable, XmlRefused
from mss_gateway.dossier.safe_xml import parse_xml

_RIM: Final = "{urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0}"
_REQUEST: Final = "{urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0}SubmitObjectsRequest"

DOCUMENT_ENTRY: Final = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
SUBMISSION_SET: Final = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
# classification schemes of a document entry
AUTHOR: Final = "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"
CLASS_CODE: Final = "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a"
TYPE_CODE: Final = "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"
CONFIDENTIALITY: Final = "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f"
FORMAT_CODE: Final = "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d"
FACILITY: Final = "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"
PRACTICE_SETTING: Final = "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead"
EVENT_CODE: Final = "urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4"
# external identifiers of a document entry, then of the submission set
PATIENT_ID: Final = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
UNIQUE_ID: Final = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
SET_PATIENT_ID: Final = "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446"
SET_UNIQUE_ID: Final = "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8"
SET_SOURCE_ID: Final = "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832"
# classifications of the submission set
SET_AUTHOR: Final = "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"
SET_CONTENT_TYPE: Final = "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500"

_REPLACES: Final = "urn:ihe:iti:2007:AssociationType:RPLC"
_MAX_CONFIDENTIALITY: Final = 4  # domain.md DOC-11
_MAX_OBJECTS: Final = 1_000
_SHA1 = re.compile(r"\A[0-9a-fA-F]{40}\Z")
_NUMBERED = re.compile(r"\A([0-9]+)\|(.*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Coded:
    """A code of a terminology; ``system`` is its OID, ``display`` what a person reads."""

    code: str
    system: str = ""
    display: str = ""


UNCODED: Final = Coded("")


@dataclass(frozen=True, slots=True)
class EntryAuthor:
    """Who wrote: HL7 v2 XCN and XON as received, one author per classification."""

    person: str = ""
    institutions: tuple[str, ...] = ()
    role: str = ""
    specialty: str = ""


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """One XDSDocumentEntry, attributes under their IHE names; "" or () when absent."""

    entry_uuid: str
    mime_type: str
    uri: str
    hash: str  # SHA-1, lower-case hexadecimal
    size: int
    title: str
    comments: str
    version: str
    creation_time: str
    service_start_time: str
    service_stop_time: str
    language_code: str
    legal_authenticator: str
    repository_unique_id: str
    source_patient_id: str
    source_patient_info: tuple[str, ...]
    patient_id: str
    unique_id: str
    type_code: Coded
    class_code: Coded
    format_code: Coded
    facility: Coded
    practice_setting: Coded
    confidentiality: tuple[Coded, ...]
    events: tuple[Coded, ...]
    authors: tuple[EntryAuthor, ...]
    replaces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubmissionSet:
    """One XDSSubmissionSet."""

    unique_id: str
    source_id: str
    patient_id: str
    submission_time: str
    title: str
    comments: str
    content_type: Coded
    authors: tuple[EntryAuthor, ...]
    intended_recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Submission:
    """What one METADATA.XML says."""

    entries: tuple[DocumentEntry, ...]
    submission_set: SubmissionSet


def read_submission(content: bytes) -> Submission:
    """Read METADATA.XML; raises XdmUnreadable when a mandatory attribute is missing."""
    try:
        root = parse_xml(content)
    except XmlRefused as error:
        raise XdmUnreadable("METADATA.XML is not XML we read") from error
    if root.tag != _REQUEST:
        raise XdmUnreadable("METADATA.XML is not a SubmitObjectsRequest")
    objects = _Objects(root)
    documents = [
        element
        for element in root.iter(f"{_RIM}ExtrinsicObject")
        if element.get("objectType", "").lower() == DOCUMENT_ENTRY
    ]
    if not 1 <= len(documents) <= _MAX_OBJECTS:
        raise XdmUnreadable("METADATA.XML describes no document, or too many")
    return Submission(
        tuple(_entry(objects, element) for element in documents),
        _submission_set(objects, root),
    )


class _Objects:
    """Classifications, identifiers and associations by the object that they are about."""

    def __init__(self, root: etree._Element) -> None:
        self._classified: dict[str, list[etree._Element]] = {}
        self._identified: dict[str, list[etree._Element]] = {}
        self._replaced: dict[str, list[str]] = {}
        for element in root.iter(f"{_RIM}Classification"):
            self._classified.setdefault(_owner(element, "classifiedObject"), []).append(element)
        for element in root.iter(f"{_RIM}ExternalIdentifier"):
            self._identified.setdefault(_owner(element, "registryObject"), []).append(element)
        for element in root.iter(f"{_RIM}Association"):
            if element.get("associationType", "").endswith(_REPLACES.rsplit(":", 1)[1]):
                source = element.get("sourceObject", "")
                self._replaced.setdefault(source, []).append(element.get("targetObject", ""))

    def classifications(self, element: etree._Element, scheme: str) -> list[etree._Element]:
        found = self._classified.get(element.get("id", ""), [])
        return [one for one in found if one.get("classificationScheme", "").lower() == scheme]

    def is_submission_set(self, element: etree._Element) -> bool:
        found = self._classified.get(element.get("id", ""), [])
        return any(one.get("classificationNode", "").lower() == SUBMISSION_SET for one in found)

    def identifier(self, element: etree._Element, scheme: str) -> str:
        found = {
            one.get("value", "").strip()
            for one in self._identified.get(element.get("id", ""), [])
            if one.get("identificationScheme", "").lower() == scheme
        }
        if len(found) > 1:
            raise XdmUnreadable("two identifiers of the same kind")
        return found.pop() if found else ""

    def replaced_by(self, element: etree._Element) -> tuple[str, ...]:
        return tuple(self._replaced.get(element.get("id", ""), ()))

    def code(self, element: etree._Element, scheme: str) -> Coded:
        return next(self.codes(element, scheme), UNCODED)

    def codes(self, element: etree._Element, scheme: str) -> Iterator[Coded]:
        for one in self.classifications(element, scheme):
            yield Coded(
                one.get("nodeRepresentation", "").strip(),
                _slot(one, "codingScheme"),
                _localized(one, "Name"),
            )

    def authors(self, element: etree._Element, scheme: str) -> tuple[EntryAuthor, ...]:
        return tuple(
            EntryAuthor(
                _slot(one, "authorPerson"),
                _values(one, "authorInstitution"),
                _slot(one, "authorRole"),
                _slot(one, "authorSpecialty"),
            )
            for one in self.classifications(element, scheme)
        )


def _owner(element: etree._Element, attribute: str) -> str:
    """The object a part is about: what it points at, else the object it stands in."""
    parent = element.getparent()
    around = parent.get("id", "") if parent is not None else ""
    return element.get(attribute, "") or around


def _entry(objects: _Objects, element: etree._Element) -> DocumentEntry:
    confidentiality = tuple(objects.codes(element, CONFIDENTIALITY))
    if not 1 <= len(confidentiality) <= _MAX_CONFIDENTIALITY:
        raise XdmUnreadable("between one and four confidentiality codes are wanted")
    return DocumentEntry(
        entry_uuid=element.get("id", ""),
        mime_type=element.get("mimeType", "").strip().lower(),
        uri=_wanted(_uri(element), "URI"),
        hash=_hash(element),
        size=_size(element),
        title=_localized(element, "Name"),
        comments=_localized(element, "Description"),
        version=_version(element),
        creation_time=_slot(element, "creationTime"),
        service_start_time=_slot(element, "serviceStartTime"),
        service_stop_time=_slot(element, "serviceStopTime"),
        language_code=_slot(element, "languageCode"),
        legal_authenticator=_slot(element, "legalAuthenticator"),
        repository_unique_id=_slot(element, "repositoryUniqueId"),
        source_patient_id=_slot(element, "sourcePatientId"),
        source_patient_info=_values(element, "sourcePatientInfo"),
        patient_id=_wanted(objects.identifier(element, PATIENT_ID), "patientId"),
        unique_id=_wanted(objects.identifier(element, UNIQUE_ID), "uniqueId"),
        type_code=objects.code(element, TYPE_CODE),
        class_code=objects.code(element, CLASS_CODE),
        format_code=objects.code(element, FORMAT_CODE),
        facility=objects.code(element, FACILITY),
        practice_setting=objects.code(element, PRACTICE_SETTING),
        confidentiality=confidentiality,
        events=tuple(objects.codes(element, EVENT_CODE)),
        authors=objects.authors(element, AUTHOR),
        replaces=objects.replaced_by(element),
    )


def _submission_set(objects: _Objects, root: etree._Element) -> SubmissionSet:
    packages = list(root.iter(f"{_RIM}RegistryPackage"))
    marked = [one for one in packages if objects.is_submission_set(one)] or packages
    if len(marked) != 1:
        raise XdmUnreadable("METADATA.XML has no submission set, or several")
    element = marked[0]
    return SubmissionSet(
        unique_id=objects.identifier(element, SET_UNIQUE_ID),
        source_id=objects.identifier(element, SET_SOURCE_ID),
        patient_id=objects.identifier(element, SET_PATIENT_ID),
        submission_time=_slot(element, "submissionTime"),
        title=_localized(element, "Name"),
        comments=_localized(element, "Description"),
        content_type=objects.code(element, SET_CONTENT_TYPE),
        authors=objects.authors(element, SET_AUTHOR),
        intended_recipients=_values(element, "intendedRecipient"),
    )


def _wanted(value: str, name: str) -> str:
    if not value:
        raise XdmUnreadable(f"{name} is missing")
    return value


def _hash(element: etree._Element) -> str:
    value = _slot(element, "hash")
    if not _SHA1.match(value):
        raise XdmUnreadable("hash is missing or malformed")
    return value.lower()


def _size(element: etree._Element) -> int:
    value = _slot(element, "size")
    if not re.fullmatch(r"[0-9]{1,12}", value):
        raise XdmUnreadable("size is missing or malformed")
    return int(value)


def _values(element: etree._Element, name: str) -> tuple[str, ...]:
    for slot in element.iterfind(f"{_RIM}Slot"):
        if slot.get("name") == name:
            found = slot.iterfind(f"{_RIM}ValueList/{_RIM}Value")
            return tuple((value.text or "").strip() for value in found)
    return ()


def _slot(element: etree._Element, name: str) -> str:
    return next(iter(_values(element, name)), "")


def _uri(element: etree._Element) -> str:
    """A long URI is cut into values ``1|…``, ``2|…`` (IHE ITI TF-3 §4.2.3.2.25)."""
    values = _values(element, "URI")
    pieces = [_NUMBERED.match(value) for value in values]
    if values and all(pieces):
        ordered = sorted((int(piece[1]), piece[2]) for piece in pieces if piece)
        return "".join(text for _, text in ordered)
    return values[0] if values else ""


def _localized(element: etree._Element, name: str) -> str:
    found = element.find(f"{_RIM}{name}/{_RIM}LocalizedString")
    return found.get("value", "").strip() if found is not None else ""


def _version(element: etree._Element) -> str:
    found = element.find(f"{_RIM}VersionInfo")
    return found.get("versionName", "").strip() if found is not None else ""
