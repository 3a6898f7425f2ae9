"""Documents described for METADATA.XML: a CDA by its header, another file by what we know of it.

Correspondence between CDA header and XDS attributes: CI-SIS, volet Partage de documents de santé;
cardinalities of domain.md DOC-11. Times are UTC, to the second (IHE ITI TF-3 §4.2.3.1.7, DTM).
"""

import tomllib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

from mss_gateway.dossier import confidentiality as secrecy
from mss_gateway.dossier import rim
from mss_gateway.dossier.cda import CdaHeader
from mss_gateway.dossier.documents import DocumentType
from mss_gateway.dossier.identity import Identifier
from mss_gateway.dossier.participants import (
    NATIONAL_PEOPLE,
    NATIONAL_STRUCTURES,
    Author,
    Patient,
)
from mss_gateway.dossier.rim import Coded, DocumentEntry, EntryAuthor, SubmissionSet

_ANY_FORMAT: Final = "urn:ihe:iti:xds:2017:mimeTypeSufficient"
_PATIENT_OWN: Final = Coded(
    "EXP_PATIENT", "1.2.250.1.213.1.1.4.6", "Expression personnelle du patient"
)
_FACILITY_UNKNOWN: Final = Coded("SA43", "1.2.250.1.71.4.2.4", "Secteur non défini")
_SETTING_UNKNOWN: Final = Coded("AMBULATOIRE", "1.2.250.1.213.1.1.4.9", "Ambulatoire")
_N3_TEMPLATE: Final = "1.2.250.1.213.1.1.1."  # of the CI-SIS, whose table comes first
_MAX_EVENTS: Final = 20


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose record it is: the qualified identity under which documents are sent."""

    ins: Identifier
    patient: Patient


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a file that is no CDA. ``is_patients``: they put it there themselves."""

    media_type: str
    type: DocumentType
    title: str
    unique_id: str
    created: datetime
    acted: datetime | None = None
    author: str = ""
    organisation: str = ""
    comments: str = ""
    version: str = ""
    confidentiality: tuple[str, ...] = ()
    is_patients: bool = False
    is_current: bool = True


def describe_cda(
    header: CdaHeader,
    owner: Owner,
    *,
    is_masked: bool = False,
    is_current: bool = True,
    confidentiality: tuple[str, ...] = (),
) -> DocumentEntry:
    """The entry of a CDA, as a right sender's software derives it from the header.

    ``is_masked``: its patient keeps it from professionals (MASQUE_PS). ``confidentiality``: what
    was said of it beside its header, when it came; the strictest word holds. ``hash``, ``size``
    and ``uri`` are the archive's to fill.
    """
    created = header.effective_time or header.service_start
    started = header.service_start or created
    answers = header.legal_authenticator or next(iter(header.authors), None)
    masks = (secrecy.MASKED_FROM_PROFESSIONALS,) if is_masked else ()
    return DocumentEntry(
        entry_uuid=f"urn:uuid:{uuid.uuid4()}",
        mime_type="text/xml",
        uri="",
        hash="",
        size=0,
        title=header.title,
        comments="",
        version=header.version,
        creation_time=dtm(created),
        service_start_time=dtm(started),
        service_stop_time=dtm(header.service_stop),
        language_code=header.language or "fr-FR",
        legal_authenticator=_xcn(answers) if answers else "",
        repository_unique_id="",
        source_patient_id=_source_id(header.patient, owner),
        source_patient_info=_pid(header.patient),
        patient_id=cx(owner.ins, "NH"),
        unique_id=header.unique_id,
        type_code=header.type,
        class_code=class_of(header.type.code),
        format_code=format_of(header),
        facility=header.facility if header.facility.code else _FACILITY_UNKNOWN,
        practice_setting=header.practice_setting
        if header.practice_setting.code
        else _SETTING_UNKNOWN,
        confidentiality=_coded(
            (*confidentiality, *(one.code for one in header.confidentiality)), masks
        ),
        events=tuple(dict.fromkeys(header.events))[:_MAX_EVENTS],
        authors=tuple(_entry_author(one) for one in header.authors),
        replaces=(),
        logical_id=_logical_id(header.set_id or header.unique_id),
        availability=rim.APPROVED if is_current else rim.DEPRECATED,
    )


def describe_file(facts: FileFacts, owner: Owner, *, is_masked: bool = False) -> DocumentEntry:
    """The entry of a file that cannot describe itself: its metadata are all there is.

    The author of what the patient deposited is the patient (domain.md DOC-11).
    """
    masks = (secrecy.MASKED_FROM_PROFESSIONALS,) if is_masked else ()
    person = _patient_xcn(owner) if facts.is_patients else _unnumbered(facts.author)
    setting = _PATIENT_OWN if facts.is_patients else _SETTING_UNKNOWN
    return DocumentEntry(
        entry_uuid=f"urn:uuid:{uuid.uuid4()}",
        mime_type=facts.media_type,
        uri="",
        hash="",
        size=0,
        title=facts.title,
        comments=facts.comments,
        version=facts.version,
        creation_time=dtm(facts.created),
        service_start_time=dtm(facts.acted or facts.created),
        service_stop_time="",
        language_code="fr-FR",
        legal_authenticator=person,
        repository_unique_id="",
        source_patient_id=cx(owner.ins, "NH"),
        source_patient_info=_pid(owner.patient),
        patient_id=cx(owner.ins, "NH"),
        unique_id=facts.unique_id,
        type_code=Coded(facts.type.code, facts.type.system, facts.type.label),
        class_code=class_of(facts.type.code, facts.type.category.value),
        format_code=_any_format(),
        facility=_PATIENT_OWN if facts.is_patients else _FACILITY_UNKNOWN,
        practice_setting=setting,
        confidentiality=_coded(facts.confidentiality, masks),
        events=(),
        authors=(EntryAuthor(person, (facts.organisation,) if facts.organisation else (), "", ""),),
        replaces=(),
        logical_id=_logical_id(facts.unique_id),
        availability=rim.APPROVED if facts.is_current else rim.DEPRECATED,
    )


def describe_set(owner: Owner, title: str, moment: datetime, source_id: str) -> SubmissionSet:
    """The submission set of a patient's export: they are its author. ``source_id`` is an OID."""
    return SubmissionSet(
        unique_id=oid_of(uuid.uuid4()),
        source_id=source_id,
        patient_id=cx(owner.ins, "NH"),
        submission_time=dtm(moment),
        title=title,
        comments="",
        content_type=_PATIENT_OWN,
        authors=(EntryAuthor(_patient_xcn(owner)),),
        intended_recipients=(),
    )


def class_of(type_code: str, category: str = "") -> Coded:
    """The class that goes with a type (DOC-13), else with the category it is shown under."""
    table = _table()
    row = table["types"].get(type_code, {})
    code = row.get("class") or table["types"].get(category or row.get("category"), {}).get("class")
    code = code or "10"
    return Coded(code, table["systems"]["TRE_A03"], table["classes"][code])


def format_of(header: CdaHeader) -> Coded:
    """The format of a CDA (DOC-16): by the model of an N3, by the body of an N1."""
    table = _table()
    if header.level == "N1":
        wanted = [header.body.media_type] if header.body is not None else []
    else:
        wanted = sorted(header.templates, key=lambda one: not one.startswith(_N3_TEMPLATE))
    for one in wanted:
        for system, formats in table["formats"].items():
            if one in formats:
                return Coded(formats[one], table["systems"][system], formats[one])
    return _any_format()


def cx(identifier: Identifier, kind: str) -> str:
    """An HL7 v2 CX (DOC-10): ``279035121518989^^^&1.2.250.1.213.1.4.8&ISO^NH``."""
    return f"{_plain(identifier.value)}^^^&{identifier.root}&ISO^{kind}"


def dtm(moment: datetime | None) -> str:
    """UTC to the second, "" of nothing."""
    return f"{moment.astimezone(UTC):%Y%m%d%H%M%S}" if moment is not None else ""


def oid_of(number: uuid.UUID) -> str:
    """The OID of a UUID (ITU-T X.667): unique without asking anybody for a branch."""
    return f"2.25.{number.int}"


def _any_format() -> Coded:
    return Coded(_ANY_FORMAT, _table()["systems"]["TRE_A11"], "Type MIME suffisant")


def _logical_id(lineage: str) -> str:
    """The same for every version of a document, on every writing (domain.md DOC-12)."""
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, lineage)}"


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "types.toml").read_text(encoding="utf-8"))


def _coded(said: Iterable[str], masks: tuple[str, ...]) -> tuple[Coded, ...]:
    return tuple(
        Coded(
            code,
            secrecy.LEVEL_SYSTEM if code in secrecy.LEVELS else secrecy.FLAG_SYSTEM,
            secrecy.LABELS[code],
        )
        for code in secrecy.combined(said, masks)
    )


def _entry_author(author: Author) -> EntryAuthor:
    specialty = author.specialty
    said = (specialty.code, specialty.display, specialty.system)
    return EntryAuthor(
        _xcn(author),
        (_xon(author),) if author.organisation else (),
        author.role,
        "^".join(map(_plain, said)) if specialty.code else "",
    )


def _xcn(author: Author) -> str:
    """Id, family, given, assigning authority: HL7 v2 XCN as the CI-SIS fills it."""
    wanted = [one for one in author.ids if one.root == NATIONAL_PEOPLE] or list(author.ids)
    one = wanted[0] if wanted else Identifier("", "")
    family = author.family or author.display
    authority = f"&{one.root}&ISO" if one.root else ""
    kind = "IDNPS" if one.root == NATIONAL_PEOPLE else ""
    use = "D" if author.family else "U"
    return (
        f"{_plain(one.value)}^{_plain(family)}^{_plain(author.given)}^^^^^^{authority}"
        f"^{use}^^^{kind}"
    ).rstrip("^")


def _xon(author: Author) -> str:
    wanted = [one for one in author.organisation_ids if one.root == NATIONAL_STRUCTURES]
    name = _plain(author.organisation)
    if not wanted:
        return name
    return f"{name}^^^^^&{NATIONAL_STRUCTURES}&ISO^IDNST^^^{_plain(wanted[0].value)}"


def _unnumbered(name: str) -> str:
    return f"^{_plain(name)}" if name else ""


def _patient_xcn(owner: Owner) -> str:
    patient = owner.patient
    names = f"{_plain(patient.birth_name)}^{_plain(patient.first_given)}"
    return f"{_plain(owner.ins.value)}^{names}^^^^^^&{owner.ins.root}&ISO^D^^^NH"


def _source_id(patient: Patient, owner: Owner) -> str:
    """The patient as the author's own software knows them, else by the INS."""
    local = (one for one in patient.identifiers if not one.root.startswith("1.2.250.1.213.1.4."))
    found = next((one for one in local if one.value), None)
    return cx(found, "PI") if found is not None else cx(owner.ins, "NH")


def _pid(patient: Patient) -> tuple[str, ...]:
    """PID-5 name of birth, PID-7 birth date, PID-8 sex."""
    said = [f"PID-5|{_plain(patient.birth_name)}^{_plain(patient.first_given)}^^^^^L"]
    if patient.used_name and patient.used_name != patient.birth_name:
        said.append(f"PID-5|{_plain(patient.used_name)}^{_plain(patient.first_given)}^^^^^D")
    said += [f"PID-7|{patient.birth_date}", f"PID-8|{patient.sex}"]
    return tuple(one for one in said if not one.endswith("|"))


def _plain(text: str) -> str:
    """Without the signs that divide an HL7 v2 field."""
    return " ".join(text.translate(_DIVIDERS).split())


_DIVIDERS: Final = str.maketrans(dict.fromkeys("^&~|\\", " "))
