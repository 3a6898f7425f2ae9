"""Who may replace or take back a document: codes 900 and 901 of the national table."""

from dataclasses import replace

import pytest

from mss_gateway.dossier.documents import State, Way
from mss_gateway.dossier.errors import ImportCode
from mss_gateway.dossier.versions import (
    Asking,
    Place,
    Version,
    entry_name,
    is_same,
    may_act,
    number_of,
    objection,
    objection_to_update,
    place,
    version_of,
)
from tests.unit.mss_gateway.dossier.shelf import document_of

LAB = frozenset({"1.2.250.1.71.4.2.2^1999999999"})
OTHERS = frozenset({"1.2.250.1.71.4.2.2^1888888888"})
UUID = "urn:uuid:11111111-2222-3333-4444-555555555555"
FIRST = Version("a", "1.2.1", "1.2", 1, LAB, names=frozenset({"1.2.1", UUID}))
SECOND = Version("b", "1.2.2", "1.2", 2, LAB, ("1.2.1",), names=frozenset({"1.2.2"}))
THIRD = Version("c", "1.2.3", "1.2", 3, LAB, ("1.2.2",), names=frozenset({"1.2.3"}))
GONE = replace(FIRST, state=State.SUPERSEDED)
FOREIGN = Version("f", "9", "9", 1, OTHERS, names=frozenset({"9"}))
CLAIRE = frozenset({"mailto:claire@mss.example"})
PAUL = frozenset({"mailto:paul@mss.example"})


def signed(version: Version, by: frozenset[str]) -> Version:
    """This version, brought by a message with a valid signature."""
    return replace(version, writers=by, is_proven=True)


def test_a_document_says_which_version_it_is() -> None:
    document = replace(
        document_of(1, b"x"),
        unique_id="1.2.2",
        set_id="1.2",
        version="2",
        replaces=("1.2.1",),
        keepers=tuple(LAB),
        writers=("1.2.250.1.71.4.2.1^899999999991",),
        entry_uuid=UUID,
        state=State.SUPERSEDED,
        is_masked=True,
    )

    found = version_of(document)

    assert (found.unique_id, found.set_id, found.number) == ("1.2.2", "1.2", 2)
    assert found.names == {"1.2.2", UUID}
    assert found.word == "" and version_of(replace(document, version=" 1.2 ")).word == "1.2"
    assert (found.keepers, found.replaces) == (LAB, ("1.2.1",))
    assert found.writers == {"1.2.250.1.71.4.2.1^899999999991"}
    assert found.state is State.SUPERSEDED
    assert found.is_masked
    assert not (found.is_proven or found.is_trusted or found.is_patients)


def test_whoever_signed_the_message_is_among_the_writers_once_that_is_proven() -> None:
    document = document_of(1, b"x")
    claire = replace(document.provenance, signer_address="claire@mss.example")

    claimed = version_of(replace(document, provenance=claire))
    proven = version_of(replace(document, provenance=replace(claire, signature="valid")))

    assert claimed.writers == frozenset()
    assert (proven.writers, proven.is_proven) == ({"mailto:claire@mss.example"}, True)


@pytest.mark.parametrize(("way", "expected"), [(Way.DEPOSITED, (True, False)),
                                               (Way.IMPORTED, (False, True)),
                                               (Way.SAVED, (False, False))])  # fmt: skip
def test_how_it_came_says_who_answers_for_it(way: Way, expected: tuple[bool, bool]) -> None:
    found = version_of(replace(document_of(1, b"x"), way=way))
    assert (found.is_patients, found.is_trusted) == expected


@pytest.mark.parametrize("number", ["", "x", "-1", "²", "9" * 19])
def test_a_version_that_is_no_number_counts_as_none(number: str) -> None:
    assert number_of(number) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (UUID, UUID),
        (f" {UUID.upper()} ", UUID),
        (UUID.removeprefix("urn:uuid:"), UUID),
        ("Document01", ""),
        ("urn:uuid:1", ""),
        ("", ""),
    ],
)
def test_only_a_uuid_is_known_outside_its_file(text: str, expected: str) -> None:
    assert entry_name(text) == expected


@pytest.mark.parametrize(
    ("coming", "standing", "expected"),
    [
        (FIRST, [], None),
        (SECOND, [], None),
        (SECOND, [FIRST], None),
        (replace(SECOND, replaces=()), [FIRST], None),
        (replace(SECOND, replaces=(UUID,), set_id=""), [FIRST], None),
        (replace(SECOND, set_id="", replaces=()), [FIRST], None),
        (replace(SECOND, set_id="9.9"), [FIRST], None),
        # what is late is not wrong
        (FIRST, [SECOND], None),
        (FIRST, [replace(SECOND, number=0, set_id="")], None),
        (SECOND, [GONE, THIRD], None),
        # the author
        (replace(SECOND, keepers=OTHERS), [FIRST], ImportCode.AUTHOR_NOT_ALLOWED),
        (replace(SECOND, keepers=frozenset()), [FIRST], ImportCode.AUTHOR_NOT_ALLOWED),
        (replace(SECOND, keepers=OTHERS, set_id=""), [FIRST], ImportCode.AUTHOR_NOT_ALLOWED),
        (replace(SECOND, keepers=OTHERS), [GONE], ImportCode.AUTHOR_NOT_ALLOWED),
        (replace(SECOND, keepers=LAB | OTHERS), [FIRST], None),
        # a claim of others keeps nobody's own document out
        (FIRST, [replace(SECOND, keepers=OTHERS)], None),
        (replace(FIRST, unique_id="1.2.8"), [replace(FIRST, keepers=OTHERS)], None),
        (replace(SECOND, keepers=OTHERS, replaces=()), [FIRST], None),
        (replace(FIRST, document_id="x", keepers=OTHERS), [FIRST], None),
        (replace(SECOND, replaces=()), [FIRST, replace(FIRST, keepers=OTHERS)], None),
        (SECOND, [replace(FIRST, document_id="x", keepers=OTHERS), FIRST], None),
        (replace(SECOND, replaces=("1.2.1", "9")), [FIRST, FOREIGN], ImportCode.AUTHOR_NOT_ALLOWED),
        # what came signed is touched by its signer only
        (SECOND, [replace(FIRST, is_proven=True)], ImportCode.AUTHOR_NOT_ALLOWED),
        (signed(SECOND, PAUL), [signed(FIRST, CLAIRE)], ImportCode.AUTHOR_NOT_ALLOWED),
        (signed(SECOND, CLAIRE), [signed(FIRST, CLAIRE)], None),
        (replace(signed(SECOND, PAUL), replaces=()), [signed(FIRST, CLAIRE)], None),
        (replace(SECOND, is_trusted=True), [signed(FIRST, CLAIRE)], None),
        # the patient's own
        (replace(SECOND, keepers=OTHERS), [replace(FIRST, is_patients=True)], None),
        (replace(SECOND, keepers=OTHERS, is_patients=True), [FIRST], None),
        # the version
        (replace(SECOND, number=1, replaces=()), [FIRST], ImportCode.WRONG_VERSION),
        (replace(FIRST, document_id="x", number=2), [FIRST], ImportCode.WRONG_VERSION),
        (
            replace(FIRST, number=0, word="1.2"),
            [replace(FIRST, number=0, word="1.1")],
            ImportCode.WRONG_VERSION,
        ),
        (SECOND, [GONE], ImportCode.WRONG_VERSION),
        (SECOND, [replace(FIRST, state=State.DEPRECATED)], ImportCode.WRONG_VERSION),
        (SECOND, [replace(FIRST, state=State.WITHDRAWN)], ImportCode.WRONG_VERSION),
        (replace(SECOND, set_id=""), [GONE, THIRD], None),
        (
            replace(SECOND, unique_id="1.2.9", names=frozenset({"1.2.9"}), set_id="9"),
            [GONE, THIRD],
            ImportCode.WRONG_VERSION,
        ),
    ],
)
def test_versions(coming: Version, standing: list[Version], expected: ImportCode | None) -> None:
    assert objection(coming, standing) is expected


@pytest.mark.parametrize(
    ("coming", "standing", "expected"),
    [
        (FIRST, [], Place()),
        (SECOND, [FIRST], Place(("a",))),
        (SECOND, [GONE], Place()),
        (FIRST, [SECOND], Place((), "b")),
        (FIRST, [SECOND, THIRD], Place((), "b")),
        (FIRST, [replace(SECOND, state=State.WITHDRAWN)], Place()),
        (FIRST, [replace(SECOND, keepers=OTHERS)], Place()),
        (signed(SECOND, PAUL), [signed(FIRST, CLAIRE)], Place()),
        (signed(FIRST, CLAIRE), [signed(SECOND, PAUL)], Place()),
        (signed(SECOND, CLAIRE), [signed(FIRST, CLAIRE)], Place(("a",))),
        (SECOND, [FIRST, THIRD], Place(("a",), "c")),
        (SECOND, [replace(FIRST, is_patients=True)], Place()),
        (replace(FIRST, is_patients=True), [SECOND], Place()),
        (SECOND, [replace(FIRST, is_masked=True)], Place(("a",), None, True)),
        (FIRST, [replace(SECOND, is_masked=True)], Place((), "b", True)),
        (SECOND, [Version("z", "9.9", "9", 1, LAB, is_masked=True)], Place()),
    ],
)
def test_the_place_of_a_version(coming: Version, standing: list[Version], expected: Place) -> None:
    assert place(coming, standing) == expected


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (replace(FIRST, document_id="x"), True),
        (replace(FIRST, document_id="x", number=2), False),
        (replace(FIRST, document_id="x", unique_id="1.2.7"), False),
        (replace(FIRST, document_id="x", keepers=OTHERS), False),
        (replace(FIRST, document_id="x", unique_id=""), False),
        (replace(FIRST, document_id="x", word="1.1"), False),
    ],
)
def test_the_same_version_twice(other: Version, expected: bool) -> None:
    assert is_same(other, FIRST) is expected


FORGED = frozenset({"mailto:claire@mss.example^1"})
"""What a file whose author's number has such a root would say."""


@pytest.mark.parametrize(
    ("asking", "target", "expected"),
    [
        (Asking(LAB), FIRST, True),
        (Asking(OTHERS), FIRST, False),
        (Asking(frozenset()), FIRST, False),
        # no organisation is named: the person decides
        (Asking(frozenset(), CLAIRE), replace(FIRST, writers=CLAIRE), True),
        (Asking(OTHERS, CLAIRE), replace(FIRST, writers=CLAIRE), False),
        (Asking(LAB, CLAIRE), replace(FIRST, keepers=frozenset(), writers=CLAIRE), True),
        (Asking(frozenset(), CLAIRE), FIRST, False),
        (Asking(LAB), replace(FIRST, is_proven=True), False),
        (Asking(LAB, is_proven=True), replace(FIRST, is_proven=True), False),
        (Asking(LAB, CLAIRE, is_proven=True), signed(FIRST, CLAIRE), True),
        (Asking(LAB, PAUL, is_proven=True), signed(FIRST, CLAIRE), False),
        (Asking(LAB, CLAIRE), signed(FIRST, CLAIRE), False),
        (Asking(OTHERS, CLAIRE, is_proven=True), signed(FIRST, CLAIRE), False),
        (Asking(LAB, FORGED, is_proven=True), signed(FIRST, FORGED), False),
        (Asking(LAB, is_trusted=True), replace(FIRST, is_proven=True), True),
        (Asking(LAB, is_proven=True), replace(FIRST, is_patients=True), False),
    ],
)
def test_who_may_act(asking: Asking, target: Version, expected: bool) -> None:
    assert may_act(asking, target) is expected


WRONG, NOT_ALLOWED = ImportCode.WRONG_VERSION, ImportCode.AUTHOR_NOT_ALLOWED
HERS, THEIRS = Asking(LAB), Asking(OTHERS)


@pytest.mark.parametrize(
    ("target", "asking", "status", "expected"),
    [
        (None, HERS, State.DEPRECATED, WRONG),
        (None, THEIRS, State.WITHDRAWN, WRONG),
        (FIRST, HERS, State.DEPRECATED, None),
        (FIRST, HERS, State.WITHDRAWN, None),
        (FIRST, HERS, State.CURRENT, None),
        (FIRST, THEIRS, State.DEPRECATED, NOT_ALLOWED),
        (FIRST, THEIRS, State.WITHDRAWN, NOT_ALLOWED),
        (GONE, HERS, State.DEPRECATED, WRONG),
        (GONE, HERS, State.WITHDRAWN, WRONG),
        (GONE, HERS, State.CURRENT, WRONG),
        (GONE, THEIRS, State.WITHDRAWN, NOT_ALLOWED),
        (replace(FIRST, state=State.DEPRECATED), HERS, State.DEPRECATED, None),
        (replace(FIRST, state=State.DEPRECATED), HERS, State.CURRENT, None),
        (replace(FIRST, state=State.DEPRECATED), HERS, State.WITHDRAWN, None),
        (replace(FIRST, state=State.WITHDRAWN), HERS, State.WITHDRAWN, None),
        (replace(FIRST, state=State.WITHDRAWN), HERS, State.CURRENT, WRONG),
        (replace(FIRST, state=State.WITHDRAWN), HERS, State.DEPRECATED, WRONG),
    ],
)
def test_only_its_author_takes_a_document_back(
    target: Version | None, asking: Asking, status: State, expected: ImportCode | None
) -> None:
    assert objection_to_update(target, asking, status) is expected
