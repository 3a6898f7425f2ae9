"""A patient's space with something of everything in it, and what a copy of it holds."""

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

from mss_gateway.directory.people import Person
from mss_gateway.dossier import exports, sealed_file
from mss_gateway.dossier.documents import Category
from mss_gateway.dossier.exports import Export
from mss_gateway.dossier.filing import PlainFile
from mss_gateway.life import export, record
from mss_gateway.life.exporter import Exporter
from mss_gateway.message.build import OutgoingFile
from tests.support.site import Site
from tests.support.webmail import pdf, photo
from tests.support.xdm import CdaText, Subject, archive_of, cda_document


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy unpacked: its entries by name."""

    entries: dict[str, bytes]

    @property
    def space(self) -> dict[str, Any]:
        """``espace.json``."""
        read: dict[str, Any] = json.loads(self.entries["espace.json"])
        return read

    def below(self, folder: str) -> list[bytes]:
        """What is in a folder, in the order of the archive."""
        return [held for name, held in self.entries.items() if name.startswith(folder + "/")]


def deposit(site: Site, patient: Person, name: str, content: bytes) -> str:
    """Put a file of the patient's own into their record; the document's id."""
    (outcome,) = record.deposit(
        site.gateway, patient, [PlainFile(content, name, Category.REPORT, 1_700_000_000)]
    )
    return outcome.document_id


def fill(site: Site, patient: Person) -> list[bytes]:
    """Two documents of the patient's own, one of a professional's; their bytes, in this order."""
    deposit(site, patient, "Ordonnance d'été", pdf())
    deposit(site, patient, "Radio du poignet", photo())
    cda = cda_document(CdaText(subject=subject_of(patient)))
    send_archive(site, patient, archive_of(cda))
    return [pdf(), photo(), cda]


def send_archive(site: Site, patient: Person, archive: bytes) -> str:
    """Dr Martin sends an archive."""
    file = OutgoingFile("IHE_XDM.ZIP", "application/zip", archive)
    raw = site.written(site.claire, patient, "XDM/1.0/DDM+Bilan", files=(file,))
    return site.deliver(site.claire, patient, raw)


def subject_of(patient: Person) -> Subject:
    """The patient as a document names them."""
    traits = patient.traits
    return Subject(
        ins=traits.ins,
        birth_name=traits.family_name,
        given=traits.given_name,
        birth_date=traits.birth_date.replace("-", ""),
        sex=traits.sex,
    )


def make(site: Site, patient: Person) -> Export:
    """Ask for a copy, and have it made; what became of it."""
    export.ask(site.gateway, patient)
    Exporter(site.gateway).run_once()
    found = export.of_patient(site.gateway, patient)
    assert found is not None
    return found


def opened(site: Site, made: Export) -> bytes:
    """The octets of a copy, by its key."""
    with site.gateway.database.read() as view:
        key = exports.key_of(view, made)
    assert key is not None
    path, name = export.whole(site.gateway, made), bytes.fromhex(made.export_id)
    return b"".join(sealed_file.frames(path, name, key, made.octets))


def unpacked(content: bytes) -> Copy:
    """The entries of an archive, every digest compared."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        entries = {name: archive.read(name) for name in archive.namelist()}
    lines = entries["empreintes.sha256"].decode().splitlines()
    told = {line[66:]: line[:64] for line in lines}
    assert told == {
        name: hashlib.sha256(held).hexdigest()
        for name, held in entries.items()
        if name != "empreintes.sha256"
    }
    return Copy(entries)
