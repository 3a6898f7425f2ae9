"""HL7 version 3 data types, as a CDA header writes them: instants, identifiers, codes, names."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from lxml import etree

from mss_gateway.dossier.identity import Identifier
from mss_gateway.dossier.rim import UNCODED, Coded
from mss_gateway.dossier.safe_xml import local_name

V3: Final = "{urn:hl7-org:v3}"
_TITLES: Final = {"DR": "Dr", "PR": "Pr", "M": "M.", "MME": "Mme", "MLLE": "Mlle"}
_TS = re.compile(
    r"\A(?P<date>[0-9]{8})(?P<time>(?:[0-9]{2}){0,3})(?:\.[0-9]+)?(?P<zone>[+-][0-9]{4})?\Z"
)


def hl7_time(text: str) -> datetime | None:
    """An HL7 TS (``20210104160527+0100``) as an aware datetime; None when it is not one.

    Precision is at least the day; without an offset it counts as UTC.
    """
    match = _TS.match(text.strip())
    if match is None:
        return None
    digits = (match["date"] + match["time"]).ljust(14, "0")
    try:
        moment = datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    zone = match["zone"]
    if zone is None:
        return moment
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
    if offset >= timedelta(hours=24):
        return None
    return moment.replace(tzinfo=timezone(-offset if zone[0] == "-" else offset))


def text_of(element: etree._Element | None) -> str:
    """All text below an element, blanks folded."""
    if element is None:
        return ""
    return " ".join("".join(str(piece) for piece in element.itertext()).split())


def child(element: etree._Element, path: str) -> etree._Element | None:
    return element.find("/".join(V3 + step for step in path.split("/")))


def children(element: etree._Element, path: str) -> list[etree._Element]:
    return element.findall("/".join(V3 + step for step in path.split("/")))


def unique_id_of(element: etree._Element | None) -> str:
    """An instance identifier in the form of an XDS uniqueId: ``root`` or ``root^extension``."""
    if element is None:
        return ""
    root, extension = element.get("root", "").strip(), element.get("extension", "").strip()
    return f"{root}^{extension}" if extension else root


def identifiers_of(element: etree._Element | None) -> tuple[Identifier, ...]:
    if element is None:
        return ()
    return tuple(
        Identifier(one.get("extension", "").strip(), one.get("root", "").strip())
        for one in children(element, "id")
        if one.get("root")
    )


def coded(element: etree._Element | None) -> Coded:
    if element is None:
        return UNCODED
    return Coded(
        element.get("code", "").strip(),
        element.get("codeSystem", "").strip(),
        element.get("displayName", "").strip(),
    )


def time_of(element: etree._Element | None) -> datetime | None:
    return hl7_time(element.get("value", "")) if element is not None else None


def interval(element: etree._Element) -> tuple[datetime | None, datetime | None]:
    low, high = time_of(child(element, "low")), time_of(child(element, "high"))
    point = time_of(element)
    return low or point, high or point


def person_name(name: etree._Element) -> str:
    """« Dr Claire MARTIN » of an HL7 PN; the title comes from the suffix, else the prefix.

    A part without a letter (« . », where software had nothing to say) is none.
    """
    parts: dict[str, list[str]] = {}
    for part in name:
        if (text := text_of(part)) and any(sign.isalnum() for sign in text):
            parts.setdefault(local_name(part), []).append(text)
    if not parts:
        return text_of(name)
    worn = parts.get("suffix", []) + parts.get("prefix", [])
    titles = [_TITLES[key] for one in worn if (key := one.upper().strip(". ")) in _TITLES]
    return " ".join(titles[:1] + parts.get("given", [])[:1] + parts.get("family", [])[:1])
