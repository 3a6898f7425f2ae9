"""Atoms, strings, numbers, flags, mailbox names."""

from collections.abc import Callable

import pytest

from mss_gateway.imap.grammar import primitives
from mss_gateway.imap.grammar.cursor import Cursor, Malformed
from mss_gateway.imap.grammar.primitives import MAX_FLAGS, MAX_KEYWORD, Flags

At = Callable[..., Cursor]


@pytest.mark.parametrize("tag", [b"a1", b"A.b-c", b"x" * 64, b"1]"])
def test_a_tag_is_read(at: At, tag: bytes) -> None:
    assert primitives.tag(at(tag + b" NOOP")) == tag


@pytest.mark.parametrize("line", [b"", b" a", b"+", b"(a", b'"a"', b"\x80", b"*"])
def test_what_is_no_tag_is_refused(at: At, line: bytes) -> None:
    with pytest.raises(Malformed, match="tag"):
        primitives.tag(at(line))


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"INBOX", b"INBOX"),
        (b"a]b", b"a]b"),
        (b'"a b"', b"a b"),
        (b'"a\\"b\\\\"', b'a"b\\'),
        (b'""', b""),
        ('"clé"'.encode(), "clé".encode()),
    ],
)
def test_an_astring_is_an_atom_or_quoted(at: At, line: bytes, value: bytes) -> None:
    cursor = at(line)
    assert primitives.astring(cursor) == value
    cursor.end()


def test_an_astring_may_be_a_literal_without_nul(at: At) -> None:
    assert primitives.astring(at(b"{4}", b"a\r\n\xff", b"")) == b"a\r\n\xff"
    with pytest.raises(Malformed):
        primitives.astring(at(b"{1}", b"\0", b""))


@pytest.mark.parametrize("line", [b"", b'"open', b'"a\\b"', b"(x)", b"%", b"*", b"\x7f"])
def test_what_is_no_astring_is_refused(at: At, line: bytes) -> None:
    with pytest.raises(Malformed):
        primitives.astring(at(line))


def test_nil_is_only_special_in_an_nstring(at: At) -> None:
    assert primitives.nstring(at(b"nil")) is None
    assert primitives.nstring(at(b'"NIL"')) == b"NIL"
    assert primitives.astring(at(b"NIL")) == b"NIL"
    with pytest.raises(Malformed):
        primitives.nstring(at(b"atom"))


def test_numbers_stop_at_32_bits(at: At) -> None:
    assert primitives.number(at(b"4294967295")) == 2**32 - 1
    assert primitives.number(at(b"0")) == 0
    for line in (b"4294967296", b"", b"-1", b"x"):
        with pytest.raises(Malformed):
            primitives.number(at(line))
    assert primitives.nonzero(at(b"1")) == 1
    with pytest.raises(Malformed):
        primitives.nonzero(at(b"0"))


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"inbox", "INBOX"),
        (b'"InBox"', "INBOX"),
        (b"Envoy&AOk-s", "Envoyés"),
        (b'"A&-B"', "A&B"),
        (b"inbox/x", "inbox/x"),
    ],
)
def test_a_mailbox_name_is_decoded(at: At, line: bytes, name: str) -> None:
    assert primitives.mailbox(at(line)) == name


@pytest.mark.parametrize("line", [b"&", b"a&b", b"&AGE-", '"é"'.encode(), b"&2AA-"])
def test_a_name_that_is_no_canonical_modified_utf7_is_refused(at: At, line: bytes) -> None:
    with pytest.raises(Malformed):
        primitives.mailbox(at(line))


def test_a_pattern_may_hold_wildcards(at: At) -> None:
    for line in (b"%", b"*", b"a/%", b'"a b*"', b'""'):
        assert primitives.list_mailbox(at(line)) == line.decode().strip('"')
    with pytest.raises(Malformed):
        primitives.list_mailbox(at(b"("))


@pytest.mark.parametrize(
    ("line", "flags"),
    [
        (b"()", Flags()),
        (b"(\\Seen)", Flags(1)),
        (b"(\\seen \\ANSWERED $Label1 custom $Label1)", Flags(3, ("$Label1", "custom"))),
        (b"(\\Recent \\Draft)", Flags(16)),
    ],
)
def test_a_flag_list_is_bits_and_keywords(at: At, line: bytes, flags: Flags) -> None:
    cursor = at(line)
    assert primitives.flag_list(cursor) == flags
    cursor.end()


def test_flags_of_store_need_no_parentheses(at: At) -> None:
    assert primitives.flags_of_store(at(b"\\Deleted x")) == Flags(8, ("x",))
    assert primitives.flags_of_store(at(b"(x)")) == Flags(0, ("x",))


@pytest.mark.parametrize("line", [b"(", b"( )", b"(\\Unknown)", b"(a", b"(a  b)", b"(\\)"])
def test_what_is_no_flag_list_is_refused(at: At, line: bytes) -> None:
    with pytest.raises(Malformed):
        primitives.flag_list(at(line))


def test_keywords_and_lists_are_bounded_at_their_edges(at: At) -> None:
    longest = b"k" * MAX_KEYWORD
    assert primitives.flag_list(at(b"(" + longest + b")")).keywords == (longest.decode(),)
    with pytest.raises(Malformed, match="flag-keyword"):
        primitives.flag_list(at(b"(" + longest + b"k)"))
    most = [b"k%d" % number for number in range(MAX_FLAGS)]
    assert len(primitives.flag_list(at(b"(" + b" ".join(most) + b")")).keywords) == MAX_FLAGS
    with pytest.raises(Malformed, match="flag-list"):
        primitives.flag_list(at(b"(" + b" ".join([*most, b"more"]) + b")"))
