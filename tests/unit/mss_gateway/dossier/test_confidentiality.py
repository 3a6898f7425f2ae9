"""Who may not see a document: the strictest word wins, wherever it stands."""

import pytest

from mss_gateway.dossier.confidentiality import (
    FLAGS,
    LABELS,
    LEVELS,
    combined,
    is_hidden_from_patient,
    is_restricted,
)


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ((), ("N",)),
        (((),), ("N",)),
        ((("N",),), ("N",)),
        ((("N",), ("R",)), ("R",)),
        ((("V",), ("N",)), ("V",)),
        ((("R", "N"),), ("R",)),
        ((("N",), ("INVISIBLE_PATIENT",)), ("N", "INVISIBLE_PATIENT")),
        ((("N", "MASQUE_PS"), ("N",)), ("N", "MASQUE_PS")),
        (
            (("INVISIBLE_REPRESENTANTS_LEGAUX",), ("R", "MASQUE_PS")),
            ("R", "MASQUE_PS", "INVISIBLE_REPRESENTANTS_LEGAUX"),
        ),
        ((("INVISIBLE_REP_LEGAUX",),), ("N", "INVISIBLE_REPRESENTANTS_LEGAUX")),
        (((" invisible_patient ",),), ("N", "INVISIBLE_PATIENT")),
        ((("n", ""),), ("N",)),
        ((("N", "SECRET_D_AILLEURS"),), ("V",)),
        ((FLAGS, LEVELS), ("V", *FLAGS)),
    ],
)
def test_codes_are_combined(groups: tuple[tuple[str, ...], ...], expected: tuple[str, ...]) -> None:
    assert combined(*groups) == expected
    assert combined(*reversed(groups)) == expected


def test_every_code_has_its_label() -> None:
    assert set(LABELS) == {*LEVELS, *FLAGS}


@pytest.mark.parametrize(
    ("codes", "hidden", "restricted"),
    [
        (("N",), False, False),
        (("N", "INVISIBLE_PATIENT"), True, False),
        (("N", "INVISIBLE_REPRESENTANTS_LEGAUX"), False, False),
        (("N", "MASQUE_PS"), False, False),
        (("R",), False, True),
        (("V", "INVISIBLE_PATIENT"), True, True),
    ],
)
def test_what_codes_mean(codes: tuple[str, ...], hidden: bool, restricted: bool) -> None:
    assert is_hidden_from_patient(codes) is hidden
    assert is_restricted(codes) is restricted
