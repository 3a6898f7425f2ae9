"""One running demo per module of journeys: whole stories, with programs that we did not write."""

from collections.abc import Iterator

import pytest

from tests.support import demo
from tests.support.demo import Demo


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A fresh demo, stopped at the end and found to have drained cleanly."""
    started = demo.start(tmp_path_factory.mktemp("journey") / "state")
    try:
        yield started
    finally:
        if started.process.poll() is None:
            assert started.stop() == 0
