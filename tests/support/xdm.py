"""Health documents and archives for tests: CDA of invented content, METADATA.XML, IHE_XDM.ZIP.

``archive_of(cda, …)`` wraps any CDA, a national example too, deriving the metadata from its header
as a sender's software would. Everything that a hostile or careless sender could get wrong can be
set: see ``Entry``.
"""

import base64
import hashlib
import io
import uuid
import zipfile
from dataclasses import dataclass, field, replace
from datetime import UTC
from xml.sax.saxutils import escape, quoteattr

from mss_gateway.dossier import cda as cda_reader
from mss_gateway.dossier import rim

INS_TEST_OID = "1.2.250.1.213.1.4.10"
INS_OID = "1.2.250.1.213.1.4.8"
_N = "2.16.840.1.113883.5.25"
_FLAGS = "1.2.250.1.213.1.1.4.13"
_README = "Archive de documents de santé, pour essais.\r\n"
_INDEX = "<html><body><p>Documents de santé, pour essais.</p></body></html>"


@dataclass(frozen=True)
class Subject:
    """Whom a document is about; the defaults are the national test identity."""

    ins: str = "279035121518989"
    oid: str = INS_TEST_OID
    birth_name: str = "PAT-TROIS"
    given: str = "DOMINIQUE"
    birth_date: str = "19790328"
    sex: str = "F"

    @property
    def cx(self) -> str:
        """As METADATA.XML identifies the patient."""
        return f"{self.ins}^^^&{self.oid}&ISO^NH"


@dataclass(frozen=True)
class CdaText:
    """What :func:`cda_document` writes; ``pdf`` makes an N1, ``sections`` (narrative) an N3."""

    subject: Subject = Subject()
    pdf: bytes | None = None
    sections: tuple[tuple[str, str], ...] = (
        ("Conclusion", "<paragraph>Rien à signaler.</paragraph>"),
    )
    structured: str = ""  # whole components of an N3, after the sections
    templates: tuple[str, ...] = ()  # beside that of the minimal structure
    copy: bytes | None = None  # the PDF that an N3 carries of itself
    body_type: str = "application/pdf"  # of an N1
    type_code: str = "11502-2"
    type_system: str = "2.16.840.1.113883.6.1"
    type_display: str = "CR d'examens biologiques"
    title: str = "Compte rendu d'analyses"
    effective: str = "20261120093000+0100"
    confidentiality: tuple[str, ...] = ("N",)
    unique_id: str = "1.2.250.1.999.7.1"
    set_id: str = "1.2.250.1.999.7"
    version: str = "1"
    replaces: str = ""
    author_family: str = "FICTIVE"
    author_given: str = "Claire"
    organisation: str = "Laboratoire des Essais"
    organisation_id: str = "1999999999"


def cda_document(text: CdaText = CdaText()) -> bytes:
    """A small CDA R2 of the shape of the CI-SIS, wholly invented."""
    s = text.subject
    organisation = (
        f'<id root="1.2.250.1.71.4.2.2" extension={quoteattr(text.organisation_id)}/>'
        f"<name>{escape(text.organisation)}</name>"
    )
    replaces = (
        f'<relatedDocument typeCode="RPLC"><parentDocument><id root={quoteattr(text.replaces)}/>'
        "</parentDocument></relatedDocument>"
        if text.replaces
        else ""
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<?xml-stylesheet type="text/xsl" href="https://outside.invalid/cda.xsl"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <realmCode code="FR"/>
  <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
  <templateId root="1.2.250.1.213.1.1.1.1"/>
  {"".join(f"<templateId root={quoteattr(one)}/>" for one in text.templates)}
  <id root={quoteattr(text.unique_id)}/>
  <code code={quoteattr(text.type_code)} codeSystem={quoteattr(text.type_system)}
    displayName={quoteattr(text.type_display)}/>
  <title>{escape(text.title)}</title>
  <effectiveTime value={quoteattr(text.effective)}/>
  {"".join(_confidentiality(code) for code in text.confidentiality)}
  <languageCode code="fr-FR"/>
  <setId root={quoteattr(text.set_id)}/>
  <versionNumber value={quoteattr(text.version)}/>
  <recordTarget><patientRole>
    <id root={quoteattr(s.oid)} extension={quoteattr(s.ins)}/>
    <id root="1.2.3.4.567.8.9.10" extension="0000000001"/>
    <patient>
      <name><family qualifier="BR">{escape(s.birth_name)}</family>
        <given>{escape(s.given)}</given><given qualifier="BR">{escape(s.given)}</given></name>
      <administrativeGenderCode code={quoteattr(s.sex)} codeSystem="2.16.840.1.113883.5.1"/>
      <birthTime value={quoteattr(s.birth_date)}/>
    </patient>
  </patientRole></recordTarget>
  <author><time value={quoteattr(text.effective)}/><assignedAuthor>
    <id root="1.2.250.1.71.4.2.1" extension="899999999991"/>
    <code code="G15_10/SM03" codeSystem="1.2.250.1.213.1.1.4.5" displayName="Médecin"/>
    <assignedPerson><name><prefix>MME</prefix><given>{escape(text.author_given)}</given>
      <family>{escape(text.author_family)}</family><suffix>DR</suffix></name></assignedPerson>
    <representedOrganization>{organisation}</representedOrganization>
  </assignedAuthor></author>
  <custodian><assignedCustodian><representedCustodianOrganization>{organisation}
  </representedCustodianOrganization></assignedCustodian></custodian>
  {replaces}
  <documentationOf><serviceEvent><effectiveTime>
    <low value="20261119081500+0100"/><high value="20261119090000+0100"/>
  </effectiveTime></serviceEvent></documentationOf>
  <component>{_body(text)}</component>
</ClinicalDocument>
""".encode()


def _confidentiality(code: str) -> str:
    system = _N if code in ("N", "R", "V") else _FLAGS
    return f'<confidentialityCode code="{code}" codeSystem="{system}"/>'


def _body(text: CdaText) -> str:
    if text.pdf is not None:
        carried = base64.encodebytes(text.pdf).decode("ascii")
        return (
            f'<nonXMLBody><text mediaType="{text.body_type}" representation="B64">'
            f"{carried}</text></nonXMLBody>"
        )
    written = "".join(
        f"<component><section><title>{escape(title)}</title><text>{narrative}</text>"
        "</section></component>"
        for title, narrative in text.sections
    )
    written += text.structured
    if text.copy is not None:
        carried = base64.b64encode(text.copy).decode("ascii")
        written += (
            '<component><section><templateId root="1.2.250.1.213.1.1.2.243"/>'
            '<code code="55108-5" codeSystem="2.16.840.1.113883.6.1"/>'
            "<title>Copie du document</title>"
            '<text><table><tbody><tr><td><renderMultiMedia referencedObject="doc-1"/></td></tr>'
            '</tbody></table></text><entry><observationMedia classCode="OBS" moodCode="EVN"'
            ' ID="doc-1"><value mediaType="application/pdf" representation="B64">'
            f"{carried}</value></observationMedia></entry></section></component>"
        )
    return f"<structuredBody>{written}</structuredBody>"


@dataclass(frozen=True)
class Entry:
    """One document of an archive and what METADATA.XML says of it; None means "the truth"."""

    content: bytes
    uri: str = "DOC0001.XML"
    mime_type: str = "text/xml"
    hash: str | None = None
    size: str | None = None
    patient_id: str = Subject().cx
    unique_id: str = "1.2.250.1.999.7.1"
    title: str = "Compte rendu d'analyses"
    comments: str = ""
    type_code: str = "11502-2"
    type_display: str = "CR d'examens biologiques"
    confidentiality: tuple[str, ...] = ("N",)
    author_person: str = "899999999991^FICTIVE^Claire^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
    author_institution: str = (
        "Laboratoire des Essais^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1999999999"
    )
    author_specialty: str = "G15_10/SM03^Médecin^1.2.250.1.213.1.1.4.5"
    creation_time: str = "20261120083000"
    source_patient_info: tuple[str, ...] = (
        "PID-5|PAT-TROIS^DOMINIQUE^^^^^L",
        "PID-7|19790328",
        "PID-8|F",
    )
    replaces: str = ""
    format_code: str = "urn:ihe:iti:xds-sd:pdf:2008"
    status: str = ""  # availabilityStatus, whole
    lid: str = ""
    is_packed: bool = True  # False leaves the file out of the zip

    def with_content(self, content: bytes) -> "Entry":
        """The same description of other bytes: hash and size are then lies."""
        return replace(self, content=content, hash=self.true_hash, size=str(len(self.content)))

    @property
    def true_hash(self) -> str:
        """SHA-1 of the bytes."""
        return hashlib.sha1(self.content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Layout:
    """How an archive is laid out; the defaults are what most software writes."""

    root: str = "IHE_XDM"
    subset: str = "SUBSET01"
    metadata_name: str = "METADATA.XML"
    prefix: str = "rim"
    is_reversed: bool = False  # elements in the other order
    are_parts_apart: bool = False  # classifications beside their object, pointing at it
    set_patient_id: str | None = None  # None: that of the first entry
    extra: tuple[tuple[str, bytes], ...] = field(default=())
    updates: tuple[tuple[str, str], ...] = ()  # entry UUIDs and the status asked for
    ids: tuple[str, ...] = ()  # of the documents, in place of Document01…


def entry_for(content: bytes, **changes: object) -> Entry:
    """The entry that a correct sender writes for this CDA."""
    header = cda_reader.read_header(content)
    ins = next(
        one for one in header.patient.identifiers if one.root.startswith("1.2.250.1.213.1.4.")
    )
    author = header.authors[0]
    moment = header.effective_time
    entry = Entry(
        content,
        patient_id=f"{ins.value}^^^&{ins.root}&ISO^NH",
        unique_id=header.unique_id,
        title=header.title,
        type_code=header.type.code,
        type_display=header.type.display,
        confidentiality=tuple(one.code for one in header.confidentiality),
        author_person=f"899999999991^{author.display}^^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS",
        author_institution=author.organisation,
        creation_time=f"{moment.astimezone(UTC):%Y%m%d%H%M%S}" if moment else "20261120083000",
        source_patient_info=(
            f"PID-5|{header.patient.birth_name}^{header.patient.first_given}^^^^^L",
            f"PID-7|{header.patient.birth_date}",
            f"PID-8|{header.patient.sex}",
        ),
    )
    return replace(entry, **changes)  # type: ignore[arg-type]


def archive_of(*contents: bytes) -> bytes:
    """An IHE_XDM.ZIP of these CDA, with right metadata."""
    entries = [
        entry_for(content, uri=f"DOC{number:04}.XML")
        for number, content in enumerate(contents, start=1)
    ]
    return archive(entries)


def archive(entries: list[Entry], layout: Layout = Layout()) -> bytes:
    """An IHE_XDM.ZIP of these entries."""
    folder = f"{layout.root}/{layout.subset}"
    files = [("INDEX.HTM", _INDEX.encode()), ("README.TXT", _README.encode())]
    files.append((f"{folder}/{layout.metadata_name}", metadata(entries, layout)))
    files += [(f"{folder}/{entry.uri}", entry.content) for entry in entries if entry.is_packed]
    return zip_of([*files, *layout.extra])


def zip_of(files: list[tuple[str, bytes]]) -> bytes:
    """A plain, deflated zip."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files:
            packed.writestr(name, content)
    return target.getvalue()


def metadata(entries: list[Entry], layout: Layout = Layout()) -> bytes:
    """METADATA.XML: an ebXML RIM 3.0 submission of these entries."""
    ids = layout.ids or tuple(f"Document{n:02}" for n in range(1, len(entries) + 1))
    objects = [_extrinsic(entry, one, layout) for one, entry in zip(ids, entries, strict=True)]
    patient_id = layout.set_patient_id
    if patient_id is None:
        patient_id = entries[0].patient_id if entries else Subject().cx
    objects.append(_package(patient_id))
    for one, entry in zip(ids, entries, strict=True):
        objects.append(_association("HasMember", "SubmissionSet01", one))
        if entry.replaces:
            objects.append(_association("RPLC", one, entry.replaces))
    objects += [_update(target, status) for target, status in layout.updates]
    if layout.is_reversed:
        objects.reverse()
    p = layout.prefix
    colon = f"{p}:" if p else ""
    declared = f"xmlns:{p}" if p else "xmlns"
    body = "".join(objects).replace("<rim:", f"<{colon}").replace("</rim:", f"</{colon}")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<lcm:SubmitObjectsRequest xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0">'
        f'<{colon}RegistryObjectList {declared}="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">'
        f"{body}</{colon}RegistryObjectList></lcm:SubmitObjectsRequest>"
    ).encode()


def _extrinsic(entry: Entry, object_id: str, layout: Layout) -> str:
    slots = "".join(
        (
            _slot("creationTime", entry.creation_time),
            _slot("languageCode", "fr-FR"),
            _slot("hash", entry.true_hash if entry.hash is None else entry.hash),
            _slot("size", str(len(entry.content)) if entry.size is None else entry.size),
            _slot("URI", entry.uri),
            _slot("serviceStartTime", "20261119081500"),
            _slot("serviceStopTime", "20261119090000"),
            _slot("sourcePatientId", "0000000001^^^&1.2.3.4.567.8.9.10&ISO^PI"),
            _slot("sourcePatientInfo", *entry.source_patient_info),
            _slot("legalAuthenticator", entry.author_person),
            _slot("repositoryUniqueId", "1.2.250.1.999.1"),
        )
    )
    names = _localized("Name", entry.title) + _localized("Description", entry.comments)
    version = '<rim:VersionInfo versionName="1"/>'
    parts = _classifications(entry, object_id) + _external(
        object_id, rim.PATIENT_ID, entry.patient_id
    )
    parts += _external(object_id, rim.UNIQUE_ID, entry.unique_id)
    inside, beside = ("", parts) if layout.are_parts_apart else (parts, "")
    groups = [slots, names, version, inside]
    if layout.is_reversed:
        groups.reverse()
    return (
        f'<rim:ExtrinsicObject id="{object_id}" mimeType={quoteattr(entry.mime_type)}'
        f" status={quoteattr(entry.status)} lid={quoteattr(entry.lid)}"
        f' objectType="{rim.DOCUMENT_ENTRY}">{"".join(groups)}</rim:ExtrinsicObject>{beside}'
    )


def _classifications(entry: Entry, object_id: str) -> str:
    author = "".join(
        (
            _slot("authorInstitution", entry.author_institution),
            _slot("authorPerson", entry.author_person),
            _slot("authorSpecialty", entry.author_specialty),
        )
    )
    codes = [
        (rim.CLASS_CODE, "11", "1.2.250.1.213.1.1.4.1", "Synthèse"),
        (rim.TYPE_CODE, entry.type_code, "2.16.840.1.113883.6.1", entry.type_display),
        (rim.FORMAT_CODE, entry.format_code, "1.3.6.1.4.1.19376.1.2.3", "PDF"),
        (rim.FACILITY, "SA07", "1.2.250.1.71.4.2.4", "Cabinet individuel"),
        (rim.PRACTICE_SETTING, "AMBULATOIRE", "1.2.250.1.213.1.1.4.9", "Ambulatoire"),
    ]
    codes += [
        (rim.CONFIDENTIALITY, code, _N if code in ("N", "R", "V") else _FLAGS, code)
        for code in entry.confidentiality
    ]
    return _classification(object_id, rim.AUTHOR, "", author) + "".join(
        _classification(
            object_id, scheme, code, _slot("codingScheme", system) + _localized("Name", display)
        )
        for scheme, code, system, display in codes
    )


def _package(patient_id: str) -> str:
    author = _slot("authorPerson", "899999999991^FICTIVE^Claire")
    content_type = _slot("codingScheme", "1.2.250.1.213.1.1.4.2") + _localized("Name", "Envoi")
    return (
        '<rim:RegistryPackage id="SubmissionSet01">'
        + _slot("submissionTime", "20261120083100")
        + _localized("Name", "Envoi d'analyses")
        + _classification("SubmissionSet01", rim.SET_AUTHOR, "", author)
        + _classification("SubmissionSet01", rim.SET_CONTENT_TYPE, "04", content_type)
        + _external("SubmissionSet01", rim.SET_UNIQUE_ID, "1.2.250.1.999.8.1")
        + _external("SubmissionSet01", rim.SET_SOURCE_ID, "1.2.250.1.999.8")
        + _external("SubmissionSet01", rim.SET_PATIENT_ID, patient_id)
        + "</rim:RegistryPackage>"
        f'<rim:Classification id="{_uuid()}" classifiedObject="SubmissionSet01"'
        f' classificationNode="{rim.SUBMISSION_SET}"/>'
    )


def _slot(name: str, *values: str) -> str:
    listed = "".join(f"<rim:Value>{escape(value)}</rim:Value>" for value in values)
    return f'<rim:Slot name="{name}"><rim:ValueList>{listed}</rim:ValueList></rim:Slot>'


def _localized(name: str, value: str) -> str:
    return f"<rim:{name}><rim:LocalizedString value={quoteattr(value)}/></rim:{name}>"


def _classification(object_id: str, scheme: str, code: str, inner: str) -> str:
    return (
        f'<rim:Classification id="{_uuid()}" classificationScheme="{scheme}"'
        f' classifiedObject="{object_id}" nodeRepresentation={quoteattr(code)}>'
        f"{inner}</rim:Classification>"
    )


def _external(object_id: str, scheme: str, value: str) -> str:
    return (
        f'<rim:ExternalIdentifier id="{_uuid()}" registryObject="{object_id}"'
        f' identificationScheme="{scheme}" value={quoteattr(value)}/>'
    )


def _association(kind: str, source: str, target: str) -> str:
    prefix = "urn:oasis:names:tc:ebxml-regrep:AssociationType:"
    if kind == "RPLC":
        prefix = "urn:ihe:iti:2007:AssociationType:"
    return (
        f'<rim:Association id="{_uuid()}" associationType="{prefix}{kind}"'
        f' sourceObject="{source}" targetObject={quoteattr(target)}/>'
    )


def _update(target: str, status: str) -> str:
    return (
        f'<rim:Association id="{_uuid()}" sourceObject="SubmissionSet01"'
        ' associationType="urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus"'
        f" targetObject={quoteattr(target)}>"
        + _slot("OriginalStatus", "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved")
        + _slot("NewStatus", status)
        + "</rim:Association>"
    )


def _uuid() -> str:
    return f"urn:uuid:{uuid.uuid4()}"
