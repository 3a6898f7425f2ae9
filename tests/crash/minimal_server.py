"""A server and its queue, of real parts, forked ready-made so that many can be killed.

    python -m tests.crash.minimal_server

Reads a state directory and a port per line on standard input; for each it forks a child that
serves there with ``cli.serve`` (one submission port with TLS, or one MX port where the state has
the configuration of a demo, the queue's worker, no IMAP, no web)
and says ``{"pid", "threads": {name: kernel id}}`` when it answers, then ``{"ended": status}`` when
it has ended: negative for a signal. Forking spares the second that importing takes.
"""

import ctypes
import json
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

from mss_gateway import config
from mss_gateway.cli import serve
from mss_gateway.compose.service import Service
from mss_gateway.config import Certificates, Config, Identity, Listen, State

_PR_SET_PTRACER, _ANYONE = 0x59616D61, -1


def settings(state: Path, port: int) -> Config:
    """One TLS port; cheap hashes and keys, everything else as by default."""
    return replace(
        Config(),
        base=state,
        state=State(directory="."),
        listen=Listen(
            submission_starttls=0,
            submission_tls=port,
            imap_starttls=0,
            imap_tls=0,
            webmail=0,
            metrics=0,
        ),
        certificates=Certificates(key_kind="p256"),
        identity=Identity(password_memory_kib=64, password_rounds=1),
    )


def settings_between(state: Path, port: int) -> Config:
    """One MX port of an operator of the demo, and its relay; the rest as the demo has it."""
    own = config.load(state / "config.toml")
    return replace(own, listen=replace(settings(state, 0).listen, mx=port))


async def _announce(service: Service) -> None:
    # the pool's threads are born with its first work: do some, so that they can be named
    await service.gateway.bridge.run(os.getpid)
    threads = {thread.name: thread.native_id for thread in threading.enumerate()}
    # the main thread still bears the kernel id of the process it was forked from
    _say({"pid": os.getpid(), "threads": threads | {"MainThread": os.getpid()}})


def _serve(state: str, port: str) -> int:
    # where the kernel lets only a parent trace its children (yama), let strace attach here
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PTRACER, _ANYONE, 0, 0, 0)
    is_between = (Path(state) / "config.toml").exists()
    chosen = (settings_between if is_between else settings)(Path(state), int(port))
    return serve.serve(chosen, _announce)


def _say(told: dict[str, object]) -> None:
    print(json.dumps(told), flush=True)


def main() -> int:
    """Serve one state after the other."""
    for line in sys.stdin:
        state, port = line.rsplit(maxsplit=1)
        child = os.fork()
        if not child:
            os._exit(_serve(state, port))
        _, status = os.waitpid(child, 0)
        _say({"ended": os.waitstatus_to_exitcode(status)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
