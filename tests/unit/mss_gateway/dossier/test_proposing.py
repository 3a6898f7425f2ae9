"""What a plain file is proposed as: judged by many invented ones, and rule by rule."""

from datetime import date

import pytest

from mss_gateway.dossier import clues
from mss_gateway.dossier.documents import MAX_TITLE, Category, known_types
from mss_gateway.dossier.proposing import Confidence, Hints, Place, Proposal, propose
from tests.unit.mss_gateway.dossier.proposals_examples import EXAMPLES
from tests.unit.mss_gateway.dossier.proposals_held_out import HELD_OUT

TODAY = date(2026, 11, 22)
Example = tuple[str, str, str, str, str]


def proposed(name: str = "", subject: str = "", text: str = "", media_type: str = "") -> Proposal:
    return propose(Hints(name, media_type, subject, text), TODAY)


def wrong(examples: tuple[Example, ...]) -> list[str]:
    return [
        f"{name} {subject}: {category}"
        for name, media_type, subject, text, category in examples
        if proposed(name, subject, text, media_type).category is not Category(category)
    ]


@pytest.mark.parametrize("examples", [EXAMPLES, HELD_OUT], ids=["examples", "held-out"])
def test_of_many_files_nineteen_in_twenty_get_their_category(
    examples: tuple[Example, ...],
) -> None:
    missed = wrong(examples)
    assert len(missed) * 20 <= len(examples), missed


def test_the_examples_are_many_and_of_every_category() -> None:
    assert len(EXAMPLES) >= 120
    assert {Category(row[4]) for row in EXAMPLES} == set(Category)
    assert {Category(row[4]) for row in HELD_OUT} == set(Category)
    assert not set(EXAMPLES) & set(HELD_OUT)


@pytest.mark.parametrize(
    "label", [kind.label for kind in known_types().values() if " " in kind.label]
)
def test_every_type_is_known_by_its_label_in_a_professionals_file_name(label: str) -> None:
    name = f"20250312_{label.replace(' ', '_').replace('/', '-')}_DURAND_Ines_123.pdf"

    made = proposed(name)

    assert (made.type.label, made.date) == (label, date(2025, 3, 12))
    assert made.confidence is Confidence.SURE


def test_each_entry_names_a_type_of_its_own_category_once() -> None:
    entries = list(clues._written())
    assert all(clue.words and 1 <= clue.weight <= 10 for clue in entries)
    assert {clue.place for clue in entries} == {"", clues.TITLE, clues.TEXT}
    for clue in entries:
        if clue.type_code:
            assert known_types()[clue.type_code].category is clue.category


def test_a_file_that_says_nothing_is_neutral_and_trusted_by_nobody() -> None:
    made = proposed("IMG_4471.jpg")

    assert (made.category, made.confidence, made.why) == (Category.REPORT, Confidence.LOW, None)
    assert made.type.code == "DOCPAT03"
    assert (made.title, made.date) == ("Document", None)


def test_the_name_counts_more_than_the_subject_and_the_subject_more_than_the_text() -> None:
    assert proposed("scanner.pdf", "Votre ordonnance").category is Category.IMAGING
    assert proposed("a.pdf", "Ordonnance", "x " * 50 + "scanner").category is Category.TREATMENT
    assert proposed("a.pdf", "", "Scanner thoracique").why is not None


@pytest.mark.parametrize(
    ("name", "subject", "text", "place", "words"),
    [
        ("CR IRM.pdf", "", "", Place.NAME, "irm"),
        ("a.pdf", "Votre prise de sang", "", Place.SUBJECT, "prise de sang"),
        ("a.pdf", "", "ORDONNANCE du jour", Place.HEAD, "ordonnance…"),
        ("a.pdf", "", "x " * 45 + "Échographie hépatique", Place.BODY, "echographi…"),
    ],
)
def test_it_says_what_decided(name: str, subject: str, text: str, place: Place, words: str) -> None:
    why = proposed(name, subject, text).why

    assert why is not None
    assert (why.place, why.words) == (place, words)


def test_longer_words_take_shorter_ones_with_them() -> None:
    assert proposed("compte rendu operatoire.pdf").type.label == "CR opératoire"
    assert proposed("ordonnance irm.pdf").type.label == "Demande d'actes d'imagerie"
    assert proposed("attestation de vaccination.pdf").category is Category.PREVENTION


def test_words_that_run_together_are_parted() -> None:
    assert proposed("CompteRenduIRM2025.pdf").category is Category.IMAGING
    assert proposed("HbA1c.pdf").category is Category.BIOLOGY


def test_what_every_text_says_is_believed_in_a_title_only() -> None:
    said = (
        "x " * 60 + "Antécédents : aucun. Allergies : aucune. Attestation, mutuelle, carte vitale."
    )

    assert proposed("antecedents.pdf").category is Category.PROFILE
    assert proposed("a.pdf", "", said).confidence is Confidence.LOW


def test_a_text_that_speaks_of_everything_does_not_outweigh_a_name() -> None:
    chatter = "x " * 60 + "scanner irm échographie doppler radiographie mammographie " * 50

    assert proposed("ordonnance.pdf", "", chatter).category is Category.TREATMENT


def test_a_dicom_file_is_imaging() -> None:
    made = proposed("IM0001", media_type="application/dicom")

    assert (made.category, made.type.code) == (Category.IMAGING, "18748-4")


@pytest.mark.parametrize(
    ("name", "subject", "title"),
    [
        ("20220531_CR_d_imagerie_medicale_CORSE_FIGATELLIX.pdf", "", "CR d'imagerie médicale"),
        ("20220531_Fiche_de_liaison_CORSE_FIGATELLIX_77.pdf", "", "Fiche de liaison"),
        ("bilan_sanguin_12-03-2025.pdf", "", "Bilan sanguin"),
        ("2025-03-12 radio poignet.jpg", "", "Radio poignet"),
        ("scan0007.pdf", "Votre ordonnance", "Prescription de produits de santé"),
        ("IMG_4471.jpg", "Re: TR : Photo de famille", "Photo de famille"),
        ("20250312.pdf", "", "Document"),
        ("", "", "Document"),
        ("../../etc/passwd", "", "Passwd"),
        ("C:\\Users\\zoe\\cr.pdf", "", "Cr"),
        ("a\u202efdp.exe.pdf", "", "Afdp.exe"),
    ],
)
def test_the_title(name: str, subject: str, title: str) -> None:
    assert proposed(name, subject).title == title


def test_a_title_is_short() -> None:
    assert len(proposed("compte rendu " * 40 + ".pdf").title) <= MAX_TITLE


def test_the_date_of_a_photograph_is_not_the_acts() -> None:
    assert proposed("IMG_20250102_101112.jpg").date is None
    assert proposed("IMG_20250102.jpg", text="Prélevé le 03/02/2025").date == date(2025, 2, 3)
    assert proposed("NFS 03-02-2025.pdf").date == date(2025, 2, 3)
