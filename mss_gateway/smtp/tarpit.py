"""Whoever asks for too many recipients that are refused is answered more and more slowly (T10)."""

from collections import deque
from collections.abc import Callable
from typing import Final

REFUSED_PER_HOUR: Final = 20
WINDOW_SECONDS: Final = 3600.0
FIRST_WAIT: Final = 0.25
"""Seconds; doubled with each further refusal, up to what the caller allows."""


class Tarpit:
    """Refused recipients of every operator in the last hour; kept in memory, bounded."""

    def __init__(self, clock: Callable[[], float], longest: float) -> None:
        self._clock = clock
        self._longest = longest
        self._refused: dict[str, deque[float]] = {}

    def refused(self, operator: str) -> float:
        """Count one refused recipient; seconds to wait before the answer, 0.0 for most."""
        now = self._clock()
        # operators are those of the white list: there are not many
        seen = self._refused.setdefault(operator, deque(maxlen=4 * REFUSED_PER_HOUR))
        while seen and now - seen[0] > WINDOW_SECONDS:
            seen.popleft()
        seen.append(now)
        excess = len(seen) - REFUSED_PER_HOUR
        if excess <= 0:
            return 0.0
        doubled: float = FIRST_WAIT * 2.0 ** min(excess - 1, 16)
        return min(self._longest, doubled)
