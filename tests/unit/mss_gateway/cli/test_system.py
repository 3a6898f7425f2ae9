"""`mss config`, `store`, `doctor`, `failures`: what is in effect, whole and well."""

import os
from dataclasses import fields
from pathlib import Path

import pytest

from mss_gateway import config
from mss_gateway.cli import doctor
from mss_gateway.compose import measuring
from mss_gateway.failures import Failure
from tests.support.source_tree import ROOT
from tests.unit.mss_gateway.cli.desk_site import (
    DOCTOR,
    PATIENT,
    Mss,
    raw_message,
    submit,
    work,
)


def unwell(told: dict[str, list[dict[str, str | bool]]]) -> list[str | bool]:
    return [check["check"] for check in told["checks"] if not check["well"]]


@pytest.fixture
def served(mss: Mss) -> Mss:
    """The site with a server certificate, as it is when it serves."""
    mss.told("certs", "issue-server")
    return mss


# configuration


def test_the_values_in_effect_are_printed(fresh: Mss) -> None:
    told = fresh.told("config", "check")
    sections = {one.name for one in fields(config.Config)} - {"base"}
    assert set(told) == sections
    assert told["certificates"]["key_kind"] == "p256"
    assert told["site"]["domains"] == ["mss.example"]
    assert "certificates.key_kind" in fresh("config", "check").stdout


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[site]\nname = 'x'\n", "site.name"),
        ("[limits]\nrecipients = 0\n", "limits.recipients"),
        ("[listen\n", "config.toml"),
    ],
)
def test_a_configuration_that_cannot_be_used_names_the_key(
    fresh: Mss, text: str, named: str
) -> None:
    fresh.config_file.write_text(text, encoding="utf-8")
    assert named in fresh.refused("config", "check", code=1)
    assert named in fresh.refused("people", "list", code=3)


def test_a_configuration_that_is_not_there_says_how_to_name_another(fresh: Mss) -> None:
    fresh.config_file.unlink()
    assert "--config" in fresh.refused("config", "check")


def test_the_configuration_of_the_project_has_every_key_with_its_default() -> None:
    path = ROOT / "config.toml"
    loaded = config.load(path)
    assert loaded == config.Config(base=path.parent)
    text = path.read_text("utf-8")
    for section in fields(config.Config):
        if section.name != "base":
            assert f"\n[{section.name}]\n" in text
            body = text.partition(f"\n[{section.name}]\n")[2].partition("\n[")[0]
            for key in fields(getattr(loaded, section.name)):
                assert f"\n{key.name} = " in "\n" + body


def test_every_key_of_the_configuration_of_the_project_is_commented() -> None:
    lines = (ROOT / "config.toml").read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        if " = " not in line or line.startswith("#"):
            continue
        above = number
        while lines[above - 1] and not lines[above - 1].startswith("["):
            above -= 1
        assert any(one.startswith("# ") for one in lines[above:number]), line


# a store that is not there


@pytest.mark.parametrize(
    "words",
    [
        ("people", "list"),
        ("people", "show", DOCTOR.address),
        ("certs", "list"),
        ("queue", "list"),
        ("audit", "tail"),
        ("store", "verify"),
        ("store", "index"),
        ("message", "show", "x"),
    ],
)
def test_looking_makes_no_store(fresh: Mss, words: tuple[str, ...]) -> None:
    assert "nothing is kept" in fresh.refused(*words)
    assert not (fresh.folder / "state").exists()


def test_a_store_without_its_root_key_is_the_systems_failure(mss: Mss) -> None:
    (mss.folder / "state" / "root.key").unlink()
    assert "root key" in mss.refused("people", "list", code=3)


def test_another_root_key_opens_nothing(mss: Mss, fresh: Mss) -> None:
    (mss.folder / "state" / "root.key").write_text("mss-root-key:1:" + "0" * 64, "ascii")
    assert "root key" in mss.refused("people", "list", code=3)


def test_what_is_unforeseen_is_named_by_class_and_place(
    mss: Mss, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError(f"of {PATIENT.ins}")

    monkeypatch.setattr("mss_gateway.observability.audit.tail", fail)
    line = mss.refused("audit", "tail", code=3)
    assert "ZeroDivisionError" in line
    assert PATIENT.ins not in line


# store


def test_a_store_with_shared_bodies_is_whole(mss: Mss) -> None:
    with mss.gateway() as gateway:
        raw = raw_message(DOCTOR.address, PATIENT.address)
        submit(gateway, DOCTOR.address, PATIENT.address, raw)
    assert mss.told("store", "verify", "--open")["bodies"] == 1
    with mss.gateway() as gateway:
        work(gateway)
    told = mss.told("store", "verify", "--open")
    assert (told["bodies"], told["opened"]) == (1, True)
    assert told["octets"] > 500
    assert mss("store", "verify").stdout.startswith("The store is whole.")


def test_a_body_that_nobody_holds_is_found(mss: Mss) -> None:
    with mss.gateway() as gateway:
        gateway.database.write(
            lambda tx: tx.sql(
                "INSERT INTO blobs (object_id, octets, chunks, holders) VALUES (x'00', 1, 1, 1)"
            )
        )
    told = mss.told("store", "verify", code=1)
    assert (told["unheld"], told["incomplete"]) == ([1], [1])
    assert "not whole" in mss("store", "verify").stdout


# the text index


def damage_the_index(mss: Mss) -> None:
    with mss.gateway() as gateway:
        gateway.database.write(
            lambda tx: tx.sql("UPDATE search_segments SET sealed = x'00'") and None
        )


def deliver_and_tell(mss: Mss) -> dict[str, int]:
    """A message on both sides, and what the index says of itself."""
    with mss.gateway() as gateway:
        raw = raw_message(DOCTOR.address, PATIENT.address)
        submit(gateway, DOCTOR.address, PATIENT.address, raw)
        work(gateway)
    told: dict[str, int] = mss.told("store", "index")
    return told


def test_what_waits_for_the_index_is_told_and_indexed_when_asked(mss: Mss) -> None:
    before = deliver_and_tell(mss)
    assert before["messages"] == before["waiting"] > 0
    assert (before["segments"], before["damaged"], before["octets"]) == (0, 0, 0)
    assert "not in the index yet" in mss("store", "index").stdout
    after = mss.told("store", "index", "--rebuild")
    assert (after["messages"], after["waiting"]) == (before["messages"], 0)
    assert after["segments"] > 0
    assert after["octets"] > 100
    assert mss("store", "index").stdout.startswith("Every message is in the index.")


def test_a_damaged_index_is_found_and_made_again(served: Mss) -> None:
    deliver_and_tell(served)
    count = served.told("store", "index", "--rebuild")["segments"]
    damage_the_index(served)
    assert served.told("store", "verify")["index_damaged"] == []
    found = served.told("store", "verify", "--open", code=1)["index_damaged"]
    assert len(found) == count
    assert served.told("store", "index")["damaged"] == count
    assert unwell(served.told("doctor", code=1)) == ["text index"]
    assert served.told("store", "index", "--rebuild")["damaged"] == 0
    assert served.told("store", "verify", "--open")["index_damaged"] == []
    assert served.told("doctor")["healthy"]


def test_an_index_far_behind_is_not_healthy(served: Mss, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = deliver_and_tell(served)["waiting"]
    monkeypatch.setattr(doctor, "INDEX_LAG", waiting)
    assert served.told("doctor")["healthy"]
    monkeypatch.setattr(doctor, "INDEX_LAG", waiting - 1)
    assert unwell(served.told("doctor", code=1)) == ["text index"]


# doctor


def test_a_site_that_serves_is_healthy(served: Mss) -> None:
    told = served.told("doctor")
    assert (told["healthy"], unwell(told)) == (True, [])
    assert [check["check"] for check in told["checks"]] == [
        "state directory",
        "root key",
        "server certificate",
        "disk",
        "store",
        "schema",
        "trust anchors",
        "mailbox certificates",
        "keys",
        "revocation",
        "queue",
        "text index",
        "server name",
        "held items",
        "other operators",
        "notices",
    ]
    assert served("doctor").stdout.endswith("Healthy.\n")


def test_a_site_that_never_started_is_not_healthy_and_stays_unmade(fresh: Mss) -> None:
    told = fresh.told("doctor", code=1)
    assert {"state directory", "root key", "store"} <= set(unwell(told))
    assert not (fresh.folder / "state").exists()


def test_a_server_without_certificate_is_not_healthy(mss: Mss) -> None:
    assert unwell(mss.told("doctor", code=1)) == ["server certificate", "server name"]


def test_a_state_open_to_others_is_not_healthy(served: Mss) -> None:
    (served.folder / "state").chmod(0o750)
    assert unwell(served.told("doctor", code=1)) == ["state directory"]


def test_a_root_key_open_to_others_is_not_healthy(served: Mss) -> None:
    (served.folder / "state" / "root.key").chmod(0o640)
    told = served.told("doctor", code=1)
    assert unwell(told) == ["root key", "store"]


def test_anchors_that_are_gone_are_not_healthy(served: Mss) -> None:
    (served.folder / "state" / "pki" / "anchors.pem").unlink()
    told = served.told("doctor", code=1)
    assert unwell(told) == ["store"]
    assert "anchors" in told["checks"][-1]["line"]


def test_foreign_anchors_are_not_healthy(served: Mss, fresh: Mss) -> None:
    fresh.told("certs", "issue-server")
    anchors = Path("state") / "pki" / "anchors.pem"
    (served.folder / anchors).write_bytes((fresh.folder / anchors).read_bytes())
    assert unwell(served.told("doctor", code=1)) == ["trust anchors"]


def test_a_holder_without_a_lasting_certificate_is_not_healthy(served: Mss) -> None:
    (line,) = served.told("certs", "list", "--address", DOCTOR.address)
    served.told("certs", "revoke", line["serial"])
    told = served.told("doctor", code=1)
    assert unwell(told) == ["mailbox certificates"]
    (unlasting,) = (check for check in told["checks"] if not check["well"])
    assert f"accounts {line['account']})" in str(unlasting["line"])
    served.told("people", "suspend", DOCTOR.address)
    assert unwell(served.told("doctor")) == []


@pytest.mark.parametrize(("days", "is_well"), [(729, True), (731, False)])
def test_a_certificate_that_ends_within_the_days_is_not_healthy(
    served: Mss, monkeypatch: pytest.MonkeyPatch, days: int, is_well: bool
) -> None:
    monkeypatch.setattr(measuring, "LASTING_DAYS", days)
    told = served.told("doctor", code=0 if is_well else 1)
    assert ("mailbox certificates" not in unwell(told)) == is_well


@pytest.mark.parametrize(("age", "is_well"), [(890, True), (910, False)])
def test_an_old_item_in_the_queue_is_not_healthy(served: Mss, age: int, is_well: bool) -> None:
    with served.gateway() as gateway:
        raw = raw_message(DOCTOR.address, PATIENT.address)
        submit(gateway, DOCTOR.address, PATIENT.address, raw)
        gateway.database.write(
            lambda tx: tx.sql("UPDATE queue_items SET entered_at = entered_at - ?", (age,))
        )
    told = served.told("doctor", code=0 if is_well else 1)
    assert ("queue" not in unwell(told)) == is_well


def test_a_full_disk_is_not_healthy(served: Mss, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "FREE_OCTETS", 1 << 62)
    assert unwell(served.told("doctor", code=1)) == ["disk"]


def test_a_schema_of_another_release_is_not_healthy(
    served: Mss, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailbox_store.integrity.schema", lambda _: ("0001", "0002"))
    told = served.told("doctor", code=1)
    assert unwell(told) == ["schema"]


# services


@pytest.mark.parametrize("code", [0, 3])
def test_serve_ends_with_the_exit_code_of_the_service(
    fresh: Mss, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    asked: list[Path] = []

    def run(path: Path) -> int:
        asked.append(path)
        return code

    monkeypatch.setattr("mss_gateway.cli.serve.run", run)
    assert fresh("serve").exit_code == code
    assert asked == [fresh.config_file]


def test_demo_has_its_defaults_and_a_highest_port(
    fresh: Mss, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Path, int | None]] = []

    def run(state: Path, base_port: int | None) -> int:
        asked.append((state, base_port))
        return 0

    monkeypatch.setattr("mss_gateway.cli.demo.run", run)
    assert fresh.alone("demo").exit_code == 0
    assert fresh.alone("demo", "--base-port", "65442").exit_code == 0
    assert fresh.alone("demo", "--base-port", "65443").exit_code == 2
    assert asked == [(Path("var/demo"), None), (Path("var/demo"), 65442)]


# failures and printing


def test_every_failure_is_printed(fresh: Mss) -> None:
    told = fresh.told("failures")
    assert [one["failure"] for one in told] == [failure.value for failure in Failure]
    assert all(one["smtp"] and one["imap"] and one["text"] for one in told)


def test_output_for_a_program_is_never_folded_nor_coloured(
    fresh: Mss, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "COLUMNS", "40")
    shown = fresh("failures").stdout
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == len(Failure) + 2
