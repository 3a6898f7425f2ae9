"""METADATA.XML read into document entries.

IHE ITI TF-3 §4.2. Order and namespace prefix are free; a classification may stand inside its
object or beside it and point at it.
"""

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from mss_gateway.dossier import rim
from mss_gateway.dossier.errors import XdmUnreadable, XmlRefused
from mss_gateway.dossier.rim import (
    UNCODED,
    Coded,
    DocumentEntry,
    EntryAuthor,
    StatusUpdate,
    Submission,
    SubmissionSet,
)
from mss_gateway.dossier.safe_xml import parse_xml

_RIM: Final = f"{{{rim.RIM}}}"
_REQUEST: Final = f"{{{rim.LCM}}}SubmitObjectsRequest"
_MAX_OBJECTS: Final = 1_000
_SHA1 = re.compile(r"\A[0-9a-fA-F]{40}\Z")
_NUMBERED = re.compile(r"\A([0-9]+)\|(.*)\Z", re.DOTALL)


def read_submission(content: bytes) -> Submission:
    """Read METADATA.XML; raises XdmUnreadable when a mandatory attribute is missing.

    It describes a document at least, or asks for one to be deprecated or deleted.
    """
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
        if element.get("objectType", "").lower() == rim.DOCUMENT_ENTRY
    ]
    updates = tuple(_updates(root))
    if not 1 <= len(documents) + len(updates) <= _MAX_OBJECTS:
        raise XdmUnreadable("METADATA.XML describes no document, or too many")
    if len({element.get("id", "") for element in documents}) != len(documents):
        raise XdmUnreadable("two documents of the same id")
    return Submission(
        tuple(_entry(objects, element) for element in documents),
        _submission_set(objects, root),
        updates,
    )


class _Objects:
    """Classifications, identifiers and associations by the object that they are about."""

    def __init__(self, root: etree._Element) -> None:
        self._classified: dict[str, list[etree._Element]] = {}
        self._identified: dict[str, list[etree._Element]] = {}
        self._replaced: dict[str, list[str]] = {}
        self._transformed: dict[str, list[str]] = {}
        for element in root.iter(f"{_RIM}Classification"):
            self._classified.setdefault(_owner(element, "classifiedObject"), []).append(element)
        for element in root.iter(f"{_RIM}ExternalIdentifier"):
            self._identified.setdefault(_owner(element, "registryObject"), []).append(element)
        for element in root.iter(f"{_RIM}Association"):
            kind, source = element.get("associationType", ""), element.get("sourceObject", "")
            # RPLC, and XFRM_RPLC which transforms too
            if kind.endswith("RPLC"):
                self._replaced.setdefault(source, []).append(element.get("targetObject", ""))
            elif kind.endswith("XFRM"):
                self._transformed.setdefault(source, []).append(element.get("targetObject", ""))

    def classifications(self, element: etree._Element, scheme: str) -> list[etree._Element]:
        found = self._classified.get(element.get("id", ""), [])
        return [one for one in found if one.get("classificationScheme", "").lower() == scheme]

    def is_submission_set(self, element: etree._Element) -> bool:
        found = self._classified.get(element.get("id", ""), [])
        return any(one.get("classificationNode", "").lower() == rim.SUBMISSION_SET for one in found)

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

    def transformed_by(self, element: etree._Element) -> tuple[str, ...]:
        return tuple(self._transformed.get(element.get("id", ""), ()))

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


def _updates(root: etree._Element) -> Iterator[StatusUpdate]:
    """IHE Metadata Update §3.57.4.1.3.3.2: a document known by its entry UUID gets a new status."""
    for element in root.iter(f"{_RIM}Association"):
        if element.get("associationType", "").endswith("UpdateAvailabilityStatus"):
            target = _wanted(element.get("targetObject", ""), "targetObject")
            yield StatusUpdate(target, _status(_wanted(_slot(element, "NewStatus"), "NewStatus")))


def _status(text: str) -> str:
    """The last word of ``urn:…:StatusType:Deprecated``."""
    return text.strip().rpartition(":")[2]


def _owner(element: etree._Element, attribute: str) -> str:
    """The object a part is about: what it points at, else the object it stands in."""
    parent = element.getparent()
    around = parent.get("id", "") if parent is not None else ""
    return element.get(attribute, "") or around


def _entry(objects: _Objects, element: etree._Element) -> DocumentEntry:
    confidentiality = tuple(objects.codes(element, rim.CONFIDENTIALITY))
    if not 1 <= len(confidentiality) <= rim.MAX_CONFIDENTIALITY:
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
        patient_id=_wanted(objects.identifier(element, rim.PATIENT_ID), "patientId"),
        unique_id=_wanted(objects.identifier(element, rim.UNIQUE_ID), "uniqueId"),
        type_code=objects.code(element, rim.TYPE_CODE),
        class_code=objects.code(element, rim.CLASS_CODE),
        format_code=objects.code(element, rim.FORMAT_CODE),
        facility=objects.code(element, rim.FACILITY),
        practice_setting=objects.code(element, rim.PRACTICE_SETTING),
        confidentiality=confidentiality,
        events=tuple(objects.codes(element, rim.EVENT_CODE)),
        authors=objects.authors(element, rim.AUTHOR),
        replaces=objects.replaced_by(element),
        logical_id=element.get("lid", ""),
        availability=_status(element.get("status", "")) or rim.APPROVED,
        transforms=objects.transformed_by(element),
    )


def _submission_set(objects: _Objects, root: etree._Element) -> SubmissionSet:
    packages = list(root.iter(f"{_RIM}RegistryPackage"))
    marked = [one for one in packages if objects.is_submission_set(one)] or packages
    if len(marked) != 1:
        raise XdmUnreadable("METADATA.XML has no submission set, or several")
    element = marked[0]
    return SubmissionSet(
        unique_id=objects.identifier(element, rim.SET_UNIQUE_ID),
        source_id=objects.identifier(element, rim.SET_SOURCE_ID),
        patient_id=objects.identifier(element, rim.SET_PATIENT_ID),
        submission_time=_slot(element, "submissionTime"),
        title=_localized(element, "Name"),
        comments=_localized(element, "Description"),
        content_type=objects.code(element, rim.SET_CONTENT_TYPE),
        authors=objects.authors(element, rim.SET_AUTHOR),
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
