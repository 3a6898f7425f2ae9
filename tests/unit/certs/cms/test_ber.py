import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.cms import ber, der
from certs.cms.ber import taken_apart, to_der
from certs.errors import DerMalformed

END = b"\x00\x00"


@pytest.mark.parametrize(
    ("streamed", "expected"),
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
def test_streamed_forms_become_der(streamed, expected):
    assert to_der(bytes.fromhex(streamed)).hex() == expected


@pytest.mark.parametrize(
    "broken",
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
def test_broken_ber_is_refused(broken):
    with pytest.raises(DerMalformed):
        to_der(bytes.fromhex(broken))


# --- the content, set apart ----------------------------------------------------------------------

INSIDE = bytes((0x30, 0xA0, 0x04))
IMPLICIT = bytes((0x30, 0x80))
FIRST, LAST = b"f" * 700, b"l" * 300


def indefinite(tag, *parts):
    return bytes((tag, 0x80)) + b"".join(parts) + END


def octets(content):
    return der.tlv(0x04, content)


@pytest.mark.parametrize(
    "string",
    [
        octets(FIRST + LAST),
        der.tlv(0x24, octets(FIRST), octets(LAST)),
        indefinite(0x24, octets(FIRST), octets(LAST)),
        indefinite(0x24, octets(b""), indefinite(0x24, octets(FIRST)), octets(LAST)),
    ],
)
@pytest.mark.parametrize("around", [der.tlv, indefinite])
def test_the_content_stays_where_it_is(string, around):
    streamed = around(0x30, around(0xA0, string), der.integer(1))
    found = taken_apart(streamed, INSIDE)
    assert found.der == der.tlv(0x30, der.tlv(0xA0, octets(b"")), der.integer(1))
    assert b"".join(found.parts) == FIRST + LAST
    assert all(isinstance(each, memoryview) and each.obj is streamed for each in found.parts)


@pytest.mark.parametrize(
    "string",
    [
        der.tlv(0x80, FIRST + LAST),
        der.tlv(0xA0, octets(FIRST), octets(LAST)),
        indefinite(0xA0, octets(FIRST), indefinite(0x24, octets(LAST))),
    ],
)
def test_so_does_a_content_under_an_implicit_tag(string):
    found = taken_apart(indefinite(0x30, der.integer(1), string), IMPLICIT)
    assert found.der == der.tlv(0x30, der.integer(1), der.tlv(0x80))
    assert b"".join(found.parts) == FIRST + LAST


@pytest.mark.parametrize("empty", [octets(b""), indefinite(0x24), indefinite(0x24, octets(b""))])
def test_an_empty_content_is_a_content(empty):
    found = taken_apart(indefinite(0x30, indefinite(0xA0, empty)), INSIDE)
    assert b"".join(found.parts) == b""
    assert found.der == der.tlv(0x30, der.tlv(0xA0, octets(b"")))


@pytest.mark.parametrize(
    "elsewhere",
    [
        indefinite(0x30, octets(FIRST)),
        indefinite(0x30, indefinite(0xA1, octets(FIRST))),
        indefinite(0x30, indefinite(0x30, octets(FIRST))),
        indefinite(0x31, indefinite(0xA0, octets(FIRST))),
        indefinite(0x30, indefinite(0xA0, indefinite(0x30, octets(FIRST)))),
        indefinite(0x30, indefinite(0xA0, indefinite(0xA4, octets(FIRST)))),
        indefinite(0xA0, octets(FIRST)),
        octets(FIRST),
        b"\xbf\x04\x80" + octets(FIRST) + END,
    ],
)
def test_a_string_elsewhere_is_no_content(elsewhere):
    found = taken_apart(elsewhere, INSIDE)
    assert found.parts is None
    assert found.der == to_der(elsewhere)


def test_two_contents_are_refused():
    once = indefinite(0xA0, octets(FIRST))
    assert taken_apart(indefinite(0x30, once, indefinite(0xA0)), INSIDE).parts == [FIRST]
    for twice in (once + once, indefinite(0xA0, octets(b""), octets(FIRST))):
        with pytest.raises(DerMalformed, match="twice"):
            taken_apart(indefinite(0x30, twice), INSIDE)


def test_a_part_of_the_content_is_a_string():
    for part in (der.integer(1), der.tlv(0x80, FIRST), indefinite(0x30)):
        with pytest.raises(DerMalformed, match="none"):
            taken_apart(indefinite(0x30, indefinite(0xA0, octets(FIRST), part)), IMPLICIT)


def nested(depth, indefinite):
    if indefinite:
        return b"\x30\x80" * depth + END * depth
    blob = b""
    for _ in range(depth):
        blob = der.tlv(der.SEQUENCE, blob)
    return blob


@pytest.mark.parametrize("indefinite", [True, False])
def test_depth_is_bounded(indefinite):
    assert to_der(nested(ber.MAX_DEPTH, indefinite)) == nested(ber.MAX_DEPTH, False)
    with pytest.raises(DerMalformed, match="deep"):
        to_der(nested(ber.MAX_DEPTH + 1, indefinite))
    with pytest.raises(DerMalformed, match="deep"):
        to_der(b"\x30\x80" * 100_000)


def test_size_is_bounded():
    blob = der.tlv(der.OCTET_STRING, b"x" * 98)
    assert to_der(blob, max_size=100) == blob
    with pytest.raises(DerMalformed, match="big"):
        to_der(blob, max_size=99)


def test_the_number_of_elements_is_bounded(monkeypatch):
    monkeypatch.setattr(ber, "MAX_ELEMENTS", 10)
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
    assert len(found) <= len(blob) + 5 * ber.MAX_DEPTH


@given(st.lists(st.sampled_from([b"\x30\x80", b"\x24\x80", END, b"\x04\x01a", b"\x30\x02"])))
@settings(max_examples=500)
def test_the_pass_ends_for_pieces_of_ber(pieces):
    blob = b"".join(pieces)
    try:
        found = to_der(blob)
    except DerMalformed:
        return
    assert to_der(found) == found


@given(elements)
def test_nothing_is_lost_of_what_is_set_apart(element):
    streamed = indefinite(0x30, encode(element, True))
    place = bytes((0x30, 0x30, 0x04))
    try:
        found = taken_apart(streamed, place)
    except DerMalformed:
        assert sum(kind == "primitive" for kind, _ in element[1]) > 1
        return
    whole = to_der(streamed)
    if found.parts is None:
        assert found.der == whole
    else:
        content = b"".join(found.parts)
        assert octets(content) in whole
        assert len(whole) - len(found.der) >= len(content)
