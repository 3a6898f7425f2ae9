"""HL7 values of a result as people read them: quantities, bounds, codes; units in plain signs."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from lxml import etree

from mss_gateway.dossier.hl7 import V3, child, coded, hl7_time, text_of

_XSI_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
_MAX_TEXT: Final = 2_000
_POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_YES_NO: Final = {"true": "oui", "false": "non"}  # in the language of the documents

# UCUM's case-sensitive signs to those that reports print
_UNITS: Final = (
    (re.compile(r"\{[^}]*\}"), ""),
    (re.compile(r"\[IU\]|\[iU\]"), "UI"),
    (re.compile(r"\[Hg\]"), "Hg"),
    (re.compile(r"\[pH\]"), ""),
    (re.compile(r"\bu(?=[a-zA-Z])"), "µ"),
    (re.compile(r"\bCel\b"), "°C"),
)
_POWER = re.compile(r"10[*^]([+-]?[0-9]{1,2})")


@dataclass(frozen=True, slots=True)
class Value:
    """A value in words and signs; ``also`` is the same in another unit."""

    text: str = ""
    unit: str = ""
    also: str = ""


def value_of(elements: Iterable[etree._Element], refer: Callable[[etree._Element], str]) -> Value:
    """The value of a result: one, or several that are told together.

    ``refer`` gives the text of an ED that may point into the narrative. Figures are never
    changed; a value that has none of the known types gives its text.
    """
    found = [value for one in elements if (value := _one(one, refer)).text]
    if len(found) <= 1:
        return found[0] if found else Value()
    return Value(" ; ".join(f"{one.text} {one.unit}".strip() for one in found)[:_MAX_TEXT])


def unit_of(ucum: str) -> str:
    """A UCUM unit as reports print it: ``m[IU]/L`` is mUI/L, ``10*9/L`` is 10⁹/L, ``1`` nothing."""
    unit = ucum.strip()[:50]
    for pattern, sign in _UNITS:
        unit = pattern.sub(sign, unit)
    unit = _POWER.sub(lambda found: "10" + found[1].lstrip("+").translate(_POWERS), unit)
    return "" if unit == "1" else unit


def _one(element: etree._Element, refer: Callable[[etree._Element], str]) -> Value:
    match element.get(_XSI_TYPE, "").rpartition(":")[2]:
        case "PQ":
            return Value(*_quantity(element), also=_translated(element))
        case "INT" | "REAL" | "MO":
            return Value(element.get("value", "").strip())
        case "IVL_PQ" | "IVL_INT" | "IVL_REAL":
            return _interval(element)
        case "RTO" | "RTO_PQ_PQ" | "RTO_QTY_QTY" | "RTO_INT_INT":
            return _ratio(element)
        case "BL":
            return Value(_YES_NO.get(element.get("value", ""), ""))
        case "TS":
            return Value(_day(element))
        case _:
            return _coded_or_text(element, refer)


def _quantity(element: etree._Element) -> tuple[str, str]:
    return element.get("value", "").strip()[:_MAX_TEXT], unit_of(element.get("unit", ""))


def _translated(element: etree._Element) -> str:
    """The same quantity in the other unit that a PQ may tell (a PQR)."""
    other = child(element, "translation")
    if other is None or not other.get("value"):
        return ""
    unit = other.get("unit", "") or text_of(child(other, "originalText")) or other.get("code", "")
    return f"{other.get('value', '').strip()} {unit_of(unit)}".strip()


def _interval(element: etree._Element) -> Value:
    low, high = child(element, "low"), child(element, "high")
    low_text, low_unit = _quantity(low) if low is not None else ("", "")
    high_text, high_unit = _quantity(high) if high is not None else ("", "")
    unit = high_unit or low_unit
    if low_text and high_text:
        return Value(f"{low_text} – {high_text}", unit)
    if high is not None and high_text:
        return Value(f"{'<' if _is_open(high) else '≤'} {high_text}", unit)
    if low is not None and low_text:
        return Value(f"{'>' if _is_open(low) else '≥'} {low_text}", unit)
    return Value()


def _is_open(bound: etree._Element) -> bool:
    return bound.get("inclusive", "true") == "false"


def _ratio(element: etree._Element) -> Value:
    parts = [child(element, name) for name in ("numerator", "denominator")]
    said = [" ".join(_quantity(one)).strip() if one is not None else "" for one in parts]
    return Value("/".join(said) if all(said) else "".join(said))


def _day(element: etree._Element) -> str:
    moment = hl7_time(element.get("value", ""))
    return f"{moment:%d/%m/%Y}" if moment is not None else ""


def _coded_or_text(element: etree._Element, refer: Callable[[etree._Element], str]) -> Value:
    original = element.find(f"{V3}originalText")
    said = refer(original) if original is not None else ""
    code = coded(element)
    return Value((said or code.display or refer(element) or code.code)[:_MAX_TEXT])
