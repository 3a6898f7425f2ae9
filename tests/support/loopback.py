"""The guard that keeps the tests on this machine: loopback and AF_UNIX pass, the rest raises.

uvloop connects in C without passing through :mod:`socket`, so its loop class is guarded too.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvloop

_INTERNET = (socket.AF_INET, socket.AF_INET6)


class Refused(AssertionError):
    """A test tried to leave the machine."""


def is_loopback(host: str) -> bool:
    """Whether ``host``, a name or an address, can only be this machine."""
    if host in ("localhost", "ip6-localhost"):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def check(family: int, address: object) -> None:
    """Raise :class:`Refused` unless ``address`` of ``family`` stays on this machine."""
    if family not in _INTERNET:
        return
    host = address[0] if isinstance(address, tuple) and address else ""
    if not is_loopback(str(host)):
        raise Refused(f"only loopback in tests, not {address!r}")


def _guarded_socket_method(name: str) -> Callable[..., Any]:
    original = getattr(socket.socket, name)

    def method(self: socket.socket, *args: Any) -> Any:
        check(self.family, args[-1])  # sendto(bytes, [flags,] address): the address comes last
        return original(self, *args)

    return method


def _guarded_loop_method(name: str) -> Callable[..., Any]:
    original = getattr(uvloop.Loop, name)

    async def method(
        self: uvloop.Loop,
        protocol_factory: Any,
        host: Any = None,
        port: Any = None,
        **others: Any,
    ) -> Any:
        if host is not None:
            check(socket.AF_INET, (host, port))
        return await original(self, protocol_factory, host, port, **others)

    return method


@contextmanager
def only() -> Iterator[None]:
    """Within it, sockets of this process connect, bind and send on loopback or AF_UNIX only."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "bind", "sendto"):
            patch.setattr(socket.socket, name, _guarded_socket_method(name))
        patch.setattr(uvloop.Loop, "create_connection", _guarded_loop_method("create_connection"))
        yield
