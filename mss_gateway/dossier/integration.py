"""What an application that files documents by itself would object to: codes of domain.md DOC-23.

An application box is nobody's record: an archive is judged by what it says of its own patient.
"""

from mss_gateway.dossier import cda, examination, xdm
from mss_gateway.dossier.errors import CdaUnreadable, ImportCode, XdmHashMismatch, XdmUnreadable
from mss_gateway.dossier.examination import ExaminationSettings
from mss_gateway.dossier.identity import accepted_oids, same_ins
from mss_gateway.dossier.xdm import Archive

is_archive = examination.is_archive


def objection(content: bytes, settings: ExaminationSettings) -> ImportCode | None:
    """Why an archive cannot be filed without a person; None when it can. Pure."""
    try:
        archive = xdm.examine(content, settings.limits)
    except (XdmUnreadable, XdmHashMismatch) as error:
        return error.code
    return _unreadable(archive) or _identity(archive, settings)


def _unreadable(archive: Archive) -> ImportCode | None:
    if not archive.documents and not archive.updates:
        return ImportCode.OTHER
    try:
        for document in archive.documents:
            cda.header_if_cda(document.content)
    except CdaUnreadable:
        return ImportCode.OTHER
    return None


def _identity(archive: Archive, settings: ExaminationSettings) -> ImportCode | None:
    """One patient, identified whole, in metadata and in each CDA."""
    oids = accepted_oids(accept_test_ins=settings.accept_test_ins)
    named = sorted(examination.archive_patient_ins(archive, oids))
    headers = [one for one in map(examination.header_of, archive.documents) if one is not None]
    if not named or not all(one.patient.ins(oids) for one in headers):
        return ImportCode.INS_ABSENT
    if not all(same_ins(named[0], other) for other in named[1:]):
        return ImportCode.INS_DIFFERS
    if not all(one.patient.has_traits for one in headers):
        return ImportCode.INS_INCOMPLETE
    return None
