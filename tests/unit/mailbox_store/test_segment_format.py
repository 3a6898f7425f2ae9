"""Segments: what is asked of one is what was put in, whatever way its terms are kept."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbox_store import segment_format
from mailbox_store.segment_draft import Draft
from mailbox_store.segment_format import EDGE, SECTIONS_LIMIT, Segment, SegmentMalformed

Message = dict[str, set[bytes]]

TERM = st.text("abé ", min_size=1, max_size=6).map(lambda text: text.encode())
MESSAGE = st.dictionaries(st.sampled_from(["", "subject", "body"]), st.sets(TERM, max_size=8))
CORPUS = st.lists(st.one_of(st.none(), MESSAGE), max_size=40)
PATTERN = st.tuples(
    st.sampled_from([b"", EDGE]),
    TERM.filter(lambda term: term != b""),
    st.sampled_from([b"", EDGE]),
).map(b"".join)


def no_pace() -> None:
    """Work at once."""


def drafted(corpus: Iterable[Message | None], first: int = 1) -> Draft:
    draft = Draft()
    for message_id, message in enumerate(corpus, first):
        draft.add(message_id, message)
    return draft


def opened(corpus: Iterable[Message | None]) -> Segment:
    return Segment(drafted(corpus).encode())


def matches(pattern: bytes, term: bytes) -> bool:
    return pattern in EDGE + term + EDGE


def expected(corpus: list[Message | None], name: str, pattern: bytes) -> set[int]:
    return {
        ordinal
        for ordinal, message in enumerate(corpus)
        if message is not None and any(matches(pattern, term) for term in message.get(name, ()))
    }


@given(CORPUS, PATTERN)
def test_a_section_finds_exactly_the_messages_with_the_pattern(
    corpus: list[Message | None], pattern: bytes
) -> None:
    segment = opened(corpus)
    for name in ("", "subject", "body"):
        section = segment.section(name)
        found = set() if section is None else section.holding(pattern)
        assert found == expected(corpus, name, pattern)


@given(CORPUS, PATTERN)
def test_the_segment_finds_what_any_of_its_sections_finds(
    corpus: list[Message | None], pattern: bytes
) -> None:
    names = ("", "subject", "body")
    found = set[int]().union(*(expected(corpus, name, pattern) for name in names))
    assert opened(corpus).holding(pattern) == found


@given(CORPUS)
def test_every_message_and_every_doubt_comes_back(corpus: list[Message | None]) -> None:
    segment = opened(corpus)
    assert list(segment.message_ids) == list(range(1, len(corpus) + 1))
    assert list(segment.doubtful) == [at for at, each in enumerate(corpus) if each is None]
    for name in segment.names:
        section = segment.section(name)
        assert section is not None
        told = {term: set(ordinals) for term, ordinals in section.terms()}
        terms = {term for message in corpus if message for term in message.get(name, ())}
        assert told == {term: expected(corpus, name, EDGE + term + EDGE) for term in terms}


@given(CORPUS, CORPUS, st.sets(st.integers(1, 80)))
def test_segments_that_become_one_say_the_same_without_what_is_gone(
    one: list[Message | None], other: list[Message | None], gone: set[int]
) -> None:
    segments = [Segment(drafted(one).encode()), Segment(drafted(other, len(one) + 1).encode())]
    merged, anew = Draft(), Draft()
    for segment in segments:
        merged.absorb(segment, set(segment.message_ids) - gone, no_pace)
    for message_id, message in enumerate([*one, *other], 1):
        if message_id not in gone:
            anew.add(message_id, message)
    assert len(merged) == len(anew)
    told, meant = Segment(merged.encode()), Segment(anew.encode())
    assert list(told.message_ids) == list(meant.message_ids)
    assert list(told.doubtful) == list(meant.doubtful)
    assert _said(told) == _said(meant)


def _said(segment: Segment) -> dict[tuple[str, bytes], list[int]]:
    sections = ((name, segment.section(name)) for name in segment.names)
    return {
        (name, term): list(ordinals)
        for name, section in sections
        if section is not None
        for term, ordinals in section.terms()
    }


@pytest.mark.parametrize("messages", [1, 8, 9, 16, 17, 64, 128, 129, 300])
def test_terms_of_every_frequency_are_found_at_every_width(messages: int) -> None:
    terms: list[Message | None] = [
        {"body": {b"every", b"half" if at % 2 else b"other", b"one%d" % at, b"two%d" % (at // 2)}}
        for at in range(messages)
    ]
    section = opened(terms).section("body")
    assert section is not None
    last = messages - 1
    assert section.holding(b"ever") == set(range(messages))
    assert section.holding(EDGE + b"half") == set(range(1, messages, 2))
    assert section.holding(EDGE + b"one%d" % last + EDGE) == {last}
    assert section.holding(b"two%d" % (last // 2) + EDGE) == {last, last // 2 * 2}
    assert section.holding(b"absent") == set()


def test_terms_around_the_places_where_lines_are_counted_are_told_apart() -> None:
    for length in range(1, 40):
        corpus: list[Message | None] = [
            {"body": {b"%03d" % at + b"x" * length}} for at in range(100)
        ]
        section = opened(corpus).section("body")
        assert section is not None
        for at in range(100):
            assert section.holding(EDGE + b"%03d" % at) == {at}


def test_a_term_longer_than_a_block_is_one_term() -> None:
    long = b"y" * (3 * segment_format.BLOCK)
    section = opened([{"body": {long}}, {"body": {b"z", b"zz"}}, {"body": {b"zzz"}}]).section(
        "body"
    )
    assert section is not None
    assert section.holding(b"yyy") == {0}
    assert section.holding(b"zz") == {1, 2}
    assert section.holding(b"zzz") == {2}


def test_terms_may_be_chosen_by_what_they_say() -> None:
    section = opened([{"date": {b"%d" % day}} for day in (10, 20, 20, 30)]).section("date")
    assert section is not None
    assert section.where(lambda day: int(day) >= 20) == {1, 2, 3}
    assert section.where(lambda day: int(day) > 30) == set()


def test_too_many_sections_make_doubt_instead_of_growth() -> None:
    corpus: list[Message | None] = [
        {"subject": {b"a"}, f"x-{at}": {b"b"}} for at in range(SECTIONS_LIMIT + 5)
    ]
    segment = opened(corpus)
    assert len(segment.names) == SECTIONS_LIMIT
    assert len(segment.doubtful) == 6
    known = {f"x-{at}" for at in range(SECTIONS_LIMIT + 5) if at not in set(segment.doubtful)}
    assert set(segment.names) == {"subject", *known}
    at_the_limit = opened(corpus[: SECTIONS_LIMIT - 1])
    assert len(at_the_limit.doubtful) == 0


def test_what_is_no_segment_is_refused_at_every_length() -> None:
    octets = drafted([{"body": {b"a", b"b"}, "subject": {b"c"}}, None]).encode()
    for length in range(len(octets)):
        with pytest.raises(SegmentMalformed):
            Segment(octets[:length])
    with pytest.raises(SegmentMalformed):
        Segment(octets + b"\0")
    with pytest.raises(SegmentMalformed):
        Segment(b"mss\x02" + octets[4:])


def test_long_work_is_done_in_pieces() -> None:
    calls = 0

    def pace() -> None:
        nonlocal calls
        calls += 1

    octets = drafted([{"body": {b"%d" % at for at in range(9_000)}}]).encode(pace)
    assert calls > 2
    calls = 0
    Draft().absorb(Segment(octets), {1}, pace)
    assert calls == 4
