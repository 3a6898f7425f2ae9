"""Programs of other people that some tests run: found, or the test says why it did not run."""

import os
import shutil

import pytest


def require_program(name: str) -> str:
    """The path of the program ``name``.

    When it is absent the test is skipped with the reason; under ``MSS_CI=1`` it fails instead,
    because CI installs what it needs and a skip there would hide a missing install step.
    """
    path = shutil.which(name)
    if path is not None:
        return path
    reason = f"the program {name!r} is not installed"
    if os.environ.get("MSS_CI"):
        pytest.fail(f"{reason}, and MSS_CI is set: add it to .ci/run")
    pytest.skip(reason)
