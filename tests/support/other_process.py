"""A second process that writes into the store beside the server, as the operator's CLI does.

``python -m tests.support.other_process STORE ACCOUNT_ID`` does what each line of its input asks,
answers with one line of JSON after the COMMIT, and ends with its input.
"""

import asyncio
import itertools
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from mailbox_store import mailboxes, messages
from mailbox_store.database import Database, Transaction
from mailbox_store.vault import AccountId
from tests.protocol import imap_site
from tests.protocol.imap_site import LOGIN, Site, plain
from tests.support.nulls import NullSealing
from tests.support.source_tree import ROOT

FIRST_REFERENCE = 1_000_000
"""Above what the server's own process uses for its messages."""


@dataclass(slots=True)
class Other:
    """The running process, seen from the test."""

    process: asyncio.subprocess.Process

    async def ask(self, do: str, box: str, **more: Any) -> Any:
        """Do it there; what was done, once it is committed."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, "box": box, **more}).encode() + b"\n")
        line = await asyncio.wait_for(self.process.stdout.readline(), 30)
        return json.loads(line)


@asynccontextmanager
async def beside(site: Site) -> AsyncIterator[Other]:
    """Another process with the store of ``site`` open; it has ended when this is left."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.other_process",
        site.database.url,
        str(site.account_id),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Other(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 30)
    assert process.returncode == 0


def _append(site: Site, box: str, number: int) -> int:
    return site.put(plain(number), box)


def _flags(site: Site, box: str, uids: list[int], add: int) -> list[int]:
    def work(tx: Transaction) -> list[int]:
        target = mailboxes.find(tx, site.account_id, box)
        return [row[0] for row in messages.set_flags(tx, target.mailbox_id, uids, -1, add)]

    return site.database.write(work)


def _expunge(site: Site, box: str, uids: list[int]) -> list[int]:
    """Removes those of ``uids`` that are \\Deleted."""

    def work(tx: Transaction) -> list[int]:
        target = mailboxes.find(tx, site.account_id, box)
        return list(messages.expunge(tx, target.mailbox_id, uids))

    return site.database.write(work)


_DEEDS: dict[str, Callable[..., Any]] = {"append": _append, "flags": _flags, "expunge": _expunge}


def main() -> None:
    """Until the input ends."""
    url, account_id = sys.argv[1], AccountId(int(sys.argv[2]))
    imap_site._REFS = itertools.count(FIRST_REFERENCE)
    database = Database.open(url, NullSealing(), clock=lambda: imap_site.NOW)
    holder: Any = SimpleNamespace(account_id=account_id)
    unused: Any = None
    site = Site(database, unused, {LOGIN: holder}, [])
    try:
        for line in sys.stdin:
            asked = json.loads(line)
            print(json.dumps(_DEEDS[asked.pop("do")](site, **asked)), flush=True)
    finally:
        database.close()


if __name__ == "__main__":
    main()
