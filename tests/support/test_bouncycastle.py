"""Missing jars skip on a workstation and fail in CI."""

from pathlib import Path

import pytest

from tests.support import bouncycastle

ABSENT = (Path("/nowhere/bcmail.jar"),)


def test_absent_jars_skip_and_say_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MSS_CI", raising=False)
    monkeypatch.setattr(bouncycastle, "JARS", ABSENT)
    with pytest.raises(pytest.skip.Exception, match=r"no bcmail\.jar in /nowhere"):
        bouncycastle.require_jars()


def test_absent_jars_fail_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSS_CI", "1")
    monkeypatch.setattr(bouncycastle, "JARS", ABSENT)
    with pytest.raises(pytest.fail.Exception, match="libbcmail-java"):
        bouncycastle.require_jars()
