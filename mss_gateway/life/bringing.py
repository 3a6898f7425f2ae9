"""Bringing files of a former record in: one file, one commit, and the same file never twice.

What a file is about is judged as in a message, but for one thing: a document that its author hides
from the patient is taken, and stays hidden. No notice is sent and no rule of mail applies.
"""

from dataclasses import dataclass
from typing import Final

from mailbox_store.database import Transaction, View
from mss_gateway.directory.people import Person
from mss_gateway.dossier import cda, examination, filing, succession, xdm
from mss_gateway.dossier.documents import Way
from mss_gateway.dossier.errors import (
    CdaUnreadable,
    ImportCode,
    XdmHashMismatch,
    XdmUnreadable,
)
from mss_gateway.dossier.examination import ExaminationSettings, Finding
from mss_gateway.dossier.filing import Origin
from mss_gateway.dossier.identity import accepted_oids
from mss_gateway.dossier.journal import Doer, Side
from mss_gateway.dossier.sealed import blind, digest_of
from mss_gateway.dossier.succession import Prepared
from mss_gateway.failures import Failure
from mss_gateway.life import proposals, record_notes
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.sniff import sniff

_CAUSES: Final = {
    ImportCode.WRONG_VERSION: "what it replaces or takes back is not here, or stands no more",
    ImportCode.AUTHOR_NOT_ALLOWED: "what it replaces or takes back is another organisation's",
}


@dataclass(frozen=True, slots=True)
class Brought:
    """A file that is in the record: documents that are new, and that were there already.

    ``is_earlier``: another run had brought it.
    """

    filed: int
    there: int
    is_earlier: bool = False


@dataclass(frozen=True, slots=True)
class NotBrought:
    """A file that is not in the record, with the code of domain.md DOC-23 and why."""

    code: ImportCode
    cause: str


is_archive = examination.is_archive


def takes(gateway: Gateway, content: bytes) -> bool:
    """Whether a file that is no archive is of a type that a record holds."""
    return sniff(content) in gateway.config.dossier.deposit_types


def patient_named(content: bytes, settings: ExaminationSettings) -> frozenset[str]:
    """The matricules that a file gives its patient; none for what is neither archive nor CDA."""
    oids = accepted_oids(accept_test_ins=settings.accept_test_ins)
    try:
        if is_archive("", content):
            return examination.archive_patient_ins(xdm.examine(content, settings.limits), oids)
        header = cda.header_if_cda(content)
    except (XdmUnreadable, XdmHashMismatch, CdaUnreadable):
        return frozenset()
    return frozenset() if header is None else frozenset(i.value for i in header.patient.ins(oids))


def bring(
    gateway: Gateway, patient: Person, name: str, content: bytes, settings: ExaminationSettings
) -> Brought | NotBrought:
    """File what one file holds; the same file brought again adds nothing and says what it was."""
    account_id = patient.account_id
    with gateway.database.read() as view:
        file_index = blind(view, account_id, "import", digest_of(content))
        earlier = _earlier(view, file_index)
    if earlier is not None:
        return earlier
    finding = _objection(patient, name, content, settings)
    if finding is not None:
        return NotBrought(finding.code, finding.cause)
    made = _made(gateway, patient, name, content, settings)
    by = Doer("operator", gateway.config.site.operator, Side.OTHERS)

    def unit(tx: Transaction) -> Brought | NotBrought:
        done = _earlier(tx, file_index)  # another run, at the same time
        if done is not None:
            return done
        planned = succession.plan(tx, made)
        if isinstance(planned, ImportCode):
            record_notes.note_refusal(tx, by, patient, planned, "")
            return NotBrought(planned, _CAUSES.get(planned, "not to be filed"))
        carried = succession.carry_out(tx, made, planned)
        for updated in carried.updated:
            record_notes.note_update(tx, by, updated, "")
        filed = len(record_notes.note_filings(tx, by, carried.done))
        there = len(carried.done) - filed
        tx.sql(
            "INSERT INTO record_imports (file_index, account_id, at, filed, there)"
            " VALUES (?, ?, ?, ?, ?)",
            (file_index, account_id, tx.now, filed, there),
        )
        return Brought(filed, there)

    return gateway.database.write(unit)


def judge(
    patient: Person, name: str, content: bytes, settings: ExaminationSettings
) -> Brought | NotBrought:
    """What :func:`bring` would say, as far as the file alone decides it."""
    finding = _objection(patient, name, content, settings)
    if finding is not None:
        return NotBrought(finding.code, finding.cause)
    if is_archive(name, content):
        return Brought(len(xdm.examine(content, settings.limits).documents), 0)
    return Brought(1, 0)


def _earlier(view: View, file_index: bytes) -> Brought | None:
    row = view.sql(
        "SELECT filed, there FROM record_imports WHERE file_index = ?", (file_index,)
    ).first()
    return None if row is None else Brought(row[0], row[1], is_earlier=True)


def _objection(
    patient: Person, name: str, content: bytes, settings: ExaminationSettings
) -> Finding | None:
    owner = frozenset({patient.address.partition("@")[0].upper()})
    for finding in examination.examine_attachment(name, content, owner, settings):
        if finding.failure is not Failure.XDM_HIDDEN_FROM_PATIENT:
            return finding
    return None


def _made(
    gateway: Gateway, patient: Person, name: str, content: bytes, settings: ExaminationSettings
) -> Prepared:
    now, account_id = int(gateway.clock()), patient.account_id
    origin = Origin(gateway.new_ref(), "", gateway.config.site.operator, "", "", now)
    if is_archive(name, content):
        archive = xdm.examine(content, settings.limits)
        with gateway.database.read() as view:
            return filing.prepare_archive(view, account_id, archive, origin, now, Way.IMPORTED)
    file = proposals.described(gateway, name, content, None)
    with gateway.database.read() as view:
        made = filing.prepare_file(view, account_id, file, origin, now, Way.IMPORTED)
    return Prepared(account_id, (made,))
