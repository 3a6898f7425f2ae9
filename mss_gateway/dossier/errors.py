"""What can go wrong with an archive, a document or its picture, in this package's own words."""

from enum import IntEnum


class ImportCode(IntEnum):
    """Application codes of an import, as integration reports carry them.

    Volet CDA-HL7v2 of the CI-SIS (domain.md DOC-23); what no other code says is ``OTHER``.
    """

    WRONG_VERSION = 900
    AUTHOR_NOT_ALLOWED = 901
    PATIENT_UNKNOWN = 902
    INS_ABSENT = 903
    INS_DIFFERS = 904
    INS_INCOMPLETE = 905
    OTHER = 906


class DossierError(Exception):
    """Root of this package's exceptions. ``str()`` is for the log: it never quotes content."""

    code: ImportCode = ImportCode.OTHER


class XdmUnreadable(DossierError):
    """The archive is not an XDM that we accept: hostile zip, missing or malformed metadata."""


class XdmHashMismatch(DossierError):
    """A document of the archive has not the size or the SHA-1 that METADATA.XML announces."""


class XmlRefused(DossierError):
    """Bytes that are not XML we agree to parse: DOCTYPE, unknown encoding, too big, malformed."""


class CdaUnreadable(DossierError):
    """Well-formed XML that is not a CDA R2 document, or one whose header cannot be read."""


class VersionRefused(DossierError):
    """An archive would replace or take back what it may not; nothing of it is filed."""

    def __init__(self, code: ImportCode) -> None:
        super().__init__(f"version refused: {code.value}")
        self.code = code


class DocumentNotFound(DossierError):
    """No such document for this account; the same answer when it belongs to somebody else."""


class DocumentChanged(DossierError):
    """Somebody changed the document since it was read: what was asked rests on what it was."""


class RenderFailed(DossierError):
    """No picture of this document: malformed, too big, too slow, or the worker died."""
