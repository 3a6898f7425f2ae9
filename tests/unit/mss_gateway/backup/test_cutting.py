"""Rows as octets, and where a unit ends."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.backup.cutting import Cutter, decode, encode
from mss_gateway.backup.errors import Damaged

VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(),
)


@given(st.lists(st.tuples(VALUES, VALUES, VALUES), max_size=5))
def test_rows_come_back_as_they_were(rows: list[tuple[Any, Any, Any]]) -> None:
    encoded = b"".join(map(encode, rows))
    assert [[type(value) for value in row] for row in decode(encoded, 3)] == [
        [type(value) for value in row] for row in rows
    ]
    assert list(decode(encoded, 3)) == rows


def test_what_sqlite_does_not_have_is_not_encoded() -> None:
    with pytest.raises(TypeError):
        encode((object(),))


def test_rows_cut_short_are_damage() -> None:
    encoded = encode((1, "un", b"un", 1.5, None))
    for length in range(1, len(encoded)):
        with pytest.raises(Damaged):
            list(decode(encoded[:length], 5))


@pytest.mark.parametrize("octet", [5, 9, 255])
def test_an_unknown_kind_of_value_is_damage(octet: int) -> None:
    with pytest.raises(Damaged):
        list(decode(bytes([octet]) + bytes(8), 1))


def cut(rows: list[bytes], octets: int) -> list[tuple[bytes, ...]]:
    cutter, units, unit = Cutter(octets), [], []
    for row in rows:
        unit.append(row)
        if cutter.ends_after(row, len(row)):
            units.append(tuple(unit))
            unit = []
    return [*units, tuple(unit)] if unit else units


def drawn(count: int) -> list[bytes]:
    draw = random.Random(5)
    return [draw.randbytes(draw.randrange(20, 400)) for _ in range(count)]


def test_units_are_about_as_large_as_asked_and_never_far_from_it() -> None:
    rows = drawn(5_000)
    sizes = [sum(map(len, unit)) for unit in cut(rows, 10_000)]
    assert max(sizes) <= 4 * 10_000 + 400
    assert min(sizes[:-1]) >= 2_500
    assert 5_000 < sum(sizes) / len(sizes) < 20_000


@pytest.mark.parametrize("place", [0, 2_500, 4_999])
def test_a_row_added_changed_or_gone_changes_its_own_unit_and_hardly_more(place: int) -> None:
    rows = drawn(5_000)
    before = set(cut(rows, 10_000))
    for after in (
        [*rows[:place], b"new" * 20, *rows[place:]],
        [*rows[:place], b"other" * 10, *rows[place + 1 :]],
        [*rows[:place], *rows[place + 1 :]],
    ):
        assert len(set(cut(after, 10_000)) - before) <= 4
