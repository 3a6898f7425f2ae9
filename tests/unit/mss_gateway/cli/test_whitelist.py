"""`mss whitelist`: brought in whole or not at all, each refusal one line, everything on record."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.certificate import fingerprint
from mss_gateway.directory.whitelist_xml import DOCUMENT_OCTETS
from tests.support.white_lists import list_signer, signed, white_list
from tests.unit.mss_gateway.cli.desk_site import Mss

IMPORT, VERIFY, DIFF, SHOW = (("whitelist", verb) for verb in ("import", "verify", "diff", "show"))
GROUP = (
    '<Operateur nom="Ville"><Domaine><Nom>{}</Nom></Domaine>'
    "<Domaine><Nom>{}</Nom></Domaine></Operateur>"
)


def write(mss: Mss, *entries: str, name: str = "liste.xml", day: int | None = None) -> str:
    inside = "" if day is None else f"<DateCreation>2026-11-{day:02}</DateCreation>"
    return write_octets(mss, white_list(*entries, inside=inside), name)


def write_octets(mss: Mss, document: bytes, name: str = "liste.xml") -> str:
    file = mss.folder / name
    file.write_bytes(document)
    return str(file)


def configure(mss: Mss, *lines: str) -> None:
    with mss.config_file.open("a", encoding="utf-8") as file:
        file.write("\n".join(["[whitelist]", *lines, ""]))


def digest(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


# import


def test_a_list_comes_into_force_and_on_record(mss: Mss) -> None:
    file = write(mss, "a.example", GROUP.format("v.example", "hôpital.example"), day=20)
    told = mss.told(*IMPORT, file)
    assert told == {
        "whitelist": told["whitelist"],
        "new": True,
        "domains": 3,
        "operators": 2,
        "issued_at": "2026-11-20T00:00:00Z",
        "signer": "",
        "passed_over": [],
        "added": ["a.example", "v.example", "xn--hpital-ixa.example"],
        "removed": [],
        "moved": [],
    }
    assert mss.acts()[-1] == ("policy", f"whitelist:{digest(file)}", "brought +3 -0 ~0")
    assert mss.told(*SHOW)["by_operator"] == {
        "Ville": ["v.example", "xn--hpital-ixa.example"],
        "a.example": ["a.example"],
    }


def test_the_same_file_again_confirms(mss: Mss) -> None:
    file = write(mss, "a.example")
    first = mss.told(*IMPORT, file)
    again = mss.told(*IMPORT, file)
    assert (again["new"], again["whitelist"]) == (False, first["whitelist"])
    assert mss.acts()[-1] == ("policy", f"whitelist:{digest(file)}", "confirmed")
    assert "confirmed" in mss(*IMPORT, file).stdout


def test_people_see_what_changed(mss: Mss) -> None:
    mss.told(*IMPORT, write(mss, "a.example", "b.example", "c.example"))
    shown = mss(*IMPORT, write(mss, "d.example", GROUP.format("a.example", "b.example"))).stdout
    assert "+ d.example\n- c.example\n" in shown
    assert "~ a.example: a.example -> Ville\n" in shown


def test_people_are_not_buried_in_a_long_list(mss: Mss) -> None:
    shown = mss(*IMPORT, write(mss, *(f"d{number}.example" for number in range(30)))).stdout
    assert shown.count("+ d") == 20
    assert "and 10 more added; --json has them all" in shown


def test_a_name_that_is_no_domain_is_told_with_its_line(mss: Mss) -> None:
    file = write(mss, "a.example", "a b", "")
    assert mss.told(*IMPORT, file)["passed_over"] == [
        {"line": 4, "name": "a b"},
        {"line": 5, "name": ""},
    ]
    shown = mss(*VERIFY, file).stdout
    assert "line 4: a b is no domain\nline 5: (empty) is no domain\n" in shown


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"", "line 1: not well-formed XML"),
        (b"<!DOCTYPE a><a/>", "a DOCTYPE is refused"),
        (white_list(), "cut everybody off"),
        (b" " * (DOCUMENT_OCTETS + 1), f"more than {DOCUMENT_OCTETS} octets"),
        (white_list("z.example"), "has no date"),
        (white_list("z.example", inside="<Date>2026-11-19</Date>"), "is of 2026-11-19"),
        (white_list("z.example", inside="<Date>2026-11-21</Date>"), "drops 3 of 3 domains"),
    ],
)
def test_a_refused_list_leaves_the_last_good_one(mss: Mss, document: bytes, why: str) -> None:
    mss.told(*IMPORT, write(mss, "a.example", "b.example", "c.example", day=20))
    before, acts = mss.told(*SHOW), mss.acts()
    bad = write_octets(mss, document, "bad.xml")
    line = mss.refused(*IMPORT, bad)
    assert line.startswith(f"mss: {bad}: ")
    assert why in line
    assert mss.told(*SHOW) == before
    assert mss.acts() == acts


def test_force_is_on_record(mss: Mss) -> None:
    mss.told(*IMPORT, write(mss, "a.example", "b.example", "c.example", day=20))
    file = write(mss, "z.example", day=19)
    assert mss.told(*IMPORT, file, "--force")["removed"] == ["a.example", "b.example", "c.example"]
    assert mss.acts()[-1] == ("policy", f"whitelist:{digest(file)}", "brought +1 -3 ~0 forced")
    bad = write_octets(mss, white_list())
    assert "cut everybody off" in mss.refused(*IMPORT, bad, "--force")


@pytest.mark.parametrize("verb", [IMPORT, VERIFY, DIFF])
def test_a_file_that_is_not_there_is_wrong_usage(mss: Mss, verb: tuple[str, ...]) -> None:
    result = mss(*verb, str(mss.folder / "absent.xml"))
    assert result.exit_code == 2
    assert "is no file" in result.stderr


# signed


def test_only_a_signed_list_is_taken_where_a_signer_is_named(mss: Mss) -> None:
    (mss.folder / "state" / "signer.pem").write_bytes(list_signer().pem)
    configure(mss, 'signer = "signer.pem"')
    plain = white_list("a.example")
    for document, why in (
        (plain, "bears no signature"),
        (signed(plain, list_signer(number=5)), "shows another certificate"),
        (signed(plain, list_signer()).replace(b"a.example", b"b.example"), "altered"),
    ):
        file = write_octets(mss, document)
        assert why in mss.refused(*VERIFY, file)
        assert why in mss.refused(*IMPORT, file, "--force")
    file = write_octets(mss, signed(plain, list_signer()))
    digits = fingerprint(list_signer().certificate)
    assert mss.told(*VERIFY, file)["signer"] == digits
    assert mss.told(*IMPORT, file)["signer"] == digits
    assert mss.told(*SHOW)["signer"] == digits


def test_a_signer_that_cannot_be_read_is_the_system_s(mss: Mss) -> None:
    configure(mss, 'signer = "absent.pem"')
    assert "whitelist.signer" in mss.refused(*VERIFY, write(mss, "a.example"), code=3)


# verify and diff


def test_verify_needs_no_store_and_keeps_nothing(fresh: Mss) -> None:
    file = write(fresh, "a.example", "b.example")
    told = fresh.told(*VERIFY, file)
    assert (told["domains"], told["operators"]) == (2, 2)
    assert not (fresh.folder / "state").exists()
    assert "nothing is kept" in fresh.refused(*IMPORT, file)


def test_a_difference_is_told_and_changes_nothing(mss: Mss) -> None:
    first = mss.told(*DIFF, write(mss, "a.example", "b.example"))
    assert (first["whitelist"], first["added"]) == (None, ["a.example", "b.example"])
    mss.told(*IMPORT, write(mss, "a.example", "b.example"))
    told = mss.told(*DIFF, write(mss, "a.example", "c.example"))
    assert (told["added"], told["removed"], told["moved"]) == (["c.example"], ["b.example"], [])
    assert mss.told(*SHOW)["domains"] == 2
    assert mss.told(*DIFF, write(mss, "a.example", "b.example"))["added"] == []


def test_groups_of_the_configuration_count(mss: Mss) -> None:
    configure(
        mss, 'operators = ["Ville: a.example b.example"]', 'operator_element = "Gestionnaire"'
    )
    told = "<Domaine><Nom>c.example</Nom><Gestionnaire>Autre</Gestionnaire></Domaine>"
    mss.told(*IMPORT, write(mss, "a.example", "b.example", told))
    assert set(mss.told(*SHOW)["by_operator"]) == {"Ville", "Autre"}


# show


def test_before_the_first_list_there_is_nothing_to_show(mss: Mss) -> None:
    assert "mss whitelist import" in mss.refused(*SHOW)
    assert "mss whitelist import" in mss.refused(*SHOW, "--domain", "a.example")


def test_the_list_is_shown_with_its_age(mss: Mss) -> None:
    mss.told(*IMPORT, write(mss, "a.example", day=20))
    told = mss.told(*SHOW)
    assert (told["state"], told["age_hours"], told["domains"]) == ("fresh", 0, 1)
    assert told["issued_at"] == "2026-11-20T00:00:00Z"
    assert told["imported_at"] == told["confirmed_at"]
    assert "a.example: a.example" in mss(*SHOW).stdout


@pytest.mark.parametrize(("hours", "state"), [(25, "fresh"), (27, "late"), (73, "stale")])
def test_a_list_that_nobody_confirms_is_late_and_then_stale(
    mss: Mss, hours: int, state: str
) -> None:
    mss.told(*IMPORT, write(mss, "a.example"))
    before = int(datetime.now(UTC).timestamp()) - hours * 3600
    with mss.gateway() as gateway:
        gateway.database.write(
            lambda tx: tx.sql("UPDATE whitelists SET confirmed_at = ?", (before,))
        )
    told = mss.told(*SHOW)
    assert (told["state"], told["age_hours"]) == (state, hours)


@pytest.mark.parametrize(
    "written", ["hôpital.example", "XN--HPITAL-IXA.example", " hôpital.example"]
)
def test_one_domain_is_shown_however_it_is_written(mss: Mss, written: str) -> None:
    mss.told(*IMPORT, write(mss, GROUP.format("a.example", "hôpital.example")))
    assert mss.told(*SHOW, "--domain", written) == {
        "domain": "xn--hpital-ixa.example",
        "operator": "Ville",
        "other_domains": ["a.example"],
    }


def test_a_domain_outside_is_told_so(mss: Mss) -> None:
    mss.told(*IMPORT, write(mss, "a.example"))
    line = mss.refused(*SHOW, "--domain", "mx.a.example")
    assert "mx.a.example is not in the white list" in line
    assert mss(*SHOW, "--domain", "no domain").exit_code == 2
