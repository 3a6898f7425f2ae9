"""A second reader of IHE_XDM.ZIP, written from the tables of IHE ITI TF-3 §4.2 with the standard
library alone: what it accepts does not depend on our own reader.

It objects to everything that a strict registry would: a missing mandatory attribute, one that is
there twice, a value that has not the form of its type, a file whose size or hash differs.
"""

import hashlib
import io
import re
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import dataclass, field

R = "{urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0}"
L = "{urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0}"
STATUS = "urn:oasis:names:tc:ebxml-regrep:StatusType:"
MEMBER = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"

STABLE_DOCUMENT = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
SUBMISSION = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"

# table 4.2.3.2-1, attributes that are codes: name, UUID, least and most
DOCUMENT_CODES = (
    ("classCode", "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a", 1, 1),
    ("confidentialityCode", "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f", 1, 4),
    ("eventCodeList", "urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4", 0, 99),
    ("formatCode", "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d", 1, 1),
    ("healthcareFacilityTypeCode", "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1", 1, 1),
    ("practiceSettingCode", "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead", 1, 1),
    ("typeCode", "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983", 1, 1),
)
AUTHOR = "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"
DOCUMENT_PATIENT = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
DOCUMENT_ID = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
SET_AUTHOR = "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"
SET_CONTENT = "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500"
SET_IDS = {
    "uniqueId": "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8",
    "sourceId": "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832",
    "patientId": "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446",
}

DTM = re.compile(r"\A\d{4}(\d{2}(\d{2}(\d{2}(\d{2}(\d{2})?)?)?)?)?\Z")
OID = re.compile(r"\A[0-2](\.(0|[1-9][0-9]*))+\Z")
DOCUMENT_UID = re.compile(r"\A[0-2](\.(0|[1-9][0-9]*))+(\^.{1,16})?\Z|\A[0-9A-Fa-f-]{36}\Z")
CX = re.compile(r"\A[^^]+\^\^\^(?:[^^&]*)&[0-9.]+&ISO(\^[A-Z]+)?\Z")
UUID = re.compile(r"\Aurn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
SHA1 = re.compile(r"\A[0-9a-f]{40}\Z")

# slots of a document entry: name, form, least and most values
DOCUMENT_SLOTS = (
    ("creationTime", DTM, 1, 1),
    ("hash", SHA1, 1, 1),
    ("size", re.compile(r"\A[0-9]+\Z"), 1, 1),
    ("languageCode", re.compile(r"\A[a-z]{2}(-[A-Z]{2})?\Z"), 1, 1),
    ("legalAuthenticator", re.compile(r"\S"), 1, 1),
    ("serviceStartTime", DTM, 1, 1),
    ("serviceStopTime", DTM, 0, 1),
    ("sourcePatientId", CX, 1, 1),
    ("sourcePatientInfo", re.compile(r"\APID-\d+\|."), 1, 10),
    ("URI", re.compile(r"\S"), 1, 20),
)


@dataclass
class Witnessed:
    """What the reader found: objections, and the documents by the name of their file."""

    objections: list[str] = field(default_factory=list)
    documents: dict[str, bytes] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    codes: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    patients: set[str] = field(default_factory=set)


def witness(content: bytes) -> Witnessed:
    """Read an archive and object."""
    seen = Witnessed()
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if packed.testzip() is not None:
            seen.objections.append("a checksum is wrong")
        names = packed.namelist()
        for wanted in ("INDEX.HTM", "README.TXT"):
            if wanted not in names:
                seen.objections.append(f"{wanted} is missing")
        sets = [name for name in names if re.fullmatch(r"IHE_XDM/[^/]+/METADATA\.XML", name)]
        if not sets:
            seen.objections.append("no METADATA.XML")
        for name in sets:
            _read_set(packed, name.rpartition("/")[0], ET.fromstring(packed.read(name)), seen)
    return seen


def _read_set(packed: zipfile.ZipFile, folder: str, root: ET.Element, seen: Witnessed) -> None:
    if root.tag != f"{L}SubmitObjectsRequest":
        seen.objections.append("not a SubmitObjectsRequest")
    (listed,) = root.findall(f"{R}RegistryObjectList")
    members = []
    for element in listed.findall(f"{R}ExtrinsicObject"):
        if element.get("objectType") != STABLE_DOCUMENT:
            seen.objections.append("an ExtrinsicObject that is no stable document")
        members.append(element.get("id", ""))
        _read_document(packed, folder, element, seen)
    _read_package(listed, members, seen)


def _read_document(
    packed: zipfile.ZipFile, folder: str, element: ET.Element, seen: Witnessed
) -> None:
    object_id = element.get("id", "")
    if not UUID.match(object_id):
        seen.objections.append("entryUUID")
    if not element.get("mimeType") or not element.get("status", "").startswith(STATUS):
        seen.objections.append("mimeType or availabilityStatus")
    if element.find(f"{R}Name/{R}LocalizedString") is None:
        seen.objections.append("title")
    for name, form, least, most in DOCUMENT_SLOTS:
        values = _slot(element, name)
        if not least <= len(values) <= most or not all(form.search(value) for value in values):
            seen.objections.append(f"{name}: {values}")
    uri = "".join(_slot(element, "URI"))
    _read_codes(element, uri, seen)
    patient = _identifiers(element, DOCUMENT_PATIENT)
    unique = _identifiers(element, DOCUMENT_ID)
    if len(patient) != 1 or not CX.match(patient[0]):
        seen.objections.append(f"patientId: {patient}")
    if len(unique) != 1 or not DOCUMENT_UID.match(unique[0]):
        seen.objections.append(f"uniqueId: {unique}")
    content = packed.read(f"{folder}/{uri}")
    if [str(len(content))] != _slot(element, "size"):
        seen.objections.append("size differs")
    if [hashlib.sha1(content, usedforsecurity=False).hexdigest()] != _slot(element, "hash"):
        seen.objections.append("hash differs")
    seen.documents[uri] = content
    seen.statuses[uri] = element.get("status", "").removeprefix(STATUS)
    seen.patients.update(patient)
    title = element.find(f"{R}Name/{R}LocalizedString")
    seen.titles[uri] = title.get("value", "") if title is not None else ""


def _read_codes(element: ET.Element, uri: str, seen: Witnessed) -> None:
    authors = _classified(element, AUTHOR)
    if not authors or not all(_slot(one, "authorPerson") for one in authors):
        seen.objections.append("author")
    found: dict[str, list[str]] = {}
    for name, scheme, least, most in DOCUMENT_CODES:
        codes = _classified(element, scheme)
        if not least <= len(codes) <= most:
            seen.objections.append(f"{name}: {len(codes)} times")
        for one in codes:
            _read_code(one, name, seen)
        found[name] = [one.get("nodeRepresentation", "") for one in codes]
    seen.codes[uri] = found


def _read_code(one: ET.Element, name: str, seen: Witnessed) -> None:
    is_whole = one.get("nodeRepresentation") and len(_slot(one, "codingScheme")) == 1
    if not is_whole or one.find(f"{R}Name/{R}LocalizedString") is None:
        seen.objections.append(f"{name}: a code without value, scheme or name")
    if not UUID.match(one.get("id", "")):
        seen.objections.append(f"{name}: id")


def _read_package(listed: ET.Element, members: list[str], seen: Witnessed) -> None:
    (package,) = listed.findall(f"{R}RegistryPackage")
    package_id = package.get("id", "")
    marks = [
        one
        for one in listed.iter(f"{R}Classification")
        if one.get("classificationNode") == SUBMISSION and one.get("classifiedObject") == package_id
    ]
    if len(marks) != 1:
        seen.objections.append("the package is not marked as a submission set")
    times = _slot(package, "submissionTime")
    if len(times) != 1 or not DTM.match(times[0]):
        seen.objections.append("submissionTime")
    for name, scheme in SET_IDS.items():
        values = _identifiers(package, scheme)
        form = CX if name == "patientId" else OID
        if len(values) != 1 or not form.match(values[0]):
            seen.objections.append(f"set {name}: {values}")
        if name == "patientId":
            seen.patients.update(values)
    if len(_classified(package, SET_CONTENT)) != 1 or not _classified(package, SET_AUTHOR):
        seen.objections.append("set contentTypeCode or author")
    held = [
        one.get("targetObject", "")
        for one in listed.findall(f"{R}Association")
        if one.get("associationType") == MEMBER
        and one.get("sourceObject") == package_id
        and _slot(one, "SubmissionSetStatus") == ["Original"]
    ]
    if sorted(held) != sorted(members):
        seen.objections.append("HasMember does not hold each document once")


def _slot(element: ET.Element, name: str) -> list[str]:
    slots = [one for one in element.findall(f"{R}Slot") if one.get("name") == name]
    if len(slots) > 1:
        return ["twice", "twice"]
    return [value.text or "" for one in slots for value in one.findall(f"{R}ValueList/{R}Value")]


def _classified(element: ET.Element, scheme: str) -> list[ET.Element]:
    return [
        one
        for one in element.findall(f"{R}Classification")
        if one.get("classificationScheme") == scheme
        and one.get("classifiedObject") == element.get("id")
    ]


def _identifiers(element: ET.Element, scheme: str) -> list[str]:
    return [
        one.get("value", "")
        for one in element.findall(f"{R}ExternalIdentifier")
        if one.get("identificationScheme") == scheme
        and one.get("registryObject") == element.get("id")
    ]
