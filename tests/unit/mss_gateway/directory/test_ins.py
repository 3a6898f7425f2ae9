"""The INS: shape and key, from the agency's own test numbers to what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.directory.ins import normal_ins
from tests.support.people import PAT_TROIS, ins

OFFICIAL = PAT_TROIS.ins
"""The agency's own test number; its example documents concern this patient."""

OFFICIAL_AND_WRONG = "276059205062865"
"""In one of the agency's example documents (VAC_2023.01), with a key that is not its own."""


def test_the_agencys_test_number_is_well_formed() -> None:
    assert normal_ins(OFFICIAL) == OFFICIAL


def test_a_wrong_key_is_refused_whoever_published_it() -> None:
    assert normal_ins(OFFICIAL_AND_WRONG) is None
    assert normal_ins(OFFICIAL_AND_WRONG[:13] + "83") is not None


@given(
    st.integers(1, 8),
    st.integers(0, 99),
    st.sampled_from([*range(1, 13), *range(20, 100)]),
    st.sampled_from(["01", "19", "2A", "2B", "75", "97", "99"]),
    st.integers(0, 999),
    st.integers(0, 999),
)
def test_every_number_with_its_own_key_is_well_formed(
    sex: int, year: int, month: int, department: str, commune: int, order: int
) -> None:
    number = ins(
        sex=sex, year=year, month=month, department=department, commune=commune, order=order
    )
    assert normal_ins(number) == number


@pytest.mark.parametrize("key", [f"{key:02d}" for key in range(100) if key != 89])
def test_every_other_key_is_refused(key: str) -> None:
    assert normal_ins(OFFICIAL[:13] + key) is None


@pytest.mark.parametrize("department", ["2A", "2B"])
def test_corsica_is_read_in_either_case_and_written_in_capitals(department: str) -> None:
    number = ins(department=department, commune=1)
    assert normal_ins(number.lower()) == number


def test_blanks_between_the_groups_are_left_out() -> None:
    assert normal_ins(" 2 79 03 51 215 189 89 ") == "279035121518989"


def test_keys_at_both_ends_of_their_range() -> None:
    keys = {ins(order=order)[13:]: ins(order=order) for order in range(200)}
    assert {"01", "97"} <= keys.keys()
    for key in ("01", "97"):
        assert normal_ins(keys[key]) == keys[key]
    assert normal_ins(keys["97"][:13] + "00") is None
    assert normal_ins(keys["01"][:13] + "98") is None


def relabelled(number: str, at: int, text: str) -> str:
    """The number with ``text`` in its place and the key made right again where it can be."""
    thirteen = (number[:at] + text + number[at + len(text) :])[:13]
    try:
        return thirteen + f"{97 - int(thirteen) % 97:02d}"
    except ValueError:
        return thirteen + "01"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "279035121518",
        "2790351215189",
        "27903512151898",
        "2790351215189890",
        "279035121518989@patient.mss.example",
        "٢٧٩٠٣٥١٢١٥١٨٩٨٩",
        "²79035121518989",
        "279035121518989\n",
        "2790351215189-9",
        relabelled(OFFICIAL, 0, "0"),
        relabelled(OFFICIAL, 0, "9"),
        relabelled(OFFICIAL, 3, "00"),
        relabelled(OFFICIAL, 3, "13"),
        relabelled(OFFICIAL, 3, "19"),
        relabelled(OFFICIAL, 5, "2C"),
        relabelled(OFFICIAL, 5, "A2"),
        relabelled(OFFICIAL, 8, "2A"),
    ],
)
def test_what_is_no_ins_is_refused(text: str) -> None:
    assert normal_ins(text) is None
