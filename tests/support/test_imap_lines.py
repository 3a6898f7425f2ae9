"""The strict reader of responses is right about right and wrong ones."""

import asyncio

import pytest

from tests.support.imap_lines import (
    ConnectionEnded,
    Response,
    ResponseMalformed,
    numbers,
    parse,
    printed,
    read_response,
)


def _values(raw: bytes) -> tuple[object, ...]:
    return parse(raw).values


@pytest.mark.parametrize(
    ("raw", "values"),
    [
        (b"* SEARCH\r\n", ()),
        (b"* SEARCH 1 20 (MODSEQ 7)\r\n", (b"1", b"20", [b"MODSEQ", b"7"])),
        (b"* THREAD (1)(2 3 (4)(5))\r\n", ([b"1"], [b"2", b"3", [b"4"], [b"5"]])),
        (b'* LIST (\\HasNoChildren) "/" "a \\" b"\r\n', ([b"\\HasNoChildren"], b"/", b'a " b')),
        (b'* LIST () "/" a/]b[c]\r\n', ([], b"/", b"a/]b[c]")),
        (b"* LIST () NIL {3}\r\n\xe9\r\n\r\n", ([], None, b"\xe9\r\n")),
        (
            b'* 1 FETCH (BODY[HEADER.FIELDS (DATE "X Y")]<0> ~{2}\r\n\0a UID 7)\r\n',
            ([b'BODY[HEADER.FIELDS (DATE "X Y")]<0>', b"\0a", b"UID", b"7"],),
        ),
        (b'* 1 FETCH (BODY (("text" "plain")("a" NIL) "mixed"))\r\n', None),
    ],
)
def test_what_is_grammatical_is_read(raw: bytes, values: tuple[object, ...] | None) -> None:
    assert values is None or _values(raw) == values
    assert parse(raw).raw == raw


@pytest.mark.parametrize(
    "raw",
    [
        b"*\r\n",
        b"* \r\n",
        b"* SEARCH \r\n",
        b"* SEARCH 1  2\r\n",
        b"* FLAGS\r\n",
        b"* FLAGS (a b \r\n",
        b"* FLAGS (a  b)\r\n",
        b"* FLAGS (a)x\r\n",
        b"* OK\r\n",
        b"* OK [ALERT]\r\n",
        b"* OK [ALERT] caf\xc3\xa9\r\n",
        b"* LIST () / {5}\r\nab\r\n",
        b'* LIST () "\\/" x\r\n',
        b"* 3  EXISTS\r\n",
    ],
)
def test_what_is_not_is_refused(raw: bytes) -> None:
    with pytest.raises(ResponseMalformed):
        parse(raw)


def test_codes_and_texts_are_told_apart() -> None:
    one = parse(b"t1 OK [COPYUID 7 1:2,9 4:6] done (really)\r\n")
    assert (one.is_tagged, one.name) == (True, b"OK")
    assert one.code == (b"COPYUID", b"7", b"1:2,9", b"4:6")
    assert one.text == b"done (really)"
    assert numbers(one.code[2]) == [1, 2, 9]
    assert printed([4, 5, 6, 9]) == b"4:6,9"


async def test_literals_are_read_from_the_stream() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"* 1 FETCH (BODY[] {4}\r\n)\r\nx FLAGS ())\r\n+ go on\r\nx O")
    reader.feed_eof()
    first: Response = await read_response(reader)
    assert (first.number, first.values) == (1, ([b"BODY[]", b")\r\nx", b"FLAGS", []],))
    assert (await read_response(reader)).tag == b"+"
    with pytest.raises(ConnectionEnded):
        await read_response(reader)
