"""Fields and files of people: what is accepted as it comes, what is refused, line by line."""

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.config import Config, Identity
from mss_gateway.directory import importing
from mss_gateway.directory.importing import (
    COLUMNS,
    NAME_LIMIT,
    Accepted,
    FieldRefused,
    FileRefused,
    Outcome,
    Rejected,
    Repeated,
    new_person,
    read,
)
from mss_gateway.directory.people import NewPerson, Traits
from policies.people import Standing
from tests.support.people import PAT_TROIS, ins, patient, professional, rpps

CONFIG = Config()
DOCTOR = {
    "address": "claire.martin@mss.example",
    "title": "Dr",
    "given_name": "Claire",
    "family_name": "Martin",
}
PATIENT = {
    "type": "PAT",
    "ins": PAT_TROIS.ins,
    "given_name": PAT_TROIS.given_name,
    "family_name": PAT_TROIS.birth_name,
    "birth_date": PAT_TROIS.birth_date,
    "sex": PAT_TROIS.sex,
}
ORGANISATION = {"type": "ORG", "address": "secretariat@mss.example", "entity": "Cabinet"}
HEADING = "address,given_name,family_name,rpps,structure\n"


def outcomes(text: str, config: Config = CONFIG) -> list[Outcome]:
    return list(read(io.StringIO(text, newline=""), config).outcomes)


def why(fields: dict[str, str]) -> str:
    with pytest.raises(FieldRefused) as refused:
        new_person(fields, CONFIG)
    return str(refused.value)


# fields


def test_a_professional_is_read_with_the_defaults() -> None:
    assert new_person(DOCTOR, CONFIG) == NewPerson(
        "claire.martin@mss.example",
        "PER",
        Traits("Dr", "Claire", "Martin"),
        smime="gateway",
        sent_copy="client",
        standing=Standing.ACTIVE,
    )


def test_a_patient_has_an_address_of_the_ins_and_was_never_here() -> None:
    person = new_person(PATIENT, CONFIG)
    assert person.address == PAT_TROIS.address
    assert (person.sent_copy, person.standing) == ("server", Standing.CREATED)
    assert person.traits.ins_oid == "1.2.250.1.213.1.4.8"


@pytest.mark.parametrize(
    ("number", "accepts_test", "oid"),
    [
        (ins(), False, "1.2.250.1.213.1.4.8"),
        (ins(), True, "1.2.250.1.213.1.4.10"),
        (ins(sex=7), False, "1.2.250.1.213.1.4.9"),
        (ins(sex=8), True, "1.2.250.1.213.1.4.11"),
    ],
)
def test_the_domain_of_an_identifier(number: str, accepts_test: bool, oid: str) -> None:
    config = replace(CONFIG, identity=Identity(accept_test_ins=accepts_test))
    assert new_person({**PATIENT, "ins": number}, config).traits.ins_oid == oid


def test_a_corsican_ins_makes_a_lower_case_address() -> None:
    number = ins(department="2A")
    person = new_person({**PATIENT, "ins": number.lower()}, CONFIG)
    assert person.traits.ins == number
    assert person.address == f"{number.lower()}@patient.mss.example"


def test_a_patients_own_address_may_be_repeated() -> None:
    assert new_person({**PATIENT, "address": PAT_TROIS.address}, CONFIG).address


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("10000000017", "10000000017"),
        ("810000000017", "10000000017"),
        (" 10 000 000 017 ", "10000000017"),
        ("", ""),
    ],
)
def test_an_rpps_with_or_without_its_prefix(text: str, kept: str) -> None:
    assert new_person({**DOCTOR, "rpps": text}, CONFIG).traits.rpps == kept


@pytest.mark.parametrize("text", ["1000000001", "1000000000177", "0123456789", "1000000001A"])
def test_a_number_that_is_no_rpps_is_refused(text: str) -> None:
    assert why({**DOCTOR, "rpps": text}).startswith("rpps:")


def test_an_organisation_has_no_rpps() -> None:
    assert why({**ORGANISATION, "rpps": "10000000017"}).startswith("rpps:")


@pytest.mark.parametrize(
    ("fields", "change", "names"),
    [
        (DOCTOR, {"type": "DOC"}, "type:"),
        (DOCTOR, {"address": ""}, "address:"),
        (DOCTOR, {"address": "claire.martin"}, "address:"),
        (DOCTOR, {"address": "claire@elsewhere.example"}, "address: the domain"),
        (DOCTOR, {"address": f"{PAT_TROIS.ins}@patient.mss.example"}, "address: the domain"),
        (DOCTOR, {"given_name": ""}, "given_name:"),
        (DOCTOR, {"family_name": " "}, "family_name:"),
        (DOCTOR, {"family_name": "Mar\r\ntin"}, "family_name:"),
        (DOCTOR, {"family_name": "Mar\u202etin"}, "family_name:"),
        (DOCTOR, {"entity": "x\0y"}, "entity:"),
        (DOCTOR, {"smime": "both"}, "smime:"),
        (DOCTOR, {"sent_copy": "none"}, "sent_copy:"),
        (DOCTOR, {"accepts_patient_initiated": "perhaps"}, "accepts_patient_initiated:"),
        (DOCTOR, {"ins": PAT_TROIS.ins}, "ins:"),
        (DOCTOR, {"birth_date": "1979-03-28"}, "birth_date:"),
        (ORGANISATION, {"entity": ""}, "entity:"),
        ({**ORGANISATION, "type": "APP"}, {"entity": ""}, "entity:"),
        ({**ORGANISATION, "type": "CAB"}, {"entity": ""}, "family_name:"),
        (PATIENT, {"ins": ""}, "ins:"),
        (PATIENT, {"ins": PAT_TROIS.ins[:-1] + "0"}, "ins:"),
        (PATIENT, {"birth_date": "28/03/1979"}, "birth_date:"),
        (PATIENT, {"birth_date": "1979-02-29"}, "birth_date:"),
        (PATIENT, {"birth_date": "19790328"}, "birth_date:"),
        (PATIENT, {"sex": "X"}, "sex:"),
        (PATIENT, {"family_name": ""}, "family_name:"),
        (PATIENT, {"address": "claire.martin@mss.example"}, "address: a patient's"),
        (PATIENT, {"accepts_patient_initiated": "yes"}, "accepts_patient_initiated:"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(
    fields: dict[str, str], change: dict[str, str], names: str
) -> None:
    new_person(fields, CONFIG)
    assert why({**fields, **change}).startswith(names)


@pytest.mark.parametrize(("length", "is_fine"), [(NAME_LIMIT, True), (NAME_LIMIT + 1, False)])
def test_a_name_has_a_limit(length: int, is_fine: bool) -> None:
    fields = {**DOCTOR, "family_name": "é" * length}
    if is_fine:
        assert new_person(fields, CONFIG).traits.family_name == "é" * length
    else:
        assert why(fields).startswith("family_name: at most")


def test_a_practice_may_go_by_its_structure() -> None:
    fields = {"type": "CAB", "address": "cabinet@mss.example", "entity": "Cabinet des Tilleuls"}
    assert new_person(fields, CONFIG).box_type == "CAB"


@pytest.mark.parametrize(
    ("word", "flag"), [("yes", True), ("Oui", True), ("1", True), ("no", False), ("", False)]
)
def test_yes_and_no_in_two_languages(word: str, flag: bool) -> None:
    person = new_person({**ORGANISATION, "unlisted": word}, CONFIG)
    assert person.is_unlisted is flag


@pytest.mark.parametrize(
    ("number", "count"), [(rpps(1), 0), ("10000000017", 0), ("10003456789", 1), ("", 0)]
)
def test_a_wrong_key_of_an_rpps_is_a_doubt_and_no_refusal(number: str, count: int) -> None:
    assert len(importing.doubts(new_person({**DOCTOR, "rpps": number}, CONFIG))) == count


# files


def test_lines_have_the_numbers_that_an_editor_shows() -> None:
    text = HEADING + (
        "claire.martin@mss.example,Claire,Martin,,\n"
        "\n"
        "not an address,Paul,Bernard,,\n"
        "ines.dubois@mss.example,Inès,Dubois,,\n"
    )
    found = outcomes(text)
    assert [(type(one), one.line) for one in found] == [
        (Accepted, 2),
        (Rejected, 4),
        (Accepted, 5),
    ]


def test_a_cell_over_two_lines_is_refused_at_its_first_and_the_next_is_counted_right() -> None:
    text = HEADING + 'a@mss.example,"Cla\nire",Martin,,\nb@mss.example,Paul,Bernard,,\n'
    first, second = outcomes(text)
    assert isinstance(first, Rejected)
    assert (first.line, first.why.partition(":")[0]) == (2, "given_name")
    assert (second.line, type(second)) == (4, Accepted)


def test_a_national_extraction_is_read_as_it_comes() -> None:
    text = (
        "Type de BAL;Adresse BAL;Type d'identifiant PP;Identifiant PP;"
        "Identification nationale PP;Identification structure;Civilité d'exercice;"
        "Nom d'exercice;Prénom d'exercice;Libellé profession;Raison sociale structure BAL\r\n"
        "PER;claire.martin@mss.example;8;10000000017;810000000017;;Dr;MARTIN;Claire;Médecin;\r\n"
        "ORG;secretariat@mss.example;;;;990000017;;;;;Cabinet des Tilleuls\r\n"
    )
    reading = read(io.StringIO(text, newline=""), CONFIG)
    assert reading.ignored == ("Type d'identifiant PP", "Identification nationale PP")
    doctor, office = reading.outcomes
    assert isinstance(doctor, Accepted)
    assert doctor.person.traits == Traits(
        "Dr", "Claire", "MARTIN", rpps="10000000017", profession="Médecin"
    )
    assert isinstance(office, Accepted)
    assert (office.person.box_type, office.person.traits.structure) == ("ORG", "990000017")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_separators_line_ends_and_a_byte_order_mark(delimiter: str, end: str, mark: str) -> None:
    cells = [["address", "given_name", "family_name"], ["a@mss.example", "Zoé", "Roux"]]
    text = mark + "".join(delimiter.join(row) + end for row in cells)
    (found,) = outcomes(text)
    assert isinstance(found, Accepted)
    assert found.person.traits.given_name == "Zoé"


def test_several_lines_of_one_professional_are_one_mailbox() -> None:
    one = f"a@mss.example,Claire,Martin,{rpps(1)}"
    found = outcomes(f"{HEADING}{one},990000017\n{one},\nA@MSS.example,C.,MARTIN,8{rpps(1)},x\n")
    assert [type(each) for each in found] == [Accepted, Repeated, Repeated]
    assert found[2] == Repeated(4, 2)


def test_two_mailboxes_of_one_professional_are_two() -> None:
    found = outcomes(
        f"{HEADING}a@mss.example,C,Martin,{rpps(1)},\nb@mss.example,C,Martin,{rpps(1)},\n"
    )
    assert [type(each) for each in found] == [Accepted, Accepted]


@pytest.mark.parametrize("second", [f"Claire,Martin,{rpps(2)}", "Paul,Martin,"])
def test_one_address_for_two_holders_is_refused_with_the_earlier_line(second: str) -> None:
    found = outcomes(f"{HEADING}a@mss.example,Claire,Martin,,\na@mss.example,{second},\n")
    assert found[1] == Rejected(3, "the address of line 2, for another holder")


def test_a_short_line_has_nothing_in_its_last_columns() -> None:
    (found,) = outcomes(f"{HEADING}a@mss.example,Claire,Martin\n")
    assert isinstance(found, Accepted)


def test_empty_cells_too_many_are_fine_and_others_refused() -> None:
    line = "a@mss.example,Claire,Martin,,,"
    assert isinstance(outcomes(f"{HEADING}{line},\n")[0], Accepted)
    assert outcomes(f"{HEADING}{line}x\n") == [Rejected(2, "6 cells under 5 columns")]


def test_a_line_that_is_not_utf8_is_refused_by_itself() -> None:
    octets = (HEADING + "a@mss.example,Claire,Martin,,\n").encode() + (
        b"b@mss.example,In\xe8s,Dubois,,\nc@mss.example,Paul,Bernard,,\n"
    )
    text = io.TextIOWrapper(io.BytesIO(octets), "utf-8", errors="surrogateescape", newline="")
    found = list(read(text, CONFIG).outcomes)
    assert [type(one) for one in found] == [Accepted, Rejected, Accepted]
    assert found[1] == Rejected(3, "not UTF-8")


def test_a_quote_that_never_ends_is_refused_where_it_begins() -> None:
    found = outcomes(f'{HEADING}a@mss.example,Claire,Martin,,\nb@mss.example,"Paul,x,,\n\n')
    assert isinstance(found[0], Accepted)
    assert isinstance(found[1], Rejected)
    assert (found[1].line, len(found)) == (3, 2)


def test_reading_goes_on_after_a_cell_beyond_every_limit() -> None:
    found = outcomes(f"{HEADING}{'x' * 200_000},,,,\na@mss.example,Claire,Martin,,\n")
    assert [(type(one), one.line) for one in found] == [(Rejected, 2), (Accepted, 3)]


@pytest.mark.parametrize("text", ["", "\n", "\ufeff", "name,given_name\nx,y\n"])
def test_a_file_without_a_usable_heading_is_refused_whole(text: str) -> None:
    with pytest.raises(FileRefused):
        read(io.StringIO(text, newline=""), CONFIG)


def test_an_unknown_column_is_named_and_passed_over() -> None:
    reading = read(io.StringIO("adress,ins,colour\n", newline=""), CONFIG)
    assert reading.ignored == ("adress", "colour")
    assert list(reading.outcomes) == []


def test_patients_come_in_a_file_too() -> None:
    one = patient(3)
    text = "type,ins,given_name,family_name,birth_date,sex\n"
    text += f"PAT,{one.ins},{one.given_name},{one.birth_name},{one.birth_date},{one.sex}\n"
    (found,) = outcomes(text)
    assert isinstance(found, Accepted)
    assert found.person.address == one.address


def test_a_reason_never_repeats_what_stood_in_the_line() -> None:
    secret = "Zebulon"
    for name in (column.name for column in COLUMNS):
        fields = {**DOCTOR, name: secret + "\x07"}
        assert secret not in why(fields)


def test_every_column_has_a_meaning_and_no_heading_means_two() -> None:
    headings = [known for one in COLUMNS for known in (one.name, *one.aliases)]
    assert all(one.meaning for one in COLUMNS)
    doubled = {one for one in headings if headings.count(one) > 1}
    assert doubled == {"profession"}


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading(text: str) -> None:
    found = outcomes(f"{HEADING}{text}\n")
    assert all(one.line >= 2 for one in found)
    assert sorted(one.line for one in found) == [one.line for one in found]


def test_the_professionals_of_the_tests_are_read() -> None:
    for order in range(8):
        one = professional(order)
        fields = {
            "address": one.address,
            "title": one.title,
            "given_name": one.given_name,
            "family_name": one.family_name,
            "rpps": one.rpps,
        }
        person = new_person(fields, CONFIG)
        assert importing.doubts(person) == ()
