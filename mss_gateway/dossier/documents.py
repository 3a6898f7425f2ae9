"""A document of a patient's record, as a value: what it is, whose, and where it came from."""

import json
import secrets
import tomllib
from dataclasses import asdict, dataclass, replace
from enum import Enum, IntFlag
from functools import cache
from importlib.resources import files
from typing import Any, Final, NewType

from mss_gateway.dossier.rim import Coded
from mss_gateway.message.words import display_safe

DocumentId = NewType("DocumentId", str)
"""128 random bits in hexadecimal: says nothing, cannot be guessed."""

MAX_TITLE: Final = 150


class Category(Enum):
    """The sections of a record, under the codes of a patient's own deposits (JDV_J07)."""

    SYNTHESIS = "DOCPAT01"
    TREATMENT = "DOCPAT02"
    REPORT = "DOCPAT03"
    IMAGING = "DOCPAT04"
    BIOLOGY = "DOCPAT05"
    PREVENTION = "DOCPAT06"
    CERTIFICATE = "DOCPAT07"
    PROFILE = "DOCPAT08"
    ADMINISTRATIVE = "DOCPAT09"

    @property
    def label(self) -> str:
        """The section's name, in French."""
        return _table().categories[self]


class State(Enum):
    """A document is added, then perhaps replaced by a newer version or taken back."""

    CURRENT = "current"
    SUPERSEDED = "superseded"
    """A newer version of it stands."""
    DEPRECATED = "deprecated"
    """Its author says that it holds no more, and sent nothing in its place."""
    WITHDRAWN = "withdrawn"
    """Its author asked for it to be deleted."""


class Way(Enum):
    """How a document came into the record."""

    MESSAGE = "message"
    """By itself, from the archive in a message."""
    SAVED = "saved"
    """From a message, by the patient's click or rule."""
    DEPOSITED = "deposited"
    """From the patient's own device."""
    IMPORTED = "imported"
    """From a folder that the operator brought in."""


class Hidden(IntFlag):
    """From whom the author of a document keeps it (CI-SIS JDV_J08), as bits of a column."""

    PATIENT = 1
    REPRESENTATIVES = 2


_HIDING: Final = {
    "INVISIBLE_PATIENT": Hidden.PATIENT,
    "INVISIBLE_REPRESENTANTS_LEGAUX": Hidden.REPRESENTATIVES,
}


def hidden_from(confidentiality: tuple[str, ...]) -> Hidden:
    """Who may not be shown a document with these confidentiality codes."""
    found = Hidden(0)
    for code in confidentiality:
        found |= _HIDING.get(code, Hidden(0))
    return found


@dataclass(frozen=True, slots=True)
class DocumentType:
    """One row of the shipped table ``types.toml``."""

    code: str
    system: str  # OID
    label: str
    category: Category


@dataclass(frozen=True, slots=True)
class _Types:
    categories: dict[Category, str]
    types: dict[str, DocumentType]


@cache
def _table() -> _Types:
    read = tomllib.loads((files(__package__) / "types.toml").read_text(encoding="utf-8"))
    return _Types(
        {Category(code): label for code, label in read["categories"].items()},
        {
            code: DocumentType(
                code, read["systems"][row["system"]], row["label"], Category(row["category"])
            )
            for code, row in read["types"].items()
        },
    )


def known_types() -> dict[str, DocumentType]:
    """Every type of the table, by code."""
    return dict(_table().types)


def type_of(coded: Coded) -> DocumentType:
    """The type of a code; one that is not in the table keeps its own label, among the reports."""
    known = _table().types.get(coded.code)
    if known is not None:
        return known
    return DocumentType(coded.code, coded.system, coded.display or coded.code, Category.REPORT)


def type_for(category: Category) -> DocumentType:
    """The type of a plain attachment that the patient files under ``category``."""
    return _table().types[category.value]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a document came from: the message, the place in it, and who signed it.

    ``part`` is the part's section in the message (``2``, ``2.1``), ``entry`` the path inside the
    archive found there, or "". ``signature`` is the word of the verification at reception.
    """

    message_ref: str
    part: str
    entry: str
    signer_name: str
    signer_address: str
    signature: str
    received_at: int  # unix seconds


@dataclass(frozen=True, slots=True)
class Document:
    """What the catalogue keeps of a document beside its bytes. All of it is sealed at rest."""

    document_id: DocumentId
    account_id: int
    digest: str  # SHA-256 of the bytes as received, hexadecimal
    size: int
    media_type: str  # sniffed, never claimed
    cda_level: str  # "", "N1" or "N3"
    type: DocumentType
    title: str
    author: str
    organisation: str
    document_date: int | None  # unix seconds
    unique_id: str
    set_id: str
    version: str
    replaces: tuple[str, ...]  # unique ids and entry UUIDs
    keepers: tuple[str, ...]  # organisations that may replace it
    confidentiality: tuple[str, ...]
    provenance: Provenance
    filed_at: int
    entry_uuid: str = ""
    """Of METADATA.XML, ``urn:uuid:…``; each version has its own (domain.md DOC-12)."""
    logical_id: str = ""
    """Of METADATA.XML: what stays the same through all versions."""
    writers: tuple[str, ...] = ()
    """Persons who wrote it, as ``keepers``."""
    is_critical: bool = False
    """It holds a result that its laboratory marks AA, HH or LL (domain.md DOC-27)."""
    state: State = State.CURRENT
    way: Way = Way.MESSAGE
    is_masked: bool = False
    """The patient keeps it from professionals."""
    revision: int = 0
    """How often the patient has changed its title, date or category."""
    replaced_by: str | None = None
    """The newer version that stands in its place."""

    @property
    def category(self) -> Category:
        """The section it is shown under."""
        return self.type.category

    @property
    def hidden_from(self) -> Hidden:
        """From whom its author keeps it."""
        return hidden_from(self.confidentiality)

    @property
    def is_patients_own(self) -> bool:
        """The patient put it there: they may take it out again."""
        return self.way in (Way.SAVED, Way.DEPOSITED)

    @property
    def is_editable(self) -> bool:
        """Title, date and category are the patient's; a CDA says itself what it is."""
        return self.is_patients_own and not self.cda_level


@dataclass(frozen=True, slots=True)
class Edits:
    """What the patient says of a document of their own, in place of what was said first."""

    title: str
    document_date: int | None  # unix seconds
    category: Category


COLUMNS_APART: Final = ("state", "way", "is_masked", "revision", "replaced_by")
"""Fields of a document that are columns, because they change."""


def new_document_id() -> DocumentId:
    """A fresh id."""
    return DocumentId(secrets.token_hex(16))


def to_json(document: Document) -> bytes:
    """The document as sealed at rest, without what are columns."""
    fields = asdict(document)
    fields["type"]["category"] = document.type.category.value
    for name in COLUMNS_APART:
        del fields[name]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def from_json(content: bytes) -> Document:
    """The document that :func:`to_json` wrote, current and unchanged."""
    fields: dict[str, Any] = json.loads(content)
    kind = fields.pop("type")
    provenance = fields.pop("provenance")
    for name in ("replaces", "keepers", "confidentiality", "writers"):
        fields[name] = tuple(fields.get(name, ()))
    return Document(
        type=DocumentType(**{**kind, "category": Category(kind["category"])}),
        provenance=Provenance(**provenance),
        **fields,
    )


def edits_to_json(edits: Edits) -> bytes:
    """The patient's words as sealed at rest."""
    fields = asdict(edits) | {"category": edits.category.value}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def edited(document: Document, content: bytes) -> Document:
    """The document with the patient's words of :func:`edits_to_json` in place of the first."""
    fields: dict[str, Any] = json.loads(content)
    return replace(
        document,
        title=fields["title"],
        document_date=fields["document_date"],
        type=type_for(Category(fields["category"])),
    )


def display_title(name: str) -> str:
    """A title made safe to show: no control or direction character, 150 characters at most."""
    return display_safe(name, MAX_TITLE) or "Document"


def title_of_file(name: str) -> str:
    """The title of a file with this claimed name: no path (threat T44), no extension."""
    last = name.replace("\\", "/").rpartition("/")[2]
    stem, _, extension = last.rpartition(".")
    has_extension = stem and 1 <= len(extension) <= 4 and extension.isalnum()
    return display_title(stem if has_extension else last)
