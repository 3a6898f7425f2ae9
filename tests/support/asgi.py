"""A browser for tests, without a socket: speaks ASGI to an application, keeps cookies."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.types import ASGIApp

HOST = "messagerie.example"
EVENTS = b"text/event-stream; charset=utf-8"
_BOUNDARY = "-----limite-de-test"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes

    @property
    def text(self) -> str:
        """The body as UTF-8, character references resolved."""
        return unescape(self.content.decode())

    def header(self, name: str) -> str:
        """The value of a header, empty when absent."""
        return next((value for key, value in self.headers if key == name.lower()), "")

    @property
    def location(self) -> str:
        """Where a redirection leads."""
        return self.header("location")


@dataclass(slots=True)
class Browser:
    """One person's browser. ``fetch_site`` None is a browser that does not send Sec-Fetch-Site."""

    app: ASGIApp
    cookies: dict[str, str] = field(default_factory=dict)
    peer: str = "127.0.0.1"
    fetch_site: str | None = "same-origin"
    token: str = ""

    def get(self, path: str, **headers: str) -> Answer:
        """Fetch a page; the token of its forms is remembered."""
        answer = self.request("GET", path, headers=headers)
        found = re.search(rb'name="jeton" value="([0-9a-f]{64})"', answer.content)
        if found is not None:
            self.token = found[1].decode()
        return answer

    def post(
        self,
        path: str,
        fields: Mapping[str, str | list[str]] | None = None,
        *,
        files: tuple[tuple[str, bytes], ...] | None = None,
        with_token: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a form, as multipart when files are given."""
        sent = dict(fields or {})
        if with_token:
            sent = {"jeton": self.token, **sent}
        kind, body = "application/x-www-form-urlencoded", urlencode(sent, doseq=True).encode()
        if files is not None:
            kind, body = f"multipart/form-data; boundary={_BOUNDARY}", _multipart(sent, files)
        return self.request("POST", path, {"content-type": kind, **(headers or {})}, body)

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """One request and its answer; Set-Cookie is obeyed."""
        sent = {"host": HOST, "content-length": str(len(body)), **(headers or {})}
        if self.fetch_site is not None:
            sent.setdefault("sec-fetch-site", self.fetch_site)
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = asyncio.run(_exchange(self.app, method, path, sent, body, self.peer))
        self._keep_cookies(answer)
        return answer

    def _keep_cookies(self, answer: Answer) -> None:
        for name, value in answer.headers:
            if name == "set-cookie":
                for morsel in SimpleCookie(value).values():
                    if morsel["max-age"] == "0":
                        self.cookies.pop(morsel.key, None)
                    else:
                        self.cookies[morsel.key] = morsel.value


async def _exchange(
    app: ASGIApp, method: str, path: str, headers: Mapping[str, str], body: bytes, peer: str
) -> Answer:
    parts = urlsplit(path)
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": (peer, 50_000),
        "server": (HOST, 443),
    }
    pieces = [body[start : start + 65_536] for start in range(0, len(body), 65_536)] or [b""]
    started: dict[str, Any] = {}
    content = bytearray()
    told = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if not pieces:
            await told.wait()  # this browser stays until it has its answer, or a first event
            return {"type": "http.disconnect"}
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            started.update(message)
        else:
            content.extend(message.get("body", b""))
            if content and (b"content-type", EVENTS) in started["headers"]:
                told.set()

    await app(scope, receive, send)
    found = tuple((name.decode().lower(), value.decode()) for name, value in started["headers"])
    return Answer(started["status"], found, bytes(content))


def _multipart(
    fields: Mapping[str, str | list[str]], files: tuple[tuple[str, bytes], ...]
) -> bytes:
    lines: list[bytes] = []
    for name, value in fields.items():
        for one in [value] if isinstance(value, str) else value:
            lines += [
                f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode(),
                one.encode() + b"\r\n",
            ]
    for name, content in files:
        lines += [
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="fichiers";'
            f' filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n'.encode(),
            content + b"\r\n",
        ]
    return b"".join((*lines, f"--{_BOUNDARY}--\r\n".encode()))
