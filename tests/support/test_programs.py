"""A missing program skips on a workstation and fails in CI."""

import pytest

from tests.support.programs import require_program

ABSENT = "mss-no-such-program"


def test_a_program_that_is_there_is_found() -> None:
    assert require_program("sh").endswith("/sh")


def test_an_absent_one_skips_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MSS_CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=ABSENT):
        require_program(ABSENT)


def test_an_absent_one_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSS_CI", "1")
    with pytest.raises(pytest.fail.Exception, match=ABSENT):
        require_program(ABSENT)
