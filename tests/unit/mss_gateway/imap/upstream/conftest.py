"""A former operator's server with two folders, and a gateway that may take them over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import foreign_imap, site
from tests.support.foreign_imap import Folder, ForeignServer, letters
from tests.support.site import Site


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Site]:
    with site.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def former() -> Iterator[ForeignServer]:
    """INBOX with 5 messages, and one called `Zut* alors` with 3."""
    folders = {b"INBOX": Folder(letters(5)), b"Zut* alors": Folder(letters(3), 1_600_000_001)}
    with foreign_imap.serving(ForeignServer(folders)) as serving:
        yield serving
