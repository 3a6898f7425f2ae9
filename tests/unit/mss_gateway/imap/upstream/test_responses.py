"""What a foreign server says, read from octets; none of it is believed before it is read."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.imap.upstream import responses
from mss_gateway.imap.upstream.errors import Garbled
from mss_gateway.imap.upstream.responses import Fetched, Framer, Listed, Response, Value

STREAM = (
    b"* OK [CAPABILITY IMAP4rev1] ready {3}\r\n"
    b'* LIST (\\HasNoChildren) "/" {7}\r\na* \r\nb"\r\n'
    b"* 1 FETCH (UID 4 BODY[] {5}\r\n)\r\n{9 FLAGS (\\Seen $x))\r\n"
    b'* 2 FETCH (BODY[] {0}\r\n INTERNALDATE "01-Jan-2020 00:00:00 +0000" UID 5)\n'
    b"+ go on {4}\r\n"
    b"A1 OK [READ-ONLY] done\r\n"
)
RESPONSES: list[Response] = [
    (b"* OK [CAPABILITY IMAP4rev1] ready {3}",),
    (b'* LIST (\\HasNoChildren) "/" ', b'a* \r\nb"', b""),
    (b"* 1 FETCH (UID 4 BODY[] ", b")\r\n{9", b" FLAGS (\\Seen $x))"),
    (b"* 2 FETCH (BODY[] ", b"", b' INTERNALDATE "01-Jan-2020 00:00:00 +0000" UID 5)'),
    (b"+ go on {4}",),
    (b"A1 OK [READ-ONLY] done",),
]


def framed(octets: bytes, budget: int = 10_000) -> list[Response]:
    return Framer(budget).feed(octets)


def one(octets: bytes) -> Response:
    (response,) = framed(octets + b"\r\n", 100_000)
    return response


def test_a_stream_is_cut_into_responses() -> None:
    assert framed(STREAM) == RESPONSES


@pytest.mark.parametrize("at", range(len(STREAM)))
def test_it_does_not_matter_where_the_network_cuts(at: int) -> None:
    framer = Framer(10_000)
    assert framer.feed(STREAM[:at]) + framer.feed(STREAM[at:]) == RESPONSES


def test_octet_by_octet_is_the_same() -> None:
    framer = Framer(10_000)
    found = [each for octet in STREAM for each in framer.feed(bytes([octet]))]
    assert found == RESPONSES
    assert framer.is_between_responses


def test_ten_thousand_lines_at_once_are_no_depth() -> None:
    assert len(framed(b'* LIST () "/" a\r\n' * 10_000, 1_000_000)) == 10_000


def test_something_of_a_response_is_noticed() -> None:
    for octets in (b"*", b"* 1 FETCH (BODY[] {3}\r\n", b"* 1 FETCH (BODY[] {3}\r\nabc"):
        framer = Framer(10_000)
        framer.feed(octets)
        assert not framer.is_between_responses


def test_a_literal_within_the_budget_is_kept_and_a_larger_one_let_go() -> None:
    head = b"* 1 FETCH (UID 7 BODY[] {50}\r\n"
    least = len(head) - 1 + 50 + responses._AFTER_LITERAL
    kept = framed(head + b"x" * 50 + b")\r\n", least)
    assert kept[0][1] == b"x" * 50
    (dropped,) = framed(head + b"x" * 50 + b")\r\n", least - 1)
    assert dropped == (b"* 1 FETCH (UID 7 BODY[] ", None, b")")
    assert responses.fetched(dropped) == Fetched(7, is_too_large=True)


def test_an_endless_literal_costs_no_memory() -> None:
    framer = Framer(1_000)
    framer.feed(b"* 1 FETCH (UID 7 BODY[] {9999999999999999999}\r\n")
    for _ in range(100):
        assert framer.feed(b"x" * 65_536) == []
    assert len(framer._line) == 0
    assert framer._literal is None


def test_a_line_beyond_the_budget_ends_it() -> None:
    framer = Framer(100)
    framer.feed(b"x" * 100)
    with pytest.raises(Garbled):
        framer.feed(b"x")


def test_the_budget_is_for_all_responses_of_a_command() -> None:
    framer = Framer(100)
    with pytest.raises(Garbled):
        framer.feed(b"* 1 EXISTS\r\n" * 50)
    framer = Framer(100)
    for _ in range(50):
        framer.renew(100)
        framer.feed(b"* 1 EXISTS\r\n")


@pytest.mark.parametrize(
    ("line", "tag", "word", "code", "text"),
    [
        (b"A1 OK done", "A1", "OK", "", "done"),
        (b"* BYE [UNAVAILABLE] later", "*", "BYE", "UNAVAILABLE", "later"),
        (b"* OK [PERMANENTFLAGS (\\* \\Seen)] x", "*", "OK", "PERMANENTFLAGS (\\* \\Seen)", "x"),
        (b"KAOD3 no", "KAOD3", "NO", "", ""),
        (b"* ok [uidvalidity 7] {3}", "*", "OK", "uidvalidity 7", "{3}"),
    ],
)
def test_a_status_is_read(line: bytes, tag: str, word: str, code: str, text: str) -> None:
    found = responses.status(one(line))
    assert found is not None
    assert (found.tag, found.word, found.code, found.text) == (tag, word, code, text)


@pytest.mark.parametrize("line", [b"* LIST () NIL OK", b"* OKAY x", b"* 1 EXISTS", b"+ OK", b""])
def test_what_is_no_status_is_none(line: bytes) -> None:
    assert responses.status(one(line)) is None


def test_a_number_is_taken_from_a_code() -> None:
    found = responses.status(one(b"* OK [UIDVALIDITY 1600000000] x"))
    assert found is not None
    assert responses.number_of(found, "UIDVALIDITY") == 1_600_000_000
    assert responses.number_of(found, "UIDNEXT") is None


def test_what_a_server_says_is_told_as_one_short_line() -> None:
    found = responses.status(one(b"A1 NO [ALERT] a\x1b[31mb\xff" + b"c" * 500))
    assert found is not None
    assert found.told.startswith("[ALERT] a[31mb")
    assert found.told.isprintable()
    assert len(found.told) == 200


@pytest.mark.parametrize(
    ("octets", "values"),
    [
        (b"* X", ("X",)),
        (b'* X nil NIL "NIL" "a\\"b\\\\"', ("X", None, None, b"NIL", b'a"b\\')),
        (b"* X ((a) () (b (c)))", ("X", (("a",), (), ("b", ("c",))))),
        (b'* X {2}\r\n)( {1}\r\n" z', ("X", b")(", b'"', "z")),
        (b"* X (BODY[] {1}\r\na)", ("X", ("BODY[]", b"a"))),
    ],
)
def test_values_are_read(octets: bytes, values: tuple[Value, ...]) -> None:
    assert responses.untagged(one(octets)) == values


@pytest.mark.parametrize(
    "octets", [b"* X (", b"* X )", b"* X (a))", b'* X "a', b"* X " + b"(" * 99]
)
def test_values_that_have_no_end_are_garbled(octets: bytes) -> None:
    with pytest.raises(Garbled):
        responses.untagged(one(octets))


SCRAPS = st.sampled_from(
    (
        *(b"* ", b"1 ", b"LIST ", b"FETCH ", b"SEARCH ", b"NAMESPACE ", b"OK ", b"UID ", b"NIL"),
        *(b"[", b"]", b"(", b")", b'"', b"\\", b"{3}\r\n", b"{0}\r\n", b"\r\n", b" "),
        *(b"BODY[] ", b"\xe9"),
    )
)


@given(st.lists(SCRAPS | st.binary(max_size=4), max_size=40).map(b"".join))
def test_any_octets_are_read_or_garbled(octets: bytes) -> None:
    reading = (responses.listed, responses.fetched, responses.searched, responses.prefixes)
    try:
        found = framed(octets + b"\r\n", 5_000)
    except Garbled:
        return
    for response in found:
        responses.status(response)
        responses.kind(response)
        for read in reading:
            with suppress(Garbled):
                read(response)


@pytest.mark.parametrize(
    ("octets", "listed"),
    [
        (b'* LIST (\\Sent) "." "a\\"b"', Listed(frozenset({"\\sent"}), ".", b'a"b')),
        (b"* LIST () NIL {4}\r\na* b", Listed(frozenset(), "", b"a* b")),
        (b'* LSUB () "\\\\" INBOX', Listed(frozenset(), "\\", b"INBOX")),
        (b'* LIST () "/" NIL', Listed(frozenset(), "/", b"NIL")),
        (b'* LIST () "/" 2024', Listed(frozenset(), "/", b"2024")),
        (b'* LIST (\\X) "/" a (CHILDINFO ("SUBSCRIBED"))', Listed(frozenset({"\\x"}), "/", b"a")),
    ],
)
def test_a_folder_is_read(octets: bytes, listed: Listed) -> None:
    assert responses.listed(one(octets)) == listed


@pytest.mark.parametrize(
    "octets", [b"* LIST", b'* LIST x "/" a', b'* LIST () "ab" a', b"* LIST ()"]
)
def test_what_is_no_folder_is_garbled(octets: bytes) -> None:
    with pytest.raises(Garbled):
        responses.listed(one(octets))


def test_a_name_that_was_let_go_is_no_name() -> None:
    with pytest.raises(Garbled):
        responses.listed((b'* LIST () "/" ', None, b""))


def test_prefixes_are_read() -> None:
    line = b'* NAMESPACE (("INBOX." ".")("" "/")) (("user." "." "X" ("y"))) NIL'
    assert responses.prefixes(one(line)) == ((b"INBOX.", b""), (b"user.",))
    assert responses.prefixes(one(b"* NAMESPACE NIL NIL NIL")) == ((), ())


@pytest.mark.parametrize(
    ("line", "ranges"),
    [
        (b"* SEARCH", []),
        (b"* SEARCH 7 1 2 3", [(1, 3), (7, 7)]),
        (b"* SEARCH 5 (MODSEQ 917)", [(5, 5)]),
        (b'* ESEARCH (TAG "A1") UID ALL 4:2,9', [(2, 4), (9, 9)]),
        (b'* ESEARCH (TAG "A1") UID', []),
        (b"* SEARCH 4294967295", [(4_294_967_295, 4_294_967_295)]),
    ],
)
def test_uids_are_read(line: bytes, ranges: list[tuple[int, int]]) -> None:
    assert responses.searched(one(line)) == ranges


@pytest.mark.parametrize("line", [b"* SEARCH 0", b"* SEARCH 4294967296", b"* ESEARCH UID ALL 1:*"])
def test_a_number_that_is_no_uid_is_garbled(line: bytes) -> None:
    with pytest.raises(Garbled):
        responses.searched(one(line))


def test_a_message_is_read_in_any_order() -> None:
    line = (
        b'* 3 FETCH (rfc822.size 12 internaldate " 2-Mar-2020 10:00:00 +0100"'
        b" BODY[] {3}\r\na)b uid 9 flags (\\Seen $Forwarded))"
    )
    wanted = Fetched(9, ("\\Seen", "$Forwarded"), 1_583_139_600, 12, b"a)b")
    assert responses.fetched(one(line)) == wanted


def test_nothing_is_made_of_what_is_not_said() -> None:
    assert responses.fetched(one(b"* 3 FETCH (UID 9 BODY[] NIL INTERNALDATE NIL)")) == Fetched(9)
    assert responses.fetched(
        one(b'* 3 FETCH (UID 9 INTERNALDATE "31-Feb-2020 10:00:00 +0000")')
    ) == (Fetched(9))


def test_news_about_a_message_without_uid_is_nobodys() -> None:
    assert responses.fetched(one(b"* 3 FETCH (FLAGS (\\Seen))")) is None


@pytest.mark.parametrize(
    "line", [b"* 3 FETCH", b"* 3 FETCH (UID)", b"* 3 FETCH (UID 0)", b"* 3 FETCH (() 1)"]
)
def test_what_is_no_message_is_garbled(line: bytes) -> None:
    with pytest.raises(Garbled):
        responses.fetched(one(line))
