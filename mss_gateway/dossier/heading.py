"""The head of a CDA as a person reads it: about whom, by whom, when, in place of what.

Plain values for a template, which escapes them and says their names; nothing is decided here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from mss_gateway.dossier.cda import CdaHeader, parse_cda, read_header
from mss_gateway.dossier.documents import type_of
from mss_gateway.dossier.hl7 import child, children, person_name, text_of
from mss_gateway.dossier.participants import Author, Patient

MAX_RECIPIENTS: Final = 20


@dataclass(frozen=True, slots=True)
class Signatory:
    """Somebody who wrote a document or answers for it: « Dr Claire FICTIVE », what, where."""

    name: str
    specialty: str
    organisation: str


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above the text of a document. Times are aware, or None."""

    title: str
    type: str
    patient: str
    birth_name: str  # "" where it is the name above
    birth_date: str  # JJ/MM/AAAA, or what was written
    sex: str  # M, F or ""
    created: datetime | None
    acted_from: datetime | None
    acted_until: datetime | None
    authors: tuple[Signatory, ...]
    responsible: Signatory | None
    """Who answers for it, where that is not the author."""
    custodian: str
    recipients: tuple[str, ...]
    version: str
    is_replacing: bool
    """It takes the place of an earlier version."""


def heading_of(content: bytes) -> Heading:
    """The heading of a CDA; raises CdaUnreadable."""
    header = read_header(content)
    patient = header.patient
    authors = tuple(dict.fromkeys(_signatory(one) for one in header.authors))
    responsible = _signatory(header.legal_authenticator) if header.legal_authenticator else None
    wrote = {one.name.casefold() for one in authors}
    is_author = responsible is not None and responsible.name.casefold() in wrote
    return Heading(
        title=header.title,
        type=type_of(header.type).label,
        patient=patient.display,
        birth_name="" if patient.used_name in ("", patient.birth_name) else patient.birth_name,
        birth_date=_day(patient),
        sex=patient.sex if patient.sex in ("M", "F") else "",
        created=header.effective_time,
        acted_from=header.service_start,
        acted_until=header.service_stop if _differs(header) else None,
        authors=authors,
        responsible=None if is_author else responsible,
        custodian=header.custodian,
        recipients=_recipients(parse_cda(content)),
        version=header.version,
        is_replacing=bool(header.replaces) or _is_later(header),
    )


def _signatory(author: Author) -> Signatory:
    organisation = author.organisation if author.organisation != author.display else ""
    return Signatory(author.display, author.specialty.display, organisation)


def _recipients(root: etree._Element) -> tuple[str, ...]:
    found = []
    for one in children(root, "informationRecipient/intendedRecipient")[:MAX_RECIPIENTS]:
        person = child(one, "informationRecipient/name")
        organisation = text_of(child(one, "receivedOrganization/name"))
        name = person_name(person) if person is not None else ""
        found.append(" - ".join(filter(None, (name, organisation))))
    return tuple(dict.fromkeys(filter(None, found)))


def _day(patient: Patient) -> str:
    digits = patient.birth_date
    if len(digits) == 8 and digits.isascii() and digits.isdigit():
        return f"{digits[6:]}/{digits[4:6]}/{digits[:4]}"
    return digits


def _differs(header: CdaHeader) -> bool:
    start, stop = header.service_start, header.service_stop
    return stop is not None and (start is None or start.date() != stop.date())


def _is_later(header: CdaHeader) -> bool:
    return header.version.isascii() and header.version.isdecimal() and int(header.version) > 1
