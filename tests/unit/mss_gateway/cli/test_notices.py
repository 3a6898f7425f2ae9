"""`mss people contact`, `mss notices list|retry|drop`, and the line of `mss doctor`."""

import pytest

from mailbox_store.database import Transaction
from mss_gateway.cli.doctor_notices import FAILING_SECONDS, examine
from mss_gateway.directory import contact, notice_leases, people
from mss_gateway.directory.contact import State
from mss_gateway.directory.notice_kinds import Kind
from mss_gateway.life import notices
from tests.support.plain_relay import AUTHOR, BASE_URL, settings, telling
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, PATIENT, Mss

ADDRESS = "boite-7@courriel.example"
CHECKED = "--identity-checked"
CHANNEL = f"""
[notices]
host = "127.0.0.1"
tls = "none"
from_address = "{AUTHOR}"
base_url = "{BASE_URL}"
"""


@pytest.fixture
def told(mss: Mss) -> Mss:
    """The patient has an address, and the site sends notices."""
    with mss.config_file.open("a", encoding="utf-8") as file:
        file.write(CHANNEL)
    mss.told("people", "contact", PATIENT.ins, ADDRESS, CHECKED)
    return mss


def announce(mss: Mss, kind: Kind = Kind.CRITICAL) -> None:
    def unit(tx: Transaction) -> None:
        person = people.by_address(tx, PATIENT.address)
        assert person is not None
        notices.announce(gateway, tx, person.account_id, kind)

    with mss.gateway() as gateway:
        gateway.database.write(unit)


def test_an_address_is_placed_shown_and_removed(mss: Mss) -> None:
    assert mss.told("people", "contact", PATIENT.ins)["state"] == "none"
    placed = mss.told("people", "contact", PATIENT.ins, "Boite-7@Courriel.example", CHECKED)
    assert (placed["contact"], placed["state"]) == (ADDRESS, "confirmed")
    assert mss.told("people", "contact", PATIENT.address) == placed
    assert mss.told("people", "contact", PATIENT.ins, "--remove", CHECKED)["contact"] is None
    assert mss("people", "contact", PATIENT.ins, "--remove", CHECKED).exit_code == 1


def test_what_was_done_is_on_record_without_the_address(mss: Mss) -> None:
    mss.told("people", "contact", PATIENT.ins, ADDRESS, CHECKED)
    with mss.gateway() as gateway, gateway.database.read() as view:
        rows = view.sql("SELECT actor, act, object, verdict FROM audit").fetchall()
    assert ("operator", "people", "contact placed") in [(row[0], row[1], row[3]) for row in rows]
    assert ADDRESS not in repr(rows)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((PATIENT.ins, ADDRESS), 2),  # nobody was checked
        ((PATIENT.ins, "--remove"), 2),
        ((PATIENT.ins, ADDRESS, "--remove", CHECKED), 2),
        ((PATIENT.ins, "camille", CHECKED), 1),
        ((PATIENT.ins, "camille@mss.example", CHECKED), 1),
        ((DOCTOR.address, ADDRESS, CHECKED), 1),
        (("personne@mss.example", ADDRESS, CHECKED), 1),
    ],
)
def test_what_is_refused(mss: Mss, arguments: tuple[str, ...], code: int) -> None:
    result = mss("people", "contact", *arguments)
    assert result.exit_code == code
    assert mss.told("people", "contact", PATIENT.ins)["contact"] is None


def test_what_waits_is_listed_without_what_it_is_about(told: Mss) -> None:
    assert told.told("notices", "list") == []
    announce(told)
    (line,) = told.told("notices", "list")
    assert (line["state"], line["attempts"], line["last_failure"]) == ("due", 0, None)
    shown = told("notices", "list").stdout
    for word in (ADDRESS, "critical", PATIENT.ins):
        assert word not in shown


def test_one_is_sent_now_or_never(told: Mss) -> None:
    announce(told, Kind.MESSAGE)
    (line,) = told.told("notices", "list")
    number = str(line["notice"])
    assert line["due_in_seconds"] > 0
    told.told("notices", "retry", number, "--reason", "test")
    (line,) = told.told("notices", "list")
    assert line["due_in_seconds"] == 0
    told.told("notices", "drop", number, "--reason", "mistake")
    assert told.told("notices", "list") == []
    for verb in ("retry", "drop"):
        assert told("notices", verb, number, "--reason", "test").exit_code == 1


def test_the_doctor_says_nothing_ill_where_none_are_sent(mss: Mss) -> None:
    with mss.gateway() as gateway, gateway.database.read() as view:
        (check,) = examine(gateway, view)
    assert check.is_well
    assert "none are sent" in check.line


def test_the_doctor_sees_a_relay_that_takes_nothing(told: Mss) -> None:
    announce(told)
    with told.gateway() as gateway:
        now = gateway.queue_clock.now()
        for age, is_well in ((FAILING_SECONDS - 60, True), (FAILING_SECONDS + 60, False)):
            (claimed,) = notices.take(gateway, 1)
            notices.settle(gateway, claimed, notices.Result.AWAY, "unreachable")
            gateway.database.write(
                lambda tx, age=age: tx.sql(  # type: ignore[misc]
                    "UPDATE notices SET entered_at = ?, due_at = ?", (now - age, now)
                )
            )
            with gateway.database.read() as view:
                (check,) = examine(gateway, view)
            assert check.is_well is is_well
            assert "unreachable" in check.line


def test_the_doctor_sees_a_password_that_cannot_be_read(told: Mss) -> None:
    with told.gateway() as opened, opened.database.read() as view:
        gateway = telling(opened, settings(login="x", password_file="rien"))
        (check,) = examine(gateway, view)
    assert not check.is_well
    assert "notices.password_file" in check.line


def test_the_doctor_counts_addresses_that_fail(told: Mss) -> None:
    announce(told)
    with told.gateway() as gateway:
        (claimed,) = notices.take(gateway, 1)
        notices.settle(gateway, claimed, notices.Result.NO_SUCH_ADDRESS, "no such address")
        with gateway.database.read() as view:
            assert contact.of_account(view, claimed.account_id).state is State.FAILING
            assert not notice_leases.has_due(view, gateway.queue_clock.now())
            (check,) = examine(gateway, view)
    assert check.is_well
    assert "1 addresses do not work" in check.line
    assert told.told("people", "contact", PATIENT.ins)["state"] == "failing"
