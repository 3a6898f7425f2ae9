"""The webmail of a throw-away site on a loopback port, and the program that drives Chromium."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import site as sites
from tests.support.programs import require_program
from tests.support.site import Site
from tests.support.webserver import serving

HERE = Path(__file__).parent
SECONDS = 120.0

Driver = Callable[[str, dict[str, object]], dict[str, object]]


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
    require_program("chromium")
    require_program("node")
    if not (HERE / "node_modules" / "playwright-core").is_dir():
        require_program("playwright-core, by: npm ci --prefix tests/browser")

    def run(script: str, told: dict[str, object]) -> dict[str, object]:
        done = subprocess.run(
            [require_program("node"), str(HERE / script)],
            input=json.dumps({"chromium": require_program("chromium"), **told}),
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        found = json.loads(done.stdout)
        assert isinstance(found, dict)
        return found

    return run
