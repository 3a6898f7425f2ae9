"""The IMAP server of ``imap_site`` in a process of its own, so that its memory can be measured.

``python -m tests.support.imap_process FOLDER`` prints the port once it listens, and ends with its
input; its exit code is 1 when something unforeseen happened. Any number of connections is admitted.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from tests.protocol import imap_site
from tests.protocol.imap_site import SETTINGS, plain
from tests.support.source_tree import ROOT

PAGE_OCTETS = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Served:
    """A running server."""

    port: int
    process_id: int

    @property
    def resident_octets(self) -> int:
        """Its memory now."""
        pages = Path(f"/proc/{self.process_id}/statm").read_text("ascii").split()[1]
        return int(pages) * PAGE_OCTETS

    @property
    def processor_seconds(self) -> float:
        """The processor time that it took so far."""
        fields = Path(f"/proc/{self.process_id}/stat").read_text("ascii").rpartition(")")[2]
        return sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def served(folder: Path, messages: int) -> AsyncIterator[Served]:
    """A server over a new store with so many messages; fails if anything unforeseen happened."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.imap_process",
        str(folder),
        str(messages),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    try:
        port = int(await asyncio.wait_for(process.stdout.readline(), 60))
        yield Served(port, process.pid)
    finally:
        process.stdin.close()
        said = await asyncio.wait_for(process.stderr.read(), 60)
        await process.wait()
    assert process.returncode == 0, said.decode()[-4_000:]


async def _serve(folder: Path, messages: int) -> int:
    with imap_site.open_site(folder) as site:
        for number in range(messages):
            site.put(plain(number))
        settings = replace(SETTINGS, connections_per_address=1_000, connections_per_account=1_000)
        async with imap_site.serving(site, settings) as port:
            print(port, flush=True)
            await asyncio.to_thread(sys.stdin.read)
        for command, error in site.reported:
            print(command, repr(error), file=sys.stderr)
        return 1 if site.reported else 0


if __name__ == "__main__":
    sys.exit(uvloop.run(_serve(Path(sys.argv[1]), int(sys.argv[2]))))
