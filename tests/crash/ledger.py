"""What the clients know for certain: every message sent, every 250 received, fsynced line by line.

The ledger is the oracle of the crash tests: it is written by the side that must not be trusted to
forget, before the final dot and right after the answer.
"""

import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sent:
    """One message on its way: its Message-ID, for whom, and the entity that will be signed."""

    message_id: str
    author: str
    recipients: tuple[str, ...]
    entity: bytes


@dataclass(slots=True)
class Ledger:
    """Lines of JSON in one file; ``on_ack`` is called at each 250, on the client's thread.

    ``refs``: every reference that some 250 has named. ``tries`` counts how often a message was
    handed over after the first time, in the same octets.
    """

    path: Path
    on_ack: Callable[[], None] = lambda: None
    sent: dict[str, Sent] = field(default_factory=dict)
    acked: dict[str, str] = field(default_factory=dict)
    refs: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    deferred: int = 0
    tries: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note_sent(self, sent: Sent) -> None:
        """Before the final dot, each time."""
        is_again = sent.message_id in self.sent
        self._write({"sent": sent.message_id, "for": sent.recipients, "again": is_again})
        self.tries += is_again
        self.sent[sent.message_id] = sent

    def note_acked(self, message_id: str, message_ref: str) -> None:
        """After 250, with the reference that it named."""
        self.refs.add(message_ref)
        self.on_ack()
        self._write({"acked": message_id, "ref": message_ref})
        self.acked[message_id] = message_ref

    def note_refused(self, message_id: str, answer: str) -> None:
        """After a no for good."""
        self._write({"refused": message_id, "answer": answer})
        self.refused.append(answer)

    def note_deferred(self, message_id: str, answer: str) -> None:
        """After a no for now: the message stays with its client."""
        self._write({"deferred": message_id, "answer": answer})
        self.deferred += 1

    def _write(self, line: dict[str, object]) -> None:
        with self._lock, self.path.open("ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")
            os.fsync(file.fileno())
