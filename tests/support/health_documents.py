"""The shapes of the national documents, of invented content: one function per family.

Each has the sections, entries and template ids that the CI-SIS model of its family wants, as far as
our readers look at them; people, laboratories and figures are made up.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape, quoteattr

from tests.support.xdm import CdaText, cda_document

LOINC = "2.16.840.1.113883.6.1"
_INTERPRETATION = "2.16.840.1.113883.5.83"
_MODEL = "1.2.250.1.213.1.1.1"


@dataclass(frozen=True)
class Measure:
    """One result: what :func:`observation` writes. ``value`` "" leaves it out."""

    name: str
    value: str = ""
    unit: str = ""
    low: str = ""
    high: str = ""
    flag: str = ""
    code: str = "2345-7"
    reference: str = ""  # of the narrative, as ``#id``
    earlier: tuple[tuple[str, str], ...] = ()  # value and day
    typed: str = ""  # the whole value element, in place of a PQ
    status: str = "completed"
    template: str = "1.2.250.1.213.1.1.3.80"
    range_flag: str = "N"


def observation(measure: Measure) -> str:
    """The entry of a result (FR-Resultat-examens-de-biologie-element-clinique-pertinent)."""
    original = (
        f"<originalText><reference value={quoteattr(measure.reference)}/></originalText>"
        if measure.reference
        else ""
    )
    flag = (
        f'<interpretationCode code="{escape(measure.flag)}" codeSystem="{_INTERPRETATION}"/>'
        if measure.flag
        else ""
    )
    earlier = "".join(
        '<entryRelationship typeCode="REFR"><observation classCode="OBS" moodCode="EVN">'
        f'<code code="{measure.code}" codeSystem="{LOINC}"/><effectiveTime value="{day}"/>'
        f'<value xsi:type="PQ" value="{value}" unit={quoteattr(measure.unit)}/>'
        '<interpretationCode code="HH"/></observation></entryRelationship>'
        for value, day in measure.earlier
    )
    return (
        '<observation classCode="OBS" moodCode="EVN">'
        f'<templateId root="{measure.template}"/>'
        f'<code code="{measure.code}" codeSystem="{LOINC}"'
        f" displayName={quoteattr(measure.name)}>{original}</code>"
        f'<statusCode code="{measure.status}"/><effectiveTime value="20261119081500+0100"/>'
        f"{_value(measure)}{flag}{earlier}{_range(measure)}</observation>"
    )


def _value(measure: Measure) -> str:
    if measure.typed:
        return measure.typed
    if not measure.value:
        return ""
    return f'<value xsi:type="PQ" value="{measure.value}" unit={quoteattr(measure.unit)}/>'


def _range(measure: Measure) -> str:
    bounds = "".join(
        f'<{name} value="{value}" unit={quoteattr(measure.unit)}/>'
        for name, value in (("low", measure.low), ("high", measure.high))
        if value
    )
    if not bounds:
        return ""
    return (
        '<referenceRange typeCode="REFV"><observationRange classCode="OBS" moodCode="EVN.CRT">'
        f'<value xsi:type="IVL_PQ">{bounds}</value>'
        f'<interpretationCode code="{measure.range_flag}"/></observationRange></referenceRange>'
    )


def section(title: str, text: str, entries: str = "", inner: str = "") -> str:
    """A component of a structured body; no ``text`` element when ``text`` is ""."""
    heading = f"<title>{escape(title)}</title>" if title else ""
    narrative = f"<text>{text}</text>" if text else ""
    return f"<component><section>{heading}{narrative}{entries}{inner}</section></component>"


def laboratory(measures: tuple[Measure, ...], panel: str = "Biochimie") -> str:
    """The entry that holds the results of a chapter."""
    parts = "".join(
        f'<entryRelationship typeCode="COMP">{observation(one)}</entryRelationship>'
        for one in measures
    )
    return (
        '<entry typeCode="DRIV"><templateId root="1.2.250.1.213.1.1.3.21"/>'
        f'<act classCode="ACT" moodCode="EVN"><code code="18719-5" codeSystem="{LOINC}"'
        f' displayName={quoteattr(panel)}/><statusCode code="completed"/>{parts}</act></entry>'
    )


BIOLOGY = (
    Measure("Sodium [Moles/Volume] Sérum", "140", "mmol/L", "136", "145", "N", "2951-2", "#r1"),
    Measure(
        "Potassium [Moles/Volume] Sérum",
        "6.9",
        "mmol/L",
        "3.5",
        "5.1",
        "HH",
        "2823-3",
        "#r2",
        (("4.4", "20260301"), ("4.1", "20250912")),
    ),
    Measure("Ferritine [Masse/Volume] Sérum", "12", "ug/L", "30", "300", "L", "2276-4", "#r3"),
)
"""A normal result, a critical one with what it was before, a low one."""

_BIOLOGY_TABLE = """<table border="0"><caption>Ionogramme</caption>
<thead><tr><th styleCode="Bold">Analyse</th><th>Résultat</th><th>Valeurs de référence</th></tr>
</thead><tbody>
<tr><td><content ID="r1">Sodium</content></td><td>140 mmol/L</td><td>(136 - 145)</td></tr>
<tr><td><content ID="r2">Potassium</content><br/><content>(indirecte)</content></td>
<td><content styleCode="Bold">6,9 mmol/L</content></td><td>(3,5 - 5,1)</td></tr>
<tr><td><content ID="r3">Ferritine</content></td><td>12 µg/L</td><td>(30 - 300)</td></tr>
</tbody></table>"""


def biology(**changes: object) -> bytes:
    """A CR-BIO N3: a chapter, a sub-chapter with a table, coded results, the copy as PDF."""
    chapter = section(
        "BIOCHIMIE", "", "", section("", _BIOLOGY_TABLE, laboratory(BIOLOGY, "Ionogramme"))
    )
    text = CdaText(
        templates=("1.3.6.1.4.1.19376.1.3.3", f"{_MODEL}.55"),
        sections=(),
        structured=chapter,
        copy=b"%PDF-1.4\n% une copie inventee\n",
    )
    return _made(text, changes)


def unstructured(pdf: bytes = b"%PDF-1.4\n% un compte rendu invente\n", **changes: object) -> bytes:
    """An N1 around a PDF."""
    return _made(CdaText(pdf=pdf, templates=("1.3.6.1.4.1.19376.1.2.20",)), changes)


def imaging(**changes: object) -> bytes:
    """A CR d'imagerie N3: nested sections, lists, a link to the pictures, a struck-out word."""
    clinical = section("Informations cliniques", "", "", section("Justification", "Toux fébrile."))
    results = section(
        "Résultats",
        "A l'étage thoracique :<br/><list><item>Pas d'épanchement.</item>"
        '<item>Nodule de 4 mm<footnote ID="n1">Mesuré sur la coupe 42.</footnote>,'
        ' stable.</item></list><linkHtml href="https://images.invalid/etude?id=1">Images</linkHtml>'
        '<content revised="delete">Lobe gauche</content> <content revised="insert">Lobe droit'
        "</content>",
    )
    conclusion = section(
        "Conclusion", '<paragraph styleCode="Bold">Pas de pneumopathie.</paragraph>'
    )
    text = CdaText(
        type_code="18748-4",
        type_display="CR d'imagerie médicale",
        title="Scanner thoracique sans injection",
        templates=(f"{_MODEL}.45",),
        sections=(),
        structured=clinical + results + conclusion,
        organisation="Centre d'imagerie des Essais",
        unique_id="1.2.250.1.999.7.20",
        set_id="1.2.250.1.999.7.2",
    )
    return _made(text, changes)


def summary(**changes: object) -> bytes:
    """A VSM: three levels of sections, tables, vital signs without a narrative of their own."""
    table = (
        "<table><thead><tr><th>Date</th><th>Pathologie en cours</th></tr></thead><tbody><tr>"
        "<td>11/08/2019</td><td>Asthme</td></tr></tbody></table>"
    )
    sick = section(
        "Pathologies, antécédents",
        "",
        "",
        section("Pathologies en cours", "", "", section("Maladies", table)),
    )
    weight = Measure(
        "Poids (mesuré)", "71", "kg", code="29463-7", template="1.2.250.1.213.1.1.3.50"
    )
    height = Measure("Taille", "172", "cm", code="8302-2", template="1.2.250.1.213.1.1.3.50")
    organizer = "".join(f"<component>{observation(one)}</component>" for one in (weight, height))
    vital = (
        '<entry><organizer classCode="CLUSTER" moodCode="EVN">'
        f'<code code="85353-1" codeSystem="{LOINC}" displayName="Signes vitaux"/>{organizer}'
        "</organizer></entry>"
    )
    text = CdaText(
        type_code="SYNTH",
        type_system="1.2.250.1.213.1.1.4.12",
        type_display="Synthèse",
        title="Synthèse médicale",
        templates=(f"{_MODEL}.13",),
        sections=(),
        structured=sick + section("Signes vitaux", "", vital),
        organisation="Cabinet des Essais",
        unique_id="1.2.250.1.999.7.30",
        set_id="1.2.250.1.999.7.3",
    )
    return _made(text, changes)


def vaccination(**changes: object) -> bytes:
    """A note de vaccination: one wide table."""
    heads = "".join(f"<th>{name}</th>" for name in ("Date", "Vaccin", "Lot n°", "Rang"))
    cells = "".join(f"<td>{one}</td>" for one in ("28/09/2026", "Vaccin d'essai", "LOT-7", "2"))
    text = CdaText(
        type_code="87273-9",
        type_display="Note de vaccination",
        title="Note de vaccination",
        templates=(f"{_MODEL}.46",),
        sections=(
            (
                "Note de vaccination",
                f"<table><thead><tr>{heads}</tr></thead><tbody><tr>{cells}</tr></tbody></table>",
            ),
        ),
        unique_id="1.2.250.1.999.7.40",
        set_id="1.2.250.1.999.7.4",
    )
    return _made(text, changes)


def discharge(**changes: object) -> bytes:
    """A CRH: paragraphs, a table without head, an ordered list, sub and superscripts."""
    stay = (
        "<table><tbody><tr><td>Modalité d'entrée</td><td>Urgences</td></tr></tbody></table>"
        "<paragraph>PaO<sub>2</sub> 72 mmHg, leucocytes 12.10<sup>9</sup>/L.</paragraph>"
        '<list listType="ordered" styleCode="LittleAlpha"><caption>Suites</caption>'
        "<item>Kinésithérapie</item><item>Contrôle<list><item>clinique</item></list></item></list>"
    )
    text = CdaText(
        type_code="34112-3",
        type_display="CR hospitalier (séjour)",
        title="Compte rendu d'hospitalisation",
        sections=(("Synthèse du séjour", stay),),
        organisation="Hôpital des Essais",
        unique_id="1.2.250.1.999.7.50",
        set_id="1.2.250.1.999.7.5",
    )
    return _made(text, changes)


def prescription(**changes: object) -> bytes:
    """An ordonnance: the code to scan as a picture, a table whose rows span, the copy as PDF."""
    code = (
        "<component><section><title>Code 2D de la prescription</title><text>"
        '<renderMultiMedia referencedObject="code2d"/></text><entry><observationMedia'
        ' classCode="OBS" moodCode="EVN" ID="code2d"><value mediaType="image/jpeg"'
        ' representation="B64">/9j/2Q==</value></observationMedia></entry></section></component>'
    )
    table = (
        "<table><thead><tr><th>Durée</th><th>Médicament</th><th>Dose</th></tr></thead><tbody>"
        "<tr><td>5 jours</td><td>Paracétamol 500 mg</td><td>1 cp<br/>3 fois par jour</td></tr>"
        '<tr><td colspan="2">Instruction au patient</td><td>Au cours du repas</td></tr>'
        "</tbody></table>"
    )
    text = CdaText(
        type_code="57833-6",
        type_display="Prescription de produits de santé",
        title="Prescription de médicaments",
        templates=(f"{_MODEL}.39",),
        sections=(),
        structured=code + section("Prescription de médicaments", table),
        copy=b"%PDF-1.4\n% une ordonnance inventee\n",
        organisation="Cabinet des Essais",
        unique_id="1.2.250.1.999.7.60",
        set_id="1.2.250.1.999.7.6",
    )
    return _made(text, changes)


FAMILIES: dict[str, Callable[..., bytes]] = {
    "n1": unstructured,
    "biology": biology,
    "imaging": imaging,
    "summary": summary,
    "vaccination": vaccination,
    "discharge": discharge,
    "prescription": prescription,
}


def _made(text: CdaText, changes: dict[str, object]) -> bytes:
    return cda_document(replace(text, **changes))  # type: ignore[arg-type]
