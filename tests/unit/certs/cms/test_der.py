import contextlib
from datetime import UTC

import pytest
from asn1crypto import core
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.cms import der
from certs.cms.der import Reader, to_der
from certs.errors import DerMalformed

END = b"\x00\x00"


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
        "3082007f" + "00" * 127,  # leading zero
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


# --- BER -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ber", "expected"),
    [
        ("30800201050000", "3003020105"),
        ("30818002010500"[:2] + "8103020105", "3003020105"),
        ("2480040261620401630000", "0403616263"),
        ("2480248004016100000401620000", "04026162"),
        ("24800000", "0400"),
        ("a08024800401ff00000000", "a0030401ff"),
        ("30800000", "3000"),
        ("bf81488005000000", "bf8148020500"),
    ],
)
def test_streamed_forms_become_der(ber, expected):
    assert to_der(bytes.fromhex(ber)).hex() == expected


@pytest.mark.parametrize(
    "ber",
    [
        "",
        "30",
        "0480616200"[:8],  # a primitive without length
        "24800201610000",  # a part that is no octet string
        "3080020105",  # no end
        "308002010500",  # half an end
        "3080000000",  # something after
        "30030201053003020105",  # two values
        "0000",  # an end of nothing
        "30020000",  # an end inside a definite length
        "300430800201050000",  # an indefinite that leaves its parent
        "300330800000",
        "30890000000000000000010100",
        "30ff",
        "1f8181818101",
        "1f81",
    ],
)
def test_broken_ber_is_refused(ber):
    with pytest.raises(DerMalformed):
        to_der(bytes.fromhex(ber))


def in_parts(*parts, tag=b"\xa0"):
    return tag + b"\x80" + b"".join(der.tlv(0x04, each) for each in parts) + END


HALF = b"h" * (der.APART_OCTETS // 2)


def test_a_long_string_in_parts_can_stay_where_it_is():
    ber = b"\x30\x80" + in_parts(HALF, HALF) + der.tlv(0x02, b"\x01") + END
    apart = []
    assert to_der(ber, apart=apart) == der.tlv(0x30, b"\x80\x00", der.tlv(0x02, b"\x01"))
    assert b"".join(apart) == HALF * 2
    assert all(isinstance(each, memoryview) and each.obj is ber for each in apart)


def test_parts_within_parts_stay_in_order():
    inner = in_parts(b"b" * 9000, b"c" * 9000, tag=b"\x24")
    apart = []
    to_der(b"\xa0\x80" + der.tlv(0x04, b"a") + inner + der.tlv(0x04, b"d") + END, apart=apart)
    assert b"".join(apart) == b"a" + b"b" * 9000 + b"c" * 9000 + b"d"


@pytest.mark.parametrize(
    "ber",
    [
        in_parts(HALF),
        in_parts(HALF, HALF, tag=b"\xa1"),
        in_parts(HALF, HALF)[:-2] + der.tlv(0x02, b"\x01") + END,
        b"\xa0\x80" + der.tlv(0x02, b"\x01") + in_parts(HALF, HALF)[2:],
    ],
)
def test_anything_else_stays_in(ber):
    apart = []
    assert to_der(ber, apart=apart) == to_der(ber)
    assert apart == []


def test_only_the_first_long_string_goes_apart():
    other = b"o" * der.APART_OCTETS
    apart = []
    ber = b"\x30\x80" + in_parts(HALF, HALF) + in_parts(other) + END
    made = to_der(ber, apart=apart)
    assert b"".join(apart) == HALF * 2
    assert made == der.tlv(0x30, b"\x80\x00", der.tlv(0xA0, der.tlv(0x04, other)))


def test_a_view_is_no_copy():
    blob = der.tlv(0x80, b"content")
    reader = Reader(blob)
    view = reader.view(0x80)
    assert view == b"content" and view.obj is blob
    reader.finish()
    with pytest.raises(DerMalformed):
        Reader(blob).view(0x81)


def nested(depth, indefinite):
    if indefinite:
        return b"\x30\x80" * depth + END * depth
    blob = b""
    for _ in range(depth):
        blob = der.tlv(der.SEQUENCE, blob)
    return blob


@pytest.mark.parametrize("indefinite", [True, False])
def test_depth_is_bounded(indefinite):
    assert to_der(nested(der.MAX_DEPTH, indefinite)) == nested(der.MAX_DEPTH, False)
    with pytest.raises(DerMalformed, match="deep"):
        to_der(nested(der.MAX_DEPTH + 1, indefinite))
    with pytest.raises(DerMalformed, match="deep"):
        to_der(b"\x30\x80" * 100_000)


def test_size_is_bounded():
    blob = der.tlv(der.OCTET_STRING, b"x" * 98)
    assert to_der(blob, max_size=100) == blob
    with pytest.raises(DerMalformed, match="big"):
        to_der(blob, max_size=99)


def test_the_number_of_elements_is_bounded(monkeypatch):
    monkeypatch.setattr(der, "MAX_ELEMENTS", 10)
    assert to_der(der.tlv(der.SEQUENCE, b"\x05\x00" * 9))
    with pytest.raises(DerMalformed, match="many"):
        to_der(der.tlv(der.SEQUENCE, b"\x05\x00" * 10))


elements = st.recursive(
    st.binary(max_size=20).map(lambda content: ("primitive", content)),
    lambda inner: st.tuples(st.just("constructed"), st.lists(inner, max_size=4)),
    max_leaves=15,
)


def encode(element, indefinite):
    kind, content = element
    if kind == "primitive":
        return der.tlv(der.OCTET_STRING, content)
    inside = b"".join(encode(each, indefinite) for each in content)
    return b"\x30\x80" + inside + END if indefinite else der.tlv(der.SEQUENCE, inside)


@given(elements)
def test_any_streamed_value_becomes_the_definite_one(element):
    assert to_der(encode(element, True)) == encode(element, False)


@given(st.binary(max_size=200))
@settings(max_examples=500)
def test_the_pass_ends_with_der_or_a_refusal(blob):
    try:
        found = to_der(blob)
    except DerMalformed:
        return
    assert to_der(found) == found
    assert len(found) <= len(blob) + 5 * der.MAX_DEPTH


@given(st.lists(st.sampled_from([b"\x30\x80", b"\x24\x80", END, b"\x04\x01a", b"\x30\x02"])))
@settings(max_examples=500)
def test_the_pass_ends_for_pieces_of_ber(pieces):
    blob = b"".join(pieces)
    try:
        found = to_der(blob)
    except DerMalformed:
        return
    assert to_der(found) == found


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
