"""The demo touches no folder that is not its own."""

from pathlib import Path

import pytest

from mss_gateway.cli import demo


def test_a_folder_with_something_else_in_it_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.toml").write_text("[site]\n")
    (tmp_path / "store.db").write_bytes(b"somebody's mail")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    assert demo.run(tmp_path, 2500) == 1

    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert "not a demo" in capsys.readouterr().err


def test_a_first_start_that_was_cut_clears_only_what_it_made(tmp_path: Path) -> None:
    state, keys = tmp_path / "state", tmp_path / "state-client-keys"
    (state / "pki").mkdir(parents=True)
    keys.mkdir()
    made = [state / "store.db", state / "store.db-wal", state / "root.key", state / "pki" / "a.pem"]
    made.append(keys / "account-3.key")
    others = [state / "notes.txt", state / demo.MARKER, keys / "mine.key"]
    for path in (*made, *others):
        path.write_bytes(b"x")

    demo._start_afresh(state)

    assert not any(path.exists() for path in made)
    assert all(path.exists() for path in others)
