"""Sign-ins on their way into the audit: gathered for a tenth of a second, written together.

Mail clients sign in in crowds, several connections of each at once, and one commit for each row
costs several times what the rest of a sign-in does. Nobody is answered later for it. What a process
that is killed in that tenth of a second had not written is lost, as it was before its commit.
"""

import threading
from dataclasses import dataclass
from typing import Final

from mailbox_store.database import Database, Transaction
from mss_gateway.observability import audit

GATHER_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class _SignIn:
    actor: str
    about: str
    verdict: str


class Register:
    """Takes sign-ins from any thread. Between ``start`` and ``stop`` they are gathered; before and
    after, each one is handed to the store at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows: list[_SignIn] = []
        self._lock = threading.Lock()
        self._waiting = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, actor: str, about: str, verdict: str) -> None:
        """Put a sign-in on record; returns before it is written. As ``audit.record``."""
        with self._lock:
            self._rows.append(_SignIn(actor, about, verdict))
            is_first, is_gathering = len(self._rows) == 1, self._thread is not None
        if not is_gathering:
            self._hand_over()
        elif is_first:
            self._waiting.set()

    def start(self) -> None:
        """Begin to gather."""
        with self._lock:
            if self._thread is None:
                self._stopped.clear()
                self._thread = threading.Thread(target=self._run, name="register", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Hand over what was gathered, and gather no more; before the store is closed."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._stopped.set()
            self._waiting.set()
            thread.join()
        self._hand_over()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._waiting.wait()
            self._stopped.wait(GATHER_SECONDS)
            self._waiting.clear()
            self._hand_over()

    def _hand_over(self) -> None:
        with self._lock:
            rows, self._rows = self._rows, []
        if rows:
            self._database.submit(lambda tx: _write(tx, rows))


def _write(tx: Transaction, rows: list[_SignIn]) -> None:
    for row in rows:
        audit.record(tx, actor=row.actor, act="sign-in", object=row.about, verdict=row.verdict)
