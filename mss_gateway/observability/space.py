"""Room on the disk: how much must stay free so that what was begun can be finished.

RFC 5321 §6.1 wants no message lost "because of a predictable resource shortage": so new mail is
refused, for a while, before the disk is full; what is read and what is deleted goes on.
"""

import os
from pathlib import Path
from typing import Final

LETTERS: Final = 1.5
"""Messages of the greatest size that must fit into what stays free: one, sealed, in log and store.
"""


def floor(free_octets: int, message_octets: int) -> int:
    """Octets that must be free for new mail to be taken, by the two limits of the configuration."""
    return max(free_octets, int(LETTERS * message_octets))


def free(folder: Path) -> int:
    """Octets that an unprivileged program may still write beside ``folder``; raises OSError.

    One system call of about a microsecond, on a disk of this machine: asked afresh each time, so
    that mail is taken again as soon as there is room.
    """
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
