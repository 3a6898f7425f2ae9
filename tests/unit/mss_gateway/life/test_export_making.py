"""A copy made: everything of the patient's, byte for byte, once, whatever happens meanwhile."""

import errno
import pickle
import secrets
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbox_store import copying, mailboxes, messages, takeout
from mailbox_store.database import Transaction, View
from mailbox_store.messages import MessageId
from mss_gateway.directory import people
from mss_gateway.directory.people import Person
from mss_gateway.dossier import catalogue, exports, sealed_file
from mss_gateway.dossier.examination import ExaminationSettings
from mss_gateway.dossier.exports import MOST_ATTEMPTS, State, Why
from mss_gateway.life import bringing, export, export_making, record
from mss_gateway.life.bringing import Brought
from mss_gateway.life.exporter import Exporter
from mss_gateway.life.pacing import Stopped
from policies.people import Standing
from tests.support import copies
from tests.support import site as sites
from tests.support.site import Site
from tests.support.source_tree import ROOT
from tests.support.webmail import pdf, photo
from tests.support.xdm import CdaText, archive_of, cda_document
from tests.support.xdm_witness import witness

SETTINGS = ExaminationSettings(accept_test_ins=True)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with sites.opened(tmp_path) as opened:
        yield opened


def nothing() -> None:
    """A pace that is none."""


def asked(site: Site, patient: Person) -> exports.Export:
    return export.ask(site.gateway, patient)


def found(site: Site, patient: Person) -> exports.Export:
    there = export.of_patient(site.gateway, patient)
    assert there is not None
    return there


def the_copy(site: Site, patient: Person) -> copies.Copy:
    return copies.unpacked(copies.opened(site, found(site, patient)))


def files(site: Site) -> list[str]:
    folder = site.gateway.config.in_state(export.FOLDER)
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def move(site: Site, patient: Person, uid: int, to: str) -> None:
    def unit(tx: Transaction) -> None:
        source = mailboxes.find(tx, patient.account_id, "INBOX")
        copying.move(tx, source.mailbox_id, [uid], mailboxes.find(tx, patient.account_id, to))

    site.gateway.database.write(unit)


def stored(site: Site, patient: Person) -> list[bytes]:
    """The octets of every message of every mailbox, as the store has them."""
    with site.gateway.database.read() as view:
        rows = view.sql(
            "SELECT e.message_id FROM entries e JOIN mailboxes b ON b.mailbox_id = e.mailbox_id"
            " WHERE b.account_id = ?",
            (patient.account_id,),
        ).fetchall()
        return [takeout.take(view, patient.account_id, MessageId(row[0])).octets for row in rows]


# --- what is in it -------------------------------------------------------------------------------


def test_documents_and_messages_are_there_byte_for_byte(site: Site) -> None:
    documents = copies.fill(site, site.camille)
    site.deliver(site.paul, site.camille, site.written(site.paul, site.camille, "Été / 2026"))
    answer = site.written(site.camille, site.claire, "Re: Bilan")
    site.deliver(site.camille, site.claire, answer)
    move(site, site.camille, 1, "Trash")

    made = copies.make(site, site.camille)

    held = the_copy(site, site.camille)
    assert (made.state, made.done) == (State.READY, made.total)
    assert sorted(held.below("documents")) == sorted(documents)
    assert sorted(held.below("messages")) == sorted(stored(site, site.camille))
    assert {name.split("/")[1] for name in held.entries if name.startswith("messages/")} == {
        "corbeille",
        "envoyes",
        "recus",
    }
    assert "messages/recus/000002_20261122_Ete_2026.eml" in held.entries
    assert all(name.isascii() for name in held.entries)
    assert files(site) == [f"{made.export_id}.sealed"]


def test_the_space_is_described(site: Site) -> None:
    copies.fill(site, site.camille)
    copies.make(site, site.camille)
    space = the_copy(site, site.camille).space
    assert space["schema"] == "mss-espace/1"
    assert space["account"]["ins"] == site.camille.traits.ins
    assert [one["name"] for one in space["contacts"]] == ["Dr Claire MARTIN"]
    assert space["settings"]["notices"]["export"] is True
    assert [one["event"] for one in space["security"]] == ["export_asked"]
    assert {one["way"] for one in space["documents"]} == {"deposited", "message"}
    (cda,) = (one for one in space["documents"] if one["way"] == "message")
    assert cda["provenance"]["signature"] == "valid"
    assert cda["author"] == "Dr Claire FICTIVE"
    assert [one["mailbox"] for one in space["messages"]] == ["INBOX"]
    assert [one["act"] for one in space["journal"]] == ["deposited"] * 3
    assert space["left_out"] == []


def test_an_empty_space_has_its_copy(site: Site) -> None:
    copies.make(site, site.noe)
    held = the_copy(site, site.noe)
    assert set(held.entries) == {"LISEZ-MOI.txt", "empreintes.sha256", "espace.json"}
    assert "pas d'archive au format IHE XDM" in held.entries["LISEZ-MOI.txt"].decode()
    assert held.space["documents"] == held.space["messages"] == held.space["journal"] == []


def test_nothing_of_another_patient_is_in_it(site: Site) -> None:
    copies.fill(site, site.camille)
    copies.deposit(site, site.noe, "À Noé", pdf("red"))
    copies.make(site, site.noe)
    assert the_copy(site, site.noe).below("documents") == [pdf("red")]
    assert the_copy(site, site.noe).below("messages") == []


def test_the_archive_for_software_is_accepted_by_two_readers(site: Site, tmp_path: Path) -> None:
    documents = copies.fill(site, site.camille)
    masked = copies.deposit(site, site.camille, "Masqué", pdf("blue"))
    record.mask(site.gateway, site.camille, masked, is_masked=True)
    copies.make(site, site.camille)
    archive = the_copy(site, site.camille).entries["xdm/IHE_XDM.ZIP"]

    seen = witness(archive)
    assert seen.objections == []
    assert sorted(seen.documents.values()) == sorted([*documents, pdf("blue")])
    codes = [entry["confidentialityCode"] for entry in seen.codes.values()]
    assert sum("MASQUE_PS" in each for each in codes) == 1

    with sites.opened(tmp_path / "ailleurs") as other:
        brought = bringing.bring(other.gateway, other.camille, "IHE_XDM.ZIP", archive, SETTINGS)
        assert brought == Brought(filed=4, there=0)


def test_what_its_author_hides_from_the_patient_is_in_no_part_of_it(site: Site) -> None:
    hidden = cda_document(
        CdaText(subject=copies.subject_of(site.camille), confidentiality=("N", "INVISIBLE_PATIENT"))
    )
    brought = bringing.bring(
        site.gateway, site.camille, "IHE_XDM.ZIP", archive_of(hidden), SETTINGS
    )
    assert brought == Brought(filed=1, there=0)
    copies.deposit(site, site.camille, "Visible", pdf())

    made = copies.make(site, site.camille)

    held = the_copy(site, site.camille)
    assert made.total == 2
    assert held.below("documents") == [pdf()]
    assert list(witness(held.entries["xdm/IHE_XDM.ZIP"]).documents.values()) == [pdf()]
    assert len(held.space["documents"]) == 1


def test_former_versions_are_in_it_and_the_newer_one_points_at_them(site: Site) -> None:
    subject = copies.subject_of(site.camille)
    old = cda_document(CdaText(subject=subject))
    new = cda_document(
        CdaText(
            subject=subject,
            unique_id="1.2.250.1.999.7.2",
            version="2",
            replaces="1.2.250.1.999.7.1",
        )
    )
    for cda in (old, new):
        copies.send_archive(site, site.camille, archive_of(cda))
    copies.make(site, site.camille)
    held = the_copy(site, site.camille)
    assert held.below("documents") == [old, new]
    seen = witness(held.entries["xdm/IHE_XDM.ZIP"])
    assert seen.objections == []
    assert list(seen.statuses.values()) == ["Deprecated", "Approved"]


def test_a_record_of_more_than_one_archive_is_several(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mss_gateway.dossier.xdm_writing.MAX_BYTES", 5_000)
    for number in range(3):
        copies.deposit(site, site.camille, f"Note {number}", b"%d" % number * 2_000)
    copies.deposit(site, site.camille, "Grand", b"g" * 5_001)
    copies.make(site, site.camille)
    held = the_copy(site, site.camille)
    archives = [name for name in held.entries if name.startswith("xdm/")]
    assert archives[:2] == ["xdm/001/IHE_XDM.ZIP", "xdm/002/IHE_XDM.ZIP"]
    inside = [one for name in archives for one in witness(held.entries[name]).documents.values()]
    assert sorted(inside) == [b"%d" % number * 2_000 for number in range(3)]
    assert "dans documents seulement : 1" in held.entries["LISEZ-MOI.txt"].decode()
    assert len(held.below("documents")) == 4


# --- while it is made ----------------------------------------------------------------------------


def test_what_is_removed_meanwhile_is_passed_over_and_said(site: Site) -> None:
    copies.fill(site, site.camille)
    wanted = asked(site, site.camille)
    steps = 0

    def pace() -> None:
        nonlocal steps
        steps += 1
        if steps == 1:
            with site.gateway.database.read() as view:
                ids = [row[0] for row in view.sql("SELECT document_id FROM documents").fetchall()]
                own = [
                    one
                    for one in ids
                    if catalogue.find(view, wanted.account_id, one).is_patients_own
                ]
            for one in own:
                record.remove(site.gateway, site.camille, one)
            site.gateway.database.write(
                lambda tx: messages.clear(
                    tx, mailboxes.find(tx, wanted.account_id, "INBOX").mailbox_id
                )
            )

    assert export_making.make(site.gateway, wanted, pace)

    held = the_copy(site, site.camille)
    lost = held.space["left_out"]
    assert held.below("messages") == []
    assert {one["why"] for one in lost} == {"removed"}
    assert len(lost) + len(held.below("documents")) == 4
    said = f"absents de la copie : {len(lost)}"
    assert said in held.entries["LISEZ-MOI.txt"].decode()
    assert len(witness(held.entries["xdm/IHE_XDM.ZIP"]).documents) == 1


def test_a_message_that_is_moved_meanwhile_is_not_lost(site: Site) -> None:
    raw = site.written(site.claire, site.camille, "Rangé")
    site.deliver(site.claire, site.camille, raw)
    copies.deposit(site, site.camille, "Un document", pdf())
    wanted = asked(site, site.camille)
    steps: list[int] = []

    def pace() -> None:
        if not steps:
            move(site, site.camille, 1, "Archive")
        steps.append(1)

    assert export_making.make(site.gateway, wanted, pace)
    assert the_copy(site, site.camille).below("messages") == stored(site, site.camille)


def test_what_does_not_open_any_more_is_left_out_and_said(site: Site) -> None:
    copies.deposit(site, site.camille, "Entier", pdf())
    broken = copies.deposit(site, site.camille, "Abîmé", photo())
    site.gateway.database.write(
        lambda tx: tx.sql(
            "UPDATE blob_chunks SET sealed = zeroblob(40) WHERE chunk_id >> 16 ="
            " (SELECT blob_id FROM documents WHERE document_id = ?)",
            (broken,),
        )
    )
    copies.make(site, site.camille)
    held = the_copy(site, site.camille)
    assert held.below("documents") == [pdf()]
    assert held.space["left_out"] == [{"kind": "document", "id": broken, "why": "damaged"}]
    assert "Illisibles sur le serveur" in held.entries["LISEZ-MOI.txt"].decode()


def test_how_far_it_is_is_told_a_bounded_number_of_times(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_making, "TOLD", 3)
    for number in range(5):
        copies.deposit(site, site.camille, "Note", b"note %d" % number)
    wanted, seen = asked(site, site.camille), []
    assert export_making.make(
        site.gateway, wanted, lambda: seen.append(found(site, site.camille).done)
    )
    assert sorted(set(seen)) == [0, 4, 8]
    assert len(seen) == 10


def test_one_that_is_dropped_while_it_is_made_ends_and_leaves_nothing(site: Site) -> None:
    for number in range(5):
        copies.deposit(site, site.camille, "Note", b"note %d" % number)
    wanted = asked(site, site.camille)

    def pace() -> None:
        export.drop(site.gateway, site.camille, wanted.export_id)

    assert not export_making.make(site.gateway, wanted, pace)
    assert files(site) == []
    assert export.of_patient(site.gateway, site.camille) is None


def test_one_that_is_dropped_at_its_end_leaves_nothing_either(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies.deposit(site, site.camille, "Note", pdf())
    wanted, real = asked(site, site.camille), sealed_file.Writing.end

    def end(self: sealed_file.Writing) -> int:
        octets = real(self)
        export.drop(site.gateway, site.camille, wanted.export_id)
        return octets

    monkeypatch.setattr(sealed_file.Writing, "end", end)
    assert not export_making.make(site.gateway, wanted, nothing)
    assert files(site) == []
    assert export.of_patient(site.gateway, site.camille) is None


def test_one_that_is_stopped_leaves_no_file_and_is_made_later(site: Site) -> None:
    copies.fill(site, site.camille)
    wanted = asked(site, site.camille)

    def pace() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        export_making.make(site.gateway, wanted, pace)
    assert files(site) == []
    assert found(site, site.camille).is_waited_for
    assert Exporter(site.gateway).run_once()
    assert found(site, site.camille).state is State.READY


# --- what goes wrong -----------------------------------------------------------------------------


def test_without_room_none_is_begun_and_the_rest_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies.deposit(site, site.camille, "Note", pdf())
    with monkeypatch.context() as full:
        full.setattr("mss_gateway.observability.space.free", lambda _: 1_000_000)
        made = copies.make(site, site.camille)
    assert (made.state, made.failure) == (State.FAILED, Why.NO_ROOM)
    assert files(site) == []
    copies.deposit(site, site.camille, "Une autre", photo())
    assert copies.make(site, site.camille).state is State.READY


def test_a_disk_that_fills_up_meanwhile_fails_the_copy_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies.deposit(site, site.camille, "Scanner", b"%PDF-" + secrets.token_bytes(3_000_000))
    frames = []

    def write(self: sealed_file.Writing, plain: bytes, *, is_last: bool) -> None:
        frames.append(is_last)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(sealed_file.Writing, "_write_frame", write)
        made = copies.make(site, site.camille)
    assert frames
    assert (made.state, made.failure) == (State.FAILED, Why.NO_ROOM)
    assert files(site) == []
    assert site.gateway.metrics.exports.labels("place")._value.get() == 1
    assert copies.make(site, site.camille).state is State.READY


def test_whoever_may_not_has_none(site: Site) -> None:
    wanted = asked(site, site.camille)
    site.gateway.database.write(
        lambda tx: people.set_standing(tx, wanted.account_id, Standing.SUSPENDED)
    )
    Exporter(site.gateway).run_once()
    assert found(site, site.camille).failure is Why.NOT_ALLOWED


def test_one_that_ends_the_service_each_time_is_given_up(site: Site) -> None:
    wanted = asked(site, site.camille)
    for _ in range(MOST_ATTEMPTS):
        assert site.gateway.database.write(lambda tx: exports.begin(tx, wanted)) is not None
        export.recover(site.gateway)
    Exporter(site.gateway).run_once()
    assert found(site, site.camille).failure is Why.FAULT


# --- at rest, and what it costs ------------------------------------------------------------------


def test_the_file_holds_nothing_in_clear(site: Site) -> None:
    copies.deposit(site, site.camille, "CANARI-TITRE", b"CANARI-CONTENU " * 200_000)
    copies.deposit(site, site.camille, "x", b"%PDF-CANARI" + b"CANARI" * 300_000)
    made = copies.make(site, site.camille)
    sealed = export.whole(site.gateway, made).read_bytes()
    for word in (b"CANARI", b"PK\x03\x04", b"espace.json", site.camille.traits.ins.encode()):
        assert word not in sealed


def test_memory_does_not_grow_with_the_space(site: Site) -> None:
    for number in range(24):
        copies.deposit(
            site, site.camille, "Scanner", b"%%PDF-%d" % number + secrets.token_bytes(1_000_000)
        )
    wanted = asked(site, site.camille)
    tracemalloc.start()
    try:
        assert export_making.make(site.gateway, wanted, nothing)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found(site, site.camille).octets > 48_000_000
    assert peak < 12_000_000


def test_a_document_costs_the_same_statements_whatever_is_beside_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_making, "TOLD", 1)
    real, counted = View.sql, [0]

    def sql(self: View, *said: object) -> object:
        counted[0] += 1
        return real(self, *said)  # type: ignore[arg-type]

    costs = []
    for _ in range(3):
        for _ in range(4):
            copies.deposit(site, site.camille, "Note", secrets.token_bytes(20).hex().encode())
        wanted = asked(site, site.camille)
        with monkeypatch.context() as watched:
            watched.setattr(View, "sql", sql)
            counted[0] = 0
            assert export_making.make(site.gateway, wanted, nothing)
            costs.append(counted[0])
        export.drop(site.gateway, site.camille, wanted.export_id)
    assert costs[2] - costs[1] == costs[1] - costs[0]
    assert (costs[1] - costs[0]) / 4 <= 12


# --- killed --------------------------------------------------------------------------------------

KILLED = """
import os, pickle, sys
from mss_gateway import compose
from mss_gateway.dossier import exports
from mss_gateway.life import export_making

config, where, now = pickle.load(sys.stdin.buffer)
gateway = compose.build(config, clock=lambda: now)
steps = 0

def die(*_, **__):
    os._exit(9)

def pace():
    global steps
    steps += 1
    if steps == where:
        die()

if isinstance(where, str):
    setattr(export_making, where, die)
with gateway.database.read() as view:
    wanted = exports.next_waiting(view)
export_making.make(gateway, wanted, pace)
os._exit(1)
"""
"""A process that makes what is asked for, and is gone at some point of it."""


@pytest.mark.parametrize("where", [2, "whole", "_settle"])
def test_killed_anywhere_there_is_one_copy_after_the_next_start(
    where: int | str, site: Site
) -> None:
    documents = copies.fill(site, site.camille)
    copies.deposit(site, site.camille, "CANARI", b"CANARI-CONTENU " * 200_000)
    wanted = asked(site, site.camille)
    given = pickle.dumps((site.gateway.config, where, site.clock.now))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED], input=given, cwd=ROOT, check=False, timeout=120
    )
    assert killed.returncode == 9
    assert found(site, site.camille).state is State.RUNNING
    folder = site.gateway.config.in_state(export.FOLDER)
    for name in files(site):
        assert b"CANARI" not in (folder / name).read_bytes()

    exporter = Exporter(site.gateway)
    exporter.start()
    try:
        deadline = time.monotonic() + 60
        while found(site, site.camille).is_waited_for:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        exporter.stop()

    made = found(site, site.camille)
    assert (made.state, made.export_id) == (State.READY, wanted.export_id)
    assert files(site) == [f"{made.export_id}.sealed"]
    assert len(the_copy(site, site.camille).below("documents")) == len(documents) + 1
    with site.gateway.database.read() as view:
        told = view.sql("SELECT verdict FROM audit WHERE verdict = 'export ready'").fetchall()
    assert len(told) == 1
