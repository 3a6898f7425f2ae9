"""Coded results of a document: laboratory values and vital signs, and which of them are alarming.

IHE PALM laboratory observations and the CI-SIS entries made of them. The narrative is what its
author attested; these entries say the same for programs, and are used for marks and alerts
(domain.md DOC-27). No figure is computed here: values are shown as they were written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from lxml import etree

from mss_gateway.dossier import quantities
from mss_gateway.dossier.cda import parse_cda
from mss_gateway.dossier.errors import CdaUnreadable
from mss_gateway.dossier.hl7 import V3, child, children, coded, text_of, time_of
from mss_gateway.dossier.rim import UNCODED, Coded
from mss_gateway.dossier.safe_xml import local_name

MAX_RESULTS: Final = 2_000
_MAX_NAME: Final = 200

_MEASURED: Final = frozenset(
    {
        "1.3.6.1.4.1.19376.1.3.1.6",  # laboratory observation (IHE PALM)
        "1.2.250.1.213.1.1.3.80",  # the same in the CI-SIS
        "1.3.6.1.4.1.19376.1.5.3.1.4.13.2",  # vital sign (IHE PCC)
        "1.2.250.1.213.1.1.3.50",
        "2.16.840.1.113883.10.20.1.31",  # result (CCD)
    }
)
_VOID: Final = frozenset({"cancelled", "nullified", "aborted"})


class Flag(Enum):
    """How its author interprets a result (HL7 ObservationInterpretation)."""

    NORMAL = "N"
    LOW = "L"
    HIGH = "H"
    ABNORMAL = "A"
    CRITICAL_LOW = "LL"
    CRITICAL_HIGH = "HH"
    CRITICAL = "AA"
    SUSCEPTIBLE = "S"
    INTERMEDIATE = "I"
    RESISTANT = "R"

    @property
    def is_critical(self) -> bool:
        """Whether somebody must be told now: AA, HH, LL."""
        return self in (Flag.CRITICAL, Flag.CRITICAL_HIGH, Flag.CRITICAL_LOW)

    @property
    def is_out_of_norm(self) -> bool:
        """Critical, or low, high, abnormal."""
        return self.is_critical or self in (Flag.LOW, Flag.HIGH, Flag.ABNORMAL)


_FLAGS: Final = {flag.value: flag for flag in Flag} | {
    # significantly high or low: out of the norm, not critical; the old spellings too
    "HU": Flag.HIGH,
    "LU": Flag.LOW,
    "H>": Flag.HIGH,
    "L<": Flag.LOW,
}
_SEVEREST: Final = (
    Flag.CRITICAL,
    Flag.CRITICAL_HIGH,
    Flag.CRITICAL_LOW,
    Flag.ABNORMAL,
    Flag.HIGH,
    Flag.LOW,
    Flag.RESISTANT,
    Flag.INTERMEDIATE,
    Flag.SUSCEPTIBLE,
    Flag.NORMAL,
)


@dataclass(frozen=True, slots=True)
class Previous:
    """What the same examination gave before."""

    value: str
    unit: str
    moment: datetime | None


@dataclass(frozen=True, slots=True)
class Result:
    """One examination. ``value`` is as written, with ``<`` or ``≥`` where only a bound is known.

    ``also`` is the same value in another unit; ``interpretation`` as coded, where ``flag`` is None
    too; ``panel`` the battery, isolate or chapter that it belongs to.
    """

    name: str
    code: Coded
    value: str
    unit: str
    reference: str
    interpretation: Coded = UNCODED
    flag: Flag | None = None
    also: str = ""
    moment: datetime | None = None
    panel: str = ""
    previous: tuple[Previous, ...] = ()

    @property
    def is_critical(self) -> bool:
        return self.flag is not None and self.flag.is_critical

    @property
    def text(self) -> str:
        """Its words, for a search."""
        return " ".join(filter(None, (self.name, self.value, self.unit, self.reference)))


def results(content: bytes) -> tuple[Result, ...]:
    """The coded results of a CDA in the order of the document; raises CdaUnreadable.

    Results that were cancelled are left out; no more than MAX_RESULTS are read.
    """
    return tuple(one for _, one in results_of(parse_cda(content)))


def critical(content: bytes) -> bool:
    """Whether a document holds a critical result (AA, HH, LL); False of what is no CDA."""
    try:
        return any(one.is_critical for one in results(content))
    except CdaUnreadable:
        return False


def results_of(root: etree._Element) -> Iterator[tuple[etree._Element | None, Result]]:
    """The results with the section that each stands in."""
    named = {one.get("ID", ""): one for one in root.iter() if one.get("ID")}
    count = 0
    for observation in root.iter(f"{V3}observation"):
        if not _is_result(observation):
            continue
        result = _result(observation, named)
        if not result.value and result.flag is None:
            continue
        count += 1
        if count > MAX_RESULTS:
            return
        yield next(observation.iterancestors(f"{V3}section"), None), result


def _is_result(observation: etree._Element) -> bool:
    """A measured thing of its own: not cancelled, not the earlier value of another one."""
    if observation.get("moodCode", "EVN") != "EVN" or _is_previous(observation):
        return False
    status = child(observation, "statusCode")
    if status is not None and status.get("code", "").lower() in _VOID:
        return False
    templates = {one.get("root", "") for one in children(observation, "templateId")}
    told = children(observation, "interpretationCode") + children(observation, "referenceRange")
    return bool(templates & _MEASURED) or bool(told)


def _is_previous(observation: etree._Element) -> bool:
    """Within another observation, which it explains or precedes (IHE PALM: REFR)."""
    return next(observation.iterancestors(f"{V3}observation"), None) is not None


def _result(observation: etree._Element, named: dict[str, etree._Element]) -> Result:
    code = coded(child(observation, "code"))
    interpretations = [coded(one) for one in children(observation, "interpretationCode")]
    flags = {_FLAGS[one.code.upper()] for one in interpretations if one.code.upper() in _FLAGS}
    value = quantities.value_of(children(observation, "value"), lambda one: _refers(one, named))
    return Result(
        name=_name(observation, named) or code.display or code.code,
        code=code,
        value=value.text,
        unit=value.unit,
        reference=_reference(observation, value.unit),
        interpretation=interpretations[0] if interpretations else UNCODED,
        flag=next((one for one in _SEVEREST if one in flags), None),
        also=value.also,
        moment=_moment(observation),
        panel=_panel(observation, named),
        previous=_previous(observation, named),
    )


def _name(element: etree._Element, named: dict[str, etree._Element]) -> str:
    """What the narrative calls it, else what its code is called."""
    code = child(element, "code")
    if code is None:
        return ""
    original = child(code, "originalText")
    said = _refers(original, named) if original is not None else ""
    translation = coded(child(code, "translation")).display
    return (said or coded(code).display or translation)[:_MAX_NAME]


def _refers(element: etree._Element, named: dict[str, etree._Element]) -> str:
    """The text of an ED: its own, or that of the narrative which it points at."""
    said = text_of(element)
    if said:
        return said[:_MAX_NAME]
    reference = child(element, "reference")
    target = reference.get("value", "").lstrip("#") if reference is not None else ""
    return text_of(named.get(target))[:_MAX_NAME]


def _moment(observation: etree._Element) -> datetime | None:
    effective = child(observation, "effectiveTime")
    if effective is None:
        return None
    bounds = (effective, child(effective, "low"), child(effective, "high"))
    return next((moment for one in bounds if (moment := time_of(one))), None)


def _panel(observation: etree._Element, named: dict[str, etree._Element]) -> str:
    """The nearest isolate, battery or chapter that has a name."""
    for around in observation.iterancestors(f"{V3}organizer", f"{V3}act", f"{V3}section"):
        if local_name(around) == "section":
            return text_of(child(around, "title"))
        germ = child(around, "specimen/specimenRole/specimenPlayingEntity")
        found = (_name(germ, named) if germ is not None else "") or _name(around, named)
        if found:
            return found
    return ""


def _reference(observation: etree._Element, unit: str) -> str:
    """The normal range: the one that says so, else those that say nothing."""
    said: list[str] = []
    for one in children(observation, "referenceRange/observationRange"):
        told = coded(child(one, "interpretationCode")).code.upper()
        if told not in ("", Flag.NORMAL.value):
            continue
        text = text_of(child(one, "text"))
        value = quantities.value_of(children(one, "value"), text_of)
        shown = f"{value.text} {value.unit if value.unit != unit else ''}".strip()
        said.append(text or shown)
    return " ; ".join(filter(None, said))[:_MAX_NAME]


def _previous(
    observation: etree._Element, named: dict[str, etree._Element]
) -> tuple[Previous, ...]:
    found: list[Previous] = []
    for relation in children(observation, "entryRelationship"):
        earlier = child(relation, "observation")
        if earlier is None or relation.get("typeCode") != "REFR":
            continue
        value = quantities.value_of(children(earlier, "value"), lambda one: _refers(one, named))
        if value.text:
            found.append(Previous(value.text, value.unit, _moment(earlier)))
    return tuple(found)
