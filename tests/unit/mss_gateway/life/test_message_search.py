"""What a search reads, where it ends, and that a large mailbox costs no more than a small one."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from mailbox_store import indexable, mailboxes, messages, segment_plan, segments
from mailbox_store.database import Database, Transaction, View
from mailbox_store.segments import Part
from mss_gateway.life import index, message_search, message_terms
from mss_gateway.life.message_search import NEWEST, Found
from mss_gateway.life.message_words import asked_of
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from tests.support import site as sites
from tests.support.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with sites.opened(tmp_path) as opened:
        yield opened


def put(site: Site, numbers: Sequence[int]) -> None:
    """Letters in Camille's INBOX: « bilan » in all of them, « motN » in one."""
    account_id = site.camille.account_id
    with site.gateway.database.read() as view:
        inbox = mailboxes.find(view, account_id, "INBOX").mailbox_id
        seal = view.vault.account(view, account_id)
    arrivals = []
    for number in numbers:
        raw = (
            f"From: a@b.example\r\nSubject: Bilan\r\n\r\nmot{number} rare{number % 7}\r\n".encode()
        )
        arrivals.append(
            messages.seal_arrival(
                seal, account_id, site.gateway.new_ref(), raw, summarise(scan(raw)), b""
            )
        )

    def unit(tx: Transaction) -> None:
        for arrival in arrivals:
            messages.append(tx, inbox, arrival, 0, int(site.clock()))

    site.gateway.database.write(unit)


def index_all(site: Site) -> None:
    database = site.gateway.database
    while (done := index.index_batch(database, lambda: None)).messages:
        for account_id in done.accounts:
            index.tidy(database, account_id, lambda: None, is_thorough=False)


def find(site: Site, words: str, limit: int = 25, before: int = NEWEST) -> Found:
    account_id = site.camille.account_id
    with site.gateway.database.read() as view:
        inbox = mailboxes.find(view, account_id, "INBOX").mailbox_id
    return message_search.find(site.gateway, account_id, asked_of(words), [inbox], limit, before)


def uids(found: Found) -> list[int]:
    return [hit.uid for hit in found.hits]


class Cost:
    """What a search asked of the store."""

    def __init__(self) -> None:
        self.statements = self.segments = self.reads = 0


def costs(site: Site, words: str, monkeypatch: pytest.MonkeyPatch) -> Cost:
    cost = Cost()
    statement, opening, reading = View.sql, segments.open_segment, indexable.read_summary

    def counted(self: View, text: str, parameters: Sequence[object] = ()) -> object:
        cost.statements += 1
        return statement(self, text, parameters)

    def opened(*arguments: object) -> object:
        cost.segments += 1
        return opening(*arguments)  # type: ignore[arg-type]

    def read(*arguments: object) -> object:
        cost.reads += 1
        return reading(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(View, "sql", counted)
        patched.setattr(segments, "open_segment", opened)
        patched.setattr(indexable, "read_summary", read)
        find(site, words)
    return cost


def test_new_and_indexed_messages_come_in_one_order(site: Site) -> None:
    put(site, range(3))
    index_all(site)
    put(site, range(3, 6))
    assert uids(find(site, "bilan")) == [6, 5, 4, 3, 2, 1]
    assert uids(find(site, "mot2")) == [3] and uids(find(site, "mot4 bilan")) == [5]
    assert find(site, "absent") == Found()


def test_a_page_ends_where_the_next_begins(site: Site) -> None:
    put(site, range(10))
    index_all(site)
    first = find(site, "bilan", limit=4)
    assert uids(first) == [10, 9, 8, 7] and first.older == first.hits[-1].message_id
    second = find(site, "bilan", limit=4, before=first.older)
    third = find(site, "bilan", limit=4, before=second.older or 0)
    assert uids(second) == [6, 5, 4, 3] and uids(third) == [2, 1]
    assert third.older is None and not third.is_cut
    assert find(site, "bilan", limit=10).older is None


def test_what_is_found_costs_the_same_among_few_and_many(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site, range(100))
    index_all(site)
    few = costs(site, "bilan", monkeypatch)
    put(site, range(100, 3_000))
    index_all(site)
    many = costs(site, "bilan", monkeypatch)
    rare = costs(site, "absent", monkeypatch)
    assert (few.reads, many.reads, rare.reads) == (0, 0, 0)
    assert many.statements <= few.statements and many.segments <= few.segments
    with site.gateway.database.read() as view:
        stretches = segments.stretches(view, site.camille.account_id)
    assert rare.segments == len(stretches) <= 2 * segment_plan.FAN
    assert rare.statements <= few.statements + len(stretches)


def test_messages_that_are_not_indexed_are_read_up_to_a_number(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site, range(5))
    monkeypatch.setattr(message_search, "READ_MESSAGES", 3)
    found = find(site, "bilan")
    assert uids(found) == [5, 4, 3] and found.left_out and not found.is_cut
    monkeypatch.setattr(message_search, "READ_MESSAGES", 5)
    assert not find(site, "bilan").left_out


def test_phrases_are_looked_for_up_to_a_number_and_then_further(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site, range(5))
    index_all(site)
    monkeypatch.setattr(message_search, "READ_MESSAGES", 3)
    first = find(site, '"mot0 rare0"')
    assert uids(first) == [1]
    first = find(site, '"bilan bilan"')
    assert uids(first) == [] and first.is_cut and first.older is not None
    second = find(site, '"bilan bilan"', before=first.older)
    assert uids(second) == [] and second.older is None


@pytest.mark.parametrize(("octets", "is_cut"), [(0, True), (1 << 20, False)])
def test_a_search_opens_so_much_and_says_where_it_ended(
    octets: int, is_cut: bool, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site, range(5))
    index_all(site)
    monkeypatch.setattr(message_search, "SEARCHED_OCTETS", octets)
    found = find(site, "mot1")
    assert found.is_cut is is_cut and (found.older is not None) is is_cut
    assert uids(found) == ([] if is_cut else [2])


def test_a_search_ends_in_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    put(site, range(5))
    index_all(site)
    monkeypatch.setattr(message_search, "SEARCH_SECONDS", -1.0)
    found = find(site, "mot1")
    assert found.is_cut and found.older is not None


def test_a_segment_of_an_earlier_release_is_read_around_and_made_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site, range(5))
    with monkeypatch.context() as earlier:
        earlier.setattr(message_terms, "_PATIENT", "nobody")
        index_all(site)
    assert uids(find(site, "bilan")) == [5, 4, 3, 2, 1]
    assert is_damaged(site.gateway.database, site)
    assert uids(find(site, "mot3")) == [4]
    index.tidy(site.gateway.database, site.camille.account_id, lambda: None, is_thorough=False)
    assert not is_damaged(site.gateway.database, site)
    assert costs(site, "bilan", monkeypatch).reads == 0
    assert uids(find(site, "bilan")) == [5, 4, 3, 2, 1]


def is_damaged(database: Database, site: Site) -> bool:
    with database.read() as view:
        return any(one.is_damaged for one in segments.stretches(view, site.camille.account_id))


def test_a_segment_that_does_not_open_is_read_around_and_marked(site: Site) -> None:
    put(site, range(5))
    index_all(site)
    with site.gateway.database.read() as view:
        (stretch,) = segments.stretches(view, site.camille.account_id)
    torn = stretch.pieces[Part.BODY].segment_id
    site.gateway.database.write(
        lambda tx: tx.sql(
            "UPDATE search_segments SET sealed = ? WHERE segment_id = ?", (b"torn", torn)
        )
    )
    assert uids(find(site, "mot3")) == [4]
    assert is_damaged(site.gateway.database, site)


def test_a_message_that_does_not_open_hides_no_other(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site, range(3))
    real = indexable.read_summary

    def torn(view: View, account_id: object, message_id: int) -> bytes:
        if message_id % 2:
            raise ValueError("does not open")
        return real(view, account_id, message_id)  # type: ignore[arg-type]

    monkeypatch.setattr(indexable, "read_summary", torn)
    assert 1 <= len(find(site, "bilan").hits) <= 2


def test_professionals_index_is_told_nothing_more(site: Site) -> None:
    site.deliver(site.paul, site.claire, site.written(site.paul, site.claire, "Bilan", "mot1"))
    index_all(site)
    with site.gateway.database.read() as view:
        (stretch,) = segments.stretches(view, site.claire.account_id)
        segment = segments.open_segment(view, site.claire.account_id, stretch, Part.BODY)
    assert list(segment.names) == ["body"]
