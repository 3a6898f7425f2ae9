"""Whoever is shown as a signer is named so by the certificate, the header, the envelope and us."""

from dataclasses import replace

import pytest

from policies.authorship import RULES, AuthorshipFacts, Disagreement, disagreement

MARTIN, OTHER = "claire.martin@mss.example", "paul.bernard@mss.example"
AGREED = AuthorshipFacts(
    from_field_count=1,
    from_addresses=(MARTIN,),
    addresses_in_names=(),
    sender_addresses=(),
    reverse_path=MARTIN,
    signer_addresses=frozenset({MARTIN}),
    signer_fingerprint="ab",
    directory_fingerprints=frozenset({"ab", "cd"}),
    author_is_ours=True,
    holders_of_key=frozenset({MARTIN}),
)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"sender_addresses": (MARTIN,)},
        {"addresses_in_names": (MARTIN,)},
        {"reverse_path": None},
        {"directory_fingerprints": frozenset(), "author_is_ours": False},
        {"holders_of_key": frozenset()},
        {"signer_addresses": frozenset({MARTIN, OTHER}), "holders_of_key": frozenset({OTHER})},
    ],
)
def test_what_agrees_is_shown(change: dict[str, object]) -> None:
    assert disagreement(replace(AGREED, **change)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"from_field_count": 0}, Disagreement.AUTHORS_UNCLEAR),
        ({"from_field_count": 2}, Disagreement.AUTHORS_UNCLEAR),
        ({"from_addresses": ()}, Disagreement.AUTHORS_UNCLEAR),
        ({"from_addresses": (MARTIN, MARTIN)}, Disagreement.AUTHORS_UNCLEAR),
        ({"from_addresses": (OTHER,)}, Disagreement.AUTHOR_IS_OTHER),
        ({"signer_addresses": frozenset()}, Disagreement.AUTHOR_IS_OTHER),
        ({"sender_addresses": (OTHER,)}, Disagreement.SENDER_IS_OTHER),
        ({"sender_addresses": (MARTIN, OTHER)}, Disagreement.SENDER_IS_OTHER),
        ({"addresses_in_names": (OTHER,)}, Disagreement.NAME_IS_OTHER),
        ({"reverse_path": OTHER}, Disagreement.REVERSE_PATH_IS_OTHER),
        ({"directory_fingerprints": frozenset({"cd"})}, Disagreement.CERTIFICATE_IS_OTHER),
        ({"directory_fingerprints": frozenset()}, Disagreement.CERTIFICATE_IS_OTHER),
        (
            {"directory_fingerprints": frozenset({"cd"}), "author_is_ours": False},
            Disagreement.CERTIFICATE_IS_OTHER,
        ),
        ({"holders_of_key": frozenset({MARTIN, OTHER})}, Disagreement.KEY_IS_SHARED),
    ],
)
def test_one_that_says_something_else_is_enough(
    change: dict[str, object], expected: Disagreement
) -> None:
    assert disagreement(replace(AGREED, **change)) is expected  # type: ignore[arg-type]


def test_every_disagreement_has_one_rule() -> None:
    assert [rule.disagreement for rule in RULES] == list(Disagreement)
