"""The thread that indexes records: it notices by itself, rests, and goes when told."""

import time
from collections.abc import Callable, Iterator

import pytest

from mailbox_store.errors import StoreFailed
from mss_gateway.dossier import record_segments, text
from mss_gateway.life import record_index, record_indexer
from mss_gateway.life.record_indexer import RecordIndexer
from tests.support.pdf import pdf_of
from tests.support.smtp_site import DUBOIS, Site
from tests.unit.mss_gateway.dossier.shelf import document_of, put, put_text, take_out


@pytest.fixture
def running(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordIndexer]:
    monkeypatch.setattr(record_indexer, "POLL_SECONDS", 0.01)
    one = RecordIndexer(site.gateway)
    one.start()
    yield one
    one.stop()


def account(site: Site) -> int:
    return site.person(DUBOIS).account_id


def file_text(site: Site, words: str = "texte") -> str:
    return put_text(site.gateway.database, account(site), words)


def lag(site: Site) -> int:
    with site.gateway.database.read() as view:
        return record_segments.lag(view)


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_what_is_filed_is_indexed_without_being_asked(site: Site, running: RecordIndexer) -> None:
    file_text(site)
    until(lambda: lag(site) == 0)


def test_words_of_what_was_removed_go_without_being_asked(
    site: Site, running: RecordIndexer
) -> None:
    document_id = file_text(site)
    until(lambda: lag(site) == 0)
    take_out(site.gateway.database, account(site), document_id)

    def are_gone() -> bool:
        with site.gateway.database.read() as view:
            return record_segments.stretches(view, account(site)) == []

    until(are_gone)


def test_the_metric_tells_how_far_it_is_behind(site: Site) -> None:
    one = RecordIndexer(site.gateway)
    file_text(site)
    one.run_once()
    one.stop()

    assert b"mss_record_index_lag_documents 0.0" in site.gateway.metrics.render()


def test_it_stops_in_the_middle_of_its_work_and_leaves_the_rest(
    site: Site, running: RecordIndexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[bool] = []

    def endless(_database: object, _renderer: object, pace: Callable[[], None]) -> None:
        began.append(True)
        while True:
            pace()

    monkeypatch.setattr(record_index, "index_batch", endless)
    file_text(site)
    until(lambda: bool(began))
    running.stop()

    assert not running._thread.is_alive()
    assert lag(site) == 1


def test_a_document_at_hand_when_it_stops_keeps_its_text_for_the_next_start(
    site: Site, running: RecordIndexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading: list[bool] = []
    of_pdf = text._of_pdf

    def waiting(renderer, content, seconds):  # type: ignore[no-untyped-def]
        reading.append(True)
        until(lambda: renderer._is_closed)
        return of_pdf(renderer, content, seconds)

    monkeypatch.setattr(text, "_of_pdf", waiting)
    content = pdf_of(["un"])
    document = document_of(account(site), content, media_type="application/pdf")
    put(site.gateway.database, document, content)
    until(lambda: bool(reading))
    running.stop()

    assert lag(site) == 1


def test_its_reader_ends_when_there_was_nothing_to_do_for_long(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = RecordIndexer(site.gateway)
    content = pdf_of(["un"])
    document = document_of(account(site), content, media_type="application/pdf")
    put(site.gateway.database, document, content)
    one.run_once()
    assert len(one._renderer._running) == 1

    monkeypatch.setattr(record_indexer, "IDLE_SECONDS", 0.0)
    one.run_once()
    assert one._renderer._running == set()
    one.stop()


def test_it_may_be_stopped_before_it_began(site: Site) -> None:
    RecordIndexer(site.gateway).stop()


def test_an_error_is_told_and_the_next_round_tries_again(
    site: Site, running: RecordIndexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, failed = record_index.index_batch, list[bool]()

    def failing(database, renderer, pace):  # type: ignore[no-untyped-def]
        if not failed:
            failed.append(True)
            raise ZeroDivisionError
        return batch(database, renderer, pace)

    monkeypatch.setattr(record_index, "index_batch", failing)
    file_text(site)
    until(lambda: bool(failed) and lag(site) == 0)

    assert site.logged.getvalue().count("ZeroDivisionError") == 1


def test_without_a_process_for_its_reader_a_document_waits(
    site: Site, running: RecordIndexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[bool] = []
    start = running._renderer._start

    def failing():  # type: ignore[no-untyped-def]
        if not failed:
            failed.append(True)
            raise BlockingIOError("no more processes")
        return start()

    monkeypatch.setattr(running._renderer, "_start", failing)
    content = pdf_of(["motducorps"])
    document = document_of(account(site), content, media_type="application/pdf")
    put(site.gateway.database, document, content)
    until(lambda: bool(failed) and lag(site) == 0)

    with site.gateway.database.read() as view:
        (stretch,) = record_segments.stretches(view, account(site))
        segment = record_segments.open_stretch(view, account(site), stretch)
    assert segment.holding(b"\nmotducorps") == {0}


def test_it_ends_with_the_store(
    site: Site, running: RecordIndexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_given: object) -> record_index.Indexed:
        raise StoreFailed("the disk is gone")

    monkeypatch.setattr(record_index, "index_batch", failing)
    until(lambda: not running._thread.is_alive())
