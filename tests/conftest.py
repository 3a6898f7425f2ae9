"""What every test has: hypothesis profiles, no socket beyond loopback, programs by name."""

import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from tests.support import loopback, programs

# Two shared cores: a deadline would measure the neighbours, so no profile has one.
settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("fuzz", deadline=None, max_examples=20_000)
settings.load_profile(
    os.environ.get("MSS_PROFILE") or ("ci" if os.environ.get("MSS_CI") else "dev")
)


@pytest.fixture(scope="session", autouse=True)
def _only_loopback() -> Iterator[None]:
    """A test that reaches for the network fails with ``loopback.Refused``."""
    with loopback.only():
        yield


@pytest.fixture
def require_program() -> Callable[[str], str]:
    """``require_program("swaks")`` is its path; skips when absent, fails when MSS_CI is set."""
    return programs.require_program
