"""The soak in its short form: `make soak` is the long one."""

import json
from pathlib import Path

from tests.crash.soak import soak


def test_kills_under_load_lose_and_double_nothing(tmp_path: Path) -> None:
    report, failed = soak(tmp_path, kills=30, acked=5000, seed=20261122)
    print(json.dumps(report))
    assert failed == []
    assert report["kills"] >= 30
    assert report["acked"] >= 5000
    assert report["relayed"] > 0
