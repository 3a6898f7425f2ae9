"""`mss dossier import`: a former record comes in once, whoever is killed meanwhile."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from mailbox_store.database import View
from mss_gateway import compose
from mss_gateway.directory import people
from mss_gateway.dossier import journal, listing
from mss_gateway.dossier.documents import Way
from mss_gateway.dossier.journal import Side
from mss_gateway.dossier.listing import Reader
from tests.support.people import InventedPatient, patient
from tests.support.webmail import pdf
from tests.support.xdm import INS_OID, CdaText, Subject, archive_of, cda_document
from tests.unit.mss_gateway.cli.desk_site import PATIENT, Mss, add_patient

ARCHIVES = int(os.environ.get("MSS_DOSSIER_ARCHIVES", "40"))
OTHERS_OF_MANY = (4, 5, 6)


def subject_of(one: InventedPatient) -> Subject:
    birth_date = one.birth_date.replace("-", "")
    return Subject(one.ins, INS_OID, one.birth_name, one.given_name, birth_date, one.sex)


SUBJECT = subject_of(PATIENT)
OTHER = patient(3)
STRANGER = OTHER.ins


def archive(number: int = 1, subject: Subject = SUBJECT) -> bytes:
    return archive_of(
        cda_document(CdaText(unique_id=f"1.2.{number}.1", set_id=f"1.2.{number}", subject=subject))
    )


def put(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def patient_account(view: View) -> int:
    patient = people.by_address(view, PATIENT.address)
    assert patient is not None
    return patient.account_id


def record_of_patient(mss: Mss) -> list[tuple[str, Way]]:
    with mss.gateway() as gateway, gateway.database.read() as view:
        account = patient_account(view)
        found = listing.documents_of(view, account, Reader.PATIENT)
        noted = journal.entries(view, account, Side.OTHERS)
        assert len(noted) == len(found)
        return [(one.title, one.way) for one in found]


def test_archives_and_files_go_to_the_patient_of_their_folder(mss: Mss, tmp_path: Path) -> None:
    source = tmp_path / "reprise"
    put(source, f"{PATIENT.ins}/2019/a.zip", archive(1))
    put(source, f"{PATIENT.ins}/radio.pdf", pdf())
    put(source, "en-vrac/b.zip", archive(2))

    told = mss.told("dossier", "import", str(source))

    assert (told["files"], told["documents"], told["patients"]) == (3, 3, 1)
    assert told["refused"] == 0
    titles = record_of_patient(mss)
    assert ("Radio", Way.IMPORTED) in titles
    assert {way for _, way in titles} == {Way.IMPORTED}


def test_another_run_adds_nothing_and_says_so(mss: Mss, tmp_path: Path) -> None:
    source = tmp_path / "reprise"
    put(source, "a.zip", archive(1))
    put(source, "copie.zip", archive(1))
    first = mss.told("dossier", "import", str(source))
    again = mss.told("dossier", "import", str(source))
    assert (first["documents"], first["there_already"]) == (1, 1)
    assert again == first | {"files_of_an_earlier_run": 2}
    assert len(record_of_patient(mss)) == 1


@pytest.mark.parametrize(
    ("name", "content", "code", "why"),
    [
        ("a.pdf", pdf(), 903, "names a patient"),
        (f"{STRANGER}/a.pdf", pdf(), 902, "no such patient"),
        (f"{PATIENT.ins}/{STRANGER}/a.pdf", pdf(), 904, "several"),
        (f"{PATIENT.ins}/a.zip", b"PK\x03\x04 no archive", 906, ""),
        (f"{PATIENT.ins}/a.exe", b"MZ\0\0", 906, "not a type"),
        (f"{PATIENT.ins}/a.txt", b"", 906, "empty"),
        (f"{PATIENT.ins}/x.zip", archive(1, Subject(OTHER.ins, INS_OID)), 904, ""),
    ],
)
def test_what_cannot_be_brought_is_named_with_its_code(
    name: str, content: bytes, code: int, why: str, mss: Mss, tmp_path: Path
) -> None:
    source = tmp_path / "reprise"
    put(source, name, content)
    put(source, f"{PATIENT.ins}/good.zip", archive(7))
    report = tmp_path / "report.json"
    told = mss.told("dossier", "import", str(source), "--report", str(report), code=1)
    (refused,) = told["refused_files"]
    assert (refused["file"], refused["code"]) == (name, code)
    assert why in refused["why"]
    assert told["refused_by_code"] == {str(code): 1}
    assert told["documents"] == 1
    assert f'"file": "{name}"' in report.read_text("utf-8")


def test_a_dry_run_keeps_nothing(mss: Mss, tmp_path: Path) -> None:
    put(tmp_path / "reprise", "a.zip", archive(1))
    told = mss.told("dossier", "import", str(tmp_path / "reprise"), "--dry-run")
    assert (told["documents"], told["dry_run"]) == (1, True)
    assert record_of_patient(mss) == []


def test_what_is_hidden_from_the_patient_is_brought_and_stays_hidden(
    mss: Mss, tmp_path: Path
) -> None:
    hidden = cda_document(CdaText(subject=SUBJECT, confidentiality=("N", "INVISIBLE_PATIENT")))
    put(tmp_path / "reprise", "a.zip", archive_of(hidden))
    told = mss.told("dossier", "import", str(tmp_path / "reprise"))
    assert told["documents"] == 1
    with mss.gateway() as gateway, gateway.database.read() as view:
        account = patient_account(view)
        assert listing.documents_of(view, account, Reader.PATIENT) == []
        assert len(listing.documents_of(view, account, Reader.OPERATOR)) == 1


def test_killed_in_the_middle_it_goes_on_where_it_was(mss: Mss, tmp_path: Path) -> None:
    """MSS_DOSSIER_ARCHIVES=5000 for a large one; what is asked of it stays the same."""
    several = (PATIENT, *(patient(order) for order in OTHERS_OF_MANY))
    for each in several[1:]:
        mss.told(*add_patient(each))
    source = tmp_path / "reprise"
    for number in range(ARCHIVES):
        one = several[number % len(several)]
        put(source, f"{one.ins}/{number:06}.zip", archive(number, subject_of(one)))
    store = next(mss.folder.rglob(compose.STORE_FILE))

    kill_when_brought(mss, source, store, ARCHIVES // 8)
    left = brought(store)
    told = mss.told("dossier", "import", str(source))
    again = mss.told("dossier", "import", str(source))

    assert ARCHIVES // 8 <= left < ARCHIVES
    assert (told["documents"], told["files_of_an_earlier_run"]) == (ARCHIVES, left)
    assert (told["patients"], told["there_already"], told["refused"]) == (4, 0, 0)
    assert again == told | {"files_of_an_earlier_run": ARCHIVES}
    for order, one in enumerate(several):
        wanted = {f"1.2.{number}.1" for number in range(order, ARCHIVES, len(several))}
        assert unique_ids_of(mss, one.address) == sorted(wanted)


def kill_when_brought(mss: Mss, source: Path, store: Path, enough: int) -> None:
    """An import of its own process, killed once so many files are in."""
    command = [sys.executable, "-m", "mss_gateway", "dossier", "import", str(source)]
    running = subprocess.Popen(
        [*command, "--config", str(mss.folder / "config.toml")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while running.poll() is None and brought(store) < enough:
            time.sleep(0.005)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL


def unique_ids_of(mss: Mss, address: str) -> list[str]:
    """What the record of one patient holds, each as often as it is there."""
    with mss.gateway() as gateway, gateway.database.read() as view:
        person = people.by_address(view, address)
        assert person is not None
        found = listing.documents_of(view, person.account_id, Reader.PATIENT, limit=ARCHIVES + 1)
        return sorted(one.unique_id for one in found)


def brought(store: Path) -> int:
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=10)) as reading:
        found = reading.execute("SELECT count(*) FROM sqlite_master WHERE name = 'record_imports'")
        if not found.fetchone()[0]:
            return 0
        count: int = reading.execute("SELECT count(*) FROM record_imports").fetchone()[0]
        return count
