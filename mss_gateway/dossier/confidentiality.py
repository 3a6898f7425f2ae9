"""Who may not see a document, from all that is said of it: the strictest word wins.

Value set JDV_J08 (domain.md DOC-14): one of N, R, V, and up to three flags. METADATA.XML and the
CDA header may differ, and HL7 v2 writes one flag shorter.
"""

from collections.abc import Iterable
from typing import Final

NORMAL: Final = "N"
RESTRICTED: Final = "R"
VERY_RESTRICTED: Final = "V"
INVISIBLE_TO_PATIENT: Final = "INVISIBLE_PATIENT"
INVISIBLE_TO_REPRESENTATIVES: Final = "INVISIBLE_REPRESENTANTS_LEGAUX"
MASKED_FROM_PROFESSIONALS: Final = "MASQUE_PS"

LEVELS: Final = (NORMAL, RESTRICTED, VERY_RESTRICTED)
FLAGS: Final = (MASKED_FROM_PROFESSIONALS, INVISIBLE_TO_PATIENT, INVISIBLE_TO_REPRESENTATIVES)

LEVEL_SYSTEM: Final = "2.16.840.1.113883.5.25"
FLAG_SYSTEM: Final = "1.2.250.1.213.1.1.4.13"

LABELS: Final = {
    NORMAL: "Normal",
    RESTRICTED: "Restreint",
    VERY_RESTRICTED: "Très restreint",
    MASKED_FROM_PROFESSIONALS: "Masqué aux professionnels de santé",
    INVISIBLE_TO_PATIENT: "Non visible par le patient",
    INVISIBLE_TO_REPRESENTATIVES: "Non visible par les représentants légaux du patient",
}

_SPELLINGS: Final = {"INVISIBLE_REP_LEGAUX": INVISIBLE_TO_REPRESENTATIVES}  # HL7 v2, 20 characters


def combined(*groups: Iterable[str]) -> tuple[str, ...]:
    """The codes that hold for a document of which each group says something.

    The severest level (N when none is said), then the flags of any group. A code of another value
    set restricts in a way that is not known: it counts as V.
    """
    said = {_normal(code) for group in groups for code in group if code.strip()}
    unknown = said - {*LEVELS, *FLAGS}
    level = max((LEVELS.index(one) for one in said if one in LEVELS), default=0)
    if unknown:
        level = LEVELS.index(VERY_RESTRICTED)
    return (LEVELS[level], *(flag for flag in FLAGS if flag in said))


def is_hidden_from_patient(codes: Iterable[str]) -> bool:
    """Whether the patient may not be shown a document with these codes."""
    return INVISIBLE_TO_PATIENT in combined(codes)


def is_restricted(codes: Iterable[str]) -> bool:
    """Whether it should not be shared with third parties (R or V, domain.md DOC-15)."""
    return combined(codes)[0] != NORMAL


def _normal(code: str) -> str:
    upper = code.strip().upper()
    return _SPELLINGS.get(upper, upper)
