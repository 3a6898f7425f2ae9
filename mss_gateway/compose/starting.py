"""What the machine must be like before the service starts: files, rights, and nobody else serving.

Each complaint is one line that names the key and says what to do. What only opening can tell (the
store, the keys within it) is refused by ``compose.build``.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from certs.certificate import from_pem
from certs.errors import CertsError
from mss_gateway.config import Config, ConfigRefused
from mss_gateway.observability import log

LOCK: Final = "serving.lock"
"""Held, not merely there: what a killed process left behind is nobody's."""

_EVERYBODY: Final = 0o007
_OTHERS: Final = 0o077


def check(config: Config) -> None:
    """Raise ConfigRefused with the first complaint."""
    for complaint in complaints(config):
        raise ConfigRefused(complaint)


def complaints(config: Config) -> Iterator[str]:
    """What of the files does not fit; nothing is made or changed."""
    yield from _state(config)
    yield from _tls(config)
    yield from _folders(config)
    for key, name in (
        ("tls.client_anchors", config.tls.client_anchors),
        ("tls.peer_anchors", config.tls.peer_anchors),
    ):
        if name:
            yield from _authorities(key, config.in_state(name))
    if config.whitelist.signer:
        yield from _readable("whitelist.signer", config.in_state(config.whitelist.signer))


def warn(config: Config, now: float) -> None:
    """Say of the server's certificate that it is not valid, and start all the same.

    Clients that look will not connect; but mail that is here is delivered, and who renews the
    certificate does not need to fight a service that refuses to start. ``/ready`` is degraded.
    """
    first = from_pem(config.in_state(config.tls.certificate).read_bytes())[0]
    if now > first.not_valid_after_utc.timestamp():
        log.note("server certificate has ended", state="degraded")
    elif now < first.not_valid_before_utc.timestamp():
        log.note("server certificate is not valid yet", state="degraded")


class Lock:
    """One serving process per state directory: two would each take the other's leases for dead."""

    def __init__(self, folder: Path) -> None:
        """Raises ConfigRefused when another process serves, or when nothing can be written."""
        path = folder / LOCK
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigRefused(
                f"state.directory {folder} cannot be written ({error.strerror}): give it to the"
                " account that serves, mode 0700"
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise ConfigRefused(
                f"state.directory {folder} is served by another process: stop that one first"
            ) from None

    def release(self) -> None:
        """Let another process serve."""
        os.close(self._file)


def port_refused(key: str, host: str, port: int, error: OSError) -> ConfigRefused:
    """Why a listener could not be opened, in the words of the configuration."""
    if error.errno == errno.EADDRINUSE:
        return ConfigRefused(f"listen.{key}: port {port} is taken: is another server running?")
    if error.errno == errno.EACCES:
        return ConfigRefused(
            f"listen.{key}: port {port} may not be opened: give the service CAP_NET_BIND_SERVICE,"
            " or forward the port"
        )
    return ConfigRefused(
        f"listen.host: {host} is no address of this machine: name one, or 0.0.0.0 for all"
    )


def _state(config: Config) -> Iterator[str]:
    folder = config.state_directory
    if folder.exists() and not folder.is_dir():
        yield f"state.directory {folder} is no folder: name another one"
        return
    if folder.exists() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield (
            f"state.directory {folder} cannot be written: give it to the account that serves,"
            " mode 0700"
        )
        return
    key = config.in_state(config.state.root_key)
    if key.is_dir():
        yield f"state.root_key {key} is a folder: name a file"
    elif key.exists() and (mode := key.stat().st_mode & 0o777) & _OTHERS:
        yield f"state.root_key {key} is open to others ({mode:o}): chmod 600"


def _tls(config: Config) -> Iterator[str]:
    """That certificate and key fit is told by ``compose.tls``, which loads them."""
    for name, path in (
        ("certificate", config.in_state(config.tls.certificate)),
        ("key", config.in_state(config.tls.key)),
    ):
        if not path.is_file():
            yield f"tls.{name} {path} is no file: `mss certs issue-server` makes one"
    key = config.in_state(config.tls.key)
    if key.is_file() and (mode := key.stat().st_mode & 0o777) & _EVERYBODY:
        yield f"tls.key {key} is open to everybody ({mode:o}): chmod 600"


def _folders(config: Config) -> Iterator[str]:
    for key, name in (
        ("revocation.lists", config.revocation.lists),
        ("tls.client_lists", config.tls.client_lists),
    ):
        if name and not config.in_state(name).is_dir():
            yield f"{key} {config.in_state(name)} is no folder: make it, or leave the key empty"


def _authorities(key: str, path: Path) -> Iterator[str]:
    """A file of certificates, one of which ends a path."""
    complaint = next(_readable(key, path), None)
    if complaint is not None:
        yield complaint
    elif not any(each.subject == each.issuer for each in from_pem(path.read_bytes())):
        yield f"{key} {path} holds no self-signed certificate: add the root of these authorities"


def _readable(key: str, path: Path) -> Iterator[str]:
    try:
        from_pem(path.read_bytes())
    except OSError as error:
        yield f"{key} {path} cannot be read ({error.strerror}): name a PEM file"
    except CertsError:
        yield f"{key} {path} holds no certificate in PEM: name another file"
