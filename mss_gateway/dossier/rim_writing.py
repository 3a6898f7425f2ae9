"""Document entries written as METADATA.XML: the other way of ``rim_reading``.

IHE ITI TF-3 §4.2.3, ebXML RIM 3.0: every mandatory attribute of an entry and of its submission set
under its fixed UUID. What is written here is read back equal.
"""

import re
import uuid
from collections.abc import Iterable, Iterator
from typing import Final

from lxml import etree

from mss_gateway.dossier import rim
from mss_gateway.dossier.rim import Coded, DocumentEntry, EntryAuthor, SubmissionSet

_RIM: Final = f"{{{rim.RIM}}}"
_XML_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_STATUS: Final = "urn:oasis:names:tc:ebxml-regrep:StatusType:"
_OBJECT: Final = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:"
_SET_ID: Final = "SubmissionSet01"
_MAX_VALUE: Final = 256  # characters of a slot's value; a longer URI is cut (§4.2.3.2.25)
_PIECE: Final = 240
_UNWRITABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_CODES: Final = (
    ("class_code", rim.CLASS_CODE),
    ("type_code", rim.TYPE_CODE),
    ("format_code", rim.FORMAT_CODE),
    ("facility", rim.FACILITY),
    ("practice_setting", rim.PRACTICE_SETTING),
)
_SLOTS: Final = (
    ("creationTime", "creation_time"),
    ("serviceStartTime", "service_start_time"),
    ("serviceStopTime", "service_stop_time"),
    ("languageCode", "language_code"),
    ("legalAuthenticator", "legal_authenticator"),
    ("repositoryUniqueId", "repository_unique_id"),
    ("sourcePatientId", "source_patient_id"),
    ("hash", "hash"),
)


def submission_xml(entries: Iterable[DocumentEntry], said: SubmissionSet) -> bytes:
    """METADATA.XML of one submission set. Entries without ``entry_uuid`` get one."""
    root = etree.Element(f"{{{rim.LCM}}}SubmitObjectsRequest", nsmap={"lcm": rim.LCM})
    objects = etree.SubElement(root, f"{_RIM}RegistryObjectList", nsmap={"rim": rim.RIM})
    members: list[tuple[str, DocumentEntry]] = []
    for entry in entries:
        entry_id = entry.entry_uuid or _uuid()
        _document(objects, entry_id, entry)
        members.append((entry_id, entry))
    _package(objects, said)
    for entry_id, entry in members:
        _association(objects, rim.HAS_MEMBER, _SET_ID, entry_id, is_member=True)
        for target in entry.replaces:
            _association(objects, rim.REPLACES, entry_id, target)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def writable(value: str) -> str:
    """A text without the signs that XML cannot hold."""
    return _UNWRITABLE.sub("", value)


def _document(objects: etree._Element, entry_id: str, entry: DocumentEntry) -> None:
    element = etree.SubElement(objects, f"{_RIM}ExtrinsicObject")
    element.set("id", entry_id)
    if entry.logical_id:
        element.set("lid", entry.logical_id)
    element.set("objectType", rim.DOCUMENT_ENTRY)
    element.set("mimeType", entry.mime_type)
    element.set("status", _STATUS + entry.availability)
    for name, attribute in _SLOTS:
        _slot(element, name, getattr(entry, attribute))
    _slot(element, "size", str(entry.size))
    _slot(element, "URI", *_uri(entry.uri))
    _slot(element, "sourcePatientInfo", *entry.source_patient_info)
    _localized(element, "Name", entry.title)
    _localized(element, "Description", entry.comments)
    if entry.version:
        etree.SubElement(element, f"{_RIM}VersionInfo").set("versionName", writable(entry.version))
    for author in entry.authors:
        _author(element, entry_id, rim.AUTHOR, author)
    for attribute, scheme in _CODES:
        _code(element, entry_id, scheme, getattr(entry, attribute))
    for code in entry.confidentiality:
        _code(element, entry_id, rim.CONFIDENTIALITY, code)
    for code in entry.events:
        _code(element, entry_id, rim.EVENT_CODE, code)
    _identifier(element, entry_id, rim.PATIENT_ID, "XDSDocumentEntry.patientId", entry.patient_id)
    _identifier(element, entry_id, rim.UNIQUE_ID, "XDSDocumentEntry.uniqueId", entry.unique_id)


def _package(objects: etree._Element, said: SubmissionSet) -> None:
    element = etree.SubElement(objects, f"{_RIM}RegistryPackage")
    element.set("id", _SET_ID)
    element.set("status", f"{_STATUS}{rim.APPROVED}")
    _slot(element, "submissionTime", said.submission_time)
    _slot(element, "intendedRecipient", *said.intended_recipients)
    _localized(element, "Name", said.title)
    _localized(element, "Description", said.comments)
    for author in said.authors:
        _author(element, _SET_ID, rim.SET_AUTHOR, author)
    _code(element, _SET_ID, rim.SET_CONTENT_TYPE, said.content_type)
    name = "XDSSubmissionSet"
    _identifier(element, _SET_ID, rim.SET_UNIQUE_ID, f"{name}.uniqueId", said.unique_id)
    _identifier(element, _SET_ID, rim.SET_SOURCE_ID, f"{name}.sourceId", said.source_id)
    _identifier(element, _SET_ID, rim.SET_PATIENT_ID, f"{name}.patientId", said.patient_id)
    node = etree.SubElement(objects, f"{_RIM}Classification")
    node.set("id", _uuid())
    node.set("objectType", f"{_OBJECT}Classification")
    node.set("classifiedObject", _SET_ID)
    node.set("classificationNode", rim.SUBMISSION_SET)


def _slot(element: etree._Element, name: str, *values: str) -> None:
    """Nothing at all when no value is said."""
    said = [value for value in values if value]
    if not said:
        return
    slot = etree.SubElement(element, f"{_RIM}Slot")
    slot.set("name", name)
    listed = etree.SubElement(slot, f"{_RIM}ValueList")
    for value in said:
        etree.SubElement(listed, f"{_RIM}Value").text = writable(value)


def _localized(element: etree._Element, name: str, value: str) -> None:
    if value:
        around = etree.SubElement(element, f"{_RIM}{name}")
        string = etree.SubElement(around, f"{_RIM}LocalizedString")
        string.set(_XML_LANG, "fr-FR")
        string.set("charset", "UTF-8")
        string.set("value", writable(value))


def _classification(
    element: etree._Element, owner: str, scheme: str, representation: str
) -> etree._Element:
    made = etree.SubElement(element, f"{_RIM}Classification")
    made.set("id", _uuid())
    made.set("objectType", f"{_OBJECT}Classification")
    made.set("classificationScheme", scheme)
    made.set("classifiedObject", owner)
    made.set("nodeRepresentation", writable(representation))
    return made


def _code(element: etree._Element, owner: str, scheme: str, code: Coded) -> None:
    if code.code:
        made = _classification(element, owner, scheme, code.code)
        _slot(made, "codingScheme", code.system)
        _localized(made, "Name", code.display)


def _author(element: etree._Element, owner: str, scheme: str, author: EntryAuthor) -> None:
    made = _classification(element, owner, scheme, "")
    _slot(made, "authorPerson", author.person)
    _slot(made, "authorInstitution", *author.institutions)
    _slot(made, "authorRole", author.role)
    _slot(made, "authorSpecialty", author.specialty)


def _identifier(element: etree._Element, owner: str, scheme: str, name: str, value: str) -> None:
    made = etree.SubElement(element, f"{_RIM}ExternalIdentifier")
    made.set("id", _uuid())
    made.set("objectType", f"{_OBJECT}ExternalIdentifier")
    made.set("registryObject", owner)
    made.set("identificationScheme", scheme)
    made.set("value", writable(value))
    _localized(made, "Name", name)


def _association(
    objects: etree._Element, kind: str, source: str, target: str, *, is_member: bool = False
) -> None:
    made = etree.SubElement(objects, f"{_RIM}Association")
    made.set("id", _uuid())
    made.set("objectType", f"{_OBJECT}Association")
    made.set("associationType", kind)
    made.set("sourceObject", source)
    made.set("targetObject", writable(target))
    if is_member:
        _slot(made, "SubmissionSetStatus", "Original")


def _uri(uri: str) -> Iterator[str]:
    if len(uri) <= _MAX_VALUE:
        yield uri
        return
    for number, at in enumerate(range(0, len(uri), _PIECE), 1):
        yield f"{number}|{uri[at : at + _PIECE]}"


def _uuid() -> str:
    return f"urn:uuid:{uuid.uuid4()}"
