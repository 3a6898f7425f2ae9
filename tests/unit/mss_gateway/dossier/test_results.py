"""Coded results: what is read of them, and which documents are alarming."""

import pytest

from mss_gateway.dossier.errors import CdaUnreadable
from mss_gateway.dossier.results import MAX_RESULTS, Flag, Result, critical, results
from tests.support.health_documents import (
    FAMILIES,
    Measure,
    biology,
    laboratory,
    observation,
    section,
    summary,
)
from tests.support.xdm import CdaText, cda_document


def _written(*measures: Measure) -> bytes:
    return cda_document(
        CdaText(sections=(), structured=section("Biochimie", "texte", laboratory(measures)))
    )


def _read(measure: Measure) -> Result:
    (one,) = results(_written(measure))
    return one


def test_a_result_is_read_whole() -> None:
    sodium, potassium, ferritin = results(biology())

    assert (sodium.name, sodium.value, sodium.unit) == ("Sodium", "140", "mmol/L")
    assert (sodium.reference, sodium.flag) == ("136 – 145", Flag.NORMAL)
    assert sodium.code.code == "2951-2"
    assert sodium.moment is not None
    assert sodium.moment.isoformat() == "2026-11-19T08:15:00+01:00"
    assert sodium.panel == "Ionogramme"
    assert (ferritin.value, ferritin.unit, ferritin.flag) == ("12", "µg/L", Flag.LOW)
    assert potassium.is_critical
    assert [(one.value, one.unit) for one in potassium.previous] == [
        ("4.4", "mmol/L"),
        ("4.1", "mmol/L"),
    ]
    assert potassium.previous[0].moment is not None


def test_the_narrative_names_a_result_else_its_code_does() -> None:
    assert _read(Measure("Glucose [Masse/Volume]", "1", "g/L")).name == "Glucose [Masse/Volume]"
    assert _read(Measure("Glucose", "1", "g/L", reference="#nowhere")).name == "Glucose"


def test_a_local_code_names_a_result_too() -> None:
    coded = '<code><translation code="77" codeSystem="1.2.3" displayName="CRP"/></code>'
    whole = observation(Measure("x", "1", "g/L"))
    start, stop = whole.index("<code "), whole.index("</code>") + len("</code>")
    entry = f"<entry>{whole[:start]}{coded}{whole[stop:]}</entry>"

    (one,) = results(
        cda_document(CdaText(sections=(), structured=section("Biochimie", "t", entry)))
    )

    assert one.name == "CRP"


@pytest.mark.parametrize(
    ("code", "flag", "alarms"),
    [
        ("N", Flag.NORMAL, False),
        ("L", Flag.LOW, False),
        ("H", Flag.HIGH, False),
        ("A", Flag.ABNORMAL, False),
        ("LL", Flag.CRITICAL_LOW, True),
        ("HH", Flag.CRITICAL_HIGH, True),
        ("AA", Flag.CRITICAL, True),
        ("aa", Flag.CRITICAL, True),
        ("HU", Flag.HIGH, False),
        ("LU", Flag.LOW, False),
        ("S", Flag.SUSCEPTIBLE, False),
        ("I", Flag.INTERMEDIATE, False),
        ("R", Flag.RESISTANT, False),
        ("POS", None, False),
        ("", None, False),
    ],
)
def test_interpretations(code: str, flag: Flag | None, alarms: bool) -> None:
    measure = Measure("x", "1", "g/L", flag=code)

    assert _read(measure).flag is flag
    assert _read(measure).is_critical is alarms
    assert critical(_written(measure)) is alarms


def test_the_severest_of_several_interpretations_counts() -> None:
    written = _written(Measure("x", "1", "g/L", flag="N")).replace(
        b'<interpretationCode code="N"',
        b'<interpretationCode code="HH"/><interpretationCode code="N"',
    )

    assert critical(written)


def test_flags_have_a_word_about_how_bad_they_are() -> None:
    assert {one for one in Flag if one.is_critical} == {
        Flag.CRITICAL,
        Flag.CRITICAL_HIGH,
        Flag.CRITICAL_LOW,
    }
    assert {one for one in Flag if one.is_out_of_norm and not one.is_critical} == {
        Flag.LOW,
        Flag.HIGH,
        Flag.ABNORMAL,
    }


def test_the_interpretation_of_a_range_is_none_of_the_result() -> None:
    normal = Measure("x", "1", "g/L", high="5", flag="N", range_flag="HH")

    assert not critical(_written(normal))
    assert _read(normal).reference == ""


def test_an_earlier_critical_value_alarms_nobody_now() -> None:
    measure = Measure("x", "1", "g/L", flag="N", earlier=(("9", "20200101"),))

    assert not critical(_written(measure))
    assert len(results(_written(measure))) == 1


@pytest.mark.parametrize("status", ["cancelled", "nullified", "aborted"])
def test_a_result_that_was_cancelled_is_none(status: str) -> None:
    written = _written(Measure("x", "1", "g/L", flag="HH", status=status))

    assert results(written) == ()
    assert not critical(written)


def test_what_is_only_intended_is_no_result() -> None:
    written = _written(Measure("x", "1", "g/L", flag="HH")).replace(
        b'<observation classCode="OBS" moodCode="EVN">', b'<observation moodCode="INT">'
    )

    assert results(written) == ()


def test_vital_signs_are_results() -> None:
    weight, height = results(summary())

    assert (weight.name, weight.value, weight.unit) == ("Poids (mesuré)", "71", "kg")
    assert (height.value, height.flag, height.panel) == ("172", None, "Signes vitaux")


def test_an_observation_that_measures_nothing_is_no_result() -> None:
    entry = (
        '<entry><observation classCode="OBS" moodCode="EVN"><code code="69764-9"/>'
        '<value xsi:type="CD" code="55108-5"/></observation></entry>'
    )

    assert results(cda_document(CdaText(sections=(), structured=section("t", "t", entry)))) == ()


def test_a_result_without_value_or_interpretation_is_left_out() -> None:
    assert results(_written(Measure("x"))) == ()
    assert results(_written(Measure("x", flag="AA")))[0].is_critical


def test_results_are_bounded_at_the_edge() -> None:
    written = _written(*[Measure("x", "1", "g/L")] * (MAX_RESULTS + 1))

    assert len(results(written)) == MAX_RESULTS


def test_which_families_are_alarming() -> None:
    assert [name for name, make in FAMILIES.items() if critical(make())] == ["biology"]


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4", b"<html/>", b"<ClinicalDocument"])
def test_what_is_no_cda_alarms_nobody(content: bytes) -> None:
    assert not critical(content)
    with pytest.raises(CdaUnreadable):
        results(content)
