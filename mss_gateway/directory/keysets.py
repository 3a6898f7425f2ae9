"""The public keys of an OpenID provider (RFC 7517), fetched in the background, last good ones kept.

Nothing here runs while somebody signs in: a thread asks the provider every few minutes, and sooner
when a token names a key that nobody knows yet, but not more than once a minute. The provider's
server is believed by a file of authorities of its own, never by those of the system.
"""

import base64
import http.client
import json
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey, import_key

from mss_gateway.directory.fetching import Watch
from mss_gateway.observability import log

SET_OCTETS: Final = 256 * 1024
"""A set of keys is a few kilooctets; nobody makes us hold more than this."""

SET_KEYS: Final = 32
RSA_BITS: Final = range(2_048, 8_193)
"""Sizes of an RSA key: the least is of RFC 7518 §3.3, the most keeps a verification short."""

FETCH_SECONDS: Final = 10.0
"""For the whole of one fetch, connecting included."""

REFRESH_SECONDS: Final = 15 * 60.0
PAUSE_SECONDS: Final = 60.0
"""After each fetch, however many tokens name unknown keys."""

ALGORITHMS: Final[Mapping[str, frozenset[str]]] = {
    "RSA": frozenset({"RS256", "PS256"}),
    "EC": frozenset({"ES256"}),
    "OKP": frozenset({"EdDSA", "Ed25519"}),
}
"""Key type → the signatures believed under it. No ``none``, and nothing with a shared secret."""

_CURVES: Final = {"EC": "P-256", "OKP": "Ed25519"}


class KeySetRefused(Exception):
    """What was read is no set of keys, is too big, or could not be fetched."""


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """One public key: its name, if it has one, and what may be verified with it."""

    kid: str | None
    algorithms: frozenset[str]
    key: RSAKey | ECKey | OKPKey


KeySet = tuple[VerifyingKey, ...]


class Source(Protocol):
    """Where a set of keys is read: a file, or the provider's server."""

    def read(self) -> bytes:
        """The JSON text; raises OSError or :class:`KeySetRefused`."""


def parse(text: bytes) -> KeySet:
    """The keys of a set that we can verify with; keys of other kinds are passed over.

    Raises :class:`KeySetRefused` when the set is malformed, too big, or holds no such key.
    """
    if len(text) > SET_OCTETS:
        raise KeySetRefused("too big")
    try:
        listed = json.loads(text)["keys"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise KeySetRefused("not a set of keys") from None
    if not isinstance(listed, list) or len(listed) > SET_KEYS:
        raise KeySetRefused("not a list of keys, or too many")
    keys = tuple(key for key in map(_verifying, listed) if key is not None)
    if not keys:
        raise KeySetRefused("no key to verify with")
    return keys


def _verifying(entry: Any) -> VerifyingKey | None:
    """One entry of a set, if it is a key to verify with (RFC 7517 §4)."""
    if not isinstance(entry, dict):
        return None
    kind, kid, operations = entry.get("kty"), entry.get("kid"), entry.get("key_ops", ["verify"])
    if (
        not (isinstance(kind, str) and kind in ALGORITHMS)
        or not (kid is None or isinstance(kid, str))
        or not (isinstance(operations, list) and "verify" in operations)
        or entry.get("use", "sig") != "sig"
        or entry.get("crv") != _CURVES.get(kind)
        or "d" in entry  # a private key that was published is anybody's
    ):
        return None
    named = entry.get("alg")
    algorithms = ALGORITHMS[kind] if named is None else ALGORITHMS[kind] & {str(named)}
    try:
        if kind == "RSA" and _number(entry["n"]).bit_length() not in RSA_BITS:
            return None
        # the parameters of the key alone: what else an entry may say was looked at above
        bare = {name: entry[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in entry}
        key = import_key(bare)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if not algorithms or isinstance(key, OctKey):
        return None
    return VerifyingKey(kid, algorithms, key)


def _number(text: str) -> int:
    """A Base64urlUInt, RFC 7518 §2; raises ValueError or TypeError."""
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A set of keys in a file, which another program keeps up to date."""

    path: Path

    def read(self) -> bytes:
        """The JSON text; raises OSError."""
        with self.path.open("rb") as file:
            return file.read(SET_OCTETS + 1)


@dataclass(frozen=True, slots=True)
class KeyServer:
    """A set of keys on the provider's server, by https only: no redirection, no proxy."""

    url: str
    tls: ssl.SSLContext

    def read(self) -> bytes:
        """The JSON text; raises OSError or :class:`KeySetRefused`."""
        try:
            parts = urlsplit(self.url)
            connection = http.client.HTTPSConnection(
                parts.hostname or "", parts.port, timeout=FETCH_SECONDS, context=self.tls
            )
        except ValueError:
            raise KeySetRefused("not an address") from None
        target = parts._replace(scheme="", netloc="", fragment="").geturl()
        try:
            with Watch(connection, FETCH_SECONDS).watching():
                return _fetched(connection, target)
        except OSError:
            raise  # some are ValueErrors too
        except (http.client.HTTPException, ValueError) as error:
            raise KeySetRefused(type(error).__name__) from None


def _fetched(connection: http.client.HTTPSConnection, target: str) -> bytes:
    accepted = "application/jwk-set+json, application/json"
    connection.request("GET", target or "/", headers={"Accept": accepted})
    response = connection.getresponse()
    if response.status != http.client.OK:
        raise KeySetRefused(f"the server answered {response.status}")
    return response.read(SET_OCTETS + 1)


def private_context(ca_file: Path) -> ssl.SSLContext:
    """TLS 1.2 or better towards servers of these authorities; raises OSError (SSLError is one)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(ca_file)
    return context


class Keys:
    """The last good set of a source, kept fresh by a thread between ``start`` and ``stop``."""

    def __init__(
        self,
        source: Source,
        refresh_seconds: float = REFRESH_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._source = source
        self._refresh_seconds = refresh_seconds
        self._pause_seconds = pause_seconds
        self._current: KeySet = ()
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def current(self) -> KeySet:
        """The keys that are known now; none before the first fetch came back."""
        return self._current

    def want(self) -> None:
        """Ask for a fetch, because a key is unknown; returns at once."""
        self._wanted.set()

    def refresh(self) -> bool:
        """Fetch now; whether it brought a set. What cannot be had leaves the last good one."""
        try:
            self._current = parse(self._source.read())
        except KeySetRefused as refused:
            log.note("keys not taken", stage="authn", failure=str(refused))
        except OSError as error:
            log.note("keys not taken", stage="authn", error=type(error).__name__)
        except Exception as error:
            log.bug("keys not taken", error, stage="authn")  # nobody stands above the thread
        else:
            return True
        return False

    def start(self) -> None:
        """Begin to fetch in the background; the first fetch runs at once."""
        if self._thread is None:
            self._stopped.clear()
            self._thread = threading.Thread(target=self._run, name="openid-keys", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread; the fetch that runs, if any, is waited for."""
        if self._thread is not None:
            self._stopped.set()
            self._wanted.set()
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while not self._stopped.is_set():
            # what was asked for until now is answered by this fetch
            self._wanted.clear()
            self.refresh()
            self._stopped.wait(self._pause_seconds)
            if self._current:
                self._wanted.wait(max(0.0, self._refresh_seconds - self._pause_seconds))
