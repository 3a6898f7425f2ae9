"""Room on the disk: the floor at its edges, and what the file system says."""

import shutil
from pathlib import Path

import pytest

from mss_gateway.observability import space


@pytest.mark.parametrize(
    ("free_octets", "message_octets", "floor"),
    [
        (64 * 2**20, 40 * 2**20, 64 * 2**20),
        (64 * 2**20, 50 * 2**20, 75 * 2**20),
        (60, 40, 60),
        (59, 40, 60),
        (1, 1, 1),
    ],
)
def test_the_floor_is_the_greater_of_both(
    free_octets: int, message_octets: int, floor: int
) -> None:
    assert space.floor(free_octets, message_octets) == floor


def test_what_is_free_is_what_the_file_system_says(tmp_path: Path) -> None:
    total, _, _ = shutil.disk_usage(tmp_path)
    assert 0 < space.free(tmp_path) <= total


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        space.free(tmp_path / "gone")
