"""The invented people: their numbers are well-formed, as the tests of the product rely on it."""

import pytest

from tests.support.people import PAT_TROIS, ins, ins_key, patient, professional, rpps

# CNAM: key = 97 - (N mod 97), Corsica's letters counted as 19 and 18. Published test forms, and
# two Corsican numbers worked out by hand: 2790319999001 mod 97 and 2790318999001 mod 97.
KNOWN = ("279035121518989", "146026322000196", "255069999999934")


@pytest.mark.parametrize("number", KNOWN)
def test_the_key_agrees_with_published_numbers(number: str) -> None:
    assert ins_key(number[:13]) == number[13:]


@pytest.mark.parametrize(("department", "counted"), [("2A", 19), ("2B", 18)])
def test_corsica_counts_as_a_number_in_the_key(department: str, counted: int) -> None:
    number = ins(department=department, order=1)
    assert number[5:7] == department
    assert int(number[13:]) == 97 - (27903 * 10**8 + counted * 10**6 + 999001) % 97


def test_a_number_of_another_length_has_no_key() -> None:
    with pytest.raises(ValueError, match="13 characters"):
        ins_key("12345")


def test_people_differ_from_one_another() -> None:
    assert len({patient(n).address for n in range(50)}) == 50
    assert len({professional(n).address for n in range(50)}) == 50
    assert len({rpps(n) for n in range(50)}) == 50


def test_a_patient_is_who_the_number_says() -> None:
    someone = patient(3)
    assert someone.sex == "M"
    assert someone.ins.startswith("1" + someone.birth_date[2:4] + someone.birth_date[5:7])
    assert PAT_TROIS.address.startswith("279035121518989@patient.")


def test_the_first_professional_is_claire_martin() -> None:
    assert professional(0).address.startswith("claire.martin@")
    assert professional(0).display_name == "Dr Claire MARTIN"
