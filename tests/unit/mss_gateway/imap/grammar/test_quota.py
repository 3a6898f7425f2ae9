"""The arguments of the quota commands."""

from collections.abc import Callable

import pytest

from mss_gateway.imap.grammar import quota
from mss_gateway.imap.grammar.cursor import Cursor, Malformed
from mss_gateway.imap.grammar.quota import MAX_RESOURCES, SetQuotaRequest

At = Callable[..., Cursor]


@pytest.mark.parametrize(
    ("line", "root"), [(b" compte", b"compte"), (b' ""', b""), (b' "a b"', b"a b")]
)
def test_a_root_is_any_string(at: At, line: bytes, root: bytes) -> None:
    cursor = at(line)
    assert quota.root(cursor) == root
    cursor.end()


@pytest.mark.parametrize(
    ("line", "limits"),
    [
        (b" r ()", ()),
        (b" r (storage 512)", ((b"STORAGE", 512),)),
        (
            b" r (STORAGE 9223372036854775807 MESSAGE 0)",
            ((b"STORAGE", 2**63 - 1), (b"MESSAGE", 0)),
        ),
    ],
)
def test_limits_are_read(at: At, line: bytes, limits: tuple[tuple[bytes, int], ...]) -> None:
    cursor = at(line)
    assert quota.setting(cursor) == SetQuotaRequest(b"r", limits)
    cursor.end()


@pytest.mark.parametrize(
    "line",
    [
        b" r",
        b" r STORAGE 1",
        b" r (STORAGE)",
        b" r (STORAGE -1)",
        b" r (STORAGE 1",
        b" r (STORAGE 1  MESSAGE 1)",
        b" r (1)",
    ],
)
def test_what_does_not_fit_is_refused(at: At, line: bytes) -> None:
    with pytest.raises(Malformed):
        quota.setting(at(line))


def test_resources_are_bounded_at_their_edge(at: At) -> None:
    def limits(count: int) -> bytes:
        return b" r (" + b" ".join([b"STORAGE 1"] * count) + b")"

    assert len(quota.setting(at(limits(MAX_RESOURCES))).limits) == MAX_RESOURCES
    with pytest.raises(Malformed):
        quota.setting(at(limits(MAX_RESOURCES + 1)))
