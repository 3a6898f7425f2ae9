"""The failures table is whole, and each row agrees with itself and with the French texts."""

import pytest

from mss_gateway import failures, texts
from mss_gateway.failures import Failure
from tests.support import printed_tables

EVERY = list(Failure)

# RFC 5530 §3, and TOOBIG of RFC 4469 §5.
IMAP_CODES = frozenset(
    [
        "UNAVAILABLE",
        "AUTHENTICATIONFAILED",
        "AUTHORIZATIONFAILED",
        "EXPIRED",
        "PRIVACYREQUIRED",
        "CONTACTADMIN",
        "NOPERM",
        "INUSE",
        "EXPUNGEISSUED",
        "CORRUPTION",
        "SERVERBUG",
        "CLIENTBUG",
        "CANNOT",
        "LIMIT",
        "OVERQUOTA",
        "ALREADYEXISTS",
        "NONEXISTENT",
        "TOOBIG",
    ]
)

REPLY_LINE = 512  # RFC 5321 §4.5.3.1.5, code and CRLF included
MESSAGE_REF = 26  # a UUID in base32


def test_every_failure_has_a_row() -> None:
    assert len(EVERY) >= 40
    for failure in EVERY:
        failures.row(failure)


def test_every_name_is_its_value() -> None:
    assert [one.value for one in EVERY] == [one.name.lower() for one in EVERY]


@pytest.mark.parametrize("failure", EVERY, ids=lambda failure: failure.value)
def test_codes_of_a_row_agree(failure: Failure) -> None:
    row = failures.row(failure)
    assert row.smtp // 100 in (4, 5)
    kind, subject, detail = (int(digits) for digits in row.enhanced.split("."))
    assert kind == row.smtp // 100
    assert 0 <= subject <= 7
    assert 0 <= detail <= 99
    assert row.retry == (row.smtp // 100 == 4)
    assert row.imap in IMAP_CODES
    assert 400 <= row.http <= 599


@pytest.mark.parametrize("failure", EVERY, ids=lambda failure: failure.value)
def test_the_line_fits_the_wire_in_ascii(failure: Failure) -> None:
    row = failures.row(failure)
    said = f"{row.smtp} {row.enhanced} {texts.ascii_line(row.text)} {'x' * MESSAGE_REF}\r\n"
    assert said.isascii()
    assert len(said) <= REPLY_LINE
    assert not texts.fields(row.text)


@pytest.mark.parametrize("failure", EVERY, ids=lambda failure: failure.value)
def test_what_may_be_tried_again_is_not_called_a_refusal(failure: Failure) -> None:
    row = failures.row(failure)
    section = row.text.partition(".")[0]
    if failure is Failure.TOO_MANY_RECIPIENTS:  # those accepted leave; the rest in another message
        assert (section, row.retry) == ("refus", True)
    elif failure is Failure.BUG:
        assert (section, row.retry) == ("erreur", True)
    else:
        assert section == ("attente" if row.retry else "refus")


def test_an_unreachable_patient_is_one_answer_for_every_cause() -> None:
    """An INS is no oracle: unknown, opposed, closed and suspended are one member."""
    about_patients = [one for one in EVERY if failures.row(one).text == "refus.usager_indisponible"]
    assert about_patients == [Failure.PATIENT_UNREACHABLE]


def test_a_suspended_account_answers_like_a_wrong_password() -> None:
    assert failures.row(Failure.ACCOUNT_SUSPENDED) == failures.row(Failure.BAD_CREDENTIALS)


def test_a_refusal_tells_its_cause_to_nobody() -> None:
    refused = failures.Refused(Failure.BUG, cause="disk /dev/x is gone")
    assert "disk" not in str(refused)


def test_the_printed_table_is_the_table() -> None:
    page = printed_tables.PAGE.read_text("utf-8")
    assert printed_tables.with_tables(page) == page, "run `make docs`"
