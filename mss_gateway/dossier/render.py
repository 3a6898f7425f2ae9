"""Pictures and text of documents, made in sub-processes that own nothing.

PDF and pictures come from outside and their parsers are native code: they never run in the
gateway's process (house.md §11.16). A worker that is slow, dies or answers nonsense is killed and
replaced; the document in its hands has no picture and no text, the others do.
"""

import os
import queue
import selectors
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mss_gateway.dossier.errors import RenderFailed

_WORKER: Final = Path(__file__).with_name("render_worker.py")
_REQUEST: Final = struct.Struct("!BIIQ")
_ANSWER: Final = struct.Struct("!BQ")
_COUNT, _PICTURE, _TEXT = 1, 2, 3
_DONE: Final = 0
_WHOLE, _CUT = b"W", b"C"
_KINDS: Final = {b"P": "image/png", b"J": "image/jpeg"}
_STEP: Final = 1 << 16

MAX_INPUT: Final = 48 << 20
MAX_OUTPUT: Final = 64 << 20
MIN_WIDTH, MAX_WIDTH = 16, 2_400
REQUESTS_PER_WORKER: Final = 200
"""A worker is replaced after so many: what leaked, or was planted, goes with it."""

REQUESTS_PER_TEXT: Final = 10
"""A text counts as so many: a worker has 120 seconds of CPU in all, a text takes up to 4."""

TEXT_CHARACTERS: Final = 1 << 20
"""Characters of one document that are read."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image that a browser may show: re-encoded by us, no metadata of the original."""

    media_type: str
    content: bytes


class Renderer:
    """A few workers, started when first needed. Every method may be called from any thread."""

    def __init__(self, workers: int = 2, timeout: float = 10.0) -> None:
        self._timeout = timeout
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        self._lock = threading.Lock()
        self._running: set[_Worker] = set()
        self._is_closed = False
        for _ in range(workers):
            self._idle.put(None)

    def page_count(self, content: bytes) -> int:
        """Pages of a PDF, frames of a picture; raises RenderFailed."""
        answer = self._ask(_COUNT, 0, MIN_WIDTH, content)
        if len(answer) != 4:
            raise RenderFailed("nonsense from the worker")
        return int.from_bytes(answer, "big")

    def page(self, content: bytes, page: int, width: int) -> Picture:
        """Page ``page`` (from 0) of a PDF or picture, ``width`` pixels wide.

        A picture narrower than that keeps its size; a very long page is made smaller. Raises
        RenderFailed, also when all workers stay busy for the time that one document may take.
        """
        wide = min(max(width, MIN_WIDTH), MAX_WIDTH)
        answer = self._ask(_PICTURE, page, wide, content)
        media_type = _KINDS.get(answer[:1])
        if media_type is None:
            raise RenderFailed("nonsense from the worker")
        return Picture(media_type, answer[1:])

    def page_png(self, content: bytes, page: int, width: int) -> bytes:
        """Page ``page`` of a PDF as PNG; raises RenderFailed, for a photo too."""
        picture = self.page(content, page, width)
        if picture.media_type != "image/png":
            raise RenderFailed("not a document with pages")
        return picture.content

    def text(
        self, content: bytes, characters: int = TEXT_CHARACTERS, timeout: float | None = None
    ) -> tuple[str, bool]:
        """The text of a PDF, a form feed between pages, and whether that is all of it.

        It ends after so many characters, 500 pages or 4 seconds of CPU, whichever comes first.
        Raises RenderFailed, for a picture too, and after ``timeout`` seconds, when that is less
        than the renderer's own.
        """
        wanted = min(max(characters, 0), TEXT_CHARACTERS)
        answer = self._ask(_TEXT, 0, wanted, content, timeout)
        if answer[:1] not in (_WHOLE, _CUT):
            raise RenderFailed("nonsense from the worker")
        return answer[1:].decode("utf-8", "replace"), answer[:1] == _WHOLE

    def rest(self) -> None:
        """End the workers that have nothing to do; the next request starts one."""
        idle: list[_Worker | None] = []
        try:
            while True:
                idle.append(self._idle.get_nowait())
        except queue.Empty:
            pass
        for worker in idle:
            self._retire(worker)
            self._idle.put(None)

    def close(self) -> None:
        """Kill the workers; later calls raise RenderFailed."""
        with self._lock:
            self._is_closed = True
            running = list(self._running)
        for worker in running:
            worker.kill()

    def _ask(
        self,
        operation: int,
        page: int,
        width: int,
        content: bytes,
        timeout: float | None = None,
    ) -> bytes:
        if not 0 <= page < 1 << 31 or len(content) > MAX_INPUT:
            raise RenderFailed("no such page, or document too big")
        seconds = self._timeout if timeout is None else min(timeout, self._timeout)
        try:
            worker = self._idle.get(timeout=seconds)
        except queue.Empty as error:
            raise RenderFailed("every worker is busy") from error
        keep: _Worker | None = None
        try:
            worker = worker or self._start()
            deadline = time.monotonic() + seconds
            head = _REQUEST.pack(operation, page, width, len(content))
            worker.requests += REQUESTS_PER_TEXT if operation == _TEXT else 1
            status, answer = worker.exchange(head, content, deadline)
            keep = worker
        finally:
            if keep is None or keep.requests >= REQUESTS_PER_WORKER:
                self._retire(worker)
                keep = None
            self._idle.put(keep)
        if status != _DONE:
            raise RenderFailed("the document cannot be shown")
        return answer

    def _start(self) -> "_Worker":
        with self._lock:
            if self._is_closed:
                raise RenderFailed("closed")
            worker = _Worker()
            self._running.add(worker)
            return worker

    def _retire(self, worker: "_Worker | None") -> None:
        if worker is None:
            return
        worker.kill()
        with self._lock:
            self._running.discard(worker)


class _Worker:
    """One sub-process and its two pipes."""

    def __init__(self) -> None:
        self.requests = 0
        self._child = subprocess.Popen(
            [sys.executable, "-I", "-B", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"LC_ALL": "C.UTF-8"},
        )
        assert self._child.stdin is not None and self._child.stdout is not None
        self._sink, self._source = self._child.stdin, self._child.stdout
        os.set_blocking(self._sink.fileno(), False)
        os.set_blocking(self._source.fileno(), False)

    @property
    def pid(self) -> int:
        return self._child.pid

    def exchange(self, head: bytes, content: bytes, deadline: float) -> tuple[int, bytes]:
        """Send one request and read its answer; raises RenderFailed, and is then unusable."""
        pending = [memoryview(head), memoryview(content)]
        answer = bytearray()
        with selectors.DefaultSelector() as ready:
            ready.register(self._sink, selectors.EVENT_WRITE)
            ready.register(self._source, selectors.EVENT_READ)
            while not _is_whole(answer):
                events = ready.select(max(0.0, deadline - time.monotonic()))
                if not events:
                    raise RenderFailed("the worker is too slow")
                for key, _ in events:
                    if key.fileobj is self._source:
                        self._receive(answer)
                    elif not self._send(pending):
                        ready.unregister(self._sink)
        status, _ = _ANSWER.unpack_from(answer)
        return int(status), bytes(answer[_ANSWER.size :])

    def _send(self, pending: list[memoryview]) -> bool:
        """Write what the pipe takes; False when all is sent."""
        try:
            sent = os.write(self._sink.fileno(), pending[0])
        except BrokenPipeError as error:
            raise RenderFailed("the worker died") from error
        pending[0] = pending[0][sent:]
        while pending and not pending[0]:
            del pending[0]
        return bool(pending)

    def _receive(self, answer: bytearray) -> None:
        piece = os.read(self._source.fileno(), _STEP)
        if not piece:
            raise RenderFailed("the worker died")
        answer += piece

    def kill(self) -> None:
        """End the sub-process and reap it."""
        self._child.kill()
        self._child.wait()
        self._sink.close()
        self._source.close()


def _is_whole(answer: bytearray) -> bool:
    if len(answer) < _ANSWER.size:
        return False
    _, length = _ANSWER.unpack_from(answer)
    if length > MAX_OUTPUT or len(answer) > _ANSWER.size + length:
        raise RenderFailed("nonsense from the worker")
    return len(answer) == _ANSWER.size + int(length)
