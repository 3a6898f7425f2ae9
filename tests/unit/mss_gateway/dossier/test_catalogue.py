"""What stands behind a document when it goes."""

import pytest

from mailbox_store.database import Database
from mailbox_store.vault import AccountId
from mss_gateway.dossier import catalogue, filing
from mss_gateway.dossier.documents import Category, Way
from mss_gateway.dossier.filing import Origin, PlainFile
from tests.support.xdm import cda_document
from tests.unit.mss_gateway.dossier.test_succession import (
    DEPRECATED,
    NOW,
    UUIDS,
    Record,
    packed,
    update,
    version,
)


@pytest.fixture
def record(database: Database, patient: AccountId) -> Record:
    return Record(database, patient)


def save(record: Record, number: int) -> None:
    """A version that the patient keeps by a click, so that they may remove it."""
    plain = PlainFile(cda_document(version(number)), "cr.xml", Category.REPORT, None)
    origin = Origin("REF", "2", "Dr FICTIVE", "claire@mss.example", "valid", NOW)
    with record.database.read() as view:
        made = filing.prepare_file(view, record.account, plain, origin, NOW + number, Way.SAVED)
    record.database.write(lambda tx: filing.file_attachment(tx, made))


def remove(record: Record, title: str) -> None:
    gone = record.all()[title].document_id
    record.database.write(lambda tx: catalogue.remove(tx, record.account, gone))


def test_what_a_removed_version_replaced_is_the_newest_again(record: Record) -> None:
    record.file(packed(version(1)))
    save(record, 2)
    assert record.states() == {"v1": "superseded", "v2": "current"}

    remove(record, "v2")

    assert record.states() == {"v1": "current"}
    assert record.counted() == 1


def test_removing_a_version_in_the_middle_leaves_the_line_whole(record: Record) -> None:
    record.file(packed(version(1)))
    save(record, 2)
    record.file(packed(version(3)))
    assert record.states() == {"v1": "superseded", "v2": "superseded", "v3": "current"}

    remove(record, "v2")

    assert record.states() == {"v1": "superseded", "v3": "current"}
    assert record.history("v3") == ["v3", "v1"]
    assert record.counted() == 1


def test_what_its_author_took_back_does_not_come_back_so(record: Record) -> None:
    record.file(packed(version(1), UUIDS[0]))
    record.file(update(UUIDS[0], DEPRECATED))
    save(record, 2)

    remove(record, "v2")

    assert record.states() == {"v1": "deprecated"}
    assert record.counted() == 0
