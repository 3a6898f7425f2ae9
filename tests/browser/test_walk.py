"""Every page of the table in Chromium: phone and desktop, light and dark, French and English.

Accessible (axe-core, WCAG 2.2 AA: 0 violations), within its weight, within the screen, large enough
for a thumb, silent on the console, nothing fetched from elsewhere; and whole without JavaScript.
"""

from collections.abc import Callable
from typing import Any

import pytest

from mss_gateway.webmail.routes import ROUTES
from tests.browser import content
from tests.browser.driving import walk_of
from tests.support.site import Site

WEIGHT = 100_000
"""Octets of a page, its style sheet and its scripts, as read, without documents."""

Driver = Callable[[str, dict[str, object]], dict[str, Any]]


def test_every_page_is_for_everyone(site: Site, address: str, drive: Driver) -> None:
    content.fill(site)

    found = drive("walk.mjs", walk_of(site, address))

    assert found["pages"] >= 2 * 30
    assert found["judged"] >= 2 * found["pages"]
    assert found["wrong"] == [], "\n".join(found["wrong"])
    assert found["broken"] == [] and found["said"] == [] and found["outside"] == []
    assert found["wide"] == [] and found["small"] == []
    assert {path: size for path, size in found["bytes"].items() if size > WEIGHT} == {}
    assert min(found["bytes"].values()) > 20_000  # the style sheet was counted


def test_every_page_has_an_example(site: Site) -> None:
    content.fill(site)
    shown = {stop.path.partition("?")[0] for stop in content.stops(site)}

    for route in content.gets():
        parts = [part for part in route.path.split("/") if not part.startswith("{")]
        assert route.path in content.NOT_WALKED or any(
            [part for part in path.split("/") if part in parts] == parts
            and len(path.split("/")) == len(route.path.split("/"))
            for path in shown
        ), f"{route.path} wants an example in tests/browser/content.py"


def test_what_is_not_walked_is_in_the_table() -> None:
    patterns = {route.path for route in ROUTES}

    assert set(content.NOT_WALKED) <= patterns
    assert set(content.PARTS_OF) <= patterns
    assert content.ABSENT - {"/n-existe-pas"} <= patterns


def test_a_route_without_an_example_is_noticed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    content.fill(site)
    monkeypatch.delitem(content.PARTS, "figure")

    with pytest.raises(KeyError):
        content.stops(site)
