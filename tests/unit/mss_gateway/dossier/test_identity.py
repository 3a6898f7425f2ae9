"""Comparing patients: the same person in the forms that senders write."""

import pytest

from mss_gateway.dossier.identity import (
    Identifier,
    accepted_oids,
    normal_ins,
    parse_cx,
    same_ins,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "279035121518989^^^&1.2.250.1.213.1.4.8&ISO^NH",
            Identifier("279035121518989", "1.2.250.1.213.1.4.8"),
        ),
        ("1^^^&1.2.3&ISO", Identifier("1", "1.2.3")),
        ("1^^^Hospital&1.2.3&ISO^PI", Identifier("1", "1.2.3")),
        ("1^^^&&ISO", None),
        ("^^^&1.2.3&ISO", None),
        ("1^^^", None),
        ("1", None),
        ("", None),
    ],
)
def test_cx_gives_the_identifier_and_who_issued_it(text: str, expected: Identifier | None) -> None:
    assert parse_cx(text) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("279035121518989", "279035121518989", True),
        ("279035121518989", "2 79 03 51 215 189 89", True),
        ("279035121518989", "2790351215189", True),
        ("2790351215189", "2790351215189", True),
        ("279035121518989", "279035121518988", False),
        ("279035121518989", "2790351215188", False),
        ("279032A21518989", "279032a21518989", True),
        ("279032A21518989", "279032B21518989", False),
        ("", "", False),
        ("279035121518989", "", False),
        ("abc", "abc", False),
    ],
)
def test_matricules_are_compared_normalised(one: str, other: str, expected: bool) -> None:
    assert same_ins(one, other) is expected
    assert same_ins(other, one) is expected


@pytest.mark.parametrize("text", ["27903512151898", "2790351215189890", "279035121518C89", "x"])
def test_what_is_not_a_matricule_has_no_normal_form(text: str) -> None:
    assert normal_ins(text) == ""


def test_test_identities_are_accepted_only_when_asked() -> None:
    assert accepted_oids(accept_test_ins=False) == {"1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9"}
    assert "1.2.250.1.213.1.4.10" in accepted_oids(accept_test_ins=True)
    assert "1.2.250.1.213.1.4.11" in accepted_oids(accept_test_ins=True)
    assert "1.2.250.1.213.1.4.2" not in accepted_oids(accept_test_ins=True)
