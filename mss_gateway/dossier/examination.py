"""What is wrong with an attachment that a patient is about to receive.

Asked at message time, before 250: a message to a patient carries documents of that patient only,
none that the patient may not see, none altered on the way (domain.md CIT-16, CIT-25, DOC-03).
What cannot be read cannot be judged, and is refused.
"""

from dataclasses import dataclass

from mss_gateway.dossier import cda, confidentiality, xdm
from mss_gateway.dossier.cda import CdaHeader
from mss_gateway.dossier.errors import (
    CdaUnreadable,
    ImportCode,
    XdmHashMismatch,
    XdmUnreadable,
)
from mss_gateway.dossier.identity import accepted_oids, parse_cx, same_ins
from mss_gateway.dossier.xdm import LIMITS, Archive, ArchivedDocument, ZipLimits
from mss_gateway.failures import Failure


@dataclass(frozen=True, slots=True)
class ExaminationSettings:
    """``accept_test_ins``: the demo and test benches only."""

    accept_test_ins: bool = False
    limits: ZipLimits = LIMITS


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong: the failure told outside, the import code, the cause for the log."""

    failure: Failure
    code: ImportCode
    cause: str


def is_archive(name: str, content: bytes) -> bool:
    """Whether a file is to be read as an IHE XDM archive: by its name, or by its layout.

    Inflates nothing: of what begins as a zip, the names in its directory, 1,000 at most.
    """
    return xdm.is_xdm_name(name) or xdm.looks_like_xdm(content)


def examine_attachment(
    name: str, content: bytes, recipient_ins: frozenset[str], settings: ExaminationSettings
) -> tuple[Finding, ...]:
    """Findings about one attachment of a message to patients; () when there is nothing to say.

    An attachment is an XDM by its name or by its layout, a CDA by its root element. Every
    recipient must be the patient of every document. Pure.
    """
    if is_archive(name, content):
        try:
            archive = xdm.examine(content, settings.limits)
        except XdmHashMismatch as error:
            return (Finding(Failure.XDM_HASH_MISMATCH, error.code, str(error)),)
        except XdmUnreadable as error:
            return (Finding(Failure.XDM_UNREADABLE, error.code, str(error)),)
        return examine_archive(archive, recipient_ins, settings)
    try:
        header = cda.header_if_cda(content)
    except CdaUnreadable as error:
        return (Finding(Failure.XDM_UNREADABLE, ImportCode.OTHER, str(error)),)
    return tuple(_bare_cda(header, recipient_ins, settings)) if header is not None else ()


def examine_archive(
    archive: Archive, recipient_ins: frozenset[str], settings: ExaminationSettings
) -> tuple[Finding, ...]:
    """Findings about an archive that is sound in itself.

    One that only asks to deprecate or delete must say itself whose documents these are.
    """
    oids = accepted_oids(accept_test_ins=settings.accept_test_ins)
    findings: list[Finding] = []
    named = {one.patient_id for one in archive.submission_sets if one.patient_id}
    for patient_id in named if archive.documents else named or {""}:
        findings += _patient(_metadata_ins(patient_id, oids), recipient_ins)
    for document in archive.documents:
        findings += _document(document, recipient_ins, oids)
    return tuple(dict.fromkeys(findings))


def archive_patient_ins(archive: Archive, oids: frozenset[str]) -> frozenset[str]:
    """Every matricule that the archive gives its patient: metadata, their set, CDA headers.

    Sound when it holds one; documents whose CDA cannot be read count by their metadata only.
    """
    found: set[str] = set()
    for one in archive.submission_sets:
        found.update(_metadata_ins(one.patient_id, oids))
    for document in archive.documents:
        found.update(_metadata_ins(document.entry.patient_id, oids))
        header = header_of(document)
        if header is not None:
            found.update(one.value for one in header.patient.ins(oids))
    return frozenset(found)


def headers_of(archive: Archive) -> tuple[CdaHeader, ...]:
    """The headers of the archive's CDA, in order; what is none, or cannot be read, has none."""
    found = (header_of(document) for document in archive.documents)
    return tuple(one for one in found if one is not None)


def cda_codes(headers: tuple[CdaHeader, ...]) -> tuple[str, ...]:
    """Type codes of these CDA, each once, in order: the value of ``X-MSS-CODECDA``."""
    return tuple(dict.fromkeys(one.type.code for one in headers))


def is_ins_qualified(headers: tuple[CdaHeader, ...], oids: frozenset[str]) -> bool:
    """Whether every CDA bears an INS and the four traits: ``X-MSS-INS: O`` (CIT-19)."""
    return bool(headers) and all(
        one.patient.ins(oids) and one.patient.has_traits for one in headers
    )


def header_of(document: ArchivedDocument) -> CdaHeader | None:
    """The CDA header of an archived document; None when it is not a CDA that can be read."""
    try:
        return cda.header_if_cda(document.content)
    except CdaUnreadable:
        return None


def _document(
    document: ArchivedDocument, recipient_ins: frozenset[str], oids: frozenset[str]
) -> list[Finding]:
    findings = _patient(_metadata_ins(document.entry.patient_id, oids), recipient_ins)
    codes = {one.code for one in document.entry.confidentiality}
    try:
        header = cda.header_if_cda(document.content)
    except CdaUnreadable as error:
        cause = f"document of the archive: {error}"
        return [*findings, Finding(Failure.XDM_UNREADABLE, ImportCode.OTHER, cause)]
    if header is not None:
        findings += _patient(_header_ins(header, oids), recipient_ins)
        codes |= {one.code for one in header.confidentiality}
    return findings + _hidden(codes)


def _bare_cda(
    header: CdaHeader, recipient_ins: frozenset[str], settings: ExaminationSettings
) -> list[Finding]:
    """A CDA attached outside any archive: the same patient, if it names one, and visible."""
    oids = accepted_oids(accept_test_ins=settings.accept_test_ins)
    named = _header_ins(header, oids)
    findings = _patient(named, recipient_ins) if named else []
    return findings + _hidden({one.code for one in header.confidentiality})


def _hidden(codes: set[str]) -> list[Finding]:
    if not confidentiality.is_hidden_from_patient(codes):
        return []
    cause = "document not visible to its patient"
    return [Finding(Failure.XDM_HIDDEN_FROM_PATIENT, ImportCode.OTHER, cause)]


def _patient(named: tuple[str, ...], recipient_ins: frozenset[str]) -> list[Finding]:
    if not named:
        cause = "no INS in the document"
        return [Finding(Failure.XDM_WRONG_PATIENT, ImportCode.INS_ABSENT, cause)]
    is_theirs = all(same_ins(one, ins) for one in named for ins in recipient_ins)
    if is_theirs and recipient_ins:
        return []
    cause = "patient of the document is not the recipient"
    return [Finding(Failure.XDM_WRONG_PATIENT, ImportCode.INS_DIFFERS, cause)]


def _metadata_ins(patient_id: str, oids: frozenset[str]) -> tuple[str, ...]:
    identifier = parse_cx(patient_id)
    return (identifier.value,) if identifier is not None and identifier.root in oids else ()


def _header_ins(header: CdaHeader, oids: frozenset[str]) -> tuple[str, ...]:
    return tuple(one.value for one in header.patient.ins(oids))
