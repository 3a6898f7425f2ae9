"""The thread that makes copies of spaces: one at a time, behind everything else.

Nobody waits in front of it: it rests after each document or message (``pacing``). What a stop or a
kill interrupts is begun anew by the next start.
"""

import threading
from functools import partial
from typing import Final

from mailbox_store.errors import StoreError, StoreFailed
from mss_gateway.dossier import exports
from mss_gateway.dossier.exports import Why
from mss_gateway.life import export, export_making
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.pacing import Pace, Stopped
from mss_gateway.observability import log

POLL_SECONDS: Final = 2.0
"""How often it looks whether somebody asked: one statement on an index."""


class Exporter:
    """One thread; :meth:`stop` gives up the work at hand."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._stopping = threading.Event()
        self._pace = Pace(self._stopping)
        self._thread = threading.Thread(target=self._run, name="exporter", daemon=True)

    def start(self) -> None:
        """Let go of what a dead process left, then work whenever something is asked for.

        Before the caretaker starts: what that one takes for left may be begun again here.
        """
        export.recover(self._gateway)
        self._thread.start()

    def stop(self) -> None:
        """End; returns within a moment."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def run_once(self) -> bool:
        """Make the copy that was asked for first; False when there was none to make.

        What is unforeseen is told to the patient, and logged by class and place.
        """
        with self._gateway.database.read() as view:
            wanted = exports.next_waiting(view)
        if wanted is None:
            return False
        self._pace.begin()
        try:
            if export_making.make(self._gateway, wanted, self._pace):
                log.note("export ready", account=int(wanted.account_id))
        except Stopped:
            self._gateway.database.write(partial(exports.put_back, export=wanted))
            raise
        except StoreError:
            raise
        except Exception as error:
            log.bug("export", error, account=int(wanted.account_id))
            self._gateway.database.write(partial(exports.fail, export=wanted, why=Why.FAULT))
            self._gateway.metrics.exports.labels(Why.FAULT.value).inc()
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self.run_once():
                    continue
            except Stopped:
                return
            except StoreFailed as error:
                log.bug("exporter", error)
                return
            except Exception as error:
                log.bug("exporter", error)
            self._stopping.wait(POLL_SECONDS)
