"""Whose document: the national health identity (INS) as metadata and CDA headers write it."""

import re
from dataclasses import dataclass
from typing import Final

PRODUCTION_OIDS: Final = frozenset({"1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9"})
"""INS-NIR and INS-NIA."""

TEST_OIDS: Final = frozenset({"1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11"})
"""The same two for tests and demonstrations: never accepted in production (domain.md DOC-18)."""

_KEYLESS: Final = 13
_MATRICULE = re.compile(r"\A[0-9]{5}[0-9AB][0-9AB][0-9]{6}(?:[0-9]{2})?\Z")


def accepted_oids(*, accept_test_ins: bool) -> frozenset[str]:
    """The OIDs under which an identifier counts as an INS here."""
    return PRODUCTION_OIDS | TEST_OIDS if accept_test_ins else PRODUCTION_OIDS


@dataclass(frozen=True, slots=True)
class Identifier:
    """An identifier within the domain that issued it (HL7 II, HL7 v2 CX)."""

    value: str
    root: str


def parse_cx(text: str) -> Identifier | None:
    """The identifier of an HL7 v2 CX: ``279035121518989^^^&1.2.250.1.213.1.4.8&ISO^NH``.

    IHE ITI TF-3 §4.2.3.1.7: only components 1 and 4 are used; None when either is missing.
    """
    components = text.split("^")
    if len(components) < 4:
        return None
    authority = components[3].split("&")
    value, root = components[0].strip(), authority[1].strip() if len(authority) > 1 else ""
    return Identifier(value, root) if value and root else None


def normal_ins(text: str) -> str:
    """Matricule in one form: no blanks, Corsican letters upper-case; "" when it is not one.

    Thirteen characters, or fifteen with the key.
    """
    compact = re.sub(r"[\s.]", "", text).upper()
    return compact if _MATRICULE.match(compact) else ""


def same_ins(one: str, other: str) -> bool:
    """Whether two matricules name the same person; keys are compared when both have one."""
    left, right = normal_ins(one), normal_ins(other)
    if not left or not right:
        return False
    if len(left) != len(right):
        return left[:_KEYLESS] == right[:_KEYLESS]
    return left == right
