"""Drives imapflow, the IMAP client of Node.js, and does what its scripts ask for meanwhile.

It is installed by ``npm ci --prefix tests/protocol/imapflow`` (``.ci/run`` does so).
"""

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.support.programs import require_program
from tests.support.source_tree import ROOT

FOLDER: Final = ROOT / "tests" / "protocol" / "imapflow"
SECONDS: Final = 90.0

Deeds = Mapping[str, Callable[[], object]]


def require_node() -> str:
    """The path of Node.js, imapflow being installed; skips or fails as ``require_program``."""
    if not (FOLDER / "node_modules" / "imapflow").is_dir():
        require_program("imapflow, by: npm ci --prefix tests/protocol/imapflow")
    return require_program("node")


async def drive(node: str, script: str, told: Mapping[str, object], deeds: Deeds) -> dict[str, Any]:
    """Run a script of the folder; what it saw, by subject.

    It is given ``told`` on its first line of input. A line ``{"deed": …}`` of its output asks for
    that deed, done on a thread of its own; the others tell what it saw.
    """
    running = await asyncio.create_subprocess_exec(
        node,
        str(FOLDER / script),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "NODE_NO_WARNINGS": "1"},
        limit=1_000_000,
    )
    assert running.stdin is not None and running.stdout is not None and running.stderr is not None
    running.stdin.write(json.dumps(told).encode() + b"\n")
    seen: dict[str, Any] = {}
    try:
        async with asyncio.timeout(SECONDS):
            while line := await running.stdout.readline():
                said = json.loads(line)
                if "deed" in said:
                    await asyncio.to_thread(deeds[said["deed"]])
                    running.stdin.write(b"done\n")
                else:
                    seen[said["about"]] = said["what"]
            await running.wait()
    finally:
        if running.returncode is None:
            running.kill()
    errors = (await running.stderr.read()).decode()
    assert running.returncode == 0, (errors[-4_000:], seen)
    return seen
