"""Subjects and file names of the national form, read and written."""

from datetime import date

import pytest

from mss_gateway.dossier.naming import (
    Claim,
    extension,
    file_name,
    parse_file_name,
    parse_subject,
    shown_subject,
)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (
            "XDM/1.0/DDM+CR d'examens biologiques PAT-TROIS Dominique 28/03/1979",
            Claim("CR d'examens biologiques", "PAT-TROIS", "Dominique", date(1979, 3, 28)),
        ),
        ("XDM/1.0/DDM+CR DE LA TOUR Jean Paul", Claim("CR", "DE LA TOUR", "Jean Paul")),
        (
            "xdm/1.0/ddm+Synthèse  FICTIVE\tClaire 1980-01-02",
            Claim("Synthèse", "FICTIVE", "Claire", date(1980, 1, 2)),
        ),
        ("XDM/1.0/DDM+Compte rendu CORSE FIGATELLIX", Claim("Compte rendu", "CORSE", "FIGATELLIX")),
        ("XDM/1.0/DDM+VSM FICTIVE", Claim("VSM", "FICTIVE", "")),
        ("XDM/1.0/DDM+Lettre Claire", Claim("Lettre Claire")),
        ("XDM/1.0/DDM+CR FICTIVE Claire 31/02/1980", Claim("CR", "FICTIVE", "Claire")),
        ("XDM/1.0/DDM+", Claim("")),
        ("Résultats", None),
        ("", None),
        ("XDM/1.0/DDM+" + "x" * 500, None),
    ],
)
def test_subjects(subject: str, expected: Claim | None) -> None:
    assert parse_subject(subject) == expected


def test_a_reader_sees_no_prefix() -> None:
    assert shown_subject("XDM/1.0/DDM+CR FICTIVE Claire") == "CR FICTIVE Claire"
    assert shown_subject("xdm/1.0/ddm+ CR") == "CR"
    assert shown_subject(" Bonjour ") == "Bonjour"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "20220531_CR_d_imagerie_medicale_CORSE_FIGATELLIX.pdf",
            Claim("CR d imagerie medicale", "CORSE", "FIGATELLIX", None, date(2022, 5, 31)),
        ),
        (
            "20220531_CR_CORSE_FIGATELLIX_A123.PDF",
            Claim("CR", "CORSE", "FIGATELLIX", None, date(2022, 5, 31), "A123"),
        ),
        (
            "C:\\temp\\20220531_CR_CORSE_FIGATELLIX",
            Claim("CR", "CORSE", "FIGATELLIX", None, date(2022, 5, 31)),
        ),
        ("20221331_CR_CORSE_FIGATELLIX.pdf", None),
        ("20220531_CR_CORSE.pdf", None),
        ("20220531_CR__CORSE_FIGATELLIX.pdf", None),
        ("IMG_20220531.jpg", None),
        ("ordonnance.pdf", None),
        ("", None),
    ],
)
def test_file_names(name: str, expected: Claim | None) -> None:
    assert parse_file_name(name) == expected


def test_a_name_that_is_written_is_read_back() -> None:
    claim = Claim(
        "CR d'imagerie (thorax)", "Œuvrard-Côme", "Zoé", None, date(2026, 11, 20), "D 7/4"
    )

    name = file_name(claim, "pdf")

    assert name == "20261120_CR_d_imagerie_thorax_OEUVRARD-COME_Zoe_D_7_4.pdf"
    assert parse_file_name(name) is not None


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (Claim("../../etc/passwd", "A", "b"), "00000000_etc_passwd_A_b.pdf"),
        (Claim("\u202efdp.exe", "A", "b"), "00000000_fdp_exe_A_b.pdf"),
        (Claim("", "", ""), "00000000.pdf"),
        (Claim("x" * 300, "A", "b"), f"00000000_{'x' * 40}_A_b.pdf"),
    ],
)
def test_a_written_name_is_safe(claim: Claim, expected: str) -> None:
    assert file_name(claim, "pdf") == expected


def test_a_file_ends_as_its_type_says() -> None:
    assert [extension(each) for each in ("application/rtf", "text/xml", "application/x-odd")] == [
        "rtf",
        "xml",
        "",
    ]
