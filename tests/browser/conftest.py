"""The webmail of a throw-away site on a loopback port, and the program that drives Chromium."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import driving
from tests.support import site as sites
from tests.support.site import Site
from tests.support.webserver import serving

Driver = Callable[[str, dict[str, object]], dict[str, Any]]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A fresh site."""
    with sites.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def address(site: Site, tmp_path: Path) -> Iterator[str]:
    """Where its webmail answers, over TLS."""
    with serving(site, tmp_path) as url:
        yield url


@pytest.fixture
def drive() -> Driver:
    """``drive(script, told)`` runs a script of this folder in Chromium; what it found."""
    driving.require_browser()
    return driving.run
