"""Every document is read again, opened and hashed; what is wrong is told apart."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from mailbox_store.database import Database
from mailbox_store.vault import AccountId
from mss_gateway.dossier import filing, integrity
from mss_gateway.dossier.documents import Category, DocumentId, Way
from mss_gateway.dossier.filing import Origin
from mss_gateway.dossier.integrity import Report


@pytest.fixture
def filed(database: Database, patient: AccountId) -> list[DocumentId]:
    ids: list[DocumentId] = []
    for number in range(3):
        origin = Origin("REF", str(number), "Dr X", "x@mss.example", "verified", 1)
        with database.read() as view:
            file = filing.PlainFile(b"document %d" % number, "a", Category.REPORT, None)
            made = filing.prepare_file(view, patient, file, origin, 2, Way.SAVED)
        outcome = database.write(partial(filing.file_attachment, made=made))
        ids.append(outcome.document_id)
    return ids


def _verify(database: Database) -> Report:
    with database.read() as view:
        return integrity.verify(view)


def test_an_untouched_record_is_whole(database: Database, filed: list[DocumentId]) -> None:
    report = _verify(database)

    assert report == Report(3, (), ())
    assert report.is_whole


def test_an_empty_record_is_whole(database: Database) -> None:
    assert _verify(database) == Report(0, (), ())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE blob_chunks SET sealed = zeroblob(60) WHERE chunk_id / 65536 ="
        " (SELECT blob_id FROM documents WHERE document_id = ?)",
        "DELETE FROM blob_chunks WHERE chunk_id / 65536 ="
        " (SELECT blob_id FROM documents WHERE document_id = ?)",
        "UPDATE documents SET sealed = zeroblob(60) WHERE document_id = ?",
        "UPDATE documents SET object_key = zeroblob(61) WHERE document_id = ?",
    ],
    ids=["bytes", "chunk-gone", "description", "key"],
)
def test_an_altered_document_is_named(
    database: Database, filed: list[DocumentId], statement: str
) -> None:
    database.write(lambda tx: tx.sql(statement, (filed[1],)))

    report = _verify(database)

    assert report == Report(2, (filed[1],), ())
    assert not report.is_whole


def test_a_document_with_the_body_of_another_is_altered(
    database: Database, filed: list[DocumentId]
) -> None:
    database.write(
        lambda tx: tx.sql(
            "UPDATE documents SET (blob_id, object_key) ="
            " (SELECT blob_id, object_key FROM documents WHERE document_id = ?)"
            " WHERE document_id = ?",
            (filed[0], filed[1]),
        )
    )

    assert _verify(database) == Report(2, (filed[1],), ())


def test_a_document_without_its_body_is_missing(
    database: Database, filed: list[DocumentId], tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "store.db")) as outside:
        outside.execute("PRAGMA foreign_keys = OFF")
        outside.execute("UPDATE documents SET blob_id = 999 WHERE document_id = ?", (filed[2],))
        outside.commit()

    assert _verify(database) == Report(2, (), (filed[2],))
