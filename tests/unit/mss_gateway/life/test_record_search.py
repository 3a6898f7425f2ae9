"""A search finds what the index knows, and what was filed a moment ago."""

import pytest

from mailbox_store.database import Transaction
from mss_gateway.dossier.documents import DocumentId
from mss_gateway.life import record_index, record_search
from mss_gateway.life.record_search import Found
from tests.support.pdf import pdf_of
from tests.support.smtp_site import DUBOIS, Site
from tests.unit.mss_gateway.dossier.shelf import NOW, document_of, put, put_text, take_out


def no_pace() -> None:
    """Work at once."""


def account(site: Site) -> int:
    return site.person(DUBOIS).account_id


def index(site: Site) -> None:
    while record_index.index_batch(site.gateway.database, site.gateway.renderer, no_pace).documents:
        pass


def search(site: Site, words: str) -> Found:
    return record_search.search(site.gateway, account(site), words)


def texts(site: Site, *words: str) -> list[DocumentId]:
    return [put_text(site.gateway.database, account(site), f"texte {word}") for word in words]


def test_a_document_is_found_before_and_after_it_is_indexed(site: Site) -> None:
    content = pdf_of(["Hémoglobine"])
    document = document_of(account(site), content, "Bilan", media_type="application/pdf")
    put(site.gateway.database, document, content)

    for words in ("bilan", "hemoglobine", "HÉMO bil"):
        assert search(site, words) == Found((document.document_id,), 0)
    assert search(site, "absent") == Found((), 0)
    index(site)
    for words in ("bilan", "hemoglobine", "HÉMO bil"):
        assert search(site, words) == Found((document.document_id,), 0)


def test_new_and_indexed_documents_come_in_one_order(site: Site) -> None:
    database = site.gateway.database
    ids = {}
    for at in (2, 4):
        content = b"texte %d" % at
        ids[at] = put(database, document_of(account(site), content, at=NOW + at), content)
    index(site)
    for at in (1, 3, 5):
        content = b"texte %d" % at
        ids[at] = put(database, document_of(account(site), content, at=NOW + at), content)

    assert search(site, "texte").document_ids == tuple(ids[at] for at in (5, 4, 3, 2, 1))


def test_without_words_nothing_is_found(site: Site) -> None:
    texts(site, "un")

    assert search(site, " -- ") == Found((), 0)


def test_what_is_read_of_new_documents_is_bounded_and_told(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_search, "READ_TEXTS", 2)
    monkeypatch.setattr(record_search, "READ_DESCRIPTIONS", 3)
    ids = texts(site, "un", "deux", "trois", "quatre")

    assert search(site, "texte") == Found(tuple(sorted(ids[2:], reverse=True)), 2)
    assert search(site, "document") == Found(tuple(sorted(ids[1:], reverse=True)), 1)
    index(site)
    assert search(site, "texte") == Found(tuple(sorted(ids, reverse=True)), 0)


def test_a_long_new_document_is_not_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (document_id,) = texts(site, "un")
    monkeypatch.setattr(record_search, "READ_OCTETS", len("texte un"))
    assert search(site, "texte") == Found((document_id,), 0)

    monkeypatch.setattr(record_search, "READ_OCTETS", len("texte un") - 1)
    assert search(site, "texte") == Found((), 1)


def test_reading_new_documents_ends_in_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    texts(site, "un", "deux")
    monkeypatch.setattr(record_search, "READ_SECONDS", 0.0)

    assert search(site, "texte") == Found((), 2)
    assert len(search(site, "document").document_ids) == 2


def test_a_new_document_that_cannot_be_read_is_told(site: Site) -> None:
    content = b"%PDF-1.7\nbroken"
    document = document_of(account(site), content, "Bilan", media_type="application/pdf")
    put(site.gateway.database, document, content)

    assert search(site, "texte") == Found((), 1)
    assert search(site, "bilan") == Found((document.document_id,), 0)


def test_a_removed_document_is_not_found(site: Site) -> None:
    ids = texts(site, "un", "deux")
    index(site)
    take_out(site.gateway.database, account(site), ids[0])

    assert search(site, "texte") == Found((ids[1],), 0)


def test_a_segment_that_does_not_open_is_read_around_and_marked(site: Site) -> None:
    (document_id,) = texts(site, "un")
    index(site)

    def damage(tx: Transaction) -> None:
        tx.sql("UPDATE document_segments SET sealed = zeroblob(50)")

    site.gateway.database.write(damage)

    assert search(site, "texte") == Found((document_id,), 0)
    with site.gateway.database.read() as view:
        assert view.sql("SELECT wants FROM document_segments").scalar_one() == 2
    record_index.tidy(site.gateway.database, site.gateway.renderer, account(site), no_pace)
    assert search(site, "texte") == Found((document_id,), 0)
    assert record_index.verify(site.gateway.database) == []
