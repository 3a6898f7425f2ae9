"""FETCH items and sections."""

from collections.abc import Callable

import pytest

from mss_gateway.imap.grammar import fetch
from mss_gateway.imap.grammar.cursor import Cursor, Malformed
from mss_gateway.imap.grammar.fetch import (
    MAX_FIELDS,
    MAX_ITEMS,
    MAX_PART_DEPTH,
    Attribute,
    Binary,
    Content,
    Item,
    Portion,
    Section,
)

At = Callable[..., Cursor]


@pytest.mark.parametrize(
    ("line", "item"),
    [
        (b"BINARY[1.2]", Binary(b"BINARY[1.2]", (1, 2), None, True)),
        (b"binary.peek[]", Binary(b"BINARY[]", (), None, False)),
        (b"BINARY.PEEK[1]<3.4>", Binary(b"BINARY[1]<3>", (1,), (3, 4), False)),
        (b"BINARY.SIZE[2]", Binary(b"BINARY.SIZE[2]", (2,), is_size=True)),
        (b"PREVIEW", Attribute.PREVIEW),
        (b"(PREVIEW (LAZY) MODSEQ)", None),
    ],
)
def test_items_of_extensions_are_read(at: At, line: bytes, item: Item | None) -> None:
    cursor = at(line)
    expected = (Attribute.PREVIEW, Attribute.MODSEQ) if item is None else (item,)
    assert fetch.items(cursor) == expected
    cursor.end()


def test_modifiers_are_read(at: At) -> None:
    read = fetch.fetching(True)(at(b" 1 FLAGS (changedsince 7 vanished)"))
    assert (read.changed_since, read.wants_vanished) == (7, True)
    assert read.items == (Attribute.FLAGS, Attribute.MODSEQ)
    assert fetch.fetching(False)(at(b" 1 FLAGS")).changed_since is None


@pytest.mark.parametrize(
    "line",
    [
        b" 1 FLAGS ()",
        b" 1 FLAGS (CHANGEDSINCE)",
        b" 1 FLAGS (CHANGEDSINCE x)",
        b" 1 FLAGS (CHANGEDSINCE 7 VANISHED)",
        b" 1 FLAGS (VANISHED)",
        b" 1 FLAGS (CHANGEDSINCE 7",
        b" 1 BINARY[",
        b" 1 BINARY[1.]",
        b" 1 BINARY[TEXT]",
        b" 1 BINARY.SIZE[" + b"1." * MAX_PART_DEPTH + b"1]",
        b" 1",
    ],
)
def test_modifiers_that_do_not_fit_are_refused(at: At, line: bytes) -> None:
    with pytest.raises(Malformed):
        fetch.fetching(False)(at(line))


def test_words_macros_and_lists_are_read(at: At) -> None:
    assert fetch.items(at(b"flags")) == (Attribute.FLAGS,)
    assert fetch.items(at(b"(UID RFC822.SIZE uid)")) == (Attribute.UID, Attribute.SIZE)
    assert fetch.items(at(b"FAST")) == (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.SIZE)
    assert fetch.items(at(b"ALL"))[-1] is Attribute.ENVELOPE
    assert fetch.items(at(b"FULL"))[-1] is Attribute.BODY
    assert fetch.items(at(b"BODYSTRUCTURE")) == (Attribute.BODYSTRUCTURE,)


@pytest.mark.parametrize(
    ("line", "content"),
    [
        (b"BODY[]", Content(b"BODY[]", Section(), None, True)),
        (b"BODY.PEEK[]", Content(b"BODY[]", Section(), None, False)),
        (b"body[header]", Content(b"BODY[HEADER]", Section((), Portion.HEADER), None, True)),
        (b"BODY[TEXT]<5.7>", Content(b"BODY[TEXT]<5>", Section((), Portion.TEXT), (5, 7), True)),
        (b"BODY[1.2]", Content(b"BODY[1.2]", Section((1, 2)), None, True)),
        (b"BODY[3.MIME]", Content(b"BODY[3.MIME]", Section((3,), Portion.MIME), None, True)),
        (
            b"BODY.PEEK[1.HEADER.FIELDS.NOT (Subject X-A)]",
            Content(
                b"BODY[1.HEADER.FIELDS.NOT (Subject X-A)]",
                Section((1,), Portion.FIELDS_NOT, (b"Subject", b"X-A")),
                None,
                False,
            ),
        ),
        (b"RFC822", Content(b"RFC822", Section(), None, True)),
        (
            b"RFC822.HEADER",
            Content(b"RFC822.HEADER", Section((), Portion.HEADER), None, False),
        ),
        (b"RFC822.TEXT", Content(b"RFC822.TEXT", Section((), Portion.TEXT), None, True)),
    ],
)
def test_sections_are_read(at: At, line: bytes, content: Content) -> None:
    cursor = at(line)
    assert fetch.items(cursor) == (content,)
    cursor.end()


def test_field_names_may_be_quoted_or_literals(at: At) -> None:
    found = fetch.items(at(b'BODY[HEADER.FIELDS ("From" {2}', b"To", b")]"))
    assert isinstance(found[0], Content)
    assert found[0].section.fields == (b"From", b"To")
    assert found[0].label == b"BODY[HEADER.FIELDS (From To)]"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"()",
        b"(FLAGS",
        b"(FLAGS  UID)",
        b"NONSENSE",
        b"BODY[",
        b"BODY[MIME]",
        b"BODY[1.]",
        b"BODY[0]",
        b"BODY[1.FOO]",
        b"BODY[HEADER.FIELDS]",
        b"BODY[HEADER.FIELDS ()]",
        b'BODY[HEADER.FIELDS ("a b")]',
        b"BODY[]<1>",
        b"BODY[]<1.0>",
        b"BODY[]<1.2",
        b"(FAST)",
        b"BODY.PEEK",
    ],
)
def test_what_is_no_item_is_refused(at: At, line: bytes) -> None:
    cursor = at(line)
    with pytest.raises(Malformed):
        fetch.items(cursor)


def test_items_fields_and_parts_are_bounded_at_their_edges(at: At) -> None:
    def items(count: int) -> bytes:
        return b"(" + b" ".join(b"BODY[%d]" % (n + 1) for n in range(count)) + b")"

    def fields(count: int) -> bytes:
        return b"BODY[HEADER.FIELDS (" + b" ".join(b"X%d" % n for n in range(count)) + b")]"

    def part(depth: int) -> bytes:
        return b"BODY[" + b".".join([b"1"] * depth) + b"]"

    for make, limit in ((items, MAX_ITEMS), (fields, MAX_FIELDS), (part, MAX_PART_DEPTH)):
        assert fetch.items(at(make(limit)))
        with pytest.raises(Malformed):
            fetch.items(at(make(limit + 1)))
