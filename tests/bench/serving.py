"""The server under measure: the product's own service, its worker held back when asked.

    python -m tests.bench.serving STATE BASE_PORT [--hold] [--unindexed] [--sample=FILE]

Says ``{"pid", "ports"}`` on standard output when every port answers. With ``--hold`` nothing is
taken from the queue until SIGUSR1, and nothing is put into the text index at all: accepting and
what comes after it can then be told apart. ``--unindexed`` leaves out the text index alone.
"""

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from mailbox_store.database import Transaction
from mss_gateway.cli import serve
from mss_gateway.compose import service
from mss_gateway.config import Config, Limits, Listen
from mss_gateway.directory import passwords, people
from mss_gateway.directory.people import NewPerson, Traits
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.indexer import Indexer
from mss_gateway.life.record_indexer import RecordIndexer
from mss_gateway.queue.worker import Worker
from tests.bench.sampling import Sampler
from tests.crash import prepared

PASSWORD = "mot-de-passe-du-banc"
TOTP_SECRET = "JBSWY3DPEHPK3PXP" * 2
AUTHORS = tuple(f"claire.martin{number}@mss.example" for number in range(8))
READER = "sophie.laurent@mss.example"
"""Whose INBOX is filled."""
PATIENT = "279035121518989@patient.mss.example"
PATIENT_LETTERS = 100
"""In the patient's INBOX, for the webmail."""


def settings(state: Path, base: int) -> Config:
    """The default configuration on its own ports; only the bounds per client are wider.

    All clients of a benchmark come from one address, and 32 of them read one account.
    """
    limits = Limits(connections_per_address=2000, connections_per_account=2000)
    listen = Listen(
        submission_starttls=base + 87,
        submission_tls=base + 65,
        imap_starttls=base + 43,
        imap_tls=base + 93,
        webmail=base + 80,
        metrics=0,
    )
    return replace(Config(), base=state, limits=limits, listen=listen)


def prepare(config: Config) -> Gateway:
    """The people of the benchmarks; the gateway is left open, listening to nothing."""
    traits = Traits("Dr", "Claire", "Martin")
    everyone = [NewPerson(address, "PER", traits) for address in (*AUTHORS, READER)]
    everyone.append(NewPerson(PATIENT, "PAT", Traits("", "Dominique", "Pat-Trois")))
    gateway = prepared.prepare(config, everyone, PASSWORD)

    def give_second_factor(tx: Transaction) -> None:
        patient = people.by_address(tx, PATIENT)
        assert patient is not None
        passwords.set_totp(tx, patient.account_id, TOTP_SECRET)

    gateway.database.write(give_second_factor)
    return gateway


class _Held(Worker):
    """The worker, started by SIGUSR1 instead of by the service."""

    def start(self) -> None:
        """Wait for the signal; it comes on the main thread, between two events of the loop."""
        started = super().start
        signal.signal(signal.SIGUSR1, lambda _number, _frame: started())

    def stop(self) -> None:
        """A worker that was never let go has nothing to finish."""
        if self._thread.is_alive():
            super().stop()


class _RecordUnindexed(RecordIndexer):
    """The same for the index of the record."""

    def start(self) -> None:
        """Nothing is indexed."""


class _Unindexed(Indexer):
    """The index, left as it is."""

    def start(self) -> None:
        """Nothing is indexed; a search reads what is not."""


async def _announce(running: service.Service) -> None:
    listen = running.gateway.config.listen
    ports = {
        "submission": listen.submission_tls,
        "imap": listen.imap_tls,
        "webmail": listen.webmail,
    }
    print(json.dumps({"pid": os.getpid(), "ports": ports}), flush=True)


def main(arguments: list[str]) -> int:
    """Serve a state that :func:`prepare` made, until SIGTERM."""
    if "--hold" in arguments:
        # the two things that a benchmark changes
        vars(service).update(Worker=_Held, Indexer=_Unindexed, RecordIndexer=_RecordUnindexed)
    if "--unindexed" in arguments:
        vars(service).update(Indexer=_Unindexed, RecordIndexer=_RecordUnindexed)
    for report in (each[9:] for each in arguments if each.startswith("--sample=")):
        Sampler(Path(report)).install()
    return serve.serve(settings(Path(arguments[0]), int(arguments[1])), _announce)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
