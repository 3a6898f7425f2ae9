"""The index of records: found by every word, gone with its document, whole after any crash."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from certs.sealing import RootKey, Sealing
from mailbox_store import accounts, segment_plan
from mailbox_store.database import Database, Transaction
from mailbox_store.segment_draft import Draft, Pace
from mailbox_store.segment_format import Segment
from mailbox_store.vault import AccountId
from mss_gateway.dossier import catalogue, record_segments, searching
from mss_gateway.dossier.documents import Category, DocumentId
from mss_gateway.dossier.record_segments import SegmentDamaged, Stretch, Wants
from mss_gateway.dossier.render import Renderer
from mss_gateway.dossier.search_words import query_of
from mss_gateway.life import record_index
from tests.support.nulls import NullSealing
from tests.support.pdf import pdf_of
from tests.unit.mss_gateway.dossier.shelf import NOW, document_of, put, put_text, take_out


class Killed(BaseException):
    """As when the process ends here."""


def no_pace() -> None:
    """Work at once."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder = tmp_path_factory.mktemp("store")
    opened = Database.open(f"sqlite:///{folder / 'store.db'}", NullSealing())
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    made = Renderer(workers=1)
    yield made
    made.close()


@pytest.fixture
def patient(database: Database, renderer: Renderer) -> AccountId:
    """A new one; of all others everything is indexed."""
    index_all(database, renderer)
    return new_patient(database)


def new_patient(database: Database) -> AccountId:
    return database.write(lambda tx: accounts.create(tx, "patient"))


def index_all(database: Database, renderer: Renderer, pace: Pace = no_pace) -> None:
    while (done := record_index.index_batch(database, renderer, pace)).documents:
        for account_id in done.accounts:
            record_index.tidy(database, renderer, account_id, pace)


def found(database: Database, account_id: int, words: str) -> list[DocumentId]:
    """What the index alone knows, the newest first."""
    with database.read() as view:
        return searching.in_order(searching.find(view, account_id, query_of(words)).hits)


def stretches(database: Database, account_id: int) -> list[Stretch]:
    with database.read() as view:
        return record_segments.stretches(view, account_id)


def expect_whole(database: Database, account_id: AccountId) -> None:
    """Every document once, and nothing that is gone."""
    seen: Counter[int] = Counter()
    with database.read() as view:
        for stretch in record_segments.stretches(view, account_id):
            seen.update(record_segments.open_stretch(view, account_id, stretch).message_ids)
        rows = view.sql("SELECT number FROM document_numbers WHERE account_id = ?", (account_id,))
        assert seen == Counter(row[0] for row in rows.fetchall())


def test_a_document_is_found_by_what_is_said_of_it_and_in_it(
    database: Database, patient: AccountId, renderer: Renderer
) -> None:
    content = pdf_of(["Hémoglobine glyquée", "seconde page : créatinine"])
    document = document_of(
        patient,
        content,
        "Bilan de novembre",
        author="Dr Zoé ŒUVRARD",
        media_type="application/pdf",
        category=Category.BIOLOGY,
    )
    put(database, document, content)
    put_text(database, patient, "tout autre chose")
    index_all(database, renderer)

    for words in (
        "novembre",
        "oeuvrard",
        "clinique essais biologie",
        "biologie",
        "biologie depose par le patient",
        "hemoglobine",
        "HÉMOGLOB créatin bilan",
    ):
        assert found(database, patient, words) == [document.document_id], words
    assert found(database, patient, "hemoglobine absent") == []
    assert found(database, patient, "globine") == []
    assert found(database, patient, "") == []


def test_a_document_whose_text_cannot_be_read_is_found_by_its_title(
    database: Database, patient: AccountId, renderer: Renderer
) -> None:
    content = b"%PDF-1.7\nbroken"
    document = document_of(patient, content, "Cassé", media_type="application/pdf")
    put(database, document, content)

    index_all(database, renderer)

    assert found(database, patient, "casse") == [document.document_id]


def test_patients_are_apart(database: Database, patient: AccountId, renderer: Renderer) -> None:
    other = new_patient(database)
    mine = put_text(database, patient, "secret un")
    theirs = put_text(database, other, "secret deux")
    index_all(database, renderer)

    assert found(database, patient, "secret") == [mine]
    assert found(database, other, "secret") == [theirs]
    assert found(database, 999, "secret") == []


def test_what_is_found_comes_newest_first(
    database: Database, patient: AccountId, renderer: Renderer
) -> None:
    ids = {}
    for at in (3, 1, 2):
        content = b"texte %d" % at
        ids[at] = put(database, document_of(patient, content, at=NOW + at), content)
    index_all(database, renderer)

    assert found(database, patient, "texte") == [ids[3], ids[2], ids[1]]


@pytest.mark.parametrize("few", [5_000, 0], ids=["one by one", "along the record"])
def test_of_many_the_newest_are_found(
    database: Database,
    patient: AccountId,
    renderer: Renderer,
    monkeypatch: pytest.MonkeyPatch,
    few: int,
) -> None:
    monkeypatch.setattr(searching, "_FEW", few)
    monkeypatch.setattr(searching, "HITS_LIMIT", 2)
    ids = {}
    for at in (2, 4, 1, 3):
        content = b"texte %d" % at if at != 4 else b"autre"
        ids[at] = put(database, document_of(patient, content, at=NOW + at), content)
    index_all(database, renderer)

    assert found(database, patient, "texte") == [ids[3], ids[2]]
    with database.read() as view:
        assert not searching.find(view, patient, query_of("texte")).is_all
        assert searching.find(view, patient, query_of("autre")).is_all
    take_out(database, patient, ids[3])
    assert found(database, patient, "texte") == [ids[2], ids[1]]
    with database.read() as view:
        assert searching.find(view, patient, query_of("texte")).is_all


def test_a_removed_document_is_gone_at_once_and_its_words_at_the_next_round(
    database: Database, patient: AccountId, renderer: Renderer
) -> None:
    put_text(database, patient, "reste", "premier")
    gone = put_text(database, patient, "motdisparu", "titredisparu")
    put_text(database, patient, "reste aussi", "dernier")
    index_all(database, renderer)
    assert words_kept(database, patient) >= {b"motdisparu", b"titredisparu"}

    take_out(database, patient, gone)
    assert found(database, patient, "motdisparu") == []
    assert [each.wants for each in stretches(database, patient)] == [Wants.REWRITING]
    with database.read() as view:
        assert patient in record_segments.wanting(view, 100)
    record_index.tidy(database, renderer, patient, no_pace)

    assert not words_kept(database, patient) & {b"motdisparu", b"titredisparu"}
    assert len(found(database, patient, "reste")) == 2
    assert [each.wants for each in stretches(database, patient)] == [Wants.NOTHING]
    expect_whole(database, patient)


def words_kept(database: Database, account_id: AccountId) -> set[bytes]:
    """Every term of every segment."""
    kept: set[bytes] = set()
    with database.read() as view:
        for stretch in record_segments.stretches(view, account_id):
            segment = record_segments.open_stretch(view, account_id, stretch)
            for name in segment.names:
                section = segment.section(name)
                assert section is not None
                kept.update(term for term, _ in section.terms())
    return kept


def test_the_last_document_takes_its_segment_with_it(
    database: Database, patient: AccountId, renderer: Renderer
) -> None:
    gone = put_text(database, patient, "seul")
    index_all(database, renderer)
    take_out(database, patient, gone)

    record_index.tidy(database, renderer, patient, no_pace)

    assert stretches(database, patient) == []


def test_a_document_cannot_go_while_it_may_be_found(database: Database, patient: AccountId) -> None:
    document_id = put_text(database, patient, "ici")

    def forgetful(tx: Transaction) -> None:
        tx.sql("DELETE FROM documents WHERE document_id = ?", (document_id,))

    with pytest.raises(sqlite3.IntegrityError):
        database.write(forgetful)


def test_a_changed_document_is_found_by_its_new_words_only(
    database: Database, patient: AccountId, renderer: Renderer
) -> None:
    document_id = put_text(database, patient, "corps", "ancien")
    index_all(database, renderer)
    with database.read() as view:
        document = catalogue.find(view, patient, document_id)

    def change(tx: Transaction) -> None:
        edits = catalogue.Edits("nouveau", document.document_date, Category.BIOLOGY)
        catalogue.edit(tx, document, edits)
        record_segments.renew_number(tx, patient, document_id)

    database.write(change)
    assert found(database, patient, "ancien") == []
    index_all(database, renderer)

    assert found(database, patient, "nouveau corps biologie") == [document_id]
    assert found(database, patient, "ancien") == []
    assert b"ancien" not in words_kept(database, patient)
    expect_whole(database, patient)


def test_single_documents_become_few_stretches(
    database: Database, patient: AccountId, renderer: Renderer
) -> None:
    for at in range(2 * segment_plan.FAN + 3):
        put_text(database, patient, f"texte mot{at}")
        index_all(database, renderer)

    kept = [(each.level, each.documents) for each in stretches(database, patient)]
    assert kept == [(1, 16), (1, 16), (0, 1), (0, 1), (0, 1)]
    expect_whole(database, patient)
    assert len(found(database, patient, "texte")) == 35
    assert len(found(database, patient, "mot17")) == 1


def test_each_document_is_moved_once_per_level_however_many_there_are(
    database: Database,
    patient: AccountId,
    renderer: Renderer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moved: list[int] = []
    absorb = Draft.absorb

    def counting(self: Draft, segment: Segment, keeps: set[int], pace: Pace) -> None:
        moved.append(len(segment.message_ids))
        absorb(self, segment, keeps, pace)

    monkeypatch.setattr(Draft, "absorb", counting)
    monkeypatch.setattr(segment_plan, "FAN", 4)
    costs = {}
    for at in range(1, 65):
        put_text(database, patient, f"mot{at}")
        index_all(database, renderer)
        costs[at] = sum(moved) / at

    assert (costs[4], costs[16], costs[64]) == (1, 2, 3)
    assert [(each.level, each.documents) for each in stretches(database, patient)] == [(3, 64)]


def test_a_batch_is_of_all_accounts_and_bounded(
    database: Database, patient: AccountId, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_patient(database)
    for at in range(4):
        put_text(database, patient, f"un{at}")
        put_text(database, other, f"deux{at}")
    monkeypatch.setattr(record_index, "BATCH_DOCUMENTS", 5)

    done = record_index.index_batch(database, renderer, no_pace)
    assert done == record_index.Indexed(5, frozenset({patient, other}))

    monkeypatch.setattr(record_index, "BATCH_OCTETS", 4)
    assert record_index.index_batch(database, renderer, no_pace).documents == 1
    monkeypatch.setattr(record_index, "BATCH_OCTETS", 1_000)
    monkeypatch.setattr(record_index, "BATCH_TERMS", 1)
    assert record_index.index_batch(database, renderer, no_pace).documents == 1
    with database.read() as view:
        assert record_segments.lag(view) == 1


def test_after_a_kill_at_any_point_every_document_is_indexed_once(
    database: Database, renderer: Renderer
) -> None:
    killed = 0
    for point in range(1, 12):
        patient = new_patient(database)
        ids = {put_text(database, patient, f"texte {at}") for at in range(3)}
        left = [point]

        def pace(left: list[int] = left) -> None:
            left[0] -= 1
            if not left[0]:
                raise Killed

        try:
            index_all(database, renderer, pace)
        except Killed:
            killed += 1
        index_all(database, renderer)

        assert set(found(database, patient, "texte")) == ids
        expect_whole(database, patient)
    assert killed >= 5


def test_two_processes_do_not_index_a_document_twice(
    database: Database, patient: AccountId, renderer: Renderer
) -> None:
    put_text(database, patient, "texte")
    is_first = [True]

    def pace() -> None:
        if is_first[0]:
            is_first[0] = False
            record_index.index_batch(database, renderer, no_pace)

    record_index.index_batch(database, renderer, pace)

    expect_whole(database, patient)


def test_a_document_that_is_removed_while_it_is_indexed_leaves_no_words(
    database: Database, patient: AccountId, renderer: Renderer
) -> None:
    put_text(database, patient, "reste")
    gone = put_text(database, patient, "motdisparu")
    calls = [0]

    def pace() -> None:
        calls[0] += 1
        if calls[0] == 2:
            take_out(database, patient, gone)

    done = record_index.index_batch(database, renderer, pace)
    assert b"motdisparu" in words_kept(database, patient)
    for account_id in done.accounts:
        record_index.tidy(database, renderer, account_id, no_pace)

    assert b"motdisparu" not in words_kept(database, patient)
    expect_whole(database, patient)


def test_a_document_that_is_removed_while_segments_merge_leaves_no_words(
    database: Database, patient: AccountId, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_plan, "FAN", 2)
    gone = put_text(database, patient, "motdisparu")
    record_index.index_batch(database, renderer, no_pace)
    put_text(database, patient, "reste")
    record_index.index_batch(database, renderer, no_pace)
    is_first = [True]

    def pace() -> None:
        if is_first[0]:
            is_first[0] = False
            take_out(database, patient, gone)

    record_index.tidy(database, renderer, patient, pace)

    assert b"motdisparu" not in words_kept(database, patient)
    expect_whole(database, patient)


def damage(database: Database, account_id: int) -> None:
    def unit(tx: Transaction) -> None:
        tx.sql(
            "UPDATE document_segments SET sealed = zeroblob(50) WHERE account_id = ?",
            (account_id,),
        )

    database.write(unit)


def test_a_segment_that_does_not_open_is_told_and_made_again(
    database: Database, patient: AccountId, renderer: Renderer
) -> None:
    document_id = put_text(database, patient, "texte")
    index_all(database, renderer)
    damage(database, patient)

    with database.read() as view:
        hits = searching.find(view, patient, query_of("texte"))
    assert (hits.hits, hits.unread) == ((), (document_id,))
    (segment_id,) = hits.damaged
    assert record_index.verify(database) == [segment_id]
    with database.read() as view:
        again = searching.find(view, patient, query_of("texte"))
    assert (again.unread, again.damaged) == ((document_id,), ())
    record_index.tidy(database, renderer, patient, no_pace)

    assert found(database, patient, "texte") == [document_id]
    assert record_index.verify(database) == []


def test_a_segment_moved_to_another_place_does_not_open(
    database: Database, patient: AccountId, renderer: Renderer
) -> None:
    put_text(database, patient, "texte")
    index_all(database, renderer)

    def move(tx: Transaction) -> None:
        tx.sql("UPDATE document_segments SET last_number = last_number + 1")

    database.write(move)
    with database.read() as view:
        (stretch,) = record_segments.stretches(view, patient)
        with pytest.raises(SegmentDamaged):
            record_segments.open_stretch(view, patient, stretch)


def test_a_damaged_segment_met_by_a_merge_is_made_again(
    database: Database, patient: AccountId, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_plan, "FAN", 2)
    for word in ("un", "deux"):
        put_text(database, patient, f"texte {word}")
        record_index.index_batch(database, renderer, no_pace)
    damage(database, patient)

    record_index.tidy(database, renderer, patient, no_pace)

    assert len(found(database, patient, "texte")) == 2
    assert len(stretches(database, patient)) == 1


def test_the_whole_index_is_made_again(
    database: Database, patient: AccountId, renderer: Renderer
) -> None:
    ids = {put_text(database, patient, f"texte {at}") for at in range(3)}
    index_all(database, renderer)
    ids.add(put_text(database, patient, "texte nouveau"))
    damage(database, patient)
    told: list[int] = []

    record_index.renew(database, renderer, told.append)

    assert sum(told) >= 4
    assert set(found(database, patient, "texte")) == ids
    expect_whole(database, patient)


def test_an_account_without_its_key_loses_its_index(
    database: Database, patient: AccountId, renderer: Renderer
) -> None:
    put_text(database, patient, "texte")
    index_all(database, renderer)
    put_text(database, patient, "texte encore")
    database.write(
        lambda tx: tx.sql("UPDATE accounts SET wrapped_key = NULL WHERE account_id = ?", (patient,))
    )
    database.vault.forget(patient)

    index_all(database, renderer)

    assert stretches(database, patient) == []
    with database.read() as view:
        assert record_segments.lag(view) == 0


def test_no_word_and_no_title_is_on_the_disk_in_clear(tmp_path: Path, renderer: Renderer) -> None:
    sealing = Sealing(RootKey.create(tmp_path / "root.key"))
    database = Database.open(f"sqlite:///{tmp_path / 'sealed.db'}", sealing)
    try:
        patient = database.write(lambda tx: accounts.create(tx, "patient"))
        put_text(database, patient, "canaritexte", "Canarititre")
        index_all(database, renderer)
        assert len(found(database, patient, "canaritexte canarititre")) == 1
        octets = b"".join(path.read_bytes() for path in tmp_path.glob("sealed.db*"))
        assert b"canari" not in octets.lower()
    finally:
        database.close()
