import contextlib
from datetime import UTC

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from certs.cms import der
from certs.cms.der import Reader
from certs.errors import DerMalformed

# --- writing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8180"),
        (255, "81ff"),
        (256, "820100"),
        (65535, "82ffff"),
        (65536, "83010000"),
        (1 << 24, "8401000000"),
    ],
)
def test_lengths_are_shortest(octets, expected):
    assert der.length(octets).hex() == expected


@given(st.integers(0, 1 << 200))
def test_integers_agree_with_another_encoder(value):
    assert der.integer(value) == core.Integer(value).dump()


@pytest.mark.parametrize(
    "dotted", ["1.2.840.113549.1.7.2", "2.16.840.1.101.3.4.1.42", "0.9.127.128"]
)
def test_identifiers_agree_with_another_encoder(dotted):
    assert der.oid(dotted) == core.ObjectIdentifier(dotted).dump()


def test_a_set_is_sorted():
    assert der.set_of(b"\x02\x01\x05", b"\x02\x01\x02").hex() == "3106020102020105"


def test_wrapping_pieces_equals_wrapping_their_sum():
    assert b"".join(der.wrap(0x30, [b"a" * 100, b"b" * 200])) == der.tlv(
        0x30, b"a" * 100, b"b" * 200
    )


def test_a_header_announces_its_content():
    for octets in (0, 127, 128, 70_000):
        content = bytes(octets)
        assert der.header(0x04, octets) + content == der.tlv(0x04, content)


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda at: at.year >= 1950))
def test_times_come_back(at):
    at = at.replace(microsecond=0)
    assert der.time_of(der.time(at)) == at


# --- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hexadecimal",
    [
        "",
        "30",
        "3080",  # indefinite
        "3081",  # length cut
        "308101",
        "30817f" + "00" * 127,  # long form of a short length
        "3082007f" + "00" * 127,
        "30820080" + "00" * 128,  # leading zero
        "3085000000000100",  # five octets of length
        "30ff00",
        "300100ff00"[:4],  # content cut
        "1f0100",  # long tag
        "3101aa",  # another tag
    ],
)
def test_what_is_not_strict_is_refused(hexadecimal):
    with pytest.raises(DerMalformed):
        Reader(bytes.fromhex(hexadecimal)).enter(der.SEQUENCE)


def test_a_tag_has_one_octet():
    for read in (Reader.element, lambda reader: reader.content(0x9F)):
        with pytest.raises(DerMalformed, match="tag"):
            read(Reader(bytes.fromhex("9f0100")))


def test_an_element_ends_where_its_parent_ends():
    outer = Reader(bytes.fromhex("3003040500") + b"\xff" * 5).enter(der.SEQUENCE)
    with pytest.raises(DerMalformed):
        outer.content(der.OCTET_STRING)


def test_elements_are_walked_in_order():
    assert Reader(bytes.fromhex("020200de")).small_integer() == 222
    assert Reader(bytes.fromhex("02027fff")).small_integer() == 0x7FFF
    reader = Reader(bytes.fromhex("3009020105040201020500")).enter(der.SEQUENCE)
    assert reader.peek() == der.INTEGER
    assert reader.small_integer() == 5
    assert reader.element() == bytes.fromhex("04020102")
    with pytest.raises(DerMalformed, match="trailing"):
        reader.finish()
    reader.element(der.NULL)
    reader.finish()
    assert reader.peek() == -1
    with pytest.raises(DerMalformed, match="truncated"):
        reader.element()


@pytest.mark.parametrize(
    "hexadecimal", ["0200", "020180", "0202007f", "0202ffff", "0203008000", "040101"]
)
def test_an_integer_beyond_the_small_ones_is_refused(hexadecimal):
    with pytest.raises(DerMalformed):
        Reader(bytes.fromhex(hexadecimal)).small_integer()


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        (0x17, "261122083015"),
        (0x17, "2611220830Z"),
        (0x17, "2611220830150Z"),
        (0x17, "261122083015+0000"),
        (0x17, "261322083015Z"),
        (0x17, "2611220830-5Z"),
        (0x18, "20261122083015.5Z"),
        (0x18, "261122083015Z"),
        (0x18, "00001122083015Z"),
        (0x16, "261122083015Z"),
    ],
)
def test_a_time_has_one_form(tag, text):
    with pytest.raises(DerMalformed):
        der.time_of(der.tlv(tag, text.encode()))


def test_a_time_is_one_element():
    with pytest.raises(DerMalformed):
        der.time_of(b"")


def test_two_digit_years_turn_at_fifty():
    assert der.time_of(der.tlv(0x17, b"500101000000Z")).year == 1950
    assert der.time_of(der.tlv(0x17, b"491231235959Z")).year == 2049


def test_a_view_is_no_copy():
    blob = der.tlv(0x80, b"content")
    reader = Reader(blob)
    view = reader.view(0x80)
    assert view == b"content" and view.obj is blob
    reader.finish()
    with pytest.raises(DerMalformed):
        Reader(blob).view(0x81)


@given(st.binary(max_size=60), st.lists(st.sampled_from(["enter", "element", "content", "time"])))
def test_the_reader_never_raises_anything_else(blob, steps):
    reader = Reader(blob)
    with contextlib.suppress(DerMalformed):
        for step in steps:
            tag = reader.peek()
            if step == "enter":
                reader = reader.enter(tag)
            elif step == "element":
                reader.element()
            elif step == "content":
                reader.content(tag)
            else:
                der.time_of(reader.element())
