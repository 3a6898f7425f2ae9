"""Searching a record as its pages do: the index, and what the index does not know yet.

A document that was filed a moment ago is found all the same: its description is read here, and its
text too when that costs little. What may be shown is judged by whoever asks.
"""

import time
from dataclasses import dataclass
from typing import Final

from mailbox_store.database import View
from mss_gateway.dossier import catalogue, searching
from mss_gateway.dossier.documents import Document, DocumentId
from mss_gateway.dossier.errors import DocumentNotFound
from mss_gateway.dossier.search_words import holds_all, query_of, terms_of
from mss_gateway.dossier.searching import Hit
from mss_gateway.dossier.text import Outcome, is_read, read_text
from mss_gateway.life import record_index
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import log

READ_DESCRIPTIONS: Final = 200
"""Documents not yet in the index whose title, author and kind are looked at."""

READ_TEXTS: Final = 4
READ_OCTETS: Final = 4 << 20
READ_SECONDS: Final = 3.0
"""How many of them, the newest, are read whole, how long they may be together, and how long that
may take."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, the newest document first, and what it could not look at.

    ``is_all`` is false when there are more, older ones (``searching.HITS_LIMIT``).
    ``left_out``: documents of which nothing or not the text was looked at, because they are not in
    the index yet; 0 a few seconds after the last filing.
    """

    document_ids: tuple[DocumentId, ...]
    left_out: int
    is_all: bool = True


@dataclass(frozen=True, slots=True)
class _Unread:
    """A document to be looked at: the words of its description, its bytes if they are read too."""

    document: Document
    terms: frozenset[bytes]
    content: bytes | None


def search(gateway: Gateway, account_id: int, wanted: str) -> Found:
    """Documents of a record that hold every word of ``wanted``, in whatever state they are.

    A word is found in title, author, organisation, type, category and text, by its beginning, in
    any case and with or without accents. Nothing is found for no words.
    """
    words = query_of(wanted)
    with gateway.database.read() as view:
        known = searching.find(view, account_id, words)
        unread = _read(view, account_id, known.unread)
    if known.damaged:
        log.note("record segments do not open", count=len(known.damaged))
        record_index.mark(gateway.database, known.damaged)
    hits, left_out = set(known.hits), len(known.unread) - len(unread)
    deadline = time.monotonic() + READ_SECONDS
    for one in unread:
        terms, is_all = _terms(gateway, one, deadline - time.monotonic())
        if holds_all(terms, words):
            hits.add(Hit(catalogue.dated(one.document), one.document.document_id))
        elif not is_all:
            left_out += 1
    return Found(tuple(searching.in_order(hits)), left_out, known.is_all)


def _read(view: View, account_id: int, document_ids: tuple[DocumentId, ...]) -> list[_Unread]:
    unread: list[_Unread] = []
    texts, octets = READ_TEXTS, READ_OCTETS
    for document_id in document_ids[:READ_DESCRIPTIONS]:
        try:
            document = catalogue.find(view, account_id, document_id)
        except DocumentNotFound:
            continue
        terms = frozenset[bytes]().union(*searching.described(document).values())
        content = None
        if texts and document.size <= octets and is_read(document.media_type, document.size):
            content = catalogue.read_bytes(view, account_id, document_id)
            texts, octets = texts - 1, octets - document.size
        unread.append(_Unread(document, terms, content))
    return unread


def _terms(gateway: Gateway, one: _Unread, seconds: float) -> tuple[frozenset[bytes], bool]:
    """Its words, and whether those of its text are among them."""
    document = one.document
    if one.content is None or seconds <= 0:
        return one.terms, not is_read(document.media_type, document.size)
    reading = read_text(gateway.renderer, one.content, document.media_type, seconds)
    is_all = reading.outcome is not Outcome.REFUSED
    return one.terms | terms_of(reading.text.split("\n")), is_all
