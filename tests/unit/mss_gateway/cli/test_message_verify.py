"""`mss message verify`: the copies of a message judged again, from what was kept with them."""

import pytest

from certs.certificate import fingerprint
from mailbox_store.database import Transaction
from mss_gateway.cli import message_verify
from mss_gateway.directory import people
from mss_gateway.message.explanation import ORIGINAL_NAME
from tests.unit.mss_gateway.cli import foreign, mail_site
from tests.unit.mss_gateway.cli.desk_site import (
    DOCTOR,
    PATIENT,
    PHARMACY,
    Mss,
    raw_message,
    submit,
    work,
)
from tests.unit.mss_gateway.cli.mail_site import AUTHOR, arrive, author, letter, sign

VERIFY = ("message", "verify")
CLIENT = "paul.bernard@mss.example"


@pytest.fixture
def linked(mss: Mss) -> Mss:
    """The other operator's authority is believed, and its lists are there."""
    mail_site.believe(mss)
    mail_site.publish(mss)
    return mss


def send(mss: Mss, *recipients: str) -> str:
    """From the doctor to all of them openly, signed by the gateway, and delivered."""
    copied = "".join(f"Cc: <{one}>\r\n" for one in recipients[1:])
    raw = copied.encode() + raw_message(DOCTOR.address, recipients[0])
    with mss.gateway() as gateway:
        ref = submit(gateway, DOCTOR.address, recipients[0], raw, *recipients[1:])
        work(gateway)
    return ref


def account(mss: Mss, address: str) -> int:
    with mss.gateway() as gateway, gateway.database.read() as view:
        person = people.by_address(view, address)
        assert person is not None
        return person.account_id


def execute(mss: Mss, statement: str) -> None:
    """Do to the store what no code of ours does."""

    def unit(tx: Transaction) -> None:
        tx.sql(statement, ())

    with mss.gateway() as gateway:
        gateway.database.write(unit)


def test_what_the_gateway_signed_holds_in_every_copy(mss: Mss) -> None:
    ref = send(mss, PHARMACY, PATIENT.address)
    lines = mss.told(*VERIFY, ref)
    accounts = {account(mss, address) for address in (PHARMACY, PATIENT.address)}
    assert {line["account"] for line in lines} == accounts
    for line in lines:
        assert (line["then"], line["now"], line["holds"]) == ("valide", "valide", True)
        assert (line["content"], line["anchor"]) == ("as it was signed", "believed")
        assert line["signer"] == [DOCTOR.address] and line["cause"] is None
        assert {answer["kind"] for answer in line["answers"]} == {"directory"}
        assert line["sentence"].startswith("La signature est valide")


def test_what_came_from_elsewhere_names_the_lists_it_rests_on(linked: Mss) -> None:
    ref = arrive(linked, sign(letter(), author()))
    (line,) = linked.told(*VERIFY, ref.upper())
    assert (line["then"], line["now"], line["holds"]) == ("valide", "valide", True)
    assert line["signer"] == [AUTHOR]
    assert [answer["kind"] for answer in line["answers"]] == ["crl", "crl"]
    assert all(len(answer["sha256"]) == 64 for answer in line["answers"])


def test_people_read_a_table_and_a_sentence_and_no_content(linked: Mss) -> None:
    result = linked(*VERIFY, arrive(linked, sign(letter(), author())))
    assert result.exit_code == 0
    for shown in ("then", "now", "valide", "believed", "as it was signed", "n'a pas été modifié"):
        assert shown in result.stdout
    assert "résultats" not in result.stdout and "Compte rendu" not in result.stdout


def test_what_was_learned_later_changes_nothing(linked: Mss) -> None:
    ref = arrive(linked, sign(letter(), author()))
    mail_site.publish(linked, author().certificate)  # an hour ago, says today's list
    linked.told("certs", "trust", "remove", "--confirm", fingerprint(foreign.authority().root))
    (line,) = linked.told(*VERIFY, ref)
    assert (line["now"], line["holds"]) == ("valide", True)
    assert line["anchor"] == "believed no more"


def test_a_verdict_against_a_message_holds_too(linked: Mss) -> None:
    mail_site.publish(linked, author().certificate)
    ref = arrive(linked, sign(letter(), author()))
    assert ORIGINAL_NAME.encode() in mail_site.kept(linked)
    mail_site.publish(linked)
    (line,) = linked.told(*VERIFY, ref)
    assert (line["then"], line["now"], line["cause"]) == ("revoquee", "revoquee", "revoked")
    assert line["holds"] is True
    assert line["sentence"] == "Le certificat de l'auteur a été révoqué."


def test_what_does_not_come_out_again_is_the_exit_code(linked: Mss) -> None:
    ref = arrive(linked, sign(letter(), author()))
    execute(linked, "DELETE FROM evidence_uses")
    execute(linked, "DELETE FROM evidence_exhibits")
    (line,) = linked.told(*VERIFY, ref, code=1)
    assert (line["then"], line["now"], line["cause"]) == ("valide", "autorite-inconnue", "no_path")
    assert (line["content"], line["anchor"], line["holds"]) == ("as it was signed", None, False)


def test_only_the_reader_s_program_can_judge_what_is_sealed_for_it(mss: Mss) -> None:
    keys = mss.folder / "cles"
    keys.mkdir()
    mss.told(
        *("people", "add", "--address", CLIENT, "--given-name", "Paul"),
        *("--family-name", "Bernard", "--smime", "client", "--key-out", str(keys)),
    )
    (line,) = mss.told(*VERIFY, send(mss, CLIENT), code=1)
    assert (line["now"], line["content"], line["holds"]) == ("non-verifiee", None, None)


def test_a_damaged_copy_is_one_line(mss: Mss) -> None:
    ref = send(mss, PHARMACY)
    execute(mss, "UPDATE blob_chunks SET sealed = zeroblob(length(sealed))")
    line = mss.refused(*VERIFY, ref)
    assert f"the copy of account {account(mss, PHARMACY)} is damaged" in line


@pytest.mark.parametrize("ref", ["0" * 26, "", "é", "x' OR 1=1 --"])
def test_a_reference_that_nobody_has_is_said(mss: Mss, ref: str) -> None:
    assert "no mailbox has a message" in mss.refused(*VERIFY, ref)


def test_the_act_is_on_record_with_its_result(linked: Mss) -> None:
    ref = arrive(linked, sign(letter(), author()))
    linked.told(*VERIFY, ref)
    execute(linked, "DELETE FROM evidence_uses")
    execute(linked, "DELETE FROM evidence_exhibits")
    linked.told(*VERIFY, ref, code=1)
    found = [act for act in linked.acts() if act[0] == "verify"]
    assert sorted(found) == [
        ("verify", "1 copies", "does not hold"),
        ("verify", "1 copies", "holds"),
    ]


@pytest.mark.parametrize(
    ("holds", "verdict"),
    [
        ([True], "holds"),
        ([True, None], "holds"),
        ([True, None, False], "does not hold"),
        ([None], "cannot be told"),
    ],
)
def test_one_copy_that_does_not_hold_counts(holds: list[bool | None], verdict: str) -> None:
    assert message_verify._verdict(list(holds)) == verdict


def test_the_copies_looked_at_are_bounded(mss: Mss, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = send(mss, PHARMACY, PATIENT.address)
    monkeypatch.setattr(message_verify, "COPIES", 1)
    assert len(mss.told(*VERIFY, ref)) == 1
