"""HTTP for what is fetched in the background: bounded in octets and seconds, to hosts allowed.

No proxy, no cookie, no compression, no credential. A redirection is followed only on the host that
was asked. Servers reached by https are believed by authorities that were handed in, never by those
of the system.
"""

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final
from urllib.parse import urljoin, urlsplit

REDIRECTIONS: Final = 2
PIECE_OCTETS: Final = 64 * 1024
VALIDATOR_OCTETS: Final = 256
"""Longest ETag or Last-Modified that is kept and sent back."""

_MOVED: Final = frozenset({301, 302, 303, 307, 308})


class Trouble(Enum):
    """Why nothing was fetched; words for a log and for the operator."""

    ADDRESS = "not an address"
    HOST = "host not allowed"
    NO_AUTHORITIES = "https without authorities"
    NO_HOST = "no such host"
    UNREACHABLE = "unreachable"
    TLS = "server not believed"
    TOO_SLOW = "too slow"
    TOO_BIG = "too big"
    CUT_SHORT = "cut short"
    NOT_HTTP = "not HTTP"
    ENCODED = "encoded"
    REDIRECTED = "redirected elsewhere"
    STATUS = "answered"


class FetchRefused(Exception):
    """Nothing was fetched; ``trouble`` says why, ``status`` what the server answered, or 0."""

    def __init__(self, trouble: Trouble, status: int = 0) -> None:
        super().__init__(f"{trouble.value} {status}" if status else trouble.value)
        self.trouble = trouble
        self.status = status


@dataclass(frozen=True, slots=True)
class Question:
    """What to fetch. ``body``: a POST of ``content_type``. ``octets``, ``seconds``: at most."""

    url: str
    accept: str
    octets: int
    seconds: float
    body: bytes | None = None
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came. ``is_unchanged``: the copy that ``etag`` or ``last_modified`` named is current."""

    body: bytes
    etag: str
    last_modified: str
    is_unchanged: bool


class Fetcher:
    """Fetches for any thread; :meth:`close` ends what is under way."""

    def __init__(self, allow: Callable[[str], bool], tls: ssl.SSLContext | None = None) -> None:
        """``allow``: whether an address may be asked. Without ``tls`` only plain http is."""
        self._allow = allow
        self._tls = tls
        self._lock = threading.Lock()
        self._watches: set[Watch] = set()
        self._closed = False

    def fetch(self, question: Question) -> Reply:
        """One answer, in ``question.seconds`` for all of it; raises :class:`FetchRefused`."""
        for _ in range(1 + REDIRECTIONS):
            if not self._allow(question.url):
                raise FetchRefused(Trouble.HOST)
            reply = self._asked(question)
            if isinstance(reply, Reply):
                return reply
            moved = _moved(question.url, reply)
            if question.body is not None or moved is None:
                break
            question = replace(question, url=moved)
        raise FetchRefused(Trouble.REDIRECTED)

    def close(self) -> None:
        """Cut off every fetch under way and refuse others."""
        with self._lock:
            self._closed = True
            watches = list(self._watches)
        for watch in watches:
            watch.cut()

    def _asked(self, question: Question) -> Reply | str:
        """A reply, or where it is said to be."""
        connection, target = self._connection(question)
        watch = Watch(connection, question.seconds)
        with self._lock:
            if self._closed:
                raise FetchRefused(Trouble.UNREACHABLE)
            self._watches.add(watch)
        try:
            with watch.watching():
                reply = _exchanged(connection, target, question)
        except (FetchRefused, OSError, http.client.HTTPException, ValueError) as error:
            if watch.is_cut:
                raise FetchRefused(Trouble.TOO_SLOW) from None
            if isinstance(error, FetchRefused):
                raise
            raise FetchRefused(_trouble(error)) from None
        else:
            if watch.is_cut:  # what looks like an end was ours
                raise FetchRefused(Trouble.TOO_SLOW)
            return reply
        finally:
            with self._lock:
                self._watches.discard(watch)

    def _connection(self, question: Question) -> tuple[http.client.HTTPConnection, str]:
        try:
            parts = urlsplit(question.url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise FetchRefused(Trouble.ADDRESS) from None
        target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=question.seconds), target
        if parts.scheme != "https":
            raise FetchRefused(Trouble.ADDRESS)
        if self._tls is None:
            raise FetchRefused(Trouble.NO_AUTHORITIES)
        secure = http.client.HTTPSConnection(
            host, port, timeout=question.seconds, context=self._tls
        )
        return secure, target


class Watch:
    """Ends an exchange that takes too long as a whole, however lively it is."""

    def __init__(self, connection: http.client.HTTPConnection, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds
        self._opened: list[socket.socket] = []
        self.is_cut = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Connect, and close in the end; raises OSError as ``connect`` does."""
        timer = threading.Timer(self._seconds, self.cut)
        timer.daemon = True
        timer.start()
        try:
            self._connection.connect()
            self._opened.append(self._connection.sock)
            yield
        finally:
            timer.cancel()
            self._connection.close()

    def cut(self) -> None:
        """Whoever waits for octets gets the end of them.

        Before the handshake is over the connection has the channel; later it may have let it go.
        """
        self.is_cut = True
        for channel in self._opened or [self._connection.sock]:
            if channel is not None:
                with contextlib.suppress(OSError):
                    channel.shutdown(socket.SHUT_RDWR)


def _exchanged(
    connection: http.client.HTTPConnection, target: str, question: Question
) -> Reply | str:
    fields = {"Accept": question.accept, "Connection": "close"}
    if question.body is not None:
        fields["Content-Type"] = question.content_type
    if question.etag:
        fields["If-None-Match"] = question.etag
    if question.last_modified:
        fields["If-Modified-Since"] = question.last_modified
    method = "GET" if question.body is None else "POST"
    connection.request(method, target, body=question.body, headers=fields)
    response = connection.getresponse()
    status, is_conditional = response.status, bool(question.etag or question.last_modified)
    etag, modified = (_validator(response, name) for name in ("ETag", "Last-Modified"))
    if status == http.client.NOT_MODIFIED and is_conditional:
        return Reply(b"", etag or question.etag, modified or question.last_modified, True)
    if status in _MOVED and (moved := response.getheader("Location")):
        return moved
    if status != http.client.OK:
        raise FetchRefused(Trouble.STATUS, status)
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise FetchRefused(Trouble.ENCODED)
    return Reply(_body(response, question.octets), etag, modified, False)


def _body(response: http.client.HTTPResponse, limit: int) -> bytes:
    announced = response.length
    if announced is not None and announced > limit:
        raise FetchRefused(Trouble.TOO_BIG)
    pieces, size = [], 0
    while piece := response.read(PIECE_OCTETS):
        size += len(piece)
        if size > limit:
            raise FetchRefused(Trouble.TOO_BIG)
        pieces.append(piece)
    if announced is not None and size != announced:
        raise FetchRefused(Trouble.CUT_SHORT)
    return b"".join(pieces)


def _validator(response: http.client.HTTPResponse, name: str) -> str:
    """A header field to send back as it is, or nothing when it is no plain short text."""
    value = response.getheader(name, "")
    is_plain = value.isascii() and value.isprintable() and len(value) <= VALIDATOR_OCTETS
    return value if is_plain else ""


def _moved(url: str, where: str) -> str | None:
    """Where a redirection leads, when that is on the same host."""
    try:
        moved = urljoin(url, where)
        return moved if urlsplit(moved).hostname == urlsplit(url).hostname else None
    except ValueError:
        return None


def _trouble(error: Exception) -> Trouble:
    match error:
        case TimeoutError():
            return Trouble.TOO_SLOW
        case ssl.SSLError():
            return Trouble.TLS
        case socket.gaierror():
            return Trouble.NO_HOST
        case http.client.IncompleteRead() | ConnectionResetError():
            return Trouble.CUT_SHORT
        case OSError():
            return Trouble.UNREACHABLE
        case _:
            return Trouble.NOT_HTTP
