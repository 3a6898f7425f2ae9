"""The record of an export as IHE XDM archives: what other health software reads (domain DOC-11).

Several, where one would be more than a reader takes at once. Documents keep their own identifiers;
which replaces which is said where both are in the same archive.
"""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import IO

from mss_gateway.directory.people import Person
from mss_gateway.dossier import cda, describing, xdm_writing
from mss_gateway.dossier.describing import FileFacts, Owner
from mss_gateway.dossier.documents import Document, State
from mss_gateway.dossier.errors import CdaUnreadable
from mss_gateway.dossier.identity import Identifier
from mss_gateway.dossier.participants import Patient
from mss_gateway.dossier.rim import DocumentEntry
from mss_gateway.dossier.xdm_writing import ArchiveEntry
from mss_gateway.message.sniff import CDA

Found = tuple[Document, bytes]

_CDA_TYPE = "text/xml"


def owner_of(patient: Person) -> Owner | None:
    """Whose record it is; None without an INS: then nothing can say it (domain CIT-19)."""
    traits = patient.traits
    if not (traits.ins and traits.ins_oid):
        return None
    ins = Identifier(traits.ins, traits.ins_oid)
    return Owner(
        ins,
        Patient(
            (ins,),
            birth_name=traits.family_name,
            first_given=traits.given_name,
            birth_date=traits.birth_date.replace("-", ""),
            sex=traits.sex,
        ),
    )


def paths(count: int) -> Iterator[str]:
    """Where so many archives are put: each has the name that IHE gives it."""
    for number in range(1, count + 1):
        folder = "xdm" if count == 1 else f"xdm/{number:03}"
        yield f"{folder}/IHE_XDM.ZIP"


def write(
    target: IO[bytes],
    found: Iterable[Found],
    owner: Owner,
    title: str,
    moment: datetime,
    hostname: str,
) -> None:
    """One archive of these documents, read one after the other; there must be one at least."""
    source = describing.oid_of(uuid.uuid5(uuid.NAMESPACE_DNS, hostname))
    said = describing.describe_set(owner, title, moment, source)
    xdm_writing.write_archive(target, _entries(found, owner), said)


def first_and_rest(found: Iterator[Found]) -> Iterator[Found] | None:
    """The same again when there is anything, else None."""
    first = next(found, None)
    return None if first is None else chain((first,), found)


def _entries(found: Iterable[Found], owner: Owner) -> Iterator[ArchiveEntry]:
    known: dict[str, str] = {}
    for document, content in found:
        entry = _described(document, content, owner)
        replaced = tuple(known[one] for one in document.replaces if one in known)
        entry = replace(entry, replaces=tuple(dict.fromkeys(replaced)))
        for name in (document.unique_id, document.entry_uuid):
            if name:
                known[name] = entry.entry_uuid
        yield ArchiveEntry(entry, content)
        del document, content  # while the next one is read


def _described(document: Document, content: bytes, owner: Owner) -> DocumentEntry:
    is_current = document.state is State.CURRENT
    try:
        header = cda.header_if_cda(content) if document.cda_level else None
    except CdaUnreadable:
        header = None
    if header is not None:
        return describing.describe_cda(
            header,
            owner,
            is_masked=document.is_masked,
            is_current=is_current,
            confidentiality=document.confidentiality,
        )
    date = document.document_date
    filed = datetime.fromtimestamp(document.filed_at, UTC)
    facts = FileFacts(
        media_type=_CDA_TYPE if document.media_type == CDA else document.media_type,
        type=document.type,
        title=document.title,
        unique_id=document.unique_id or describing.oid_of(uuid.UUID(document.document_id)),
        created=filed if date is None else datetime.fromtimestamp(date, UTC),
        author=document.author or document.provenance.signer_name,
        organisation=document.organisation,
        version=document.version,
        confidentiality=document.confidentiality,
        is_patients=document.is_patients_own,
        is_current=is_current,
    )
    return describing.describe_file(facts, owner, is_masked=document.is_masked)
