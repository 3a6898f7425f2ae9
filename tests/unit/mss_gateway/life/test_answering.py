"""Who is told anything: those somebody vouched for; and what an author asked to hear."""

import pytest

from mss_gateway.life import answering
from mss_gateway.message.address import parse_address
from mss_gateway.message.parse import scan
from mss_gateway.queue.carried import Asked, Destined
from tests.support.smtp_site import DUBOIS, MARTIN, SECRETARIAT, Site
from tests.unit.mss_gateway.life import elsewhere

ASKS = f"Return-Receipt-To: <{MARTIN}>\r\n\r\nx"


@pytest.mark.parametrize(
    ("path", "is_from_peer", "expected"),
    [
        (None, False, None),
        (None, True, None),
        (MARTIN, False, Destined(MARTIN)),
        (MARTIN, True, None),
        ("personne@mss.example", False, None),
        (elsewhere.AUTHOR, True, Destined(elsewhere.AUTHOR, "relay")),
        (elsewhere.AUTHOR, False, None),
        ("x@nulle-part.example", True, None),
    ],
)
def test_the_way_back(
    path: str | None, is_from_peer: bool, expected: Destined | None, site: Site
) -> None:
    there = elsewhere.beside(site)
    with there.gateway.database.read() as view:
        found = answering.back_to(there.gateway, view, path, is_from_peer=is_from_peer)
    assert found == expected


def test_where_nobody_is_exchanged_with_nobody_elsewhere_is_told(site: Site) -> None:
    with site.gateway.database.read() as view:
        path = elsewhere.AUTHOR
        assert answering.back_to(site.gateway, view, path, is_from_peer=True) is None


def test_the_field_of_no_standard_asks_where_the_envelope_said_nothing() -> None:
    never, original = Asked(frozenset({"NEVER"})), Asked(original="rfc822;x@mss.example")
    asked = answering.asked(
        {DUBOIS: never, SECRETARIAT: original},
        (DUBOIS, SECRETARIAT, MARTIN),
        scan(ASKS.encode()).header,
        parse_address(MARTIN),
    )
    assert asked == {
        DUBOIS: never,
        SECRETARIAT: Asked(answering.EVERYTHING, original.original),
        MARTIN: Asked(answering.EVERYTHING),
    }


@pytest.mark.parametrize("path", [None, DUBOIS])
def test_the_field_counts_for_the_reverse_path_only(path: str | None) -> None:
    said = {DUBOIS: Asked()}
    header = scan(ASKS.encode()).header
    reverse_path = None if path is None else parse_address(path)
    assert answering.asked(said, (DUBOIS, MARTIN), header, reverse_path) is said
