"""What was worked out once and may be asked again: the last used results, bounded in number."""

from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from threading import Lock
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")

_Read = Callable[[bytes], _Value]


class Memory(Generic[_Key, _Value]):
    """The ``size`` values used last, by key; safe between threads."""

    __slots__ = ("_lock", "_size", "_values")

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: dict[_Key, _Value] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: _Key) -> _Value | None:
        """The value kept for ``key``, which becomes the last used; None where there is none."""
        with self._lock:
            value = self._values.pop(key, None)
            if value is not None:
                self._values[key] = value
            return value

    def keep(self, key: _Key, value: _Value) -> None:
        """Keep a value, in the place of the one that was not used for longest."""
        with self._lock:
            self._values.pop(key, None)
            if len(self._values) >= self._size:
                del self._values[next(iter(self._values))]
            self._values[key] = value


def remembered(size: int, octets: int) -> Callable[[_Read[_Value]], _Read[_Value]]:
    """Decorates what reads octets into a value that never changes: the ``size`` used last are kept.

    Octets come from strangers: more than ``octets`` of them are read anew each time, so that what
    is kept is bounded. What raises is not kept. Safe between threads.
    """

    def around(read: _Read[_Value]) -> _Read[_Value]:
        kept = lru_cache(maxsize=size)(read)

        @wraps(read)
        def recalled(encoded: bytes) -> _Value:
            return kept(encoded) if len(encoded) <= octets else read(encoded)

        return recalled

    return around
