"""What the operator sees of messages: policy, queue, the life of one message, dossier, journal."""

import json
from typing import get_args

import pytest

from mss_gateway.cli.queue import State
from mss_gateway.dossier import catalogue
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import STAGES, report
from mss_gateway.message.build import OutgoingFile
from mss_gateway.queue import items, leases
from policies import rules
from tests.support.white_lists import white_list
from tests.support.xdm import INS_OID, CdaText, Subject, archive_of, cda_document
from tests.unit.mss_gateway.cli.desk_site import (
    DOCTOR,
    PATIENT,
    PHARMACY,
    SUBJECT,
    Mss,
    raw_message,
    submit,
    work,
)

WHY = ("policy", "why", "--from")


def write_to_patient(mss: Mss, *files: OutgoingFile, delivers: bool = True) -> str:
    raw = raw_message(DOCTOR.address, PATIENT.address, *files)
    with mss.gateway() as gateway:
        ref = submit(gateway, DOCTOR.address, PATIENT.address, raw)
        if delivers:
            work(gateway)
    return ref


def archive_file() -> OutgoingFile:
    subject = Subject(
        PATIENT.ins,
        INS_OID,
        PATIENT.birth_name,
        PATIENT.given_name,
        PATIENT.birth_date.replace("-", ""),
        PATIENT.sex,
    )
    content = archive_of(cda_document(CdaText(subject=subject)))
    return OutgoingFile("IHE_XDM.ZIP", "application/zip", content)


def state_of(told: dict[str, list[dict[str, str]]], stage: str) -> str:
    (found,) = (one["state"] for one in told["stages"] if one["stage"] == stage)
    return found


# policy


def test_a_patient_is_told_why_not_yet(mss: Mss) -> None:
    told = mss.told(*WHY, PATIENT.ins, "--to", DOCTOR.address, code=1)
    assert (told["verdict"], told["reason"]) == ("refused", "not_yet_contacted")
    assert told["told"].startswith("Vous pourrez")
    assert [one["rule"] for one in told["rules"]] == [rule.name for rule in rules.AT_RECIPIENT]
    assert [one["rule"] for one in told["rules"] if one["objection"]] == ["contacted_first"]
    shown = mss(*WHY, PATIENT.ins, "--to", DOCTOR.address)
    assert shown.exit_code == 1
    assert "contacted_first" in shown.stdout


def test_who_is_at_another_operator_is_asked_about_as_their_server_would_be(mss: Mss) -> None:
    listed = mss.folder / "list.xml"
    listed.write_bytes(white_list("mss.example", "ville.example", "patient.ville.example"))
    elsewhere = f"{PATIENT.ins}@patient.ville.example"
    assert "nobody" in mss.refused(*WHY, elsewhere, "--to", DOCTOR.address)
    mss.told("whitelist", "import", str(listed))
    told = mss.told(*WHY, elsewhere, "--to", DOCTOR.address, code=1)
    assert told["reason"] == "not_yet_contacted"
    mss.told(*WHY, elsewhere, "--to", PHARMACY)
    mss.told(*WHY, "luc@ville.example", "--to", DOCTOR.address)
    # a server of theirs hands over for people here only
    told = mss.told(*WHY, "luc@ville.example", "--to", "anne@ville.example", code=1)
    assert told["reason"] == "domain_outside"


@pytest.mark.parametrize(
    ("author", "to"),
    [(DOCTOR.address, PATIENT.ins), (PATIENT.address, PHARMACY), (DOCTOR.address, PHARMACY)],
)
def test_permitted_is_exit_0(mss: Mss, author: str, to: str) -> None:
    told = mss.told(*WHY, author, "--to", to)
    assert (told["verdict"], told["reason"], told["told"]) == ("permitted", None, None)


def test_after_the_first_message_the_exchange_is_open(mss: Mss) -> None:
    write_to_patient(mss)
    told = mss.told(*WHY, PATIENT.address, "--to", DOCTOR.address)
    assert (told["verdict"], told["exchange"]) == ("permitted", "open")
    assert "The exchange is open." in mss(*WHY, PATIENT.address, "--to", DOCTOR.address).stdout


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("zoe@mss.example", "recipient_unknown"),
        ("zoe@elsewhere.example", "domain_outside"),
        ("123@patient.mss.example", "ins_malformed"),
    ],
)
def test_every_refusal_names_its_reason(mss: Mss, to: str, reason: str) -> None:
    assert mss.told(*WHY, DOCTOR.address, "--to", to, code=1)["reason"] == reason


def test_an_unknown_author_is_not_found_and_a_malformed_one_wrong_usage(mss: Mss) -> None:
    assert "nobody" in mss.refused(*WHY, "zoe@mss.example", "--to", DOCTOR.address)
    assert mss(*WHY, "zoe", "--to", DOCTOR.address).exit_code == 2


def test_asking_why_changes_nothing(mss: Mss) -> None:
    before = mss.told("audit", "tail")
    mss.told(*WHY, PATIENT.ins, "--to", DOCTOR.address, code=1)
    assert mss.told("audit", "tail") == before


def test_the_rules_are_printed_in_order(fresh: Mss) -> None:
    told = fresh.told("policy", "show")
    assert [one["rule"] for one in told] == [line.name for line in rules.listing()]
    assert all(one["sentence"] for one in told)


# message and queue


def test_a_delivered_message_tells_every_stage(mss: Mss) -> None:
    ref = write_to_patient(mss)
    told = mss.told("message", "show", ref.upper())
    assert [one["stage"] for one in told["stages"]] == [stage.name for stage in STAGES]
    assert (told["state"], told["queue"]) == ("delivered", [])
    for stage in ("submission", "authn", "policy", "crypto", "store", "queue", "deliver"):
        assert state_of(told, stage) == "passed"
    assert state_of(told, "dossier") == state_of(told, "report") == "nothing to do"
    (delivery,) = (one for one in told["stages"] if one["stage"] == "deliver")
    assert {act["verdict"] for act in delivery["acts"]} == {"delivered", "open"}
    assert all(act["at"].endswith("Z") for act in delivery["acts"])


def test_a_waiting_message_says_for_what(mss: Mss) -> None:
    ref = write_to_patient(mss, delivers=False)
    told = mss.told("message", "show", ref)
    assert told["state"] == "waiting"
    assert (state_of(told, "queue"), state_of(told, "deliver")) == ("waiting", "waiting")
    assert state_of(told, "report") == "not reached"
    assert [(one["stage"], one["attempts"]) for one in told["queue"]] == [("deliver", 0)]
    shown = mss("message", "show", ref).stdout
    assert "waits for" in shown
    assert SUBJECT not in shown


def test_a_refused_message_says_where_it_ended(mss: Mss) -> None:
    raw = raw_message("zoe@mss.example", PATIENT.address)
    with mss.gateway() as gateway:
        with pytest.raises(Refused) as refusal:
            submit(gateway, DOCTOR.address, PATIENT.address, raw)
    assert refusal.value.message_ref is not None
    told = mss.told("message", "show", refusal.value.message_ref)
    assert told["state"] == "refused"
    assert (state_of(told, "submission"), state_of(told, "store")) == ("refused", "not reached")
    assert told["stages"][0]["acts"][0]["verdict"] == "from_not_yours"


def test_a_message_that_ended_in_a_report_says_so(mss: Mss) -> None:
    ref = write_to_patient(mss, delivers=False)
    mss.told("people", "suspend", PATIENT.ins)
    with mss.gateway() as gateway:
        work(gateway)
    told = mss.told("message", "show", ref)
    assert told["state"] == "ended with a report to its author"
    assert state_of(told, "report") == "passed"


def test_a_message_that_reached_one_of_two_says_both(mss: Mss) -> None:
    raw = f"Cc: <{PHARMACY}>\r\n".encode() + raw_message(DOCTOR.address, PATIENT.address)
    with mss.gateway() as gateway:
        ref = submit(gateway, DOCTOR.address, PATIENT.address, raw, PHARMACY)
    mss.told("people", "suspend", PATIENT.ins)
    with mss.gateway() as gateway:
        work(gateway)
    told = mss.told("message", "show", ref)
    assert told["state"] == "delivered to some, reported to its author for others"


def test_a_message_unknown_is_not_found(mss: Mss) -> None:
    assert "no message" in mss.refused("message", "show", "0" * 26)


def test_the_queue_lists_what_waits_without_an_address(mss: Mss) -> None:
    ref = write_to_patient(mss, delivers=False)
    (line,) = mss.told("queue", "list")
    assert (line["message_ref"], line["stage"], line["state"]) == (ref, "deliver", "due")
    assert line["age_seconds"] >= 0
    assert PATIENT.ins not in json.dumps(line)
    assert mss.told("queue", "list", "--state", "due") == [line]
    assert mss.told("queue", "list", "--state", "leased") == []
    assert mss("queue", "list", "--state", "lost").exit_code == 2
    assert ref in mss("queue", "list").stdout


def test_an_item_that_failed_says_why_and_when_next(mss: Mss) -> None:
    write_to_patient(mss, delivers=False)
    with mss.gateway() as gateway:
        with gateway.database.read() as view:
            spool = view.vault.account(view, gateway.spool)
        (item,) = gateway.database.write(lambda tx: leases.claim(tx, spool, 1, tx.now))
        gateway.database.write(
            lambda tx: items.retry(tx, item, tx.now + 60, Failure.STORE_UNAVAILABLE.value)
        )
    (line,) = mss.told("queue", "list")
    assert (line["attempts"], line["last_failure"]) == (1, "store_unavailable")
    assert line["due_at"] > line["created_at"]


def act(mss: Mss, verb: str, what: str, *more: str) -> str:
    done: str = mss.told("queue", verb, what, "--reason", "test", *more)["done"]
    return done


def test_what_is_held_waits_until_it_is_released(mss: Mss) -> None:
    ref = write_to_patient(mss, delivers=False)
    assert act(mss, "hold", ref) == "held"
    with mss.gateway() as gateway:
        work(gateway)
    assert mss.told("queue", "list")[0]["state"] == "held"
    assert "nothing there" in mss.refused("queue", "hold", ref, "--reason", "test")
    assert act(mss, "release", ref) == "released"
    with mss.gateway() as gateway:
        work(gateway)
    assert mss.told("message", "show", ref)["state"] == "delivered"


@pytest.mark.parametrize("is_silent", [False, True])
def test_what_is_dropped_is_reported_unless_the_operator_says_no(mss: Mss, is_silent: bool) -> None:
    ref = write_to_patient(mss, delivers=False)
    act(mss, "hold", ref)
    assert act(mss, "drop", ref, *(["--silent"] if is_silent else [])) == "dropped"
    waiting = mss.told("queue", "list")
    assert [line["message_ref"] == ref for line in waiting] == ([] if is_silent else [False])


def test_a_drop_that_dies_has_done_nothing(mss: Mss, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what is on record as dropped would be due again, and delivered."""
    ref = write_to_patient(mss, delivers=False)
    act(mss, "hold", ref)

    def die(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as dying:
        dying.setattr(report, "send", die)
        assert mss("queue", "drop", ref, "--reason", "under-inquiry").exit_code != 0
    (line,) = mss.told("queue", "list")
    assert (line["message_ref"], line["state"]) == (ref, "held")
    assert "dropped (under-inquiry)" not in [verdict for _, _, verdict in mss.acts()]


def test_the_states_of_the_queue_are_those_of_its_table() -> None:
    assert get_args(State) == items.STATES


# dossier


def test_documents_are_listed_without_content_and_the_reading_is_on_record(mss: Mss) -> None:
    ref = write_to_patient(mss, archive_file())
    assert state_of(mss.told("message", "show", ref), "dossier") == "passed"
    (line,) = mss.told("dossier", "list", "--patient", PATIENT.ins)
    assert set(line) == {
        "document",
        "category",
        "type",
        "size",
        "state",
        "filed_at",
        "message_ref",
    }
    assert (line["type"], line["message_ref"], line["state"]) == ("11502-2", ref, "current")
    assert "Compte rendu" not in mss("dossier", "list", "--patient", PATIENT.address).stdout
    reading = [act for act in mss.acts() if act[0] == "read"]
    assert len(reading) == 2
    assert reading[0][1].startswith("account:")


def test_a_long_dossier_is_listed_whole(mss: Mss, monkeypatch: pytest.MonkeyPatch) -> None:
    write_to_patient(mss, archive_file())
    monkeypatch.setattr("mss_gateway.cli.dossier.MAX_LISTED", 1)
    assert len(mss.told("dossier", "list", "--patient", PATIENT.ins)) == 1


def test_an_empty_dossier_is_no_failure(mss: Mss) -> None:
    assert mss.told("dossier", "list", "--patient", PATIENT.ins) == []
    assert mss("dossier", "list", "--patient", PATIENT.ins).stdout == "No document.\n"


def test_only_patients_have_a_dossier(mss: Mss) -> None:
    assert "patient" in mss.refused("dossier", "list", "--patient", DOCTOR.address)
    assert [act for act in mss.acts() if act[0] == "read"] == []


def test_documents_are_verified_one_by_one(mss: Mss) -> None:
    write_to_patient(mss, archive_file())
    whole = {"intact": 1, "altered": [], "missing": [], "damaged_segments": 0}
    assert mss.told("dossier", "verify") == whole
    with mss.gateway() as gateway:
        with gateway.database.read() as view:
            ((_, document_id, _),) = catalogue.every_document(view)
        gateway.database.write(
            lambda tx: tx.sql(
                "UPDATE blob_chunks SET sealed = zeroblob(40) WHERE chunk_id >> 16 ="
                " (SELECT blob_id FROM documents)"
            )
        )
    assert mss.told("dossier", "verify", code=1)["altered"] == [document_id]


# journal


def test_the_journal_shows_the_last_acts_oldest_first(mss: Mss) -> None:
    everything = mss.told("audit", "tail", "-n", "100")
    assert [row["seq"] for row in everything] == list(range(1, len(everything) + 1))
    assert mss.told("audit", "tail", "-n", "2") == everything[-2:]
    assert mss("audit", "tail", "-n", "0").exit_code == 2


def test_the_chain_holds_until_a_row_is_touched(mss: Mss) -> None:
    told = mss.told("audit", "verify")
    assert (told["holds"], told["broken_at"]) == (True, None)
    with mss.gateway() as gateway:
        gateway.database.write(
            lambda tx: tx.sql("UPDATE audit SET verdict = 'never' WHERE seq = 3")
        )
    told = mss.told("audit", "verify", code=1)
    assert (told["holds"], told["broken_at"], told["rows"]) == (False, 3, 2)
    assert "act 3" in mss("audit", "verify").stdout


def test_a_cut_tail_shows_against_a_head_that_was_kept(mss: Mss) -> None:
    head = mss.told("audit", "verify")["head"]
    with mss.gateway() as gateway:
        gateway.database.write(
            lambda tx: tx.sql("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
        )

    assert mss.told("audit", "verify")["holds"] is True
    assert mss.told("audit", "verify", "--head", head, code=1)["holds"] is False
    assert mss("audit", "verify", "--head", "nonsense").exit_code == 2
