"""Runs other people's programs while this process serves them."""

import asyncio
import os
import pty
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PROGRAM_SECONDS: Final = 90.0


async def run(
    *command: str,
    stdin: bytes = b"",
    home: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Exit code and what the program said; ``home`` keeps it away from the caller's own files.

    It gets a minute and a half, and is killed when the test is cancelled.
    """
    more = dict(environment or {})
    if home is not None:
        more |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_CACHE_HOME": str(home)}
    running = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=home,
        env={**os.environ, "LC_ALL": "C.UTF-8", **more},
    )
    try:
        output, _ = await asyncio.wait_for(running.communicate(stdin), PROGRAM_SECONDS)
    except BaseException:
        running.kill()
        await running.wait()
        raise
    assert running.returncode is not None
    return running.returncode, output.decode("utf-8", "replace")


async def must_run(
    *command: str,
    stdin: bytes = b"",
    home: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """As :func:`run` for a program that must succeed; what it said."""
    code, output = await run(*command, stdin=stdin, home=home, environment=environment)
    assert code == 0, f"{command[0]} ended with {code}:\n{output}"
    return output


async def run_on_terminal(*command: str, home: Path | None = None) -> str:
    """What a program that must succeed says when a person looks on."""
    return await asyncio.to_thread(_on_terminal, command, home)


def _on_terminal(command: tuple[str, ...], home: Path | None) -> str:
    mine, its = pty.openpty()
    try:
        with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, cwd=home) as running:
            os.close(its)
            said = b"".join(iter(lambda: _read(mine), b""))
            code = running.wait(PROGRAM_SECONDS)
    finally:
        os.close(mine)
    assert code == 0, said.decode()
    return said.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4_096)
    except OSError:  # the other end is closed: that is how a terminal ends
        return b""
