"""Live update in Chromium: a page that stays open says what came, and is not loaded again."""

from collections.abc import Callable
from typing import Any

from tests.browser.driving import way_in
from tests.support.site import Site

Driver = Callable[[str, dict[str, object]], dict[str, Any]]


def test_an_open_page_says_what_came(site: Site, address: str, drive: Driver) -> None:
    for subject in ("Vos résultats", "Suite"):
        site.deliver(site.claire, site.camille, site.written(site.claire, site.camille, subject))

    found = drive("live.mjs", way_in(site, address))

    assert found["before"][0].startswith("2") and found["before"][1] == ""
    assert "1 message non lu" in found["read"]
    assert found["filed"] == [
        "1 nouveau document dans votre dossier — Voir",
        "/dossier?ordre=arrivee",
    ]
    assert found["loads"] == 0 and found["focused"] == "Aide"
    assert found["after"] == ""
    assert found["said"] == [] and found["wrong"] == []
