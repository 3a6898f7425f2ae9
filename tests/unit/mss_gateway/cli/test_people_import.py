"""`mss people import`: every usable line gets a mailbox, once; the rest is reported by number."""

import csv
import stat
from pathlib import Path

import pytest

from mss_gateway.cli import people_import
from mss_gateway.directory import passwords
from mss_gateway.directory.people import PersonExists
from tests.support.people import patient, professional
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, Mss

HEADING = "type,address,title,given_name,family_name,rpps,ins,birth_date,sex,smime\n"


def doctor_line(order: int, more: str = "") -> str:
    one = professional(order)
    return f"PER,{one.address},Dr,{one.given_name},{one.family_name},{one.rpps},,,,{more}\n"


def patient_line(order: int) -> str:
    one = patient(order)
    return f"PAT,,,{one.given_name},{one.birth_name},,{one.ins},{one.birth_date},{one.sex},\n"


def write(mss: Mss, *lines: str) -> str:
    path = mss.folder / "people.csv"
    path.write_text(HEADING + "".join(lines), encoding="utf-8")
    return str(path)


def handed_over(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_everyone_of_the_file_gets_a_mailbox_and_a_line(mss: Mss) -> None:
    file, out = write(mss, doctor_line(1), patient_line(1), doctor_line(2)), mss.folder / "out.csv"
    told = mss.told("people", "import", file, "--out", str(out))
    assert (told["created"], told["skipped"], told["refused"]) == (3, 0, 0)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    lines = handed_over(out)
    assert sorted(line["address"] for line in lines) == sorted(
        [professional(1).address, patient(1).address, professional(2).address]
    )
    listed = mss.told("people", "list")
    assert len(listed) == 6
    for line in lines:
        (account,) = (one["account"] for one in listed if one["address"] == line["address"])
        is_patient = line["address"] == patient(1).address
        assert len(line["recovery_codes"].split()) == (10 if is_patient else 0)
        assert bool(line["totp_secret"]) == is_patient
        with mss.gateway() as gateway, gateway.database.read() as view:
            kept = passwords.password_hash(view, account)
            assert gateway.passwords.matches(kept, line["password"])


def test_nothing_secret_goes_to_the_terminal(mss: Mss) -> None:
    out = mss.folder / "out.csv"
    result = mss("people", "import", write(mss, doctor_line(1)), "--out", str(out))
    assert result.exit_code == 0
    assert handed_over(out)[0]["password"] not in result.stdout + result.stderr


def test_a_second_run_skips_everyone(mss: Mss) -> None:
    file = write(mss, doctor_line(0), doctor_line(1), patient_line(1))
    first = mss.told("people", "import", file, "--out", str(mss.folder / "1.csv"))
    assert (first["created"], first["skipped"]) == (2, 1)
    acts = mss.acts()
    second = mss.told("people", "import", file, "--out", str(mss.folder / "2.csv"))
    assert (second["created"], second["skipped"]) == (0, 3)
    assert handed_over(mss.folder / "2.csv") == []
    assert mss.acts() == acts


def test_the_acts_are_on_record_one_by_one(mss: Mss) -> None:
    file = write(mss, doctor_line(1), doctor_line(2))
    before = len(mss.acts())
    mss.told("people", "import", file, "--out", str(mss.folder / "out.csv"))
    new = mss.acts()[before:]
    assert sorted(act for act, _, _ in new) == ["certificate"] * 2 + ["people"] * 2


def test_refused_lines_are_told_by_number_and_the_others_opened(mss: Mss) -> None:
    file = write(
        mss,
        doctor_line(1),
        "PER,nonsense,Dr,A,B,,,,,\n",
        doctor_line(2, "client"),
        doctor_line(1),
        f"PER,{professional(1).address},Dr,Zoé,Autre,,,,,\n",
    )
    told = mss.told("people", "import", file, "--out", str(mss.folder / "out.csv"), code=1)
    assert (told["created"], told["repeated"], told["refused"]) == (1, 1, 3)
    assert [one["line"] for one in told["reasons"]] == [3, 4, 6]
    assert told["reasons"][1]["why"].startswith("smime:")


def test_the_report_for_people_has_the_same_lines(mss: Mss) -> None:
    file = write(mss, "PER,nonsense,Dr,A,B,,,,,\n", doctor_line(1).replace("99000000", "19000000"))
    result = mss("people", "import", file, "--out", str(mss.folder / "out.csv"))
    assert result.exit_code == 1
    assert "1 opened, 0 there already, 0 repeated, 1 refused." in result.stdout
    assert "refused because" in result.stdout
    assert "look again" in result.stdout


def test_a_dry_run_changes_nothing(mss: Mss) -> None:
    file = write(mss, doctor_line(0), doctor_line(1), "PER,x,,,,,,,,\n")
    acts = mss.acts()
    told = mss.told("people", "import", file, "--dry-run", code=1)
    assert (told["dry_run"], told["created"], told["skipped"], told["refused"]) == (True, 1, 1, 1)
    assert len(mss.told("people", "list")) == 3
    assert mss.acts() == acts


@pytest.mark.parametrize("words", [(), ("--dry-run", "--out", "x.csv")])
def test_either_a_file_for_passwords_or_a_dry_run(mss: Mss, words: tuple[str, ...]) -> None:
    assert mss("people", "import", write(mss, doctor_line(1)), *words).exit_code == 2
    assert len(mss.told("people", "list")) == 3


def test_a_file_of_passwords_is_never_overwritten(mss: Mss) -> None:
    out = mss.folder / "out.csv"
    out.write_text("kept", "utf-8")
    line = mss.refused("people", "import", write(mss, doctor_line(1)), "--out", str(out))
    assert "choose another name" in line
    assert out.read_text("utf-8") == "kept"
    assert len(mss.told("people", "list")) == 3


def test_a_file_that_is_not_there_is_wrong_usage(mss: Mss) -> None:
    assert mss("people", "import", str(mss.folder / "no.csv"), "--dry-run").exit_code == 2


def test_a_file_that_is_no_list_of_people_is_refused(mss: Mss) -> None:
    path = mss.folder / "other.csv"
    path.write_text("colour\nred\n", "utf-8")
    assert "address or ins" in mss.refused("people", "import", str(path), "--dry-run")


def test_columns_passed_over_are_named(mss: Mss) -> None:
    path = mss.folder / "people.csv"
    path.write_text("address,given_name,family_name,colour\n", "utf-8")
    assert mss.told("people", "import", str(path), "--dry-run")["ignored_columns"] == ["colour"]
    assert "colour" in mss("people", "import", str(path), "--dry-run").stdout


def test_more_people_than_a_batch(mss: Mss, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_import, "BATCH", 2)
    file = write(mss, *(doctor_line(order) for order in range(1, 6)))
    out = mss.folder / "out.csv"
    assert mss.told("people", "import", file, "--out", str(out))["created"] == 5
    assert len(handed_over(out)) == 5


def test_an_address_that_somebody_opens_meanwhile_is_skipped(
    mss: Mss, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(*_: object) -> None:
        raise PersonExists("PER")

    monkeypatch.setattr("mss_gateway.directory.people.add", taken)
    out = mss.folder / "out.csv"
    told = mss.told("people", "import", write(mss, doctor_line(1)), "--out", str(out))
    assert (told["created"], told["skipped"]) == (0, 1)
    assert handed_over(out) == []


def test_the_report_has_an_end(mss: Mss, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_import, "REPORT_LIMIT", 2)
    file = write(mss, *("PER,x,,,,,,,,\n" for _ in range(3)))
    told = mss.told("people", "import", file, "--dry-run", code=1)
    assert (told["refused"], len(told["reasons"])) == (3, 2)


def test_an_import_may_be_the_first_act_of_a_site(fresh: Mss) -> None:
    out = fresh.folder / "out.csv"
    file = write(fresh, doctor_line(0))
    assert "nothing is kept" in fresh.refused("people", "import", file, "--dry-run")
    assert fresh.told("people", "import", file, "--out", str(out))["created"] == 1
    assert fresh.told("people", "list")[0]["address"] == DOCTOR.address
