"""Values as they were written, in signs that people read."""

import pytest
from lxml import etree

from mss_gateway.dossier.quantities import Value, unit_of, value_of

_HEAD = '<r xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'


def _value(*written: str) -> Value:
    root = etree.fromstring(f"{_HEAD}{''.join(written)}</r>")
    return value_of(list(root), lambda one: "".join(str(piece) for piece in one.itertext()))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('<value xsi:type="PQ" value="1.950" unit="m[IU]/L"/>', Value("1.950", "mUI/L")),
        ('<value xsi:type="PQ" value="7" unit="1"/>', Value("7", "")),
        ('<value xsi:type="PQ" nullFlavor="UNK"/>', Value()),
        (
            '<value xsi:type="PQ" value="5.5" unit="mmol/L"><translation value="0.99"'
            ' code="g/L"/></value>',
            Value("5.5", "mmol/L", "0.99 g/L"),
        ),
        ('<value xsi:type="INT" value="12"/>', Value("12")),
        ('<value xsi:type="REAL" value="1.5"/>', Value("1.5")),
        ('<value xsi:type="BL" value="true"/>', Value("oui")),
        ('<value xsi:type="BL" value="false"/>', Value("non")),
        ('<value xsi:type="ST">négatif</value>', Value("négatif")),
        ('<value xsi:type="ED">texte libre</value>', Value("texte libre")),
        ('<value xsi:type="CD" code="1" displayName="Présence"/>', Value("Présence")),
        (
            '<value xsi:type="CD" code="1" displayName="Présence"><originalText>traces'
            "</originalText></value>",
            Value("traces"),
        ),
        ('<value xsi:type="CD" code="LA6576-8"/>', Value("LA6576-8")),
        ('<value xsi:type="CD" nullFlavor="NA"/>', Value()),
        ('<value xsi:type="TS" value="20261120"/>', Value("20/11/2026")),
        (
            '<value xsi:type="IVL_PQ"><low value="1" unit="g/L"/><high value="2" unit="g/L"/>'
            "</value>",
            Value("1 – 2", "g/L"),
        ),
        (
            '<value xsi:type="IVL_PQ"><high value="0.128" unit="ug/mL" inclusive="false"/></value>',
            Value("< 0.128", "µg/mL"),
        ),
        ('<value xsi:type="IVL_PQ"><high value="5" unit="mg/L"/></value>', Value("≤ 5", "mg/L")),
        ('<value xsi:type="IVL_PQ"><low value="5" unit="mg/L"/></value>', Value("≥ 5", "mg/L")),
        (
            '<value xsi:type="IVL_INT"><low value="5" inclusive="false"/></value>',
            Value("> 5", ""),
        ),
        ('<value xsi:type="IVL_PQ"/>', Value()),
        (
            '<value xsi:type="RTO_PQ_PQ"><numerator value="1"/><denominator value="80"/></value>',
            Value("1/80"),
        ),
        ('<value xsi:type="x:PQ" value="1" unit="kg"/>', Value("1", "kg")),
        ('<value xsi:type="NEW" value="1">dit ainsi</value>', Value("dit ainsi")),
        ('<value value="1"/>', Value()),
    ],
)
def test_values_of_each_type(written: str, expected: Value) -> None:
    assert _value(written) == expected


def test_several_values_are_told_together() -> None:
    assert _value(
        '<value xsi:type="PQ" value="1" unit="g"/>', '<value xsi:type="ST">et traces</value>'
    ) == Value("1 g ; et traces")
    assert _value() == Value()


def test_a_long_text_is_cut() -> None:
    assert len(_value(f'<value xsi:type="ST">{"x" * 5_000}</value>').text) == 2_000


@pytest.mark.parametrize(
    ("ucum", "expected"),
    [
        ("mmol/L", "mmol/L"),
        ("umol/L", "µmol/L"),
        ("ug/mL", "µg/mL"),
        ("u[IU]/mL", "µUI/mL"),
        ("[IU]/L", "UI/L"),
        ("mm[Hg]", "mmHg"),
        ("Cel", "°C"),
        ("10*9/L", "10⁹/L"),
        ("10*-3", "10⁻³"),
        ("10^12/L", "10¹²/L"),
        ("{copies}/mL", "/mL"),
        ("[pH]", ""),
        ("%", "%"),
        ("1", ""),
        (" kg ", "kg"),
        ("x" * 80, "x" * 50),
    ],
)
def test_units_in_plain_signs(ucum: str, expected: str) -> None:
    assert unit_of(ucum) == expected
