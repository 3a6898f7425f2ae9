"""How much work something is, in calls of functions: the same on every machine, unlike a time."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass(slots=True)
class Counted:
    """Calls of functions, ours and the interpreter's."""

    total: int = 0


@contextmanager
def calls() -> Iterator[Counted]:
    """Count the calls that this thread, and threads begun within, make."""
    counted = Counted()

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        if event in ("call", "c_call"):
            counted.total += 1

    before = sys.getprofile()
    threading.setprofile(count)
    sys.setprofile(count)
    try:
        yield counted
    finally:
        sys.setprofile(before)
        threading.setprofile(None)  # type: ignore[arg-type]  # the stub forgets None
