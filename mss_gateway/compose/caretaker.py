"""The thread that looks after what ages: certificates that end, evidence of messages that are gone.

Nobody waits for it; each piece of work is a transaction of its own, and is found again after a
crash. One chore that fails keeps none of the others from being done.
"""

import threading
from collections.abc import Callable
from functools import partial
from typing import Final

from mailbox_store.errors import StoreError, StoreFailed
from mailbox_store.vault import AccountId
from mss_gateway.compose import measuring, trimming
from mss_gateway.compose.trimming import Trimming
from mss_gateway.directory import evidence, renewal
from mss_gateway.directory.publishing import publishing_of
from mss_gateway.directory.renewal import Rules
from mss_gateway.life import export, retries
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import log

ROUND_SECONDS: Final = 3_600.0
"""Between two looks at the certificates."""

ROUNDS_A_SWEEP: Final = 24
"""Looks at the certificates for one at the evidence."""

TRIM_SECONDS: Final = 60.0
"""Between two looks at the memory that could be given back."""

GRACE_SECONDS: Final = 7 * 86_400
"""Evidence of a message that its mailbox has no more is kept for so long."""


class Caretaker:
    """One thread between :meth:`start` and :meth:`stop`."""

    def __init__(self, gateway: Gateway, round_seconds: float = ROUND_SECONDS) -> None:
        self._gateway = gateway
        self._round_seconds = round_seconds
        self._trimming = trimming.of_glibc()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="caretaker", daemon=True)

    def start(self) -> None:
        """Begin; the first round runs at once."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the piece of work at hand and end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        rounds = 0
        while not self._stopping.is_set():
            try:
                self._round(rounds)
                rounds += 1
                self._rest()
            except StoreFailed:
                return  # the process must end, and others say so

    def _round(self, number: int) -> None:
        self._do("certificates", partial(renew, self._gateway))
        self._do("retries", partial(retries.forget, self._gateway))
        self._do("exports", partial(export.look_after, self._gateway))
        if number % ROUNDS_A_SWEEP == 0:
            self._do("evidence", partial(sweep, self._gateway))

    def _rest(self) -> None:
        """Until the next round; only memory wants a look more often than that."""
        left = self._round_seconds
        while not self._stopping.wait(min(left, TRIM_SECONDS)):
            if self._trimming is not None:
                self._do("memory", partial(trim, self._trimming))
            left -= TRIM_SECONDS
            if left <= 0:
                return

    def _do(self, chore: str, work: Callable[[], object]) -> None:
        """One chore: what keeps it from being done is told and counted. Raises StoreFailed."""
        try:
            work()
        except StoreFailed:
            raise
        except Exception as error:  # nobody stands above the thread
            self._gateway.metrics.failed_chores.labels(chore).inc()
            if isinstance(error, StoreError):
                log.note("caretaking put off", stage=chore, error=type(error).__name__)
            else:
                log.bug("caretaking", error, stage=chore)


def renew(gateway: Gateway) -> None:
    """Issue the next certificates of mailboxes whose present ones end soon."""
    settings = gateway.config.certificates
    rules = Rules(
        settings.renew_days,
        settings.mailbox_days,
        settings.key_kind,
        settings.separate_keys,
        publishing_of(gateway.config),
    )
    turn = renewal.run(gateway.database, gateway.spool, rules, int(gateway.clock()))
    if turn.made:
        log.note("certificates renewed", count=len(turn.made))
    if turn.failed:
        log.note("certificates not renewed", count=len(turn.failed))
    with gateway.database.read() as view:
        ending = measuring.without_lasting(view, gateway.clock())
    gateway.metrics.certificates_ending.set(len(ending))


def sweep(gateway: Gateway) -> None:
    """Let go of evidence that nothing is left for, and of exhibits that nothing rests on."""
    before = int(gateway.clock()) - GRACE_SECONDS
    with gateway.database.read() as view:
        rows = view.sql("SELECT DISTINCT account_id FROM verdict_evidence ORDER BY account_id")
        accounts = [AccountId(row[0]) for row in rows.fetchall()]
    for account_id in accounts:
        gateway.database.write(partial(evidence.sweep, account_id=account_id, before=before))
    gateway.database.write(evidence.drop_unused)


def trim(trimming: Trimming) -> None:
    """Give memory back that was in use for a while, such as by a crowd of connections."""
    octets = trimming.look()
    if octets:
        log.note("memory given back", octets=octets)
