"""The access journal, page by page, with documents in it that the patient may not know of."""

from mailbox_store.database import Database, Transaction
from mailbox_store.vault import AccountId
from mss_gateway.dossier import catalogue, journal
from mss_gateway.dossier.journal import Act, Doer, Side
from tests.unit.mss_gateway.dossier import shelf

BY = Doer("system", "Dr Claire FICTIVE", Side.OTHERS)


def test_pages_are_whole_and_follow_each_other_around_what_is_hidden(
    database: Database, patient: AccountId
) -> None:
    ids = [shelf.put_text(database, patient, f"text {one}", str(one)) for one in range(12)]

    def unit(tx: Transaction) -> None:
        for one in ids:
            journal.note(tx, patient, BY, Act.DEPOSITED, catalogue.find(tx, patient, one))
        journal.note(tx, patient, BY, Act.NOT_FILED)
        for one in ids[4:10]:
            tx.sql("UPDATE documents SET hidden_from = 1 WHERE document_id = ?", (one,))

    database.write(unit)

    with database.read() as view:
        pages, before = list[list[str]](), None
        while page := journal.entries(view, patient, Side.OTHERS, before, 3):
            pages.append([entry.title for entry in page])
            before = page[-1].entry_id
        whole = [entry.title for entry in journal.every_entry(view, patient, Side.OTHERS)]
    assert pages == [["", "11", "10"], ["3", "2", "1"], ["0"]]
    assert whole == [title for page in pages for title in page]


def test_a_page_is_found_by_indexes_alone(database: Database, patient: AccountId) -> None:
    with database.read() as view:
        steps = view.sql(
            "EXPLAIN QUERY PLAN " + journal.PAGE, (patient, Side.OTHERS.value, 1 << 62, 50)
        ).fetchall()
    told = [row[3] for row in steps]
    assert any("ix_record_journal_account_id_side_entry_id" in one for one in told), told
    assert any("SEARCH d USING" in one for one in told), told
    assert not any("SCAN" in one or "TEMP B-TREE" in one for one in told), told
