"""The index answers as reading every message does, however far it has come and whatever broke."""

from collections.abc import Iterator, Sequence
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailbox_store import changes, copying, mailboxes, messages, segment_plan, segments
from mailbox_store.flags import SEEN
from mailbox_store.segments import Part
from mss_gateway.imap import finding, lookup
from mss_gateway.imap.finding import find
from mss_gateway.imap.grammar.search import (
    Aged,
    Basis,
    Dated,
    Either,
    Every,
    HasFlag,
    Identified,
    InField,
    InText,
    Key,
    ModifiedSince,
    Not,
    Numbered,
    Sized,
    Timing,
)
from mss_gateway.imap.grammar.sets import NumberSet
from mss_gateway.imap.identifiers import email_id
from mss_gateway.imap.searching import Cost
from mss_gateway.imap.state import Session
from mss_gateway.imap.wire import ConnectionGone
from mss_gateway.life import index
from mss_gateway.message.header import field_text, header_end, parse_header
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import Summary, summarise
from mss_gateway.message.text import body_text, normal
from mss_gateway.message.words import decode_words, unfold
from tests.protocol.imap_site import NOW, Site, open_site
from tests.unit.mss_gateway.imap.search_site import Shelf, new_shelf, run


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One store for all: each test has an account of its own."""
    with open_site(tmp_path_factory.mktemp("finding")) as opened:
        yield opened


@pytest.fixture
def shelf(site: Site) -> Shelf:
    return new_shelf(site)


@pytest.fixture(autouse=True, scope="module")
def _looks_up_however_few() -> Iterator[None]:
    """Mailboxes of tests are small: the index is asked all the same, and merged early."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "WORTH", dict.fromkeys(Cost, 1 << 40))
        patch.setattr(segment_plan, "FAN", 2)
        yield


def no_pace() -> None:
    """Work at once."""


def index_all(shelf: Shelf) -> None:
    """Index what waits, of all accounts, and merge."""
    while index.index_batch(shelf.database, no_pace).messages:
        pass
    index.tidy(shelf.database, shelf.account_id, no_pace, is_thorough=True)


def found(shelf: Shelf, key: Key) -> list[int]:
    async def search() -> list[int]:
        return await find(await shelf.session(), Every((key,)))

    return run(search())


def plain(subject: str = "Bilan", body: str = "Bonjour.", more: str = "") -> bytes:
    head = f"From: Zoé Moreau <zoe@mss.example>\r\nSubject: {subject}\r\n{more}"
    return f"{head}\r\n{body}\r\n".encode()


# the meaning of text keys, said once more and in another way: RFC 9051 §6.4.4


def holds(raw: bytes, key: Key) -> bool:
    """Whether a message fulfils a key on its text."""
    match key:
        case Not(inner):
            return not holds(raw, inner)
        case Either(one, other):
            return holds(raw, one) or holds(raw, other)
        case Every(each):
            return all(holds(raw, one) for one in each)
        case InField(name, text):
            return _in_field(raw, name, text)
        case InText(text, with_header):
            return (with_header and _in_lines(raw, text)) or normal(text) in body_text(raw)
        case Dated():
            return _was_sent(raw, key)
        case _:
            raise TypeError(key)


def _fields(raw: bytes) -> list[tuple[str, str]]:
    end, _ = header_end(raw, 0, len(raw))
    header = parse_header(raw, 0, end)
    return [(name, decode_words(unfold(field_text(value)))) for name, value in header.fields]


def _in_field(raw: bytes, name: str, text: str) -> bool:
    summary = Summary(summarise(scan(raw)))
    summarised = {
        "from": summary.from_text,
        "to": summary.to_text,
        "cc": summary.cc_text,
        "bcc": summary.bcc_text,
        "subject": summary.subject,
        "message-id": summary.message_id,
    }
    if text and name in summarised:
        return normal(text) in summarised[name].lower()
    return any(normal(text) in normal(value) for each, value in _fields(raw) if each == name)


def _in_lines(raw: bytes, text: str) -> bool:
    return any(normal(text) in normal(f"{name}: {value}") for name, value in _fields(raw))


def _was_sent(raw: bytes, key: Dated) -> bool:
    day = Summary(summarise(scan(raw))).sent_day
    wanted = (key.day - date(1970, 1, 1)).days
    if day is None:
        return False
    return {
        Timing.BEFORE: day < wanted,
        Timing.ON: day == wanted,
        Timing.SINCE: day >= wanted,
    }[key.timing]


# corpora and keys that like to meet

WORD = st.sampled_from(
    [
        "a",
        "ab",
        "b",
        "ba",
        "É",
        "é",
        "E\u0301",
        "x-a:",
        "subject:",
        "=?utf-8?Q?=C3=89_b?=",
        "b" * 70,
    ]
)
TEXT = st.lists(WORD, max_size=6).map(" ".join)
BODY = st.lists(WORD, max_size=8).flatmap(
    lambda words: st.sampled_from([" ", "  ", "\r\n", "\t", "\u00a0"]).map(
        lambda space: space.join(words)
    )
)
DATE = st.sampled_from(
    [
        "",
        "Date: Tue, 22 Sep 2026 00:30:00 +0200\r\n",
        "Date: Mon, 21 Sep 2026 23:30:00 -0700\r\n",
        "Date: Wed, 23 Sep 2026 10:00:00 +0000\r\n",
        "Date: hier\r\n",
    ]
)
NAME = st.sampled_from(["From", "To", "Cc", "Bcc", "Subject", "Message-ID", "X-A", "X-Ab"])


@st.composite
def letter(draw: st.DrawFn) -> bytes:
    names = draw(st.lists(NAME, max_size=6))
    single = {"From", "Subject", "Message-ID"}
    fields = [
        (name, draw(TEXT))
        for at, name in enumerate(names)
        if name not in single or name not in names[:at]
    ]
    folds = draw(st.booleans())
    head = "".join(
        f"{name}: {text.replace(' ', chr(13) + chr(10) + ' ', 1) if folds else text}\r\n"
        for name, text in fields
    )
    kind = draw(st.sampled_from(["plain", "html", "other"]))
    media = {
        "plain": "Content-Type: text/plain; charset=utf-8\r\n",
        "html": "Content-Type: text/html; charset=utf-8\r\n",
        "other": "Content-Type: application/pdf\r\n",
    }[kind]
    body = draw(BODY)
    body = f"<p>a<b>{body}</b>&eacute;</p>" if kind == "html" else body
    return f"{head}{draw(DATE)}{media}\r\n{body}\r\n".encode()


ODD = st.one_of(
    st.text("abé :x-", max_size=5),
    st.sampled_from(["A\u00a0b", "b" * 71, " ", "", "text/", "é b"]),
)
FIELD = st.sampled_from(
    ["from", "to", "cc", "bcc", "subject", "message-id", "x-a", "x-ab", "content-type", "absent"]
)
DATED = st.builds(
    Dated,
    st.sampled_from(Timing),
    st.sampled_from([date(2026, 9, 21), date(2026, 9, 22), date(2026, 9, 23)]),
    st.just(Basis.SENT),
)


def said(raw: bytes) -> list[str]:
    """Everything that a text key may look into."""
    return [body_text(raw), *(normal(f"{name}: {value}") for name, value in _fields(raw))]


@st.composite
def wanted(draw: st.DrawFn, raws: list[bytes]) -> str:
    """A piece of what some message says, across words and out of their middle; or anything."""
    texts = [text for raw in raws for text in said(raw)]
    if not texts or draw(st.integers(0, 3)) == 0:
        return draw(ODD)
    text = draw(st.sampled_from(texts))
    start = draw(st.integers(0, len(text)))
    return text[start : start + draw(st.integers(1, 12))]


@st.composite
def case(draw: st.DrawFn) -> tuple[list[bytes], list[Key]]:
    """Messages, and keys that like to meet them."""
    raws = draw(st.lists(letter(), max_size=10))
    text = wanted(raws)
    leaf: st.SearchStrategy[Key] = st.one_of(
        st.builds(InField, FIELD, text), st.builds(InText, text, st.booleans()), DATED
    )
    key = st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(Not, inner),
            st.builds(Either, inner, inner),
            st.lists(inner, min_size=1, max_size=3).map(lambda each: Every(tuple(each))),
        ),
        max_leaves=4,
    )
    return raws, draw(st.lists(key, min_size=1, max_size=6))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case(), st.lists(st.integers(0, 10), max_size=3), st.sets(st.integers(1, 10), max_size=3))
def test_indexed_or_not_the_same_messages_are_found(
    site: Site, letters: tuple[list[bytes], list[Key]], cuts: list[int], gone: set[int]
) -> None:
    shelf = new_shelf(site)
    raws, keys = letters
    meant = [
        [at for at, raw in enumerate(raws) if at + 1 not in gone and holds(raw, key)]
        for key in keys
    ]
    start = 0
    for cut in sorted(min(cut, len(raws)) for cut in cuts):
        shelf.put(raws[start:cut])
        index_all(shelf)
        start = cut
    shelf.put(raws[start:])
    shelf.expunge(gone)
    _expect(shelf, keys, meant, gone)
    index_all(shelf)
    _expect(shelf, keys, meant, gone)


def _expect(shelf: Shelf, keys: list[Key], meant: list[list[int]], gone: set[int]) -> None:
    with shelf.database.read() as view:
        uids = messages.all_uids(view, shelf.inbox.mailbox_id)
    for key, expected in zip(keys, meant, strict=True):
        assert [uids[at] - 1 for at in found(shelf, key)] == expected


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case(), st.sets(st.sampled_from(Part)))
def test_damaged_segments_change_nothing_but_time(
    site: Site, letters: tuple[list[bytes], list[Key]], parts: set[Part]
) -> None:
    shelf = new_shelf(site)
    raws, keys = letters
    for half in (raws[: len(raws) // 2], raws[len(raws) // 2 :]):
        shelf.put(half)
        index.index_batch(shelf.database, no_pace)
    _damage(shelf, parts, first_only=True)
    for key in keys * 2:
        assert found(shelf, key) == [at for at, raw in enumerate(raws) if holds(raw, key)]


def _damage(shelf: Shelf, parts: set[Part], *, first_only: bool = False) -> None:
    with shelf.database.read() as view:
        stretches = segments.stretches(view, shelf.account_id)
    ids = [
        stretch.pieces[part].segment_id
        for stretch in (stretches[:1] if first_only else stretches)
        for part in parts
    ]

    def unit(tx: segments.Transaction) -> None:
        for each in ids:
            tx.sql("UPDATE search_segments SET sealed = x'00' WHERE segment_id = ?", (each,))

    shelf.database.write(unit)


# what is read


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The messages whose body or header is read from now on."""
    seen: list[int] = []
    read_body = changes.read_body

    def counting(view, account_id, message_id, *span):  # type: ignore[no-untyped-def]
        seen.append(message_id)
        return read_body(view, account_id, message_id, *span)

    monkeypatch.setattr(changes, "read_body", counting)
    return seen


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (InText("bonjour", with_header=True), range(20)),
        (InText("njou", with_header=False), range(20)),
        (InText("absent", with_header=True), ()),
        (InText("x-a", with_header=True), range(10, 20)),
        (InField("subject", "bilan 3"), (3,)),
        (InField("from", "zoé moreau"), range(20)),
        (InField("x-a", "deux mots"), range(10, 20)),
        (InField("x-a", ""), range(10, 20)),
        (Dated(Timing.SINCE, date(2026, 9, 22), Basis.SENT), (0,)),
        (Not(InField("x-a", "mots")), range(10)),
    ],
)
def test_what_the_index_knows_is_not_read(
    shelf: Shelf, reads: list[int], key: Key, expected: Sequence[int]
) -> None:
    shelf.put([plain("Bilan 0", more="Date: Tue, 22 Sep 2026 10:00:00 +0200\r\n")])
    shelf.put(plain(f"Bilan {at}") for at in range(1, 10))
    shelf.put(plain(f"Bilan {at}", more="X-A: Ces deux mots\r\n") for at in range(10, 20))
    index_all(shelf)
    reads.clear()
    assert found(shelf, key) == list(expected)
    assert reads == []


def test_of_several_words_only_messages_with_all_of_them_are_read(
    shelf: Shelf, reads: list[int]
) -> None:
    bodies = ["un deux trois", "deux un trois", "un trois", "xun deuxième fois", "un  DEUX"]
    shelf.put(plain(body=body) for body in bodies)
    index_all(shelf)
    reads.clear()
    assert found(shelf, InText("un deux", with_header=False)) == [0, 3, 4]
    assert len(reads) == 4  # and the second one, where they stand the other way round


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x-a: ces deux", [0]),
        ("x-a: ces deux mots", [0]),
        ("a: c", [0, 1]),
        ("x-a: deux", []),
        ("x-a: ces longs", [1]),
        ("x-a: longs", []),
        ("ces longs", [1]),
        ("mots x-b:", []),
        ("x-b: ", [0]),
        ("subject: bilan", [0, 1]),
    ],
)
def test_text_may_begin_in_the_name_of_a_field(
    shelf: Shelf, text: str, expected: list[int]
) -> None:
    long = "y" * 120
    shelf.put([plain(more="X-A: Ces deux mots\r\nX-B:\r\n")])
    shelf.put([plain(more=f"X-A: Ces longs {long} mots\r\n")])
    index_all(shelf)
    assert found(shelf, InText(text, with_header=True)) == expected


@pytest.mark.parametrize(
    ("text", "expected", "read"),
    [
        ("ces longs", [1], 1),
        ("es lon", [1], 1),
        ("ces deux", [0], 0),
        ("longs ces", [], 1),
        ("ces mots", [], 1),
        ("ces autres", [], 0),
        ("long", [1], 0),
    ],
)
def test_long_values_of_a_field_are_narrowed_down_and_read(
    shelf: Shelf, reads: list[int], text: str, expected: list[int], read: int
) -> None:
    shelf.put([plain(more="X-A: Ces deux mots\r\n")])
    shelf.put([plain(more=f"X-A: Ces longs {'y' * 120} mots\r\n")])
    index_all(shelf)
    reads.clear()
    assert found(shelf, InField("x-a", text)) == expected
    assert len(reads) == read


def test_what_came_after_the_index_is_read_and_nothing_else(shelf: Shelf, reads: list[int]) -> None:
    shelf.put(plain(body="avant") for _ in range(5))
    index_all(shelf)
    shelf.put([plain(body="avant"), plain(body="autre")])
    reads.clear()
    assert found(shelf, InText("avant", with_header=False)) == [0, 1, 2, 3, 4, 5]
    assert len(reads) == 2


def test_other_keys_narrow_down_what_is_read(shelf: Shelf, reads: list[int]) -> None:
    shelf.put((plain() for _ in range(9)), moment=NOW - 500_000)
    shelf.put([plain()], moment=NOW)
    recent = Aged(86_400, is_older=False)
    assert found(shelf, Every((InText("bonjour", with_header=False), recent))) == [9]
    assert len(reads) == 1
    assert found(shelf, Either(Not(recent), InText("bonjour", with_header=False))) == list(
        range(10)
    )
    assert len(reads) == 2


def test_few_messages_are_read_rather_than_looked_up(
    shelf: Shelf, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "WORTH", dict.fromkeys(Cost, 100))
    shelf.put(plain(body=f"mot{at}") for at in range(30))
    index_all(shelf)
    reads.clear()
    one = Numbered(NumberSet(((3, 3),)), is_uid=False)
    assert found(shelf, Every((one, InText("mot2", with_header=False)))) == [2]
    assert len(reads) == 1


def test_a_copy_and_a_moved_message_are_found_without_being_indexed_again(
    shelf: Shelf, reads: list[int]
) -> None:
    shelf.put([plain(body="copie"), plain(body="autre")])
    index_all(shelf)
    archive = shelf.database.write(lambda tx: mailboxes.create(tx, shelf.account_id, "Archive"))
    shelf.database.write(
        lambda tx: (
            copying.copy(tx, shelf.inbox.mailbox_id, [1], archive)
            + copying.copy(tx, shelf.inbox.mailbox_id, [1, 2], archive)
        )
    )
    reads.clear()

    async def search() -> list[int]:
        return await find(
            await shelf.session(archive), Every((InText("copie", with_header=False),))
        )

    assert run(search()) == [0, 1]
    assert reads == []


def test_another_accounts_messages_are_never_found(site: Site) -> None:
    mine, other = new_shelf(site), new_shelf(site)
    mine.put([plain(body="partout")])
    other.put([plain(body="partout")] * 3)
    index_all(mine)
    assert found(mine, InText("partout", with_header=True)) == [0]


# a message that cannot be indexed whole


def test_a_message_with_too_many_words_is_read(shelf: Shelf, reads: list[int]) -> None:
    shelf.put([plain(), plain(body=" ".join(f"mot{at:06d}" for at in range(60_000)))])
    index_all(shelf)
    reads.clear()
    assert found(shelf, InText("mot059999", with_header=False)) == [1]
    assert len(reads) == 1


def test_a_segment_that_does_not_open_is_marked_and_made_again(shelf: Shelf) -> None:
    shelf.put([plain(body="dedans")])
    index_all(shelf)
    _damage(shelf, {Part.BODY})
    assert found(shelf, InText("dedans", with_header=False)) == [0]
    shelf.database.write(lambda tx: None)  # what nobody waited for has been written before this
    with shelf.database.read() as view:
        (stretch,) = segments.stretches(view, shelf.account_id)
    assert [part for part in Part if stretch.pieces[part].is_damaged] == [Part.BODY]
    index_all(shelf)
    with shelf.database.read() as view:
        (stretch,) = segments.stretches(view, shelf.account_id)
        assert not stretch.is_damaged
        segments.open_segment(view, shelf.account_id, stretch, Part.BODY)


# keys that rows answer


def test_ages_dates_sizes_and_modseqs_are_answered(shelf: Shelf) -> None:
    shelf.put([plain(body="x" * 500)], moment=NOW - 86_400)
    shelf.put([plain()], moment=NOW - 86_399)
    shelf.put([plain()], moment=NOW)
    day = date(2026, 9, 21)  # NOW is 14:13 UTC on that day
    assert found(shelf, Aged(86_400, is_older=True)) == [0]
    assert found(shelf, Aged(86_400, is_older=False)) == [0, 1, 2]
    assert found(shelf, Aged(86_399, is_older=True)) == [0, 1]
    assert found(shelf, Dated(Timing.ON, day, Basis.ARRIVAL)) == [2]
    assert found(shelf, Dated(Timing.BEFORE, day, Basis.ARRIVAL)) == [0, 1]
    assert found(shelf, Dated(Timing.ON, day, Basis.SAVED)) == [0, 1, 2]
    assert found(shelf, Sized(400, is_larger=True)) == [0]
    (changed,) = shelf.database.write(
        lambda tx: messages.set_flags(tx, shelf.inbox.mailbox_id, [2], -1, SEEN)
    )
    assert found(shelf, ModifiedSince(changed[2])) == [1]
    assert found(shelf, Every((Not(ModifiedSince(changed[2])), Not(HasFlag(SEEN))))) == [0, 2]


def test_a_message_is_found_by_its_identifier(shelf: Shelf) -> None:
    shelf.put([plain(), plain()])
    with shelf.database.read() as view:
        (row,) = changes.rows(view, shelf.account_id, shelf.inbox.mailbox_id, 2, 2)
        identifier = email_id(view, row.message_id)
    assert found(shelf, Identified(identifier, is_thread=False)) == [1]
    assert found(shelf, Identified("M00", is_thread=False)) == []
    assert found(shelf, Identified(identifier, is_thread=True)) == []


def test_a_message_that_is_gone_meanwhile_is_not_found(shelf: Shelf) -> None:
    shelf.put([plain(), plain()])

    async def search() -> list[int]:
        session = await shelf.session()
        shelf.expunge([1])
        return await find(session, Every((InText("bonjour", with_header=False),)))

    assert run(search()) == [1]


# a search takes turns with others, and can be given up


@pytest.mark.parametrize("indexed", [True, False])
def test_a_client_that_is_gone_ends_the_search_between_two_looks(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, indexed: bool
) -> None:
    for each in (finding, lookup):
        monkeypatch.setattr(each, "SLICE_SECONDS", 0.0)
    for at in range(6):
        shelf.put([plain(body=f"mot{at}")])
        if indexed:
            index_all(shelf)

    async def search() -> int:
        session = await shelf.session()
        looks = 0
        read = Session.read

        async def reading(self, work, *args, **kwargs):  # type: ignore[no-untyped-def]
            nonlocal looks
            looks += 1
            if looks == 4:
                self.wire.connection_lost(None)
            return await read(self, work, *args, **kwargs)

        monkeypatch.setattr(Session, "read", reading)
        with pytest.raises(ConnectionGone):
            await find(session, Every((InText("mot", with_header=False),)))
        return looks

    assert run(search()) == 4


def test_in_the_smallest_slices_the_answer_is_the_same(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(8):
        shelf.put([plain(body=f"mot{at % 3}")])
        if at != 5:
            index_all(shelf)
    key = Either(InText("mot1", with_header=True), InField("subject", "absent"))
    whole = found(shelf, key)
    for each in (finding, lookup):
        monkeypatch.setattr(each, "SLICE_SECONDS", 0.0)
    assert found(shelf, key) == whole == [1, 4, 7]


def test_stretches_that_are_merged_during_a_search_lose_nothing(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "SLICE_SECONDS", 0.0)
    for at in range(20):
        shelf.put([plain(body=f"mot{at}")])
        index.index_batch(shelf.database, no_pace)

    async def search() -> list[int]:
        session = await shelf.session()
        looks = 0
        read = Session.read

        async def reading(self, work, *args, **kwargs):  # type: ignore[no-untyped-def]
            nonlocal looks
            looks += 1
            if looks == 5:
                index.tidy(shelf.database, shelf.account_id, no_pace, is_thorough=False)
            return await read(self, work, *args, **kwargs)

        monkeypatch.setattr(Session, "read", reading)
        return await find(session, Every((InText("mot", with_header=False),)))

    assert run(search()) == list(range(20))
    with shelf.database.read() as view:
        assert len(segments.stretches(view, shelf.account_id)) < 5
