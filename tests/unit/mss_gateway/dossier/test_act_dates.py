"""Dates of acts in names and texts, and those that are dates of something else."""

from datetime import date

import pytest

from mss_gateway.dossier.act_dates import LOOKED_AT, date_in_name, date_in_text

TODAY = date(2026, 11, 22)
DAY = date(2025, 3, 12)


@pytest.mark.parametrize(
    "written",
    [
        "20250312",
        "12032025",
        "2025-03-12",
        "2025_03_12",
        "2025.03.12",
        "12/03/2025",
        "12-03-2025",
        "12.03.25",
        "12 03 2025",
        "12 mars 2025",
        "12_mars_2025",
        "12-MARS-2025",
    ],
)
def test_every_form_is_read_in_a_name_and_in_a_text(written: str) -> None:
    assert date_in_name(f"CR {written} IRM", TODAY) == DAY
    assert date_in_name(f"CR_{written}", TODAY) == DAY
    assert date_in_text(f"Examen du {written}.", TODAY) == DAY


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("1er avril 2024", date(2024, 4, 1)),
        ("3 févr. 2024", date(2024, 2, 3)),
        ("29 février 2024", date(2024, 2, 29)),
        ("15 août 2024", date(2024, 8, 15)),
        ("2 déc. 2024", date(2024, 12, 2)),
        ("9/1/2024", date(2024, 1, 9)),
    ],
)
def test_months_in_words(written: str, day: date) -> None:
    assert date_in_text(f"Lille, le {written}", TODAY) == day


@pytest.mark.parametrize(
    "written",
    [
        "",
        "31/02/2024",
        "29 février 2023",
        "00/00/2024",
        "13/13/2024",
        "01/01/1899",
        "18991231",
        "12/03/2031",
        "23/11/2026",
        "99999999",
        "123456789",
        "2025031",
        "01 02 03 04 05",
        "01.02.03.04.05",
        "03 12 03 2025 11",
        "1.2.250.1.213.1.1.4.12",
        "mars 2025",
        "12/03/2025/4",
    ],
)
def test_what_is_no_day_that_can_have_been(written: str) -> None:
    assert date_in_name(written, TODAY) is None
    assert date_in_text(f"Examen du {written}", TODAY) is None


def test_the_first_and_the_last_day_count() -> None:
    assert date_in_name("01-01-1900", TODAY) == date(1900, 1, 1)
    assert date_in_name("22-11-2026", TODAY) == TODAY


def test_a_name_takes_the_first_day_that_can_be() -> None:
    assert date_in_name("99-99-2024 puis 12-03-2025 et 13-03-2025", TODAY) == DAY


@pytest.mark.parametrize(
    "text",
    [
        "Né le 01/02/1950. Prélevé le 12/03/2025.",
        "Née le : 01/02/1950\nLille, le 12/03/2025",
        "Date de naissance : 01/02/1950 - dossier du 12/03/2025",
        "DDN 01/02/1950 12/03/2025",
        "Imprimé le 04/04/2025. Examen réalisé le 12/03/2025.",
        "Prochain rendez-vous le 05/01/2026. Vu en consultation le 12/03/2025",
        "Valable jusqu'au 05/01/2026. Fait à Lille, le 12/03/2025.",
        "05/01/2026 Date de l'examen : 12/03/2025",
        "Lille, le 05/01/2026. Intervention du 12/03/2025",
        "Tél. 03 20 00 00 00. Vu le 12/03/2025 10:30",
    ],
)
def test_the_day_of_the_act_is_told_from_others(text: str) -> None:
    assert date_in_text(text, TODAY) == DAY


def test_only_a_birth_is_no_act() -> None:
    assert date_in_text("M. Durand, né le 01/02/1950 à Lille", TODAY) is None


def test_the_look_is_bounded() -> None:
    at_the_edge = "Examen du 12/03/2025"
    blank = " " * (LOOKED_AT - len(at_the_edge))
    assert date_in_text(blank + at_the_edge, TODAY) == DAY
    assert date_in_text(blank + "     " + at_the_edge, TODAY) is None
