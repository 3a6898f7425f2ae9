"""What METADATA.XML says of documents, under the names of IHE: values and fixed identifiers.

IHE ITI TF-3 §4.2: attributes are slots, classifications and external identifiers of ebXML RIM 3.0,
told apart by fixed UUIDs (domain.md DOC-06 to DOC-13). ``rim_reading`` and ``rim_writing`` are the
two ways between these values and XML.
"""

from dataclasses import dataclass
from typing import Final

RIM: Final = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
LCM: Final = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"

DOCUMENT_ENTRY: Final = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
SUBMISSION_SET: Final = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
# classification schemes of a document entry
AUTHOR: Final = "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"
CLASS_CODE: Final = "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a"
TYPE_CODE: Final = "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"
CONFIDENTIALITY: Final = "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f"
FORMAT_CODE: Final = "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d"
FACILITY: Final = "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"
PRACTICE_SETTING: Final = "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead"
EVENT_CODE: Final = "urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4"
# external identifiers of a document entry, then of the submission set
PATIENT_ID: Final = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
UNIQUE_ID: Final = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
SET_PATIENT_ID: Final = "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446"
SET_UNIQUE_ID: Final = "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8"
SET_SOURCE_ID: Final = "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832"
# classifications of the submission set
SET_AUTHOR: Final = "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"
SET_CONTENT_TYPE: Final = "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500"

# associations; the first three are about documents, the fourth about their state
REPLACES: Final = "urn:ihe:iti:2007:AssociationType:RPLC"
SIGNS: Final = "urn:ihe:iti:2007:AssociationType:signs"
HAS_MEMBER: Final = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
UPDATES: Final = "urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus"

APPROVED: Final = "Approved"
DEPRECATED: Final = "Deprecated"
DELETED: Final = "Deleted"
"""Availability of a document: the last word of ``…:StatusType:…``."""

MAX_CONFIDENTIALITY: Final = 4  # domain.md DOC-11

_SIGNATURE_FORMAT: Final = "urn:ihe:iti:dsg:"
_COMPANION_TYPES: Final = frozenset({"E1762", "FEUILLE-DE-STYLE"})


@dataclass(frozen=True, slots=True)
class Coded:
    """A code of a terminology; ``system`` is its OID, ``display`` what a person reads."""

    code: str
    system: str = ""
    display: str = ""


UNCODED: Final = Coded("")


@dataclass(frozen=True, slots=True)
class EntryAuthor:
    """Who wrote: HL7 v2 XCN and XON as received, one author per classification."""

    person: str = ""
    institutions: tuple[str, ...] = ()
    role: str = ""
    specialty: str = ""


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """One XDSDocumentEntry, attributes under their IHE names; "" or () when absent."""

    entry_uuid: str
    mime_type: str
    uri: str
    hash: str  # SHA-1, lower-case hexadecimal
    size: int
    title: str
    comments: str
    version: str
    creation_time: str
    service_start_time: str
    service_stop_time: str
    language_code: str
    legal_authenticator: str
    repository_unique_id: str
    source_patient_id: str
    source_patient_info: tuple[str, ...]
    patient_id: str
    unique_id: str
    type_code: Coded
    class_code: Coded
    format_code: Coded
    facility: Coded
    practice_setting: Coded
    confidentiality: tuple[Coded, ...]
    events: tuple[Coded, ...]
    authors: tuple[EntryAuthor, ...]
    replaces: tuple[str, ...]
    """Entry UUIDs of the documents that it takes the place of."""
    logical_id: str = ""
    availability: str = APPROVED
    transforms: tuple[str, ...] = ()
    """Ids of the documents that it shows in another form: a PDF made of a CDA."""

    @property
    def is_companion(self) -> bool:
        """A signature or a stylesheet: it goes with documents and is none (domain.md DOC-28)."""
        return (
            self.format_code.code.startswith(_SIGNATURE_FORMAT)
            or self.type_code.code in _COMPANION_TYPES
        )


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """Its author asks that a document known by its entry UUID be deprecated or deleted."""

    target: str
    status: str


@dataclass(frozen=True, slots=True)
class SubmissionSet:
    """One XDSSubmissionSet."""

    unique_id: str
    source_id: str
    patient_id: str
    submission_time: str
    title: str
    comments: str
    content_type: Coded
    authors: tuple[EntryAuthor, ...]
    intended_recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Submission:
    """What one METADATA.XML says."""

    entries: tuple[DocumentEntry, ...]
    submission_set: SubmissionSet
    updates: tuple[StatusUpdate, ...] = ()
