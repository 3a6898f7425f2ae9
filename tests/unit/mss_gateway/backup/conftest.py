"""A site and its backup for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import backups
from tests.support.backups import Backed


@pytest.fixture
def backed(tmp_path: Path) -> Iterator[Backed]:
    """Some messages, a document, and no snapshot yet."""
    with backups.backed(tmp_path) as made:
        yield made
