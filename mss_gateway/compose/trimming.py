"""Freed memory is given back to the system: the C library keeps what it may need again.

A crowd of connections leaves many small free pieces between those in use. glibc gives back by
itself only the end of its heap; here `malloc_trim(3)` is asked for all of it, which the next crowd
then pays with a few milliseconds. Another C library, or a glibc before 2.33, is left alone.
"""

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

WORTH_OCTETS: Final = 16 * 1024 * 1024
"""Less is not worth the locks that are held meanwhile."""

_STATM: Final = Path("/proc/self/statm")


class _Mallinfo2(ctypes.Structure):
    """`mallinfo2(3)`, in octets."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


class Trimming:
    """Looks now and then, and trims when something is to be had; used by one thread.

    ``slack`` tells the octets that are resident and not in use, those of other kinds than malloc's
    among them; ``trim`` gives back what can be.
    """

    def __init__(self, slack: Callable[[], int], trim: Callable[[], object]) -> None:
        self._slack, self._trim = slack, trim
        self._least = slack()

    def look(self) -> int:
        """The octets that were given back: 0 when it was not worth it."""
        before = self._slack()
        self._least = min(self._least, before)
        if before - self._least < WORTH_OCTETS:
            return 0
        self._trim()
        # what stays is not malloc's to give: it is no reason to try again
        self._least = self._slack()
        return max(0, before - self._least)


def of_glibc() -> Trimming | None:
    """With the calls of the C library in use; None when it has no such ones."""
    try:
        library = ctypes.CDLL(None)
        mallinfo, trim = library.mallinfo2, library.malloc_trim
    except (AttributeError, OSError):
        return None
    mallinfo.restype = _Mallinfo2
    trim.argtypes = (ctypes.c_size_t,)
    page = os.sysconf("SC_PAGE_SIZE")

    def slack() -> int:
        resident = int(_STATM.read_text("ascii").split()[1]) * page
        told = mallinfo()
        return resident - int(told.uordblks) - int(told.hblkhd)

    return Trimming(slack, lambda: trim(0))
