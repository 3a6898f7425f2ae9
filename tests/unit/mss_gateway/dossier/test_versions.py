"""Who may replace or take back a document: codes 900 and 901 of the national table."""

from dataclasses import replace

import pytest

from mss_gateway.dossier import cda
from mss_gateway.dossier.errors import ImportCode
from mss_gateway.dossier.versions import (
    Version,
    objection,
    objection_to_update,
    replaced,
    version_of,
)
from tests.support.xdm import CdaText, cda_document

LAB = frozenset({"1.2.250.1.71.4.2.2^1999999999"})
OTHERS = frozenset({"1.2.250.1.71.4.2.2^1888888888"})
FIRST = Version("1.2.1", "1.2", 1, LAB)
SECOND = Version("1.2.2", "1.2", 2, LAB, ("1.2.1",))


def test_a_cda_says_which_version_it_is() -> None:
    header = cda.read_header(cda_document(CdaText(version="3", replaces="1.2.250.1.999.7.0")))

    assert version_of(header) == Version(
        "1.2.250.1.999.7.1", "1.2.250.1.999.7", 3, LAB, ("1.2.250.1.999.7.0",)
    )


@pytest.mark.parametrize("number", ["", "x", "-1", "²"])
def test_a_version_that_is_no_number_counts_as_none(number: str) -> None:
    assert version_of(cda.read_header(cda_document(CdaText(version=number)))).number == 0


@pytest.mark.parametrize(
    ("coming", "standing", "expected"),
    [
        (FIRST, [], None),
        (SECOND, [], None),
        (SECOND, [FIRST], None),
        (SECOND, [SECOND], None),
        (replace(SECOND, replaces=()), [FIRST], None),
        (replace(SECOND, set_id="", replaces=()), [FIRST], None),
        (replace(SECOND, set_id="9.9"), [FIRST], None),
        # the author
        (replace(SECOND, keepers=OTHERS), [FIRST], ImportCode.AUTHOR_NOT_ALLOWED),
        (replace(SECOND, keepers=frozenset()), [FIRST], ImportCode.AUTHOR_NOT_ALLOWED),
        (replace(SECOND, keepers=OTHERS, set_id=""), [FIRST], ImportCode.AUTHOR_NOT_ALLOWED),
        (replace(SECOND, keepers=OTHERS, replaces=()), [FIRST], ImportCode.AUTHOR_NOT_ALLOWED),
        (replace(SECOND, keepers=LAB | OTHERS), [FIRST], None),
        # the version
        (replace(SECOND, number=1), [FIRST], ImportCode.WRONG_VERSION),
        (FIRST, [SECOND], ImportCode.WRONG_VERSION),
        (SECOND, [replace(FIRST, is_current=False)], ImportCode.WRONG_VERSION),
        (
            replace(SECOND, replaces=(), unique_id="1.2.3"),
            [replace(FIRST, is_current=False), SECOND],
            ImportCode.WRONG_VERSION,
        ),
    ],
)
def test_versions(coming: Version, standing: list[Version], expected: ImportCode | None) -> None:
    assert objection(coming, standing) is expected


def test_what_a_version_takes_the_place_of() -> None:
    other = Version("9.9.1", "9.9", 1, LAB)

    assert replaced(SECOND, [FIRST, other]) == (FIRST,)
    assert replaced(replace(SECOND, replaces=("9.9.1",)), [FIRST, other]) == (FIRST, other)
    assert replaced(FIRST, [SECOND]) == ()


@pytest.mark.parametrize(
    ("target", "asking", "expected"),
    [
        (FIRST, LAB, None),
        (FIRST, LAB | OTHERS, None),
        (FIRST, OTHERS, ImportCode.AUTHOR_NOT_ALLOWED),
        (FIRST, frozenset(), ImportCode.AUTHOR_NOT_ALLOWED),
        (None, LAB, ImportCode.WRONG_VERSION),
        (replace(FIRST, is_current=False), LAB, ImportCode.WRONG_VERSION),
    ],
)
def test_only_its_author_takes_a_document_back(
    target: Version | None, asking: frozenset[str], expected: ImportCode | None
) -> None:
    assert objection_to_update(target, asking) is expected


def test_what_was_asked_for_is_what_is_taken_back() -> None:
    assert objection_to_update(FIRST, LAB, frozenset({"1.2.1"})) is None
    assert objection_to_update(FIRST, LAB, frozenset({"7"})) is ImportCode.WRONG_VERSION
