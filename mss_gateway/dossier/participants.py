"""The people and organisations of a CDA header: the patient, who wrote, who answers for it."""

from dataclasses import dataclass
from typing import Final

from lxml import etree

from mss_gateway.dossier.hl7 import V3, child, coded, identifiers_of, person_name, text_of
from mss_gateway.dossier.identity import Identifier
from mss_gateway.dossier.rim import UNCODED, Coded

NATIONAL_PEOPLE: Final = "1.2.250.1.71.4.2.1"
"""Professionals and devices (domain.md OP-19)."""

NATIONAL_STRUCTURES: Final = "1.2.250.1.71.4.2.2"


@dataclass(frozen=True, slots=True)
class Author:
    """One author: the person, else the organisation, else the device that wrote for it.

    ``family`` and ``given`` are those of a person; ``ids`` name the person or the device.
    """

    display: str
    organisation: str = ""
    organisation_ids: tuple[Identifier, ...] = ()
    specialty: Coded = UNCODED
    ids: tuple[Identifier, ...] = ()
    family: str = ""
    given: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """The person a document is about, with the four traits of a qualified identity."""

    identifiers: tuple[Identifier, ...]
    birth_name: str = ""
    used_name: str = ""
    first_given: str = ""
    givens: str = ""
    birth_date: str = ""  # AAAAMMJJ
    sex: str = ""  # M, F, UN

    def ins(self, oids: frozenset[str]) -> tuple[Identifier, ...]:
        """The identifiers issued under one of ``oids``."""
        return tuple(one for one in self.identifiers if one.root in oids)

    @property
    def has_traits(self) -> bool:
        """Whether birth name, first given name, birth date and sex are all there (CIT-19)."""
        return all((self.birth_name, self.first_given, self.birth_date, self.sex))

    @property
    def display(self) -> str:
        """« DOMINIQUE PAT-TROIS »: given name, then the name in use, else that of birth."""
        given = self.first_given or self.givens
        return f"{given} {self.used_name or self.birth_name}".strip()


def read_patient(role: etree._Element) -> Patient:
    """The patient of a ``patientRole``."""
    person = child(role, "patient")
    if person is None:
        return Patient(identifiers_of(role))
    families = [part for part in person.findall(f"{V3}name/{V3}family") if text_of(part)]
    givens = [part for part in person.findall(f"{V3}name/{V3}given") if text_of(part)]
    birth = child(person, "birthTime")
    return Patient(
        identifiers=identifiers_of(role),
        birth_name=_qualified(families, "BR"),
        used_name=_qualified(families, "CL") or _qualified(families, ""),
        first_given=_qualified(givens, "BR"),
        givens=_qualified(givens, ""),
        birth_date=birth.get("value", "")[:8] if birth is not None else "",
        sex=coded(child(person, "administrativeGenderCode")).code,
    )


def read_author(author: etree._Element) -> Author | None:
    """The author of an ``author`` element; None of one without ``assignedAuthor``."""
    assigned = child(author, "assignedAuthor")
    if assigned is None:
        return None
    function = coded(child(author, "functionCode"))
    return _assigned(assigned, function.display or function.code)


def read_authenticator(element: etree._Element | None) -> Author | None:
    """Who answers for a document (``legalAuthenticator``), or another ``assignedEntity``."""
    assigned = child(element, "assignedEntity") if element is not None else None
    return _assigned(assigned, "") if assigned is not None else None


def _assigned(assigned: etree._Element, role: str) -> Author:
    organisation = child(assigned, "representedOrganization")
    name = text_of(child(organisation, "name")) if organisation is not None else ""
    person = child(assigned, "assignedPerson/name")
    display = (person_name(person) if person is not None else "") or name or _device(assigned)
    return Author(
        display,
        name,
        identifiers_of(organisation),
        coded(child(assigned, "code")),
        identifiers_of(assigned),
        text_of(child(person, "family")) if person is not None else "",
        text_of(child(person, "given")) if person is not None else "",
        role,
    )


def _device(assigned: etree._Element) -> str:
    names = (
        text_of(child(assigned, f"assignedAuthoringDevice/{part}"))
        for part in ("softwareName", "manufacturerModelName")
    )
    return next((name for name in names if name.strip(". ")), "")


def _qualified(parts: list[etree._Element], qualifier: str) -> str:
    """The first name part that bears ``qualifier``; with "", the first that bears none."""
    for part in parts:
        borne = part.get("qualifier", "").split()
        if (qualifier in borne) if qualifier else not borne:
            return text_of(part)
    return ""
