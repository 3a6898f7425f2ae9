"""The forecast: a line for every month, what renews itself apart from what somebody must do."""

from datetime import UTC, datetime, timedelta

import pytest

from certs.keyring import PrivateKey
from mss_gateway.cli.certs_expiry import CHART_WIDTH, FULL, LIGHT, Month, bar
from mss_gateway.directory import certificates
from tests.unit.mss_gateway.cli import foreign
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, Mss

EXPIRE = ("certs", "expire")


def month_of(moment: str) -> str:
    return moment[:7]


def add(mss: Mss, days: int) -> str:
    """A certificate of another issuer that ends in so many days: its month."""
    made = foreign.certificate(PrivateKey.generate("p256"), DOCTOR.address, days=days + 1)
    with mss.gateway() as gateway:
        with gateway.database.read() as view:
            account_id = certificates.everything(view)[0].account_id
        gateway.database.write(lambda tx: certificates.add(tx, account_id, made, None))
    return made.not_valid_after_utc.strftime("%Y-%m")


def test_every_month_has_a_line(mss: Mss) -> None:
    months = mss.told(*EXPIRE, "--months", "14")["months"]
    assert len(months) == 14
    names = [one["month"] for one in months]
    assert names[0] == datetime.now(UTC).strftime("%Y-%m")
    assert names == sorted(set(names))
    assert {one["ending"] for one in months} == {0}


def test_what_ends_stands_in_its_month(mss: Mss) -> None:
    own = mss.told("certs", "list")[0]["not_after"]
    foreign_month = add(mss, 40)
    months = {one["month"]: one for one in mss.told(*EXPIRE, "--months", "30")["months"]}
    assert months[month_of(own)]["by_itself"] == 3
    assert months[foreign_month]["by_hand"] == 1
    assert sum(one["ending"] for one in months.values()) == 4


def test_what_has_a_successor_or_was_revoked_or_has_ended_does_not_count(mss: Mss) -> None:
    listed = mss.told("certs", "list")
    mss.told("certs", "renew", DOCTOR.address)
    mss.told("certs", "revoke", listed[1]["serial"])
    made = foreign.certificate(
        PrivateKey.generate("p256"), DOCTOR.address, since=timedelta(days=-9), days=8
    )
    with mss.gateway() as gateway:
        account_id = listed[0]["account"]
        gateway.database.write(lambda tx: certificates.add(tx, account_id, made, None))
    months = mss.told(*EXPIRE, "--months", "36")["months"]
    # the pharmacy's and the doctor's new one
    assert sum(one["ending"] for one in months) == 2


def test_the_last_month_is_whole_and_the_next_is_not_there(mss: Mss) -> None:
    own = mss.told("certs", "list")[0]["not_after"]
    today = datetime.now(UTC)
    end = datetime.fromisoformat(own)
    months = (end.year - today.year) * 12 + end.month - today.month + 1
    for number, count in ((months, 3), (months - 1, 0)):
        told = mss.told(*EXPIRE, "--months", str(number))["months"]
        assert sum(one["ending"] for one in told) == count


def test_what_all_stand_on_is_told_the_first_to_end_first(mss: Mss) -> None:
    mss.told("certs", "issue-server")
    foundations = mss.told(*EXPIRE)["foundations"]
    assert foundations[0]["what"] == "server certificate"
    assert {one["what"].partition(" ")[0] for one in foundations} == {"server", "issuing", "anchor"}
    ends = [one["not_after"] for one in foundations]
    assert ends == sorted(ends)


def test_people_see_a_chart(mss: Mss) -> None:
    add(mss, 40)
    shown = mss(*EXPIRE, "--months", "30").stdout
    assert LIGHT * CHART_WIDTH in shown
    assert FULL in shown
    assert "issuing authority" in shown


@pytest.mark.parametrize(
    ("by_hand", "by_itself", "longest", "drawn"),
    [
        (0, 0, 0, ""),
        (0, 0, 7, ""),
        (4, 0, 4, FULL * 40),
        (0, 1, 1, LIGHT * 40),
        (1, 0, 100_000, FULL),
        (1, 99_999, 100_000, FULL + LIGHT * 40),
        (10, 30, 40, FULL * 10 + LIGHT * 30),
    ],
)
def test_a_bar_shows_even_the_least(by_hand: int, by_itself: int, longest: int, drawn: str) -> None:
    assert bar(Month("2027-01", by_itself, by_hand), longest) == drawn


@pytest.mark.parametrize("months", ["0", "121"])
def test_what_cannot_be_looked_at_is_wrong_usage(mss: Mss, months: str) -> None:
    assert mss(*EXPIRE, "--months", months).exit_code == 2
