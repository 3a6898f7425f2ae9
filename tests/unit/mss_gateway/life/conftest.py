"""A real gateway for each test of a stage."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import smtp_site
from tests.support.smtp_site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Fresh, with its people; what it logs and counts may name none of them."""
    with smtp_site.open_site(tmp_path / "state") as opened:
        yield opened
